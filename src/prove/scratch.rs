//! The one folder of this machine in which a proof keeps what it needs, and that goes with it.

use std::cell::Cell;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::process::{Log, Trouble};

/// A folder for one proof. Logs lie in a folder of their own beside it, which stays where something failed.
#[derive(Debug)]
pub(super) struct Scratch {
    folder: TempDir,
    logs: TempDir,
    count: Cell<usize>,
}

impl Scratch {
    pub(super) fn new() -> Result<Self, Trouble> {
        // Values of variables lie in it, and programs that run as their owner: nobody else may look.
        let own = Permissions::from_mode(0o700);
        let folder = |name: &str| tempfile::Builder::new().prefix(name).permissions(own.clone()).tempdir();
        let failed = |error: io::Error| Trouble::Error(format!("a temporary folder cannot be made: {error}"));
        let (folder, logs) =
            (folder("stagefold-prove-").map_err(failed)?, folder("stagefold-prove-logs-").map_err(failed)?);
        Ok(Self { folder, logs, count: Cell::default() })
    }

    /// What marks this proof: letters and digits that no other one has at the same time.
    pub(super) fn id(&self) -> String {
        let name = self.folder.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
        let random = name.rsplit('-').next().unwrap_or_default().to_ascii_lowercase();
        format!("{}-{random}", std::process::id())
    }

    /// A path that was not handed out before; nothing is there.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{:03}-{name}", self.next()))
    }

    /// A new folder.
    pub(super) fn folder(&self, name: &str) -> Result<PathBuf, Trouble> {
        let path = self.path(name);
        fs::create_dir(&path).map_err(|error| Trouble::of_file(&path, &error))?;
        Ok(path)
    }

    /// A new log.
    pub(super) fn log<'a>(&self, name: &str) -> Log<'a> {
        let is_plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.');
        let plain: String = name.chars().map(|character| if is_plain(character) { character } else { '-' }).collect();
        Log::new(self.logs.path().join(format!("{:03}-{plain}.log", self.next())))
    }

    /// Removes what is not needed any more, so that a long proof does not fill the disk.
    pub(super) fn discard(&self, path: &Path) {
        if path.starts_with(self.folder.path()) {
            remove(path);
        }
    }

    /// Removes everything but the logs where they are to stay.
    pub(super) fn close(mut self, keeps_logs: bool) {
        remove(self.folder.path());
        if keeps_logs {
            self.logs.disable_cleanup(true);
        }
    }

    fn next(&self) -> usize {
        let number = self.count.get();
        self.count.set(number + 1);
        number
    }
}

/// Removes a file or a folder. Folders of an image may forbid their own owner to empty them.
fn remove(path: &Path) {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(_) => return,
    };
    if removed.is_err() {
        open_all(path);
        let _ = fs::remove_dir_all(path);
    }
}

fn open_all(folder: &Path) {
    let _ = fs::set_permissions(folder, Permissions::from_mode(0o700));
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_all(&entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::Scratch;

    #[test]
    fn everything_goes_but_the_logs_of_a_failure() {
        for keeps in [false, true] {
            let scratch = Scratch::new().unwrap();
            let mode = fs::metadata(scratch.folder.path()).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700);
            let log = scratch.log("job 'build'");
            fs::write(log.path(), "x").unwrap();
            let folder = scratch.folder("context").unwrap();
            fs::write(folder.join("f"), "x").unwrap();
            scratch.close(keeps);
            assert!(!folder.exists());
            assert_eq!(log.path().exists(), keeps);
            if keeps {
                fs::remove_dir_all(log.path().parent().unwrap()).unwrap();
            }
        }
    }
}
