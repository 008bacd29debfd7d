//! stagefold folds a GitLab CI build job into a multistage Dockerfile.
//!
//! A pipeline builds files in one job and an image in a later one, whose Dockerfile copies the files in.
//! [`fold()`] moves the first job into a builder stage of that Dockerfile, or says exactly why it leaves the two
//! alone. It is a pure function: it reads through [`source::Repository`], writes nothing, and answers with the
//! files before and after.
//!
//! The way of the data is one direction, and so are the imports:
//!
//! ```text
//! text -> source -> finding -> syntax -> gitlab, docker, ecosystem -> handoff -> fold -> check -> here
//! ```
//!
//! `repo` (files on a disk) and `report` (what people see) stand beside it; `cli` puts them together.
//!
//! # Limits
//! What is not proven is refused, with the line that stands in the way. `docs/decisions.md` says where the
//! lines are drawn, and each finding has a page under `docs/codes`.

mod outcome;

pub mod check;
pub mod cli;
pub mod docker;
pub mod ecosystem;
pub mod finding;
pub mod fold;
pub mod gitlab;
pub mod handoff;
pub mod repo;
pub mod report;
pub mod source;
pub mod syntax;
pub mod text;

use std::collections::BTreeMap;

use finding::{Finding, Severity};
use gitlab::Pipeline;
use source::{Overlay, Repository};
use text::{FileVersions, RepositoryPath};

pub use outcome::{
    Applicability, HandoffSummary, Layers, OnOtherReaders, OnRulesDiffer, Outcome, Policy, Verdict, Via,
};

/// How often a result is folded again: each time takes one more hand-off of the same repository.
const MOST_FOLDS: usize = 20;

/// Folds the pipeline at `pipeline` and the Dockerfiles that it builds, one hand-off after the other.
#[must_use]
pub fn fold(repository: &dyn Repository, pipeline: &RepositoryPath, policy: &Policy) -> Outcome {
    let mut done = Folded::default();
    for _ in 0..MOST_FOLDS {
        match fold_next(repository, pipeline, policy, &mut done) {
            Ok(true) => {}
            Ok(false) => break,
            Err(finding) => return Outcome::failed(*finding),
        }
    }
    done.outcome()
}

/// What was folded so far.
#[derive(Default)]
struct Folded {
    files: BTreeMap<RepositoryPath, FileVersions>,
    handoffs: Vec<HandoffSummary>,
    applicability: Option<Applicability>,
    findings: Vec<Finding>,
    refused: Vec<HandoffSummary>,
}

/// Folds the next hand-off of what is there after those in `done`; says whether there was one.
fn fold_next(
    repository: &dyn Repository,
    path: &RepositoryPath,
    policy: &Policy,
    done: &mut Folded,
) -> Result<bool, Box<Finding>> {
    let overlay = Overlay::new(repository, &done.files);
    let pipeline = Pipeline::read(&overlay, path)?;
    let plans = fold::plan(&overlay, &pipeline, policy);
    if done.handoffs.is_empty() {
        done.findings.extend(fold::faults(&overlay, &pipeline));
    }
    if done.handoffs.is_empty() && !plans.is_empty() {
        done.findings.extend(fold::notes(&pipeline));
    }
    let (folded, refused): (Vec<_>, Vec<_>) = plans.into_iter().partition(|plan| plan.changes.is_some());
    let Some(plan) = folded.into_iter().next() else {
        done.findings.extend(refused.iter().flat_map(|plan| plan.findings.clone()));
        done.refused.extend(refused.into_iter().flat_map(|plan| plan.summaries));
        return Ok(false);
    };
    let read = |path: &RepositoryPath| overlay.read(path).ok().map(|file| file.text().to_owned());
    let changes = plan.changes.unwrap_or_default();
    let files = changes.apply(read).map_err(|error| self_check(path, &error.to_string()))?;
    let folded = check::Folded { handoffs: &plan.summaries, intent: &plan.intent };
    check::check(&overlay, &pipeline, path, policy, folded, &files)?;
    done.take(plan.summaries, plan.findings, plan.applicability, files);
    Ok(true)
}

fn self_check(path: &RepositoryPath, message: &str) -> Box<Finding> {
    let location = finding::Location::File(path.clone());
    Box::new(Finding::new(finding::Code::SelfCheckFailed, location, message))
}

impl Folded {
    fn take(
        &mut self,
        summaries: Vec<HandoffSummary>,
        findings: Vec<Finding>,
        applicability: Applicability,
        files: BTreeMap<RepositoryPath, FileVersions>,
    ) {
        for (path, version) in files {
            match self.files.get_mut(&path) {
                Some(present) => present.after = version.after,
                None => {
                    self.files.insert(path, version);
                }
            }
        }
        self.findings.extend(findings);
        self.applicability = Some(self.applicability.map_or(applicability, |before| before.min(applicability)));
        self.handoffs.extend(summaries);
    }

    fn outcome(mut self) -> Outcome {
        let verdict = match (self.handoffs.is_empty(), self.refused.is_empty()) {
            (false, _) => Verdict::Folded,
            (true, false) => Verdict::Refused,
            (true, true) => Verdict::NothingToFold,
        };
        if verdict == Verdict::NothingToFold {
            self.findings.retain(|finding| finding.severity() >= Severity::Warning);
        }
        self.handoffs.extend(self.refused);
        sort(&mut self.findings);
        Outcome {
            verdict,
            applicability: self.applicability,
            handoffs: self.handoffs,
            findings: self.findings,
            files: self.files,
        }
    }
}

/// By file and place, the same finding once.
fn sort(findings: &mut Vec<Finding>) {
    let key = |finding: &Finding| match &finding.location {
        finding::Location::File(path) => (path.clone(), 0, finding.code, finding.message.clone()),
        finding::Location::Span { file, span } => {
            (file.path().clone(), span.start(), finding.code, finding.message.clone())
        }
    };
    findings.sort_by_key(key);
    findings.dedup();
}
