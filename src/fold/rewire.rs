//! Jobs that need the build job by name, and none of its files, need the image job in its place: it does not succeed
//! before the build does.

use super::fate::Fate;
use super::obstacles;
use super::situation::Situation;
use crate::finding::{Code, Finding};
use crate::gitlab::{Comparison, Job, Origin};
use crate::handoff::waits_for;

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
        } else if waits_for(situation.pipeline, self.image, &self.job.name) {
            Some("the image job waits for it")
        } else if self.may_miss_the_image(situation) {
            Some("there are pipelines with it and without the image job")
        } else {
            None
        }
    }

    /// Whether there may be a pipeline with the job and without the image job. As long as the build job ran nowhere
    /// without the image job, the need itself kept that from happening; a build job that becomes a check ran there.
    fn may_miss_the_image(&self, situation: &Situation<'_>) -> bool {
        let is_check = matches!(situation.fate, Fate::Checks(_));
        let comparison = Comparison::new(situation.pipeline, self.job, self.image);
        let meetings = comparison.and_then(|comparison| comparison.meetings()).unwrap_or_default();
        let is_apart = meetings.iter().any(|meeting| meeting.first.is_some() && meeting.second.is_none());
        is_check && (meetings.is_empty() || is_apart)
    }

    fn finding(&self, situation: &Situation<'_>, origin: Origin, reason: &str) -> Finding {
        let (fate, label, flag) = match situation.fate {
            Fate::Checks(_) => ("become a check", "this job would become a check", "--on-rules-differ keep"),
            _ => ("be gone", "this job would move into the Dockerfile", "--on-other-readers keep"),
        };
        let message = format!(
            "'{}' waits for '{}', which would {fate}, and cannot wait for '{}' in its place: {reason}",
            self.job.name, situation.producer.name, self.image.name
        );
        Finding::new(Code::ProducerReferenced, situation.pipeline.location(origin), message)
            .with_related(situation.pipeline.job_location(situation.producer), label)
            .with_help(format!("take the name out here, or let the build job stay beside the fold: '{flag}'"))
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
