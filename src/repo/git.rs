use std::ffi::OsStr;
use std::fmt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Why git gave no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum GitError {
    /// The program could not be started.
    NotStarted(String),
    /// It ended with an error, in these words.
    Failed(String),
}

impl fmt::Display for GitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted(why) => write!(f, "git could not be started: {why}"),
            Self::Failed(why) => f.write_str(why),
        }
    }
}

/// Settings that a repository could use to make git run programs of its own choice, or to make it wait.
const SETTINGS: [&str; 6] =
    ["-c", "core.fsmonitor=false", "-c", "core.untrackedCache=false", "--no-pager", "--literal-pathspecs"];

/// Variables by which a calling git (a hook, an alias) would turn the question to another repository.
pub const REDIRECTIONS: [&str; 7] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_OBJECT_DIRECTORY",
];

/// What git prints on stdout when run in `folder`.
///
/// It takes no locks, asks nobody, and reads no variable that leads it elsewhere.
pub(super) fn git<S: AsRef<OsStr>>(folder: &Path, arguments: &[S]) -> Result<Vec<u8>, GitError> {
    let mut command = command();
    answer(command.current_dir(folder).args(arguments))
}

/// What git prints on stdout about the repository whose own folder is `git_dir`: a bare one, or a `.git`.
///
/// Objects are read as they are there: none is fetched, and none stands for another one.
pub(super) fn git_at<S: AsRef<OsStr>>(git_dir: &Path, arguments: &[S]) -> Result<Vec<u8>, GitError> {
    answer(command_at(git_dir).args(arguments))
}

/// Starts git as [`git_at`] does, to be asked more than once: through its stdin, answered on its stdout.
pub(super) fn start_at(git_dir: &Path, arguments: &[&str]) -> Result<Child, GitError> {
    let mut command = command_at(git_dir);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    command.spawn().map_err(|error| GitError::NotStarted(error.to_string()))
}

fn command_at(git_dir: &Path) -> Command {
    let mut command = command();
    command.arg("--git-dir").arg(git_dir).env("GIT_NO_LAZY_FETCH", "1").env("GIT_NO_REPLACE_OBJECTS", "1");
    command
}

fn command() -> Command {
    let mut command = Command::new("git");
    command.args(SETTINGS).stdin(Stdio::null());
    command.env("GIT_OPTIONAL_LOCKS", "0").env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
    for variable in REDIRECTIONS {
        command.env_remove(variable);
    }
    command
}

fn answer(command: &mut Command) -> Result<Vec<u8>, GitError> {
    let output = command.output().map_err(|error| GitError::NotStarted(error.to_string()))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Err(GitError::Failed(words.lines().next().unwrap_or("git failed without a word").to_owned()))
}
