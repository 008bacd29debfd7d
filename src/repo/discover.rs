use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::folders::{current_folder, from, tidy};
use crate::text::RepositoryPath;

/// The name of the file in which GitLab looks for a pipeline.
pub const PIPELINE: &str = ".gitlab-ci.yml";

/// Folders that hold other people's code, and are never searched.
const NEVER_SEARCHED: [&str; 2] = [".git", "node_modules"];

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

/// Finds the pipelines that the user means by `paths`.
///
/// A file is a pipeline by itself; its repository is the nearest folder above it with a `.git`, or the folder
/// it lies in. A folder with a `.gitlab-ci.yml` is one repository. Any other folder is searched for
/// repositories; below one that was found, only folders with a `.git` of their own count as further
/// ones. Symbolic links are not followed on the way.
#[must_use]
pub fn discover(paths: &[PathBuf]) -> Discovery {
    let mut discovery = Discovery::default();
    for path in paths {
        if let Err(error) = discovery.look_at(path) {
            discovery.errors.push(error);
        }
    }
    let mut seen = BTreeSet::new();
    discovery.found.retain(|found| seen.insert(found.root.join(found.pipeline.as_str())));
    discovery
}

impl Discovery {
    fn look_at(&mut self, path: &Path) -> Result<(), DiscoveryError> {
        let unreadable = |error| DiscoveryError::Unreadable(path.to_owned(), error);
        if !fs::metadata(path).map_err(unreadable)?.is_dir() {
            self.found.push(single_pipeline(path)?);
            return Ok(());
        }
        let root = fs::canonicalize(path).map_err(unreadable)?;
        if holds(&root, PIPELINE) {
            self.found.push(repository(root, path)?);
            return Ok(());
        }
        let before = (self.found.len(), self.errors.len());
        self.search(&root, path);
        let fruitless = before == (self.found.len(), self.errors.len());
        if fruitless { Err(DiscoveryError::NoPipeline(path.to_owned())) } else { Ok(()) }
    }

    /// Searches the folders below `root`, which the user calls `name`, in the order of their names.
    fn search(&mut self, root: &Path, name: &Path) {
        // The flag says whether a repository was found on the way down.
        let mut waiting = vec![(root.to_owned(), name.to_owned(), false)];
        while let Some((folder, name, mut inside)) = waiting.pop() {
            if holds(&folder, PIPELINE) && (!inside || holds(&folder, ".git")) {
                inside = true;
                match repository(folder.clone(), &name) {
                    Ok(found) => self.found.push(found),
                    Err(error) => self.errors.push(error),
                }
            }
            match folders_in(&folder) {
                Ok(below) => {
                    waiting.extend(below.iter().rev().map(|part| (folder.join(part), name.join(part), inside)))
                }
                Err(error) => self.errors.push(DiscoveryError::Unreadable(name, error)),
            }
        }
    }
}

/// The names of the folders in `folder` that are to be searched, sorted.
fn folders_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = PathBuf::from(entry.file_name());
        if entry.file_type()?.is_dir() && !NEVER_SEARCHED.iter().any(|never| name == Path::new(never)) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Whether there is anything called `name` in `folder`; a pipeline that is a folder or a broken link is
/// found, too, for the user to hear of it.
fn holds(folder: &Path, name: &str) -> bool {
    fs::symlink_metadata(folder.join(name)).is_ok()
}

fn repository(root: PathBuf, name: &Path) -> Result<Found, DiscoveryError> {
    let name = tidy(name).to_str().map(str::to_owned).ok_or_else(|| DiscoveryError::NotUtf8(name.to_owned()))?;
    let pipeline = RepositoryPath::new(PIPELINE).unwrap_or_default();
    Ok(Found { root, pipeline, name })
}

/// The pipeline in the file `path`. Links above its folder are resolved, the file itself is taken as it is.
fn single_pipeline(path: &Path) -> Result<Found, DiscoveryError> {
    let unreadable = |error| DiscoveryError::Unreadable(path.to_owned(), error);
    let not_utf8 = || DiscoveryError::NotUtf8(path.to_owned());
    let file_name = path.file_name().ok_or_else(not_utf8)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = fs::canonicalize(folder).map_err(unreadable)?;
    let root = folder.ancestors().find(|folder| holds(folder, ".git")).unwrap_or(&folder);
    let inside = folder.strip_prefix(root).unwrap_or(Path::new("")).join(file_name);
    let parts: Option<Vec<_>> = inside.iter().map(|part| part.to_str()).collect();
    let pipeline = parts.and_then(|parts| RepositoryPath::new(&parts.join("/"))).ok_or_else(not_utf8)?;
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
