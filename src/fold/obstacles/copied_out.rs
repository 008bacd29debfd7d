//! What stands in the way of joining two Dockerfiles.

use super::copies;
use super::dockerfile;
use super::includes;
use crate::docker::{BuildCommand, CommandContext, Copy, CopySource, Engine, Step};
use crate::finding::{Code, Finding, Location};
use crate::fold::unpacked::is_archive;
use crate::gitlab::{Job, Pipeline};
use crate::handoff::{DockerCp, SourceUse, TreeUse, tree_use};
use crate::source::Repository;
use crate::syntax::dockerfile::{Arguments, Keyword};
use crate::syntax::yaml::{NodeKind, ScalarStyle};

/// All findings that speak about joining the two Dockerfiles of `found`.
pub(in crate::fold) fn of_docker_cp(
    repository: &dyn Repository,
    pipeline: &Pipeline,
    found: &DockerCp,
) -> Vec<Finding> {
    let Some(job) = pipeline.job(&found.consumer) else {
        return Vec::new();
    };
    let check = Check { repository, pipeline, found, job };
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
    findings
}

struct Check<'a> {
    repository: &'a dyn Repository,
    pipeline: &'a Pipeline,
    found: &'a DockerCp,
    job: &'a Job,
}

impl Check<'_> {
    /// Steps between and behind the builds that use the files, the first image or its container otherwise.
    fn steps(&self) -> Vec<Finding> {
        let patterns: Vec<_> = self.patterns();
        let own = |index: usize| {
            let builds = [self.found.first.command.step, self.found.second.command.step];
            builds.contains(&index)
                || self.found.service_steps.contains(&index)
                || self.found.copies.iter().any(|copy| copy.step == index)
        };
        let others = self.found.script.walk.steps.iter().enumerate().filter(|(index, _)| !own(*index));
        let uses = others.filter_map(|(index, step)| {
            let how = match tree_use(step, &patterns) {
                _ if self.found.other_use == Some(index) => "this uses the first image in another way".to_owned(),
                TreeUse::None => return None,
                TreeUse::Touches(word) => format!("{word} would no longer be in the job's folder"),
                TreeUse::Unknown(program) => {
                    format!("{program} may read the files, which would no longer be in the job's folder")
                }
            };
            Some(Finding::new(Code::HandoffUsedOutsideBuild, self.step_location(step), how))
        });
        let opaque = self.found.script.walk.opaque.iter().map(|(item, message)| {
            let location = self
                .found
                .script
                .item_location(self.pipeline, *item)
                .unwrap_or_else(|| self.pipeline.job_location(self.job));
            Finding::new(Code::ImageScriptUnclear, location, format!("this part of the job cannot be read: {message}"))
        });
        uses.chain(opaque).chain(self.nested()).chain(self.shared()).collect()
    }

    /// A line that goes must be a line of its own, which always runs.
    fn nested(&self) -> Vec<Finding> {
        let steps = &self.found.script.walk.steps;
        let gone = self.found.copies.iter().map(|copy| copy.step).chain(self.found.service_steps.iter().copied());
        let gone = gone.chain([self.found.first.command.step]).filter_map(|index| steps.get(index));
        let is_whole = |step: &&Step| {
            let text = self.found.script.items.get(step.item).and_then(|item| item.text.clone()).unwrap_or_default();
            step.place.is_top_level() && step.span.slice(&text).len() == text.trim().len()
        };
        let finding = |step: &Step| {
            let message = "this line does more than copy the files out of the first image";
            Finding::new(Code::HandoffUsedOutsideBuild, self.step_location(step), message)
                .with_help("write each command as a script item of its own")
        };
        gone.filter(|step| !is_whole(step)).map(finding).collect()
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
        Some(Finding::new(Code::JobDefinitionShared, self.pipeline.location(foreign.origin), message))
    }

    fn builds(&self) -> Vec<Finding> {
        let (first, second) = (&self.found.first, &self.found.second);
        let location = self.command_location(&first.command);
        let finding = |code, message: &str| Finding::new(code, location.clone(), message.to_owned());
        let mut findings = Vec::new();
        if matches!(second.command.context, CommandContext::Missing(_)) {
            let message = "this build names no context, so it cannot have worked; the fold adds the missing '.'";
            findings.push(Finding::new(Code::BuildContextMissing, self.command_location(&second.command), message));
        }
        if first.context.folder != second.context.folder
            || first.context.ignore.is_some()
                && first.context.ignore.as_ref().map(|(file, _)| file.path())
                    != second.context.ignore.as_ref().map(|(file, _)| file.path())
        {
            findings.push(finding(
                Code::ContextNarrowerThanSources,
                "the two builds have different contexts or ignore files",
            ));
        }
        if first.source.path() == second.source.path() {
            findings.push(finding(Code::DockerfileUnclear, "both images are built from one Dockerfile"));
        }
        let second_for_platform = second.command.builder.platform_options();
        if second_for_platform.iter().any(|option| second.command.has_option(option)) {
            let message = "the second build is for another platform, and the first one was not";
            findings.push(finding(Code::BuildCommandUnclear, message));
        }
        let extra = first.command.options.iter().find(|(option, _)| {
            !matches!(
                option.as_str(),
                "-t" | "--tag" | "-f" | "--file" | "--pull" | "--rm" | "--force-rm" | "-q" | "--quiet"
            )
        });
        if let Some((option, _)) = extra {
            findings.push(finding(
                Code::BuildCommandUnclear,
                &format!("the first build has the option {option}, which the second one does not get"),
            ));
        }
        findings
    }

    /// The first Dockerfile must be one whose stages can stand in front of the others.
    fn first_image(&self) -> Vec<Finding> {
        let first = &self.found.first;
        let is_argument = |keyword: Keyword| keyword == Keyword::Arg;
        let before =
            first.dockerfile.instructions.iter().take_while(|instruction| instruction.keyword != Keyword::From);
        let global = before.filter(|instruction| is_argument(instruction.keyword));
        let globals = global.map(|instruction| {
            let message = "an ARG before the first FROM of this Dockerfile would meet those of the other one";
            Finding::new(Code::DockerfileUnclear, Location::new(&first.source, instruction.span), message)
        });
        let directives = first.dockerfile.directives.iter().map(|directive| {
            let message = "a parser directive of this Dockerfile would be lost";
            Finding::new(Code::DockerfileUnclear, Location::new(&first.source, directive.span), message)
        });
        let names: Vec<_> = self.found.second.stages.taken_names().collect();
        let clashes =
            first.stages.stages.iter().filter(|stage| stage.name.as_ref().is_some_and(|name| names.contains(name)));
        let clashes = clashes.map(|stage| {
            let instruction = first.dockerfile.instructions.get(stage.from);
            let span = instruction.map_or(crate::text::Span::at(0), |instruction| instruction.span);
            Finding::new(
                Code::DockerfileUnclear,
                Location::new(&first.source, span),
                "a stage of this name is in the other Dockerfile too",
            )
        });
        globals.chain(directives).chain(clashes).chain(self.makes_files_by_running()).collect()
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

    /// What is copied out must land where nothing is yet, at a path that is known.
    fn copies_out(&self) -> Vec<Finding> {
        let of_copy = |copy: &crate::handoff::CopyOut| {
            let step = self.found.script.walk.steps.get(copy.step)?;
            let what = match &copy.place {
                None => "it is not known where this lands".to_owned(),
                Some(_) if !copy.inside.starts_with('/') || copy.inside.ends_with("/.") => {
                    "this copies the contents of a folder, or from a relative path".to_owned()
                }
                Some(place)
                    if self.repository.tracked_within(place).any(|(path, _)| path != place) || place.is_root() =>
                {
                    format!("{place} is there already, so the files would land inside of it")
                }
                Some(_) => return None,
            };
            Some(Finding::new(Code::CopyUnclear, self.step_location(step), what))
        };
        self.found.copies.iter().filter_map(of_copy).chain(self.inexact()).collect()
    }

    /// Each `COPY` of the second Dockerfile takes exactly one of the paths, or something below it.
    fn inexact(&self) -> Vec<Finding> {
        let sources = self.found.uses.iter().flat_map(|copy| copy.sources.iter().zip(&copy.copy.sources));
        let archives = self.found.uses.iter().filter(|copy| copy.copy.is_add).flat_map(|copy| {
            let own = copy.sources.iter().zip(&copy.copy.sources);
            own.filter(|(found, _)| matches!(found, SourceUse::Builder { path, .. } if is_archive(path)))
        });
        let unpacked = archives.map(|(_, source)| {
            let message = "ADD unpacks this archive, and a copy from a stage does not";
            Finding::new(Code::CopyUnclear, Location::new(&self.found.second.source, source.span), message)
                .with_help("copy the files out of the first image as they are, and take them by COPY")
        });
        let inexact = sources.filter(|(found, _)| matches!(found, SourceUse::Ancestor { .. }));
        let finding = |(_, source): (&SourceUse, &CopySource)| {
            let message = "this takes the copied files along with the whole folder";
            Finding::new(Code::CopyUnclear, Location::new(&self.found.second.source, source.span), message)
        };
        inexact.map(finding).chain(unpacked).collect()
    }

    fn patterns(&self) -> Vec<crate::gitlab::PathPattern> {
        let Some(origin) = self.found.script.items.first().map(|item| item.origin) else {
            return Vec::new();
        };
        let places = self.found.copies.iter().filter_map(|copy| copy.place.as_ref());
        places.map(|place| crate::gitlab::PathPattern::of_place(place, origin)).collect()
    }

    fn command_location(&self, command: &BuildCommand) -> Location {
        let location = self.found.script.location(self.pipeline, command.item, command.span);
        location.unwrap_or_else(|| self.pipeline.job_location(self.job))
    }

    fn step_location(&self, step: &Step) -> Location {
        self.found.script.step_location(self.pipeline, step).unwrap_or_else(|| self.pipeline.job_location(self.job))
    }
}
