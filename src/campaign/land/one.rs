//! The landing of one project, from what its remote holds now to what the journal says of it.

use std::time::Duration;

use super::budget::Place;
use super::commit::{commit, is_of};
use super::held::{Held, fold_again, held, open};
use super::message::Text;
use super::pace::{Patience, now};
use super::push::push;
use super::{Candidate, LandOutcome, Lander};
use crate::campaign::clone::{Base, LocalClone};
use crate::campaign::error::CampaignError;
use crate::campaign::git::{GitTrouble, without_password};
use crate::campaign::look::hash_of_options;
use crate::campaign::project::Place as Where;
use crate::campaign::standing::{Landing, LandingState, Standing};
use crate::campaign::step::{Looked, Step};
use crate::repo::CommittedRepository;
use crate::source::{ReadError, Repository};

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

/// A project on its way to its remote, as that is now.
struct Way<'a> {
    name: &'a str,
    standing: &'a Standing,
    looked: &'a Looked,
    clone: LocalClone<'a>,
    /// What the branch was at, where this campaign has pushed it.
    landing: Option<&'a Landing>,
    /// Where the branch is now, if it is there.
    present: Option<String>,
    target: String,
}

/// What a project has waited for already, and need not wait for when it sets out again.
struct Ticket<'a> {
    place: Option<Place<'a>>,
    has_turn: bool,
    patience: Patience,
}

/// What comes after one way to the remote.
enum Next {
    Done(LandOutcome),
    /// It is not its turn yet.
    Turn,
    /// The remote asks for time.
    Later(Duration),
}

impl Way<'_> {
    /// The commit of this campaign's that the branch is at.
    fn own(&self) -> Option<&str> {
        let commits = self.landing.map(|landing| landing.commits.as_slice()).unwrap_or_default();
        self.present.as_deref().filter(|present| commits.iter().any(|commit| commit == present))
    }
}

impl<'a> Lander<'a> {
    /// Lands one project on its remote. After each wait it sets out anew: both branches may be others by then.
    pub(super) fn land_on(&self, one: &Candidate<'a>, remote: &str) -> Result<LandOutcome, Stop> {
        if let Some(why) = self.objection(one, remote)? {
            return Err(why.into());
        }
        let Some(looked) = self.campaign.looked(one.standing)? else { return Ok(LandOutcome::Left) };
        if looked.is_disproven() {
            let why = "a proof says that an image of it differs; it lands once a look or a proof says otherwise";
            return Err(why.to_owned().into());
        }
        let mut ticket = Ticket { place: None, has_turn: false, patience: self.pace.patience() };
        loop {
            match self.go(one, remote, &looked, &mut ticket)? {
                Next::Done(outcome) => return Ok(outcome),
                Next::Turn => {
                    self.pace.turn(one.name, self.git)?;
                    ticket.has_turn = true;
                }
                Next::Later(time) => self.pace.wait(one.name, time, self.git)?,
            }
        }
    }

