use std::collections::{BTreeMap, VecDeque};
use std::path::Path;

use super::error::CampaignError;
use super::journal::{Journal, LineAt, Lines};
use super::step::Step;
use crate::report::RepositoryReport;

/// The reports of a campaign, read from its journal one by one: sorted by the names of the projects, those of the pipelines of
/// one project together.
///
/// They depend on what was looked at alone, and not on who did it, when, or in what order.
#[derive(Debug)]
pub struct Reports {
    lines: Lines,
    places: Vec<LineAt>,
    /// How many of the places were read.
    read: usize,
    waiting: VecDeque<RepositoryReport>,
}

impl Reports {
    /// Those of the campaign in `folder`, which another process may be at work on.
    ///
    /// # Errors
    /// Where there is no campaign, or its journal cannot be read.
    pub fn of(folder: &Path) -> Result<Self, CampaignError> {
        if !Journal::is_in(folder) {
            return Err(CampaignError::Missing(folder.to_owned()));
        }
        let mut last = BTreeMap::new();
        Journal::read(folder, &mut |place, step| match step {
            Step::Looked(looked) => drop(last.insert(looked.project.name, place)),
            Step::Gone { project } => drop(last.remove(&project)),
            _ => {}
        })?;
        Ok(Self { lines: Lines::of(folder)?, places: last.into_values().collect(), read: 0, waiting: VecDeque::new() })
    }

    /// Begins again with the first: what was added to the journal meanwhile is not seen.
    pub fn rewind(&mut self) {
        self.read = 0;
        self.waiting.clear();
    }

    fn read_next(&mut self) -> Result<(), CampaignError> {
        while self.waiting.is_empty()
            && let Some(place) = self.places.get(self.read).copied()
        {
            self.read += 1;
            if let Step::Looked(looked) = self.lines.at(place)? {
                self.waiting.extend(looked.reports);
            }
        }
        Ok(())
    }
}

impl Iterator for Reports {
    type Item = Result<RepositoryReport, CampaignError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.read_next() {
            Ok(()) => self.waiting.pop_front().map(Ok),
            Err(error) => Some(Err(error)),
        }
    }
}
