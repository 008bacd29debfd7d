//! The two Dockerfiles and their ignore files must be what git has of them when they are built: the fold joins these texts.

use super::Check;
use crate::docker::{BuildContext, Engine, Step, StepWord, place_in_repository};
use crate::finding::{Code, Finding};
use crate::fold::joined::is_one_file;
use crate::handoff::{ImageBuild, writes};
use crate::text::RepositoryPath;

/// Programs that change a file which they name, beside those of which it is known what they write.
const EDITORS: [&str; 9] = ["awk", "dockerfile-parse", "ed", "ex", "git", "patch", "perl", "python", "python3"];

/// Programs that lay files into a folder under their own names.
const LAYERS: [&str; 4] = ["cp", "install", "mv", "rsync"];

impl Check<'_> {
    /// The steps that change one of the Dockerfiles, or an ignore file, in front of its build.
    pub(super) fn dockerfiles_changed(&self) -> Vec<Finding> {
        let (first, second) = (&self.found.first, &self.found.second);
        // A container that works on the sources has no Dockerfile of its own.
        let own = (!self.found.is_made_in_place() && !is_one_file(self.found)).then_some(first);
        let gone = self.found.steps_that_go();
        let steps = self.found.script.walk.steps.iter().enumerate().take(second.command.step);
        let changed = |index: usize, step: &Step| {
            let before = |build: &&ImageBuild| index < build.command.step;
            let builds = own.into_iter().chain([second]).filter(before);
            builds.flat_map(files_of).find(|path| changes(step, path))
        };
        let steps = steps.filter(|(index, _)| !gone.contains(index));
        let finding = |(index, step): (usize, &Step)| {
            let path = changed(index, step)?;
            let message = format!("this changes {path}, and the fold joins what git has of the two Dockerfiles");
            let finding = Finding::new(Code::SourcesChangedBeforeBuild, self.step_location(step), message);
            Some(finding.with_help("give the build what it needs by '--build-arg', and leave the file as it is"))
        };
        steps.filter_map(finding).collect()
    }

    /// A builder in a container of its own has none of the images that the engine made or loaded (Docker docs: build/builders).
    pub(super) fn local_bases(&self) -> Option<Finding> {
        let steps = &self.found.script.walk.steps;
        let (first, second) = (&self.found.first.command, &self.found.second.command);
        let has = |step: &Step, words: &[&str]| {
            words.iter().all(|word| step.words.iter().any(|own| own.text() == Some(word)))
        };
        let is_of_buildx = |index: usize| steps.get(index).is_some_and(|step| has(step, &["buildx"]));
        let is_apart = is_of_buildx(second.step) && !is_of_buildx(first.step)
            || first.option("--builder") != second.option("--builder");
        let made = steps.iter().take(second.step).any(|step| has(step, &["buildx", "create"]));
        let brings = |step: &&Step| {
            ["load", "import", "tag", "commit"].iter().any(|verb| has(step, &["docker", verb]))
                || has(step, &["docker", "build"])
        };
        let step = steps.iter().take(first.step).find(|step| is_apart && made && brings(step))?;
        let message = "the first build may start from this image, which the builder of the second one has not";
        let finding = Finding::new(Code::BuildCommandUnclear, self.step_location(step), message);
        Some(finding.with_help("build both by one builder, or push the image and start from it by its whole name"))
    }

    /// Whether the engine of the job is one that other jobs use too.
    pub(super) fn shares_engine(&self) -> bool {
        !has_engine(&self.job.services().into_iter().map(|(name, _)| name).collect::<Vec<_>>())
    }
}

/// Whether one of the services is an engine.
pub(super) fn has_engine(services: &[String]) -> bool {
    services.iter().any(|name| name.contains("dind") || Engine::of_images([name.as_str()]).is_known)
}

/// The Dockerfile of a build, and where its ignore file may be.
pub(super) fn files_of(build: &ImageBuild) -> Vec<RepositoryPath> {
    let ignored = BuildContext::ignore_files(&build.context.folder, &build.command.dockerfile);
    let ignored = ignored.into_iter().filter(|path| !build.goes_without(path));
    std::iter::once(build.command.dockerfile.clone()).chain(ignored).collect()
}

/// Whether a step may change this file.
fn changes(step: &Step, path: &RepositoryPath) -> bool {
    let place = |word: &StepWord| place_in_repository(word.pattern.as_deref()?, step.folder.as_ref()?);
    let is_file = |word: &StepWord| place(word).as_ref() == Some(path);
    if step.redirections.iter().any(|(target, is_written)| *is_written && is_file(target)) {
        return true;
    }
    let operands = || step.words.iter().skip(1);
    match step.program() {
        // Their words name what they build of.
        Some("docker" | "podman" | "nerdctl" | "buildah") => false,
        Some(name) if EDITORS.contains(&name) => operands().any(is_file),
        Some(name) if LAYERS.contains(&name) && operands().last().and_then(place) == Some(path.parent()) => {
            operands().any(|word| word.raw.rsplit('/').next() == Some(path.file_name()))
        }
        _ => writes(step).0.contains(path),
    }
}
