//! What other jobs put into the folder of the image job goes to the builder stage with the sources, and the
//! build job never saw it.

use crate::finding::{Code, Finding};
use crate::fold::situation::Situation;
use crate::gitlab::{Cache, Job, PathPattern};
use crate::handoff::downloads_artifacts;

pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let mut findings = artifacts(situation);
    findings.extend(caches(situation));
    findings
}

/// Artifacts that the image job downloads and the build job did not.
fn artifacts(situation: &Situation<'_>) -> Vec<Finding> {
    let is_new = |job: &&Job| {
        !situation.takes_part(job)
            && downloads_artifacts(situation.pipeline, situation.consumer, job)
            && !downloads_artifacts(situation.pipeline, situation.producer, job)
    };
    let finding = |job: &Job| {
        let artifacts = job.artifacts();
        if artifacts.untracked {
            let message = format!(
                "'{}' gets all that '{}' leaves untracked, so the builder stage would get it too",
                situation.consumer.name, job.name
            );
            return Some(Finding::new(
                Code::ForeignFileInContext,
                situation.pipeline.keyword_location(job, "artifacts"),
                message,
            ));
        }
        let path = artifacts.paths.iter().find(|path| !situation.is_left_out(path))?;
        let message = format!(
            "'{}' gets {} of '{}', so the builder stage would get it too, and '{}' had it not",
            situation.consumer.name, path.written, job.name, situation.producer.name
        );
        let help = format!(
            "name {} in .dockerignore, or say with 'dependencies: [{}]' that the image job does not need it",
            path.written, situation.producer.name
        );
        let location = situation.pipeline.location(path.origin);
        Some(Finding::new(Code::ForeignFileInContext, location, message).with_help(help))
    };
    situation.pipeline.jobs().iter().filter(is_new).filter_map(finding).collect()
}

/// Caches that the image job restores and the build job did not.
fn caches(situation: &Situation<'_>) -> Option<Finding> {
    let known: Vec<Cache> = situation.producer.caches().into_iter().filter(Cache::restores).collect();
    let is_known = |cache: &Cache, path: &PathPattern| {
        known.iter().any(|own| own.same_key(cache) && own.paths.iter().any(|other| other.text == path.text))
    };
    let restored = situation.consumer.caches();
    let restored = restored.iter().filter(|cache| cache.restores());
    let path = restored
        .flat_map(|cache| cache.paths.iter().map(move |path| (cache, path)))
        .find(|(cache, path)| situation.is_restored_into_context(path) && !is_known(cache, path))
        .map(|(_, path)| path)?;
    let message = format!(
        "the image job restores {} from a cache, so the builder stage would get it too, and '{}' had it not",
        path.written, situation.producer.name
    );
    let help = format!("name {} in .dockerignore", path.written);
    Some(Finding::new(Code::ForeignFileInContext, situation.pipeline.location(path.origin), message).with_help(help))
}
