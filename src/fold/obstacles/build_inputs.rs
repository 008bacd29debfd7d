//! What the build job finds in its folder must be there in the builder stage too.

use crate::finding::{Code, Finding};
use crate::fold::inputs::Input;
use crate::fold::situation::Situation;

pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    artifacts(situation)
}

/// Files that the build itself gets from an earlier job, and that its stage cannot copy from the stage of that.
fn artifacts(situation: &Situation<'_>) -> Vec<Finding> {
    let finding = |input: &Input| {
        let message = format!(
            "'{}' gets {} of '{}', which the builder stage cannot take over: {}",
            situation.producer.name, input.pattern.written, input.producer, input.obstacle?
        );
        let location = situation.pipeline.location(input.pattern.origin);
        let finding = Finding::new(Code::BuildReadsArtifacts, location, message)
            .with_related(situation.pipeline.job_location(situation.producer), "the build gets them here")
            .with_help("if the build does not need them, say so with 'dependencies: []'");
        Some(finding)
    };
    situation.inputs.iter().filter_map(finding).collect()
}
