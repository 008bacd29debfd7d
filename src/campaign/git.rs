//! How a campaign asks git: with an end to its time, without hooks, and without questions to the user.

use std::ffi::OsString;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::process::{Answer, Interrupt, Invocation, Trouble};
use crate::repo::REDIRECTIONS;
use crate::report::visible;

/// Settings of the user or of a repository by which git would run programs or do more than it is asked for.
const SETTINGS: [&str; 21] = [
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.ignoreCase=false",
    "-c",
    "core.precomposeUnicode=false",
    "-c",
    "gc.auto=0",
    "-c",
    "maintenance.auto=false",
    "-c",
    "push.recurseSubmodules=no",
    "-c",
    "push.followTags=false",
    "-c",
    "push.pushOption=",
    "-c",
    "fetch.recurseSubmodules=false",
    "--no-pager",
];

/// How much later than git this program may hear of a signal.
const MOMENT: Duration = Duration::from_millis(50);

/// How many of git's last lines a message holds.
const LINES: usize = 3;

/// Git, as all steps of a campaign ask it.
#[derive(Clone, Debug)]
pub struct Git {
    interrupt: Interrupt,
    limit: Duration,
    has_own_ssh: bool,
    shares_group: bool,
}

/// Why git did not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum GitTrouble {
    /// A signal asks the program to stop.
    Interrupted,
    /// In words, and all that git said.
    Failed { why: String, said: String },
}

impl GitTrouble {
    pub(super) fn of(why: impl Into<String>) -> Self {
        Self::Failed { why: why.into(), said: String::new() }
    }

    /// In words for the user.
    pub(super) fn why(self) -> String {
        match self {
            Self::Interrupted => "stopped".to_owned(),
            Self::Failed { why, .. } => why,
        }
    }
}

impl From<Trouble> for GitTrouble {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Interrupted(_) => Self::Interrupted,
            trouble => Self::of(trouble.to_string()),
        }
    }
}

impl Git {
    /// Each call may take as long as `limit`; `interrupt` ends it before that.
    #[must_use]
    pub fn new(interrupt: Interrupt, limit: Duration) -> Self {
        let mut git = Self { interrupt, limit, has_own_ssh: true, shares_group: false };
        let is_set = |name: &str| std::env::var_os(name).is_some();
        let has_setting = || {
            let asked = git.plain().arguments(["config", "--get", "core.sshCommand"]).ask(None);
            asked.is_ok_and(|answer| answer.status.success())
        };
        git.has_own_ssh = is_set("GIT_SSH_COMMAND") || is_set("GIT_SSH") || has_setting();
        git
    }

    /// The same for a worker, whose group is ended as a whole.
    #[must_use]
    pub const fn in_this_group(mut self) -> Self {
        self.shares_group = true;
        self
    }

    /// Sees that a branch can have this name and is called by nothing else (git docs: git-check-ref-format).
    ///
    /// # Errors
    /// Where it cannot, or git does not work at all, in words.
    pub fn check_branch(&self, name: &str) -> Result<(), String> {
        self.run(&self.plain().argument("version")).map_err(GitTrouble::why)?;
        let call = self.plain().arguments(["check-ref-format", "--branch", name]);
        // The name of another branch may stand for it (`@{-1}`); a whole reference or a refspec is meant otherwise than it is taken.
        let is_plain = !name.starts_with(['-', '+']) && !name.starts_with("refs/") && !["HEAD", "@"].contains(&name);
        let is_branch = is_plain && self.ask(&call).is_ok_and(|told| told == name);
        if is_branch { Ok(()) } else { Err(format!("{name:?} cannot be the name of a branch")) }
    }

    pub(super) const fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// Nothing, unless a signal has come: where it went to every program of a terminal it has ended the gits that read a
    /// repository as well, and what was not found there may be there. It may come a moment later here than there.
    pub(super) fn settle(&self) -> Result<(), GitTrouble> {
        thread::sleep(MOMENT);
        Ok(self.interrupt.check()?)
    }

    pub(super) const fn limit(&self) -> Duration {
        self.limit
    }

