//! Jobs that have to be folded together: all that the files of one build job flow into, and all build jobs whose files
//! flow into one image, with those that serve another build job.

use super::chain;
use crate::gitlab::{Job, Pipeline};
use crate::handoff::{Handoff, downloads_artifacts};
use crate::source::Repository;

/// Hand-offs that share a build job or a Dockerfile.
pub(super) struct Group<'a> {
    /// The hand-offs, in the order of the pipeline.
    pub(super) handoffs: Vec<&'a Handoff>,
    /// Every build job once, but for those that only fill a cache.
    pub(super) producers: Vec<&'a Job>,
}

/// A build job of one hand-off.
#[derive(Clone, Copy)]
pub(super) struct Producer<'a> {
    pub(super) job: &'a Job,
    pub(super) role: Role,
}

/// What a build job makes its files for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The image takes them.
    ForImage,
    /// Another build job of the hand-off takes them.
    ForBuild,
    /// It fills a cache in which another build job finds them. It stays what it is to everybody else.
    FillsCache,
}

impl<'a> Group<'a> {
    /// The groups of these hand-offs, each in the place of its first hand-off.
    pub(super) fn all(pipeline: &'a Pipeline, handoffs: &'a [Handoff]) -> Vec<Self> {
        let mut groups: Vec<Self> = Vec::new();
        for handoff in handoffs {
            let place = groups.iter().position(|group| group.shares(handoff)).unwrap_or(groups.len());
            let (related, apart): (Vec<_>, Vec<_>) = groups.into_iter().partition(|group| group.shares(handoff));
            let handoffs = related.into_iter().flat_map(|group| group.handoffs).chain([handoff]).collect();
            groups = apart;
            groups.insert(place, Self { handoffs, producers: Vec::new() });
        }
        for group in &mut groups {
            group.producers = producers_of(pipeline, &group.handoffs);
        }
        groups
    }

    fn shares(&self, handoff: &Handoff) -> bool {
        self.handoffs.iter().any(|own| {
            let producer =
                own.flows.iter().any(|flow| handoff.flows.iter().any(|other| other.producer == flow.producer));
            producer || own.build.command.dockerfile == handoff.build.command.dockerfile
        })
    }

    /// Whether this job builds an image of the group.
    pub(super) fn is_consumer(&self, job: &Job) -> bool {
        self.handoffs.iter().any(|handoff| handoff.consumer == job.name)
    }
}

fn producers_of<'a>(pipeline: &'a Pipeline, handoffs: &[&Handoff]) -> Vec<&'a Job> {
    let mut jobs: Vec<&Job> = Vec::new();
    for producer in handoffs.iter().flat_map(|handoff| makers(pipeline, handoff)) {
        if !jobs.iter().any(|job| job.name == producer.job.name) {
            jobs.push(producer.job);
        }
    }
    jobs
}

/// The build jobs of a hand-off: those whose files the image takes and those that serve them, each behind those whose
/// files it takes itself.
pub(super) fn producers<'a>(
    repository: &dyn Repository,
    pipeline: &'a Pipeline,
    handoff: &Handoff,
) -> Vec<Producer<'a>> {
    let mut found = makers(pipeline, handoff);
    let mut at = 0;
    while let Some(job) = found.get(at).map(|producer| producer.job) {
        let fillers =
            chain::relied_on(repository, pipeline, handoff, job).into_iter().filter_map(|relied| relied.filler.ok());
        for filler in fillers {
            if !found.iter().any(|known| known.job.name == filler.name) {
                found.push(Producer { job: filler, role: Role::FillsCache });
            }
        }
        at += 1;
    }
    in_order(pipeline, found)
}

/// As [`producers`], without the jobs that only fill a cache.
fn makers<'a>(pipeline: &'a Pipeline, handoff: &Handoff) -> Vec<Producer<'a>> {
    let mut found: Vec<Producer<'a>> = Vec::new();
    let mut open: Vec<_> = handoff.flows.iter().map(|flow| (&*flow.producer, Role::ForImage)).collect();
    while let Some((name, role)) = open.pop() {
        let Some(job) = pipeline.job(name).filter(|job| !found.iter().any(|known| known.job.name == job.name)) else {
            continue;
        };
        found.push(Producer { job, role });
        open.splice(0..0, sources(pipeline, job).into_iter().map(|job| (&*job.name, Role::ForBuild)));
    }
    found
}

/// The jobs whose artifacts `job` downloads.
pub(super) fn sources<'a>(pipeline: &'a Pipeline, job: &Job) -> Vec<&'a Job> {
    let is_source = |other: &&Job| {
        other.name != job.name && other.artifacts().hands_on_files() && downloads_artifacts(pipeline, job, other)
    };
    pipeline.jobs().iter().filter(is_source).collect()
}

/// As the pipeline has them, but each behind those whose files it takes.
fn in_order<'a>(pipeline: &'a Pipeline, mut jobs: Vec<Producer<'a>>) -> Vec<Producer<'a>> {
    let place = |job: &Job| pipeline.jobs().iter().position(|other| other.name == job.name);
    jobs.sort_by_key(|producer| (pipeline.stage_index(producer.job), place(producer.job)));
    let mut ordered = Vec::new();
    while !jobs.is_empty() {
        let is_ready = |producer: &Producer<'_>| {
            !sources(pipeline, producer.job).iter().any(|source| jobs.iter().any(|other| other.job.name == source.name))
        };
        let next = jobs.iter().position(is_ready).unwrap_or_default();
        ordered.push(jobs.remove(next));
    }
    ordered
}
