//! Branches are taken back: what is deleted is at a commit of the campaign's own, and GitLab closes its merge request then.

use super::Campaign;
use super::clone::{LocalClone, remote_of};
use super::crew::spread;
use super::error::CampaignError;
use super::git::{Git, GitTrouble};
use super::land::{FIRST_WAIT, Pace, delete};
use super::standing::{Landing, LandingState, Standing};
use super::step::Step;

/// What became of a branch that was to be taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CloseOutcome {
    /// It was deleted.
    Deleted,
    /// It was gone already.
    Gone,
    /// It is left alone: why.
    Not(String),
    /// A signal came before it was deleted.
    Stopped,
}

impl Campaign {
    /// Deletes each branch that this campaign has pushed and nobody else has pushed to since.
    ///
    /// # Errors
    /// Where the journal cannot be read or written.
    pub fn close(
        &self,
        git: &Git,
        jobs: usize,
        each: &mut dyn FnMut(&str, &Landing, &CloseOutcome),
    ) -> Result<(), CampaignError> {
        let landing = |standing| Standing::landing_to_close(standing);
        let open: Vec<_> =
            self.standings().iter().filter_map(|(name, standing)| Some((name, standing, landing(standing)?))).collect();
        let work = |index: usize| {
            let Some((name, standing, landing)) = open.get(index) else { return Ok(CloseOutcome::Stopped) };
            self.close_one(name, standing, landing, git)
        };
        spread(open.len(), jobs, &work, &mut |index, outcome| {
            if let Some((name, _, landing)) = open.get(index) {
                each(name, landing, &outcome);
            }
        })
    }

    fn close_one(
        &self,
        name: &str,
        standing: &Standing,
        landing: &Landing,
        git: &Git,
    ) -> Result<CloseOutcome, CampaignError> {
        if git.interrupt().signal().is_some() {
            return Ok(CloseOutcome::Stopped);
        }
        let Some(looked) = self.looked(standing)? else { return Ok(CloseOutcome::Stopped) };
        let closed = remote_of(&looked.project, git).and_then(|remote| {
            let clone = LocalClone::open(self.folder(), name, remote, git)?;
            take_back(&clone, landing)
        });
        match closed {
            Ok(outcome) => {
                if matches!(outcome, CloseOutcome::Deleted | CloseOutcome::Gone) {
                    self.record(&Step::Closed { project: name.to_owned() })?;
                }
                Ok(outcome)
            }
            Err(GitTrouble::Interrupted) => Ok(CloseOutcome::Stopped),
            Err(GitTrouble::Failed { why, .. }) => Ok(CloseOutcome::Not(why)),
        }
    }
}

fn take_back(clone: &LocalClone<'_>, landing: &Landing) -> Result<CloseOutcome, GitTrouble> {
    let (git, branch) = (clone.git(), landing.branch.as_str());
    let pace = Pace::new(None, None, FIRST_WAIT);
    let heads = pace.patiently(git, || clone.heads(&[branch]))?;
    let Some(present) = heads.branches.get(branch) else { return Ok(CloseOutcome::Gone) };
    if !landing.commits.contains(present) {
        return Ok(CloseOutcome::Not(format!("the branch '{branch}' holds commits of others")));
    }
    pace.patiently(git, || delete(clone, branch, present))?;
    Ok(CloseOutcome::Deleted)
}

impl Standing {
    /// The branch that there may be something to take back of.
    fn landing_to_close(&self) -> Option<&Landing> {
        self.landing.as_deref().filter(|landing| landing.state != LandingState::Closed)
    }
}
