use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Overlap, RepositoryPath, TextEdit};

/// What happens to one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileChange {
    /// Some of its bytes change.
    Edit(TextEdit),
    /// It is made anew, with this text.
    Create(String),
    /// It goes.
    Delete,
}

/// The text of one file before and after; `None` where the file is not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileVersions {
    /// The text that the change was made for.
    pub before: Option<String>,
    /// The text once the change has landed.
    pub after: Option<String>,
}

/// Adds what a later change has made of these files to what earlier ones have made.
pub fn add_later(earlier: &mut BTreeMap<RepositoryPath, FileVersions>, later: BTreeMap<RepositoryPath, FileVersions>) {
    for (path, version) in later {
        match earlier.get_mut(&path) {
            Some(present) => present.after = version.after,
            None => {
                earlier.insert(path, version);
            }
        }
    }
}

/// Changes to several files that land together or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeSet {
    changes: BTreeMap<RepositoryPath, FileChange>,
}

/// Why a change cannot join a set, or a set cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeError {
    /// Two edits of one file meet.
    Overlap(RepositoryPath, Overlap),
    /// One file is to be edited, created or deleted in ways that exclude one another.
    Contradiction(RepositoryPath),
    /// A file that is to be edited or deleted is missing, one to be created is there already, or an
    /// edit does not fit its text.
    DoesNotFit(RepositoryPath),
}

impl ChangeSet {
    /// Adds an edit to those of `path`.
    ///
    /// # Errors
    /// Where it meets an earlier edit, or the file is to be created or deleted; the set is then what it was.
    pub fn edit(&mut self, path: RepositoryPath, edit: TextEdit) -> Result<(), ChangeError> {
        if edit.is_empty() {
            return Ok(());
        }
        match self.changes.get_mut(&path) {
            None => {
                self.changes.insert(path, FileChange::Edit(edit));
                Ok(())
            }
            Some(FileChange::Edit(present)) => {
                present.union(edit).map_err(|overlap| ChangeError::Overlap(path, overlap))
            }
            Some(_) => Err(ChangeError::Contradiction(path)),
        }
    }

    /// Makes `path` anew with `text`.
    ///
    /// # Errors
    /// Where the set speaks of that file already, unless it says the same.
    pub fn create(&mut self, path: RepositoryPath, text: impl Into<String>) -> Result<(), ChangeError> {
        self.settle(path, FileChange::Create(text.into()))
    }

    /// Deletes `path`.
    ///
    /// # Errors
    /// Where the set speaks of that file already, unless it says the same.
    pub fn delete(&mut self, path: RepositoryPath) -> Result<(), ChangeError> {
        self.settle(path, FileChange::Delete)
    }

    /// Takes in every change of `other`.
    ///
    /// # Errors
    /// Where the two cannot both land; `self` is then what it was.
    pub fn union(&mut self, other: Self) -> Result<(), ChangeError> {
        let mut joined = self.clone();
        for (path, change) in other.changes {
            match change {
                FileChange::Edit(edit) => joined.edit(path, edit)?,
                change => joined.settle(path, change)?,
            }
        }
        *self = joined;
        Ok(())
    }

    /// The changes, sorted by path.
    pub fn iter(&self) -> impl Iterator<Item = (&RepositoryPath, &FileChange)> {
        self.changes.iter()
    }

    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Every touched file before and after, where `read` gives the present text of a file.
    ///
    /// # Errors
    /// Where one change does not fit the present files: then none is to be made.
    pub fn apply(
        &self,
        read: impl Fn(&RepositoryPath) -> Option<String>,
    ) -> Result<BTreeMap<RepositoryPath, FileVersions>, ChangeError> {
        let version = |(path, change): (&RepositoryPath, &FileChange)| {
            let before = read(path);
            let after = match (change, &before) {
                (FileChange::Edit(edit), Some(text)) => edit.apply(text),
                (FileChange::Create(text), None) => Some(text.clone()),
                (FileChange::Delete, Some(_)) => return Ok((path.clone(), FileVersions { before, after: None })),
                _ => None,
            };
            let after = Some(after.ok_or_else(|| ChangeError::DoesNotFit(path.clone()))?);
            Ok((path.clone(), FileVersions { before, after }))
        };
        self.changes.iter().map(version).collect()
    }

    fn settle(&mut self, path: RepositoryPath, change: FileChange) -> Result<(), ChangeError> {
        match self.changes.get(&path) {
            Some(present) if *present != change => Err(ChangeError::Contradiction(path)),
            _ => {
                self.changes.insert(path, change);
                Ok(())
            }
        }
    }
}

impl fmt::Display for ChangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Overlap(path, overlap) => write!(f, "{path}: {overlap}"),
            Self::Contradiction(path) => write!(f, "{path}: two changes exclude one another"),
            Self::DoesNotFit(path) => write!(f, "{path}: the change does not fit the file"),
        }
    }
}

impl std::error::Error for ChangeError {}

#[cfg(test)]
mod tests {
    use super::{ChangeSet, RepositoryPath, TextEdit};
    use crate::text::Span;

    fn path(text: &str) -> RepositoryPath {
        RepositoryPath::new(text).unwrap()
    }

    fn present(path: &RepositoryPath) -> Option<String> {
        (path.as_str() == "old").then(|| "old text".to_owned())
    }

    #[test]
    fn all_kinds_of_change_land_together() {
        let mut set = ChangeSet::default();
        set.edit(path("old"), TextEdit::delete(Span::new(0, 4))).unwrap();
        set.create(path("new"), "made").unwrap();
        let landed = set.apply(present).unwrap();
        assert_eq!(landed[&path("old")].after.as_deref(), Some("text"));
        assert_eq!(landed[&path("new")].before, None);
    }

    #[test]
    fn one_change_that_does_not_fit_stops_all() {
        let mut set = ChangeSet::default();
        set.create(path("new"), "made").unwrap();
        set.delete(path("missing")).unwrap();
        assert!(set.apply(present).is_err());
        let mut set = ChangeSet::default();
        set.create(path("old"), "made").unwrap();
        assert!(set.apply(present).is_err());
    }

    #[test]
    fn a_file_is_not_edited_and_deleted_at_once() {
        let mut set = ChangeSet::default();
        set.delete(path("old")).unwrap();
        set.delete(path("old")).unwrap();
        assert!(set.edit(path("old"), TextEdit::insert(0, "x")).is_err());
    }

    #[test]
    fn a_union_that_fails_changes_nothing() {
        let mut set = ChangeSet::default();
        set.edit(path("old"), TextEdit::delete(Span::new(0, 4))).unwrap();
        let before = set.clone();
        let mut other = ChangeSet::default();
        other.create(path("a"), "").unwrap();
        other.edit(path("old"), TextEdit::delete(Span::new(2, 6))).unwrap();
        assert!(set.union(other).is_err());
        assert_eq!(set, before);
    }
}
