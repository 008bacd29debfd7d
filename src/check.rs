//! The last look at a fold before anybody sees it.
//!
//! Every file that changed is parsed again, the pipeline by two parsers; every job but the two of the hand-off
//! must resolve to what it was; and folding the result once more must find nothing. A fold that fails here is
//! a fault of stagefold, is told as one, and is never shown as a diff.

use std::collections::BTreeMap;

use crate::finding::{Code, Finding, Location};
use crate::fold::{self, Intent};
use crate::gitlab::{self, Cache, Comparison, Conditions, Field, Job, Pipeline};
use crate::outcome::{HandoffSummary, Policy};
use crate::source::{Overlay, Repository};
use crate::syntax::dockerfile::Dockerfile;
use crate::syntax::yaml::confirm::{Disagreement, DisagreementKind, confirm};
use crate::text::{FileVersions, RepositoryPath};

/// What was folded, and what that meant to change.
#[derive(Clone, Copy)]
pub struct Folded<'a> {
    /// The hand-offs.
    pub handoffs: &'a [HandoffSummary],
    /// What may differ afterwards.
    pub intent: &'a Intent,
}

/// Checks the result of a fold: `before` is the pipeline as it was, `files` what changed.
///
/// # Errors
/// A finding that says what does not hold.
pub fn check(
    repository: &dyn Repository,
    before: &Pipeline,
    path: &RepositoryPath,
    policy: &Policy,
    folded: Folded<'_>,
    files: &BTreeMap<RepositoryPath, FileVersions>,
) -> Result<(), Box<Finding>> {
    let failed = |what: String| {
        Box::new(
            Finding::new(Code::SelfCheckFailed, Location::File(path.clone()), what)
                .with_help("this is a fault of stagefold; please report it with these files"),
        )
    };
    parses(before, folded, files).map_err(failed)?;
    let overlay = Overlay::new(repository, files);
    let after = Pipeline::read(&overlay, path)
        .map_err(|finding| failed(format!("the folded pipeline cannot be read: {}", finding.message)))?;
    jobs_are_the_same(before, &after, folded.intent).map_err(failed)?;
    checks_are_exact(before, &after, folded).map_err(failed)?;
    let again = fold::plan(&overlay, &after, policy);
    let is_same = |other: &HandoffSummary| {
        let mut folded = folded.handoffs.iter();
        folded.any(|handoff| other.consumer == handoff.consumer && other.dockerfile == handoff.dockerfile)
    };
    if again.iter().flat_map(|plan| &plan.summaries).any(is_same) {
        return Err(failed("folding the result once more finds the same hand-off".to_owned()));
    }
    Ok(())
}

fn parses(before: &Pipeline, folded: Folded<'_>, files: &BTreeMap<RepositoryPath, FileVersions>) -> Result<(), String> {
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
        } else if folded.handoffs.iter().any(|handoff| *path == handoff.dockerfile) {
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

fn jobs_are_the_same(before: &Pipeline, after: &Pipeline, intent: &Intent) -> Result<(), String> {
    for job in before.jobs() {
        if intent.gone.contains(&*job.name) {
            continue;
        }
        let Some(now) = after.job(&job.name) else {
            return Err(format!("the job '{}' is gone", job.name));
        };
        if intent.replaced.contains(&*job.name) {
            continue;
        }
        if !script_is_kept(job, now, intent) {
            return Err(format!("the script of the job '{}' has other commands", job.name));
        }
        if let Some(keyword) = difference(job, now, intent) {
            return Err(format!("the job '{}' has another '{keyword}'", job.name));
        }
    }
    if let Some(name) = intent.gone.iter().find(|name| after.job(name).is_some()) {
        return Err(format!("the job '{name}' is still there"));
    }
    match after.jobs().iter().find(|job| before.job(&job.name).is_none()) {
        Some(job) => Err(format!("there is a new job '{}'", job.name)),
        None => Ok(()),
    }
}

/// A job that became a check runs exactly where the build job ran and the image job does not stand for it, in its
/// stage, and hands nothing on.
fn checks_are_exact(before: &Pipeline, after: &Pipeline, folded: Folded<'_>) -> Result<(), String> {
    for name in &folded.intent.replaced {
        let handoff = folded.handoffs.iter().find(|handoff| handoff.producers.contains(name));
        let consumer = handoff.and_then(|handoff| before.job(&handoff.consumer));
        let (Some(build), Some(image), Some(check)) = (before.job(name), consumer, after.job(name)) else {
            return Err(format!("there is no build job '{name}'"));
        };
        let unclear = |unclear: gitlab::Unclear| format!("the conditions of '{name}': {unclear}");
        let comparison = Comparison::new(before, build, image).map_err(unclear)?;
        let conditions = Conditions::of_job(after, check).map_err(unclear)?;
        if !comparison.is_complement(&conditions, &|build, image| image.covers(build)) {
            return Err(format!("the check '{name}' does not run exactly where no image is built"));
        }
        let hands_on = check.artifacts().hands_on_files() || check.caches().iter().any(Cache::saves);
        if hands_on || check.stage() != build.stage() || !is_cut_from(image, check) {
            return Err(format!("the check '{name}' is more than a check"));
        }
    }
    Ok(())
}

/// Whether the commands of a check are some of the image job's, and one build of a stage at the end.
fn is_cut_from(image: &Job, check: &Job) -> bool {
    let texts = |job: &Job| job.script().into_iter().filter_map(|item| item.text).collect::<Vec<_>>();
    let (all, mut own) = (texts(image), texts(check));
    let is_build = own.pop().is_some_and(|last| last.contains(" build --target "));
    is_build && own.iter().all(|line| all.iter().any(|other| other.trim() == line.trim()))
}

/// Whether the commands of a job are what they were, but for a build context that was missing, and for
/// the lines that copied files out of a first image.
fn script_is_kept(before: &Job, after: &Job, intent: &Intent) -> bool {
    let texts = |job: &Job| job.script().into_iter().map(|item| item.text.unwrap_or_default()).collect::<Vec<_>>();
    let is_changed = intent.changed.contains_key(&*before.name);
    let (before, after) = (texts(before), texts(after));
    let mut rest = before.iter();
    let found = after.iter().all(|now| rest.any(|then| now == then || is_changed && is_completed(then, now)));
    found && (is_changed && intent.removes_lines || before.len() == after.len())
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

/// The first keyword in which two readings of a job differ though they must not.
fn difference<'a>(before: &'a Job, after: &'a Job, intent: &Intent) -> Option<&'a str> {
    let may_change = |keyword: &str| intent.allows(&before.name, keyword);
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
