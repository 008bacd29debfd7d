//! The last look at a fold before anybody sees it.
//!
//! Every file that changed is parsed again, the pipeline by two parsers; every job but the two of the hand-off
//! must resolve to what it was; and folding the result once more must find nothing. A fold that fails here is
//! a fault of stagefold, is told as one, and is never shown as a diff.

mod fallback;

use std::collections::BTreeMap;

use crate::finding::{Code, Finding, Location};
use crate::fold;
use crate::gitlab::{Field, Job, Pipeline};
use crate::outcome::{HandoffSummary, Policy, Via};
use crate::source::{Overlay, Repository};
use crate::syntax::dockerfile::Dockerfile;
use crate::syntax::yaml::confirm::{Disagreement, DisagreementKind, confirm};
use crate::text::{FileVersions, RepositoryPath};

/// Keywords of the image job that a fold may change.
const CHANGED_OF_CONSUMER: [&str; 4] = ["before_script", "dependencies", "needs", "script"];

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
    let again = fold::plan(&overlay, &after, policy);
    let mut same = again.iter().map(|plan| &plan.summary).filter(|summary| summary.is_of_same_image(handoff));
    if handoff.fallback.is_some() {
        fallback::check(before, &after, handoff).map_err(failed)?;
        let is_left = |summary: &&HandoffSummary| summary.fallback.is_some() && summary.producers == handoff.producers;
        return match same.find(is_left) {
            Some(_) => Err(failed("the files still go through the cache".to_owned())),
            None => Ok(()),
        };
    }
    jobs_are_the_same(before, &after, handoff).map_err(failed)?;
    match same.next() {
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
            let was_refused = |error: &Disagreement| error.kind == DisagreementKind::Refused;
            match confirm(text) {
                // The second parser is stricter than GitLab's: what it refuses before it may refuse after.
                Err(error) if was_refused(&error) && is_refused(version.before.as_deref()) => {}
                result => result.map_err(|error| format!("{path}: two parsers do not agree: {}", error.message))?,
            }
        } else if *path == handoff.dockerfile {
            let problems = |text: &str| Dockerfile::parse(text).problems.len();
            if problems(text) > problems(version.before.as_deref().unwrap_or_default()) {
                return Err(format!("{path}: the folded Dockerfile has a fault that the original did not have"));
            }
        }
    }
    Ok(())
}

fn is_refused(before: Option<&str>) -> bool {
    confirm(before.unwrap_or_default()).is_err_and(|error| error.kind == DisagreementKind::Refused)
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
        if is_consumer && !script_is_kept(job, now, handoff.via) {
            return Err(format!("the script of the job '{}' has other commands", job.name));
        }
        if let Some(keyword) = difference(job, now, is_consumer, handoff.via) {
            return Err(format!("the job '{}' has another '{keyword}'", job.name));
        }
    }
    match after.jobs().iter().find(|job| before.job(&job.name).is_none()) {
        Some(job) => Err(format!("there is a new job '{}'", job.name)),
        None => Ok(()),
    }
}

/// Whether the commands of the image job are what they were, but for a build context that was missing, and for
/// the lines that copied files out of a first image.
fn script_is_kept(before: &Job, after: &Job, via: Via) -> bool {
    let texts = |job: &Job| job.script().into_iter().map(|item| item.text.unwrap_or_default()).collect::<Vec<_>>();
    let (before, after) = (texts(before), texts(after));
    let mut rest = before.iter();
    let found = after.iter().all(|now| rest.any(|then| now == then || is_completed(then, now)));
    found && (via == Via::DockerCp || before.len() == after.len())
}

/// Whether `after` is `before` with a build context put into one place of it.
fn is_completed(before: &str, after: &str) -> bool {
    let same = before.bytes().zip(after.bytes()).take_while(|(one, other)| one == other).count();
    // The text may go on with the same letters as the context begins with, so the place may lie a little before.
    (same.saturating_sub(" .".len())..=same).any(|at| {
        let parts = before.get(..at).zip(before.get(at..));
        parts
            .is_some_and(|(head, tail)| after.strip_prefix(head).and_then(|rest| rest.strip_prefix(" .")) == Some(tail))
    })
}

/// The first keyword in which two readings of a job differ. A cache that served the hand-off may be gone from
/// every job that inherited it.
fn difference<'a>(before: &'a Job, after: &'a Job, is_consumer: bool, via: Via) -> Option<&'a str> {
    let is_cache = |keyword: &str| via == Via::Cache && keyword == "cache";
    let may_change = |keyword: &str| is_cache(keyword) || is_consumer && CHANGED_OF_CONSUMER.contains(&keyword);
    first_difference(before, after, may_change)
}

/// The first keyword in which two readings of a job differ, those left out that may change.
fn first_difference<'a>(before: &'a Job, after: &'a Job, may_change: impl Fn(&str) -> bool) -> Option<&'a str> {
    let same = |one: &Field, other: &Job| other.fields.get(&one.key).is_some_and(|value| value.same(&one.value));
    let of = |fields: &'a Job, other: &'a Job| {
        let changed = fields.fields.fields().iter().filter(|field| !may_change(&field.key));
        changed.into_iter().find(|field| !same(field, other)).map(|field| &*field.key)
    };
    of(before, after).or_else(|| of(after, before))
}

#[cfg(test)]
mod tests {
    use super::is_completed;

    #[test]
    fn a_script_may_only_gain_its_missing_context() {
        assert!(is_completed("docker build -t a", "docker build -t a ."));
        assert!(is_completed("docker build -t a\ndocker push a", "docker build -t a .\ndocker push a"));
        assert!(is_completed("docker build -t a && b", "docker build -t a . && b"));
        assert!(!is_completed("docker build -t a .", "docker build -t a"));
        assert!(!is_completed("docker build -t a", "docker build -t b ."));
    }
}
