//! Whether the branch that a fold is to be merged into holds it already.

use super::Refold;
use super::commit::{Files, has_all_of, holds};
use crate::campaign::clone::LocalClone;
use crate::campaign::git::GitTrouble;
use crate::campaign::look::{fold_all, hash_of_options};
use crate::campaign::panics::guarded;
use crate::campaign::project::Project;
use crate::campaign::standing::Landing;
use crate::campaign::step::Looked;
use crate::outcome::Verdict;
use crate::repo::{CommittedRepository, Elsewhere};
use crate::report::RepositoryReport;

/// What a commit holds of a fold.
#[derive(Debug)]
pub(in crate::campaign) enum Held {
    /// Its files, or others in which nothing is left to fold.
    Yes,
    /// Neither: what a fold of it changes.
    No(Files),
    /// Not its files; whether anything is left to fold there, other options than those of the run cannot tell.
    Unknown,
}

/// What the commit `base` of a clone holds of a fold, as it was looked at or as it was pushed for `landing`.
pub(in crate::campaign) fn held(
    clone: &LocalClone<'_>,
    base: &str,
    looked: &Looked,
    landing: Option<&Landing>,
    again: &Refold<'_>,
) -> Result<Held, GitTrouble> {
    let repository = open(clone, base, again)?;
    let last = landing.and_then(|landing| landing.commits.last());
    let is_there = !looked.files.is_empty() && holds(&repository, &looked.files)
        || last.map_or(Ok(false), |commit| has_all_of(clone, base, commit))?;
    if is_there {
        return Ok(Held::Yes);
    }
    if hash_of_options(&again.policy) != looked.inputs.options {
        return Ok(Held::Unknown);
    }
    let (reports, files) = fold_again(&looked.project, &repository, again)?;
    let nothing = |report: &RepositoryReport| report.verdict == Verdict::NothingToFold;
    let is_done = files.is_empty() && !reports.is_empty() && reports.iter().all(nothing);
    // What could not be read may look as if there were nothing, or nothing that folds.
    if files != looked.files || files.is_empty() {
        clone.git().settle()?;
    }
    Ok(if is_done { Held::Yes } else { Held::No(files) })
}

/// The repository at a commit, with the files of elsewhere that the user shows.
pub(super) fn open(
    clone: &LocalClone<'_>,
    commit: &str,
    again: &Refold<'_>,
) -> Result<CommittedRepository, GitTrouble> {
    let repository = CommittedRepository::open(clone.git_dir(), commit);
    let repository = match repository {
        Ok(repository) => repository,
        Err(error) => {
            clone.git().settle()?;
            return Err(GitTrouble::of(error.to_string()));
        }
    };
    Ok(repository.with_elsewhere(Elsewhere { includes: again.include_dir.clone(), merged: None }))
}

/// What a fold of the project comes to, and every file that it changes, where its remote holds what `repository` shows.
pub(super) fn fold_again(
    project: &Project,
    repository: &CommittedRepository,
    again: &Refold<'_>,
) -> Result<(Vec<RepositoryReport>, Files), GitTrouble> {
    let folded = guarded(|| fold_all(project, repository, &again.policy, again.fold));
    folded.map_err(|words| GitTrouble::of(format!("stagefold itself failed: {words}")))
}
