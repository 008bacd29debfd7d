use std::collections::BTreeMap;
use std::path::Path;

use ignore::{DirEntry, WalkBuilder};

use super::git::git;
use crate::source::FileKind;
use crate::text::RepositoryPath;

type Files = BTreeMap<RepositoryPath, FileKind>;

/// The files that git tracks below `root`; where git cannot say, or does not know `pipeline` there,
/// all files that the ignore files of the folder do not name.
pub(super) fn tracked_files(root: &Path, pipeline: &RepositoryPath) -> Files {
    let listed = git(root, &["ls-files", "-s", "-z"]).ok().map(|output| listed_files(&output));
    listed.filter(|files| files.contains_key(pipeline)).unwrap_or_else(|| walked_files(root))
}

/// Reads the answer of `git ls-files -s -z`: entries `MODE HASH STAGE<TAB>PATH`, each ended by NUL.
/// A path that is not UTF-8 is left out, since no pipeline can name it.
fn listed_files(output: &[u8]) -> Files {
    let entries = output.split(|byte| *byte == 0).filter_map(|entry| std::str::from_utf8(entry).ok());
    let files = entries.filter_map(|entry| {
        let (attributes, path) = entry.split_once('\t')?;
        let mode = attributes.split(' ').next()?;
        Some((RepositoryPath::new(path)?, kind_of_mode(mode)?))
    });
    files.collect()
}

pub(super) fn kind_of_mode(mode: &str) -> Option<FileKind> {
    match mode {
        "100644" => Some(FileKind::Regular),
        "100755" => Some(FileKind::Executable),
        "120000" => Some(FileKind::SymbolicLink),
        "160000" => Some(FileKind::Submodule),
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

    use tempfile::TempDir;

    use super::{FileKind, RepositoryPath, git, listed_files, tracked_files};

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
