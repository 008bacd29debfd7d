use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use super::{FileKind, ForeignFile, ReadError, Repository, SourceFile};
use crate::text::{FileVersions, RepositoryPath};

/// A repository as it will be once some files have changed; everything else is read from the one below.
pub struct Overlay<'a> {
    below: &'a dyn Repository,
    changed: BTreeMap<RepositoryPath, Option<Arc<SourceFile>>>,
    tracked: OnceLock<BTreeMap<RepositoryPath, FileKind>>,
}

impl<'a> Overlay<'a> {
    /// `below` with these files as they are after the change.
    #[must_use]
    pub fn new(below: &'a dyn Repository, versions: &BTreeMap<RepositoryPath, FileVersions>) -> Self {
        let after = |(path, version): (&RepositoryPath, &FileVersions)| {
            let after = version.after.as_ref().map(|text| Arc::new(SourceFile::new(path.clone(), text.clone())));
            (path.clone(), after)
        };
        Self { below, changed: versions.iter().map(after).collect(), tracked: OnceLock::new() }
    }

    fn tracked_after(&self) -> BTreeMap<RepositoryPath, FileKind> {
        let mut tracked = self.below.tracked().clone();
        for (path, after) in &self.changed {
            if after.is_some() {
                tracked.entry(path.clone()).or_insert(FileKind::Regular);
            } else {
                tracked.remove(path);
            }
        }
        tracked
    }
}

impl Repository for Overlay<'_> {
    fn tracked(&self) -> &BTreeMap<RepositoryPath, FileKind> {
        // Most repositories have nothing to fold, and nobody asks which files are theirs.
        if self.changed.is_empty() { self.below.tracked() } else { self.tracked.get_or_init(|| self.tracked_after()) }
    }

    fn read(&self, path: &RepositoryPath) -> Result<Arc<SourceFile>, ReadError> {
        match self.changed.get(path) {
            Some(Some(file)) => Ok(Arc::clone(file)),
            Some(None) => Err(ReadError::Missing),
            None => self.below.read(path),
        }
    }

    fn read_foreign(&self, file: &ForeignFile) -> Result<Arc<SourceFile>, ReadError> {
        self.below.read_foreign(file)
    }

    fn merged_pipeline(&self) -> Option<Result<Arc<SourceFile>, ReadError>> {
        self.below.merged_pipeline()
    }

    fn unfolded(&self) -> Option<&dyn Repository> {
        let is_folded = !self.changed.is_empty();
        self.below.unfolded().or_else(|| is_folded.then_some(self.below))
    }
}
