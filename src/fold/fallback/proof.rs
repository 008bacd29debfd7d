//! The change is made on paper, and the pipeline read again: the files must take the new way, and no job but those
//! concerned may have changed, by whatever it extends, merges or refers to.

use super::{Reroute, edit_failed};
use crate::finding::{Code, Finding};
use crate::gitlab::{Field, Job, Pipeline};
use crate::handoff::{downloads_artifacts, restores_cache_of};
use crate::source::Overlay;
use crate::text::ChangeSet;

pub(super) fn prove(reroute: &Reroute<'_>, changes: &ChangeSet) -> Result<(), Box<Finding>> {
    let after = after(reroute, changes)?;
    for job in reroute.pipeline.jobs() {
        let changed = after.job(&job.name).map(|now| differing(job, now));
        let may_change = keywords_of(reroute, job);
        if changed.is_none_or(|keywords| keywords.iter().any(|keyword| !may_change.contains(keyword))) {
            return Err(reaches(reroute, job));
        }
    }
    let (producer, consumer) = (after.job(&reroute.producer.name), after.job(&reroute.consumer.name));
    let arrives = producer.zip(consumer).is_some_and(|(producer, consumer)| {
        let cached = restores_cache_of(consumer, producer);
        downloads_artifacts(&after, consumer, producer) && !cached.iter().any(|path| reroute.leaves(path))
    });
    if arrives {
        return Ok(());
    }
    let location = reroute.pipeline.job_location(reroute.consumer);
    Err(edit_failed(location, "the artifacts would not reach this job, or the cache would still bring the files"))
}

fn after(reroute: &Reroute<'_>, changes: &ChangeSet) -> Result<Pipeline, Box<Finding>> {
    let location = || reroute.pipeline.keyword_location(reroute.producer, "cache");
    let read = |path: &_| reroute.repository.read(path).ok().map(|file| file.text().to_owned());
    let files = changes.apply(read).map_err(|error| edit_failed(location(), &error.to_string()))?;
    let first = reroute.pipeline.files().first().ok_or_else(|| edit_failed(location(), "the pipeline has no file"))?;
    Pipeline::read(&Overlay::new(reroute.repository, &files), first.source.path()).map_err(|finding| {
        let what = format!("without the cache that stands here the pipeline could not be read: {}", finding.message);
        edit_failed(location(), &what)
    })
}

/// The keywords in which two readings of a job differ.
fn differing<'a>(before: &'a Job, after: &'a Job) -> Vec<&'a str> {
    let differs =
        |field: &&Field, other: &Job| !other.fields.get(&field.key).is_some_and(|value| value.same(&field.value));
    let gone = before.fields.fields().iter().filter(|field| differs(field, after));
    let new = after.fields.fields().iter().filter(|field| differs(field, before));
    gone.chain(new).map(|field| &*field.key).collect()
}

/// The keywords of `job` that the change is about.
fn keywords_of(reroute: &Reroute<'_>, job: &Job) -> &'static [&'static str] {
    if job.name == reroute.producer.name {
        &["artifacts", "cache"]
    } else if job.name == reroute.consumer.name {
        &["cache", "dependencies", "needs"]
    } else if job.caches().iter().any(|cache| reroute.is_concerned(cache)) {
        &["cache"]
    } else {
        &[]
    }
}

fn reaches(reroute: &Reroute<'_>, job: &Job) -> Box<Finding> {
    let (producer, consumer) = (&reroute.producer.name, &reroute.consumer.name);
    let message = format!("a change of '{producer}' and '{consumer}' would reach '{}' too", job.name);
    let finding = Finding::new(Code::JobDefinitionShared, reroute.pipeline.job_location(job), message)
        .with_related(reroute.pipeline.job_location(reroute.producer), "the files are made here")
        .with_help(format!("write out in '{}' what it takes from the other jobs", job.name));
    Box::new(finding)
}
