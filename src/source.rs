//! A repository as a fold sees it: which files there are, and the text of those that it asks for.
//!
//! A fold never touches a disk. It reads through [`Repository`], whose answers do not change while it
//! lives: a file is read at most once, so what was parsed, what is edited and what is compared are the
//! same bytes. `repo` has the one on a disk, [`MemoryRepository`] is one made of texts, and [`Overlay`]
//! shows a repository as it will be once a change set has landed.

mod file;
mod foreign;
mod memory;
mod overlay;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::text::RepositoryPath;

pub use file::{ReadError, SourceFile};
pub use foreign::ForeignFile;
pub use memory::MemoryRepository;
pub use overlay::Overlay;

/// What stands at a path that is under version control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A file with mode 644.
    Regular,
    /// A file with mode 755.
    Executable,
    /// A symbolic link; it is never followed.
    SymbolicLink,
    /// Another repository that stands here by its commit.
    Submodule,
}

/// A repository whose answers do not change while it lives.
pub trait Repository {
    /// Everything that is under version control. Where the repository has no version control, all files
    /// that its ignore files do not name.
    fn tracked(&self) -> &BTreeMap<RepositoryPath, FileKind>;

    /// The text of the file at `path`, tracked or not.
    ///
    /// # Errors
    /// Where there is none, or it is not a text that may be read; see [`ReadError`].
    fn read(&self, path: &RepositoryPath) -> Result<Arc<SourceFile>, ReadError>;

    /// The text of a file that the pipeline includes from elsewhere, where the user has given it.
    ///
    /// # Errors
    /// As for [`Repository::read`]; where nothing was given, the file is missing.
    fn read_foreign(&self, file: &ForeignFile) -> Result<Arc<SourceFile>, ReadError> {
        let _ = file;
        Err(ReadError::Missing)
    }

    /// The whole pipeline as GitLab itself has merged it, where the user has given it.
    ///
    /// # Errors
    /// Where it is given and is not a text that may be read.
    fn merged_pipeline(&self) -> Option<Result<Arc<SourceFile>, ReadError>> {
        None
    }

    /// The repository as it was before anything was folded, where this one shows it as it is after.
    fn unfolded(&self) -> Option<&dyn Repository> {
        None
    }

    /// Whether something under version control stands at `path` or below it.
    fn tracks(&self, path: &RepositoryPath) -> bool {
        self.tracked_within(path).next().is_some()
    }

    /// Everything under version control at `path` or below it, sorted.
    fn tracked_within<'a>(
        &'a self,
        path: &'a RepositoryPath,
    ) -> Box<dyn Iterator<Item = (&'a RepositoryPath, FileKind)> + 'a> {
        // Sorted bytewise, names such as `dist-old` stand between `dist` and `dist/app.js`: all that
        // share the prefix are walked, and those outside the folder are passed over.
        let sharing_prefix =
            self.tracked().range(path.clone()..).take_while(|(at, _)| at.as_str().starts_with(path.as_str()));
        Box::new(sharing_prefix.filter(|(at, _)| at.is_within(path)).map(|(at, kind)| (at, *kind)))
    }
}
