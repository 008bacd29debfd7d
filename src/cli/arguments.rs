mod campaign;
mod prove;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::explain::code_named;
use crate::finding::Code;
use crate::outcome::{Fallback, IgnoreFiles, Layers, OnOtherReaders, OnRulesDiffer, Pass, Policy, ToldBuilder};
use crate::repo::{Allowed, Elsewhere};
use crate::report::Detail;

pub(super) use campaign::{
    ApplyCampaign, AuditOptions, CampaignCommand, LandCampaign, Limits, MergeCampaigns, RunCampaign, Sources,
};
pub(super) use prove::{ProveChoices, ProveOptions};

const EXAMPLES: &str = "\
Examples:
  stagefold                      show the change of the repository here
  stagefold | git apply          the same, and make it
  stagefold apply group/*        fold many repositories in place
  stagefold prove                build the image both ways with docker, and compare
  stagefold audit ~/src          tell what a fold of many repositories would come to
  stagefold explain null-script-item

The patch goes to stdout, everything else to stderr. Its paths start at the repository; where there
are several, at the current directory, or at their common folder if they lie outside of it.

Exit status: 0 done; 1 pending (--check), images differ; 2 error; 3 refused (--check), not proven";

/// The heading of the options that decide what is folded, and how.
const FOLDING: &str = "What may be folded";

/// The heading of the options that show what lies outside of the repository.
const INCLUDES: &str = "What the pipeline includes";

/// Folds a GitLab CI build job into a multistage Dockerfile, and shows the change as a diff.
#[derive(Debug, Parser)]
#[command(name = "stagefold", version, after_help = EXAMPLES, disable_help_subcommand = true)]
pub struct Arguments {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    /// Repositories, folders of repositories, or pipeline files [default: .]
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) options: Options,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show the change as a patch (the default command)
    Diff {
        /// Repositories, folders of repositories, or pipeline files [default: .]
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// Build each image the old way and the new way as well, and compare
        #[arg(long)]
        prove: bool,
        #[command(flatten)]
        how: ProveChoices,
    },
    /// Make the change in place: all files of a repository or none
    Apply {
        /// Repositories, folders of repositories, or pipeline files [default: .]
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
        #[command(flatten)]
        allow: Allow,
    },
    /// Build the image the old way and the new way, and compare
    Prove(ProveOptions),
    /// Tell what a fold of many repositories would come to; nothing is written
    #[command(after_help = campaign::AUDIT_EXAMPLES)]
    Audit(AuditOptions),
    /// Fold many repositories: look, apply or land, resume, undo
    #[command(after_help = campaign::CAMPAIGN_EXAMPLES)]
    Campaign {
        #[command(subcommand)]
        command: CampaignCommand,
    },
    /// Say what a finding means; without CODE, list them all
    Explain {
        /// The finding, such as null-script-item
        #[arg(value_parser = code_named)]
        code: Option<Code>,
    },
}

#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Allow {
    /// Write files that have uncommitted changes
    #[arg(long)]
    allow_dirty: bool,
    /// Write files that are not under version control
    #[arg(long)]
    allow_no_vcs: bool,
}

#[derive(Debug, Args)]
pub(super) struct Options {
    /// What to print: text, json, markdown, csv, html
    #[arg(long, global = true, value_enum, default_value_t = Format::Text, hide_possible_values = true)]
    pub(super) format: Format,
    /// Exit with 1 if a change is pending, with 3 if one was refused
    #[arg(long, global = true)]
    pub(super) check: bool,
    /// Accept what a `review` finding names; may be repeated
    #[arg(long, global = true, help_heading = FOLDING, value_name = "CODE", value_parser = code_named)]
    accept: Vec<Code>,
    /// How the build gets a variable; may be repeated
    ///
    /// A variable of the build job goes to the builder stage as a build argument, a secret or a secret file.
    #[arg(long = "pass", global = true, help_heading = FOLDING, value_name = "NAME=arg|secret|file", value_parser = passed)]
    passed: Vec<(String, Pass)>,
    /// Read what comes from elsewhere in this folder
    ///
    /// Nothing is fetched. A file lies at
    ///
    /// DIR/project/GROUP/PROJECT/REF/FILE (REF is HEAD where the include names none)
    /// DIR/remote/HOST/PATH
    /// DIR/template/NAME
    /// DIR/component/HOST/PATH@VERSION.yml
    #[arg(long, global = true, help_heading = INCLUDES, value_name = "DIR", verbatim_doc_comment)]
    include_dir: Option<PathBuf>,
    /// Read GitLab's own merged pipeline ("Full configuration")
    #[arg(long, global = true, help_heading = INCLUDES, value_name = "FILE")]
    pub(super) merged_yaml: Option<PathBuf>,
    /// Install dependencies in a layer of their own where that is proven to be legal
    #[arg(long, global = true, help_heading = FOLDING, value_enum, default_value_t = LayersChoice::Auto, hide_short_help = true)]
    layers: LayersChoice,
    /// Write no .dockerignore where there is none
    #[arg(long, global = true, help_heading = FOLDING, hide_short_help = true)]
    no_dockerignore: bool,
    /// Keep what package managers download in the builder
    ///
    /// The RUNs that call one get a 'RUN --mount=type=cache', where the builder is known to be BuildKit.
    #[arg(long, global = true, help_heading = FOLDING, hide_short_help = true)]
    cache_mounts: bool,
    /// A build that makes no image: check (default), keep, refuse
    #[arg(
        long,
        global = true,
        help_heading = FOLDING,
        value_enum,
        default_value_t = RulesChoice::Check,
        value_name = "HOW",
        hide_default_value = true,
        hide_possible_values = true
    )]
    on_rules_differ: RulesChoice,
    /// A build that others need: refuse (default), keep, export
    #[arg(
        long,
        global = true,
        help_heading = FOLDING,
        value_enum,
        default_value_t = ReadersChoice::Refuse,
        value_name = "HOW",
        hide_default_value = true,
        hide_possible_values = true
    )]
    on_other_readers: ReadersChoice,
    /// In the place of a refused fold: artifacts for a cache
    ///
    /// The build job uploads what the Dockerfile copies ('artifacts: paths', 'expire_in: 1 hour'), these paths leave
    /// the caches, and both jobs stay. Caches of dependencies are left alone.
    #[arg(long, global = true, help_heading = FOLDING, value_enum, value_name = "WAY", hide_possible_values = true)]
    fallback: Option<FallbackChoice>,
    /// What 'docker build' runs: buildkit, docker-legacy
    ///
    /// Without it the images and variables of the image job tell. BuildKit has secret mounts and reads
    /// '<Dockerfile>.dockerignore'; this says as well that the engine is 20.10 or later.
    #[arg(long, global = true, help_heading = FOLDING, value_enum, value_name = "NAME", hide_possible_values = true)]
    builder: Option<BuilderChoice>,
    /// Bring folded image jobs to today's recommendations
    ///
    /// Passwords by standard input, today's names of variables, and pinned releases of Docker. Each change has its finding.
    #[arg(long, global = true, help_heading = FOLDING)]
    modernize: bool,
    /// Use colours
    #[arg(long, global = true, value_enum, default_value_t = ColorChoice::Auto, value_name = "WHEN", hide_short_help = true)]
    pub(super) color: ColorChoice,
    /// Say nothing but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Say everything, notes included
    #[arg(short, long, global = true)]
    verbose: bool,
    /// How many repositories to fold at once [default: one for each processor]
    #[arg(long, global = true, value_name = "N", hide_short_help = true)]
    pub(super) jobs: Option<NonZeroUsize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// A patch on stdout, findings on stderr
    Text,
    /// One JSON document on stdout
    Json,
    /// For a merge request's description (prove), or for a report on many (audit, campaign)
    Markdown,
    /// One line for each pipeline (audit, campaign)
    Csv,
    /// One page that works offline (audit, campaign)
    Html,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LayersChoice {
    Auto,
    Off,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RulesChoice {
    /// There it builds the builder stage alone, where that can be written exactly
    Check,
    /// It stays as it is, beside the fold
    Keep,
    /// Leave both jobs alone
    Refuse,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ReadersChoice {
    /// Leave the jobs alone, and name the others
    Refuse,
    /// It stays as it is, beside the fold
    Keep,
    /// The image job publishes the files in its place
    Export,
}

/// What to offer where a fold is refused.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum FallbackChoice {
    /// Artifacts in the place of a cache
    Artifacts,
}

/// The builder behind `docker build`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum BuilderChoice {
    /// BuildKit
    Buildkit,
    /// The builder that Docker had before 23.0
    DockerLegacy,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum ColorChoice {
    Auto,
    Always,
    Never,
}

impl Arguments {
    /// Whether colours are wanted: always, never, or where the stream is fit for them.
    #[must_use]
    pub const fn wants_color(&self, is_fit: bool) -> bool {
        match self.options.color {
            ColorChoice::Auto => is_fit,
            ColorChoice::Always => true,
            ColorChoice::Never => false,
        }
    }
}

impl Options {
    pub(super) fn policy(&self) -> Policy {
        let layers = match self.layers {
            LayersChoice::Auto => Layers::Auto,
            LayersChoice::Off => Layers::Off,
        };
        let on_rules_differ = match self.on_rules_differ {
            RulesChoice::Check => OnRulesDiffer::Check,
            RulesChoice::Keep => OnRulesDiffer::Keep,
            RulesChoice::Refuse => OnRulesDiffer::Refuse,
        };
        let on_other_readers = match self.on_other_readers {
            ReadersChoice::Refuse => OnOtherReaders::Refuse,
            ReadersChoice::Keep => OnOtherReaders::Keep,
            ReadersChoice::Export => OnOtherReaders::Export,
        };
        Policy {
            accepted: self.accept.iter().copied().collect(),
            layers,
            ignore_files: if self.no_dockerignore { IgnoreFiles::Leave } else { IgnoreFiles::Write },
            cache_mounts: self.cache_mounts,
            on_rules_differ,
            on_other_readers,
            fallback: self.fallback.map(|FallbackChoice::Artifacts| Fallback::Artifacts),
            passed: self.passed.iter().cloned().collect(),
            builder: self.builder.map(|builder| match builder {
                BuilderChoice::Buildkit => ToldBuilder::BuildKit,
                BuilderChoice::DockerLegacy => ToldBuilder::DockerLegacy,
            }),
            modernize: self.modernize,
        }
    }

    pub(super) fn elsewhere(&self) -> Elsewhere {
        Elsewhere { includes: self.include_dir.clone(), merged: self.merged_yaml.clone() }
    }

    pub(super) const fn detail(&self) -> Detail {
        match (self.quiet, self.verbose) {
            (true, _) => Detail::Quiet,
            (_, true) => Detail::Verbose,
            _ => Detail::Normal,
        }
    }
}

fn variable_name(name: &str) -> Result<(), String> {
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_name && !name.starts_with(|first: char| first.is_ascii_digit()) {
        return Ok(());
    }
    Err(format!("'{name}' is not the name of a variable"))
}

/// Reads `NAME=arg`, `NAME=secret` or `NAME=file`.
fn passed(text: &str) -> Result<(String, Pass), String> {
    let (name, way) = text.split_once('=').ok_or("write it as NAME=arg, NAME=secret or NAME=file")?;
    variable_name(name)?;
    let way = match way {
        "arg" => Pass::Argument,
        "secret" => Pass::Secret,
        "file" => Pass::File,
        _ => return Err(format!("'{way}' is none of arg, secret and file")),
    };
    Ok((name.to_owned(), way))
}

impl From<&Allow> for Allowed {
    fn from(allow: &Allow) -> Self {
        Self { dirty: allow.allow_dirty, no_version_control: allow.allow_no_vcs }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use clap::{CommandFactory, Parser};

    use super::{Arguments, Command, Detail, Pass};
    use crate::finding::Code;
    use crate::outcome::Fallback;

    fn parse(line: &str) -> Arguments {
        Arguments::try_parse_from(std::iter::once("stagefold").chain(line.split_whitespace())).unwrap()
    }

    #[test]
    fn the_definition_holds() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn paths_alone_mean_diff() {
        assert_eq!(parse("a b").paths, ["a", "b"].map(PathBuf::from));
        assert_eq!(parse("a diff").paths, ["a", "diff"].map(PathBuf::from));
        assert!(
            matches!(parse("--check diff a").command, Some(Command::Diff { paths, .. }) if paths == [PathBuf::from("a")])
        );
        assert!(parse("").command.is_none());
    }

    #[test]
    fn options_may_stand_on_both_sides_of_the_command() {
        for line in [
            "-v --accept null-script-item diff .",
            "diff . --accept null-script-item -v",
            "--accept null-script-item .",
        ] {
            let options = parse(line).options;
            assert_eq!(options.policy().accepted, [Code::NullScriptItem].into(), "{line}");
            assert_eq!(options.detail() == Detail::Verbose, line.contains("-v"));
        }
    }

    #[test]
    fn variables_are_passed_by_their_names() {
        let policy = parse("--pass A=arg diff . --pass B_1=file --pass A=secret").options.policy();
        assert_eq!(policy.passed, [("A".to_owned(), Pass::Secret), ("B_1".to_owned(), Pass::File)].into());
    }

    #[test]
    fn a_fallback_is_only_taken_where_it_is_asked_for() {
        assert_eq!(parse(".").options.policy().fallback, None);
        assert_eq!(parse("--fallback artifacts .").options.policy().fallback, Some(Fallback::Artifacts));
    }

    #[test]
    fn what_makes_no_sense_is_a_usage_error() {
        for line in [
            "--accept no-such-code",
            "--jobs 0",
            "-q -v",
            "explain nul-script-item",
            "--format yaml",
            "--pass A",
            "--pass A=b",
            "--pass 1=arg",
            "--fallback cache",
        ] {
            let arguments = std::iter::once("stagefold").chain(line.split_whitespace());
            assert_eq!(Arguments::try_parse_from(arguments).unwrap_err().exit_code(), 2, "{line}");
        }
    }
}
