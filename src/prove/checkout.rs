//! Clean clones of what is committed, as a runner would have them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::archive::Packer;
use super::environment::ProjectFacts;
use super::scratch::Scratch;
use crate::process::{Interrupt, Invocation, Trouble};
use crate::repo::REDIRECTIONS;
use crate::text::{FileVersions, RepositoryPath};

/// A clone of the project on this machine.
#[derive(Clone, Debug)]
pub(super) struct Checkout {
    pub(super) folder: PathBuf,
    /// The clone whose history is shown: it is the same for both ways, so that no image differs by it.
    history: PathBuf,
}

/// The user's repository, and how git is asked about it.
pub(super) struct Origin<'a> {
    pub(super) root: &'a Path,
    pub(super) scratch: &'a Scratch,
    pub(super) interrupt: &'a Interrupt,
}

impl Origin<'_> {
    fn git(&self, folder: &Path, arguments: &[&str]) -> Invocation<'_> {
        let git = Invocation::new("git").folder(folder).arguments(["-c", "core.fsmonitor=false"]).arguments(arguments);
        let git = git.without_variables(&REDIRECTIONS).variable("GIT_OPTIONAL_LOCKS", "0");
        git.variable("GIT_TERMINAL_PROMPT", "0").variable("LC_ALL", "C")
    }

    fn ask(&self, arguments: &[&str]) -> Result<String, Trouble> {
        Ok(self.git(self.root, arguments).ask_for_success(self.interrupt)?.trim().to_owned())
    }

    /// Requires that the folder is the root of a work tree with a commit.
    pub(super) fn check(&self) -> Result<(), Trouble> {
        let shown = self.root.display();
        let top = self.ask(&["rev-parse", "--show-toplevel"]);
        let top = top.map_err(|trouble| match trouble {
            Trouble::Interrupted(signal) => Trouble::Interrupted(signal),
            _ => Trouble::Error(format!("{shown} is not under version control, and only what is committed is built")),
        })?;
        if fs::canonicalize(&top).ok() != fs::canonicalize(self.root).ok() {
            let what = format!("{shown} lies in the repository {top}, and GitLab clones a whole repository");
            return Err(Trouble::Error(format!("{what}; name its root")));
        }
        self.commit("HEAD").map(drop)
    }

    /// Whether some files differ from what is committed.
    pub(super) fn is_dirty(&self) -> Result<bool, Trouble> {
        Ok(!self.ask(&["status", "--porcelain", "--untracked-files=no"])?.is_empty())
    }

    /// The number of the commit that a revision names.
    pub(super) fn commit(&self, revision: &str) -> Result<String, Trouble> {
        let commit = format!("{revision}^{{commit}}");
        let found = self.ask(&["rev-parse", "--verify", "--quiet", "--end-of-options", &commit]);
        found.map_err(|trouble| match trouble {
            Trouble::Interrupted(signal) => Trouble::Interrupted(signal),
            _ => Trouble::Error(format!("{}: there is no commit {revision}", self.root.display())),
        })
    }

    /// How GitLab would name the project and the commit.
    pub(super) fn facts(&self, commit: &str) -> Result<ProjectFacts, Trouble> {
        let told = self.ask(&["show", "--no-patch", "--format=%an <%ae>%n%cI%n%s", commit])?;
        let mut lines = told.lines().map(str::to_owned);
        let mut line = || lines.next().unwrap_or_default();
        let (author, time, title) = (line(), line(), line());
        let branch = self.ask(&["rev-parse", "--abbrev-ref", "HEAD"])?;
        let branch = if branch == "HEAD" { "main".to_owned() } else { branch };
        let remote = self.ask(&["remote", "get-url", "origin"]).unwrap_or_default();
        let folder = self.root.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let unknown = || ("gitlab.invalid".to_owned(), "group".to_owned(), plain(&folder));
        let (host, group, name) = place_of(&remote).unwrap_or_else(unknown);
        Ok(ProjectFacts { host, group, name, commit: commit.to_owned(), branch, title, author, time })
    }

    /// A clean clone of a commit.
    pub(super) fn clone(&self, commit: &str) -> Result<Checkout, Trouble> {
        let folder = self.scratch.path("clone");
        let words = ["clone", "--quiet", "--no-hardlinks", "--no-checkout", "."];
        self.git(self.root, &words).argument(&folder).ask_for_success(self.interrupt)?;
        self.git(&folder, &["checkout", "--quiet", "--detach", commit]).ask_for_success(self.interrupt)?;
        Ok(Checkout { history: folder.clone(), folder })
    }

    /// Fetches the submodules of a clone, as jobs with this strategy do (GitLab docs: `GIT_SUBMODULE_STRATEGY`), and then
    /// forgets where it came from, which is a folder of this machine. Their addresses may be relative to the project's.
    pub(super) fn submodules(&self, checkout: &Checkout, strategy: &str) -> Result<(), Trouble> {
        let words = match strategy {
            "normal" => ["submodule", "--quiet", "update", "--init"].as_slice(),
            "recursive" => ["submodule", "--quiet", "update", "--init", "--recursive"].as_slice(),
            _ => &[],
        };
        let remote = self.ask(&["remote", "get-url", "origin"]).unwrap_or_default();
        if !words.is_empty() && !remote.is_empty() {
            let set = ["remote", "set-url", "origin", &remote];
            self.git(&checkout.folder, &set).ask_for_success(self.interrupt)?;
        }
        if !words.is_empty() {
            self.git(&checkout.folder, words).ask_for_success(self.interrupt)?;
        }
        self.git(&checkout.folder, &["remote", "remove", "origin"]).ask_for_success(self.interrupt).map(drop)
    }

    /// The files that differ between two commits.
    pub(super) fn changes(&self, before: &str, after: &str) -> Result<Changes, Trouble> {
        let told = self.ask(&["diff", "--no-renames", "--name-status", "-z", before, after])?;
        let mut fields = told.split('\0');
        let mut changes = Changes::default();
        while let (Some(status), Some(path)) = (fields.next(), fields.next()) {
            match status {
                "D" => changes.unknown.push(path.to_owned()),
                _ => changes.known.push(path.to_owned()),
            }
        }
        Ok(changes)
    }

    /// Lets git find nothing changed in a clone, whichever of two states of these files it has: an image whose build asks git
    /// whether the work tree is clean is told the same in both ways.
    pub(super) fn hide(&self, checkout: &Checkout, changes: &Changes) -> Result<(), Trouble> {
        let exclude = checkout.folder.join(".git/info/exclude");
        let lines: String = changes.unknown.iter().map(|path| format!("/{path}\n")).collect();
        let text = fs::read_to_string(&exclude).unwrap_or_default() + &lines;
        let written = exclude.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&exclude, text));
        written.map_err(|error| Trouble::of_file(&exclude, &error))?;
        if changes.known.is_empty() {
            return Ok(());
        }
        let mark = self.git(&checkout.folder, &["update-index", "--skip-worktree", "--"]).arguments(&changes.known);
        mark.ask_for_success(self.interrupt).map(drop)
    }
}

