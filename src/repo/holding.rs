use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;

use super::disk::{place, read_text};
use super::stage;
use super::transaction::{WriteError, write};
use crate::source::ReadError;
use crate::text::{FileVersions, RepositoryPath};

/// Which version of a file its place holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holding {
    /// The one from before a change.
    Before,
    /// The one from after it.
    After,
    /// Neither.
    Other,
}

/// Which version of `versions` stands at `path` below `root`. A change that changes nothing counts as made.
#[must_use]
pub fn holding(root: &Path, path: &RepositoryPath, versions: &FileVersions) -> Holding {
    let present = match read_text(root, path) {
        Ok(text) => Some(text),
        Err(ReadError::Missing) => None,
        Err(_) => return Holding::Other,
    };
    if present == versions.after {
        Holding::After
    } else if present == versions.before {
        Holding::Before
    } else {
        Holding::Other
    }
}

/// Removes what a process that was killed while it wrote `files` below `root` has left beside them. Nothing else may be writing there.
pub fn sweep(root: &Path, files: &BTreeMap<RepositoryPath, FileVersions>) {
    let folders: BTreeSet<_> = files.keys().map(RepositoryPath::parent).collect();
    let texts = files.values().flat_map(|versions| [versions.before.as_deref(), versions.after.as_deref()]);
    let texts: Vec<_> = texts.flatten().collect();
    folders.iter().filter_map(|folder| place(root, folder)).for_each(|folder| stage::sweep(&folder, &texts));
}

/// Why the folder `root`, absolute and free of symbolic links when it was found, is not to be written in any more; `None` where it stands
/// as it did.
#[must_use]
pub fn has_moved(root: &Path) -> Option<String> {
    match fs::canonicalize(root) {
        Ok(place) if place == root => None,
        Ok(place) => Some(format!("{} leads to {} by now; nothing was written there", root.display(), place.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Some(format!("{} is not there any more", root.display()))
        }
        Err(error) => Some(format!("{}: {error}", root.display())),
    }
}

/// The permissions of the file at `path` below `root` (`st_mode & 0o7777`); `None` where there is none, or the system has no such thing.
#[must_use]
pub fn mode_of(root: &Path, path: &RepositoryPath) -> Option<u32> {
    mode(&fs::symlink_metadata(place(root, path)?).ok()?)
}

#[cfg(unix)]
fn mode(metadata: &fs::Metadata) -> Option<u32> {
    Some(std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o7777)
}

#[cfg(not(unix))]
fn mode(_: &fs::Metadata) -> Option<u32> {
    None
}

/// Puts back what stood below `root` before a change: all files that hold the change or none, with the permissions that they had. A
/// folder that is empty without a file that the change had made goes with it. Says how many files it has written.
///
/// # Errors
/// As for [`write()`]; a file whose permissions cannot be set is named by [`WriteError::NotWritten`].
pub fn put_back(
    root: &Path,
    files: &BTreeMap<RepositoryPath, (FileVersions, Option<u32>)>,
) -> Result<usize, WriteError> {
    let changed = files.iter().filter(|(path, (versions, _))| holding(root, path, versions) == Holding::After);
    let reversed = changed.map(|(path, (versions, _))| {
        let versions = FileVersions { before: versions.after.clone(), after: versions.before.clone() };
        (path.clone(), versions)
    });
    let reversed: BTreeMap<_, _> = reversed.collect();
    write(root, &reversed)?;
    for (path, (versions, mode)) in files {
        if let (Some(mode), Some(place)) = (mode, place(root, path).filter(|_| mode_of(root, path) != *mode)) {
            set_mode(&place, *mode).map_err(|error| WriteError::NotWritten(path.clone(), error.to_string()))?;
        }
        if versions.before.is_none() {
            remove_if_empty(root, &path.parent());
        }
    }
    Ok(reversed.len())
}

fn remove_if_empty(root: &Path, folder: &RepositoryPath) {
    let place = place(root, folder).filter(|_| !folder.is_root());
    // A folder that holds something cannot be removed, and stays.
    if place.is_some_and(|place| fs::remove_dir(place).is_ok()) {
        remove_if_empty(root, &folder.parent());
    }
}

#[cfg(unix)]
fn set_mode(place: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(place, std::os::unix::fs::PermissionsExt::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) -> io::Result<()> {
    Ok(())
}
