use std::collections::BTreeMap;
use std::sync::Arc;

use super::{FileKind, ForeignFile, ReadError, Repository, SourceFile};
use crate::text::RepositoryPath;

/// A repository made of texts, all of them under version control.
#[derive(Clone, Debug, Default)]
pub struct MemoryRepository {
    files: BTreeMap<RepositoryPath, Arc<SourceFile>>,
    tracked: BTreeMap<RepositoryPath, FileKind>,
    foreign: BTreeMap<RepositoryPath, Arc<SourceFile>>,
    merged: Option<Arc<SourceFile>>,
}

impl MemoryRepository {
    /// The repository of these files, each a path and a text; a path that leaves the repository is left out.
    pub fn new<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut repository = Self::default();
        for (path, text) in files {
            if let Some(path) = RepositoryPath::new(path) {
                repository.tracked.insert(path.clone(), FileKind::Regular);
                repository.files.insert(path.clone(), Arc::new(SourceFile::new(path, text)));
            }
        }
        repository
    }

    /// The same repository, with these files of elsewhere, each at its [`ForeignFile::place`].
    #[must_use]
    pub fn with_foreign<'a>(mut self, files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        for (path, text) in files {
            if let Some(path) = RepositoryPath::new(path) {
                self.foreign.insert(path.clone(), Arc::new(SourceFile::new(path, text)));
            }
        }
        self
    }

    /// The same repository, with the pipeline as GitLab has merged it.
    #[must_use]
    pub fn with_merged(mut self, text: &str) -> Self {
        self.merged = RepositoryPath::new("merged.yml").map(|path| Arc::new(SourceFile::new(path, text)));
        self
    }
}

impl Repository for MemoryRepository {
    fn tracked(&self) -> &BTreeMap<RepositoryPath, FileKind> {
        &self.tracked
    }

    fn read(&self, path: &RepositoryPath) -> Result<Arc<SourceFile>, ReadError> {
        self.files.get(path).cloned().ok_or(ReadError::Missing)
    }

    fn read_foreign(&self, file: &ForeignFile) -> Result<Arc<SourceFile>, ReadError> {
        file.place().and_then(|place| self.foreign.get(&place).cloned()).ok_or(ReadError::Missing)
    }

    fn merged_pipeline(&self) -> Option<Result<Arc<SourceFile>, ReadError>> {
        self.merged.clone().map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::{MemoryRepository, Repository, RepositoryPath};

    #[test]
    fn tracked_files_of_a_folder_do_not_take_in_its_neighbours() {
        let repository = MemoryRepository::new([("dist-old", ""), ("dist/a", ""), ("dist/b/c", ""), ("distant", "")]);
        let dist = RepositoryPath::new("dist").unwrap();
        let found: Vec<_> = repository.tracked_within(&dist).map(|(path, _)| path.as_str().to_owned()).collect();
        assert_eq!(found, ["dist/a", "dist/b/c"]);
        assert!(!repository.tracks(&RepositoryPath::new("dis").unwrap()));
    }
}