    /// A call that is about no repository.
    pub(super) fn plain(&self) -> Invocation<'static> {
        let git = Invocation::new("git").arguments(SETTINGS).without_variables(&REDIRECTIONS).limit(self.limit);
        let git = if self.shares_group { git.in_this_group() } else { git };
        let git = git.variable("GIT_TERMINAL_PROMPT", "0").variable("GIT_OPTIONAL_LOCKS", "0").variable("LC_ALL", "C");
        let git = git.variable("GIT_NO_LAZY_FETCH", "1").variable("GIT_NO_REPLACE_OBJECTS", "1");
        // A password or an unknown host would be asked for on the terminal, past everything else.
        if self.has_own_ssh { git } else { git.variable("GIT_SSH_COMMAND", "ssh -oBatchMode=yes") }
    }

    /// A call in a folder of the user's.
    pub(super) fn within(&self, folder: &Path) -> Invocation<'static> {
        self.plain().folder(folder)
    }

    /// A call about the repository whose own folder is `git_dir`, which holds `lock` as long as it runs.
    pub(super) fn at(&self, git_dir: &Path, lock: &Arc<File>) -> Invocation<'static> {
        self.plain().argument(of_git_dir(git_dir)).holding(lock)
    }

    /// Runs it; anything but success is trouble.
    pub(super) fn run(&self, call: &Invocation<'_>) -> Result<Answer, GitTrouble> {
        let answer = call.ask(Some(&self.interrupt))?;
        if answer.status.success() {
            return Ok(answer);
        }
        // A signal may have ended it, or a program that it talks to, before they had a group of their own.
        self.settle()?;
        Err(failed(&answer))
    }

    /// What it prints, without the line break at its end.
    pub(super) fn ask(&self, call: &Invocation<'_>) -> Result<String, GitTrouble> {
        self.run(call).map(|answer| answer.text.trim_end_matches('\n').to_owned())
    }
}

/// The option that names a repository by its own folder.
pub(super) fn of_git_dir(git_dir: &Path) -> OsString {
    let mut option = OsString::from("--git-dir=");
    option.push(git_dir);
    option
}

/// The last lines that git has printed: what a remote has said among them, and what pushed where.
fn failed(answer: &Answer) -> GitTrouble {
    let said = without_passwords(&format!("{}{}", answer.text, answer.errors));
    let is_told =
        |line: &&str| !line.is_empty() && !line.starts_with("To ") && !line.starts_with("hint: ") && *line != "Done";
    let lines: Vec<_> = said.lines().map(str::trim).filter(is_told).collect();
    let last = lines.get(lines.len().saturating_sub(LINES)..).unwrap_or_default();
    let why = if last.is_empty() {
        format!("git failed without a word ({})", answer.status)
    } else {
        visible(&last.join("; "))
    };
    GitTrouble::Failed { why, said }
}

/// An address without what may be a secret in it: a password, a name that may be a token by itself, a query.
pub(super) fn without_password(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
    // The name at a machine is none, and a path of one may hold the characters of a query.
    let is_ssh = scheme.ends_with("ssh");
    let is_path = is_ssh || scheme == "file";
    let rest = if is_path { rest } else { rest.split(['?', '#']).next().unwrap_or_default() };
    let (login, path) = rest.split_at_checked(rest.find('/').unwrap_or(rest.len())).unwrap_or((rest, ""));
    let Some((user, host)) = login.rsplit_once('@') else { return format!("{scheme}://{rest}") };
    let user = user.split(':').next().filter(|_| is_ssh).map(|user| format!("{user}@")).unwrap_or_default();
    format!("{scheme}://{user}{host}{path}")
}

/// What git has said, with every address in it as [`without_password`] leaves it.
fn without_passwords(said: &str) -> String {
    let is_end = |letter: char| letter.is_whitespace() || "'\"<>".contains(letter);
    let word = |word: &str| {
        let end = word.len() - word.trim_end_matches(is_end).len();
        let (word, end) = word.split_at_checked(word.len() - end).unwrap_or((word, ""));
        format!("{}{end}", without_password(word))
    };
    said.split_inclusive(is_end).map(word).collect()
}

#[cfg(test)]
mod tests {
    use super::{without_password, without_passwords};

    #[test]
    fn no_password_or_token_stays_in_an_address() {
        let cases = [
            ("https://user:secret@example.org/a/b.git", "https://example.org/a/b.git"),
            ("https://token@example.org/a", "https://example.org/a"),
            ("ssh://git@example.org:22/a", "ssh://git@example.org:22/a"),
            ("git@example.org:a/b.git", "git@example.org:a/b.git"),
            ("https://example.org/a@b", "https://example.org/a@b"),
            ("https://example.org/a.git?private_token=secret", "https://example.org/a.git"),
            ("https://example.org?a=secret@b/c", "https://example.org"),
            ("file:///srv/a?b", "file:///srv/a?b"),
            ("git+https://token@example.org/a", "git+https://example.org/a"),
            ("ftp://host#secret", "ftp://host"),
            ("/srv/a.git", "/srv/a.git"),
        ];
        for (address, expected) in cases {
            assert_eq!(without_password(address), expected);
            let said = |address: &str| format!("fatal: unable to access '{address}': no\nremote: <{address}> ok");
            assert_eq!(without_passwords(&said(address)), said(expected));
        }
    }
}
