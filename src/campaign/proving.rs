//! Folds that are proven: both ways are built by a real engine, one repository after the other, and the proof joins the report.

use std::path::PathBuf;

use tempfile::TempDir;

use super::Campaign;
use super::clone;
use super::error::CampaignError;
use super::git::Git;
use super::look::Fold;
use super::project::{Place, Project};
use super::step::{Looked, Step};
use crate::outcome::Verdict;
use crate::prove::{Proof, ProveError, Proving, Request, prove};
use crate::repo::{Found, PIPELINE};
use crate::report::{RepositoryReport, patch, proof_value};
use crate::text::RepositoryPath;

/// What came of proving one pipeline.
#[derive(Clone, Debug)]
pub enum Proved {
    /// Its images were compared.
    Compared(Box<Proof>),
    /// They could not be, and why.
    Not(String),
}

/// How folds are proven.
pub struct Provers<'a> {
    /// What is to be proven of a pipeline, or what is wrong with what was asked for.
    pub request: &'a dyn Fn(&Found) -> Result<Request, String>,
    /// How a repository is folded.
    pub fold: &'a Fold,
    /// Who is told what is being done, a line each.
    pub progress: &'a dyn Fn(&str),
}

impl Campaign {
    /// Proves every fold that was not proven yet, and keeps the proof with its report. Where a signal asks to stop, it is
    /// returned, and the rest is for another time.
    ///
    /// # Errors
    /// Where the journal cannot be read or written.
    pub fn prove(
        &self,
        provers: &Provers<'_>,
        git: &Git,
        each: &mut dyn FnMut(&str, &Proved),
    ) -> Result<Option<i32>, CampaignError> {
        let folded = self.standings.values().filter(|standing| standing.verdict == Some(Verdict::Folded));
        for standing in folded {
            let Some(mut looked) = self.looked(standing)? else { continue };
            let is_open = |report: &RepositoryReport| report.verdict == Verdict::Folded && report.proof.is_none();
            if !looked.reports.iter().any(is_open) {
                continue;
            }
            let before = looked.clone();
            if let Err(signal) = self.prove_project(&mut looked, provers, git, each) {
                return Ok(Some(signal));
            }
            if looked != before {
                self.journal.record(&Step::Looked(Box::new(looked)))?;
            }
        }
        Ok(None)
    }

    fn prove_project(
        &self,
        looked: &mut Looked,
        provers: &Provers<'_>,
        git: &Git,
        each: &mut dyn FnMut(&str, &Proved),
    ) -> Result<(), i32> {
        let tree = work_tree(&looked.project, self, git);
        for report in looked.reports.iter_mut().filter(|report| report.verdict == Verdict::Folded) {
            let proved = match &tree {
                Err(why) => Proved::Not(why.clone()),
                Ok(tree) => match prove_pipeline(&looked.project.name, tree, report, provers)? {
                    Ok((_, files)) if patch(&files, &RepositoryPath::root(), &|_| None) != report.patch => {
                        let why = "a fold of what is committed is not the one that the report shows";
                        Proved::Not(why.to_owned())
                    }
                    Ok((proof, _)) => Proved::Compared(proof),
                    Err(why) => Proved::Not(why),
                },
            };
            if let Proved::Compared(proof) = &proved {
                report.proof = Some(proof_value(proof));
            }
            each(&report.label(), &proved);
        }
        Ok(())
    }
}

type Files = std::collections::BTreeMap<RepositoryPath, crate::text::FileVersions>;

/// Proves one pipeline; the outer error is the signal that asks to stop.
fn prove_pipeline(
    name: &str,
    tree: &WorkTree,
    report: &RepositoryReport,
    provers: &Provers<'_>,
) -> Result<Result<(Box<Proof>, Files), String>, i32> {
    let pipeline = RepositoryPath::new(report.pipeline.as_deref().unwrap_or(PIPELINE)).unwrap_or_default();
    let found = Found { root: tree.root.clone(), pipeline, name: name.to_owned() };
    let request = match (provers.request)(&found) {
        Ok(request) => request,
        Err(why) => return Ok(Err(why)),
    };
    let fold = |repository: &dyn crate::source::Repository, path: &RepositoryPath, policy: &crate::outcome::Policy| {
        (provers.fold)(repository, path, policy)
    };
    match prove(&request, &fold, provers.progress) {
        Ok(Proving::Proven(proof, outcome)) => Ok(Ok((Box::new(proof), outcome.files))),
        Ok(Proving::NotFolded(_)) => Ok(Err("what is committed is not folded".to_owned())),
        Err(ProveError::Interrupted(signal)) => Err(signal),
        Err(ProveError::Error(why)) => Ok(Err(why)),
    }
}

/// The files of a project as git has checked them out.
struct WorkTree {
    root: PathBuf,
    /// The folder that goes with it, where it was checked out for this alone.
    _temporary: Option<TempDir>,
}

fn work_tree(project: &Project, campaign: &Campaign, git: &Git) -> Result<WorkTree, String> {
    if let Place::Folder(root) = &project.place {
        return Ok(WorkTree { root: root.clone(), _temporary: None });
    }
    let temporary = tempfile::tempdir().map_err(|error| error.to_string())?;
    clone::check_out(project, campaign.folder(), git, temporary.path())?;
    Ok(WorkTree { root: temporary.path().to_owned(), _temporary: Some(temporary) })
}
