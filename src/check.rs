//! The last look at a fold before anybody sees it.
//!
//! Every file that changed is parsed again, the pipeline by two parsers; every job but the two of the hand-off
//! must resolve to what it was; and folding the result once more must find nothing. A fold that fails here is
//! a fault of stagefold, is told as one, and is never shown as a diff.

mod build_line;
mod check_jobs;
mod context;
mod fallback;
mod modernized;
mod secrets;

use std::collections::BTreeMap;

use crate::finding::{Code, Finding, Location};
use crate::fold::{self, Expected, Intent, Modernization};
use crate::gitlab::{Field, Job, Pipeline, VariableKind, has_secret_name, kind_of_variable};
use crate::handoff;
use crate::outcome::{HandoffSummary, Pass, Policy, Via};
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
    parses(before, folded.handoffs, files).map_err(failed)?;
    let overlay = Overlay::new(repository, files);
    let after = Pipeline::read(&overlay, path)
        .map_err(|finding| failed(format!("the folded pipeline cannot be read: {}", finding.message)))?;
    let again = fold::plan(&overlay, &after, policy);
    let mut summaries = again.iter().flat_map(|plan| &plan.summaries);
    if let [handoff] = folded.handoffs
        && handoff.fallback.is_some()
    {
        fallback::check(before, &after, handoff).map_err(failed)?;
        let is_left = |summary: &HandoffSummary| {
            summary.is_of_same_image(handoff) && summary.fallback.is_some() && summary.producers == handoff.producers
        };
        return match summaries.any(is_left) {
            true => Err(failed("the files still go through the cache".to_owned())),
            false => Ok(()),
        };
    }
    jobs_are_the_same(before, &after, folded.intent).map_err(failed)?;
    check_jobs::are_exact(before, &after, folded).map_err(failed)?;
    for handoff in folded.handoffs {
        context::is_kept((repository, before), (&overlay, &after), folded.intent, handoff, files).map_err(failed)?;
        let described = context::options_described((repository, before), (&overlay, &after), handoff);
        secrets_are_kept((before, &after), policy, folded.intent, handoff, files, described).map_err(failed)?;
    }
    let is_left = |other: &HandoffSummary, handoff: &HandoffSummary| {
        other.is_of_same_image(handoff) && other.producers.iter().any(|producer| handoff.producers.contains(producer))
    };
    if summaries.any(|other| folded.handoffs.iter().any(|handoff| is_left(other, handoff))) {
        return Err(failed("folding the result once more finds the same hand-off".to_owned()));
    }
    Ok(())
}

/// Checks what one step of `--modernize` made of a job of the pipeline `before`: `files` is what changed.
///
/// # Errors
/// A finding that says what does not hold.
pub fn check_modernized(
    repository: &dyn Repository,
    before: &Pipeline,
    path: &RepositoryPath,
    (job, made): (&str, &Modernization),
    files: &BTreeMap<RepositoryPath, FileVersions>,
) -> Result<(), Box<Finding>> {
    let failed = |what: String| {
        Box::new(
            Finding::new(Code::SelfCheckFailed, Location::File(path.clone()), what)
                .with_help("this is a fault of stagefold; please report it with these files"),
        )
    };
    parses(before, &[], files).map_err(failed)?;
    let after = Pipeline::read(&Overlay::new(repository, files), path)
        .map_err(|finding| failed(format!("the modernized pipeline cannot be read: {}", finding.message)))?;
    modernized::is_as_told(before, &after, job, made).map_err(failed)
}

fn parses(
    before: &Pipeline,
    handoffs: &[HandoffSummary],
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
        } else if handoffs.iter().any(|handoff| *path == handoff.dockerfile) {
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
        if intent.switched_off.contains(&*job.name) {
            stays_switched_off(job, now)?;
            continue;
        }
        if !script_is_kept(job, now, intent) {
            return Err(format!("the script of the job '{}' has other commands", job.name));
        }
        if let Some(keyword) = difference(job, now, intent) {
            return Err(format!("the job '{}' has another '{keyword}'", job.name));
        }
    }
    if let Some(expected) = intent.expected.iter().find(|expected| !holds(before, after, intent, expected)) {
        let (job, keyword, written) = (&expected.job, expected.keyword, &expected.written);
        return Err(format!("'{keyword}' of the job '{job}' is not what it must be, which is {written}"));
    }
    if let Some(name) = intent.gone.iter().find(|name| after.job(name).is_some()) {
        return Err(format!("the job '{name}' is still there"));
    }
    match after.jobs().iter().find(|job| before.job(&job.name).is_none()) {
        Some(job) => Err(format!("there is a new job '{}'", job.name)),
        None => Ok(()),
    }
}

/// Whether a job has all that it had, and runs in no pipeline any more.
fn stays_switched_off(before: &Job, after: &Job) -> Result<(), String> {
    match first_difference(before, after, |keyword| keyword == "rules") {
        _ if !handoff::is_switched_off(after) => Err(format!("the job '{}' still runs", before.name)),
        Some(keyword) => Err(format!("the job '{}' has another '{keyword}'", before.name)),
        None => Ok(()),
    }
}

