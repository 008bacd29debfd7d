//! What becomes of the sources between the two builds, and under the hands of a container that works on them.

use super::Check;
use crate::docker::Step;
use crate::finding::{Code, Finding};
use crate::handoff::writes;
use crate::source::Repository;
use crate::text::RepositoryPath;

impl Check<'_> {
    /// The builder stage gets the sources as they are when the second image is built.
    pub(super) fn sources_changed(&self) -> Vec<Finding> {
        let gone = self.found.steps_that_go();
        let (first, second) = (self.found.first.command.step, self.found.second.command.step);
        let steps = self.found.script.walk.steps.iter().enumerate().take(second).skip(first + 1);
        let found = steps.filter(|(index, step)| !gone.contains(index) && !writes(step).0.is_empty());
        let finding = |(_, step): (usize, &Step)| {
            let message =
                "this changes the sources when the files are made already, and the builder stage would see it";
            Finding::new(Code::SourcesChangedBeforeBuild, self.step_location(step), message)
                .with_help("change the sources before anything is built of them")
        };
        found.map(finding).collect()
    }

    /// A container in the job's folder saw all of it, and what it left there beside the files is not known.
    pub(super) fn made_in_place(&self, repository: &dyn Repository) -> Vec<Finding> {
        let location = self.command_location(&self.found.first.command);
        let places: Vec<_> = self.found.copies.iter().map(|copy| copy.inside.as_str()).collect();
        let message = format!(
            "a container makes the files in the job's folder: the image gets {} of it, and nothing else that it may have changed there",
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
