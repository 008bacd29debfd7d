//! A Dockerfile that a fold changes may also be built elsewhere, with files that the job there makes itself. Its image
//! would silently hold what the builder stage makes instead.

use crate::docker::{BuildCommand, Step, image_builds};
use crate::finding::{Code, Finding};
use crate::fold::group::Group;
use crate::gitlab::{Job, Pipeline};
use crate::handoff::{Handoff, ImageBuild, JobScript, OtherBuilder, other_builders};
use crate::source::Repository;
use crate::text::{RepositoryPath, Span};

/// Builds of a Dockerfile of `group` that take no part in it.
pub(in crate::fold) fn builds_elsewhere(
    repository: &dyn Repository,
    pipeline: &Pipeline,
    group: &Group<'_>,
) -> Vec<Finding> {
    let of_job = |job| {
        let script = JobScript::of_image_job(repository, job);
        let search = Elsewhere { repository, group, job, script: &script };
        let told = |found: Vec<(&Handoff, usize, Span)>, builds: &str| {
            let finding = |(handoff, item, span)| finding(pipeline, handoff, &script, item, span, builds);
            found.into_iter().filter_map(finding).collect::<Vec<_>>()
        };
        [told(search.followed(), "builds"), told(search.unfollowed(), "may build")].concat()
    };
    pipeline.jobs().iter().flat_map(of_job).collect()
}

fn finding(
    pipeline: &Pipeline,
    handoff: &Handoff,
    script: &JobScript,
    item: usize,
    span: Span,
    builds: &str,
) -> Option<Finding> {
    let consequence = if handoff.build.command.context.folder().is_root() {
        "its image would hold what the builder stage makes, and nothing that this job makes itself"
    } else {
        "its COPY lines would name the files from the project's folder on"
    };
    let dockerfile = &handoff.build.command.dockerfile;
    let message = format!("this {builds} {dockerfile} too, and takes no part in the hand-off: {consequence}");
    let own = handoff.script.location(pipeline, handoff.build.command.item, handoff.build.command.span)?;
    let finding = Finding::new(Code::DockerfileShared, script.location(pipeline, item, span)?, message)
        .with_related(own, "the files of the hand-off go in here")
        .with_help("give this build a Dockerfile of its own, or let it get the files of the same build jobs");
    Some(finding)
}

struct Elsewhere<'a, 'b> {
    repository: &'b dyn Repository,
    group: &'b Group<'a>,
    job: &'b Job,
    script: &'b JobScript,
}

impl<'a> Elsewhere<'a, '_> {
    fn followed(&self) -> Vec<(&'a Handoff, usize, Span)> {
        let (commands, _) = image_builds(self.repository, &self.script.walk);
        let found =
            commands.iter().filter_map(|command| Some((self.handoff_hit_by(command)?, command.item, command.span)));
        found.collect()
    }

    /// The hand-off whose Dockerfile the command builds without being part of the group.
    fn handoff_hit_by(&self, command: &BuildCommand) -> Option<&'a Handoff> {
        // The builder may look for its Dockerfile in two places.
        let read = ImageBuild::read(self.repository, command).map(|build| build.command.dockerfile);
        let dockerfile = read.unwrap_or_else(|_| command.dockerfile.clone());
        let mut same = self.group.handoffs.iter().filter(|own| own.build.command.dockerfile == dockerfile);
        let takes_part = |own: &&&Handoff| {
            let own_command = &own.build.command;
            own.consumer == self.job.name
                && own_command.step == command.step
                && own_command.context == command.context
                && own_command.target == command.target
        };
        if same.clone().any(|own| takes_part(&own)) {
            return None;
        }
        same.find(|own| self.reaches_the_copies(own, command)).copied()
    }

    /// Whether the stages that it builds hold a copy that the fold changes.
    fn reaches_the_copies(&self, handoff: &Handoff, command: &BuildCommand) -> bool {
        let Ok(build) = ImageBuild::read(self.repository, command) else {
            return true;
        };
        let Some(target) = build.target else {
            return false;
        };
        let reachable = build.stages.reachable(target);
        // Where the context becomes wider, every copy from it is written from further up.
        let is_narrow = !handoff.build.command.context.folder().is_root();
        let mut copies = build.stages.copies.iter().filter(|copy| copy.from.is_none() && !copy.sources.is_empty());
        if is_narrow && copies.any(|copy| reachable.contains(&copy.stage)) {
            return true;
        }
        handoff.uses.iter().any(|found| reachable.contains(&found.copy.stage))
    }

    /// Builds that cannot be followed, by what they say of their Dockerfile.
    fn unfollowed(&self) -> Vec<(&'a Handoff, usize, Span)> {
        if self.group.is_consumer(self.job) {
            return Vec::new();
        }
        let (_, problems) = image_builds(self.repository, &self.script.walk);
        let problems = problems.into_iter().map(|problem| {
            let is_compose = problem.span.slice(self.text(problem.item)).contains("compose");
            (problem.item, problem.span, is_compose)
        });
        let builders = other_builders(self.script).into_iter().filter_map(|builder| self.place_of(&builder));
        let named = problems.chain(builders).filter_map(|(item, span, is_compose)| {
            let words = span.slice(self.text(item));
            let mut handoffs = self.group.handoffs.iter();
            let handoff =
                handoffs.find(|handoff| self.may_name(words, is_compose, &handoff.build.command.dockerfile))?;
            Some((*handoff, item, span))
        });
        named.collect()
    }

    fn text(&self, item: usize) -> &str {
        self.script.items.get(item).and_then(|item| item.text.as_deref()).unwrap_or_default()
    }

    fn place_of(&self, builder: &OtherBuilder) -> Option<(usize, Span, bool)> {
        // What runs in an unknown folder, or outside the project, builds something else.
        let step: &Step = self.script.walk.steps.get(builder.step).filter(|step| step.folder.is_some())?;
        Some((step.item, step.span, builder.name == "docker compose"))
    }

    fn may_name(&self, words: &str, is_compose: bool, dockerfile: &RepositoryPath) -> bool {
        let is_default = dockerfile.file_name() == "Dockerfile";
        if is_compose {
            return self.is_composed(dockerfile);
        }
        let words: Vec<_> = words.split_whitespace().map(|word| word.trim_matches(['"', '\''])).collect();
        // Its `-f` names a file that may name any Dockerfile.
        if words.contains(&"bake") {
            return true;
        }
        let options = ["-f", "--file", "--dockerfile"];
        let given = words
            .iter()
            .zip(words.iter().skip(1))
            .filter(|(option, _)| options.contains(option))
            .map(|(_, value)| *value);
        let joined =
            words.iter().filter_map(|word| word.split_once('=')).filter(|(option, _)| options.contains(option));
        let named: Vec<_> = given.chain(joined.map(|(_, value)| value)).collect();
        let names = |value: &&str| value.contains('$') || value.ends_with(dockerfile.file_name());
        if named.is_empty() { is_default } else { named.iter().any(names) }
    }

    /// Whether a compose file of the repository builds it.
    fn is_composed(&self, dockerfile: &RepositoryPath) -> bool {
        let is_compose_file = |path: &&RepositoryPath| {
            let name = path.file_name();
            name.contains("compose") && (name.ends_with(".yml") || name.ends_with(".yaml"))
        };
        let builds = |path: &RepositoryPath| {
            let file = self.repository.read(path);
            file.is_ok_and(|file| {
                let text = file.text();
                let names_another = text.contains("dockerfile:") && !text.contains(dockerfile.file_name());
                text.contains("build:") && !names_another
            })
        };
        self.repository.tracked().keys().filter(is_compose_file).any(builds)
    }
}
