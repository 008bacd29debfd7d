//! From a hand-off to a change: what forbids it, and the steps that make it.
//!
//! Hand-offs that share a build job or a Dockerfile are one [`group`] and fold together. [`plan`] asks every obstacle
//! first, once for each build job of each hand-off. None of them edits, and each finding names the user's own line.
//! Only where all are silent the steps run, one file each; every step returns edits of its own, and their union
//! refuses to touch the same bytes twice. What the steps mean to change is the plan's [`Intent`], which `check` holds
//! the result against.

mod block;
mod cache_mounts;
mod chain;
mod check_job;
mod collected;
mod container_caches;
mod container_command;
mod environment;
mod evidence;
mod export;
mod fallback;
mod fate;
mod group;
mod inputs;
mod intent;
mod joined;
mod left_out;
mod listings;
mod modernize;
mod obstacles;
mod proposing;
mod relaxing;
mod rewire;
mod run_lines;
mod situation;
mod stage_names;
mod steps;
mod switch_off;
mod takeover;
mod template;
mod unpacked;
mod variable_source;
mod widening;

use crate::finding::{Code, Finding, Severity};
use crate::gitlab::Pipeline;
use crate::handoff::{self, DockerCp, Handoff};
use crate::outcome::{Applicability, HandoffSummary, Policy, Via};
use crate::source::Repository;
use crate::text::ChangeSet;

use group::Group;
use joined::Joining;
use situation::Situation;
use takeover::Takeover;

pub use intent::{Expected, Intent};
pub use modernize::{MODERN_STEPS, Modernization, Modernizing, Rewritten, modernize};

/// What is to be done with some hand-offs that go together.
pub struct Plan {
    /// How reports tell the hand-offs.
    pub summaries: Vec<HandoffSummary>,
    /// What was found on the way.
    pub findings: Vec<Finding>,
    /// The change; `None` where a finding forbids it.
    pub changes: Option<ChangeSet>,
    /// What the change means to do to the jobs.
    pub intent: Intent,
    /// How far the change can be trusted.
    pub applicability: Applicability,
}

impl Plan {
    /// The same plan for each of its hand-offs by itself.
    fn apart(self) -> Vec<Self> {
        let Self { summaries, findings, intent, applicability, .. } = self;
        let one = |summary| Self {
            summaries: vec![summary],
            findings: findings.clone(),
            changes: None,
            intent: intent.clone(),
            applicability,
        };
        summaries.into_iter().map(one).collect()
    }
}

/// Plans for every hand-off of `pipeline`, folded or refused, in the order of the jobs.
#[must_use]
pub fn plan(repository: &dyn Repository, pipeline: &Pipeline, policy: &Policy) -> Vec<Plan> {
    let search = handoff::find(pipeline, repository);
    let unclear = search.unclear.iter().map(|build| obstacles::unclear_build(pipeline, build));
    let unclear = unclear.map(|plan| fallback::without_paths(plan, policy));
    let copied = search.copied_out.iter().map(|found| plan_docker_cp(repository, pipeline, policy, found));
    let groups = Group::all(pipeline, &search.handoffs);
    let jobs = groups.iter().flat_map(|group| plan_jobs(repository, pipeline, policy, group));
    jobs.chain(copied).chain(unclear).collect()
}

/// Oddities of the whole pipeline that do not depend on a hand-off.
#[must_use]
pub fn notes(pipeline: &Pipeline) -> Vec<Finding> {
    obstacles::pipeline_notes(pipeline)
}

/// What GitLab or this program makes nothing of, whatever becomes of the hand-offs.
#[must_use]
pub fn faults(repository: &dyn Repository, pipeline: &Pipeline) -> Vec<Finding> {
    obstacles::pipeline_faults(repository, pipeline)
}

fn plan_jobs(repository: &dyn Repository, pipeline: &Pipeline, policy: &Policy, group: &Group<'_>) -> Vec<Plan> {
    let plan = plan_fold(repository, pipeline, policy, group);
    let plans = if plan.changes.is_some() { vec![plan] } else { plan.apart() };
    let pairs = plans.into_iter().zip(&group.handoffs);
    pairs.map(|(plan, found)| fallback::in_place_of(plan, repository, pipeline, policy, found)).collect()
}

fn plan_fold(repository: &dyn Repository, pipeline: &Pipeline, policy: &Policy, group: &Group<'_>) -> Plan {
    let handoffs = group.handoffs.iter();
    let mut situations: Vec<_> =
        handoffs.flat_map(|handoff| Situation::all(repository, pipeline, policy, group, handoff)).collect();
    fate::settle(&mut situations);
    let mut findings = obstacles::several(pipeline, group);
    // Where it is not clear which jobs make the files, what stands in the way of each is of no use.
    let is_clear = findings.iter().all(|finding| finding.severity() < Severity::Refusal);
    findings.extend(obstacles::builds_elsewhere(repository, pipeline, group));
    let taken_over = steps::by_consumer(&situations).into_iter().flat_map(|own| Takeover::of(&own).findings);
    let all = situations.iter().flat_map(obstacles::of_jobs).chain(taken_over);
    for finding in all.filter(|_| is_clear) {
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    }
    let summaries = group.handoffs.iter().map(|handoff| summary_of(handoff, &situations)).collect();
    let intent = Intent::of_jobs(&situations);
    finish(summaries, findings, intent, policy, || steps::fold_jobs(&situations))
}

fn plan_docker_cp(repository: &dyn Repository, pipeline: &Pipeline, policy: &Policy, found: &DockerCp) -> Plan {
    let summary = HandoffSummary {
        via: Via::DockerCp,
        producers: vec![found.first.command.dockerfile.to_string()],
        consumer: found.consumer.to_string(),
        paths: found.paths(),
        dockerfile: found.second.command.dockerfile.clone(),
        kept: Vec::new(),
        fallback: None,
    };
    let joining = Joining::of(repository, pipeline, policy, found);
    let findings = obstacles::of_docker_cp(repository, pipeline, &joining);
    let intent = Intent::of_docker_cp(pipeline, &joining);
    finish(vec![summary], findings, intent, policy, || steps::fold_docker_cp(repository, pipeline, &joining))
}

/// Makes the change unless a finding forbids it; a difference that the user accepted only lowers the trust.
fn finish(
    summaries: Vec<HandoffSummary>,
    mut findings: Vec<Finding>,
    intent: Intent,
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
        return Plan { summaries, findings, changes: None, intent, applicability };
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
    Plan { summaries, findings, changes, intent, applicability }
}

fn summary_of(found: &Handoff, situations: &[Situation<'_>]) -> HandoffSummary {
    let is_own = |situation: &&Situation<'_>| {
        std::ptr::eq(situation.handoff, found) && situation.role != group::Role::FillsCache
    };
    let own = situations.iter().filter(is_own);
    let (mut producers, mut kept) = (Vec::new(), Vec::new());
    for situation in own {
        producers.push(situation.producer.name.to_string());
        if situation.fate.is_to_stay() {
            kept.push(situation.producer.name.to_string());
        }
    }
    let (via, paths) = obstacles::told(&found.flows);
    HandoffSummary {
        via,
        producers,
        consumer: found.consumer.to_string(),
        paths,
        dockerfile: found.build.command.dockerfile.clone(),
        kept,
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
