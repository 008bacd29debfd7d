use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use super::disk::SIZE_LIMIT;
use super::elsewhere::{Elsewhere, ForeignFiles};
use super::git::{GitError, git_at};
use super::objects::Objects;
use super::read_once::{Answer, ReadOnce};
use super::tracked::kind_of_mode;
use crate::source::{FileKind, ForeignFile, ReadError, Repository};
use crate::text::RepositoryPath;

/// Why a commit cannot be read, in git's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitError(String);

impl fmt::Display for CommitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CommitError {}

impl From<GitError> for CommitError {
    fn from(error: GitError) -> Self {
        Self(error.to_string())
    }
}

/// A repository as one of its commits holds it; no work tree is needed or looked at.
///
/// The list of its files is asked for once, and each file is read at most once. Nothing runs that the repository names, and
/// what is missing in a clone that holds only some of the objects is not fetched.
#[derive(Debug)]
pub struct CommittedRepository {
    git_dir: PathBuf,
    commit: String,
    listing: OnceLock<Result<Listing, CommitError>>,
    nothing: BTreeMap<RepositoryPath, FileKind>,
    files: ReadOnce,
    objects: Mutex<Objects>,
    foreign: ForeignFiles,
}

/// All files of a commit: what they are, and by which names git keeps them.
#[derive(Debug, Default)]
struct Listing {
    kinds: BTreeMap<RepositoryPath, FileKind>,
    objects: HashMap<RepositoryPath, String>,
}

impl CommittedRepository {
    /// The files of `commit`, a full name, in the repository whose own folder is `git_dir`: a bare one, or a `.git`.
    ///
    /// # Errors
    /// Where there is no such commit.
    pub fn open(git_dir: impl Into<PathBuf>, commit: &str) -> Result<Self, CommitError> {
        let git_dir = git_dir.into();
        let commit = full_name(&git_dir, commit)?;
        let objects = Mutex::new(Objects::of(git_dir.clone()));
        let (files, foreign) = (ReadOnce::default(), ForeignFiles::default());
        Ok(Self { git_dir, commit, listing: OnceLock::new(), nothing: BTreeMap::new(), files, objects, foreign })
    }

    /// The same repository, with the files of elsewhere that the user shows.
    #[must_use]
    pub fn with_elsewhere(self, elsewhere: Elsewhere) -> Self {
        Self { foreign: ForeignFiles::new(elsewhere), ..self }
    }

    /// The full name of the commit.
    #[must_use]
    pub fn commit(&self) -> &str {
        &self.commit
    }

    fn listing(&self) -> Result<&Listing, &CommitError> {
        self.listing.get_or_init(|| Listing::of(&self.git_dir, &self.commit)).as_ref()
    }

    fn text(&self, path: &RepositoryPath) -> Result<String, ReadError> {
        let listing = self.listing().map_err(|error| ReadError::Unreadable(error.to_string()))?;
        let object = listing.file(path)?;
        let mut objects = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = objects.read(object, SIZE_LIMIT)?;
        String::from_utf8(bytes).map_err(|error| ReadError::NotUtf8 { offset: error.utf8_error().valid_up_to() })
    }
}

impl Repository for CommittedRepository {
    fn tracked(&self) -> &BTreeMap<RepositoryPath, FileKind> {
        self.listing().map_or(&self.nothing, |listing| &listing.kinds)
    }

    fn read(&self, path: &RepositoryPath) -> Answer {
        self.files.get(path, || self.text(path))
    }

    fn read_foreign(&self, file: &ForeignFile) -> Answer {
        self.foreign.included(file)
    }

    fn merged_pipeline(&self) -> Option<Answer> {
        self.foreign.merged()
    }
}

impl Listing {
    fn of(git_dir: &Path, commit: &str) -> Result<Self, CommitError> {
        let output = git_at(git_dir, &["ls-tree", "-r", "-z", "--full-tree", commit])?;
        let mut listing = Self::default();
        let entries = output.split(|byte| *byte == 0).filter_map(|entry| std::str::from_utf8(entry).ok());
        for (path, kind, object) in entries.filter_map(entry) {
            listing.kinds.insert(path.clone(), kind);
            listing.objects.insert(path, object.to_owned());
        }
        Ok(listing)
    }

    /// By which name git keeps the file at `path`, where it is one that may be read.
    fn file(&self, path: &RepositoryPath) -> Result<&str, ReadError> {
        match self.kinds.get(path) {
            Some(FileKind::Regular | FileKind::Executable) => {
                self.objects.get(path).map(String::as_str).ok_or(ReadError::Missing)
            }
            Some(FileKind::SymbolicLink) => Err(ReadError::SymbolicLink),
            // A checkout has a folder there.
            Some(FileKind::Submodule) => Err(ReadError::NotAFile),
            None => Err(self.why_not(path)),
        }
    }

