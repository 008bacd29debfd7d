use std::path::{Path, PathBuf};

use super::disk::read_text;
use super::read_once::{Answer, ReadOnce};
use crate::source::{ForeignFile, ReadError};
use crate::text::RepositoryPath;

/// The folder and the file by which a user shows what a pipeline takes in from elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Elsewhere {
    /// The folder with the files that pipelines include, each at its [`ForeignFile::place`] (`--include-dir`).
    pub includes: Option<PathBuf>,
    /// The pipeline as GitLab has merged it (`--merged-yaml`).
    pub merged: Option<PathBuf>,
}

impl Elsewhere {
    /// One of the two that is not there: then the user has mistyped it.
    #[must_use]
    pub fn missing(&self) -> Option<&Path> {
        let folder = self.includes.as_deref().filter(|folder| !folder.is_dir());
        folder.or_else(|| self.merged.as_deref().filter(|file| !file.is_file()))
    }
}

/// The files of an [`Elsewhere`], each read at most once.
#[derive(Debug, Default)]
pub(super) struct ForeignFiles {
    elsewhere: Elsewhere,
    read: ReadOnce,
}

impl ForeignFiles {
    pub(super) fn new(elsewhere: Elsewhere) -> Self {
        Self { elsewhere, read: ReadOnce::default() }
    }

    pub(super) fn included(&self, file: &ForeignFile) -> Answer {
        let (folder, place) = self.elsewhere.includes.as_deref().zip(file.place()).ok_or(ReadError::Missing)?;
        self.once(folder, &place, &shown(folder).join(place.as_str()).unwrap_or_default())
    }

    pub(super) fn merged(&self) -> Option<Answer> {
        let file = self.elsewhere.merged.as_deref()?;
        let name = file.file_name().and_then(|name| name.to_str()).and_then(RepositoryPath::new).unwrap_or_default();
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Some(self.once(folder, &name, &name))
    }

    fn once(&self, folder: &Path, place: &RepositoryPath, shown: &RepositoryPath) -> Answer {
        self.read.get(shown, || read_text(folder, place))
    }
}

/// What findings call the folder: its last part, as the user knows where it is.
fn shown(folder: &Path) -> RepositoryPath {
    folder.file_name().and_then(|name| name.to_str()).and_then(RepositoryPath::new).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::{Elsewhere, ForeignFile, ForeignFiles, ReadError};

    #[test]
    fn an_included_file_is_read_from_its_place_and_named_by_the_folder() {
        let root = TempDir::new().unwrap();
        let folder = root.path().join("cache");
        fs::create_dir_all(folder.join("project/a/b/HEAD")).unwrap();
        fs::write(folder.join("project/a/b/HEAD/x.yml"), "x: {}").unwrap();
        fs::write(root.path().join("merged.yml"), "y: {}").unwrap();
        let merged = Some(root.path().join("merged.yml"));
        let files = ForeignFiles::new(Elsewhere { includes: Some(folder), merged });
        let file = |name: &str| ForeignFile::Project { project: "a/b".into(), reference: None, file: name.into() };
        let found = files.included(&file("x.yml")).unwrap();
        assert_eq!((found.path().as_str(), found.text()), ("cache/project/a/b/HEAD/x.yml", "x: {}"));
        assert_eq!(files.included(&file("y.yml")), Err(ReadError::Missing));
        assert_eq!(files.merged().unwrap().unwrap().text(), "y: {}");
        assert!(ForeignFiles::default().merged().is_none());
    }
}
