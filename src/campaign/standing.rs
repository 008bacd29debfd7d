use std::collections::BTreeMap;

use super::journal::LineAt;
use super::step::Step;
use crate::outcome::Verdict;

/// How far one project is, as the journal tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The last look at it.
    pub(super) looked: Option<LineAt>,
    /// What the last look came to: the worst of its pipelines, and `Folded` before all that is not a failure.
    pub verdict: Option<Verdict>,
    /// Whether the fold stands in its folder.
    pub application: Application,
    /// The branch that was pushed last, or was to be.
    pub landing: Option<Box<Landing>>,
    /// Why the fold was not written in its folder when that was tried last.
    pub not_applied: Option<String>,
    /// Why the branch was not pushed when that was tried last.
    pub not_landed: Option<String>,
    /// Whether the branch that the fold is to be merged into was found to hold it, and no look has found more to fold since.
    pub is_merged: bool,
}

/// Whether a fold stands in the folder of its repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Application {
    /// It was never written there, or it was and the files were put back.
    #[default]
    None,
    /// It was about to be written when the process ended; the place is that of the step.
    Begun(LinePlace),
    /// It was written; the place is that of the step that says what.
    Written(LinePlace),
    /// It was about to be put back when the process ended.
    Undoing(LinePlace),
}

/// A place in the journal that others hand back to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinePlace(pub(super) LineAt);

/// A branch that was pushed, or was to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Landing {
    /// The address of the remote.
    pub remote: String,
    /// The branch.
    pub branch: String,
    /// The branch that it is to be merged into.
    pub target: String,
    /// Every commit that this campaign has pushed to the branch or was about to, the last one last.
    pub commits: Vec<String>,
    /// Whether it was pushed, and not taken back since by this campaign.
    pub is_pushed: bool,
    /// When it was pushed last, in seconds since 1970.
    pub pushed_at: Option<u64>,
    /// The address of its merge request, where the remote has told it.
    pub merge_request: Option<String>,
    /// How far it is.
    pub state: LandingState,
}

/// How far a branch is, as this campaign has left it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LandingState {
    /// It was about to be pushed when the process ended.
    #[default]
    Begun,
    /// It was pushed.
    Open,
    /// It was not pushed.
    NotPushed,
    /// It was taken back.
    Closed,
}

/// How far all projects are, by their names.
pub type Standings = BTreeMap<String, Standing>;

/// Adds what a step says.
pub(super) fn advance(standings: &mut Standings, place: LineAt, step: Step) {
    let Some(name) = step.project() else { return };
    let standing = match standings.get_mut(name) {
        Some(standing) => standing,
        None => standings.entry(name.to_owned()).or_default(),
    };
    match step {
        Step::Begun { .. } => {}
        Step::Looked(looked) => {
            standing.looked = Some(place);
            standing.verdict = looked.verdict();
            standing.is_merged &= standing.verdict != Some(Verdict::Folded);
        }
        Step::Gone { .. } => (standing.looked, standing.verdict) = (None, None),
        Step::Applying { .. } => {
            standing.application = Application::Begun(LinePlace(place));
            standing.not_applied = None;
        }
        Step::Applied { .. } => standing.application.take(Application::Written),
        Step::NotApplied { why, .. } => {
            standing.application = Application::None;
            standing.not_applied = Some(why);
        }
        Step::Undoing { .. } => standing.application.take(Application::Undoing),
        Step::Undone { .. } => standing.application = Application::None,
        Step::Landing { remote, branch, target, commit, .. } => {
            standing.is_merged = false;
            standing.begin_landing(remote, branch, target, commit);
        }
        Step::Landed { merge_request, at, .. } => {
            standing.land(merge_request, at);
            standing.not_landed = None;
        }
        Step::NotLanded { why, .. } => {
            standing.landing_is(LandingState::NotPushed);
            standing.not_landed = Some(why);
        }
        Step::Merged { .. } => standing.merge(),
        Step::Closed { .. } => {
            standing.close();
            standing.is_merged = false;
            standing.not_landed = None;
        }
    }
}

impl Application {
    /// Where it says what was written, where it was.
    pub(super) const fn place(&self) -> Option<LineAt> {
        match self {
            Self::None => None,
            Self::Begun(place) | Self::Written(place) | Self::Undoing(place) => Some(place.0),
        }
    }

    fn take(&mut self, next: impl Fn(LinePlace) -> Self) {
        if let Some(place) = self.place() {
            *self = next(LinePlace(place));
        }
    }
}

impl Standing {
    fn begin_landing(&mut self, remote: String, branch: String, target: String, commit: String) {
        let earlier = self.landing.take().filter(|landing| landing.branch == branch && landing.remote == remote);
        let mut landing = earlier.unwrap_or_default();
        landing.commits.retain(|known| *known != commit);
        landing.commits.push(commit);
        (landing.remote, landing.branch, landing.target) = (remote, branch, target);
        landing.state = LandingState::Begun;
        self.landing = Some(landing);
    }

    fn land(&mut self, merge_request: Option<String>, at: Option<u64>) {
        self.landing_is(LandingState::Open);
        if let Some(landing) = &mut self.landing {
            landing.is_pushed = true;
            landing.pushed_at = at.or(landing.pushed_at);
            landing.merge_request = merge_request.or(landing.merge_request.take());
        }
    }

    fn close(&mut self) {
        self.landing_is(LandingState::Closed);
        if let Some(landing) = &mut self.landing {
            (landing.is_pushed, landing.merge_request) = (false, None);
        }
    }

    /// The branch has done its work: whoever takes it away takes nothing back.
    fn merge(&mut self) {
        (self.is_merged, self.not_landed) = (true, None);
        if let Some(landing) = &mut self.landing {
            landing.is_pushed = false;
        }
    }

    fn landing_is(&mut self, state: LandingState) {
        if let Some(landing) = &mut self.landing {
            landing.state = state;
        }
    }
}
