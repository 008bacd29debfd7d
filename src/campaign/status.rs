//! How far each project is: as the journal says, and what its remote says of its branch.

use serde::Serialize;

use super::Campaign;
use super::clone::{LocalClone, remote_of_landing};
use super::crew::spread;
use super::error::CampaignError;
use super::git::GitTrouble;
use super::land::{FIRST_WAIT, Held, Pace, Remotes, held};
use super::standing::{Application, Landing, LandingState, Standing};
use super::step::Looked;
use crate::outcome::Verdict;

/// What is told of a branch that is gone, where nobody can say whether it was merged and edited since.
const OTHER_OPTIONS: &str =
    "whether it was merged and edited since is told with the options of the run (--accept, --pass, …)";

/// How far a project is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProjectState {
    /// There is nothing to fold in it, or the fold was refused.
    NotFolded,
    /// It was folded, and that is all.
    Folded,
    /// The fold stands in its folder.
    Applied,
    /// Its branch is there as it was pushed.
    Open,
    /// Others have pushed to its branch.
    Changed,
    /// The branch that it was to be merged into holds the fold.
    Landed,
    /// Its branch was taken away, and the fold is not merged.
    Closed,
    /// It could not be read, or its last step did not come to its end.
    Failed,
}

impl ProjectState {
    /// Its name, as reports write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotFolded => "not-folded",
            Self::Folded => "folded",
            Self::Applied => "applied",
            Self::Open => "open",
            Self::Changed => "changed",
            Self::Landed => "landed",
            Self::Closed => "closed",
            Self::Failed => "failed",
        }
    }
}

/// How far one project is, and what there is to tell of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProjectStatus {
    /// The name of the project.
    pub project: String,
    /// How far it is.
    pub state: ProjectState,
    /// What the last look came to.
    pub verdict: Option<Verdict>,
    /// The branch that was pushed.
    pub branch: Option<String>,
    /// The address of its merge request.
    pub merge_request: Option<String>,
    /// Why it is no further, or why the remote was not asked.
    pub why: Option<String>,
}

impl Campaign {
    /// How far each project is, in the order of their names. Without `remotes` nobody is asked, and what is told of branches is
    /// what this campaign has left them at.
    ///
    /// # Errors
    /// Where the journal cannot be read.
    pub fn status(&self, remotes: Option<&Remotes<'_>>) -> Result<Vec<ProjectStatus>, CampaignError> {
        let all: Vec<_> = self.standings().iter().collect();
        let mut found: Vec<_> = all.iter().map(|(name, standing)| of_journal(name, standing)).collect();
        let Some(remotes) = remotes else { return Ok(found) };
        let work = |index: usize| {
            let Some((name, standing)) = all.get(index) else { return Ok(None) };
            let landing = standing.landing.as_deref().filter(|landing| is_out(landing) && !standing.is_merged);
            let Some(landing) = landing else { return Ok(None) };
            let Some(looked) = self.looked(standing)? else { return Ok(None) };
            Ok(Some(self.ask(name, &looked, landing, remotes)))
        };
        spread(all.len(), remotes.jobs, &work, &mut |index, asked| {
            if let (Some(found), Some(asked)) = (found.get_mut(index), asked) {
                match asked {
                    Ok((state, note)) => found.set(state, note),
                    Err(trouble) => found.why = Some(format!("the remote does not tell: {}", trouble.why())),
                }
            }
        })?;
        Ok(found)
    }

    /// What a remote says of the branch that was pushed to it.
    fn ask(
        &self,
        name: &str,
        looked: &Looked,
        landing: &Landing,
        remotes: &Remotes<'_>,
    ) -> Result<(ProjectState, Option<String>), GitTrouble> {
        let git = remotes.git;
        git.interrupt().check()?;
        let (remote, note) = remote_of_landing(&looked.project, landing, git)?;
        let clone = LocalClone::open(self.folder(), name, remote, git)?;
        let pace = Pace::new(None, None, FIRST_WAIT, remotes.tell);
        let heads = pace.patiently(name, git, || clone.heads(&[&landing.branch]))?;
        let base = pace.patiently(name, git, || clone.fetch(&landing.target))?;
        let held = held(&clone, &base.commit, looked, Some(landing), &remotes.again)?;
        let state = match heads.branches.get(&landing.branch) {
            _ if matches!(held, Held::Yes) => ProjectState::Landed,
            Some(commit) if landing.commits.contains(commit) => ProjectState::Open,
            Some(_) => ProjectState::Changed,
            None if landing.is_pushed => ProjectState::Closed,
            None => ProjectState::Folded,
        };
        let is_unknown = matches!(held, Held::Unknown) && state == ProjectState::Closed;
        Ok((state, is_unknown.then(|| OTHER_OPTIONS.to_owned()).or(note)))
    }
}

impl ProjectStatus {
    fn set(&mut self, state: ProjectState, note: Option<String>) {
        // Why a push failed is told as long as nothing has come of it.
        let has_failed = self.state == ProjectState::Failed && state == ProjectState::Folded;
        if !has_failed {
            (self.state, self.why) = (state, note);
        }
    }
}

/// Whether there may be a branch at the remote.
fn is_out(landing: &Landing) -> bool {
    landing.state != LandingState::Closed
}

fn of_journal(name: &str, standing: &Standing) -> ProjectStatus {
    let landing = standing.landing.as_deref();
    let by_landing = landing.and_then(|landing| match (landing.state, landing.is_pushed) {
        (LandingState::Closed, _) => Some(ProjectState::Closed),
        (LandingState::Open, _) | (_, true) => Some(ProjectState::Open),
        (LandingState::Begun | LandingState::NotPushed, false) => None,
    });
    let by_look = match (standing.verdict, &standing.application) {
        (_, Application::Written(_)) => ProjectState::Applied,
        (Some(Verdict::Folded), _) => ProjectState::Folded,
        (Some(Verdict::Failed), _) => ProjectState::Failed,
        _ => ProjectState::NotFolded,
    };
    let state = match standing.not_landed.as_ref().or(standing.not_applied.as_ref()) {
        Some(_) => ProjectState::Failed,
        None if standing.is_merged => ProjectState::Landed,
        None => by_landing.unwrap_or(by_look),
    };
    ProjectStatus {
        project: name.to_owned(),
        state,
        verdict: standing.verdict,
        branch: landing.map(|landing| landing.branch.clone()),
        merge_request: landing.and_then(|landing| landing.merge_request.clone()),
        why: standing.not_landed.clone().or_else(|| standing.not_applied.clone()),
    }
}
