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
//! `repo` (files on a disk), `process` (other programs), `prove` (images built before and after) and `report` (what people see) stand beside it; `cli`
//! puts them together.
//!
//! # Limits
//! What is not proven is refused, with the line that stands in the way. `docs/decisions.md` says where the
//! lines are drawn, and each finding has a page under `docs/codes`.

mod outcome;

pub mod campaign;
pub mod check;
pub mod cli;
pub mod docker;
pub mod ecosystem;
pub mod finding;
pub mod fold;
pub mod gitlab;
pub mod handoff;
pub mod process;
pub mod prove;
pub mod repo;
pub mod report;
pub mod source;
pub mod syntax;
pub mod text;

use std::collections::{BTreeMap, BTreeSet};

use finding::{Finding, Severity};
use gitlab::Pipeline;
use source::{Overlay, Repository};
use text::{FileVersions, RepositoryPath, add_later};

pub use outcome::{
    Applicability, Fallback, HandoffSummary, Layers, OnOtherReaders, OnRulesDiffer, Outcome, Pass, Policy, Verdict, Via,
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
    match modernize(repository, pipeline, policy, &mut done) {
        Ok(()) => done.outcome(),
        Err(finding) => Outcome::failed(*finding),
    }
}

/// Brings the image jobs of the folds to what GitLab's documentation recommends now, where the user wants that.
fn modernize(
    repository: &dyn Repository,
    path: &RepositoryPath,
    policy: &Policy,
    done: &mut Folded,
) -> Result<(), Box<Finding>> {
    let folded: Vec<_> =
        done.handoffs.iter().map(|(handoff, _)| handoff).filter(|handoff| handoff.fallback.is_none()).collect();
    if !policy.modernize || folded.is_empty() {
        return Ok(());
    }
    let after = Pipeline::read(&Overlay::new(repository, &done.files), path)?;
    let jobs = folded.iter().flat_map(|handoff| modern_jobs(&after, handoff)).collect::<BTreeSet<_>>();
    let original = Pipeline::read(repository, path)?;
    let mut earlier = Vec::new();
    for (step, job) in (0..fold::MODERN_STEPS).flat_map(|step| jobs.iter().map(move |job| (step, job))) {
        let overlay = Overlay::new(repository, &done.files);
        let pipeline = Pipeline::read(&overlay, path)?;
        let all = fold::Modernizing {
            repository: &overlay,
            original: &original,
            pipeline: &pipeline,
            policy,
            files: &done.files,
            handoffs: &done.handoffs,
            earlier: &earlier,
        };
        let made = fold::modernize(step, job, &all);
        let read = |path: &RepositoryPath| overlay.read(path).ok().map(|file| file.text().to_owned());
        let files = made.changes.apply(read).map_err(|error| self_check(path, &error.to_string()))?;
        check::check_modernized(&overlay, &pipeline, path, (job, &made), &files)?;
        if made.makes_difference {
            done.applicability = Some(Applicability::Review);
        }
        add_later(&mut done.files, files);
        done.findings.extend(made.findings);
        earlier.extend(made.rewritten);
    }
    Ok(())
}

/// The image job of a fold, and the build jobs that the fold has made checks of the image's build.
fn modern_jobs(after: &Pipeline, handoff: &HandoffSummary) -> Vec<String> {
    let is_check = |name: &&String| {
        let job = after.job(name).filter(|job| !handoff::is_switched_off(job));
        job.is_some() && !handoff.kept.contains(name)
    };
    handoff.producers.iter().filter(is_check).chain([&handoff.consumer]).cloned().collect()
}

