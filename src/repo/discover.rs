use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::folders::{current_folder, from, tidy};
use super::tracked::path_below;
use super::walk::{Sight, Walk, walk};
use crate::text::RepositoryPath;

/// The name of the file in which GitLab looks for a pipeline.
pub const PIPELINE: &str = ".gitlab-ci.yml";

/// A pipeline to fold, and the repository it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The root of the repository, absolute and free of symbolic links.
    pub root: PathBuf,
    /// The pipeline in it.
    pub pipeline: RepositoryPath,
    /// The root as the user would write it; `.` for the current directory.
    pub name: String,
}

/// A path in which no pipeline could be looked for, or was found.
#[derive(Debug)]
pub enum DiscoveryError {
    /// The system says no.
    Unreadable(PathBuf, io::Error),
    /// The folder and those below it hold no pipeline.
    NoPipeline(PathBuf),
    /// The path is not UTF-8, so that no report could name it.
    NotUtf8(PathBuf),
}

impl fmt::Display for DiscoveryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(path, error) if error.kind() == io::ErrorKind::NotFound => {
                write!(f, "{}: there is no such file or folder", path.display())
            }
            Self::Unreadable(path, error) => write!(f, "{}: {error}", path.display()),
            Self::NoPipeline(path) => write!(f, "{}: there is no {PIPELINE} here or below", path.display()),
            Self::NotUtf8(path) => write!(f, "{}: the path is not UTF-8", path.display()),
        }
    }
}

impl std::error::Error for DiscoveryError {}

/// What a search came to: it goes on past whatever it cannot read.
#[derive(Debug, Default)]
pub struct Discovery {
    /// The pipelines, in the order of the paths, those below one path sorted; none of them twice.
    pub found: Vec<Found>,
    /// What could not be searched.
    pub errors: Vec<DiscoveryError>,
}

/// What one path of the user's stands for, as far as a look at it alone tells.
enum Meant {
    Found(Found),
    /// A folder that is to be searched, by its place among them.
    Search(usize),
}

/// Finds the pipelines that the user means by `paths`.
///
/// A file is a pipeline by itself; its repository is the nearest folder above it with a `.git`, or the folder
/// it lies in. A folder with a `.gitlab-ci.yml` is one repository. Any other folder is searched for
/// repositories; below one that was found, only folders with a `.git` of their own count as further
/// ones. Symbolic links are not followed on the way.
#[must_use]
pub fn discover(paths: &[PathBuf]) -> Discovery {
    let mut starts = Vec::new();
    let meant: Vec<_> = paths.iter().map(|path| meant(path, &mut starts)).collect();
    let mut walk = walk(&starts).by_start();
    let mut discovery = Discovery::default();
    for (path, meant) in paths.iter().zip(meant) {
        match meant {
            Ok(Meant::Found(found)) => discovery.found.push(found),
            Ok(Meant::Search(start)) => {
                let root = starts.get(start).map_or(Path::new(""), |root| root);
                discovery.take(path, root, walk.next(start));
            }
            Err(error) => discovery.errors.push(error),
        }
    }
    let mut seen = BTreeSet::new();
    discovery.found.retain(|found| seen.insert(found.root.join(found.pipeline.as_str())));
    discovery
}

fn meant(path: &Path, starts: &mut Vec<PathBuf>) -> Result<Meant, DiscoveryError> {
    let unreadable = |error| DiscoveryError::Unreadable(path.to_owned(), error);
    if !fs::metadata(path).map_err(unreadable)?.is_dir() {
        return single_pipeline(path).map(Meant::Found);
    }
    let root = fs::canonicalize(path).map_err(unreadable)?;
    if holds(&root, PIPELINE) {
        return repository(root, path).map(Meant::Found);
    }
    starts.push(root);
    Ok(Meant::Search(starts.len() - 1))
}

impl Discovery {
    /// Takes what was seen below the folder `root`, which the user calls `name`.
    fn take(&mut self, name: &Path, root: &Path, walk: Walk) {
        let before = (self.found.len(), self.errors.len());
        for seen in walk.seen.into_iter().filter(|seen| seen.sight == Sight::Repository) {
            match repository(root.join(&seen.below), &name.join(&seen.below)) {
                Ok(found) => self.found.push(found),
                Err(error) => self.errors.push(error),
            }
        }
        let unread = walk.unread.into_iter();
        self.errors.extend(unread.map(|unread| DiscoveryError::Unreadable(name.join(unread.below), unread.error)));
        if before == (self.found.len(), self.errors.len()) {
            self.errors.push(DiscoveryError::NoPipeline(name.to_owned()));
        }
    }
}

/// Whether there is anything called `name` in `folder`; a pipeline that is a folder or a broken link is
/// found, too, for the user to hear of it.
fn holds(folder: &Path, name: &str) -> bool {
    fs::symlink_metadata(folder.join(name)).is_ok()
}

fn repository(root: PathBuf, name: &Path) -> Result<Found, DiscoveryError> {
    let pipeline = RepositoryPath::new(PIPELINE).unwrap_or_default();
    Ok(Found { root, pipeline, name: written(name)? })
}

