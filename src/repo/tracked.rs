use std::collections::BTreeMap;
use std::path::Path;

use ignore::{DirEntry, WalkBuilder};

use super::git::git;
use super::git_folder::plain_index;
use super::index;
use crate::source::FileKind;
use crate::text::RepositoryPath;

pub(super) type Files = BTreeMap<RepositoryPath, FileKind>;

/// The files that git tracks below `root`; where git cannot say, or does not know `pipeline` there,
/// all files that the ignore files of the folder do not name.
pub(super) fn tracked_files(root: &Path, pipeline: &RepositoryPath) -> Files {
    let listed = plain_index(root).and_then(|(bytes, hash)| index::listed(&bytes, hash));
    let listed = listed.or_else(|| git_lists(root));
    listed.filter(|files| files.contains_key(pipeline)).unwrap_or_else(|| walked_files(root))
}

/// What git itself lists.
fn git_lists(root: &Path) -> Option<Files> {
    git(root, &["ls-files", "-s", "-z"]).ok().map(|output| listed_files(&output))
}

/// Reads the answer of `git ls-files -s -z`: entries `MODE HASH STAGE<TAB>PATH`, each ended by NUL.
/// A path that is not UTF-8 is left out, since no pipeline can name it.
fn listed_files(output: &[u8]) -> Files {
    let entries = output.split(|byte| *byte == 0).filter_map(|entry| std::str::from_utf8(entry).ok());
    let files = entries.filter_map(|entry| {
        let (attributes, path) = entry.split_once('\t')?;
        let mode = u32::from_str_radix(attributes.split(' ').next()?, 8).ok()?;
        Some((RepositoryPath::new(path)?, kind_of_mode(mode)?))
    });
    files.collect()
}

/// What an entry of git's with that mode is.
pub(super) fn kind_of_mode(mode: u32) -> Option<FileKind> {
    match mode {
        0o100_644 => Some(FileKind::Regular),
        0o100_755 => Some(FileKind::Executable),
        0o120_000 => Some(FileKind::SymbolicLink),
        0o160_000 => Some(FileKind::Submodule),
        _ => None,
    }
}

fn walked_files(root: &Path) -> Files {
    let mut walk = WalkBuilder::new(root);
    walk.hidden(false).parents(false).ignore(false).git_global(false).require_git(false).follow_links(false);
    walk.filter_entry(|entry| entry.file_name() != ".git");
    let entries = walk.build().filter_map(Result::ok);
    entries.filter_map(|entry| Some((path_below(root, entry.path())?, kind_of_entry(&entry)?))).collect()
}

/// Where `path` lies below `root`; `None` where it does not, or is not UTF-8.
pub(super) fn path_below(root: &Path, path: &Path) -> Option<RepositoryPath> {
    let parts = path.strip_prefix(root).ok()?.iter().map(|part| part.to_str()).collect::<Option<Vec<_>>>()?;
    RepositoryPath::new(&parts.join("/"))
}

fn kind_of_entry(entry: &DirEntry) -> Option<FileKind> {
    let file_type = entry.file_type()?;
    if file_type.is_symlink() {
        return Some(FileKind::SymbolicLink);
    }
    file_type.is_file().then(|| if is_executable(entry) { FileKind::Executable } else { FileKind::Regular })
}

#[cfg(unix)]
fn is_executable(entry: &DirEntry) -> bool {
    use std::os::unix::fs::PermissionsExt;
    entry.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o100 != 0)
}

