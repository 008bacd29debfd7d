//! The bare, shallow clones of a campaign, one for each project: what is read of a remote, and from which branches are pushed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use super::git::{Git, GitTrouble, of_git_dir, without_password};
use super::project::{Place, Project, slug};
use super::standing::Landing;
use crate::process::Invocation;
use crate::repo::head_of;

/// The folder of the clones, in that of the campaign.
const FOLDER: &str = "clones";

/// The branch that was fetched last, in the clone.
const TARGET: &str = "refs/stagefold/target";

/// The branch of this campaign's that was fetched last, in the clone.
const OWN: &str = "refs/stagefold/own";

/// What a git that was killed leaves behind, and the next one would wait for.
const LEFT_BEHIND: [&str; 5] = [
    "shallow.lock",
    "packed-refs.lock",
    "refs/stagefold/target.lock",
    "refs/stagefold/commit.lock",
    "refs/stagefold/own.lock",
];

/// The usual format of objects.
const SHA1: &str = "sha1";

/// How often a lock is tried again.
const PAUSE: Duration = Duration::from_millis(50);

/// The clone of one project. No other process is at work on it as long as this one, or a git that it has started, lives.
#[derive(Debug)]
pub(super) struct LocalClone<'a> {
    git: &'a Git,
    git_dir: PathBuf,
    /// The address that it fetches from and pushes to.
    pub(super) remote: String,
    lock: Arc<File>,
    /// How the remote names its objects, once it has told.
    format: OnceLock<&'static str>,
}

/// What a remote says of its branches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Heads {
    /// Its default branch.
    pub(super) default: Option<String>,
    /// The commits of those that were asked for and are there.
    pub(super) branches: BTreeMap<String, String>,
    /// Those of them that only stand for another branch.
    pub(super) symbolic: BTreeSet<String>,
}

/// A commit that was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Base {
    /// Its full name.
    pub(super) commit: String,
    /// When it was made, as git writes it: seconds since 1970 and a time zone.
    pub(super) date: String,
}

impl<'a> LocalClone<'a> {
    /// The clone of the project `name` in the campaign at `campaign`. Where there is none, an empty one is made once the remote
    /// has told how it names its objects.
    pub(super) fn open(campaign: &Path, name: &str, remote: String, git: &'a Git) -> Result<Self, GitTrouble> {
        let folder = campaign.join(FOLDER);
        fs::create_dir_all(&folder).map_err(|error| of_file(&folder, &error))?;
        let slug = slug(name);
        let lock = Arc::new(locked(&folder.join(format!("{slug}.lock")), git)?);
        let git_dir = folder.join(format!("{slug}.git"));
        let clone = Self { git, git_dir, remote, lock, format: OnceLock::new() };
        if clone.is_made() {
            LEFT_BEHIND.iter().for_each(|name| drop(fs::remove_file(clone.git_dir.join(name))));
        }
        Ok(clone)
    }

    fn is_made(&self) -> bool {
        self.git_dir.join("HEAD").is_file()
    }

    /// Makes an empty one where there is none: beside its place, and then renamed, so that what is there is whole.
    pub(super) fn make(&self) -> Result<(), GitTrouble> {
        if self.is_made() {
            return Ok(());
        }
        if self.format.get().is_none() {
            self.heads(&[])?;
        }
        let folder = self.git_dir.parent().unwrap_or(&self.git_dir);
        let made =
            tempfile::Builder::new().prefix("new-").tempdir_in(folder).map_err(|error| of_file(folder, &error))?;
        let init = self.git.plain().arguments(["init", "-q", "--bare", "--template="]).argument(made.path());
        let init = of_format(init, self.format.get().unwrap_or(&SHA1));
        self.git.run(&init.holding(&self.lock))?;
        fs::rename(made.path(), &self.git_dir).map_err(|error| of_file(&self.git_dir, &error))
    }

    pub(super) fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    pub(super) const fn git(&self) -> &Git {
        self.git
    }

