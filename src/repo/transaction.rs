use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::disk::{place, read_text};
use super::stage::Staged;
use crate::source::ReadError;
use crate::text::{FileVersions, RepositoryPath};

type Versions = BTreeMap<RepositoryPath, FileVersions>;

/// Called before each step that changes the disk; an error stops the transaction there, as one of the
/// system would.
type Gate<'a> = &'a mut dyn FnMut() -> io::Result<()>;

/// Why files were not written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteError {
    /// The file is no longer what the fold was made from; nothing was written.
    Changed(RepositoryPath),
    /// The file could not be written, for this reason; all files are what they were.
    NotWritten(RepositoryPath, String),
    /// The file could not be written, for this reason, and others that had been could not all be taken
    /// back: what became of each of those, in words.
    NotTakenBack(RepositoryPath, String, Vec<String>),
}

impl WriteError {
    /// The file that stopped it.
    #[must_use]
    pub const fn path(&self) -> &RepositoryPath {
        match self {
            Self::Changed(path) | Self::NotWritten(path, _) | Self::NotTakenBack(path, ..) => path,
        }
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed(path) => {
                write!(f, "{path} has changed since the fold was made from it; nothing was written")
            }
            Self::NotWritten(path, why) => write!(f, "{path} could not be written ({why}); all files are as they were"),
            Self::NotTakenBack(path, why, left) => {
                write!(f, "{path} could not be written ({why}), and not all files could be put back: ")?;
                f.write_str(&left.join("; "))
            }
        }
    }
}

impl std::error::Error for WriteError {}

/// Writes every file of `files` below `root`, or none.
///
/// Each must still hold the text from before. The new texts are first written beside the old ones and put
/// on the disk; only then are they renamed into place, one after the other. Where a rename fails, those
/// before it are taken back. Mode and owner of a file stay; no symbolic link is followed.
///
/// # Errors
/// Where a file has changed or cannot be written; see [`WriteError`].
pub fn write(root: &Path, files: &Versions) -> Result<(), WriteError> {
    write_through(root, files, &mut || Ok(()))
}

fn write_through(root: &Path, files: &Versions, gate: Gate<'_>) -> Result<(), WriteError> {
    verify(root, files)?;
    let mut folders = Vec::new();
    let outcome = stage(root, files, &mut folders, gate).and_then(|mut staged| {
        verify(root, files)?;
        land(&mut staged, gate)
    });
    if outcome.is_err() {
        // A folder that is in use by now stays: removing fails on folders that are not empty.
        folders.iter().rev().for_each(|folder| drop(fs::remove_dir(folder)));
    }
    outcome
}

fn verify(root: &Path, files: &Versions) -> Result<(), WriteError> {
    let holds = |path: &RepositoryPath, versions: &FileVersions| match (read_text(root, path), &versions.before) {
        (Ok(present), Some(before)) => present == *before,
        (Err(ReadError::Missing), None) => place(root, path).is_some(),
        _ => false,
    };
    let changed = files.iter().find(|(path, versions)| !holds(path, versions));
    changed.map_or(Ok(()), |(path, _)| Err(WriteError::Changed(path.clone())))
}

/// Puts all texts beside their places; the folders that had to be made for them go to `folders`.
fn stage<'a>(
    root: &Path,
    files: &'a Versions,
    folders: &mut Vec<PathBuf>,
    gate: Gate<'_>,
) -> Result<Vec<(&'a RepositoryPath, Staged)>, WriteError> {
    let mut stage_one = |path: &RepositoryPath, versions| {
        let place = place(root, path).ok_or(io::ErrorKind::InvalidFilename)?;
        make_folders(root, &path.parent(), folders, gate)?;
        gate()?;
        Staged::prepare(place, versions)
    };
    let staged = files.iter().map(|(path, versions)| match stage_one(path, versions) {
        Ok(staged) => Ok((path, staged)),
        Err(error) => Err(WriteError::NotWritten(path.clone(), error.to_string())),
    });
    staged.collect()
}

fn make_folders(root: &Path, folder: &RepositoryPath, made: &mut Vec<PathBuf>, gate: Gate<'_>) -> io::Result<()> {
    let mut place = root.to_owned();
    for part in folder.parts() {
        place.push(part);
        if !place.exists() {
            gate()?;
            fs::create_dir(&place)?;
            made.push(place.clone());
        }
    }
    Ok(())
}

