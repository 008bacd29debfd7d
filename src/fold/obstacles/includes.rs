//! What the pipeline takes in: files that cannot be read here, that only some pipelines take in, that lie elsewhere, or
//! that are filled in from inputs.

mod inputs;
mod scanners;
mod unread;

use std::rc::Rc;

pub(super) use unread::HELP;

use crate::finding::{Code, Finding, Location};
use crate::fold::fate::Fate;
use crate::fold::situation::Situation;
use crate::gitlab::{ConditionalInclude, Definition, DisputedJob, Job, Pipeline};

pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let mut findings = of_pipeline(situation.pipeline, &[situation.producer, situation.consumer]);
    findings.extend(scanners::check(situation));
    findings.extend(elsewhere(situation));
    findings.extend(inputs::check(situation));
    findings
}

/// What stands in the way of changing `jobs`, whatever they hand on to one another.
pub(super) fn of_pipeline(pipeline: &Pipeline, jobs: &[&Job]) -> Vec<Finding> {
    let mut findings = unread::check(pipeline, jobs);
    findings.extend(conditional(pipeline, jobs));
    findings.extend(inputs::not_known(pipeline, jobs));
    findings.extend(disputed(pipeline, jobs));
    findings
}

/// Includes that change a job in some pipelines only, or bring in only one of the two.
fn conditional(pipeline: &Pipeline, jobs: &[&Job]) -> Vec<Finding> {
    let all = pipeline.conditional();
    let finding = |(number, include): (usize, &ConditionalInclude)| {
        let others = all.iter().enumerate().filter(|(other, _)| *other != number).map(|(_, other)| other);
        let twice = include.adds.iter().find(|name| others.clone().any(|other| other.adds.contains(name)));
        let is_brought = |job: &&Job| others.clone().any(|other| other.adds.contains(&job.name));
        let brought = jobs.iter().filter(|job| include.adds.contains(&job.name)).count();
        let what = if !include.changes.is_empty() {
            format!("changes {}", listed(&include.changes))
        } else if let Some(name) = twice {
            format!("brings in '{name}', which another such file brings in too")
        } else if brought > 0 && brought < jobs.len() {
            let one = jobs.iter().find(|job| include.adds.contains(&job.name))?;
            format!("brings in '{}' alone", one.name)
        } else if let Some(job) = jobs.iter().copied().find(is_brought).filter(|_| !include.touches.is_empty()) {
            format!("sets {}, and another such file brings in '{}'", listed(&include.touches), job.name)
        } else {
            return None;
        };
        let message =
            format!("this is taken in by some pipelines only, and {what}, so one fold cannot be right for all");
        let finding = Finding::new(Code::IncludeConditional, include.location.clone(), message);
        Some(finding.with_help("move the condition into the 'rules' of the jobs themselves"))
    };
    all.iter().enumerate().filter_map(finding).collect()
}

/// Jobs of which GitLab's merged pipeline says something else: it is out of date, or another include has the last word.
fn disputed(pipeline: &Pipeline, jobs: &[&Job]) -> Vec<Finding> {
    let of_jobs = pipeline.disputes().iter().filter(|dispute| jobs.iter().any(|job| job.name == dispute.job));
    let finding = |dispute: &DisputedJob| {
        let what = match &dispute.keyword {
            Some(keyword) => format!("has another '{keyword}' for '{}' than this file", dispute.job),
            None => format!("has no job '{}'", dispute.job),
        };
        let at = jobs.iter().find(|job| job.name == dispute.job).map(|job| pipeline.job_location(job));
        let location = dispute.local.clone().or(at).unwrap_or_else(|| dispute.merged.clone());
        Finding::new(Code::MergedYamlDiffers, location, format!("the merged pipeline {what}"))
            .with_related(dispute.merged.clone(), "the merged pipeline says it here")
            .with_help("get the merged pipeline of this very commit")
    };
    of_jobs.map(finding).collect()
}

/// The first names of a list, and how many there are beside them.
fn listed(names: &[Rc<str>]) -> String {
    let quoted: Vec<_> = names.iter().take(3).map(|name| format!("'{name}'")).collect();
    match names.len().saturating_sub(quoted.len()) {
        0 => quoted.join(", "),
        more => format!("{} and {more} more", quoted.join(", ")),
    }
}

/// The producer goes, so all of it must be written in this repository; or it can be switched off.
fn elsewhere(situation: &Situation<'_>) -> Option<Finding> {
    if situation.fate.is_to_stay() {
        return None;
    }
    let place = |definition: &Definition| {
        let file = situation.pipeline.file(definition.file)?;
        Some((file.location(definition.key), file.elsewhere()?))
    };
    let (location, file) = situation.producer.definitions.iter().find_map(place)?;
    if situation.fate == Fate::IsSwitchedOff {
        return Some(switched_off(situation, location, &file));
    }
    let message = format!("'{}' is written in {file}, where it cannot be taken away", situation.producer.name);
    let finding = Finding::new(Code::JobDefinedElsewhere, location, message);
    let is_merged = situation.pipeline.merged().is_some_and(|merged| merged.source.path() == finding.location.path());
    Some(finding.with_help(if is_merged {
        "get the merged pipeline of this very commit, or write the job in this repository"
    } else {
        "write the job in this repository, under a name of its own"
    }))
}

/// What the job is made of where it is written may change, and the Dockerfile would not follow.
fn switched_off(situation: &Situation<'_>, location: Location, file: &str) -> Finding {
    let name = &situation.producer.name;
    let message = format!(
        "'{name}' is written in {file}; this pipeline switches it off by 'rules', and later changes to it there no longer reach the image"
    );
    let finding = Finding::new(Code::JobSwitchedOff, location, message);
    finding.with_help("if the Dockerfile may do its work from now on, accept it with '--accept job-switched-off'")
}
