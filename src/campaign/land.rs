//! Folds become branches: one commit for each project, pushed by git, with the options by which GitLab makes a merge request.

mod budget;
mod commit;
mod held;
mod message;
mod one;
mod pace;
mod push;
mod template;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::Campaign;
use super::clone::{LocalClone, remote_of};
use super::crew::spread;
use super::error::CampaignError;
use super::git::{Git, GitTrouble, without_password};
use super::look::Fold;
use super::standing::{Landing, LandingState, Standing};
use super::step::Step;
use crate::outcome::{Policy, Verdict};

pub use message::TITLE;
pub use pace::Tell;
pub use push::MergeRequest;
pub use template::Template;

pub(super) use held::{Held, held};
pub(super) use pace::Pace;
pub(super) use push::delete;

/// How long the first wait for a busy remote is.
pub const FIRST_WAIT: Duration = Duration::from_secs(5);

/// What is pushed, and how.
pub struct Land<'a> {
    /// The branch.
    pub branch: String,
    /// The branch that it is to be merged into; the default one of each remote without it.
    pub target: Option<String>,
    /// The title of the commit and of the merge request.
    pub title: Template,
    /// The rest of the message, where the user writes it.
    pub message: Option<Template>,
    /// The merge request.
    pub merge_request: MergeRequest,
    /// How many branches are pushed at most.
    pub limit: Option<u32>,
    /// How many are pushed an hour at most.
    pub rate: Option<u32>,
    /// Whether only those are tried that failed before.
    pub only_failed: bool,
    /// How many remotes are talked to at a time.
    pub jobs: usize,
    /// How long the first wait for a busy remote is; each further one takes twice as long.
    pub first_wait: Duration,
    /// How what is there now is folded.
    pub again: Refold<'a>,
    /// Who is told of long waits.
    pub tell: &'a Tell,
}

/// How remotes are asked about what was pushed to them.
pub struct Remotes<'a> {
    /// Git.
    pub git: &'a Git,
    /// How what is there now is folded.
    pub again: Refold<'a>,
    /// How many of them are talked to at a time.
    pub jobs: usize,
    /// Who is told of long waits.
    pub tell: &'a Tell,
}

/// How a project is folded again, from what its remote holds now.
pub struct Refold<'a> {
    /// The fold.
    pub fold: &'a Fold,
    /// What the user allows and wishes.
    pub policy: Policy,
    /// The folder with the files that pipelines include from elsewhere.
    pub include_dir: Option<PathBuf>,
}

/// What became of the branch of one project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LandOutcome {
    /// It was pushed; the address of its merge request, where the remote has told it.
    Pushed(Option<String>),
    /// It is there already; the same.
    Open(Option<String>),
    /// The target holds the change already, and there is nothing to push.
    Merged,
    /// It waits for another time, since as many as may be are pushed.
    Left,
    /// It was not pushed: why, and what to do.
    Not(String),
    /// A signal came before it was pushed.
    Stopped,
}

/// A project whose fold may land.
struct Candidate<'a> {
    name: &'a str,
    standing: &'a Standing,
    remote: Result<String, GitTrouble>,
    /// Another project that lands on the same branch of the same remote.
    twin: Option<&'a str>,
}

/// What the landing of all projects shares.
struct Lander<'a> {
    campaign: &'a Campaign,
    land: &'a Land<'a>,
    git: &'a Git,
    pace: Pace<'a>,
    identity: commit::Identity,
    budget: budget::Budget,
}

impl Campaign {
    /// Pushes a branch for each project that is folded, and tells `each` what became of it.
    ///
    /// # Errors
    /// Where the journal cannot be read or written, or git does not know who the user is. What is wrong with one remote is told
    /// of it alone.
    pub fn land(
        &self,
        land: &Land<'_>,
        git: &Git,
        each: &mut dyn FnMut(&str, &LandOutcome),
    ) -> Result<(), CampaignError> {
        let identity = commit::Identity::of_user(git).map_err(CampaignError::Other)?;
        let last = self.standings().values().filter_map(|standing| standing.landing.as_ref()?.pushed_at).max();
        let pace = Pace::new(land.rate, last, land.first_wait, land.tell);
        let budget = budget::Budget::new(land.limit.unwrap_or(u32::MAX));
        let candidates = self.candidates(land, git)?;
        let lander = Lander { campaign: self, land, git, pace, identity, budget };
        let work = |index: usize| candidates.get(index).map_or(Ok(LandOutcome::Left), |one| lander.land(one));
        spread(candidates.len(), land.jobs, &work, &mut |index, outcome| {
            if let Some(one) = candidates.get(index) {
                each(one.name, &outcome);
            }
        })
    }

