//! The caches that lose paths must be words of their job, or of the whole pipeline.

use crate::finding::{Code, Finding};
use crate::fold::fallback::Reroute;
use crate::fold::fallback::steps::{CacheEdit, cache_edits};
use crate::gitlab::{Cache, Job, Origin, PathPattern, Relation};

pub(super) fn check(reroute: &Reroute<'_>) -> Vec<Finding> {
    reroute.pipeline.jobs().iter().flat_map(|job| of_job(reroute, job)).collect()
}

fn of_job(reroute: &Reroute<'_>, job: &Job) -> Vec<Finding> {
    let shared = match cache_edits(reroute, job) {
        CacheEdit::Shared(origin) => Some(shared_words(reroute, job, origin)),
        CacheEdit::Made(_) | CacheEdit::NotPossible => None,
    };
    let caches: Vec<_> = job.caches().into_iter().filter(|cache| reroute.is_archive(cache)).collect();
    let wider = caches.iter().flat_map(|cache| wider(reroute, job, cache));
    let untracked = caches.iter().filter(|cache| cache.untracked).map(|cache| untracked(reroute, cache));
    shared.into_iter().chain(wider).chain(untracked).collect()
}

/// Paths that hold files of the hand-off among others.
fn wider(reroute: &Reroute<'_>, job: &Job, cache: &Cache) -> Vec<Finding> {
    let meets = |path: &&PathPattern| {
        let relations = || reroute.leaving.iter().map(|leaving| leaving.relation(&path.text));
        !reroute.leaves(path) && (!path.is_known || relations().any(|relation| relation != Relation::Apart))
    };
    let finding = |path: &PathPattern| {
        let message = format!("the cache of '{}' may hold files of the hand-off by {} too", job.name, path.written);
        Finding::new(Code::HandoffUnbounded, reroute.pipeline.location(path.origin), message)
            .with_help("list the paths that the cache is for")
    };
    cache.paths.iter().filter(meets).map(finding).collect()
}

fn shared_words(reroute: &Reroute<'_>, job: &Job, origin: Origin) -> Finding {
    let message = format!("'cache' of '{}' is shared with other jobs, and the files would have to leave it", job.name);
    Finding::new(Code::JobDefinitionShared, reroute.pipeline.location(origin), message)
        .with_related(reroute.pipeline.job_location(job), "this job has the cache from there")
        .with_help(format!("write 'cache' in '{}' itself", job.name))
}

fn untracked(reroute: &Reroute<'_>, cache: &Cache) -> Finding {
    let message = "this cache saves all files that git does not track, so the hand-off cannot leave it";
    let origin = cache.value.get("untracked").map_or(cache.origin(), |value| value.origin);
    Finding::new(Code::HandoffUnbounded, reroute.pipeline.location(origin), message)
        .with_help("list the paths that the cache is for")
}