/// Whether no secret stands where the image could keep it, and all that is passed is taken.
fn secrets_are_kept(
    (pipeline, after): (&Pipeline, &Pipeline),
    policy: &Policy,
    intent: &Intent,
    handoff: &HandoffSummary,
    files: &BTreeMap<RepositoryPath, FileVersions>,
    described: Vec<String>,
) -> Result<(), String> {
    let pipelines: Vec<_> = pipeline.files().iter().map(|file| file.source.path().clone()).collect();
    let scripts = pipeline.job(&handoff.consumer).map(texts).zip(after.job(&handoff.consumer).map(texts));
    let version = files.get(&handoff.dockerfile);
    let dockerfiles = version.and_then(|version| version.before.as_deref().zip(version.after.as_deref()));
    let (Some((before, after)), Some((old, new)), true) = (scripts, dockerfiles, handoff.via != Via::DockerCp) else {
        return Ok(());
    };
    // A fold may put lines of its own between those of the script, so each is looked for among all.
    let wide = |then: &str| intent.widened_item(&handoff.consumer, then);
    let before: Vec<_> = before.iter().map(|then| wide(then).unwrap_or_else(|| then.to_string())).collect();
    let added = |now: &std::rc::Rc<str>| before.iter().find_map(|then| build_line::added_options(then, now));
    // A build command may stand in a script of the repository.
    let is_script = |path: &RepositoryPath| *path != handoff.dockerfile && !pipelines.contains(path);
    let scripts = files.iter().filter(|(path, _)| is_script(path));
    let in_scripts = scripts
        .filter_map(|(_, version)| build_line::added_options(version.before.as_deref()?, version.after.as_deref()?));
    let options: Vec<_> = after.iter().filter_map(added).chain(in_scripts).flatten().chain(described).collect();
    let is_secret = |name: &str| may_hold_secret(pipeline, policy, handoff, name);
    let command = before.join("\n");
    secrets::Passing { dockerfile: (old, new), command: &command, options: &options, is_secret: &is_secret }
        .keeps_secrets()
}

/// Whether a variable may hold a secret, so that neither an `ARG` nor an `ENV` may be made of it: by its name, by the
/// secrets in its value, or since nothing defines it, unless the user says that it is none.
fn may_hold_secret(pipeline: &Pipeline, policy: &Policy, handoff: &HandoffSummary, name: &str) -> bool {
    if policy.passed.get(name) == Some(&Pass::Argument) {
        return false;
    }
    let jobs: Vec<_> = handoff.producers.iter().filter_map(|job| pipeline.job(job)).collect();
    let is_undefined = |name: &str| {
        let is_set = jobs.iter().any(|job| job.variables.get(name).is_some());
        !is_set && !pipeline.names_set_by_workflow().contains(name) && kind_of_variable(name) == VariableKind::Secret
    };
    let is_path = |name: &str| jobs.iter().any(|job| job.variables.is_path_of_file(name));
    let is_secret = |name: &str| has_secret_name(name) && !is_path(name) || is_undefined(name);
    is_secret(name) || jobs.iter().any(|job| job.variables.holds_value_of(name, &is_secret))
}

/// Whether a job has the value that it must have, and its other variables what they had.
fn holds(before: &Pipeline, after: &Pipeline, intent: &Intent, expected: &Expected) -> bool {
    let Some((before, after)) = before.job(&expected.job).zip(after.job(&expected.job)) else {
        return false;
    };
    let Some(variable) = &expected.variable else {
        return after.get(expected.keyword).is_some_and(|value| value.written() == expected.written);
    };
    let may_change = |name: &&str| {
        let mut own = intent.expected.iter().filter(|expected| *expected.job == *before.name);
        own.any(|expected| expected.variable.as_deref() == Some(name))
    };
    let value = |job: &Job, name: &str| job.variables.get(name).map(|(value, _)| value.to_owned());
    let mut others = before.variables.names().chain(after.variables.names()).filter(|name| !may_change(name));
    let own = after.get("variables").and_then(|variables| variables.get(variable));
    own.is_some_and(|own| own.written() == expected.written)
        && others.all(|name| value(before, name) == value(after, name))
}

/// The items of a job's script.
fn texts(job: &Job) -> Vec<std::rc::Rc<str>> {
    job.script().into_iter().map(|item| item.text.unwrap_or_default()).collect()
}

/// Whether the commands of the image job are what they were, but for a build context that was missing, for options
/// that pass on what the builder stage reads, and for the lines that copied files out of a first image.
fn script_is_kept(before: &Job, after: &Job, intent: &Intent) -> bool {
    let is_changed = intent.changed.contains_key(&*before.name);
    let is_same = |then: &str, now: &str| {
        let wide = intent.widened_item(&before.name, then);
        let is_completed = |then: &str| now == then || is_changed && build_line::is_completed(then, now);
        let with_options = intent.completed_item(&before.name, then);
        is_completed(then) || wide.as_deref().or(with_options).is_some_and(is_completed)
    };
    let added = intent.added_lines.get(&*before.name).map(Vec::as_slice).unwrap_or_default();
    let (before, mut after) = (texts(before), texts(after));
    after.retain(|now| !added.iter().any(|line| **line == **now));
    let mut rest = before.iter();
    let found = after.iter().all(|now| rest.any(|then| is_same(then, now)));
    found && (is_changed && intent.removes_lines || before.len() == after.len())
}

/// The first keyword in which two readings of a job differ though they must not.
fn difference<'a>(before: &'a Job, after: &'a Job, intent: &Intent) -> Option<&'a str> {
    first_difference(before, after, |keyword| intent.allows(&before.name, keyword))
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