fn land(staged: &mut [(&RepositoryPath, Staged)], gate: Gate<'_>) -> Result<(), WriteError> {
    let failure = staged.iter_mut().enumerate().find_map(|(index, (path, file))| {
        gate().and_then(|()| file.land()).err().map(|error| (index, path.clone(), error.to_string()))
    });
    let Some((landed, path, why)) = failure else {
        staged.iter().for_each(|(_, file)| file.settle());
        return Ok(());
    };
    let left: Vec<_> = staged.iter_mut().take(landed).rev().filter_map(|(_, file)| file.take_back().err()).collect();
    if left.is_empty() {
        Err(WriteError::NotWritten(path, why))
    } else {
        Err(WriteError::NotTakenBack(path, why, left))
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::io;
    use std::path::Path;

    use tempfile::TempDir;

    use super::{FileVersions, RepositoryPath, Versions, WriteError, write, write_through};

    fn versions(files: &[(&str, Option<&str>, Option<&str>)]) -> Versions {
        let version = |(path, before, after): &(&str, Option<&str>, Option<&str>)| {
            let versions = FileVersions { before: before.map(str::to_owned), after: after.map(str::to_owned) };
            (RepositoryPath::new(path).unwrap(), versions)
        };
        files.iter().map(version).collect()
    }

    /// A repository, and a fold of it that edits, creates and deletes.
    fn repository() -> (TempDir, Versions) {
        let root = TempDir::new().unwrap();
        fs::create_dir(root.path().join("app")).unwrap();
        for (path, text) in [("pipeline", "one\r\n"), ("app/build.sh", "two"), ("app/gone", "three"), ("other", "four")]
        {
            fs::write(root.path().join(path), text).unwrap();
        }
        make_executable(&root.path().join("app/build.sh"));
        make_executable(&root.path().join("app/gone"));
        let files = versions(&[
            ("app/build.sh", Some("two"), Some("2")),
            ("app/deep/er/new", None, Some("made")),
            ("app/gone", Some("three"), None),
            ("new", None, Some("made")),
            ("pipeline", Some("one\r\n"), Some("1\r\n")),
        ]);
        (root, files)
    }

    fn make_executable(path: &Path) {
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o754)).unwrap();
    }

    fn mode(path: &Path) -> u32 {
        std::os::unix::fs::PermissionsExt::mode(&fs::symlink_metadata(path).unwrap().permissions())
    }

    /// Every file and folder below `root`, with its mode and its bytes.
    fn everything(root: &Path) -> BTreeMap<String, (u32, Option<Vec<u8>>)> {
        let mut all = BTreeMap::new();
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(root).unwrap().display().to_string();
                all.insert(name, (mode(&path), fs::read(&path).ok()));
                if path.is_dir() {
                    folders.push(path);
                }
            }
        }
        all
    }

    #[test]
    fn all_files_land_and_keep_their_modes() {
        let (root, files) = repository();
        write(root.path(), &files).unwrap();
        let all = everything(root.path());
        let names: Vec<_> = all.keys().map(String::as_str).collect();
        let expected =
            ["app", "app/build.sh", "app/deep", "app/deep/er", "app/deep/er/new", "new", "other", "pipeline"];
        assert_eq!(names, expected);
        assert_eq!(all["app/build.sh"], (0o100_754, Some(b"2".to_vec())));
        assert_eq!(all["pipeline"].1.as_deref(), Some(&b"1\r\n"[..]));
        assert_eq!(all["new"].0, all["other"].0, "a new file gets the mode of every new file");
    }

    #[test]
    fn a_failure_at_any_step_leaves_every_byte_and_mode_as_it_was() {
        let mut completed = false;
        for last in 0..40 {
            let (root, files) = repository();
            let before = everything(root.path());
            let mut step = 0;
            let mut gate = || {
                step += 1;
                if step > last { Err(io::Error::other("the disk is on fire")) } else { Ok(()) }
            };
            match write_through(root.path(), &files, &mut gate) {
                Ok(()) => completed = true,
                Err(error) => {
                    assert!(matches!(error, WriteError::NotWritten(..)), "step {last}: {error}");
                    assert_eq!(everything(root.path()), before, "step {last}");
                }
            }
        }
        assert!(completed);
    }

    #[test]
    fn what_cannot_be_put_back_is_kept_beside_and_named() {
        let (root, files) = repository();
        let folder = root.path().join("app/build.sh");
        let mut step = 0;
        // Two folders, five texts and one rename pass; then the place of the first file is taken by a folder.
        let mut gate = || {
            step += 1;
            if step < 9 {
                return Ok(());
            }
            fs::remove_file(&folder)?;
            fs::create_dir_all(folder.join("taken"))?;
            Err(io::Error::other("the disk is on fire"))
        };
        let error = write_through(root.path(), &files, &mut gate).unwrap_err();
        let WriteError::NotTakenBack(_, _, left) = error else { panic!("{error}") };
        let copy = left[0].rsplit_once("kept in ").unwrap().1;
        assert_eq!(fs::read_to_string(copy).unwrap(), "two");
    }

    #[test]
    fn a_file_that_is_no_longer_what_was_folded_stops_all() {
        for (name, text) in [("pipeline", Some("one\n")), ("new", Some("")), ("app/gone", None)] {
            let (root, files) = repository();
            match text {
                Some(text) => fs::write(root.path().join(name), text).unwrap(),
                None => fs::remove_file(root.path().join(name)).unwrap(),
            }
            let before = everything(root.path());
            let expected = WriteError::Changed(RepositoryPath::new(name).unwrap());
            assert_eq!(write(root.path(), &files), Err(expected));
            assert_eq!(everything(root.path()), before);
        }
    }

    #[test]
    fn nothing_is_written_through_a_symbolic_link() {
        let (root, elsewhere) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        fs::write(elsewhere.path().join("file"), "one").unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), root.path().join("link")).unwrap();
        for files in [[("link/file", Some("one"), Some("two"))], [("link/new", None, Some("two"))]] {
            assert!(matches!(write(root.path(), &versions(&files)), Err(WriteError::Changed(_))));
        }
        assert_eq!(everything(elsewhere.path()).len(), 1);
    }
}
