//! What stands in the way of joining two Dockerfiles.

mod builds;
mod containers;
mod dockerfiles;
mod handed_on;
mod other_jobs;
mod secrets;
mod sources;

use super::copies;
use super::dockerfile;
use super::includes;
use crate::docker::{BuildCommand, Copy, CopySource, Engine, Step};
use crate::finding::{Code, Finding, Location};
use crate::fold::joined::Joining;
use crate::fold::unpacked::is_archive;
use crate::fold::{container_command, joined};
use crate::gitlab::{Job, PathPattern, Pipeline};
use crate::handoff::{Container, CopyOut, DockerCp, SourceUse, TreeUse, tree_use};
use crate::source::Repository;
use crate::syntax::dockerfile::{Arguments, Keyword};
use crate::syntax::shell::{Command, Nesting, Script};
use crate::syntax::yaml::{NodeKind, ScalarStyle};

/// All findings that speak about joining the two Dockerfiles of `found`.
pub(in crate::fold) fn of_docker_cp(
    repository: &dyn Repository,
    pipeline: &Pipeline,
    joining: &Joining<'_>,
) -> Vec<Finding> {
    let found = joining.found;
    let Some(job) = pipeline.job(&found.consumer) else {
        return Vec::new();
    };
    let check = Check { pipeline, joining, found, job };
    let image = job.image().and_then(|image| image.name);
    let services = job.services();
    let engine = Engine::of_images(image.as_deref().into_iter().chain(services.iter().map(|(name, _)| name.as_str())));
    let second = check.command_location(&found.second.command);
    let mut findings = dockerfile::of_build(&found.first, &check.command_location(&found.first.command), engine);
    findings.extend(dockerfile::of_build(&found.second, &second, engine));
    findings.extend(dockerfile::commands_not_json(&found.second));
    findings.extend(dockerfile::mounts(&found.second, &check.patterns()));
    let landing =
        |copy: &Copy, source: &CopySource, path: &str| (found.landing(copy, source, path), found.place_inside(path));
    findings.extend(copies::uses(repository, &found.second, &found.uses, &landing));
    findings.extend(includes::of_pipeline(pipeline, &[job]));
    findings.extend(check.steps());
    findings.extend(check.builds());
    findings.extend(check.first_image());
    findings.extend(check.copies_out());
    findings.extend(check.entrypoints());
    findings.extend(check.arguments_in_container());
    findings.extend(check.mounted_caches());
    findings.extend(check.sources_by_variable());
    findings.extend(check.used_by_the_second());
    findings.extend(check.handed_on());
    findings.extend(check.sources_changed());
    findings.extend(check.dockerfiles_changed());
    findings.extend(check.local_bases());
    findings.extend(check.used_elsewhere(repository));
    findings.extend(check.secrets_exported());
    findings.extend(check.watched());
    if found.is_made_in_place() {
        findings.extend(check.made_in_place(repository));
    }
    findings
}

struct Check<'a> {
    pipeline: &'a Pipeline,
    joining: &'a Joining<'a>,
    found: &'a DockerCp,
    job: &'a Job,
}

