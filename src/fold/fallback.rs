//! What is offered where a fold is refused and the files go through a cache: the same files, by artifacts.
//!
//! A cache may be old or missing; artifacts are what the build job of the same pipeline made (GitLab docs:
//! ci/caching, "How cache is different from artifacts"). So the image is what a cache that was just filled gave it.
//! Only the pipeline changes, and both jobs stay.

mod obstacles;
mod proof;
mod reroute;
mod steps;

use super::{Plan, edit_failed};
use crate::finding::{Code, Finding, Severity};
use crate::gitlab::{Job, Pipeline};
use crate::handoff::Handoff;
use crate::outcome::{Applicability, Fallback, Policy, Via};
use crate::source::Repository;
use crate::text::ChangeSet;

use reroute::Reroute;

/// What the flag is called where it is recommended.
const FLAG: &str = "--fallback artifacts";

/// `refused`, or what the policy wants in its place. Where nobody asked and it could be had, the help says so.
pub(super) fn in_place_of(
    refused: Plan,
    repository: &dyn Repository,
    pipeline: &Pipeline,
    policy: &Policy,
    found: &Handoff,
) -> Plan {
    if refused.changes.is_some() {
        return refused;
    }
    let Some(reroute) = Reroute::new(repository, pipeline, found) else {
        return without_paths(refused, policy);
    };
    match (policy.fallback, offer(&reroute)) {
        (Some(Fallback::Artifacts), Ok(changes)) => taken(refused, &reroute, changes),
        (Some(Fallback::Artifacts), Err(reasons)) => with_reasons(refused, reasons),
        (None, Ok(_)) => recommended(refused),
        (None, Err(_)) => refused,
    }
}

/// `refused`, where it is not known which cached files the image takes, and so none can be uploaded.
pub(super) fn without_paths(mut refused: Plan, policy: &Policy) -> Plan {
    if policy.fallback.is_some() && refused.summaries.iter().any(|summary| summary.via == Via::Cache) {
        add_help(
            &mut refused,
            "there is no fallback to artifacts, for it is not known which cached files the image takes",
        );
    }
    refused
}

/// The change, or what stands in its way.
fn offer(reroute: &Reroute<'_>) -> Result<ChangeSet, Vec<Finding>> {
    let reasons = obstacles::all(reroute);
    if !reasons.is_empty() {
        return Err(reasons);
    }
    let changes = steps::reroute(reroute).map_err(|finding| vec![*finding])?;
    proof::prove(reroute, &changes).map_err(|finding| vec![*finding])?;
    Ok(changes)
}

/// The plan that makes the change. Why there is no fold stays to be read; what a fold would have done does not.
fn taken(mut plan: Plan, reroute: &Reroute<'_>, changes: ChangeSet) -> Plan {
    plan.findings.retain(|finding| finding.severity() > Severity::Warning);
    plan.findings.push(handed_on(reroute, &plan.findings));
    for summary in &mut plan.summaries {
        summary.fallback = Some(Fallback::Artifacts);
        summary.via = Via::Cache;
        summary.producers = vec![reroute.producer.name.to_string()];
        summary.paths = reroute.moved_paths();
    }
    plan.changes = Some(changes);
    plan.applicability = Applicability::Safe;
    plan
}

fn handed_on(reroute: &Reroute<'_>, reasons: &[Finding]) -> Finding {
    let mut codes: Vec<_> = reasons.iter().map(|finding| finding.code.name()).collect();
    codes.sort_unstable();
    codes.dedup();
    let (producer, consumer) = (&reroute.producer.name, &reroute.consumer.name);
    let message = format!(
        "'{producer}' hands its files on to '{consumer}' by artifacts instead of the cache; a fold is refused: {}",
        codes.join(", ")
    );
    let finding =
        Finding::new(Code::HandedOnByArtifacts, reroute.pipeline.keyword_location(reroute.producer, "cache"), message)
            .with_related(reroute.pipeline.job_location(reroute.consumer), "the image job downloads them");
    let is_concerned = |job: &&Job| job.caches().iter().any(|cache| reroute.is_concerned(cache));
    let finding = reroute.others().filter(is_concerned).fold(finding, |finding, job| {
        finding.with_related(reroute.pipeline.job_location(job), "the files leave the cache of this job too")
    });
    if reroute.is_started_late() {
        let help = "a person or a timer starts the image job: raise 'expire_in' if that may be an hour after the build";
        return finding.with_help(help);
    }
    finding
}

fn with_reasons(mut plan: Plan, reasons: Vec<Finding>) -> Plan {
    plan.findings.extend(reasons.into_iter().map(|mut reason| {
        reason.message = format!("no fallback to artifacts: {}", reason.message);
        reason
    }));
    plan
}

fn recommended(mut plan: Plan) -> Plan {
    add_help(&mut plan, &format!("or hand the files on by artifacts instead of the cache: {FLAG}"));
    plan
}

/// Adds a sentence to the help of the first finding that forbids the fold.
fn add_help(plan: &mut Plan, sentence: &str) {
    if let Some(finding) = plan.findings.iter_mut().find(|finding| finding.severity() >= Severity::Review) {
        finding.help = Some(match &finding.help {
            Some(help) => format!("{help}; {sentence}"),
            None => sentence.to_owned(),
        });
    }
}
