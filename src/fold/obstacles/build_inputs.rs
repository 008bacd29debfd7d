//! What the build job finds in its folder must be there in the builder stage too.

use crate::finding::{Code, Finding};
use crate::fold::inputs::Input;
use crate::fold::situation::Situation;
use crate::gitlab::Job;

/// Variables that say how the sources are fetched (GitLab docs: ci/runners/configure_runners).
const CLONE_SETTINGS: [&str; 7] = [
    "GIT_CHECKOUT",
    "GIT_DEPTH",
    "GIT_LFS_SKIP_SMUDGE",
    "GIT_STRATEGY",
    "GIT_SUBMODULE_DEPTH",
    "GIT_SUBMODULE_PATHS",
    "GIT_SUBMODULE_STRATEGY",
];

pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let settings = clone_settings(situation).into_iter().chain(no_clone(situation));
    settings.chain(artifacts(situation)).collect()
}

fn clone_settings(situation: &Situation<'_>) -> Vec<Finding> {
    let value = |job: &Job, name: &str| job.variables.get(name).map(|(value, _)| value.to_owned());
    let differs = |name: &&&str| {
        let is_depth = **name == "GIT_DEPTH";
        !is_depth && value(situation.producer, name) != value(situation.consumer, name)
    };
    let finding = |name: &&str| {
        let place = situation.producer.variables.get(name).or_else(|| situation.consumer.variables.get(name));
        let location = place.map_or_else(
            || situation.producer_location("variables"),
            |(_, origin)| situation.pipeline.location(origin),
        );
        let message = format!("the two jobs fetch the sources differently: {name} differs");
        Finding::new(Code::CloneSettingsDiffer, location, message).with_help(format!("give both jobs the same {name}"))
    };
    CLONE_SETTINGS.iter().filter(differs).map(finding).collect()
}

/// An image job without a clone has no sources to send to the builder stage.
fn no_clone(situation: &Situation<'_>) -> Option<Finding> {
    let (value, origin) = situation.consumer.variables.get("GIT_STRATEGY")?;
    let both = situation.producer.variables.get("GIT_STRATEGY").is_some_and(|(other, _)| other == value);
    (both && matches!(value, "none" | "empty")).then(|| {
        let message = format!("GIT_STRATEGY is {value}, so the build has no sources");
        Finding::new(Code::CloneSettingsDiffer, situation.pipeline.location(origin), message)
    })
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