/// Files that differ between the two ways.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// Those that the history has.
    known: Vec<String>,
    /// Those that it has not.
    unknown: Vec<String>,
}

impl Changes {
    /// The files that a fold changes.
    pub(super) fn of(files: &BTreeMap<RepositoryPath, FileVersions>) -> Self {
        let (known, unknown): (Vec<_>, Vec<_>) = files.iter().partition(|(_, version)| version.before.is_some());
        let names = |files: Vec<(&RepositoryPath, _)>| files.iter().map(|(path, _)| path.to_string()).collect();
        Self { known: names(known), unknown: names(unknown) }
    }
}

impl Checkout {
    /// The same with the history of another clone.
    pub(super) fn with_history_of(self, other: &Self) -> Self {
        Self { history: other.folder.clone(), ..self }
    }

    /// Writes the files of a fold.
    pub(super) fn write(&self, path: &RepositoryPath, version: &FileVersions) -> Result<(), Trouble> {
        let place = self.folder.join(path.as_str());
        let written = match &version.after {
            Some(text) => {
                place.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&place, text.as_bytes()))
            }
            None => fs::remove_file(&place),
        };
        written.map_err(|error| Trouble::of_file(&place, &error))
    }

    /// Packs it as a runner's clone at `place` that was made at `time`, in seconds since 1970.
    pub(super) fn pack(&self, place: &str, time: u64, archive: &Path) -> Result<(), Trouble> {
        let mut packer = Packer::create(archive)?;
        packer.clone_of(&self.folder, place, &[".git"], time)?;
        let history = self.history.join(".git");
        if history.is_dir() {
            packer.clone_of(&history, &format!("{place}/.git"), &[], time)?;
        }
        packer.finish()
    }
}

/// The host, the path of the group and the name of the project that a remote's address tells: `git@host:group/team/name.git`.
fn place_of(remote: &str) -> Option<(String, String, String)> {
    let (host, path) = match remote.split_once("://") {
        Some((_, rest)) => rest.split_once('/')?,
        None => remote.split_once(':')?,
    };
    let host = host.rsplit('@').next().unwrap_or_default().split(':').next().unwrap_or_default();
    let path = path.trim_matches('/').trim_end_matches(".git");
    let (group, name) = path.rsplit_once('/')?;
    let is_plain = |text: &str| {
        !text.is_empty()
            && text.split('/').all(|part| !part.is_empty() && plain(part) == part && !part.starts_with('.'))
    };
    let is_place = is_plain(host) && !host.contains('/') && is_plain(group) && is_plain(name);
    is_place.then(|| (host.to_owned(), group.to_owned(), name.to_owned()))
}

/// A name of letters, digits and what GitLab takes beside them in a path.
fn plain(name: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.');
    let plain: String = name.chars().map(|character| if is_plain(character) { character } else { '-' }).collect();
    if plain.trim_matches(['-', '.']).is_empty() { "project".to_owned() } else { plain }
}

#[cfg(test)]
mod tests {
    use super::{place_of, plain};

    #[test]
    fn a_remote_tells_the_place_of_the_project() {
        let place = |remote| place_of(remote).map(|(host, group, name)| format!("{host} {group} {name}"));
        assert_eq!(place("https://u:t@gitlab.com/group/team/shop.git").as_deref(), Some("gitlab.com group/team shop"));
        assert_eq!(place("ssh://git@git.example.com:2222/group/shop").as_deref(), Some("git.example.com group shop"));
        assert_eq!(place("git@gitlab.com:group/shop.git").as_deref(), Some("gitlab.com group shop"));
        for remote in ["", "/srv/shop", "https://host/shop", "git@h:../x y/z", "file:///srv/group/shop"] {
            assert_eq!(place(remote), None, "{remote}");
        }
        assert_eq!(plain("my shop!"), "my-shop-");
        assert_eq!(plain(".."), "project");
    }
}
