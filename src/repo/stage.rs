use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, TempPath};

use crate::text::FileVersions;

/// What the names of files that wait begin with.
const PREFIX: &str = ".stagefold-";

/// How long such a name is, in bytes.
const NAME_LENGTH: usize = PREFIX.len() + 6;

/// Removes from `folder` what a process that was killed has left waiting there: files of such a name that hold one of `texts`, or
/// as much of it as was written.
pub(super) fn sweep(folder: &Path, texts: &[&str]) {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let has_name = |name: &str| name.starts_with(PREFIX) && name.len() == NAME_LENGTH;
    for entry in entries.filter(|entry| entry.file_name().to_str().is_some_and(has_name)) {
        let text = fs::read(entry.path()).ok();
        if text.is_some_and(|text| texts.iter().any(|known| known.as_bytes().starts_with(&text))) {
            // What cannot be removed does no harm but to the eye.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// One file on its way: its new text and a copy of its present one wait beside it, so that putting it in
/// place and taking it back are one rename each, which no full disk can stop.
///
/// What waits is removed when the value is dropped.
#[derive(Debug)]
pub(super) struct Staged {
    place: PathBuf,
    replacement: Option<TempPath>,
    original: Option<TempPath>,
}

impl Staged {
    /// Puts the texts of `versions` beside `place`, whose folder must exist.
    pub(super) fn prepare(place: PathBuf, versions: &FileVersions) -> io::Result<Self> {
        let folder = place.parent().unwrap_or(Path::new("."));
        let present = versions.before.is_some().then(|| fs::symlink_metadata(&place)).transpose()?;
        let beside = |text: &String| temporary(folder, text, present.as_ref());
        let replacement = versions.after.as_ref().map(beside).transpose()?;
        let original = versions.before.as_ref().map(beside).transpose()?;
        Ok(Self { place, replacement, original })
    }

    /// Puts the new text in place, or removes the file where there is none. A file that is to be made
    /// never takes the place of one that came up in the meantime.
    pub(super) fn land(&mut self) -> io::Result<()> {
        match (self.replacement.take(), &self.original) {
            (Some(replacement), Some(_)) => replacement.persist(&self.place).map_err(|error| error.error),
            (Some(replacement), None) => replacement.persist_noclobber(&self.place).map_err(|error| error.error),
            (None, Some(_)) => fs::remove_file(&self.place),
            (None, None) => Ok(()),
        }
    }

    /// Puts back what stood there before [`Staged::land`]; where that fails, says in words where the copy is.
    pub(super) fn take_back(&mut self) -> Result<(), String> {
        let Some(original) = self.original.take() else {
            return fs::remove_file(&self.place).map_err(|error| format!("{}: {error}", self.place.display()));
        };
        let Err(failure) = original.persist(&self.place) else { return Ok(()) };
        let why = format!("{}: {}", self.place.display(), failure.error);
        Err(failure.path.keep().map_or_else(
            |error| format!("{why}; {error}"),
            |copy| format!("{why}; its text is kept in {}", copy.display()),
        ))
    }

    /// Makes the renames in the folder of the file last. File systems that cannot are none the worse for it:
    /// the texts themselves are on the disk already.
    pub(super) fn settle(&self) {
        if let Some(folder) = self.place.parent().and_then(|folder| File::open(folder).ok()) {
            let _ = folder.sync_all();
        }
    }
}

/// A file in `folder` that holds `text`, on the disk, with mode and owner of `like`; a new file gets what
/// the system gives to new files.
fn temporary(folder: &Path, text: &str, like: Option<&Metadata>) -> io::Result<TempPath> {
    let mut builder = Builder::new();
    builder.prefix(PREFIX).rand_bytes(NAME_LENGTH - PREFIX.len());
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    if let Some(like) = like {
        keep_owner(file.as_file(), like);
        file.as_file().set_permissions(like.permissions())?;
    }
    file.as_file().sync_all()?;
    Ok(file.into_temp_path())
}

/// A file that belongs to somebody else stays theirs where the system lets us; a container often runs as root.
#[cfg(unix)]
fn keep_owner(file: &File, like: &Metadata) {
    use std::os::unix::fs::{MetadataExt, fchown};
    let _ = fchown(file, Some(like.uid()), Some(like.gid()));
}

#[cfg(not(unix))]
fn keep_owner(_: &File, _: &Metadata) {}