impl Check<'_> {
    /// Steps between and behind the builds that use the files, the first image or its container otherwise.
    fn steps(&self) -> Vec<Finding> {
        let mut patterns = self.patterns();
        let origin = self.found.script.items.first().map(|item| item.origin);
        let caches = self.found.mounted_caches();
        patterns.extend(
            caches.iter().zip(origin.iter().cycle()).map(|(place, origin)| PathPattern::of_place(place, *origin)),
        );
        let gone = self.found.steps_that_go();
        let builds = [self.found.first.command.step, self.found.second.command.step];
        let own = |index: &usize| builds.contains(index) || gone.contains(index);
        let others = self.found.script.walk.steps.iter().enumerate().filter(|(index, _)| !own(index));
        let uses = others.filter_map(|(index, step)| {
            let how = match tree_use(step, &patterns) {
                _ if self.found.other_uses.contains(&index) => "this uses the first image in another way".to_owned(),
                _ if self.found.image_uses.contains(&index) && self.found.runs_apart(index) => {
                    return self.needs_first(step);
                }
                TreeUse::None => return self.needs_first(step).filter(|_| self.found.image_uses.contains(&index)),
                TreeUse::Touches(word) => format!("{word} would no longer be in the job's folder"),
                TreeUse::Unknown(program) => {
                    format!("{program} may read the files, which would no longer be in the job's folder")
                }
            };
            let finding = Finding::new(Code::HandoffUsedOutsideBuild, self.step_location(step), how);
            Some(
                finding
                    .with_help("let a job of its own do this, with an image of its own, or leave the two builds apart"),
            )
        });
        let opaque = self.found.script.walk.opaque.iter().map(|(item, message)| {
            let location = self
                .found
                .script
                .item_location(self.pipeline, *item)
                .unwrap_or_else(|| self.pipeline.job_location(self.job));
            Finding::new(Code::ImageScriptUnclear, location, format!("this part of the job cannot be read: {message}"))
        });
        uses.chain(opaque).chain(self.nested()).chain(self.shared().or_else(|| self.shared_with_jobs())).collect()
    }

    /// A use of the first image, where that cannot be built from its stage of the joined Dockerfile.
    fn needs_first(&self, step: &Step) -> Option<Finding> {
        let reason = self.joining.first_command()?.err()?;
        let message = format!("this uses the first image, which cannot be built from its stage: {reason}");
        let finding = Finding::new(Code::HandoffUsedOutsideBuild, self.step_location(step), message);
        Some(finding.with_help("let a job of its own do this, with an image of its own, or leave the two builds apart"))
    }

    /// What goes must run always, and with all that its script item holds.
    fn nested(&self) -> Vec<Finding> {
        let finding = |step: &Step, message: &str| {
            Finding::new(Code::HandoffUsedOutsideBuild, self.step_location(step), message)
                .with_help("write each command as a script item of its own, outside of conditions and loops")
        };
        let gone: Vec<_> = self.found.steps_that_go();
        let kept = self.found.keeps_first().then_some(self.found.first.command.step);
        let steps = gone.iter().copied().chain(kept);
        let steps = steps.filter_map(|index| Some((index, self.found.script.walk.steps.get(index)?)));
        let finding = |(index, step): (usize, &Step)| {
            let removes = self.found.service_steps.contains(&index) && !self.makes_container(index);
            if !step.place.runs_once() && !removes {
                return Some(finding(step, "this does not run in every pipeline, and the builder stage would"));
            }
            if !removes && self.lets_fail(step) {
                return Some(finding(step, "the job goes on where this fails, and the build of the image would not"));
            }
            let is_whole = Some(index) == kept || self.item_goes(step.item, &gone);
            (!is_whole).then(|| finding(step, "this line does more than copy the files out of the first image"))
        };
        steps.filter_map(finding).collect()
    }

    /// Whether another command of the same statement runs where this one fails.
    fn lets_fail(&self, step: &Step) -> bool {
        let is_beside = |other: &&Step| other.item == step.item && other.statement == step.statement;
        let mut beside = self.found.script.walk.steps.iter().filter(is_beside);
        beside.any(|other| other.place.nesting.contains(&Nesting::Or))
    }

    fn makes_container(&self, index: usize) -> bool {
        self.found.containers.iter().any(|container| container.step == index)
    }

    /// Whether a script item holds nothing but what goes: these steps, the variables that hold their containers, and the
    /// `true` that lets one of them fail.
    fn item_goes(&self, item: usize, gone: &[usize]) -> bool {
        let text = self.found.script.items.get(item).and_then(|item| item.text.as_deref()).unwrap_or_default();
        let steps = gone.iter().filter_map(|index| self.found.script.walk.steps.get(*index));
        let own: Vec<_> = steps.filter(|step| step.item == item).collect();
        let script = Script::parse(text);
        let is_own = |command: &Command| {
            let is_step = own.iter().any(|step| step.span.covers(command.span));
            let holds_one = own.iter().any(|step| command.span.covers(step.span));
            let is_assignment = command.words.is_empty() || command.name().as_deref() == Some("export");
            let lets_fail = matches!(command.span.slice(text), "true" | ":");
            let sets_one = command.assignments.len() <= 1 && command.words.len() <= 2;
            is_step || holds_one && is_assignment && sets_one || lets_fail
        };
        script.opaque.is_none() && script.commands.iter().all(is_own)
    }

    /// The lines that go must be the job's own words.
    fn shared(&self) -> Option<Finding> {
        let definition = self.job.definitions.last()?;
        let file = self.pipeline.file(definition.file)?;
        let foreign = self.found.script.items.iter().find(|item| {
            let is_own = file.is_editable() && item.origin.file == definition.file && file.tree.is_within(item.origin.node, definition.value);
            let is_plain = matches!(&file.tree.node(item.origin.node).kind, NodeKind::Scalar { style, .. } if *style != ScalarStyle::Folded);
            let is_filled_in = file.tree.node(item.origin.node).scalar().is_some_and(|text| text.contains("$[["));
            !is_own || is_filled_in || !is_plain && item.text.is_some() || crate::fold::situation::is_shared(file, item.origin.node)
        })?;
        let message = "this part of the script is shared with other jobs, or written in a way that cannot be edited";
        let finding = Finding::new(Code::JobDefinitionShared, self.pipeline.location(foreign.origin), message);
        Some(finding.with_help("write the script of the job in the job itself, in the plain block style"))
    }

    /// The first Dockerfile must be one whose stages can stand in front of the others.
    fn first_image(&self) -> Vec<Finding> {
        let finding = |(location, message)| {
            Finding::new(Code::DockerfileUnclear, location, message)
                .with_help("write it in the same way in both Dockerfiles, or by another name")
        };
        let disagreements = joined::disagreements(self.joining);
        disagreements.into_iter().map(finding).chain(self.makes_files_by_running()).collect()
    }

    /// A container that is only created runs nothing; `VOLUME` would hide what a later `RUN` makes there.
    fn makes_files_by_running(&self) -> Vec<Finding> {
        let first = &self.found.first;
        let found = first.dockerfile.instructions.iter().filter(|instruction| {
            instruction.keyword == Keyword::Volume
                || matches!(&instruction.arguments, Arguments::None) && instruction.keyword == Keyword::From
        });
        let finding = |instruction: &crate::syntax::dockerfile::Instruction| {
            let message = "what a volume of the first image holds cannot be copied from a stage";
            Finding::new(Code::DockerfileUnclear, Location::new(&first.source, instruction.span), message)
        };
        found.map(finding).collect()
    }

    /// What is copied out must come from the image itself, and land at a path that is known.
    fn copies_out(&self) -> Vec<Finding> {
        let of_copy = |copy: &CopyOut| {
            let step = self.found.script.walk.steps.get(copy.step)?;
            let finding = Finding::new(Code::CopyUnclear, self.step_location(step), copy.doubt.clone()?);
            Some(finding.with_help("copy the files to a place of their own in the build context, by their whole path"))
        };
        let of_options = |copy: &CopyOut| {
            let step = self.found.script.walk.steps.get(copy.step)?;
            let option = copy.options.iter().find(|option| !matches!(option.as_str(), "-q" | "--quiet"))?;
            let message = format!(
                "a copy from a stage has no {option}: it follows the links that it names, and the build context gave all files to root"
            );
            Some(Finding::new(Code::DockerCpOptionLost, self.step_location(step), message))
        };
        let of_container = |container: &Container| {
            let step = self.found.script.walk.steps.get(container.step)?;
            if container.runs {
                return self.runs_otherwise(container, step);
            }
            let mount = container.mount()?;
            let message = format!("{mount} lays other files over those of the image, and a stage has only its own");
            let finding = Finding::new(Code::BuilderUnsupported, self.step_location(step), message);
            Some(finding.with_help(format!("make the container without {mount}, or leave the two builds apart")))
        };
        let copies = &self.found.copies;
        let found = copies.iter().filter_map(of_copy).chain(copies.iter().filter_map(of_options));
        found.chain(self.found.containers.iter().filter_map(of_container)).chain(self.archives()).collect()
    }

    /// What a container runs becomes a `RUN` of the stage, where that finds and makes the same.
    fn runs_otherwise(&self, container: &Container, step: &Step) -> Option<Finding> {
        let one = "the stages of the Dockerfile would make the files by themselves, and now a container makes them";
        let several = "several containers work on the files of the first image";
        let message = match container_command::instructions(&self.found.first, container) {
            _ if joined::is_one_file(self.found) => one.to_owned(),
            _ if self.found.containers.len() > 1 && !self.found.is_made_in_place() => several.to_owned(),
            Err(message) => message,
            Ok(_) if self.sets_for_later(container) => {
                "its user and variables would be those of the next container as well".to_owned()
            }
            Ok(_) => return None,
        };
        let finding = Finding::new(Code::BuilderUnsupported, self.step_location(step), message);
        Some(finding.with_help("make the files by a RUN of the first Dockerfile"))
    }

    /// Whether a container that another one follows has a user or variables of its own.
    fn sets_for_later(&self, container: &Container) -> bool {
        let is_last = self.found.containers.last().is_some_and(|last| last.step == container.step);
        let sets = |name: &str| matches!(name, "-e" | "--env" | "-u" | "--user");
        !is_last && container.options.iter().any(|(name, _)| sets(name))
    }

    /// `ADD` unpacks archives, and a copy from a stage does not.
    fn archives(&self) -> Vec<Finding> {
        let adds = self.found.uses.iter().filter(|copy| copy.copy.is_add);
        let sources = adds.flat_map(|copy| copy.sources.iter().zip(&copy.copy.sources));
        let archives =
            sources.filter(|(found, _)| matches!(found, SourceUse::Builder { path, .. } if is_archive(path)));
        let finding = |(_, source): (&SourceUse, &CopySource)| {
            let message = "ADD unpacks this archive, and a copy from a stage does not";
            Finding::new(Code::CopyUnclear, Location::new(&self.found.second.source, source.span), message)
                .with_help("copy the files out of the first image as they are, and take them by COPY")
        };
        archives.map(finding).collect()
    }

    fn patterns(&self) -> Vec<PathPattern> {
        let Some(origin) = self.found.script.items.first().map(|item| item.origin) else {
            return Vec::new();
        };
        let places = self.found.copies.iter().filter_map(|copy| copy.place.as_ref());
        places.map(|place| PathPattern::of_place(place, origin)).collect()
    }

    fn command_location(&self, command: &BuildCommand) -> Location {
        let location = self.found.script.location(self.pipeline, command.item, command.span);
        location.unwrap_or_else(|| self.pipeline.job_location(self.job))
    }

    fn step_location(&self, step: &Step) -> Location {
        self.found.script.step_location(self.pipeline, step).unwrap_or_else(|| self.pipeline.job_location(self.job))
    }
}