    /// The projects that are folded, in the order of their names, with the addresses that they are pushed to.
    fn candidates(&self, land: &Land<'_>, git: &Git) -> Result<Vec<Candidate<'_>>, CampaignError> {
        let is_folded = |standing: &Standing| standing.verdict == Some(Verdict::Folded);
        let meant: Vec<_> = self.standings().iter().filter(|(_, standing)| is_folded(standing)).collect();
        let mut remotes: Vec<_> = meant.iter().map(|_| Err(GitTrouble::Interrupted)).collect();
        let work = |index: usize| {
            let Some((_, standing)) = meant.get(index) else { return Ok(Err(GitTrouble::Interrupted)) };
            let looked = self.looked(standing)?;
            Ok(looked.map_or(Err(GitTrouble::Interrupted), |looked| remote_of(&looked.project, git)))
        };
        spread(meant.len(), land.jobs, &work, &mut |index, remote| {
            if let Some(place) = remotes.get_mut(index) {
                *place = remote;
            }
        })?;
        let mut first = BTreeMap::new();
        let candidates = meant.into_iter().zip(remotes).map(|((name, standing), remote)| {
            let twin = remote.as_ref().ok().and_then(|remote| match first.get(plain(remote)) {
                Some(twin) => Some(*twin),
                None => {
                    first.insert(plain(remote).to_owned(), name.as_str());
                    None
                }
            });
            Candidate { name, standing, remote, twin }
        });
        let is_meant = |one: &Candidate<'_>| !land.only_failed || one.standing.not_landed.is_some();
        Ok(candidates.filter(is_meant).collect())
    }
}

/// An address without what makes no difference.
fn plain(remote: &str) -> &str {
    remote.trim_end_matches('/').trim_end_matches(".git")
}

impl Lander<'_> {
    /// Lands one project, and keeps what became of it.
    fn land(&self, one: &Candidate<'_>) -> Result<LandOutcome, CampaignError> {
        if self.git.interrupt().signal().is_some() {
            return Ok(LandOutcome::Stopped);
        }
        let why = match (&one.remote, one.twin) {
            (Err(trouble), _) => Err(one::Stop::Git(trouble.clone())),
            (Ok(_), Some(twin)) => {
                let what = format!("'{twin}' is pushed to the same branch of the same remote");
                Err(one::Stop::Git(GitTrouble::of(what)))
            }
            (Ok(remote), None) => self.land_on(one, remote),
        };
        match why {
            Ok(outcome) => Ok(outcome),
            Err(one::Stop::Campaign(error)) => Err(error),
            Err(one::Stop::Git(GitTrouble::Interrupted)) => Ok(LandOutcome::Stopped),
            // Whatever failed may have failed by the signal that stops this.
            Err(one::Stop::Git(GitTrouble::Failed { .. })) if self.git.settle().is_err() => Ok(LandOutcome::Stopped),
            Err(one::Stop::Git(GitTrouble::Failed { why, .. })) => {
                self.campaign.record(&Step::NotLanded { project: one.name.to_owned(), why: why.clone() })?;
                Ok(LandOutcome::Not(why))
            }
        }
    }

    /// Keeps that a branch is there.
    fn landed(
        &self,
        name: &str,
        commit: &str,
        merge_request: Option<String>,
        at: Option<u64>,
    ) -> Result<(), CampaignError> {
        let (project, commit) = (name.to_owned(), commit.to_owned());
        self.campaign.record(&Step::Landed { project, commit, merge_request, at })
    }

    /// Why nothing may be pushed although nothing is in the way at the remote: the fold is, or may be, on another branch.
    fn objection(&self, one: &Candidate<'_>, remote: &str) -> Result<Option<String>, GitTrouble> {
        let landing = one.standing.landing.as_deref().filter(|landing| landing.state != LandingState::Closed);
        let is_same_remote = |landing: &Landing| landing.remote == without_password(remote);
        let is_other = |landing: &&Landing| landing.branch != self.land.branch || !is_same_remote(landing);
        let Some(landing) = landing.filter(|_| !one.standing.is_merged).filter(is_other) else { return Ok(None) };
        // What was begun and never ended may have come through.
        let address = if is_same_remote(landing) { remote } else { &landing.remote };
        let is_there = landing.is_pushed || {
            let clone = LocalClone::open(self.campaign.folder(), one.name, address.to_owned(), self.git)?;
            let heads = self.pace.patiently(one.name, self.git, || clone.heads(&[&landing.branch]))?;
            heads.branches.get(&landing.branch).is_some_and(|present| landing.commits.contains(present))
        };
        let (branch, remote) = (&landing.branch, &landing.remote);
        let why =
            || format!("it is on the branch '{branch}' of {remote} already; 'campaign close' takes that back first");
        Ok(is_there.then(why))
    }
}
