mod address;
mod gather;
mod list;
mod merge;

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::project::Project;
use super::shard::Shard;
use gather::Gathered;

/// Which address of a project is taken, where GitLab's list tells both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CloneBy {
    /// The one of SSH, as `glab repo clone` does.
    #[default]
    Ssh,
    /// The one of HTTP, which the credentials of a job of GitLab open.
    Http,
}

/// The projects that the user means.
#[derive(Debug, Default)]
pub struct Sourcing {
    /// Sorted by name. No two have the same name, nor are in the same place.
    pub projects: Vec<Project>,
    /// What could not be read, or names nothing.
    pub errors: Vec<SourceError>,
    /// What was named and is left out, each with the reason: archived, empty, named twice.
    pub left_out: Vec<String>,
}

/// Something that the user named and that is no project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceError {
    origin: Origin,
    message: String,
}

/// Where the user has named something.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Origin {
    /// On the command line, or nowhere: the message tells all.
    Words,
    /// A list as a whole.
    List(Arc<Path>),
    /// A line of a list, from 1 on.
    Line(Arc<Path>, usize),
    /// A project of a list in JSON, the so-many-th.
    Item(Arc<Path>, usize),
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::Words => {}
            Origin::List(list) => write!(f, "{}: ", list.display())?,
            Origin::Line(list, line) => write!(f, "{}:{line}: ", list.display())?,
            Origin::Item(list, number) => write!(f, "{}: project {number}: ", list.display())?,
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for SourceError {}

/// Finds the projects that the user means by `paths` and by the lists `from`, of which `-` is `input`; without any, those
/// below the current folder. With a shard, those of it alone.
///
/// Nothing is asked over a network. A folder is searched as [`search`](crate::repo::search()) says; an address that git can clone is taken as
/// it is, and a list of GitLab's projects by the address that [`CloneBy`] says.
#[must_use]
pub fn projects(
    paths: &[String],
    from: &[PathBuf],
    input: &mut dyn Read,
    clone_by: CloneBy,
    shard: Option<Shard>,
) -> Sourcing {
    let mut gathered = Gathered::new(clone_by);
    for path in paths {
        gathered.add_word(path, Origin::Words);
    }
    for list in from {
        gathered.add_list(list, input);
    }
    if paths.is_empty() && from.is_empty() {
        gathered.add_word(".", Origin::Words);
    }
    merge::merge(gathered, shard)
}

#[cfg(test)]
mod tests;
