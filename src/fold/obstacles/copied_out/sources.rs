//! What becomes of the sources between the two builds, and under the hands of a container that works on them.

use super::Check;
use super::dockerfiles::files_of;
use crate::docker::{Base, CopySource, Step};
use crate::finding::{Code, Finding, Location};
use crate::fold::joined::is_one_file;
use crate::fold::variable_source;
use crate::handoff::{SourceUse, is_same_image, writes};
use crate::source::Repository;
use crate::text::RepositoryPath;

impl Check<'_> {
    /// The builder stage gets the sources as they are when the second image is built.
    pub(super) fn sources_changed(&self) -> Vec<Finding> {
        let gone = self.found.steps_that_go();
        let (first, second) = (self.found.first.command.step, self.found.second.command.step);
        let steps = self.found.script.walk.steps.iter().enumerate().take(second).skip(first + 1);
        // No build reads the ignore file itself, and of what is still to be read as the second Dockerfile is told elsewhere.
        let told = files_of(&self.found.second);
        let is_source = |place: &RepositoryPath| !self.found.second.goes_without(place) && !told.contains(place);
        let changes = |step: &Step| writes(step).0.iter().any(is_source);
        let found = steps.filter(|(index, step)| !gone.contains(index) && changes(step));
        let finding = |(_, step): (usize, &Step)| {
            let message =
                "this changes the sources when the files are made already, and the builder stage would see it";
            Finding::new(Code::SourcesChangedBeforeBuild, self.step_location(step), message)
                .with_help("change the sources before anything is built of them")
        };
        found.map(finding).collect()
    }

    /// The files may lie elsewhere in the first image, and where more differs than what stands in front of a variable, the
    /// variable cannot name them there.
    pub(super) fn sources_by_variable(&self) -> Vec<Finding> {
        let sources = self.found.uses.iter().flat_map(|copy| copy.sources.iter().zip(&copy.copy.sources));
        let is_moved = |found: &SourceUse, source: &CopySource| match found {
            SourceUse::Builder { path, .. } if source.written.contains('$') => {
                let written = source.written.trim_matches(['"', '\'']).trim_start_matches("./").trim_start_matches('/');
                let folder = &self.found.second.context.folder;
                variable_source::written(path, written, folder, &self.found.place_inside(path)).is_none()
            }
            _ => false,
        };
        let moved = sources.filter(|(found, source)| is_moved(found, source));
        let finding = |(_, source): (&SourceUse, &CopySource)| {
            let message = format!(
                "{} names the files by a variable, and they have another path in the first image",
                source.written
            );
            Finding::new(Code::CopyUnclear, Location::new(&self.found.second.source, source.span), message)
                .with_help("write the path without the variable")
        };
        moved.map(finding).collect()
    }

    /// The first image is not built any more, so the second build can neither start from it nor copy out of it.
    pub(super) fn used_by_the_second(&self) -> Vec<Finding> {
        let (second, tags) = (&self.found.second, self.found.tags_of_first());
        let is_first = |name: &str| tags.iter().any(|tag| is_same_image(tag, name));
        let stages = &second.stages;
        let is_foreign = |from: &str| stages.find(from).is_none() && is_first(from);
        let bases = stages.stages.iter().filter(|stage| match &stage.base {
            Base::Image(Some(name)) => is_first(name),
            Base::Image(None) => is_first(&stage.base_written),
            Base::Stage(_) => false,
        });
        let bases = bases.map(|stage| stage.from);
        let copied = stages.copies.iter().filter(|copy| copy.from.as_deref().is_some_and(is_foreign));
        let copied = copied.map(|copy| copy.instruction);
        let mounted = second.dockerfile.instructions.iter().enumerate().filter(|(_, instruction)| {
            let mounts = instruction.mounts();
            mounts.iter().filter_map(|mount| mount.from()).any(|from| is_foreign(from.text()))
        });
        let mounted = mounted.map(|(index, _)| index);
        let takes_of_stage = |index: &usize| {
            let mut references = self.found.references.iter();
            references.any(|reference| reference.instruction == *index) && !is_one_file(self.found)
        };
        let places = bases.chain(copied.chain(mounted).filter(|index| !takes_of_stage(index)));
        let spans = places.filter_map(|index| Some(second.dockerfile.instructions.get(index)?.span));
        let mut locations: Vec<_> = spans.map(|span| Location::new(&second.source, span)).collect();
        let is_given = |(_, value): &&(String, Option<String>)| {
            let parts = value.iter().flat_map(|value| value.trim_matches(['"', '\'']).split_once('='));
            parts.map(|(_, value)| value.trim_start_matches("docker-image://")).any(is_first)
        };
        if locations.is_empty() && second.command.options.iter().any(|option| is_given(&option)) {
            locations.push(self.command_location(&second.command));
        }
        let finding = |location| {
            let message = "the second build needs the first image itself, which would not be built any more";
            Finding::new(Code::HandoffUsedOutsideBuild, location, message)
                .with_help("take all of it from a stage: write the first Dockerfile's stages into the second one")
        };
        locations.into_iter().map(finding).collect()
    }

    /// A container in the job's folder saw all of it, and what it left there beside the files is not known.
    pub(super) fn made_in_place(&self, repository: &dyn Repository) -> Vec<Finding> {
        let location = self.command_location(&self.found.first.command);
        let places: Vec<_> = self.found.copies.iter().map(|copy| copy.inside.as_str()).collect();
        let cache = match self.found.mounted_caches().is_empty() {
            true => "",
            false => "; what it found in the job's cache it fetches anew in each build",
        };
        let message = format!(
            "a container makes the files in the job's folder: the image gets {} of it, and nothing else that it may have changed there{cache}",
            places.join(", ")
        );
        let review = Finding::new(Code::ContainerOnSources, location.clone(), message)
            .with_help("see whether the command changes other files that the image or the job needs");
        let is_told = |path: &RepositoryPath| {
            path.as_str().ends_with(".md")
                || path.file_name().starts_with('.')
                || *path == self.found.second.command.dockerfile
        };
        let context = &self.found.second.context;
        let mut hidden = repository.tracked().keys().filter(|path| context.leaves_out(path) && !is_told(path));
        let hidden = hidden.next().map(|path| {
            let message = format!("the ignore file keeps {path} out of the context, and the container had it");
            Finding::new(Code::IgnoreHidesSources, location, message)
                .with_help("take the sources out of the ignore file")
        });
        std::iter::once(review).chain(hidden).collect()
    }
}
