//! From a hand-off to a change: what forbids it, and the steps that make it.
//!
//! [`plan`] asks every obstacle first. None of them edits, and each finding names the user's own line. Only
//! where all are silent the steps run, one file each; every step returns edits of its own, and their union
//! refuses to touch the same bytes twice.

mod environment;
mod evidence;
mod fallback;
mod obstacles;
mod run_lines;
mod situation;
mod steps;

use crate::finding::{Code, Finding, Severity};
use crate::gitlab::Pipeline;
use crate::handoff::{self, DockerCp, Handoff};
use crate::outcome::{Applicability, HandoffSummary, Policy, Via};
use crate::source::Repository;
use crate::text::ChangeSet;

use situation::Situation;

/// What is to be done with one hand-off.
pub struct Plan {
    /// How reports tell the hand-off.
    pub summary: HandoffSummary,
    /// What was found on the way.
    pub findings: Vec<Finding>,
    /// The change; `None` where a finding forbids it.
    pub changes: Option<ChangeSet>,
    /// How far the change can be trusted.
    pub applicability: Applicability,
}

/// Plans for every hand-off of `pipeline`, folded or refused, in the order of the jobs.
#[must_use]
pub fn plan(repository: &dyn Repository, pipeline: &Pipeline, policy: &Policy) -> Vec<Plan> {
    let search = handoff::find(pipeline, repository);
    let unclear = search.unclear.iter().map(|build| obstacles::unclear_build(pipeline, build));
    let unclear = unclear.map(|plan| fallback::without_paths(plan, policy));
    let copied = search.copied_out.iter().map(|found| plan_docker_cp(repository, pipeline, policy, found));
    let jobs = search.handoffs.iter().map(|found| plan_job(repository, pipeline, policy, found, &search.handoffs));
    jobs.chain(copied).chain(unclear).collect()
}

/// Oddities of the whole pipeline that do not depend on a hand-off.
#[must_use]
pub fn notes(pipeline: &Pipeline) -> Vec<Finding> {
    obstacles::pipeline_notes(pipeline)
}

fn plan_job(
    repository: &dyn Repository,
    pipeline: &Pipeline,
    policy: &Policy,
    found: &Handoff,
    all: &[Handoff],
) -> Plan {
    let plan = plan_fold(repository, pipeline, policy, found, all);
    fallback::in_place_of(plan, repository, pipeline, policy, found)
}

fn plan_fold(
    repository: &dyn Repository,
    pipeline: &Pipeline,
    policy: &Policy,
    found: &Handoff,
    all: &[Handoff],
) -> Plan {
    let summary = summary_of(found);
    let several = obstacles::several(pipeline, found, all);
    let Some(situation) = Situation::new(repository, pipeline, policy, found).filter(|_| several.is_empty()) else {
        return Plan { summary, findings: several, changes: None, applicability: Applicability::Safe };
    };
    let findings = obstacles::of_jobs(&situation);
    finish(summary, findings, policy, || steps::fold_jobs(&situation))
}

fn plan_docker_cp(repository: &dyn Repository, pipeline: &Pipeline, policy: &Policy, found: &DockerCp) -> Plan {
    let summary = HandoffSummary {
        via: Via::DockerCp,
        producers: vec![found.first.command.dockerfile.to_string()],
        consumer: found.consumer.to_string(),
        paths: found.copies.iter().map(|copy| copy.inside.clone()).collect(),
        dockerfile: found.second.command.dockerfile.clone(),
        producer_kept: false,
        fallback: None,
    };
    let findings = obstacles::of_docker_cp(repository, pipeline, found);
    finish(summary, findings, policy, || steps::fold_docker_cp(repository, pipeline, found))
}

/// Makes the change unless a finding forbids it; a difference that the user accepted only lowers the trust.
fn finish(
    summary: HandoffSummary,
    mut findings: Vec<Finding>,
    policy: &Policy,
    change: impl FnOnce() -> Result<(ChangeSet, Vec<Finding>), Box<Finding>>,
) -> Plan {
    let forbids = |finding: &Finding| match finding.severity() {
        Severity::Refusal | Severity::Error => true,
        Severity::Review => !policy.accepted.contains(&finding.code),
        Severity::Note | Severity::Warning => false,
    };
    let is_reviewed = findings.iter().any(|finding| finding.severity() == Severity::Review);
    let applicability = if is_reviewed { Applicability::Review } else { Applicability::Safe };
    if findings.iter().any(forbids) {
        return Plan { summary, findings, changes: None, applicability };
    }
    let changes = match change() {
        Ok((changes, notes)) => {
            findings.extend(notes);
            Some(changes)
        }
        Err(finding) => {
            findings.push(*finding);
            None
        }
    };
    Plan { summary, findings, changes, applicability }
}

fn summary_of(found: &Handoff) -> HandoffSummary {
    let mut producers: Vec<_> = found.flows.iter().map(|flow| flow.producer.to_string()).collect();
    producers.dedup();
    let artifacts = found.flows.iter().any(|flow| flow.via == Via::Artifacts);
    let mut paths: Vec<String> = Vec::new();
    for pattern in found.flows.iter().flat_map(|flow| &flow.patterns) {
        let written = pattern.written.to_string();
        if !paths.contains(&written) {
            paths.push(written);
        }
    }
    HandoffSummary {
        via: if artifacts { Via::Artifacts } else { Via::Cache },
        producers,
        consumer: found.consumer.to_string(),
        paths,
        dockerfile: found.build.command.dockerfile.clone(),
        producer_kept: false,
        fallback: None,
    }
}

/// A finding for a step that could not make its edit in a way that leaves everything else alone.
fn edit_failed(location: crate::finding::Location, what: &str) -> Box<Finding> {
    Box::new(
        Finding::new(Code::EditNotPossible, location, what.to_owned())
            .with_help("write this part in the plain block style, and run stagefold again"),
    )
}
