//! Where git keeps what it knows of a work tree, where that is plain to see.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

/// The largest index that is read here, in bytes.
const LARGEST_INDEX: u64 = 64 * 1024 * 1024;

/// The largest settings and `HEAD` that are read here, in bytes.
const LARGEST_TEXT: u64 = 64 * 1024;

/// The index of the work tree at `root`, and the length of a hash in it, in bytes; `None` where git had better be asked.
///
/// Git takes a folder for the root of a work tree where `.git` is a folder with a `HEAD`, `objects` and `refs` (git docs:
/// gitrepository-layout), where both belong to the user (git docs: safe.directory), and where no setting of the repository says
/// otherwise.
pub(super) fn plain_index(root: &Path) -> Option<(Vec<u8>, usize)> {
    let git = root.join(".git");
    let is_plain = is_own_folder(root) && is_own_folder(&git) && !is_there(&git.join("commondir"));
    let is_repository = || git.join("objects").is_dir() && git.join("refs").is_dir() && has_head(&git);
    if !is_plain || !is_repository() {
        return None;
    }
    let hash = length_of_hash(&text(&git.join("config"))?)?;
    Some((contents(&git.join("index"), LARGEST_INDEX)?, hash))
}

#[cfg(unix)]
fn is_own_folder(path: &Path) -> bool {
    let user = rustix::process::geteuid().as_raw();
    let is_own = |metadata: fs::Metadata| metadata.is_dir() && std::os::unix::fs::MetadataExt::uid(&metadata) == user;
    fs::symlink_metadata(path).is_ok_and(is_own)
}

/// Who owns a folder, git is asked.
#[cfg(not(unix))]
fn is_own_folder(_: &Path) -> bool {
    false
}

fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

fn has_head(git: &Path) -> bool {
    let is_hash = |head: &str| matches!(head.len(), 40 | 64) && head.bytes().all(|byte| byte.is_ascii_hexdigit());
    let head = text(&git.join("HEAD"));
    head.is_some_and(|head| head.starts_with("ref: refs/") || is_hash(head.trim_end()))
}

fn text(path: &Path) -> Option<String> {
    String::from_utf8(contents(path, LARGEST_TEXT)?).ok()
}

fn contents(path: &Path, largest: u64) -> Option<Vec<u8>> {
    let metadata =
        fs::symlink_metadata(path).ok().filter(|metadata| metadata.is_file() && metadata.len() <= largest)?;
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).ok()?);
    File::open(path).ok()?.take(largest + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= largest).then_some(bytes)
}

/// The length of a hash in a repository with these settings (git docs: git-config, gitrepository-layout); `None` where they are
/// not those of a plain work tree.
fn length_of_hash(settings: &str) -> Option<usize> {
    let (mut section, mut version, mut length) = (String::new(), None, None);
    for line in settings.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', ';'])) {
        if line.ends_with('\\') {
            return None;
        }
        if let Some(header) = line.strip_prefix('[') {
            section = header.strip_suffix(']')?.to_ascii_lowercase();
            if section.starts_with("include") {
                return None;
            }
            continue;
        }
        let (name, value) = line.split_once('=').map_or((line, ""), |(name, value)| (name.trim(), value.trim()));
        match (section.as_str(), name.to_ascii_lowercase().as_str(), value) {
            ("core", "repositoryformatversion", "0" | "1") => version = Some(value),
            ("core", "bare", "false") => {}
            ("core", "repositoryformatversion" | "bare" | "worktree", _) => return None,
            ("extensions", "objectformat", "sha1") => length = Some(20),
            ("extensions", "objectformat", "sha256") => length = Some(32),
            ("extensions", ..) => return None,
            _ => {}
        }
    }
    match (version?, length) {
        (_, None) => Some(20),
        ("1", length) => length,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::length_of_hash;

    #[test]
    fn settings_of_a_plain_work_tree_tell_the_length_of_a_hash() {
        let plain = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n[remote \"origin\"]\n\turl = a\n";
        assert_eq!(length_of_hash(plain), Some(20));
        let sha256 = "[core]\nrepositoryFormatVersion=1\n[Extensions]\n\tobjectFormat = sha256\n";
        assert_eq!(length_of_hash(sha256), Some(32));
    }

    #[test]
    fn what_could_lead_elsewhere_is_left_to_git() {
        let odd = [
            "",
            "[core]\n\tbare = true\n",
            "[core]\n\trepositoryformatversion = 0\n\tworktree = ..\n",
            "[core]\n\trepositoryformatversion = 0\n\tbare\n",
            "[core]\n\trepositoryformatversion = 2\n",
            "[core] bare = true\n\trepositoryformatversion = 0\n",
            "[core]\n\trepositoryformatversion = 0\n[extensions]\n\tobjectformat = sha256\n",
            "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tworktreeConfig = true\n",
            "[core]\n\trepositoryformatversion = 0\n[includeIf \"gitdir:~/\"]\n\tpath = a\n",
            "[core]\n\trepositoryformatversion = 0 \\\n1\n",
        ];
        for settings in odd {
            assert_eq!(length_of_hash(settings), None, "{settings}");
        }
    }
}
