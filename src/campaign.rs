//! Many repositories: looked at, folded, landed, resumed and taken back.
//!
//! A campaign lives in a folder of its own. Its [`Journal`] there gets one line for each [`Step`], and is the only state
//! that it has: what a run finds in it is done, and what it does not find is done now. A step that others see (files that
//! are written, a branch that is pushed) has two lines, one before it that says what will be done and one after it, so that
//! a run that was killed in between finds out how far it came, and nothing is done twice.
//!
//! ```text
//! sources -> projects -> pool of workers -> journal -> report
//!                                              |-> apply -> undo
//!                                              '-> land  -> status, close
//! ```
//!
//! A worker is this program again, in a process of its own: one repository can neither stop the others nor take more
//! time and memory than it may.

mod apply;
mod clone;
mod close;
mod crew;
mod error;
mod git;
mod inputs;
mod journal;
mod land;
mod look;
mod merge;
mod panics;
mod pool;
mod project;
mod proving;
mod reports;
mod run;
mod setup;
mod shard;
mod siblings;
mod sources;
mod standing;
mod status;
mod step;
mod temporary;
mod worker;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

pub use apply::Applied;
pub use close::{CloseOutcome, Closing};
pub use error::CampaignError;
pub use git::Git;
pub use land::{FIRST_WAIT, Land, LandOutcome, MergeRequest, Refold, Remotes, TITLE, Tell, Template};
pub use look::Fold;
pub use panics::guarded;
pub use project::{Place, Project};
pub use proving::{Proved, Provers};
pub use reports::Reports;
pub use run::{Progress, Run, Selection};
pub use setup::Setup;
pub use shard::{Shard, ShardError};
pub use sources::{CloneBy, SourceError, Sourcing, projects};
pub use standing::{Application, Landing, LandingState, LinePlace, Standing, Standings};
pub use status::{ProjectState, ProjectStatus};
pub use step::{FileRecord, Inputs, Looked, Step};
pub use temporary::Temporary;
pub use worker::{Told, work};

use journal::{Journal, LineAt, Lines};

/// How standard input is told among the sources.
const FROM_INPUT: &str = "--from=-";

/// The file that keeps what standard input held.
const INPUT: &str = "input.txt";

/// A campaign, open for one process.
#[derive(Debug)]
pub struct Campaign {
    folder: PathBuf,
    journal: Journal,
    lines: Mutex<Lines>,
    standings: Standings,
    sources: Vec<String>,
    here: Option<String>,
    shard: Option<String>,
}

/// Who is handed each step of a journal.
type Each<'a> = &'a mut dyn FnMut(LineAt, Step);

/// A journal, or why it could not be opened.
type Opened = Result<Journal, CampaignError>;

impl Campaign {
    /// Begins one in `folder`, which is made where it is not there.
    ///
    /// # Errors
    /// Where there is one already, or the folder cannot be written.
    pub fn create(folder: &Path) -> Result<Self, CampaignError> {
        if Journal::is_in(folder) {
            return Err(CampaignError::Present(folder.to_owned()));
        }
        fs::create_dir_all(folder).map_err(|error| CampaignError::of_file(folder, &error))?;
        Self::read(folder)
    }

    /// Begins one that nobody goes on with, and that need not outlive the machine's next fall.
    ///
    /// # Errors
    /// As for [`Campaign::create`].
    pub fn for_now(folder: &Temporary) -> Result<Self, CampaignError> {
        let campaign = Self::create(folder.path())?;
        Ok(Self { journal: campaign.journal.for_now(), ..campaign })
    }

    /// Whether there is one in `folder`.
    #[must_use]
    pub fn is_in(folder: &Path) -> bool {
        Journal::is_in(folder)
    }

    /// Opens the one in `folder`.
    ///
    /// # Errors
    /// Where there is none, another process is at work on it, or its journal is not to be read.
    pub fn open(folder: &Path) -> Result<Self, CampaignError> {
        if Journal::is_in(folder) { Self::read(folder) } else { Err(CampaignError::Missing(folder.to_owned())) }
    }

    /// Opens the one in `folder` to read it alone, whoever is at work on it.
    ///
    /// # Errors
    /// Where there is none, or its journal is not to be read.
    pub fn read_only(folder: &Path) -> Result<Self, CampaignError> {
        if Journal::is_in(folder) {
            Self::read_by(folder, Journal::reading)
        } else {
            Err(CampaignError::Missing(folder.to_owned()))
        }
    }

    fn read(folder: &Path) -> Result<Self, CampaignError> {
        Self::read_by(folder, Journal::open)
    }

    fn read_by(folder: &Path, open: impl FnOnce(&Path, Each<'_>) -> Opened) -> Result<Self, CampaignError> {
        let (mut standings, mut sources, mut here, mut shard) = (Standings::new(), Vec::new(), None, None);
        let journal = open(folder, &mut |place, step| match step {
            Step::Begun { sources: told, here: folder, shard: part, .. } => {
                (sources, here, shard) = (told, folder, part)
            }
            step => standing::advance(&mut standings, place, step),
        })?;
        let lines = Mutex::new(Lines::of(folder)?);
        Ok(Self { folder: folder.to_owned(), journal, lines, standings, sources, here, shard })
    }

    /// The folder that it lives in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Keeps what standard input held for the time that the campaign goes on, and says where: `told` with the name of that file
    /// in the place of `-`.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn keep_input(&self, told: Vec<String>, input: &[u8]) -> Result<Vec<String>, CampaignError> {
        if !told.iter().any(|word| word == FROM_INPUT) {
            return Ok(told);
        }
        let file = std::path::absolute(self.folder.join(INPUT))
            .map_err(|error| CampaignError::of_file(&self.folder, &error))?;
        fs::write(&file, input).map_err(|error| CampaignError::of_file(&file, &error))?;
        let kept = format!("--from={}", file.display());
        Ok(told.into_iter().map(|word| if word == FROM_INPUT { kept.clone() } else { word }).collect())
    }

    /// How far each project was when the campaign was opened.
    #[must_use]
    pub const fn standings(&self) -> &Standings {
        &self.standings
    }

    /// Where it was last told to look for projects.
    #[must_use]
    pub fn sources(&self) -> &[String] {
        &self.sources
    }

    /// The folder in which it was told so, where the paths start.
    #[must_use]
    pub fn here(&self) -> Option<&str> {
        self.here.as_deref()
    }

    /// The part of the projects that it is about, where it is about a part.
    #[must_use]
    pub fn shard(&self) -> Option<&str> {
        self.shard.as_deref()
    }

    /// What the last look at a project came to; `None` where there was none.
    ///
    /// # Errors
    /// Where the journal cannot be read.
    pub fn looked(&self, standing: &Standing) -> Result<Option<Looked>, CampaignError> {
        let Some(place) = standing.looked else { return Ok(None) };
        match self.step_at(place)? {
            Step::Looked(looked) => Ok(Some(*looked)),
            _ => Ok(None),
        }
    }

    /// The step that says what was written in the folder of a project; `None` where nothing was.
    ///
    /// # Errors
    /// Where the journal cannot be read.
    pub fn applying(&self, standing: &Standing) -> Result<Option<Step>, CampaignError> {
        standing.application.place().map(|place| self.step_at(place)).transpose()
    }

    /// Adds a step that others see: it is on the disk when this returns.
    ///
    /// # Errors
    /// Where the journal cannot be written.
    pub fn record(&self, step: &Step) -> Result<(), CampaignError> {
        self.journal.record(step).map(drop)
    }

    fn step_at(&self, place: LineAt) -> Result<Step, CampaignError> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).at(place)
    }
}
