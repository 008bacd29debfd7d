//! What becomes of the first of two Dockerfiles when its stages go in front of those of the second.
//!
//! Its last stage gets a name, stages whose names the other file has get others, and what only tells how the first image is
//! to be run goes. Whatever both files or both builds say of one name must be the same (BuildKit: an `ARG` before the first
//! `FROM` is the default of every bare `ARG` of that name).

use std::collections::BTreeSet;

use super::stage_names;
use crate::docker::Stages;
use crate::finding::Location;
use crate::handoff::{DockerCp, ImageBuild};
use crate::syntax::dockerfile::{Arguments, Directive, DirectiveKind, Instruction, Keyword};
use crate::text::{Span, TextEdit};

/// Options of the first build that say nothing of what it makes, or that its stages need no longer.
const OF_FIRST_IMAGE: [&str; 16] = [
    "-f",
    "-q",
    "-t",
    "--cache-from",
    "--compress",
    "--file",
    "--force-rm",
    "--label",
    "--load",
    "--progress",
    "--pull",
    "--quiet",
    "--rm",
    "--squash",
    "--tag",
    "--target",
];

/// Build arguments that every build has (Dockerfile reference: predefined ARGs).
const PREDEFINED: [&str; 5] = ["all_proxy", "ftp_proxy", "http_proxy", "https_proxy", "no_proxy"];

/// Instructions that only tell how an image is run.
const OF_RUNNING: [Keyword; 6] =
    [Keyword::Cmd, Keyword::Entrypoint, Keyword::Expose, Keyword::Healthcheck, Keyword::Label, Keyword::Stopsignal];

/// Whether both images are built from one Dockerfile, so that its stages are there already.
pub(super) fn is_one_file(found: &DockerCp) -> bool {
    found.first.source.path() == found.second.source.path()
}

/// The stages that the first image is made of.
fn own_stages(build: &ImageBuild) -> BTreeSet<usize> {
    build.target.map(|target| build.stages.reachable(target)).unwrap_or_default()
}

/// The stage that an instruction belongs to; `None` for one in front of all.
fn stage_of(stages: &Stages, instruction: usize) -> Option<usize> {
    stages.stages.iter().position(|stage| (stage.from..stage.end).contains(&instruction))
}

/// Whether an `ARG` of this name stands in one of the stages that `is_meant`, or in front of all.
fn declares(build: &ImageBuild, is_meant: impl Fn(usize) -> bool, name: &str) -> bool {
    build.dockerfile.instructions.iter().enumerate().any(|(index, instruction)| {
        let is_named = arguments(instruction).iter().any(|(declared, _)| *declared == name);
        is_named && stage_of(&build.stages, index).is_none_or(&is_meant)
    })
}

/// The names that an `ARG` declares, each with its default.
fn arguments(instruction: &Instruction) -> Vec<(&str, Option<&str>)> {
    match &instruction.arguments {
        Arguments::KeyValues(pairs) if instruction.keyword == Keyword::Arg => {
            pairs.iter().map(|pair| (pair.name.text(), pair.value.as_ref().map(|value| value.text()))).collect()
        }
        _ => Vec::new(),
    }
}

/// The `ARG`s in front of the first `FROM`.
fn globals(build: &ImageBuild) -> impl Iterator<Item = &Instruction> {
    let before = build.dockerfile.instructions.iter().take_while(|instruction| instruction.keyword != Keyword::From);
    before.filter(|instruction| instruction.keyword == Keyword::Arg)
}

