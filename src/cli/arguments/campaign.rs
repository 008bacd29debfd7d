use std::num::{NonZeroU32, NonZeroU64};
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{Allow, ProveChoices};
use crate::campaign::{CloneBy, Shard, ShardError};

/// The heading of the options that say which repositories are meant.
const REPOSITORIES: &str = "Which repositories";

/// The heading of the options that say what one of them may cost.
const LIMITS: &str = "What each may cost";

/// The heading of the options that go on with a campaign.
const GOING_ON: &str = "Going on with a campaign";

/// The heading of the options of proofs, which `prove` has as well.
const PROVING: &str = "How it is proven";

/// What a newcomer with a group of projects types first.
pub(super) const AUDIT_EXAMPLES: &str = "\
Examples:
  stagefold audit ~/src                    every repository below a folder
  stagefold audit --format html > a.html   the same as one page: search, filter, every diff
  glab api \"groups/G/projects?include_subgroups=true&per_page=100\" --paginate | stagefold audit --from -";

/// One campaign from its beginning to its end.
pub(super) const CAMPAIGN_EXAMPLES: &str = "\
Examples:
  stagefold campaign run --from projects.json     look at all of them; none is touched
  stagefold campaign report --format html > c.html
  stagefold campaign land --draft --limit 5       push five branches with draft merge requests
  stagefold campaign status                       what is open, landed, closed, failed
  stagefold campaign run ~/src && stagefold campaign apply    write in place; 'undo' takes it back";

/// The heading of the options that say how a branch becomes a merge request.
const MERGE_REQUEST: &str = "The merge request";

/// How a file of sources is told among them.
const FROM: &str = "--from=";

/// How it is told that they are cloned over HTTP.
const BY_HTTP: &str = "--clone-by=https";

/// The repositories that are meant.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = REPOSITORIES)]
pub(in crate::cli) struct Sources {
    /// Repositories, bare ones too, folders of repositories, or addresses that git can clone [default: .]
    #[arg(value_name = "PATH|URL")]
    pub(in crate::cli) paths: Vec<String>,
    /// Read more of them from a file, or from standard input (-)
    ///
    /// One path or address on each line, or the JSON that 'glab' or GitLab's API prints for the projects of a group. Empty
    /// lines and those that begin with # are left out, and so are projects that are archived or empty.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) from: Vec<PathBuf>,
    /// Take this part of the repositories alone, such as 2/8
    ///
    /// Which part one belongs to is told by its name alone. In a GitLab job with 'parallel: N', CI_NODE_INDEX and
    /// CI_NODE_TOTAL say it without this option.
    #[arg(long, value_name = "I/N")]
    pub(in crate::cli) shard: Option<String>,
    /// The address to clone by, where GitLab's list has both
    #[arg(long, value_name = "HOW", value_enum, default_value_t)]
    pub(in crate::cli) clone_by: CloneByChoice,
}

/// Which address of a project git is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum CloneByChoice {
    /// That of SSH, for the user's keys
    #[default]
    Ssh,
    /// That of HTTP, for git's credential helpers and the tokens of jobs
    Https,
}

impl From<CloneByChoice> for CloneBy {
    fn from(choice: CloneByChoice) -> Self {
        match choice {
            CloneByChoice::Ssh => Self::Ssh,
            CloneByChoice::Https => Self::Http,
        }
    }
}

impl Sources {
    /// The same as words of the command line, which the campaign keeps.
    pub(in crate::cli) fn told(&self) -> Vec<String> {
        let from = self.from.iter().map(|file| format!("{FROM}{}", file.display()));
        let by_http = (self.clone_by == CloneByChoice::Https).then(|| BY_HTTP.to_owned());
        by_http.into_iter().chain(from).chain(self.paths.iter().cloned()).collect()
    }

