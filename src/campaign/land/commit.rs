//! The commit of a fold, made in a clone without an index or a work tree.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use crate::campaign::clone::{Base, LocalClone};
use crate::campaign::git::{Git, GitTrouble};
use crate::repo::CommittedRepository;
use crate::source::{FileKind, ReadError, Repository};
use crate::text::{FileVersions, RepositoryPath};

pub(super) type Files = BTreeMap<RepositoryPath, FileVersions>;

/// How two commits are compared: every file by itself, and by its name alone.
const DIFFERENCE: [&str; 6] = ["diff-tree", "-r", "-z", "--no-renames", "--no-ext-diff", "--no-textconv"];

/// The mode of a file that is not there.
const NO_FILE: &str = "000000";

/// Who commits, as git writes it: a name and an address.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    author: String,
    committer: String,
}

impl Identity {
    /// Those that git is told to write into the user's own commits.
    pub(super) fn of_user(git: &Git) -> Result<Self, String> {
        let ask = |name: &str| {
            let told = git.ask(&git.plain().arguments(["-c", "user.useConfigOnly=true", "var", name]));
            let ident = told.map_err(|trouble| {
                let help =
                    "where git does not know who commits, 'git config --global user.name NAME' and user.email say it";
                format!("git does not tell who commits: {}; {help}", trouble.why())
            })?;
            let plain = ident.rfind('>').and_then(|end| ident.get(..=end)).map(str::to_owned);
            plain.ok_or_else(|| "git does not tell who commits".to_owned())
        };
        Ok(Self { author: ask("GIT_AUTHOR_IDENT")?, committer: ask("GIT_COMMITTER_IDENT")? })
    }
}

/// Makes a commit of `files` on top of `base`. The same files, message and base make the same commit, whenever it is made.
pub(super) fn commit(
    clone: &LocalClone<'_>,
    base: &Base,
    kinds: &BTreeMap<RepositoryPath, FileKind>,
    files: &Files,
    message: &str,
    identity: &Identity,
) -> Result<String, GitTrouble> {
    let broken = |error: std::io::Error| GitTrouble::of(format!("a temporary file: {error}"));
    let mut stream = tempfile::NamedTempFile::new_in(clone.git_dir()).map_err(broken)?;
    write_stream(&mut stream, base, kinds, files, message, identity).and_then(|()| stream.flush()).map_err(broken)?;
    let call = clone.call().arguments(["fast-import", "--quiet", "--force", "--done"]).input(stream.path());
    let name = clone.git().ask(&call)?;
    let is_name = name.len() >= 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_name {
        return Err(GitTrouble::of("git did not say which commit it made"));
    }
    match difference(clone, &base.commit, &name, kinds, files)? {
        None => Ok(name),
        Some(what) => {
            Err(GitTrouble::of(format!("the commit that git made is not the fold, and is not pushed: {what}")))
        }
    }
}

/// What is wrong with a commit that has to be this fold on top of `base`, and nothing else.
fn difference(
    clone: &LocalClone<'_>,
    base: &str,
    commit: &str,
    kinds: &BTreeMap<RepositoryPath, FileKind>,
    files: &Files,
) -> Result<Option<String>, GitTrouble> {
    let ask = |words: &[&str]| clone.git().ask(&clone.call().arguments(words));
    if ask(&["rev-list", "--parents", "-1", commit, "--"])? != format!("{commit} {base}") {
        return Ok(Some("it stands on another commit".to_owned()));
    }
    let changed = ask(&[&DIFFERENCE[..], &["--raw", "--no-abbrev", base, commit]].concat())?;
    let mut fields = changed.split('\0').filter(|field| !field.is_empty());
    let mut modes = BTreeMap::new();
    while let (Some(entry), Some(path)) = (fields.next(), fields.next()) {
        modes.insert(path, entry.split(' ').nth(1).unwrap_or_default());
    }
    let meant: BTreeMap<_, _> = files.iter().filter(|(_, versions)| versions.before != versions.after).collect();
    if let Some(path) = modes.keys().find(|path| !meant.keys().any(|meant| meant.as_str() == **path)) {
        return Ok(Some(format!("it changes {path:?}")));
    }
    let wrong = meant.iter().find(|(path, versions)| {
        let mode = versions.after.as_ref().map_or(NO_FILE, |_| mode(kinds, path));
        modes.get(path.as_str()) != Some(&mode)
    });
    if let Some((path, _)) = wrong {
        return Ok(Some(format!("'{path}' is not there as it has to be")));
    }
    let repository = CommittedRepository::open(clone.git_dir(), commit);
    let repository = repository.map_err(|error| GitTrouble::of(error.to_string()))?;
    if holds(&repository, files) {
        return Ok(None);
    }
    clone.git().settle()?;
    Ok(Some("its files do not hold what they have to".to_owned()))
}

/// The mode of a file that the commit holds. One that is new is not executable.
fn mode(kinds: &BTreeMap<RepositoryPath, FileKind>, path: &RepositoryPath) -> &'static str {
    if kinds.get(path) == Some(&FileKind::Executable) { "100755" } else { "100644" }
}

