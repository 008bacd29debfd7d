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
    /// Why the last step did not come to its end.
    pub failure: Option<String>,
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landing {
    /// The address of the remote.
    pub remote: String,
    /// The branch.
    pub branch: String,
    /// The branch that it is to be merged into.
    pub target: String,
    /// Every commit that this campaign has pushed to the branch or was about to, the last one last.
    pub commits: Vec<String>,
    /// How far it is.
    pub state: LandingState,
}

/// How far a branch is, as this campaign has left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LandingState {
    /// It was about to be pushed when the process ended.
    Begun,
    /// It was pushed; the address of its merge request, where the remote has told it.
    Open(Option<String>),
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
    standing.failure = None;
    match step {
        Step::Begun { .. } => {}
        Step::Looked(looked) => {
            standing.looked = Some(place);
            standing.verdict = looked.verdict();
        }
        Step::Applying { .. } => standing.application = Application::Begun(LinePlace(place)),
        Step::Applied { .. } => standing.application.take(Application::Written),
        Step::NotApplied { why, .. } => {
            standing.application = Application::None;
            standing.failure = Some(why);
        }
        Step::Undoing { .. } => standing.application.take(Application::Undoing),
        Step::Undone { .. } => standing.application = Application::None,
        Step::Landing { remote, branch, target, commit, .. } => standing.begin_landing(remote, branch, target, commit),
        Step::Landed { merge_request, .. } => standing.land(LandingState::Open(merge_request)),
        Step::NotLanded { why, .. } => {
            standing.land(LandingState::NotPushed);
            standing.failure = Some(why);
        }
        Step::Closed { .. } => standing.land(LandingState::Closed),
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
        let mut commits = earlier.map(|landing| landing.commits).unwrap_or_default();
        commits.retain(|known| *known != commit);
        commits.push(commit);
        self.landing = Some(Box::new(Landing { remote, branch, target, commits, state: LandingState::Begun }));
    }

    fn land(&mut self, state: LandingState) {
        if let Some(landing) = &mut self.landing {
            landing.state = state;
        }
    }
}