    /// A call about this clone.
    pub(super) fn call(&self) -> Invocation<'static> {
        self.git.at(&self.git_dir, &self.lock)
    }

    /// Asks the remote for its default branch and for the commits of `branches`.
    pub(super) fn heads(&self, branches: &[&str]) -> Result<Heads, GitTrouble> {
        let call = self.call().arguments(["ls-remote", "--symref", "--", &self.remote, "HEAD"]);
        let names = branches.iter().map(|branch| format!("refs/heads/{branch}"));
        let answer = self.git.ask(&call.arguments(names))?;
        let mut heads = Heads::default();
        for (value, name) in answer.lines().filter_map(|line| line.split_once('\t')) {
            if !value.starts_with("ref: ") {
                self.format.get_or_init(|| format_of(value));
            }
            match (value.strip_prefix("ref: "), name.strip_prefix("refs/heads/")) {
                (Some(other), None) if name == "HEAD" => {
                    heads.default = other.strip_prefix("refs/heads/").map(str::to_owned);
                }
                (Some(_), Some(branch)) if branches.contains(&branch) => drop(heads.symbolic.insert(branch.to_owned())),
                (None, Some(branch)) if branches.contains(&branch) => {
                    heads.branches.insert(branch.to_owned(), value.to_owned());
                }
                _ => {}
            }
        }
        Ok(heads)
    }

    /// Fetches the head of a branch of the remote, without what came before it.
    pub(super) fn fetch(&self, branch: &str) -> Result<Base, GitTrouble> {
        self.fetch_to(branch, TARGET, "1")?;
        let about = ["log", "-1", "--no-show-signature", "--no-color", "--format=%H %cd", "--date=raw", TARGET, "--"];
        let answer = self.git.ask(&self.call().arguments(about))?;
        let (commit, date) =
            answer.split_once(' ').ok_or_else(|| GitTrouble::of("git does not know what it fetched"))?;
        Ok(Base { commit: commit.to_owned(), date: date.to_owned() })
    }

    /// Fetches a commit that the remote has a branch at, with the one before it, where the clone does not hold it.
    pub(super) fn fetch_own(&self, branch: &str, commit: &str) -> Result<(), GitTrouble> {
        let is_there = || {
            let parent = format!("{commit}^^{{tree}}");
            self.git.ask(&self.call().arguments(["rev-parse", "-q", "--verify", "--end-of-options", &parent]))
        };
        if self.is_made() && is_there().is_ok() {
            return Ok(());
        }
        self.git.interrupt().check()?;
        self.fetch_to(branch, OWN, "2")
    }

    fn fetch_to(&self, branch: &str, name: &str, depth: &str) -> Result<(), GitTrouble> {
        self.make()?;
        let options = ["-q", "--depth", depth, "--no-tags", "--no-write-fetch-head", "--refmap="];
        let wanted = format!("+refs/heads/{branch}:{name}");
        let call = self.call().argument("fetch").arguments(options).arguments(["--", &self.remote, &wanted]);
        self.git.run(&call).map(drop)
    }
}

/// The format of a remote that names its objects like this (git docs: hash-function-transition).
fn format_of(name: &str) -> &'static str {
    if name.len() == 64 { "sha256" } else { SHA1 }
}

/// A call of `git init` for such objects, with references in files. An old git that knows neither has them so by itself.
fn of_format<'a>(init: Invocation<'a>, format: &str) -> Invocation<'a> {
    init.variable("GIT_DEFAULT_HASH", format).variable("GIT_DEFAULT_REF_FORMAT", "files")
}

/// Where the commit of a project lies on this machine, and which one it is: a remote is cloned for that, a bare repository read
/// as it is. `None` for a folder, whose files are read instead.
///
/// # Errors
/// Where it cannot be had, in words.
pub(super) fn head(project: &Project, campaign: &Path, git: &Git) -> Result<Option<(PathBuf, String)>, String> {
    match &project.place {
        Place::Folder(_) => Ok(None),
        Place::Bare(folder) => {
            let head = match &project.branch {
                None => head_of(folder).map_err(|error| error.to_string()),
                Some(branch) => {
                    let name = format!("refs/heads/{branch}^{{commit}}");
                    let wanted = ["rev-parse", "--verify", "--end-of-options", &name];
                    let call = git.plain().argument(of_git_dir(folder)).arguments(wanted);
                    git.ask(&call).map_err(GitTrouble::why)
                }
            };
            Ok(Some((folder.clone(), head?)))
        }
        Place::Remote(address) => {
            let clone = LocalClone::open(campaign, &project.name, address.clone(), git).map_err(GitTrouble::why)?;
            let base = fetch_target(&clone, project.branch.as_deref()).map_err(GitTrouble::why)?;
            Ok(Some((clone.git_dir.clone(), base.commit)))
        }
    }
}

/// Checks the commit that was read of a bare repository or an address out into the empty folder `to`.
///
/// # Errors
/// Where that cannot be done, in words.
pub(super) fn check_out(project: &Project, campaign: &Path, git: &Git, to: &Path) -> Result<(), String> {
    let (git_dir, commit) = head(project, campaign, git)?.ok_or("it is no repository that a commit is read of")?;
    let from = std::path::absolute(git_dir).map_err(|error| error.to_string())?;
    let remote = remote_of(project, git).map_err(GitTrouble::why)?;
    let call = |words: &[&str]| git.run(&git.within(to).arguments(words)).map_err(GitTrouble::why);
    let init = ["init", "-q", "--template=", "-b", project.branch.as_deref().unwrap_or("main")];
    git.run(&of_format(git.within(to).arguments(init), format_of(&commit))).map_err(GitTrouble::why)?;
    let fetch = git.within(to).arguments(["fetch", "-q", "--update-shallow", "--depth", "1"]);
    git.run(&fetch.argument(&from).argument(&commit)).map_err(GitTrouble::why)?;
    call(&["reset", "-q", "--hard", &commit])?;
    call(&["remote", "add", "origin", &remote]).map(drop)
}