    /// Why there is no file at a path that is not in the list.
    fn why_not(&self, path: &RepositoryPath) -> ReadError {
        let mut above = path.parent();
        while !above.is_root() {
            if self.kinds.get(&above) == Some(&FileKind::SymbolicLink) {
                return ReadError::SymbolicLink;
            }
            above = above.parent();
        }
        let behind = self.kinds.range(path.clone()..).map(|(at, _)| at);
        let is_folder = behind.take_while(|at| at.as_str().starts_with(path.as_str())).any(|at| at.is_within(path));
        if is_folder || path.is_root() { ReadError::NotAFile } else { ReadError::Missing }
    }
}

/// Reads an entry `MODE TYPE NAME<TAB>PATH` of `git ls-tree -z`. A path that is not normal is none that git would check out.
fn entry(entry: &str) -> Option<(RepositoryPath, FileKind, &str)> {
    let (attributes, text) = entry.split_once('\t')?;
    let mut attributes = attributes.split(' ');
    let (mode, object) = (attributes.next()?, attributes.nth(1)?);
    let path = RepositoryPath::new(text).filter(|path| path.as_str() == text)?;
    Some((path, kind_of_mode(u32::from_str_radix(mode, 8).ok()?)?, object))
}

/// The full name of the commit that `HEAD` of the repository whose own folder is `git_dir` stands at.
///
/// # Errors
/// Where there is none, because the repository is empty, or none at all.
pub fn head_of(git_dir: &Path) -> Result<String, CommitError> {
    full_name(git_dir, "HEAD")
}