/// What was folded so far.
#[derive(Default)]
struct Folded {
    files: BTreeMap<RepositoryPath, FileVersions>,
    handoffs: Vec<(HandoffSummary, Vec<Finding>)>,
    applicability: Option<Applicability>,
    findings: Vec<Finding>,
    refused: Vec<HandoffSummary>,
    /// All that was there before the first fold.
    known: Vec<HandoffSummary>,
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
        if !plans.is_empty() {
            done.findings.extend(fold::notes(&pipeline));
        }
        done.known = plans.iter().flat_map(|plan| plan.summaries.iter().cloned()).collect();
    }
    let (mut folded, mut refused): (Vec<_>, Vec<_>) = plans.into_iter().partition(|plan| plan.changes.is_some());
    // A fold may take away what stood in the way of another one, so no fallback is taken before the last.
    folded.sort_by_key(|plan| plan.summaries.iter().any(|summary| summary.fallback.is_some()));
    let Some(plan) = folded.into_iter().next() else {
        refused.retain(|plan| !plan.summaries.iter().any(|summary| done.has_rerouted(summary)));
        // The builder stage takes what the build took, which is no hand-off of the user's.
        refused.retain(|plan| plan.summaries.iter().any(|summary| done.knew(summary)));
        done.findings.extend(refused.iter().flat_map(|plan| plan.findings.clone()));
        done.refused.extend(refused.into_iter().flat_map(|plan| plan.summaries));
        return Ok(false);
    };
    let read = |path: &RepositoryPath| overlay.read(path).ok().map(|file| file.text().to_owned());
    let changes = plan.changes.unwrap_or_default();
    let files = changes.apply(read).map_err(|error| self_check(path, &error.to_string()))?;
    let folded = check::Folded { handoffs: &plan.summaries, intent: &plan.intent };
    check::check(&overlay, &pipeline, path, policy, folded, &files)?;
    let mut summaries = plan.summaries;
    summaries.iter_mut().for_each(|summary| done.supersede_rerouted(summary));
    done.take(summaries, plan.findings, plan.applicability, files);
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
        add_later(&mut self.files, files);
        self.applicability = Some(self.applicability.map_or(applicability, |before| before.min(applicability)));
        // Why there is no fold is told once for each image.
        let is_told = summaries.iter().any(|summary| summary.fallback.is_some() && self.has_rerouted(summary));
        let findings = findings.into_iter().filter(|finding| !is_told || finding.severity() <= Severity::Warning);
        let mut findings: Vec<_> = findings.collect();
        self.handoffs.extend(summaries.into_iter().map(|summary| (summary, std::mem::take(&mut findings))));
    }

    /// Whether these jobs handed files on to each other before the first fold.
    fn knew(&self, handoff: &HandoffSummary) -> bool {
        let is_same = |before: &HandoffSummary| {
            before.consumer == handoff.consumer
                && before.dockerfile == handoff.dockerfile
                && before.producers.iter().any(|producer| handoff.producers.contains(producer))
        };
        handoff.producers.is_empty() || self.known.iter().any(is_same)
    }

    /// Whether this hand-off took a fallback before.
    fn has_rerouted(&self, handoff: &HandoffSummary) -> bool {
        self.handoffs.iter().any(|(before, _)| before.fallback.is_some() && before.is_of_same_image(handoff))
    }

    /// The fallback of a hand-off that can be folded after all is of no interest any more, but for the way that the
    /// files took at first.
    fn supersede_rerouted(&mut self, handoff: &mut HandoffSummary) {
        let is_superseded = |before: &HandoffSummary| {
            before.fallback.is_some() && handoff.fallback.is_none() && before.is_of_same_image(handoff)
        };
        if let Some((before, _)) = self.handoffs.iter().find(|(before, _)| is_superseded(before)) {
            let via = before.via;
            self.handoffs.retain(|(before, _)| !is_superseded(before));
            handoff.via = via;
        }
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
        let (mut handoffs, findings): (Vec<_>, Vec<_>) = self.handoffs.into_iter().unzip();
        handoffs.extend(self.refused);
        self.findings.extend(findings.into_iter().flatten());
        sort(&mut self.findings);
        Outcome { verdict, applicability: self.applicability, handoffs, findings: self.findings, files: self.files }
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
    // What differs only in the other places that it names is told once, with all of them.
    findings.dedup_by(|again, first| {
        let is_same = again.is_about_the_same(first);
        if is_same {
            again.related.drain(..).for_each(|related| first.add_related(related));
        }
        is_same
    });
}
