//! Folds that are written in the folders of their repositories, and taken back from there.

use std::collections::BTreeMap;
use std::path::Path;

use super::Campaign;
use super::error::CampaignError;
use super::project::Place;
use super::standing::{Application, Standing};
use super::step::{FileRecord, Looked, Step};
use crate::outcome::Verdict;
use crate::repo::{
    Allowed, GuardError, Holding, WriteError, guard, has_moved, holding, mode_of, put_back, sweep, write,
};
use crate::text::{FileVersions, RepositoryPath};

type Records = BTreeMap<RepositoryPath, FileRecord>;

/// What became of one project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// Its files were written.
    Written(usize),
    /// They had been written before.
    Already,
    /// They were put back.
    PutBack(usize),
    /// They were not written or put back, and why.
    Not(String),
}

impl Campaign {
    /// Writes the fold of every project whose files lie in a folder: all files of a project or none.
    ///
    /// # Errors
    /// Where the journal cannot be read or written. What keeps a project's files from being written is told to `each`.
    pub fn apply(&self, allowed: Allowed, each: &mut dyn FnMut(&str, &Applied)) -> Result<(), CampaignError> {
        for (name, standing) in &self.standings {
            if standing.verdict != Some(Verdict::Folded) && standing.application == Application::None {
                continue;
            }
            if let Some(looked) = self.looked(standing)? {
                each(name, &self.apply_one(name, standing, &looked, allowed)?);
            }
        }
        Ok(())
    }

    /// Puts back what stood in the folders before [`Campaign::apply`], byte for byte.
    ///
    /// # Errors
    /// As for [`Campaign::apply`].
    pub fn undo(&self, each: &mut dyn FnMut(&str, &Applied)) -> Result<(), CampaignError> {
        for (name, standing) in &self.standings {
            if let Some(Step::Applying { root, files, .. }) = self.applying(standing)? {
                let was_interrupted = !matches!(standing.application, Application::Written(_));
                each(name, &self.undo_one(name, &root, &files, was_interrupted)?);
            }
        }
        Ok(())
    }

    fn apply_one(
        &self,
        name: &str,
        standing: &Standing,
        looked: &Looked,
        allowed: Allowed,
    ) -> Result<Applied, CampaignError> {
        let Place::Folder(root) = &looked.project.place else {
            let why = "it has no folder to write in; 'stagefold campaign land' pushes a branch";
            return Ok(Applied::Not(why.to_owned()));
        };
        match self.applying(standing)? {
            Some(Step::Applying { root, files, .. }) if matches!(standing.application, Application::Written(_)) => {
                let is_there =
                    |(path, record): (_, &FileRecord)| holding(&root, path, &record.versions) == Holding::After;
                match files.iter().all(is_there) {
                    true if looked.files.is_empty() || looked.files == versions(&files) => Ok(Applied::Already),
                    _ => self.begin_to_apply(name, &root, &looked.files, allowed),
                }
            }
            Some(Step::Applying { root, files, .. }) => self.finish(name, &root, &files),
            _ => self.begin_to_apply(name, root, &looked.files, allowed),
        }
    }

    fn begin_to_apply(
        &self,
        name: &str,
        root: &Path,
        files: &BTreeMap<RepositoryPath, FileVersions>,
        allowed: Allowed,
    ) -> Result<Applied, CampaignError> {
        if files.is_empty() {
            return Ok(Applied::Not("the last look at it found nothing to fold".to_owned()));
        }
        if let Some(why) = has_moved(root) {
            return self.not_applied(name, &why);
        }
        if let Err(error) = guard(root, files.keys(), allowed) {
            let help = match error {
                GuardError::NoVersionControl(_) => "pass --allow-no-vcs to write it all the same",
                GuardError::Uncommitted(_) => "commit or stash them, or pass --allow-dirty",
            };
            return self.not_applied(name, &format!("{error}; {help}"));
        }
        let record = |(path, versions): (&RepositoryPath, &FileVersions)| {
            (path.clone(), FileRecord { versions: versions.clone(), mode: mode_of(root, path) })
        };
        let records: Records = files.iter().map(record).collect();
        self.record(&Step::Applying { project: name.to_owned(), root: root.to_owned(), files: records })?;
        match write(root, files) {
            Ok(()) => self.applied(name, files.len()),
            // Where some file could not be put back, the journal goes on saying what was to be written.
            Err(error @ WriteError::NotTakenBack(..)) => Ok(Applied::Not(error.to_string())),
            Err(error) => self.not_applied(name, &error.to_string()),
        }
    }

    /// Goes on where a process ended between the first file and the last: writes those that are missing, or puts back those that
    /// stand where somebody has changed one since.
    fn finish(&self, name: &str, root: &Path, files: &Records) -> Result<Applied, CampaignError> {
        if let Some(why) = has_moved(root) {
            return Ok(Applied::Not(why));
        }
        sweep(root, &versions(files));
        let of = |wanted: Holding| {
            files.iter().filter(move |(path, record)| holding(root, path, &record.versions) == wanted)
        };
        if let Some((changed, _)) = of(Holding::Other).next() {
            let why = format!("{changed} has changed while the fold was being written");
            return match put_back(root, &with_modes(files)) {
                Ok(_) => self.not_applied(name, &format!("{why}; the other files were put back")),
                Err(error) => Ok(Applied::Not(format!("{why}; {error}"))),
            };
        }
        let missing = of(Holding::Before).map(|(path, record)| (path.clone(), record.versions.clone())).collect();
        match write(root, &missing) {
            Ok(()) => self.applied(name, files.len()),
            Err(error) => Ok(Applied::Not(error.to_string())),
        }
    }

    fn undo_one(
        &self,
        name: &str,
        root: &Path,
        files: &Records,
        was_interrupted: bool,
    ) -> Result<Applied, CampaignError> {
        if let Some(why) = has_moved(root) {
            return Ok(Applied::Not(why));
        }
        let is_changed =
            |(path, record): &(&RepositoryPath, &FileRecord)| holding(root, path, &record.versions) == Holding::Other;
        if let Some((changed, _)) = files.iter().find(is_changed) {
            let why = format!("{changed} has changed since the fold was written; nothing was put back");
            return Ok(Applied::Not(why));
        }
        if was_interrupted {
            sweep(root, &versions(files));
        }
        self.record(&Step::Undoing { project: name.to_owned() })?;
        match put_back(root, &with_modes(files)) {
            Ok(count) => {
                self.record(&Step::Undone { project: name.to_owned() })?;
                Ok(Applied::PutBack(count))
            }
            Err(error) => Ok(Applied::Not(error.to_string())),
        }
    }

    fn applied(&self, name: &str, count: usize) -> Result<Applied, CampaignError> {
        self.record(&Step::Applied { project: name.to_owned() })?;
        Ok(Applied::Written(count))
    }

    fn not_applied(&self, name: &str, why: &str) -> Result<Applied, CampaignError> {
        self.record(&Step::NotApplied { project: name.to_owned(), why: why.to_owned() })?;
        Ok(Applied::Not(why.to_owned()))
    }
}

fn versions(files: &Records) -> BTreeMap<RepositoryPath, FileVersions> {
    files.iter().map(|(path, record)| (path.clone(), record.versions.clone())).collect()
}

fn with_modes(files: &Records) -> BTreeMap<RepositoryPath, (FileVersions, Option<u32>)> {
    files.iter().map(|(path, record)| (path.clone(), (record.versions.clone(), record.mode))).collect()
}
