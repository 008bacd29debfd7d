//! What becomes of the first of two Dockerfiles when its stages go in front of those of the second.
//!
//! Its last stage gets a name, stages whose names the other file has get others, and what only tells how the first image is
//! to be run goes. Whatever both files or both builds say of one name must be the same (BuildKit: an `ARG` before the first
//! `FROM` is the default of every bare `ARG` of that name).

mod arguments;
mod contexts;
mod platform;

use arguments::{RenamedArgument, globals, is_repeated};

use super::container_command;
use super::situation::secret_mounts;
use super::stage_names;
use super::widening::source_below;
use crate::docker::{Base, BuildCommand, SecretMounts, Stage, Stages, WiderCommand};
use crate::finding::Location;
use crate::gitlab::Pipeline;
use crate::handoff::{DockerCp, ImageBuild};
use crate::outcome::Policy;
use crate::source::Repository;
use crate::syntax::dockerfile::{Directive, DirectiveKind, Instruction, Keyword};
use crate::text::{RepositoryPath, Span, TextEdit, TextEditBuilder};

pub(super) use contexts::Contexts;
pub(super) use platform::Platform;

/// Instructions that only tell how an image is run.
const OF_RUNNING: [Keyword; 6] =
    [Keyword::Cmd, Keyword::Entrypoint, Keyword::Expose, Keyword::Healthcheck, Keyword::Label, Keyword::Stopsignal];

/// Why a first image that is used otherwise cannot be built from its stage, where the second build makes that anew.
const TWICE: &str = "the two builds may have no cache in common, and would make the files twice";

/// Whether both images are built from one Dockerfile, so that its stages are there already.
pub(super) fn is_one_file(found: &DockerCp) -> bool {
    found.first.source.path() == found.second.source.path()
}

/// Two Dockerfiles that become one, and what that asks for beside the text of their stages.
pub(super) struct Joining<'a> {
    pub(super) found: &'a DockerCp,
    /// The build context of both; why there is none, as a sentence without a full stop.
    pub(super) contexts: Result<Contexts, String>,
    /// What the `ARG`s of the first Dockerfile are called then, where they cannot keep their names.
    renamed: Vec<RenamedArgument>,
    /// The platform of the first stages; why it would be another one, as a sentence.
    pub(super) platform: Result<Platform, &'static str>,
    /// Whether the second build is BuildKit's for certain.
    has_buildkit: bool,
}

impl<'a> Joining<'a> {
    pub(super) fn of(repository: &dyn Repository, pipeline: &Pipeline, policy: &Policy, found: &'a DockerCp) -> Self {
        let job = pipeline.job(&found.consumer);
        let mounts = job.map(|job| secret_mounts(job, &found.script, &found.second, policy.builder));
        let has_buildkit = mounts.is_some_and(|mounts| mounts != SecretMounts::None);
        let contexts = Contexts::of(repository, found, has_buildkit);
        let renamed = arguments::renamed(found, has_buildkit);
        Self { found, contexts, renamed, platform: Platform::of(job, found, has_buildkit), has_buildkit }
    }

    /// The build of the first image as it goes on, where something uses that image: its stage of the joined Dockerfile.
    ///
    /// # Errors
    /// Why that would be another image, or cannot be written, as a sentence without a full stop.
    pub(super) fn first_command(&self) -> Option<Result<WiderCommand, String>> {
        let found = self.found;
        if !found.keeps_first() {
            return None;
        }
        let command = &found.first.command;
        let has = |option: &str| command.has_option(option);
        let reason = if found.containers.iter().any(|container| container.runs) {
            Some("what runs in its container would be in the image as well")
        } else if has("--no-cache") || found.second.command.has_option("--no-cache") {
            Some("it would be built twice, without a cache")
        } else if command.builder != found.second.command.builder
            || command.option("--builder") != found.second.command.option("--builder")
            || command.environment != found.second.command.environment
            || self.loses_cache()
        {
            Some(TWICE)
        } else if has("-o") || has("--output") {
            Some("the build writes files instead of an image")
        } else if !self.contexts.as_ref().is_ok_and(Contexts::is_unchanged) {
            Some("the two builds have different contexts or ignore files")
        } else if !self.renamed.is_empty() {
            Some("its build arguments get other names")
        } else {
            None
        };
        if let Some(reason) = reason {
            return Some(Err(reason.to_owned()));
        }
        if is_one_file(found) {
            return None;
        }
        let name = Joined::of(self).map(|joined| joined.name)?;
        let text = found.script.items.get(command.item).and_then(|item| item.text.as_deref()).unwrap_or_default();
        let written = command.for_stage_of(found.second.source.path(), &name, text);
        Some(written.map_err(str::to_owned))
    }

