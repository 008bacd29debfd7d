use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::OnceLock;

use super::elsewhere::{Elsewhere, ForeignFiles};
use super::read_once::{Answer, ReadOnce};
use super::tracked::tracked_files;
use crate::source::{FileKind, ForeignFile, ReadError, Repository};
use crate::text::RepositoryPath;

/// The largest file that is read, in bytes; no pipeline, Dockerfile or manifest comes near it.
pub const SIZE_LIMIT: u64 = 10 * 1024 * 1024;

/// A repository on a disk, read as it is asked for and each file at most once.
///
/// Nothing is read, and git is not asked, before a fold needs the answer: many repositories are looked at
/// and most of them have nothing to fold.
#[derive(Debug)]
pub struct DiskRepository {
    root: PathBuf,
    pipeline: RepositoryPath,
    files: ReadOnce,
    tracked: OnceLock<BTreeMap<RepositoryPath, FileKind>>,
    foreign: ForeignFiles,
}

impl DiskRepository {
    /// The repository whose root is the folder `root`; git's list of files is believed only if it names
    /// `pipeline`, because a pipeline that git does not know was put there without it.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>, pipeline: RepositoryPath) -> Self {
        let foreign = ForeignFiles::default();
        Self { root: root.into(), pipeline, files: ReadOnce::default(), tracked: OnceLock::new(), foreign }
    }

    /// The same repository, with the files of elsewhere that the user shows.
    #[must_use]
    pub fn with_elsewhere(self, elsewhere: Elsewhere) -> Self {
        Self { foreign: ForeignFiles::new(elsewhere), ..self }
    }
}

impl Repository for DiskRepository {
    fn tracked(&self) -> &BTreeMap<RepositoryPath, FileKind> {
        self.tracked.get_or_init(|| tracked_files(&self.root, &self.pipeline))
    }

    fn read(&self, path: &RepositoryPath) -> Answer {
        self.files.get(path, || read_text(&self.root, path))
    }

    fn read_foreign(&self, file: &ForeignFile) -> Answer {
        self.foreign.included(file)
    }

    fn merged_pipeline(&self) -> Option<Answer> {
        self.foreign.merged()
    }
}

/// The text of the file at `path` below `root`, with every guard that [`ReadError`] names.
pub(super) fn read_text(root: &Path, path: &RepositoryPath) -> Result<String, ReadError> {
    let (place, metadata) = locate(root, path)?;
    if !metadata.is_file() {
        return Err(ReadError::NotAFile);
    }
    let too_large = |size| ReadError::TooLarge { size, limit: SIZE_LIMIT };
    if metadata.len() > SIZE_LIMIT {
        return Err(too_large(metadata.len()));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default());
    // The file may grow between the two calls: the limit holds for what is read, too.
    File::open(place)
        .and_then(|file| file.take(SIZE_LIMIT + 1).read_to_end(&mut bytes))
        .map_err(|error| read_error(&error))?;
    if bytes.len() as u64 > SIZE_LIMIT {
        return Err(too_large(bytes.len() as u64));
    }
    String::from_utf8(bytes).map_err(|error| ReadError::NotUtf8 { offset: error.utf8_error().valid_up_to() })
}

/// Where `path` is on the disk, and what stands there. No part of it below `root` may be a symbolic link.
pub(super) fn locate(root: &Path, path: &RepositoryPath) -> Result<(PathBuf, Metadata), ReadError> {
    let mut place = root.to_owned();
    let mut metadata = None;
    for part in path.parts() {
        if !is_plain(part) {
            return Err(ReadError::Missing);
        }
        place.push(part);
        let found = fs::symlink_metadata(&place).map_err(|error| read_error(&error))?;
        if found.is_symlink() {
            return Err(ReadError::SymbolicLink);
        }
        metadata = Some(found);
    }
    let metadata = match metadata {
        Some(metadata) => metadata,
        None => fs::symlink_metadata(&place).map_err(|error| read_error(&error))?,
    };
    Ok((place, metadata))
}

