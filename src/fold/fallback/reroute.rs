use crate::fold::evidence;
use crate::fold::run_lines::BuildScript;
use crate::gitlab::{Cache, Job, PathPattern, Pipeline, Relation, Value};
use crate::handoff::{Handoff, JobScript, SourceUse, downloads_artifacts, is_dependency_folder, restores_cache_of};
use crate::outcome::{Policy, Via};
use crate::source::Repository;

use super::obstacles::{Use, use_of};

/// A hand-off through the cache that may go through artifacts instead.
pub(super) struct Reroute<'a> {
    pub(super) repository: &'a dyn Repository,
    pub(super) pipeline: &'a Pipeline,
    /// The job that makes the files.
    pub(super) producer: &'a Job,
    /// The job that builds the image.
    pub(super) consumer: &'a Job,
    /// Other jobs that may make some of the files and save them in the cache.
    pub(super) other_makers: Vec<&'a Job>,
    /// The paths that the producer is to upload.
    pub(super) uploaded: Vec<PathPattern>,
    /// The paths that no cache is to hold any more.
    pub(super) leaving: Vec<PathPattern>,
}

/// How the Dockerfile takes the files of a pattern.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Taking {
    Not,
    WithItsFolder,
    ByName,
}

impl<'a> Reroute<'a> {
    /// What there is to reroute in `found`; `None` where nothing that the image takes comes out of a cache alone.
    pub(super) fn new(repository: &'a dyn Repository, pipeline: &'a Pipeline, found: &Handoff) -> Option<Self> {
        let consumer = pipeline.job(&found.consumer)?;
        let flows = found.flows.iter().filter(|flow| flow.via == Via::Cache);
        let savers: Vec<&Job> = flows.filter_map(|flow| pipeline.job(&flow.producer)).collect();
        let makers: Vec<&Job> = savers.iter().copied().filter(|job| makes(pipeline, found, consumer, job)).collect();
        let producer = *makers.first().or_else(|| savers.first().filter(|_| savers.len() == 1))?;
        let (uploaded, leaving) = paths(repository, pipeline, found, consumer, producer);
        let mut reroute =
            Self { repository, pipeline, producer, consumer, other_makers: Vec::new(), uploaded, leaving };
        reroute.other_makers = makers.into_iter().filter(|job| reroute.is_other_maker(job)).collect();
        (!reroute.uploaded.is_empty()).then_some(reroute)
    }

    fn is_other_maker(&self, job: &Job) -> bool {
        let saved = restores_cache_of(self.consumer, job);
        let meets = |path: &PathPattern| {
            let moved = self.uploaded.iter().chain(&self.leaving);
            moved.into_iter().any(|other| path.relation(&other.text) != Relation::Apart)
        };
        job.name != self.producer.name && saved.iter().any(meets)
    }

    /// The caches of the producer that bring the files to the consumer.
    pub(super) fn handing_caches(&self) -> Vec<Cache> {
        let restored = self.consumer.caches();
        let is_restored = |cache: &Cache| restored.iter().any(|own| own.restores() && own.same_key(cache));
        let mut caches = self.producer.caches();
        caches.retain(|cache| cache.saves() && is_restored(cache));
        caches
    }

    /// Whether `path` of some job's cache is one of those that leave.
    pub(super) fn leaves(&self, path: &PathPattern) -> bool {
        covers(&self.leaving, path)
    }

    /// Whether a cache of any job is the archive through which the files go.
    pub(super) fn is_archive(&self, cache: &Cache) -> bool {
        self.handing_caches().iter().any(|handing| handing.same_key(cache))
    }

    /// Whether it is that archive, and lists them.
    pub(super) fn is_concerned(&self, cache: &Cache) -> bool {
        cache.paths.iter().any(|path| self.leaves(path)) && self.is_archive(cache)
    }

    /// The jobs other than the two.
    pub(super) fn others(&self) -> impl Iterator<Item = &'a Job> + '_ {
        let takes_part = |job: &Job| job.name == self.producer.name || job.name == self.consumer.name;
        self.pipeline.jobs().iter().filter(move |job| !takes_part(job))
    }

    /// Whether the image job does not start by itself as soon as it can.
    pub(super) fn is_started_late(&self) -> bool {
        let rules = self.consumer.get("rules").map(Value::one_or_many).unwrap_or_default();
        let whens = self.consumer.get("when").into_iter().chain(rules.iter().filter_map(|rule| rule.get("when")));
        whens.into_iter().any(|when| matches!(when.text().as_deref(), Some("manual" | "delayed")))
    }

