//! Branches are taken back: what is deleted is at a commit of the campaign's own, and GitLab closes its merge request then.

use super::Campaign;
use super::clone::{LocalClone, remote_of_landing};
use super::crew::spread;
use super::error::CampaignError;
use super::git::GitTrouble;
use super::land::{FIRST_WAIT, Held, Pace, Remotes, delete, held};
use super::standing::{Landing, LandingState, Standing};
use super::step::{Looked, Step};

/// What became of a branch that was to be taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CloseOutcome {
    /// It was deleted.
    Deleted,
    /// It was gone already.
    Gone,
    /// It is merged, and gone or deleted: nothing is taken back.
    Merged,
    /// It is left alone: why.
    Not(String),
    /// A signal came before it was deleted.
    Stopped,
}

/// What became of a branch, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// What became of it.
    pub outcome: CloseOutcome,
    /// A word on its remote, where that is not the one of the project any more.
    pub note: Option<String>,
}

impl From<CloseOutcome> for Closing {
    fn from(outcome: CloseOutcome) -> Self {
        Self { outcome, note: None }
    }
}

/// A branch that there may be something to take back of.
struct Open<'a> {
    name: &'a str,
    standing: &'a Standing,
    landing: &'a Landing,
}

impl Campaign {
    /// Deletes each branch that this campaign has pushed and nobody else has pushed to since, and tells `each` what became of it.
    ///
    /// # Errors
    /// Where the journal cannot be read or written.
    pub fn close(
        &self,
        remotes: &Remotes<'_>,
        each: &mut dyn FnMut(&str, &Landing, &Closing),
    ) -> Result<(), CampaignError> {
        let mut open = Vec::new();
        for (name, standing) in self.standings() {
            let landing = standing.landing.as_deref().filter(|landing| landing.state != LandingState::Closed);
            open.extend(landing.map(|landing| Open { name, standing, landing }));
        }
        let work = |index: usize| match open.get(index) {
            Some(one) => self.close_one(one, remotes),
            None => Ok(CloseOutcome::Stopped.into()),
        };
        spread(open.len(), remotes.jobs, &work, &mut |index, closing| {
            if let Some(one) = open.get(index) {
                each(one.name, one.landing, &closing);
            }
        })
    }

    fn close_one(&self, one: &Open<'_>, remotes: &Remotes<'_>) -> Result<Closing, CampaignError> {
        if remotes.git.interrupt().signal().is_some() {
            return Ok(CloseOutcome::Stopped.into());
        }
        let Some(looked) = self.looked(one.standing)? else { return Ok(CloseOutcome::Stopped.into()) };
        let closing = match take_back(self, one, &looked, remotes) {
            Ok(closing) => closing,
            Err(GitTrouble::Interrupted) => CloseOutcome::Stopped.into(),
            Err(GitTrouble::Failed { why, .. }) => CloseOutcome::Not(why).into(),
        };
        let project = one.name.to_owned();
        match closing.outcome {
            CloseOutcome::Deleted | CloseOutcome::Gone => self.record(&Step::Closed { project })?,
            CloseOutcome::Merged if !one.standing.is_merged => self.record(&Step::Merged { project })?,
            CloseOutcome::Merged | CloseOutcome::Not(_) | CloseOutcome::Stopped => {}
        }
        Ok(closing)
    }
}

fn take_back(
    campaign: &Campaign,
    one: &Open<'_>,
    looked: &Looked,
    remotes: &Remotes<'_>,
) -> Result<Closing, GitTrouble> {
    let (git, landing, branch) = (remotes.git, one.landing, one.landing.branch.as_str());
    let (remote, note) = remote_of_landing(&looked.project, landing, git)?;
    let clone = LocalClone::open(campaign.folder(), one.name, remote, git)?;
    let pace = Pace::new(None, None, FIRST_WAIT, remotes.tell);
    let heads = pace.patiently(one.name, git, || clone.heads(&[branch]))?;
    if let Some(why) = heads.objection(branch, &landing.target) {
        return Ok(Closing { outcome: CloseOutcome::Not(why), note });
    }
    let present = heads.branches.get(branch);
    if present.is_some_and(|present| !landing.commits.contains(present)) {
        let outcome = CloseOutcome::Not(format!("the branch '{branch}' holds commits of others"));
        return Ok(Closing { outcome, note });
    }
    let base = pace.patiently(one.name, git, || clone.fetch(&landing.target))?;
    let is_merged = match held(&clone, &base.commit, looked, Some(landing), &remotes.again)? {
        Held::Yes => true,
        Held::No(_) => false,
        Held::Unknown => one.standing.is_merged,
    };
    if let Some(present) = present {
        pace.patiently(one.name, git, || delete(&clone, branch, present))?;
    }
    let outcome = match present {
        _ if is_merged => CloseOutcome::Merged,
        Some(_) => CloseOutcome::Deleted,
        None => CloseOutcome::Gone,
    };
    Ok(Closing { outcome, note })
}
