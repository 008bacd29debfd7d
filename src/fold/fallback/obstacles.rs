//! What stands in the way of artifacts in the place of a cache.

mod caches;
mod conditions;
mod other_jobs;
mod upload;
mod use_of;

use super::Reroute;
use crate::finding::{Code, Finding};

pub(super) use use_of::{Use, use_of};

const ALL: [fn(&Reroute<'_>) -> Vec<Finding>; 6] =
    [includes, makers, conditions::check, upload::check, caches::check, other_jobs::check];

/// All of it, in the order in which people read about it.
pub(super) fn all(reroute: &Reroute<'_>) -> Vec<Finding> {
    ALL.iter().flat_map(|check| check(reroute)).collect()
}

/// What an include holds that cannot be read may share the cache, or change either job.
fn includes(reroute: &Reroute<'_>) -> Vec<Finding> {
    let finding = |unread: &crate::gitlab::UnreadInclude| {
        let message =
            format!("the pipeline takes in {}, which cannot be read here and may share the cache", unread.what);
        Finding::new(Code::IncludeUnread, unread.location.clone(), message)
            .with_help("copy what these jobs need of it into the repository, and include it with 'local'")
    };
    reroute.pipeline.unread().iter().map(finding).collect()
}

/// Artifacts come from one job each; of two that save the same files in turn only the last would count.
fn makers(reroute: &Reroute<'_>) -> Vec<Finding> {
    let finding = |job: &&crate::gitlab::Job| {
        let message = format!(
            "'{}' saves {} in the cache too, and may change what '{}' made",
            job.name,
            reroute.moved_paths().join(", "),
            reroute.producer.name
        );
        Finding::new(Code::SeveralProducers, reroute.pipeline.keyword_location(job, "cache"), message)
            .with_related(reroute.pipeline.job_location(reroute.producer), "this job makes the files")
            .with_help(format!("if '{}' only reads them, give its cache 'policy: pull'", job.name))
    };
    reroute.other_makers.iter().map(finding).collect()
}