    /// Whether a step between the two builds may take the cache away, or another builder.
    fn loses_cache(&self) -> bool {
        let (first, second) = (self.found.first.command.step, self.found.second.command.step);
        let mut steps = self.found.script.walk.steps.iter().take(second).skip(first);
        steps.any(|step| {
            let has = |word: &str| step.words.iter().any(|own| own.text() == Some(word));
            has("prune") || has("buildx") && ["create", "rm", "stop", "use"].into_iter().any(has)
        })
    }

    /// The build commands that change, each with what is written in the place of which bytes of its item.
    pub(super) fn commands(&self) -> Vec<(&BuildCommand, Vec<(Span, String)>)> {
        let second = &self.found.second.command;
        let options = self.options_to_add().unwrap_or_default();
        let wider = self.contexts.as_ref().ok().and_then(|contexts| contexts.second.as_ref());
        let changes = match wider {
            Some((_, wider)) => wider.changes(&options),
            None => vec![(
                Span::at(second.options_at),
                options.iter().map(|option| format!(" {option}")).collect::<String>(),
            )],
        };
        let first = self.first_command().and_then(Result::ok);
        let first = first.map(|first| (&self.found.first.command, first.changes(&[])));
        first.into_iter().chain([(second, changes)]).collect()
    }

    /// The options that the second build needs, so that it builds the stages of the first as that did.
    ///
    /// # Errors
    /// Why no options do that, as a sentence.
    pub(super) fn options_to_add(&self) -> Result<Vec<String>, String> {
        arguments::options_to_add(self.found, &self.renamed, self.has_buildkit)
    }
}

/// What the two files say in different ways, each with its place in the first.
pub(super) fn disagreements(joining: &Joining<'_>) -> Vec<(Location, &'static str)> {
    let found = joining.found;
    if is_one_file(found) {
        return Vec::new();
    }
    let is_kept = |name: &str| !joining.renamed.iter().any(|argument| argument.is(name));
    let (first, second) = (&found.first, &found.second);
    let at = |span: Span| Location::new(&first.source, span);
    let directives = first.dockerfile.directives.iter().filter(|directive| {
        directive.kind != DirectiveKind::Syntax && !has_directive(second, directive)
            || second.dockerfile.directives.iter().any(|own| own.kind == directive.kind && own.value != directive.value)
    });
    let directives = directives.map(|directive| (at(directive.span), "the other Dockerfile has not this directive"));
    let is_agreed = |argument: &Instruction| {
        let own = arguments::of(argument);
        own.iter().all(|(name, _)| !second.stages.declared.contains(*name) || !is_kept(name))
            || is_repeated(second, argument)
    };
    let ours = globals(first).filter(|argument| !is_agreed(argument)).map(|argument| {
        (at(argument.span), "an ARG of this name is in the other Dockerfile too, and it would get this default")
    });
    let theirs = globals(second).filter(|argument| {
        let is_ours =
            arguments::of(argument).iter().any(|(name, _)| first.stages.declared.contains(*name) && is_kept(name));
        is_ours && !is_repeated(first, argument)
    });
    let theirs = theirs.map(|argument| {
        let location = Location::new(&second.source, argument.span);
        (location, "an ARG of this name is in the other Dockerfile too, and it would get this default")
    });
    directives.chain(ours).chain(theirs).chain(captured(first, second)).collect()
}

/// Where the first file takes files of an image after which the second calls a stage: of the stages, the builder knows those
/// behind as well.
fn captured(first: &ImageBuild, second: &ImageBuild) -> Vec<(Location, &'static str)> {
    let end = first.target.and_then(|target| first.stages.stages.get(target)).map_or(0, |stage| stage.end);
    let instructions = first.dockerfile.instructions.iter().take(end);
    let named = instructions.filter(|instruction| instruction.keyword != Keyword::From).flat_map(stage_references);
    let is_taken = |name: &str| first.stages.find(name).is_none() && second.stages.find_by_name(name).is_some();
    let taken = named.filter(|(_, name)| is_taken(name));
    let message = "this is an image, and the other Dockerfile has a stage of this name, which it would be";
    taken.map(|(span, _)| (Location::new(&first.source, span), message)).collect()
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
    pub(super) fn of(joining: &Joining<'_>) -> Option<Self> {
        let found = joining.found;
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
        first.dockerfile.directives.iter().for_each(|directive| edit.delete(directive.span));
        let own = first.dockerfile.directives.iter().filter(|directive| !has_directive(second, directive));
        let directives: String = own.map(|directive| format!("{}\n", directive.span.slice(text))).collect();
        let is_new = |name: &str| joining.renamed.iter().any(|argument| argument.is(name));
        let keeps_name = |argument: &&Instruction| !arguments::of(argument).iter().any(|(name, _)| is_new(name));
        for argument in globals(first).filter(keeps_name).filter(|argument| is_repeated(second, argument)) {
            edit.delete(argument.owned_span());
        }
        let own = first.dockerfile.instructions.iter().enumerate().take(stage.end);
        for (index, instruction) in own {
            if joining.platform == Ok(Platform::OfBuilder) {
                edit.extend(platform::on_builder(first, instruction));
            }
            if index == stage.from && stage.name.is_none() {
                edit.extend(first.dockerfile.name_stage(instruction, &name)?);
            }
            if index >= stage.from && !found.keeps_first() && OF_RUNNING.contains(&instruction.keyword) {
                edit.delete(instruction.owned_span());
            }
            arguments::rename(first, index, instruction, &joining.renamed, &mut edit);
            rename_stages(first, index, &renamed, &mut edit);
        }
        let folder = joining.contexts.as_ref().ok()?.first.clone();
        if !folder.is_root() {
            sources_below(first, &folder, stage.end, &mut edit)?;
        }
        // What comes behind the stage is of no use to the second image.
        if let Some(next) = first.dockerfile.instructions.get(stage.end) {
            edit.delete(Span::new(next.owned_span().start(), text.len()));
        }
        let stages = edit.finish().ok()?.apply(text)?;
        let mut stages = stages.trim_start_matches('\u{feff}').trim().replace("\r\n", "\n");
        for container in found.containers.iter().filter(|container| container.runs) {
            for line in container_command::instructions(first, container).ok()? {
                stages.push('\n');
                stages.push_str(&line);
            }
        }
        Some(Self { directives, stages, name, count: target + 1 })
    }
}

