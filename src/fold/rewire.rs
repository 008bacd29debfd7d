//! Jobs that need the build job by name, and none of its files, need the image job in its place: it does not succeed
//! before the build does.

use super::fate::Fate;
use super::obstacles;
use super::situation::Situation;
use crate::finding::{Code, Finding};
use crate::gitlab::{Job, NeedSource, Origin, Pipeline};

/// A job that names a build job in what it needs or downloads.
#[derive(Clone, Copy)]
pub(super) struct Follower<'a> {
    pub(super) job: &'a Job,
    /// The image job that it needs from now on.
    pub(super) image: &'a Job,
    /// Whether it takes the files, so that it must get them from the image job.
    pub(super) reads: bool,
}

/// The jobs besides those of the fold that need the build job of `situation`, or list it among their `dependencies`.
pub(super) fn followers<'a>(situation: &Situation<'a>) -> Vec<Follower<'a>> {
    let pipeline = situation.pipeline;
    let name = &situation.producer.name;
    let Some(image) = situation.group.handoffs.first().and_then(|handoff| pipeline.job(&handoff.consumer)) else {
        return Vec::new();
    };
    let follows = |job: &&Job| !situation.takes_part(job) && names(job, name);
    let readers = if situation.fate == Fate::IsExported { obstacles::readers(situation) } else { Vec::new() };
    let reads = |job: &Job| readers.iter().any(|reader| reader.name == job.name);
    pipeline.jobs().iter().filter(follows).map(|job| Follower { job, image, reads: reads(job) }).collect()
}

/// What stands in the way of letting them need the image job.
pub(super) fn hindrances(situation: &Situation<'_>) -> Vec<Finding> {
    followers(situation).iter().flat_map(|follower| follower.obstacles(situation)).collect()
}

/// What changes for them.
pub(super) fn notes(situation: &Situation<'_>) -> Vec<Finding> {
    let waiting = followers(situation).into_iter().filter(|follower| needs(follower.job, &situation.producer.name));
    let note = |follower: Follower<'_>| {
        let message = format!(
            "'{}' needs '{}' now in the place of '{}', so it starts when the image is built",
            follower.job.name, follower.image.name, situation.producer.name
        );
        Finding::new(Code::JobStartsLater, situation.pipeline.job_location(follower.job), message)
    };
    waiting.map(note).collect()
}

impl Follower<'_> {
    fn obstacles(&self, situation: &Situation<'_>) -> Vec<Finding> {
        let mut findings = Vec::new();
        for keyword in ["needs", "dependencies"] {
            let Some(field) = self.job.fields.field(keyword).filter(|_| self.names(keyword, &situation.producer.name))
            else {
                continue;
            };
            let is_own = |job: &Job| job.name == self.job.name;
            let shared = !situation.is_own_of(field.value.origin, &is_own);
            let reason =
                if shared { Some("its list is shared with other jobs") } else { self.misfit(situation, keyword) };
            findings.extend(reason.map(|reason| self.finding(situation, field.value.origin, reason)));
        }
        findings
    }

    fn names(&self, keyword: &str, producer: &str) -> bool {
        if keyword == "needs" { needs(self.job, producer) } else { depends(self.job, producer) }
    }

    /// Why the job cannot need the image job.
    fn misfit(&self, situation: &Situation<'_>, keyword: &str) -> Option<&'static str> {
        let stage = |job: &Job| situation.pipeline.stage_index(job);
        if keyword == "dependencies" && !self.reads {
            None
        } else if stage(self.image) > stage(self.job) {
            Some("the image job is in a later stage")
        } else if waits_for(situation.pipeline, self.image, &self.job.name, 0) {
            Some("the image job waits for it")
        } else {
            None
        }
    }

    fn finding(&self, situation: &Situation<'_>, origin: Origin, reason: &str) -> Finding {
        let message = format!(
            "'{}' waits for '{}', which would be gone, and cannot wait for '{}' in its place: {reason}",
            self.job.name, situation.producer.name, self.image.name
        );
        Finding::new(Code::ProducerReferenced, situation.pipeline.location(origin), message)
            .with_related(
                situation.pipeline.job_location(situation.producer),
                "this job would move into the Dockerfile",
            )
            .with_help("take the name out here, or let the build job stay beside the fold: '--on-other-readers keep'")
    }
}

/// Whether `job` lists this one under `needs`.
pub(super) fn needs(job: &Job, name: &str) -> bool {
    job.needs().unwrap_or_default().iter().any(|need| need.is_job(name))
}

/// Whether `job` lists this one under `needs` or `dependencies`.
pub(super) fn names(job: &Job, name: &str) -> bool {
    needs(job, name) || depends(job, name)
}

fn depends(job: &Job, name: &str) -> bool {
    job.dependencies().unwrap_or_default().iter().any(|(other, _)| &**other == name)
}

/// How many needs one above the other are followed; GitLab allows no circle, so there is an end.
const MOST_LEVELS: usize = 50;

/// Whether `job` runs only after the one called `name`, by `needs` or by stages.
fn waits_for(pipeline: &Pipeline, job: &Job, name: &str, depth: usize) -> bool {
    if depth > MOST_LEVELS {
        return true;
    }
    let Some(needs) = job.needs() else {
        let other = pipeline.job(name).and_then(|other| pipeline.stage_index(other));
        return other < pipeline.stage_index(job);
    };
    needs.iter().any(|need| match &need.source {
        NeedSource::Job(needed) => {
            let further = || pipeline.job(needed).is_some_and(|needed| waits_for(pipeline, needed, name, depth + 1));
            &**needed == name || further()
        }
        NeedSource::Elsewhere => false,
    })
}
