//! Jobs that run in no pipeline together: artifacts go from job to job of one pipeline alone, and so does waiting
//! (GitLab docs: ci/jobs/job_artifacts, ci/yaml#dependencies). A cache outlives its pipeline, and is not asked about here.

use crate::finding::{Code, Finding};
use crate::fold::situation::Situation;
use crate::gitlab::{Comparison, Job};
use crate::outcome::Via;

/// Whether a job may run in a pipeline with the build job, which it does where nothing proves that it does not.
pub(super) fn may_meet(situation: &Situation<'_>, job: &Job) -> bool {
    let comparison = Comparison::new(situation.pipeline, situation.producer, job);
    let meetings = comparison.and_then(|comparison| comparison.meetings());
    meetings.map_or(true, |meetings| meetings.iter().any(|both| both.first.is_some() && both.second.is_some()))
}

/// Whether the files go by artifacts alone, to a job that never meets the build job.
pub(super) fn is_missed(situation: &Situation<'_>) -> bool {
    let mut own = situation.handoff.flows.iter().filter(|flow| *flow.producer == *situation.producer.name);
    own.all(|flow| flow.via == Via::Artifacts) && !may_meet(situation, situation.consumer)
}

/// Artifacts cannot have come into an image whose job never meets the build job.
pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    if !is_missed(situation) {
        return Vec::new();
    }
    let message = format!(
        "'{}' and '{}' never run in the same pipeline, so the image job cannot have got the artifacts",
        situation.producer.name, situation.consumer.name
    );
    let location = situation.pipeline.job_location(situation.consumer);
    let finding = Finding::new(Code::RulesDiffer, location, message)
        .with_related(situation.producer_location("artifacts"), "the files are handed on here")
        .with_help("give the build job conditions that hold wherever the image is built");
    vec![finding]
}