/// Puts `folder` in front of what the first `end` instructions take of the context.
fn sources_below(build: &ImageBuild, folder: &RepositoryPath, end: usize, edit: &mut TextEditBuilder) -> Option<()> {
    for copy in build.stages.copies.iter().filter(|copy| copy.from.is_none() && copy.instruction < end) {
        let instruction = build.dockerfile.instructions.get(copy.instruction)?;
        for source in &copy.sources {
            let below = source_below(folder, &source.written);
            edit.extend(build.dockerfile.replace_source(instruction, source.index, &below)?);
        }
    }
    for instruction in build.dockerfile.instructions.iter().take(end) {
        let mounts = instruction.mounts();
        for mount in mounts.iter().filter(|mount| mount.kind() == "bind" && mount.from().is_none()) {
            let source = mount.source().map_or("", |source| source.text());
            let key = if mount.value("src").is_some() { "src" } else { "source" };
            let place = folder.join(source)?;
            edit.extend(build.dockerfile.set_mount_field(mount, key, place.as_str())?);
        }
    }
    Some(())
}

/// The names of first stages that the second Dockerfile uses too, each with the one that it gets.
fn renamed(first: &Stages, second: &Stages) -> Vec<(String, String)> {
    let taken: Vec<_> = second.taken_names().chain(image_names(second)).collect();
    let may_be_any = second.stages.iter().any(may_start_from_any);
    let names = first.stages.iter().filter_map(|stage| stage.name.clone());
    let clashing = names.filter(|name| may_be_any || taken.contains(name)).collect::<Vec<_>>();
    let all: Vec<_> = taken.into_iter().chain(first.taken_names()).collect();
    let free = |name: &String| {
        let numbered = (2..).map(|number| format!("{name}-build-{number}"));
        let mut names = std::iter::once(format!("{name}-build")).chain(numbered);
        names.find(|name| !all.contains(name)).unwrap_or_default()
    };
    clashing.into_iter().map(|name| (name.clone(), free(&name))).collect()
}

/// The images that the stages start from, by what their variables come to.
fn image_names(stages: &Stages) -> impl Iterator<Item = String> {
    stages.stages.iter().filter_map(|stage| match &stage.base {
        Base::Image(Some(image)) => Some(image.to_lowercase()),
        Base::Image(None) | Base::Stage(_) => None,
    })
}

/// Whether a stage starts from an image that a variable of unknown value names alone: a stage may have any name that has neither a
/// registry nor a tag.
fn may_start_from_any(stage: &Stage) -> bool {
    let written = stage.base_written.as_str();
    let (before, behind) = written.split_once('$').unwrap_or((written, ""));
    stage.base == Base::Image(None) && !before.contains([':', '@']) && !before.contains('/') && !behind.contains('/')
}

/// Gives stages their new names where an instruction speaks of them.
fn rename_stages(first: &ImageBuild, index: usize, renamed: &[(String, String)], edit: &mut TextEditBuilder) {
    let Some(instruction) = first.dockerfile.instructions.get(index) else {
        return;
    };
    let stage = first.stages.stages.iter().find(|stage| stage.from == index);
    let is_of_image = stage.is_some_and(|stage| matches!(stage.base, Base::Image(_)));
    // An image may be called as the stage that starts from it.
    let image = instruction.from().map(|view| view.image.span).filter(|_| is_of_image);
    for (span, name) in stage_references(instruction).into_iter().filter(|(span, _)| Some(*span) != image) {
        if let Some((_, new)) = renamed.iter().find(|(old, _)| *old == name.to_lowercase()) {
            edit.replace(span, new.clone());
        }
    }
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
