use std::fmt;

use crate::outcome::{Outcome, Verdict};
use crate::prove::Proof;

/// One repository, as every report takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The repository, as the user would write its path.
    pub name: String,
    /// What became of it.
    pub outcome: Outcome,
    /// The change as a git-style patch, empty where there is none.
    pub patch: String,
    /// What came of building its images both ways, where that was asked for.
    pub proof: Option<Proof>,
}

impl Entry {
    /// The path of a file in this repository, as the user would write it.
    #[must_use]
    pub fn path_of(&self, path: &impl fmt::Display) -> String {
        if self.name == "." { path.to_string() } else { format!("{}/{path}", self.name) }
    }
}

/// How many repositories came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Those that were folded.
    pub folded: usize,
    /// Those with a hand-off that was left alone.
    pub refused: usize,
    /// Those without a hand-off.
    pub nothing: usize,
    /// Those that could not be read or written.
    pub failed: usize,
}

impl Tally {
    /// Counts one more.
    pub const fn count(&mut self, verdict: Verdict) {
        let counter = match verdict {
            Verdict::Folded => &mut self.folded,
            Verdict::Refused => &mut self.refused,
            Verdict::NothingToFold => &mut self.nothing,
            Verdict::Failed => &mut self.failed,
        };
        *counter += 1;
    }

    /// All that were counted.
    #[must_use]
    pub const fn total(&self) -> usize {
        self.folded + self.refused + self.nothing + self.failed
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { folded, refused, nothing, failed } = self;
        let noun = if self.total() == 1 { "repository" } else { "repositories" };
        write!(
            f,
            "{} {noun}: {folded} folded, {refused} refused, {nothing} nothing to fold, {failed} failed",
            self.total()
        )
    }
}
