use std::ffi::OsString;
use std::fmt;
use std::path::Path;

use super::git::git;
use crate::text::RepositoryPath;

/// What the user allows although version control could not give it back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Files with changes that are not committed (`--allow-dirty`).
    pub dirty: bool,
    /// Folders that are not under version control (`--allow-no-vcs`).
    pub no_version_control: bool,
}

/// Why files are not to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GuardError {
    /// The folder is in no git work tree, or git cannot say; its words.
    NoVersionControl(String),
    /// These files hold what git could not give back, and why.
    Uncommitted(Vec<(RepositoryPath, &'static str)>),
}

impl fmt::Display for GuardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoVersionControl(why) => write!(f, "the folder is not under version control ({why})"),
            Self::Uncommitted(files) => {
                f.write_str("not all of the files that change are committed:")?;
                files.iter().enumerate().try_for_each(|(index, (path, state))| {
                    write!(f, "{} {path} ({state})", if index == 0 { "" } else { "," })
                })
            }
        }
    }
}

impl std::error::Error for GuardError {}

/// Makes sure that git can give back each of `paths` below `root` as it is now.
///
/// # Errors
/// Where it cannot, unless `allowed` says that this does not matter.
pub fn guard<'a>(
    root: &Path,
    paths: impl IntoIterator<Item = &'a RepositoryPath>,
    allowed: Allowed,
) -> Result<(), GuardError> {
    let prefix = match work_tree_prefix(root) {
        Ok(prefix) => prefix,
        Err(_) if allowed.no_version_control => return Ok(()),
        Err(why) => return Err(GuardError::NoVersionControl(why)),
    };
    if allowed.dirty {
        return Ok(());
    }
    let paths: Vec<_> = paths.into_iter().collect();
    let uncommitted = uncommitted(root, &prefix, &paths).map_err(GuardError::NoVersionControl)?;
    if uncommitted.is_empty() { Ok(()) } else { Err(GuardError::Uncommitted(uncommitted)) }
}

/// Where `root` lies in its work tree: git names changed files from the top of that.
fn work_tree_prefix(root: &Path) -> Result<RepositoryPath, String> {
    let output =
        git(root, &["rev-parse", "--is-inside-work-tree", "--show-prefix"]).map_err(|error| error.to_string())?;
    let output = String::from_utf8(output).map_err(|_| "the path of the folder is not UTF-8".to_owned())?;
    let prefix = output.strip_prefix("true\n").map(|prefix| prefix.trim_end_matches('\n'));
    prefix.and_then(RepositoryPath::new).ok_or_else(|| "not inside a git work tree".to_owned())
}

fn uncommitted(
    root: &Path,
    prefix: &RepositoryPath,
    paths: &[&RepositoryPath],
) -> Result<Vec<(RepositoryPath, &'static str)>, String> {
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    let options = ["status", "--porcelain=v1", "-z", "--untracked-files=all", "--ignored=matching", "--no-renames"];
    let mut arguments: Vec<OsString> =
        options.into_iter().chain(["--ignore-submodules=all", "--"]).map(Into::into).collect();
    arguments.extend(paths.iter().map(|path| path.as_str().into()));
    let output = git(root, &arguments).map_err(|error| error.to_string())?;
    let states: Vec<_> = output.split(|byte| *byte == 0).filter_map(|entry| file_state(entry, prefix)).collect();
    // An ignored folder is named instead of the files in it.
    let state_of = |path: &RepositoryPath| {
        states.iter().find(|(at, _)| path.is_within(at)).map(|(_, state)| (path.clone(), *state))
    };
    Ok(paths.iter().filter_map(|path| state_of(path)).collect())
}

/// Reads an entry `XY PATH` of `git status --porcelain=v1 -z`.
fn file_state(entry: &[u8], prefix: &RepositoryPath) -> Option<(RepositoryPath, &'static str)> {
    let entry = std::str::from_utf8(entry).ok()?;
    let state = match entry.get(..3)? {
        "?? " => "untracked",
        "!! " => "ignored",
        _ => "changed",
    };
    let path = RepositoryPath::new(entry.get(3..)?)?;
    Some((RepositoryPath::new(path.relative_to(prefix)?)?, state))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use tempfile::TempDir;

    use super::{Allowed, GuardError, RepositoryPath, git, guard};

    fn commit(root: &Path) {
        let identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
        git(root, &["init", "-q"]).unwrap();
        git(root, &["add", "."]).unwrap();
        git(root, &[&identity[..], &["commit", "-q", "-m", "first"]].concat()).unwrap();
    }

    fn repository() -> TempDir {
        let root = TempDir::new().unwrap();
        fs::create_dir(root.path().join("app")).unwrap();
        fs::write(root.path().join(".gitignore"), "*.local\nmade/\n").unwrap();
        fs::write(root.path().join("app/a b"), "one").unwrap();
        fs::write(root.path().join("app/*"), "one").unwrap();
        commit(root.path());
        root
    }

    fn states(root: &Path, paths: &[&str]) -> Vec<(String, &'static str)> {
        let paths: Vec<_> = paths.iter().map(|path| RepositoryPath::new(path).unwrap()).collect();
        match guard(root, &paths, Allowed::default()) {
            Ok(()) => Vec::new(),
            Err(GuardError::Uncommitted(files)) => {
                files.into_iter().map(|(path, state)| (path.to_string(), state)).collect()
            }
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn committed_files_and_those_to_come_may_be_written() {
        let root = repository();
        fs::write(root.path().join("app/other"), "").unwrap();
        assert_eq!(states(root.path(), &["app/a b", "app/new", "app/*"]), []);
        assert_eq!(states(&root.path().join("app"), &["a b", "new", "*"]), []);
    }

    #[test]
    fn each_file_that_git_could_not_give_back_is_named() {
        let root = repository();
        fs::create_dir(root.path().join("app/made")).unwrap();
        for path in ["a b", "new", "x.local", "made/file"] {
            fs::write(root.path().join("app").join(path), "two").unwrap();
        }
        let expected = [("a b", "changed"), ("new", "untracked"), ("x.local", "ignored"), ("made/file", "ignored")];
        let expected = expected.map(|(path, state)| (path.to_owned(), state));
        assert_eq!(states(&root.path().join("app"), &["a b", "new", "*", "x.local", "made/file"]), expected);
        let all = [RepositoryPath::new("app/a b").unwrap()];
        let allowed = Allowed { dirty: true, no_version_control: false };
        assert_eq!(guard(root.path(), &all, allowed), Ok(()));
        let staged = git(root.path(), &["add", "app/a b"]).and_then(|_| git(root.path(), &["status", "-s"]));
        assert!(staged.is_ok());
        assert_eq!(states(root.path(), &["app/a b"]), [("app/a b".to_owned(), "changed")]);
    }

    #[test]
    fn outside_git_only_the_flag_helps() {
        let root = TempDir::new().unwrap();
        let dirty = Allowed { dirty: true, no_version_control: false };
        assert!(matches!(guard(root.path(), [], dirty), Err(GuardError::NoVersionControl(_))));
        let allowed = Allowed { dirty: false, no_version_control: true };
        assert_eq!(guard(root.path(), [], allowed), Ok(()));
    }
}
