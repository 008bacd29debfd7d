//! The last look at a fold before anybody sees it.
//!
//! Every file that changed is parsed again, the pipeline by two parsers; every job but the two of the hand-off
//! must resolve to what it was; and folding the result once more must find nothing. A fold that fails here is
//! a fault of stagefold, is told as one, and is never shown as a diff.

use std::collections::BTreeMap;

use crate::finding::{Code, Finding, Location};
use crate::fold;
use crate::gitlab::{Field, Job, Pipeline};
use crate::outcome::{HandoffSummary, Policy};
use crate::source::{Overlay, Repository};
use crate::syntax::dockerfile::Dockerfile;
use crate::syntax::yaml::confirm::confirm;
use crate::text::{FileVersions, RepositoryPath};

/// Keywords of the image job that a fold may change.
const CHANGED_OF_CONSUMER: [&str; 5] = ["before_script", "cache", "dependencies", "needs", "script"];

/// Checks the result of folding `handoff`: `before` is the pipeline as it was, `files` what changed.
///
/// # Errors
/// A finding that says what does not hold.
pub fn check(
    repository: &dyn Repository,
    before: &Pipeline,
    path: &RepositoryPath,
    policy: &Policy,
    handoff: &HandoffSummary,
    files: &BTreeMap<RepositoryPath, FileVersions>,
) -> Result<(), Box<Finding>> {
    let failed = |what: String| {
        Box::new(
            Finding::new(Code::SelfCheckFailed, Location::File(path.clone()), what)
                .with_help("this is a fault of stagefold; please report it with these files"),
        )
    };
    parses(before, handoff, files).map_err(failed)?;
    let overlay = Overlay::new(repository, files);
    let after = Pipeline::read(&overlay, path)
        .map_err(|finding| failed(format!("the folded pipeline cannot be read: {}", finding.message)))?;
    jobs_are_the_same(before, &after, handoff).map_err(failed)?;
    let again = fold::plan(&overlay, &after, policy);
    let same = again
        .iter()
        .find(|plan| plan.summary.consumer == handoff.consumer && plan.summary.dockerfile == handoff.dockerfile);
    match same {
        Some(_) => Err(failed("folding the result once more finds the same hand-off".to_owned())),
        None => Ok(()),
    }
}

fn parses(
    before: &Pipeline,
    handoff: &HandoffSummary,
    files: &BTreeMap<RepositoryPath, FileVersions>,
) -> Result<(), String> {
    for (path, version) in files {
        let Some(text) = &version.after else {
            continue;
        };
        if before.files().iter().any(|file| file.source.path() == path) {
            if confirm(version.before.as_deref().unwrap_or_default()).is_err() {
                // The second parser is stricter than GitLab's: what it does not take before it need not take after.
                continue;
            }
            confirm(text).map_err(|error| format!("{path}: two parsers do not agree: {}", error.message))?;
        } else if *path == handoff.dockerfile {
            let problems = |text: &str| Dockerfile::parse(text).problems.len();
            if problems(text) > problems(version.before.as_deref().unwrap_or_default()) {
                return Err(format!("{path}: the folded Dockerfile has a fault that the original did not have"));
            }
        }
    }
    Ok(())
}

fn jobs_are_the_same(before: &Pipeline, after: &Pipeline, handoff: &HandoffSummary) -> Result<(), String> {
    for job in before.jobs() {
        if handoff.producers.iter().any(|producer| **producer == *job.name) {
            continue;
        }
        let Some(now) = after.job(&job.name) else {
            return Err(format!("the job '{}' is gone", job.name));
        };
        let is_consumer = *job.name == *handoff.consumer;
        if let Some(keyword) = difference(job, now, is_consumer) {
            return Err(format!("the job '{}' has another '{keyword}'", job.name));
        }
    }
    match after.jobs().iter().find(|job| before.job(&job.name).is_none()) {
        Some(job) => Err(format!("there is a new job '{}'", job.name)),
        None => Ok(()),
    }
}

/// The first keyword in which two readings of a job differ. A cache that served the hand-off may be gone from
/// every job that inherited it.
fn difference<'a>(before: &'a Job, after: &'a Job, is_consumer: bool) -> Option<&'a str> {
    let may_change = |keyword: &str| keyword == "cache" || is_consumer && CHANGED_OF_CONSUMER.contains(&keyword);
    let same = |one: &Field, other: &Job| other.fields.get(&one.key).is_some_and(|value| value.same(&one.value));
    let of = |fields: &'a Job, other: &'a Job| {
        let changed = fields.fields.fields().iter().filter(|field| !may_change(&field.key));
        changed.into_iter().find(|field| !same(field, other)).map(|field| &*field.key)
    };
    of(before, after).or_else(|| of(after, before))
}