fn full_name(git_dir: &Path, name: &str) -> Result<String, CommitError> {
    let wanted = format!("{name}^{{commit}}");
    match git_at(git_dir, &["rev-parse", "--verify", "--end-of-options", &wanted]) {
        Ok(output) => Ok(String::from_utf8_lossy(&output).trim().to_owned()),
        Err(GitError::Failed(why)) if why.ends_with("Needed a single revision") => {
            Err(CommitError(format!("there is no commit at {name:?}")))
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use tempfile::TempDir;

    use super::{CommittedRepository, FileKind, ReadError, Repository, RepositoryPath, SIZE_LIMIT, head_of};
    use crate::repo::git::git;

    fn path(text: &str) -> RepositoryPath {
        RepositoryPath::new(text).unwrap()
    }

    fn commit(root: &Path) -> String {
        git(root, &["add", "-A"]).unwrap();
        let identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgSign=false"];
        git(root, &[&identity[..], &["commit", "-q", "-m", "one"]].concat()).unwrap();
        head_of(&root.join(".git")).unwrap()
    }

    /// A repository with these files, committed.
    fn repository(files: &[(&str, &[u8])]) -> (TempDir, String) {
        let root = TempDir::new().unwrap();
        git(root.path(), &["init", "-q"]).unwrap();
        for (name, bytes) in files {
            let place = root.path().join(name);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, bytes).unwrap();
        }
        let commit = commit(root.path());
        (root, commit)
    }

    fn open(root: &TempDir, commit: &str) -> CommittedRepository {
        CommittedRepository::open(root.path().join(".git"), commit).unwrap()
    }

    #[test]
    fn files_are_those_of_the_commit_whatever_the_work_tree_holds() {
        let (root, first) = repository(&[("a b\n\"c", b"odd"), ("dist-old", b""), ("dist/x", b"one"), ("empty", b"")]);
        fs::write(root.path().join("dist/x"), "two").unwrap();
        fs::write(root.path().join("new"), "").unwrap();
        let repository = open(&root, &first);
        let names: Vec<_> = repository.tracked().keys().map(RepositoryPath::as_str).collect();
        assert_eq!(names, ["a b\n\"c", "dist-old", "dist/x", "empty"]);
        let read = |name: &str| repository.read(&path(name)).map(|file| file.text().to_owned());
        assert_eq!(read("dist/x").as_deref(), Ok("one"));
        assert_eq!(read("a b\n\"c").as_deref(), Ok("odd"));
        assert_eq!(read("empty").as_deref(), Ok(""));
        assert_eq!(read("new"), Err(ReadError::Missing));
        let second = commit(root.path());
        assert_eq!(open(&root, &second).read(&path("dist/x")).unwrap().text(), "two");
        assert_eq!(read("dist/x").as_deref(), Ok("one"));
    }

    #[test]
    fn what_is_no_text_has_the_name_that_a_disk_gives_it() {
        let large = vec![b'a'; usize::try_from(SIZE_LIMIT).unwrap() + 1];
        let (root, commit) =
            repository(&[("folder/x", b""), ("binary", b"ab\xff"), ("large", &large), ("small", b"s")]);
        let repository = open(&root, &commit);
        let read = |name: &str| repository.read(&path(name)).unwrap_err();
        assert_eq!(read("folder"), ReadError::NotAFile);
        assert_eq!(read("fold"), ReadError::Missing);
        assert_eq!(read("."), ReadError::NotAFile);
        assert_eq!(read("binary"), ReadError::NotUtf8 { offset: 2 });
        assert_eq!(read("binary/below"), ReadError::Missing);
        assert_eq!(read("large"), ReadError::TooLarge { size: SIZE_LIMIT + 1, limit: SIZE_LIMIT });
        assert_eq!(read("a\0b"), ReadError::Missing);
        assert_eq!(repository.read(&path("small")).unwrap().text(), "s", "an error does not spoil the next answer");
    }

    #[test]
    fn links_submodules_and_modes_are_told() {
        let (root, first) = repository(&[("run", b""), ("file", b"")]);
        let git = |arguments: &[&str]| git(root.path(), arguments).unwrap();
        git(&["update-index", "--chmod=+x", "run"]);
        git(&["update-index", "--add", "--cacheinfo", &format!("160000,{first},sub")]);
        let link = String::from_utf8(git(&["rev-parse", "HEAD:file"])).unwrap();
        git(&["update-index", "--add", "--cacheinfo", &format!("120000,{},link", link.trim())]);
        let tree = String::from_utf8(git(&["write-tree"])).unwrap();
        let identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
        let commit = git_of(root.path(), &[&identity[..], &["commit-tree", "-m", "two", tree.trim()]].concat());
        let repository = open(&root, &commit);
        let kinds: Vec<_> = repository.tracked().iter().map(|(path, kind)| (path.as_str(), *kind)).collect();
        let expected = [
            ("file", FileKind::Regular),
            ("link", FileKind::SymbolicLink),
            ("run", FileKind::Executable),
            ("sub", FileKind::Submodule),
        ];
        assert_eq!(kinds, expected);
        let read = |name: &str| repository.read(&path(name)).unwrap_err();
        assert_eq!([read("link"), read("link/below")], [ReadError::SymbolicLink, ReadError::SymbolicLink]);
        assert_eq!([read("sub"), read("sub/below")], [ReadError::NotAFile, ReadError::Missing]);
    }

    fn git_of(root: &Path, arguments: &[&str]) -> String {
        String::from_utf8(git(root, arguments).unwrap()).unwrap().trim().to_owned()
    }

    #[test]
    fn a_bare_repository_is_read_by_its_head_and_what_is_none_is_said() {
        let (root, commit) = repository(&[("x", b"one")]);
        let bare = TempDir::new().unwrap();
        let (from, to) = (root.path().to_str().unwrap(), bare.path().to_str().unwrap());
        git(root.path(), &["clone", "-q", "--bare", from, to]).unwrap();
        assert_eq!(head_of(bare.path()).unwrap(), commit);
        let repository = CommittedRepository::open(bare.path(), &commit).unwrap();
        assert_eq!(repository.read(&path("x")).unwrap().text(), "one");
        for wrong in ["--help", "no-such-branch", &"0".repeat(40), ""] {
            assert!(CommittedRepository::open(bare.path(), wrong).is_err(), "{wrong}");
        }
        let empty = TempDir::new().unwrap();
        git(empty.path(), &["init", "-q", "--bare"]).unwrap();
        assert_eq!(head_of(empty.path()).unwrap_err().to_string(), "there is no commit at \"HEAD\"");
        assert!(head_of(&empty.path().join("nothing")).is_err());
    }

    #[test]
    fn a_file_that_the_repository_does_not_have_is_unreadable() {
        let (root, commit) = repository(&[("x", b"one"), ("y", b"two")]);
        let object = git_of(root.path(), &["rev-parse", "HEAD:x"]);
        fs::remove_file(root.path().join(format!(".git/objects/{}/{}", &object[..2], &object[2..]))).unwrap();
        let repository = open(&root, &commit);
        assert!(matches!(repository.read(&path("x")), Err(ReadError::Unreadable(_))));
        assert_eq!(repository.read(&path("y")).unwrap().text(), "two");
    }
}