    /// These, or those that were told to the campaign before where these name none.
    pub(in crate::cli) fn or(&self, told: &[String]) -> Self {
        if !self.paths.is_empty() || !self.from.is_empty() {
            return self.clone();
        }
        let (from, paths): (Vec<_>, Vec<_>) = told.iter().partition(|word| word.starts_with(FROM));
        let from = from.into_iter().filter_map(|word| word.strip_prefix(FROM)).map(PathBuf::from).collect();
        let (by_http, paths): (Vec<_>, Vec<_>) = paths.into_iter().partition(|word| *word == BY_HTTP);
        let clone_by = if by_http.is_empty() { self.clone_by } else { CloneByChoice::Https };
        Self { paths: paths.into_iter().cloned().collect(), from, shard: self.shard.clone(), clone_by }
    }

    /// The part of the projects that is meant: what is asked for, or what GitLab says to a job with `parallel`.
    pub(in crate::cli) fn shard(&self) -> Result<Option<Shard>, String> {
        match &self.shard {
            Some(shard) => shard.parse().map(Some).map_err(|error: ShardError| error.to_string()),
            None => {
                let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
                let (index, count) = (variable("CI_NODE_INDEX"), variable("CI_NODE_TOTAL"));
                let shard = count.and_then(|count| Shard::of_ci(index.as_deref(), Some(&count))).transpose();
                shard.map_err(|error| format!("CI_NODE_INDEX and CI_NODE_TOTAL: {error}"))
            }
        }
    }
}

/// What one repository may cost.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = LIMITS)]
pub(in crate::cli) struct Limits {
    /// The most seconds to look at one repository
    #[arg(long, value_name = "SECONDS", default_value_t = NonZeroU64::new(60).unwrap_or(NonZeroU64::MIN))]
    pub(in crate::cli) time_limit: NonZeroU64,
    /// The most memory to look at one repository, in MiB
    #[arg(long, value_name = "MIB", default_value_t = NonZeroU64::new(1024).unwrap_or(NonZeroU64::MIN))]
    pub(in crate::cli) memory_limit: NonZeroU64,
    /// The most seconds that git may take to clone or fetch
    #[arg(long, value_name = "SECONDS", default_value_t = NonZeroU64::new(120).unwrap_or(NonZeroU64::MIN))]
    pub(in crate::cli) git_time_limit: NonZeroU64,
}

/// Where a campaign lives.
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct CampaignFolder {
    /// The folder of the campaign
    #[arg(long, value_name = "DIR", default_value = "stagefold-campaign")]
    pub(in crate::cli) dir: PathBuf,
}