    /// The paths that change their way, as the cache writes them, each once.
    pub(super) fn moved_paths(&self) -> Vec<String> {
        let mut paths: Vec<String> = Vec::new();
        for path in self.uploaded.iter().chain(&self.leaving) {
            if !paths.contains(&path.written.to_string()) {
                paths.push(path.written.to_string());
            }
        }
        paths
    }
}

/// Whether a job that saves the cache may have made or changed files of the hand-off; else it only passes on
/// what it restored.
fn makes(pipeline: &Pipeline, found: &Handoff, consumer: &Job, job: &Job) -> bool {
    let mut cached = restores_cache_of(consumer, job);
    cached.retain(|path| taking(found, path) != Taking::Not);
    use_of(pipeline, job, &cached) != Use::None
}

/// The paths to upload, and those that leave the caches.
fn paths(
    repository: &dyn Repository,
    pipeline: &Pipeline,
    found: &Handoff,
    consumer: &Job,
    producer: &Job,
) -> (Vec<PathPattern>, Vec<PathPattern>) {
    let uploads = if downloads_artifacts(pipeline, consumer, producer) { producer.artifacts().paths } else { vec![] };
    let cached: Vec<_> = restores_cache_of(consumer, producer).into_iter().filter(|path| path.is_known).collect();
    let is_taken = |path: &&PathPattern| {
        let is_uploaded = covers(&uploads, path);
        let least = if is_dependency_folder(&path.text) { Taking::ByName } else { Taking::WithItsFolder };
        !path.is_unbounded() && !is_uploaded && taking(found, path) >= least
    };
    let taken: Vec<_> = cached.iter().filter(is_taken).cloned().collect();
    let is_input = inputs(repository, found, producer);
    let uploaded = with_all_of_an_item(&taken, &cached).into_iter().filter(|path| !is_input(path)).collect();
    let going: Vec<_> = taken.into_iter().filter(|path| !is_dependency_folder(&path.text)).collect();
    let leaving = cached.iter().filter(|path| covers(&going, path)).cloned().collect::<Vec<_>>();
    (uploaded, with_all_of_an_item(&leaving, &cached))
}

fn covers(patterns: &[PathPattern], path: &PathPattern) -> bool {
    patterns.iter().any(|other| other.text == path.text || other.relation(&path.text) == Relation::Covers)
}

/// An item with braces is several patterns, and goes as a whole.
fn with_all_of_an_item(some: &[PathPattern], all: &[PathPattern]) -> Vec<PathPattern> {
    all.iter().filter(|path| some.iter().any(|other| other.origin == path.origin)).cloned().collect()
}

fn taking(found: &Handoff, path: &PathPattern) -> Taking {
    let sources = found.uses.iter().flat_map(|copy| copy.copy.sources.iter().zip(&copy.sources));
    let takings = sources.map(|(source, found_use)| match found_use {
        SourceUse::Context => Taking::Not,
        SourceUse::Builder { path: place, .. } => by_relation(path.relation(place)),
        SourceUse::Ancestor { below, .. } if below.contains(&path.text) => Taking::WithItsFolder,
        SourceUse::Ancestor { .. } => Taking::Not,
        SourceUse::Unclear(_) => {
            let place = source.path.as_deref().and_then(|path| found.build.context.folder.join(path));
            place.map_or(Taking::Not, |place| by_relation(path.relation(place.as_str())))
        }
    });
    takings.max().unwrap_or(Taking::Not)
}

const fn by_relation(relation: Relation) -> Taking {
    match relation {
        Relation::Apart => Taking::Not,
        Relation::Below => Taking::WithItsFolder,
        Relation::Covers | Relation::Overlaps => Taking::ByName,
    }
}

/// Which files the build of `producer` only reads: the manifests of its install, which come with the sources.
fn inputs(repository: &dyn Repository, found: &Handoff, producer: &Job) -> impl Fn(&PathPattern) -> bool {
    let is_set = |name: &str| producer.variables.get(name).is_some();
    let mut script = BuildScript::new(repository, &Policy::default(), &JobScript::new(producer), None, &is_set);
    script.take_evidence(repository, |words| evidence::of_dockerfile(repository, &found.build, words));
    move |path: &PathPattern| {
        let manifests = script.dependency_layer().map(|layer| layer.manifests.as_slice()).unwrap_or_default();
        manifests.iter().any(|manifest| manifest.as_str() == path.text) && !script.writes(&path.text)
    }
}