/// What `git fast-import` reads (git docs: git-fast-import, "Commands").
fn write_stream(
    stream: &mut dyn Write,
    base: &Base,
    kinds: &BTreeMap<RepositoryPath, FileKind>,
    files: &Files,
    message: &str,
    identity: &Identity,
) -> std::io::Result<()> {
    let date = plain_date(&base.date);
    writeln!(stream, "commit refs/stagefold/commit\nmark :1")?;
    writeln!(stream, "author {} {date}\ncommitter {} {date}", identity.author, identity.committer)?;
    write!(stream, "data {}\n{message}\nfrom {}\n", message.len(), base.commit)?;
    for (path, versions) in files {
        let quoted = quoted(path);
        match &versions.after {
            None => writeln!(stream, "D {quoted}")?,
            Some(text) => {
                let mode = mode(kinds, path);
                write!(stream, "M {mode} inline {quoted}\ndata {}\n{text}\n", text.len())?;
            }
        }
    }
    writeln!(stream, "\nget-mark :1\ndone")
}

/// A path in quotes, with all that is not a printable ASCII character as its bytes.
fn quoted(path: &RepositoryPath) -> String {
    let mut quoted = String::from("\"");
    for byte in path.as_str().bytes() {
        match byte {
            b'"' | b'\\' => quoted.extend(['\\', char::from(byte)]),
            b' '..=b'~' => quoted.push(char::from(byte)),
            odd => quoted.push_str(&format!("\\{odd:03o}")),
        }
    }
    quoted + "\""
}

/// The date of a commit where git would write it itself; the beginning of 1970 for what old programs have left.
fn plain_date(date: &str) -> String {
    let is_time = |text: &str| !text.is_empty() && text.len() < 15 && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_zone = |text: &str| {
        let digits = text.strip_prefix(['+', '-']).unwrap_or_default();
        digits.len() == 4 && digits.parse::<u16>().is_ok_and(|zone| zone <= 1400)
    };
    match date.split_once(' ') {
        Some((time, zone)) if is_time(time) && is_zone(zone) => date.to_owned(),
        Some((time, _)) if is_time(time) => format!("{time} +0000"),
        _ => "0 +0000".to_owned(),
    }
}

/// Whether a commit holds every file of a fold as it is after it.
pub(super) fn holds(repository: &CommittedRepository, files: &Files) -> bool {
    files.iter().all(|(path, versions)| match (repository.read(path), &versions.after) {
        (Ok(file), Some(text)) => file.text() == text,
        (Err(ReadError::Missing), None) => true,
        _ => false,
    })
}

/// Whether a commit of ours is just this fold: it changes these files and no other, and holds them as they are after it.
pub(super) fn is_of(clone: &LocalClone<'_>, commit: &str, files: &Files) -> Result<bool, GitTrouble> {
    // Where the clone was taken away, the commit is made again.
    let Ok(repository) = CommittedRepository::open(clone.git_dir(), commit) else { return Ok(false) };
    let Some(changed) = names(clone, &format!("{commit}^"), commit)? else { return Ok(false) };
    let is_same = changed.len() == files.len() && files.keys().all(|path| changed.contains(path.as_str()));
    if is_same && holds(&repository, files) {
        return Ok(true);
    }
    clone.git().settle().map(|()| false)
}

/// The files in which two commits differ; `None` where one of them is not there.
fn names(clone: &LocalClone<'_>, from: &str, to: &str) -> Result<Option<BTreeSet<String>>, GitTrouble> {
    let told = clone.git().ask(&clone.call().arguments(DIFFERENCE).arguments(["--name-only", from, to]));
    match told {
        Ok(told) => Ok(Some(told.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect())),
        Err(GitTrouble::Interrupted) => Err(GitTrouble::Interrupted),
        Err(GitTrouble::Failed { .. }) => Ok(None),
    }
}

/// Whether `base` holds all that a commit of ours has changed as that commit has it.
pub(super) fn has_all_of(clone: &LocalClone<'_>, base: &str, commit: &str) -> Result<bool, GitTrouble> {
    let changed = names(clone, &format!("{commit}^"), commit)?;
    let Some(changed) = changed.filter(|changed| !changed.is_empty()) else { return Ok(false) };
    Ok(names(clone, commit, base)?.is_some_and(|others| changed.is_disjoint(&others)))
}

#[cfg(test)]
mod tests {
    use super::{RepositoryPath, plain_date, quoted};

    #[test]
    fn paths_and_dates_are_what_fast_import_reads() {
        let path = RepositoryPath::new("a \"b\"\\\n/é").unwrap();
        assert_eq!(quoted(&path), "\"a \\\"b\\\"\\\\\\012/\\303\\251\"");
        let dates = [
            ("1700000000 +0130", "1700000000 +0130"),
            ("17 +051800", "17 +0000"),
            ("-5 +0000", "0 +0000"),
            ("", "0 +0000"),
        ];
        for (date, expected) in dates {
            assert_eq!(plain_date(date), expected);
        }
    }
}