/// What is looked at, without a campaign.
#[derive(Debug, Args)]
pub(in crate::cli) struct AuditOptions {
    #[command(flatten)]
    pub(in crate::cli) sources: Sources,
    #[command(flatten)]
    pub(in crate::cli) limits: Limits,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum CampaignCommand {
    /// Look at every repository, and keep what a fold would change; none is touched
    Run(RunCampaign),
    /// Tell what the folds come to, in any format
    Report {
        #[command(flatten)]
        folder: CampaignFolder,
    },
    /// Write the folds in the folders of their repositories
    Apply(ApplyCampaign),
    /// Put back, byte for byte, what 'apply' has written
    Undo {
        #[command(flatten)]
        folder: CampaignFolder,
    },
    /// Push a branch with the fold of each repository, and ask GitLab for a merge request
    Land(LandCampaign),
    /// Tell how far each repository is: folded, applied, open, landed, closed, failed
    Status {
        #[command(flatten)]
        folder: CampaignFolder,
        /// Do not ask the remotes what became of the branches
        #[arg(long)]
        offline: bool,
    },
    /// Take back the branches that are open, and with them their merge requests
    Close {
        #[command(flatten)]
        folder: CampaignFolder,
    },
    /// Make one campaign of the shards of one
    Merge(MergeCampaigns),
    /// Look at repositories that standard input names; 'run' and 'audit' start this themselves
    #[command(hide = true)]
    Worker,
}

/// How repositories are looked at.
#[derive(Debug, Args)]
pub(in crate::cli) struct RunCampaign {
    #[command(flatten)]
    pub(in crate::cli) folder: CampaignFolder,
    #[command(flatten)]
    pub(in crate::cli) sources: Sources,
    #[command(flatten)]
    pub(in crate::cli) limits: Limits,
    /// Go on with the campaign in the folder: what is done and has not changed is left out
    ///
    /// Without a PATH, the campaign's own are taken again.
    #[arg(long, help_heading = GOING_ON)]
    pub(in crate::cli) resume: bool,
    /// Go on with it as --resume does, and look again at what failed
    #[arg(long, help_heading = GOING_ON)]
    pub(in crate::cli) retry: bool,
    /// Look again at what failed, and at nothing else
    #[arg(long, conflicts_with_all = ["resume", "retry"], help_heading = GOING_ON)]
    pub(in crate::cli) only_failed: bool,
    /// Build each image the old way and the new way as well, and compare
    #[arg(long, help_heading = PROVING)]
    pub(in crate::cli) prove: bool,
    #[command(flatten)]
    pub(in crate::cli) how: ProveChoices,
}

/// What is written in place.
#[derive(Debug, Args)]
pub(in crate::cli) struct ApplyCampaign {
    #[command(flatten)]
    pub(in crate::cli) folder: CampaignFolder,
    #[command(flatten)]
    pub(in crate::cli) allow: Allow,
}

/// What is pushed, and how.
#[derive(Debug, Args)]
pub(in crate::cli) struct LandCampaign {
    #[command(flatten)]
    pub(in crate::cli) folder: CampaignFolder,
    /// The branch to push
    #[arg(long, value_name = "NAME", default_value = "stagefold/multistage", help_heading = MERGE_REQUEST)]
    pub(in crate::cli) branch: String,
    /// The branch to merge into [default: the default branch of each repository]
    #[arg(long, value_name = "NAME", help_heading = MERGE_REQUEST)]
    pub(in crate::cli) target: Option<String>,
    /// The title of the commit and of the merge request
    ///
    /// {repository}, {jobs}, {images} and {via} stand for what is folded.
    #[arg(long, value_name = "TEXT", help_heading = MERGE_REQUEST)]
    pub(in crate::cli) title: Option<String>,
    /// Read the rest of the commit's message from a file, with the same words and {report}
    #[arg(long, value_name = "FILE", help_heading = MERGE_REQUEST)]
    pub(in crate::cli) message: Option<PathBuf>,
    /// A label of the merge request; may be repeated
    #[arg(long = "label", value_name = "LABEL", help_heading = MERGE_REQUEST)]
    pub(in crate::cli) labels: Vec<String>,
    /// Another push option of GitLab, such as merge_request.assign=ada; may be repeated
    #[arg(long = "push-option", value_name = "OPTION", help_heading = MERGE_REQUEST)]
    pub(in crate::cli) push_options: Vec<String>,
    /// Mark the merge requests as drafts
    #[arg(long, help_heading = MERGE_REQUEST)]
    pub(in crate::cli) draft: bool,
    /// Push the branches alone, to remotes that know no push options
    #[arg(long, help_heading = MERGE_REQUEST)]
    pub(in crate::cli) no_merge_request: bool,
    /// Push this many branches at most, and leave the others for another time [default: all]
    #[arg(long, value_name = "N")]
    pub(in crate::cli) limit: Option<NonZeroU32>,
    /// Push this many branches an hour at most [default: as many as there are]
    #[arg(long, value_name = "N")]
    pub(in crate::cli) rate: Option<NonZeroU32>,
    /// Try again what failed, and nothing else
    #[arg(long)]
    pub(in crate::cli) only_failed: bool,
    /// The most seconds that git may take for one command
    #[arg(long, value_name = "SECONDS", default_value_t = NonZeroU64::new(120).unwrap_or(NonZeroU64::MIN))]
    pub(in crate::cli) git_time_limit: NonZeroU64,
}

/// What becomes one campaign.
#[derive(Debug, Args)]
pub(in crate::cli) struct MergeCampaigns {
    /// The folders of the shards
    #[arg(value_name = "SHARD", required = true)]
    pub(in crate::cli) shards: Vec<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) folder: CampaignFolder,
}
