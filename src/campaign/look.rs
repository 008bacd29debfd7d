//! One look at a project: all its pipelines folded, and what that comes to.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::clone;
use super::git::Git;
use super::inputs::{Recorder, hash_of, still_hold};
use super::panics::guarded;
use super::project::{Place, Project};
use super::setup::Setup;
use super::siblings;
use super::step::{Inputs, Looked};
use crate::finding::{Code, Finding, Location, Severity};
use crate::gitlab::Pipeline;
use crate::handoff::is_switched_off;
use crate::outcome::{Outcome, Policy, Verdict, Via};
use crate::process::Interrupt;
use crate::repo::{CommittedRepository, DiskRepository, Elsewhere, PIPELINE};
use crate::report::{Entry, RepositoryReport, Savings, patch};
use crate::source::{Overlay, Repository};
use crate::text::{FileVersions, RepositoryPath, add_later};

/// How one repository is folded: the repository, its pipeline, what the user allows.
pub type Fold = dyn Fn(&dyn Repository, &RepositoryPath, &Policy) -> Outcome + Sync;

type Files = BTreeMap<RepositoryPath, FileVersions>;

/// Looks at a project; `None` where that would come to what an earlier look at the inputs `known` came to.
pub(super) fn look(project: &Project, known: Option<&Inputs>, setup: &Setup, fold: &Fold) -> Option<Looked> {
    let words = match guarded(|| look_unguarded(project, known, setup, fold)) {
        Ok(looked) => return looked,
        Err(words) => words,
    };
    let message = format!("stagefold itself failed on this repository: {words}");
    let help = "please report it; the other repositories are not touched by this";
    Some(failed(project, setup, Code::InternalError, &message, help))
}

/// The look at a project that could not be had.
pub(super) fn failed(project: &Project, setup: &Setup, code: Code, message: &str, help: &str) -> Looked {
    let path = first_pipeline(project);
    let finding = Finding::new(code, Location::File(path.clone()), message).with_help(help);
    let report = report_of(&project.name, &path, &Outcome::failed(finding), String::new(), &setup.policy);
    let inputs = Inputs { options: hash_of_options(&setup.policy), ..Inputs::default() };
    Looked { project: project.clone(), inputs, reports: vec![report], files: Files::new() }
}

fn look_unguarded(project: &Project, known: Option<&Inputs>, setup: &Setup, fold: &Fold) -> Option<Looked> {
    let elsewhere = Elsewhere { includes: setup.include_dir.clone(), merged: None };
    match &project.place {
        Place::Folder(root) => {
            let repository = DiskRepository::new(root, first_pipeline(project)).with_elsewhere(elsewhere);
            look_at(project, &repository, None, known, setup, fold)
        }
        Place::Bare(_) | Place::Remote(_) => match committed(project, setup) {
            Ok(repository) => {
                let repository = repository.with_elsewhere(elsewhere);
                let commit = repository.commit().to_owned();
                look_at(project, &repository, Some(commit), known, setup, fold)
            }
            Err(why) => {
                let help = "see that git can read it by itself, then 'stagefold campaign run --only-failed'";
                Some(failed(project, setup, Code::RepositoryNotFetched, &why, help))
            }
        },
    }
}

/// The commit that a bare repository or an address is read at.
fn committed(project: &Project, setup: &Setup) -> Result<CommittedRepository, String> {
    // A worker is ended by a signal as it is; there is nothing that it would have to clean up.
    let git = Git::new(Interrupt::default(), Duration::from_secs(setup.git_time_limit)).in_this_group();
    let head = clone::head(project, &setup.folder, &git)?;
    let (folder, commit) = head.ok_or_else(|| format!("{} is no repository that a commit is read of", project.name))?;
    CommittedRepository::open(folder, &commit).map_err(|error| error.to_string())
}

fn look_at(
    project: &Project,
    repository: &dyn Repository,
    commit: Option<String>,
    known: Option<&Inputs>,
    setup: &Setup,
    fold: &Fold,
) -> Option<Looked> {
    let options = hash_of_options(&setup.policy);
    if known.is_some_and(|known| still_hold(known, &options, commit.as_deref(), repository)) {
        return None;
    }
    let recorder = Recorder::new(repository);
    let (reports, files) = fold_all(project, &recorder, &setup.policy, fold);
    let inputs = Inputs { commit, ..recorder.inputs(&options) };
    Some(Looked { project: project.clone(), inputs, reports, files })
}

/// A hash of all that a look depends on besides the repository.
pub(super) fn hash_of_options(policy: &Policy) -> String {
    hash_of(&(env!("CARGO_PKG_VERSION"), policy))
}

fn first_pipeline(project: &Project) -> RepositoryPath {
    let first = project.pipelines.first().cloned();
    first.or_else(|| RepositoryPath::new(PIPELINE)).unwrap_or_default()
}

/// Folds every pipeline of a project, each over what those before it have changed: a report on each, and every file that
/// changes. Pipelines that the first one includes or starts are left to it.
pub(super) fn fold_all(
    project: &Project,
    repository: &dyn Repository,
    policy: &Policy,
    fold: &Fold,
) -> (Vec<RepositoryReport>, Files) {
    let first = first_pipeline(project);
    let mut pipelines = vec![&first];
    if project.pipelines.len() > 1 {
        let reached = reached_by(repository, &first);
        pipelines.extend(project.pipelines.iter().skip(1).filter(|pipeline| !reached.contains(pipeline)));
    }
    let mut folding = Folding { project, pipelines: &pipelines, repository, policy, fold, files: Files::new() };
    let reports = pipelines.iter().map(|pipeline| folding.fold_next(pipeline)).collect();
    (reports, folding.files)
}