/// The options that the second build needs, so that it builds the stages of the first as that did.
///
/// # Errors
/// Why no options do that, as a sentence.
pub(super) fn options_to_add(found: &DockerCp) -> Result<Vec<String>, String> {
    let (first, second) = (&found.first, &found.second);
    let own = own_stages(first);
    let in_first = |name: &str| declares(first, |stage| own.contains(&stage), name);
    let in_second = |name: &str| declares(second, |stage| !is_one_file(found) || !own.contains(&stage), name);
    let name_of = |value: &Option<String>| {
        let text = value.as_deref().unwrap_or_default().trim_matches(['"', '\'']);
        text.split('=').next().unwrap_or_default().to_owned()
    };
    let is_argument = |option: &&(String, Option<String>)| option.0 == "--build-arg";
    let mut added = Vec::new();
    let (ours, theirs) = (&first.command.options, &second.command.options);
    let same_in = |options: &[(String, Option<String>)], option: &(String, Option<String>)| options.contains(option);
    for option in ours.iter().filter(|option| !OF_FIRST_IMAGE.contains(&option.0.as_str()) && !same_in(theirs, option))
    {
        let (name, value) = option;
        let written = value.as_ref().map_or_else(|| name.clone(), |value| format!("{name} {value}"));
        match name.as_str() {
            "--build-arg" => {
                let argument = name_of(value);
                let is_predefined = PREDEFINED.contains(&argument.to_lowercase().as_str());
                if !is_predefined && !in_first(&argument) {
                    continue;
                }
                if theirs.iter().filter(is_argument).any(|(_, other)| name_of(other) == argument) {
                    return Err(format!("the two builds give the build argument {argument} different values"));
                }
                if is_predefined || in_second(&argument) {
                    return Err(format!("the build argument {argument} would also reach the second image"));
                }
                added.push(written);
            }
            "--secret" | "--ssh" if !second.command.has_option(name) => added.push(written),
            "--no-cache" => added.push(written),
            _ => return Err(format!("the first build has the option {name}, which the second one does not get")),
        }
    }
    let reaches_first = |option: &&(String, Option<String>)| !same_in(ours, option) && in_first(&name_of(&option.1));
    if let Some((_, value)) = theirs.iter().filter(is_argument).find(reaches_first) {
        let argument = name_of(value);
        return Err(format!("the build argument {argument} of the second build would also reach the builder stage"));
    }
    environment(found).map(|()| added)
}

/// What stands in front of the two commands must be the same, but for BuildKit, which every engine of today has.
fn environment(found: &DockerCp) -> Result<(), String> {
    let (first, second) = (&found.first.command.environment, &found.second.command.environment);
    let only_first = first.iter().find(|pair| !second.contains(pair));
    let is_buildkit = |pair: &&(String, Option<String>)| pair.0 == "DOCKER_BUILDKIT" && pair.1.as_deref() == Some("1");
    let only_second = second.iter().find(|pair| !first.contains(pair) && !is_buildkit(pair));
    match only_first.or(only_second) {
        Some((name, _)) => Err(format!("{name} is set for one of the two builds alone")),
        None => Ok(()),
    }
}

/// What the two files say in different ways, each with its place in the first.
pub(super) fn disagreements(found: &DockerCp) -> Vec<(Location, &'static str)> {
    if is_one_file(found) {
        return Vec::new();
    }
    let (first, second) = (&found.first, &found.second);
    let at = |span: Span| Location::new(&first.source, span);
    let directives = first.dockerfile.directives.iter().filter(|directive| {
        directive.kind != DirectiveKind::Syntax && !has_directive(second, directive)
            || second.dockerfile.directives.iter().any(|own| own.kind == directive.kind && own.value != directive.value)
    });
    let directives = directives.map(|directive| (at(directive.span), "the other Dockerfile has not this directive"));
    let is_agreed = |argument: &Instruction| {
        let own = arguments(argument);
        own.iter().all(|(name, _)| !second.stages.declared.contains(*name)) || is_repeated(second, argument)
    };
    let ours = globals(first).filter(|argument| !is_agreed(argument)).map(|argument| {
        (at(argument.span), "an ARG of this name is in the other Dockerfile too, and it would get this default")
    });
    let theirs = globals(second).filter(|argument| {
        let is_ours = arguments(argument).iter().any(|(name, _)| first.stages.declared.contains(*name));
        is_ours && !is_repeated(first, argument)
    });
    let theirs = theirs.map(|argument| {
        let location = Location::new(&second.source, argument.span);
        (location, "an ARG of this name is in the other Dockerfile too, and it would get this default")
    });
    directives.chain(ours).chain(theirs).collect()
}

/// Whether the other Dockerfile has the same `ARG` in front of its first `FROM`.
fn is_repeated(other: &ImageBuild, argument: &Instruction) -> bool {
    globals(other).any(|own| arguments(own) == arguments(argument))
}

fn has_directive(build: &ImageBuild, directive: &Directive) -> bool {
    build.dockerfile.directives.iter().any(|own| own.kind == directive.kind && own.value == directive.value)
}