fn fetch_target(clone: &LocalClone<'_>, branch: Option<&str>) -> Result<Base, GitTrouble> {
    match branch {
        Some(branch) => clone.fetch(branch),
        None => clone.fetch(&clone.heads(&[])?.target()?),
    }
}

impl Heads {
    /// Why nothing is pushed to or deleted at a branch of this name.
    pub(super) fn objection(&self, branch: &str, target: &str) -> Option<String> {
        if branch == target {
            Some(format!("'{branch}' is the branch to merge into as well"))
        } else if self.default.as_deref() == Some(branch) {
            Some(format!("'{branch}' is the default branch of the remote"))
        } else {
            self.symbolic.contains(branch).then(|| format!("'{branch}' stands for another branch at the remote"))
        }
    }

    /// The default branch.
    pub(super) fn target(&self) -> Result<String, GitTrouble> {
        self.default
            .clone()
            .ok_or_else(|| GitTrouble::of("the remote has no default branch: it is empty, or does not tell"))
    }
}

/// The address that changes of a project are pushed to.
///
/// # Errors
/// Where there is none, and what to do.
pub(super) fn remote_of(project: &Project, git: &Git) -> Result<String, GitTrouble> {
    match &project.place {
        Place::Remote(address) => Ok(address.clone()),
        Place::Bare(folder) | Place::Folder(folder) if !folder.exists() => {
            Err(GitTrouble::of(format!("the folder {} is not there any more", folder.display())))
        }
        Place::Bare(folder) => {
            let call = git.plain().argument(of_git_dir(folder));
            let origin = git.ask(&call.arguments(["remote", "get-url", "--push", "origin"]));
            match origin {
                Ok(origin) => Ok(absolute(&origin, folder)),
                Err(GitTrouble::Interrupted) => Err(GitTrouble::Interrupted),
                Err(GitTrouble::Failed { .. }) => Ok(folder.display().to_string()),
            }
        }
        Place::Folder(folder) => {
            if !folder.join(".git").exists() {
                let why = "the folder is not the top of a git work tree, and paths in a merge request start there";
                return Err(GitTrouble::of(why));
            }
            let origin = git.ask(&git.within(folder).arguments(["remote", "get-url", "--push", "origin"]));
            match origin {
                Ok(origin) => Ok(absolute(&origin, folder)),
                Err(GitTrouble::Interrupted) => Err(GitTrouble::Interrupted),
                Err(GitTrouble::Failed { .. }) => {
                    let why = "there is no remote to push to; 'git remote add origin ADDRESS' in its folder names one";
                    Err(GitTrouble::of(why))
                }
            }
        }
    }
}

/// The address that a branch was pushed to, with what stands in it today where it is the same one; and a word on it where the
/// project's own is another by now.
///
/// # Errors
/// Where a signal came.
pub(super) fn remote_of_landing(
    project: &Project,
    landing: &Landing,
    git: &Git,
) -> Result<(String, Option<String>), GitTrouble> {
    let now = match remote_of(project, git) {
        Ok(now) if without_password(&now) == landing.remote => return Ok((now, None)),
        Ok(now) => format!("the remote of the project is {} now", without_password(&now)),
        Err(GitTrouble::Interrupted) => return Err(GitTrouble::Interrupted),
        Err(GitTrouble::Failed { why, .. }) => why,
    };
    Ok((landing.remote.clone(), Some(format!("it was pushed to {}; {now}", landing.remote))))
}

/// An address that is a path starts at the folder of its repository.
fn absolute(address: &str, folder: &Path) -> String {
    let place = folder.join(address);
    if Path::new(address).is_relative() && place.is_dir() { place.display().to_string() } else { address.to_owned() }
}

/// Takes the lock of a clone. A git that a killed process has left running still holds it, and is waited for.
fn locked(path: &Path, git: &Git) -> Result<File, GitTrouble> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    let file = file.map_err(|error| of_file(path, &error))?;
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(of_file(path, &error)),
            Err(TryLockError::WouldBlock) if begun.elapsed() < git.limit() => {}
            Err(TryLockError::WouldBlock) => {
                return Err(GitTrouble::of(format!(
                    "a git of an earlier run is still at work, with {} locked",
                    path.display()
                )));
            }
        }
        git.interrupt().check()?;
        thread::sleep(PAUSE);
    }
}

fn of_file(path: &Path, error: &io::Error) -> GitTrouble {
    GitTrouble::of(format!("{}: {error}", path.display()))
}