/// The files that a pipeline includes, and those that it starts as child pipelines.
fn reached_by(repository: &dyn Repository, path: &RepositoryPath) -> BTreeSet<RepositoryPath> {
    let Ok(pipeline) = Pipeline::read(repository, path) else { return BTreeSet::new() };
    let included = pipeline.files().iter().map(|file| file.source.path().clone());
    let started = pipeline.jobs().iter().flat_map(|job| job.child_pipelines().map(|(path, _)| path));
    included.chain(started).collect()
}

/// The folds of one project.
struct Folding<'a> {
    project: &'a Project,
    pipelines: &'a [&'a RepositoryPath],
    repository: &'a dyn Repository,
    policy: &'a Policy,
    fold: &'a Fold,
    /// What was changed so far.
    files: Files,
}

impl Folding<'_> {
    fn fold_next(&mut self, pipeline: &RepositoryPath) -> RepositoryReport {
        if self.files.is_empty() {
            return self.fold_in(self.repository, pipeline);
        }
        let earlier = self.files.clone();
        self.fold_in(&Overlay::new(self.repository, &earlier), pipeline)
    }

    fn fold_in(&mut self, repository: &dyn Repository, pipeline: &RepositoryPath) -> RepositoryReport {
        let outcome = (self.fold)(repository, pipeline, self.policy);
        let outcome = siblings::beside(outcome, pipeline, self.pipelines, self.repository);
        let kind_of = |path: &RepositoryPath| repository.tracked().get(path).copied();
        let patch = patch(&outcome.files, &RepositoryPath::root(), &kind_of);
        let mut report = report_of(&self.project.name, pipeline, &outcome, patch, self.policy);
        match outcome.verdict {
            Verdict::Folded => report.savings = Some(savings(repository, pipeline, &outcome)),
            Verdict::Refused => {
                report.folded_by_accepting =
                    folded_by_accepting(repository, pipeline, &outcome, self.policy, self.fold);
            }
            Verdict::NothingToFold | Verdict::Failed => {}
        }
        add_later(&mut self.files, outcome.files);
        report
    }
}

fn report_of(
    name: &str,
    pipeline: &RepositoryPath,
    outcome: &Outcome,
    patch: String,
    policy: &Policy,
) -> RepositoryReport {
    let entry = Entry { name: name.to_owned(), outcome: outcome.clone(), patch, proof: None };
    let mut report = RepositoryReport::new(&entry);
    report.pipeline = (pipeline.as_str() != PIPELINE).then(|| pipeline.to_string());
    for finding in report.findings.iter_mut().filter(|finding| finding.accept) {
        finding.accepted = policy.accepted.contains(&finding.code);
    }
    report
}

/// The jobs that are gone, and the uploads and downloads of their files. `docker cp` moves files within one job, which is no
/// transfer.
fn savings(repository: &dyn Repository, pipeline: &RepositoryPath, outcome: &Outcome) -> Savings {
    let jobs = |repository: &dyn Repository| {
        let pipeline = Pipeline::read(repository, pipeline).ok();
        pipeline.map_or(0, |pipeline| pipeline.jobs().iter().filter(|job| !is_switched_off(job)).count())
    };
    let folded = outcome.handoffs.iter().filter(|handoff| handoff.fallback.is_none() && handoff.via != Via::DockerCp);
    let transfers = folded.map(|handoff| {
        let uploads = handoff.producers.iter().filter(|producer| !handoff.kept.contains(producer)).count();
        uploads + handoff.producers.len()
    });
    let after = Overlay::new(repository, &outcome.files);
    Savings { jobs: jobs(repository).saturating_sub(jobs(&after)), transfers: transfers.sum() }
}

/// The reviews that have to be accepted for a refused pipeline to be folded: found by folding it with them. One that is
/// enough by itself is named alone.
fn folded_by_accepting(
    repository: &dyn Repository,
    pipeline: &RepositoryPath,
    outcome: &Outcome,
    policy: &Policy,
    fold: &Fold,
) -> Vec<Code> {
    let open: BTreeSet<_> = outcome.findings_of(Severity::Review).map(|finding| finding.code).collect();
    let open: Vec<_> = open.difference(&policy.accepted).copied().collect();
    let folds = |codes: &[Code]| {
        let accepted = policy.accepted.iter().chain(codes).copied().collect();
        fold(repository, pipeline, &Policy { accepted, ..policy.clone() }).verdict == Verdict::Folded
    };
    // What a pipeline beside it forbids, no review allows.
    let is_forbidden = outcome.findings.iter().any(|finding| finding.code == Code::DockerfileShared);
    if is_forbidden || open.is_empty() || !folds(&open) {
        return Vec::new();
    }
    let alone = open.iter().filter(|_| open.len() > 1).find(|code| folds(std::slice::from_ref(*code)));
    alone.map_or(open.clone(), |code| vec![*code])
}