/// The stages of the first Dockerfile as they go into the second.
pub(super) struct Joined {
    /// The parser directives that the second does not have, and that must be its first lines.
    pub(super) directives: String,
    /// The text of the stages, with the `ARG`s in front of them.
    pub(super) stages: String,
    /// The name of the stage that made the first image.
    pub(super) name: String,
    /// How many stages these are.
    pub(super) count: usize,
}

impl Joined {
    /// Joins the two; `None` where an instruction of the first is not well formed.
    pub(super) fn of(found: &DockerCp) -> Option<Self> {
        let (first, second) = (&found.first, &found.second);
        let target = first.target?;
        let stage = first.stages.stages.get(target)?;
        if is_one_file(found) {
            let (directives, stages) = (String::new(), String::new());
            return Some(Self { directives, stages, name: stage.name.clone()?, count: 0 });
        }
        let renamed = renamed(&first.stages, &second.stages);
        let name = match &stage.name {
            Some(name) => {
                renamed.iter().find(|(old, _)| old == name).map_or_else(|| name.clone(), |(_, new)| new.clone())
            }
            None => stage_names::beside(&first.stages, &second.stages),
        };
        let text = first.source.text();
        let mut edit = TextEdit::builder();
        let mut directives = String::new();
        for directive in &first.dockerfile.directives {
            if !has_directive(second, directive) {
                directives.push_str(directive.span.slice(text));
                directives.push('\n');
            }
            edit.delete(directive.span);
        }
        for argument in globals(first).filter(|argument| is_repeated(second, argument)) {
            edit.delete(argument.owned_span());
        }
        let own = first.dockerfile.instructions.iter().enumerate().take(stage.end);
        for (index, instruction) in own {
            if index == stage.from && stage.name.is_none() {
                edit.extend(first.dockerfile.name_stage(instruction, &name)?);
            }
            if index >= stage.from && OF_RUNNING.contains(&instruction.keyword) {
                edit.delete(instruction.owned_span());
            }
            for (span, name) in stage_references(instruction) {
                if let Some((_, new)) = renamed.iter().find(|(old, _)| *old == name.to_lowercase()) {
                    edit.replace(span, new.clone());
                }
            }
        }
        // What comes behind the stage is of no use to the second image.
        if let Some(next) = first.dockerfile.instructions.get(stage.end) {
            edit.delete(Span::new(next.owned_span().start(), text.len()));
        }
        let stages = edit.finish().ok()?.apply(text)?;
        let stages = stages.trim_start_matches('\u{feff}').trim().replace("\r\n", "\n");
        Some(Self { directives, stages, name, count: target + 1 })
    }
}

/// The names of first stages that the second Dockerfile uses too, each with the one that it gets.
fn renamed(first: &Stages, second: &Stages) -> Vec<(String, String)> {
    let taken: Vec<_> = second.taken_names().collect();
    let names = first.stages.iter().filter_map(|stage| stage.name.clone());
    let clashing = names.filter(|name| taken.contains(name)).collect::<Vec<_>>();
    let all: Vec<_> = taken.into_iter().chain(first.taken_names()).collect();
    let free = |name: &String| {
        let numbered = (2..).map(|number| format!("{name}-build-{number}"));
        let mut names = std::iter::once(format!("{name}-build")).chain(numbered);
        names.find(|name| !all.contains(name)).unwrap_or_default()
    };
    clashing.into_iter().map(|name| (name.clone(), free(&name))).collect()
}

/// Where an instruction names stages: its own, and those that it starts from or takes files of.
fn stage_references(instruction: &Instruction) -> Vec<(Span, String)> {
    let from = instruction.from();
    let own = from.iter().flat_map(|view| [Some(view.image), view.name]).flatten();
    let own = own.map(|word| (word.span, word.text().to_owned()));
    let flags = instruction.flags.iter().filter(|flag| flag.name == "from").filter_map(|flag| flag.value.as_ref());
    let flags = flags.map(|word| (word.span, word.text().to_owned()));
    let mounts = instruction.mounts();
    let mounted = mounts.iter().filter_map(|mount| mount.from()).map(|word| (word.span, word.text().to_owned()));
    own.chain(flags).chain(mounted).collect()
}
