//! The landing of one project, from what its remote holds now to what the journal says of it.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use super::commit::{commit, holds, is_of};
use super::message::Text;
use super::pace::now;
use super::push::push;
use super::{Candidate, LandOutcome, Lander, Refold};
use crate::campaign::clone::{Base, LocalClone};
use crate::campaign::error::CampaignError;
use crate::campaign::git::{GitTrouble, without_password};
use crate::campaign::look::fold_all;
use crate::campaign::panics::guarded;
use crate::campaign::project::Project;
use crate::campaign::standing::{Landing, LandingState};
use crate::campaign::step::{Looked, Step};
use crate::repo::{CommittedRepository, Elsewhere};
use crate::source::Repository;
use crate::text::{FileVersions, RepositoryPath};

type Files = BTreeMap<RepositoryPath, FileVersions>;

/// Why the landing of a project goes no further.
pub(super) enum Stop {
    /// The campaign as a whole cannot go on.
    Campaign(CampaignError),
    /// This project cannot land, or a signal came.
    Git(GitTrouble),
}

impl From<CampaignError> for Stop {
    fn from(error: CampaignError) -> Self {
        Self::Campaign(error)
    }
}

impl From<GitTrouble> for Stop {
    fn from(trouble: GitTrouble) -> Self {
        Self::Git(trouble)
    }
}

impl From<String> for Stop {
    fn from(why: String) -> Self {
        Self::Git(GitTrouble::of(why))
    }
}

/// A project on its way to its remote.
struct Way<'a> {
    name: &'a str,
    looked: Looked,
    clone: LocalClone<'a>,
    /// What the branch was at, where this campaign has pushed it.
    landing: Option<&'a Landing>,
    /// Where the branch is now, if it is there.
    present: Option<String>,
    target: String,
}

impl Way<'_> {
    /// The commit of this campaign's that the branch is at.
    fn own(&self) -> Option<&str> {
        let commits = self.landing.map(|landing| landing.commits.as_slice()).unwrap_or_default();
        self.present.as_deref().filter(|present| commits.iter().any(|commit| commit == present))
    }
}

impl<'a> Lander<'a> {
    /// Lands one project on its remote.
    pub(super) fn land_on(&self, one: &Candidate<'a>, remote: &str) -> Result<LandOutcome, Stop> {
        if let Some(why) = self.objection(one.standing, remote) {
            return Err(why.into());
        }
        let Some(looked) = self.campaign.looked(one.standing)? else { return Ok(LandOutcome::Left) };
        if looked.is_disproven() {
            let why = "a proof says that an image of it differs; it lands once a look or a proof says otherwise";
            return Err(why.to_owned().into());
        }
        let way = self.set_out(one, remote, looked)?;
        if let Some(own) = way.own()
            && is_of(&way.clone, own, &way.looked.files)?
        {
            return self.found(&way, own);
        }
        if !self.may_push() {
            return Ok(LandOutcome::Left);
        }
        let outcome = self.build_and_push(&way);
        if !matches!(outcome, Ok(LandOutcome::Pushed(_))) {
            self.budget.fetch_add(1, Ordering::Relaxed);
        }
        outcome
    }