/// The path of a folder as the user would write it.
pub(super) fn written(path: &Path) -> Result<String, DiscoveryError> {
    tidy(path).to_str().map(str::to_owned).ok_or_else(|| DiscoveryError::NotUtf8(path.to_owned()))
}

/// The pipeline in the file `path`. Links above its folder are resolved, the file itself is taken as it is.
pub(super) fn single_pipeline(path: &Path) -> Result<Found, DiscoveryError> {
    let unreadable = |error| DiscoveryError::Unreadable(path.to_owned(), error);
    let not_utf8 = || DiscoveryError::NotUtf8(path.to_owned());
    let file_name = path.file_name().ok_or_else(not_utf8)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = fs::canonicalize(folder).map_err(unreadable)?;
    let root = folder.ancestors().find(|folder| holds(folder, ".git")).unwrap_or(&folder);
    let pipeline = path_below(root, &folder.join(file_name)).ok_or_else(not_utf8)?;
    let here = current_folder().map_err(unreadable)?;
    let name = from(&here, root).to_str().map(str::to_owned).ok_or_else(not_utf8)?;
    Ok(Found { root: root.to_owned(), pipeline, name })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use tempfile::TempDir;

    use super::{DiscoveryError, discover};

    /// A folder with these files; a path that ends with `/` is a folder.
    fn tree(paths: &[&str]) -> TempDir {
        let root = TempDir::new().unwrap();
        for path in paths {
            let place = root.path().join(path);
            if path.ends_with('/') {
                fs::create_dir_all(place).unwrap();
            } else {
                fs::create_dir_all(place.parent().unwrap()).unwrap();
                fs::write(place, "").unwrap();
            }
        }
        root
    }

    fn found(paths: &[PathBuf], root: &TempDir) -> Vec<String> {
        let root = fs::canonicalize(root.path()).unwrap();
        let discovery = discover(paths);
        assert!(discovery.errors.is_empty(), "{:?}", discovery.errors);
        let name = |path: &Path| path.strip_prefix(&root).unwrap().display().to_string();
        discovery.found.iter().map(|found| format!("{}:{}", name(&found.root), found.pipeline)).collect()
    }

    #[test]
    fn a_folder_of_repositories_is_searched_in_order() {
        let root = tree(&[
            "b/.gitlab-ci.yml",
            "a/deep/.gitlab-ci.yml",
            "a/deep/template/.gitlab-ci.yml",
            "a/deep/nested/.gitlab-ci.yml",
            "a/deep/nested/.git/",
            "a/node_modules/x/.gitlab-ci.yml",
            ".git/x/.gitlab-ci.yml",
            "c/README.md",
            "odd/.gitlab-ci.yml/",
        ]);
        let expected =
            ["a/deep:.gitlab-ci.yml", "a/deep/nested:.gitlab-ci.yml", "b:.gitlab-ci.yml", "odd:.gitlab-ci.yml"];
        assert_eq!(found(&[root.path().to_owned()], &root), expected);
        let twice = [root.path().join("b"), root.path().to_owned(), root.path().join("b/.gitlab-ci.yml")];
        let expected =
            ["b:.gitlab-ci.yml", "a/deep:.gitlab-ci.yml", "a/deep/nested:.gitlab-ci.yml", "odd:.gitlab-ci.yml"];
        assert_eq!(found(&twice, &root), expected);
    }

    #[test]
    fn a_folder_with_a_pipeline_is_one_repository() {
        let root = tree(&[".gitlab-ci.yml", "module/.gitlab-ci.yml", "module/.git"]);
        assert_eq!(found(&[root.path().to_owned()], &root), [":.gitlab-ci.yml"]);
    }

    #[test]
    fn a_file_is_a_pipeline_of_the_repository_around_it() {
        let root = tree(&["app/.git/", "app/ci/build.yml", "loose/build.yml"]);
        let paths = [root.path().join("app/ci/build.yml"), root.path().join("loose/build.yml")];
        assert_eq!(found(&paths, &root), ["app:ci/build.yml", "loose:build.yml"]);
    }

    #[test]
    fn what_is_not_there_is_said_and_the_rest_goes_on() {
        let root = tree(&["empty/x", "app/.gitlab-ci.yml"]);
        let discovery = discover(&["missing", "empty", "app"].map(|path| root.path().join(path)));
        assert_eq!(discovery.found.len(), 1);
        let [DiscoveryError::Unreadable(..), DiscoveryError::NoPipeline(..)] = &discovery.errors[..] else {
            panic!("{:?}", discovery.errors)
        };
    }

    #[cfg(unix)]
    #[test]
    fn a_search_follows_no_links() {
        let root = tree(&["app/.gitlab-ci.yml"]);
        std::os::unix::fs::symlink(root.path(), root.path().join("app/loop")).unwrap();
        std::os::unix::fs::symlink("app", root.path().join("again")).unwrap();
        assert_eq!(found(&[root.path().to_owned()], &root), ["app:.gitlab-ci.yml"]);
    }
}
