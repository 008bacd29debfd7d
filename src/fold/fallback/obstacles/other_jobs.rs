//! The jobs that are neither the producer nor the consumer: none may lose files that it uses, and none may get
//! files that it does not expect.

use super::conditions::of_reader;
use super::use_of::{Use, use_of};
use crate::finding::{Code, Finding, Location};
use crate::fold::fallback::Reroute;
use crate::gitlab::{Job, PathPattern};
use crate::handoff::{downloads_artifacts, restores_cache_of};

pub(super) fn check(reroute: &Reroute<'_>) -> Vec<Finding> {
    reroute.others().filter_map(|job| of_job(reroute, job)).collect()
}

fn of_job(reroute: &Reroute<'_>, job: &Job) -> Option<Finding> {
    let restored = restores_cache_of(job, reroute.producer);
    let lost: Vec<_> = restored.iter().filter(|path| reroute.leaves(path)).cloned().collect();
    let is_new = |path: &&PathPattern| !restored.iter().any(|other| other.text == path.text);
    let gained: Vec<_> = reroute.uploaded.iter().filter(is_new).cloned().collect();
    if !downloads_artifacts(reroute.pipeline, job, reroute.producer) {
        let (location, how) = used(reroute, job, &lost)?;
        return Some(loses(reroute, job, location, &how));
    }
    match used(reroute, job, &gained) {
        Some((location, how)) => Some(gains(reroute, job, location, &how)),
        None => used(reroute, job, &lost).and_then(|_| of_reader(reroute, job)),
    }
}

/// Where and how the job uses the files; nothing where there are none.
fn used(reroute: &Reroute<'_>, job: &Job, paths: &[PathPattern]) -> Option<(Location, String)> {
    match use_of(reroute.pipeline, job, paths) {
        Use::Some(location, how) if !paths.is_empty() => Some((location, how)),
        Use::Some(..) | Use::None => None,
    }
}

fn loses(reroute: &Reroute<'_>, job: &Job, location: Location, how: &str) -> Finding {
    let message =
        format!("the job '{}' restores the files from the cache, would not get the artifacts, and {how}", job.name);
    finding(reroute, location, message).with_help(format!(
        "let '{}' wait for '{}' by its stage or by 'needs', or give it a cache without these paths",
        job.name, reroute.producer.name
    ))
}

fn gains(reroute: &Reroute<'_>, job: &Job, location: Location, how: &str) -> Finding {
    let message =
        format!("the job '{}' would download the artifacts, which the cache did not give it, and {how}", job.name);
    finding(reroute, location, message).with_help(format!(
        "say which artifacts '{}' gets with 'dependencies' ('dependencies: []' where it needs none)",
        job.name
    ))
}

fn finding(reroute: &Reroute<'_>, location: Location, message: String) -> Finding {
    let place = reroute.pipeline.keyword_location(reroute.producer, "cache");
    Finding::new(Code::ArtifactReadByOtherJob, location, message).with_related(place, "the files are handed on here")
}