    /// Asks the remote where its branches are.
    fn set_out(&self, one: &Candidate<'a>, remote: &str, looked: Looked) -> Result<Way<'a>, Stop> {
        let clone = LocalClone::open(self.campaign.folder(), one.name, remote.to_owned(), self.git)?;
        let branch = self.land.branch.as_str();
        let mut heads = self.pace.patiently(self.git, || clone.heads(&[branch]))?;
        let wanted = self.land.target.clone().or_else(|| looked.project.branch.clone());
        let target = match wanted {
            Some(target) => target,
            None => heads.target()?,
        };
        if target == branch {
            let why = format!("'{branch}' is the branch to merge into as well; --branch names another to push");
            return Err(why.into());
        }
        let remote = without_password(remote);
        let landing = one.standing.landing.as_deref();
        let landing = landing.filter(|landing| landing.branch == branch && landing.remote == remote);
        Ok(Way { name: one.name, looked, landing, present: heads.branches.remove(branch), target, clone })
    }

    /// Takes one of the pushes that may be made.
    fn may_push(&self) -> bool {
        self.budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }

    /// The branch is at the commit that would be pushed.
    fn found(&self, way: &Way<'_>, commit: &str) -> Result<LandOutcome, Stop> {
        let is_known = way.landing.is_some_and(|landing| landing.state == LandingState::Open);
        if !is_known {
            self.landed(way.name, commit, None, None)?;
        }
        Ok(LandOutcome::Open(way.landing.and_then(|landing| landing.merge_request.clone())))
    }

    fn build_and_push(&self, way: &Way<'_>) -> Result<LandOutcome, Stop> {
        let base = self.pace.patiently(self.git, || way.clone.fetch(&way.target))?;
        let repository = open(way.clone.git_dir(), &base.commit, &self.land.again)?;
        if holds(&repository, &way.looked.files) {
            return Ok(LandOutcome::Merged);
        }
        if way.present.is_none() && way.landing.is_some_and(|landing| landing.is_pushed) {
            return Ok(LandOutcome::Not(format!(
                "somebody has taken the branch '{}' away, and it is not merged; 'campaign close' forgets it, and then it can \
                 be pushed again",
                self.land.branch
            )));
        }
        let files = fold_again(&way.looked.project, &repository, &self.land.again)?;
        if files != way.looked.files {
            return Err(format!(
                "a fold of what '{}' holds now is not the one of the report: it has moved on since, or --accept and its like \
                 are not those of the run; 'campaign run --resume' looks again",
                way.target
            )
            .into());
        }
        let branches = (way.target.as_str(), self.land.branch.as_str());
        let text = Text::of(&way.looked, &self.land.title, self.land.message.as_ref(), branches);
        let (kinds, message) = (repository.tracked(), text.commit_message());
        let commit = commit(&way.clone, &base, kinds, &way.looked.files, &message, &self.identity)?;
        self.bring(way, &base, &commit, &text)
    }

    /// Brings the branch to `commit`, where it is not there already and nobody else has pushed to it.
    fn bring(&self, way: &Way<'_>, base: &Base, commit: &str, text: &Text) -> Result<LandOutcome, Stop> {
        let branch = &self.land.branch;
        let is_there = way.present.as_deref() == Some(commit);
        if way.present.is_some() && way.own().is_none() && !is_there {
            return Err(format!("the branch '{branch}' holds commits of others; it is left alone").into());
        }
        if !is_there {
            self.pace.turn(self.git)?;
        }
        self.campaign.record(&Step::Landing {
            project: way.name.to_owned(),
            remote: without_password(&way.clone.remote),
            branch: branch.clone(),
            target: way.target.clone(),
            base: base.commit.clone(),
            commit: commit.to_owned(),
        })?;
        if is_there {
            self.landed(way.name, commit, None, None)?;
            return Ok(LandOutcome::Open(None));
        }
        let options = self.land.merge_request.push_options(&way.target, text);
        let push = || push(&way.clone, branch, commit, way.present.as_deref(), &options);
        let merge_request = match self.pace.patiently(self.git, push) {
            Ok(pushed) => pushed.merge_request,
            Err(GitTrouble::Interrupted) => return Err(GitTrouble::Interrupted.into()),
            Err(trouble) => {
                // The push may have come through although its answer has not.
                let heads = way.clone.heads(&[branch]);
                let is_there = heads.is_ok_and(|heads| heads.branches.get(branch).is_some_and(|at| at == commit));
                if is_there { None } else { return Err(trouble.into()) }
            }
        };
        self.landed(way.name, commit, merge_request.clone(), Some(now()))?;
        Ok(LandOutcome::Pushed(merge_request))
    }
}

/// The repository at a commit, with the files of elsewhere that the user shows.
fn open(git_dir: &std::path::Path, commit: &str, again: &Refold<'_>) -> Result<CommittedRepository, GitTrouble> {
    let repository = CommittedRepository::open(git_dir, commit).map_err(|error| GitTrouble::of(error.to_string()))?;
    Ok(repository.with_elsewhere(Elsewhere { includes: again.include_dir.clone(), merged: None }))
}

/// Every file that a fold of the project changes, where its remote holds what `repository` shows.
fn fold_again(project: &Project, repository: &CommittedRepository, again: &Refold<'_>) -> Result<Files, GitTrouble> {
    let folded = guarded(|| fold_all(project, repository, &again.policy, again.fold));
    folded.map(|(_, files)| files).map_err(|words| GitTrouble::of(format!("stagefold itself failed: {words}")))
}

/// Whether a commit leaves nothing of this fold to do: it holds its files, or others of which a fold makes nothing.
pub(in crate::campaign) fn is_folded_already(
    looked: &Looked,
    git_dir: &std::path::Path,
    commit: &str,
    again: &Refold<'_>,
) -> Result<bool, GitTrouble> {
    let repository = open(git_dir, commit, again)?;
    Ok(holds(&repository, &looked.files) || fold_again(&looked.project, &repository, again)?.is_empty())
}