    /// Goes as far as it comes without a long wait.
    fn go<'b>(
        &'b self,
        one: &Candidate<'_>,
        remote: &str,
        looked: &Looked,
        ticket: &mut Ticket<'b>,
    ) -> Result<Next, Stop> {
        let way = self.set_out(one, remote, looked)?;
        if let Some(own) = way.own() {
            // Where the clone was taken away, or another machine has made the commit, the remote has it.
            let fetch = || way.clone.fetch_own(&self.land.branch, own);
            self.pace.patiently(one.name, self.git, fetch)?;
            if is_of(&way.clone, own, &looked.files)? {
                return Ok(Next::Done(self.found(&way, own)?));
            }
        }
        if ticket.place.is_none() {
            ticket.place = self.budget.take(self.git)?;
        }
        if ticket.place.is_none() {
            return Ok(Next::Done(LandOutcome::Left));
        }
        let next = self.build_and_push(&way, ticket)?;
        if let (Next::Done(LandOutcome::Pushed(_)), Some(place)) = (&next, &mut ticket.place) {
            place.is_used();
        }
        Ok(next)
    }

    /// Asks the remote where its branches are.
    fn set_out<'b>(&'b self, one: &Candidate<'b>, remote: &str, looked: &'b Looked) -> Result<Way<'b>, Stop> {
        let clone = LocalClone::open(self.campaign.folder(), one.name, remote.to_owned(), self.git)?;
        let branch = self.land.branch.as_str();
        let mut heads = self.pace.patiently(one.name, self.git, || clone.heads(&[branch]))?;
        let wanted = self.land.target.clone().or_else(|| looked.project.branch.clone());
        let target = match wanted {
            Some(target) => target,
            None => heads.target()?,
        };
        if let Some(why) = heads.objection(branch, &target) {
            return Err(format!("{why}; --branch names another to push").into());
        }
        let remote = without_password(remote);
        let landing = one.standing.landing.as_deref();
        let landing = landing.filter(|landing| landing.branch == branch && landing.remote == remote);
        let present = heads.branches.remove(branch);
        Ok(Way { name: one.name, standing: one.standing, looked, landing, present, target, clone })
    }

    /// The branch is at the commit that would be pushed.
    fn found(&self, way: &Way<'_>, commit: &str) -> Result<LandOutcome, Stop> {
        let is_known = way.landing.is_some_and(|landing| landing.state == LandingState::Open);
        if !is_known {
            self.landed(way.name, commit, None, None)?;
        }
        Ok(LandOutcome::Open(way.landing.and_then(|landing| landing.merge_request.clone())))
    }

    fn build_and_push(&self, way: &Way<'_>, ticket: &mut Ticket<'_>) -> Result<Next, Stop> {
        let base = self.pace.patiently(way.name, self.git, || way.clone.fetch(&way.target))?;
        let held = held(&way.clone, &base.commit, way.looked, None, &self.land.again)?;
        if matches!(held, Held::Yes) {
            if !way.standing.is_merged {
                self.campaign.record(&Step::Merged { project: way.name.to_owned() })?;
            }
            return Ok(Next::Done(LandOutcome::Merged));
        }
        let repository = open(&way.clone, &base.commit, &self.land.again)?;
        if let Some(why) = self.is_taken_away(way) {
            return Err(why.into());
        }
        let files = match held {
            Held::No(files) => files,
            Held::Yes | Held::Unknown => fold_again(&way.looked.project, &repository, &self.land.again)?.1,
        };
        if files != way.looked.files {
            self.git.settle()?;
            return Err(self.why_other(way, &repository).into());
        }
        let branches = (way.target.as_str(), self.land.branch.as_str());
        let text = Text::of(way.looked, &self.land.title, self.land.message.as_ref(), branches);
        let (kinds, message) = (repository.tracked(), text.commit_message());
        let commit = commit(&way.clone, &base, kinds, &way.looked.files, &message, &self.identity)?;
        self.bring(way, &base, &commit, &text, ticket)
    }

    /// Why a branch that was there is not pushed again.
    fn is_taken_away(&self, way: &Way<'_>) -> Option<String> {
        let landing = way.landing.filter(|_| way.present.is_none())?;
        let (branch, target) = (&self.land.branch, &way.target);
        let what = if way.standing.is_merged {
            format!("it was merged, and '{target}' does not hold it any more")
        } else if landing.is_pushed {
            format!("somebody has taken the branch '{branch}' away, and it is not merged")
        } else {
            return None;
        };
        Some(format!("{what}; 'campaign close' forgets it, and then it can be pushed again"))
    }

    /// Why a fold of what the target holds is not that of the report.
    fn why_other(&self, way: &Way<'_>, repository: &CommittedRepository) -> String {
        let (target, resume) = (&way.target, "'campaign run --resume' looks again");
        let other = way.looked.files.iter().find(|(path, versions)| match (repository.read(path), &versions.before) {
            (Ok(file), Some(before)) => file.text() != before,
            (Err(ReadError::Missing), None) => false,
            _ => true,
        });
        match (other, &way.looked.project.place) {
            (Some((path, _)), Where::Folder(_)) => format!(
                "the folder did not hold what '{target}' of its remote holds: '{path}' differs; bring it to that, and {resume} \
                 (the address in the place of the folder always reads the remote)"
            ),
            (Some((path, _)), _) => format!("'{target}' has moved on since the look: '{path}' differs; {resume}"),
            (None, _) if hash_of_options(&self.land.again.policy) != way.looked.inputs.options => {
                "--accept, --pass and their like are not those of the run; give those, or look again with these"
                    .to_owned()
            }
            (None, _) => format!(
                "a fold of what '{target}' holds is not the one of the report: files beside those that change are others; \
                 {resume}"
            ),
        }
    }

    /// Brings the branch to `commit`, where it is not there already and nobody else has pushed to it.
    fn bring(
        &self,
        way: &Way<'_>,
        base: &Base,
        commit: &str,
        text: &Text,
        ticket: &mut Ticket<'_>,
    ) -> Result<Next, Stop> {
        let branch = &self.land.branch;
        let is_there = way.present.as_deref() == Some(commit);
        if way.present.is_some() && way.own().is_none() && !is_there {
            return Err(format!("the branch '{branch}' holds commits of others; it is left alone").into());
        }
        if !is_there && !ticket.has_turn {
            if !self.pace.is_turn() {
                return Ok(Next::Turn);
            }
            ticket.has_turn = true;
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
            return Ok(Next::Done(LandOutcome::Open(None)));
        }
        let options = self.land.merge_request.push_options(&way.target, text);
        let merge_request = match push(&way.clone, branch, commit, way.present.as_deref(), &options) {
            Ok(pushed) => pushed.merge_request,
            Err(GitTrouble::Interrupted) => return Err(GitTrouble::Interrupted.into()),
            Err(trouble) => {
                // The push may have come through although its answer has not.
                let heads = way.clone.heads(&[branch]);
                let is_there = heads.is_ok_and(|heads| heads.branches.get(branch).is_some_and(|at| at == commit));
                match ticket.patience.wait_for(&trouble) {
                    _ if is_there => None,
                    Some(time) => return Ok(Next::Later(time)),
                    None => return Err(trouble.into()),
                }
            }
        };
        self.landed(way.name, commit, merge_request.clone(), Some(now()))?;
        Ok(Next::Done(LandOutcome::Pushed(merge_request)))
    }
}