#[cfg(not(unix))]
fn is_executable(_: &DirEntry) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;
    use std::path::Path;
    use std::process::{Command, Stdio};

    use tempfile::TempDir;

    use super::{FileKind, RepositoryPath, git, git_lists, index, listed_files, plain_index, tracked_files};

    fn names(root: &TempDir) -> Vec<String> {
        let pipeline = RepositoryPath::new(".gitlab-ci.yml").unwrap();
        tracked_files(root.path(), &pipeline).keys().map(ToString::to_string).collect()
    }

    fn folder() -> TempDir {
        let root = TempDir::new().unwrap();
        for (path, text) in [(".gitlab-ci.yml", ""), ("dist/a.js", ""), ("src/b.ts", ""), (".gitignore", "dist/\n")] {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn the_list_of_git_is_read_with_its_modes() {
        let output = b"100644 e69d 0\ta b\n\"c\x00100755 e69d 0\trun\x00120000 e69d 0\tlink\x00160000 e69d 0\tsub\x00\
            100644 e69d 0\t\xff\x00";
        let files = listed_files(output);
        let kinds: Vec<_> = files.iter().map(|(path, kind)| (path.as_str(), *kind)).collect();
        let expected = [
            ("a b\n\"c", FileKind::Regular),
            ("link", FileKind::SymbolicLink),
            ("run", FileKind::Executable),
            ("sub", FileKind::Submodule),
        ];
        assert_eq!(kinds, expected);
    }

    /// Whether the index is read here, and then as git lists it.
    fn is_read_as_git_lists_it(root: &Path) -> bool {
        let read = plain_index(root).and_then(|(bytes, hash)| index::listed(&bytes, hash));
        read.inspect(|read| assert_eq!(Some(read), git_lists(root).as_ref(), "{}", root.display())).is_some()
    }

    #[test]
    fn an_index_is_read_as_git_lists_it_in_every_version_and_with_both_hashes() {
        for (format, version) in [("sha1", "2"), ("sha1", "4"), ("sha256", "2"), ("sha256", "4")] {
            let root = folder();
            let run = |words: &[&str]| drop(git(root.path(), words).unwrap());
            run(&["init", "-q", &format!("--object-format={format}")]);
            for name in ["a b", "run.sh", "src/b", "src/b.ts.old", "src/bb/c", "\u{e9}"] {
                fs::create_dir_all(root.path().join(name).parent().unwrap()).unwrap();
                fs::write(root.path().join(name), "").unwrap();
            }
            std::os::unix::fs::symlink("a b", root.path().join("link")).unwrap();
            run(&["add", "-f", "."]);
            run(&["update-index", "--chmod=+x", "run.sh"]);
            run(&["update-index", "--index-version", version]);
            assert!(is_read_as_git_lists_it(root.path()), "{format} {version}");
            fs::write(root.path().join("later"), "").unwrap();
            run(&["add", "-N", "later"]);
            run(&["update-index", "--skip-worktree", "run.sh"]);
            assert!(is_read_as_git_lists_it(root.path()), "{format} {version}, with more flags");
            let hash = String::from_utf8(git(root.path(), &["hash-object", "-w", "run.sh"]).unwrap()).unwrap();
            // A name of so many bytes fits into the index alone.
            let long = format!("{}end", "long/".repeat(780));
            run(&["update-index", "--add", "--cacheinfo", &format!("100644,{},{long}", hash.trim())]);
            assert!(is_read_as_git_lists_it(root.path()), "{format} {version}, with a long name");
        }
    }

    #[test]
    fn both_sides_of_a_merge_are_read_as_git_lists_them() {
        let root = folder();
        git(root.path(), &["init", "-q"]).unwrap();
        let hash = git(root.path(), &["hash-object", "-w", "src/b.ts"]).unwrap();
        let hash = String::from_utf8(hash).unwrap();
        git(root.path(), &["add", "."]).unwrap();
        git(root.path(), &["rm", "-q", "--cached", "src/b.ts"]).unwrap();
        let stages = ["100644", "100644", "100755"].into_iter().zip(1..);
        let lines = stages.map(|(mode, stage)| format!("{mode} {} {stage}\tsrc/b.ts\n", hash.trim()));
        let lines: String = lines.collect();
        let mut command = Command::new("git");
        command.current_dir(root.path()).args(["update-index", "--index-info"]).stdin(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
        assert!(is_read_as_git_lists_it(root.path()));
    }

    #[test]
    fn a_split_index_and_another_work_tree_are_left_to_git() {
        let root = folder();
        git(root.path(), &["init", "-q"]).unwrap();
        git(root.path(), &["add", "."]).unwrap();
        assert!(is_read_as_git_lists_it(root.path()));
        git(root.path(), &["update-index", "--split-index"]).unwrap();
        assert!(!is_read_as_git_lists_it(root.path()));
        assert_eq!(names(&root), [".gitignore", ".gitlab-ci.yml", "src/b.ts"]);
        git(root.path(), &["update-index", "--no-split-index"]).unwrap();
        assert!(is_read_as_git_lists_it(root.path()));
        git(root.path(), &["config", "core.worktree", "../src"]).unwrap();
        assert!(!is_read_as_git_lists_it(root.path()));
    }

    #[test]
    fn no_damage_of_an_index_stops_the_reading_or_makes_it_panic() {
        for version in ["2", "4"] {
            let root = folder();
            git(root.path(), &["init", "-q"]).unwrap();
            git(root.path(), &["add", "-f", "."]).unwrap();
            git(root.path(), &["update-index", "--index-version", version]).unwrap();
            let (bytes, hash) = plain_index(root.path()).unwrap();
            for at in 0..bytes.len() {
                let _ = index::listed(&bytes[..at], hash);
                for flipped in [0x01, 0x40, 0x80, 0xff] {
                    let mut damaged = bytes.clone();
                    damaged[at] ^= flipped;
                    let _ = index::listed(&damaged, hash);
                    let _ = index::listed(&damaged, 32);
                }
            }
        }
    }

    #[test]
    fn outside_git_a_walk_answers_and_heeds_the_ignore_files() {
        assert_eq!(names(&folder()), [".gitignore", ".gitlab-ci.yml", "src/b.ts"]);
    }

    #[test]
    fn git_answers_once_it_knows_the_pipeline() {
        let root = folder();
        git(root.path(), &["init", "-q"]).unwrap();
        git(root.path(), &["add", "-f", "dist"]).unwrap();
        assert_eq!(names(&root), [".gitignore", ".gitlab-ci.yml", "src/b.ts"], "the pipeline is not tracked");
        git(root.path(), &["add", ".gitlab-ci.yml"]).unwrap();
        assert_eq!(names(&root), [".gitlab-ci.yml", "dist/a.js"]);
    }

    #[test]
    fn a_folder_inside_a_repository_is_listed_from_there() {
        let root = folder();
        git(root.path(), &["init", "-q"]).unwrap();
        git(root.path(), &["add", "-f", "."]).unwrap();
        let below = RepositoryPath::new("b.ts").unwrap();
        let files = tracked_files(&root.path().join("src"), &below);
        assert_eq!(files.keys().collect::<Vec<_>>(), [&below]);
    }
}
