use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use stagefold::repo::{DiskRepository, PIPELINE};
use stagefold::source::{FileKind, ReadError, Repository, SourceFile};
use stagefold::text::RepositoryPath;
use stagefold::{Policy, Verdict, fold};

use crate::case::{self, Tree};
use crate::random::Random;

/// How many of the cases of `tests/fixtures` are taken for kinds with a hand-off, spread over all.
const HANDOFFS: usize = 120;

/// What repositories are copied from.
pub(crate) struct Kind {
    /// Whether one job hands files on to an image build of another.
    pub(crate) has_handoff: bool,
    /// All files, with those of `.git` that the program or git's list of files asks for: an index that lists the rest, and the
    /// name of a commit, but no objects.
    pub(crate) files: Tree,
    /// The folders that they lie in, those above before those below.
    pub(crate) folders: Vec<String>,
    /// What a dry run says of it.
    pub(crate) verdict: Verdict,
    /// The files that a dry run reads, git's index among them where it asks what is under version control.
    pub(crate) read: Vec<String>,
}

/// All kinds; a model of each is made below `folder`.
pub(crate) fn all(folder: &Path, seed: u64) -> Vec<Kind> {
    let plain = fs::read_dir(case::package().join("tests/bench/campaign/repositories")).unwrap();
    let mut plain: Vec<PathBuf> = plain.map(|entry| entry.unwrap().path()).collect();
    plain.sort();
    let plain = plain.iter().map(|path| (case::tree(path), false));
    let is_usual = |case: &case::Case| case.arguments.is_empty() && ["folded", "refused"].contains(&&*case.verdict);
    let cases: Vec<_> = case::all().into_iter().filter(is_usual).collect();
    let spread = cases.iter().step_by(cases.len().div_ceil(HANDOFFS));
    let models = plain.chain(spread.map(|case| (case.before(), true))).enumerate();
    models
        .map(|(index, (files, has_handoff))| kind(&folder.join(index.to_string()), files, has_handoff, seed))
        .collect()
}

fn kind(model: &Path, mut files: Tree, has_handoff: bool, seed: u64) -> Kind {
    let mut random = Random::new(seed.wrapping_add(files.len() as u64));
    fill(&mut files, &mut random);
    let folders = folders(&files);
    folders.iter().for_each(|name| fs::create_dir_all(model.join(name)).unwrap());
    write(model, &files);
    commit(model);
    let (verdict, read) = dry_run(model);
    for name in [".git/HEAD", ".git/config", ".git/index", ".git/packed-refs"] {
        files.insert(name.to_owned(), ("file", fs::read(model.join(name)).unwrap()));
    }
    let mut folders = self::folders(&files);
    folders.extend([".git/objects", ".git/refs"].map(str::to_owned));
    Kind { has_handoff, files, folders, verdict, read }
}

/// Commits all that is in `folder`, without waiting for the disk.
fn commit(folder: &Path) {
    let init: &[&str] = &["init", "-q", "-b", "main", "--template="];
    for words in [init, &["add", "-f", "."], &["commit", "-q", "-m", "all"], &["pack-refs", "--all"]] {
        case::git(folder, &[&["-c", "core.fsync=none"], words].concat(), "");
    }
}

/// Adds files that no pipeline speaks of, until there are 10 to 30 in 4 to 10 folders.
fn fill(files: &mut Tree, random: &mut Random) {
    let (enough, width) = (10 + random.below(21), 4 + random.below(5));
    let places = ["docs", "src/api", "src/model", "scripts", "test/unit", "test/data", "config", "src/web"];
    for number in files.len()..enough {
        let place = places[number % width.min(places.len())];
        let line = format!("{place} {number}: what stands here is read by nobody\n");
        files.insert(format!("{place}/part{number}.txt"), ("file", line.repeat(5 + random.below(60)).into_bytes()));
    }
}

fn folders(files: &Tree) -> Vec<String> {
    let above = |name: &String| Path::new(name).ancestors().skip(1).map(Path::to_owned).collect::<Vec<_>>();
    let all: BTreeSet<PathBuf> = files.keys().flat_map(above).collect();
    all.iter().map(|path| path.to_str().unwrap().to_owned()).collect()
}

/// Writes files into the folders of `root`, which are there.
pub(crate) fn write(root: &Path, files: &Tree) {
    for (name, (kind, bytes)) in files {
        write_one(&root.join(name), kind, bytes);
    }
}

pub(crate) fn write_one(place: &Path, kind: &str, bytes: &[u8]) {
    #[cfg(unix)]
    if kind == "link" {
        let target = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(bytes);
        return std::os::unix::fs::symlink(target, place).unwrap();
    }
    fs::write(place, bytes).unwrap();
    #[cfg(unix)]
    if kind == "executable" {
        fs::set_permissions(place, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
}

/// What a dry run says of the repository at `root`, and which files it reads for that.
fn dry_run(root: &Path) -> (Verdict, Vec<String>) {
    let pipeline = RepositoryPath::new(PIPELINE).unwrap();
    let repository = Watched { inner: DiskRepository::new(root, pipeline.clone()), read: Mutex::default() };
    let verdict = fold(&repository, &pipeline, &Policy::default()).verdict;
    (verdict, repository.read.into_inner().unwrap().into_iter().collect())
}

/// A repository that remembers what was read.
struct Watched {
    inner: DiskRepository,
    read: Mutex<BTreeSet<String>>,
}

impl Watched {
    fn note(&self, name: &str) {
        self.read.lock().unwrap().insert(name.to_owned());
    }
}

impl Repository for Watched {
    fn tracked(&self) -> &BTreeMap<RepositoryPath, FileKind> {
        self.note(".git/index");
        self.inner.tracked()
    }

    fn read(&self, path: &RepositoryPath) -> Result<Arc<SourceFile>, ReadError> {
        let file = self.inner.read(path);
        if file.is_ok() {
            self.note(path.as_str());
        }
        file
    }
}