/// Where `path` is, or would be, on the disk; `None` where a part of it is no file name there.
pub(super) fn place(root: &Path, path: &RepositoryPath) -> Option<PathBuf> {
    path.parts().all(is_plain).then(|| path.parts().fold(root.to_owned(), |place, part| place.join(part)))
}

/// Whether `part` names one thing in one folder: on Windows `a\..\b` and `C:` do not.
fn is_plain(part: &str) -> bool {
    let mut components = Path::new(part).components();
    matches!((components.next(), components.next()), (Some(Component::Normal(name)), None) if name == part)
}

fn read_error(error: &io::Error) -> ReadError {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidInput | ErrorKind::InvalidFilename => {
            ReadError::Missing
        }
        ErrorKind::IsADirectory => ReadError::NotAFile,
        _ => ReadError::Unreadable(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::{DiskRepository, SIZE_LIMIT};
    use crate::repo::PIPELINE;
    use crate::source::{ReadError, Repository};
    use crate::text::RepositoryPath;

    fn path(text: &str) -> RepositoryPath {
        RepositoryPath::new(text).unwrap()
    }

    fn repository(root: &TempDir) -> DiskRepository {
        DiskRepository::new(root.path(), path(PIPELINE))
    }

    #[test]
    fn a_file_is_read_once_and_its_answer_does_not_change() {
        let root = TempDir::new().unwrap();
        fs::write(root.path().join("a"), "one").unwrap();
        let repository = repository(&root);
        let first = repository.read(&path("a")).unwrap();
        fs::write(root.path().join("a"), "two").unwrap();
        assert_eq!(repository.read(&path("a")).unwrap(), first);
        assert_eq!(repository.read(&path("b")), Err(ReadError::Missing));
        fs::write(root.path().join("b"), "late").unwrap();
        assert_eq!(repository.read(&path("b")), Err(ReadError::Missing));
    }

    #[test]
    fn what_is_no_text_has_a_name() {
        let root = TempDir::new().unwrap();
        fs::create_dir(root.path().join("folder")).unwrap();
        fs::write(root.path().join("binary"), b"ab\xff").unwrap();
        fs::File::create(root.path().join("large")).unwrap().set_len(SIZE_LIMIT + 1).unwrap();
        let read = |text: &str| repository(&root).read(&path(text)).unwrap_err();
        assert_eq!(read("folder"), ReadError::NotAFile);
        assert_eq!(read("."), ReadError::NotAFile);
        assert_eq!(read("binary"), ReadError::NotUtf8 { offset: 2 });
        assert_eq!(read("binary/below"), ReadError::Missing);
        assert_eq!(read("large"), ReadError::TooLarge { size: SIZE_LIMIT + 1, limit: SIZE_LIMIT });
        assert_eq!(read("a\0b"), ReadError::Missing);
        assert_eq!(read(&"long".repeat(500)), ReadError::Missing);
    }

    #[cfg(unix)]
    #[test]
    fn no_symbolic_link_is_followed_and_no_socket_is_opened() {
        use std::os::unix::{fs::symlink, net::UnixListener};
        let (root, elsewhere) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        fs::write(elsewhere.path().join("secret"), "secret").unwrap();
        symlink(elsewhere.path().join("secret"), root.path().join("file")).unwrap();
        symlink(elsewhere.path(), root.path().join("folder")).unwrap();
        symlink("nowhere", root.path().join("dangling")).unwrap();
        let _socket = UnixListener::bind(root.path().join("socket")).unwrap();
        let read = |text: &str| repository(&root).read(&path(text)).unwrap_err();
        assert_eq!(read("file"), ReadError::SymbolicLink);
        assert_eq!(read("folder/secret"), ReadError::SymbolicLink);
        assert_eq!(read("dangling"), ReadError::SymbolicLink);
        assert_eq!(read("socket"), ReadError::NotAFile);
    }
}
