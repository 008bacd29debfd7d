use std::ffi::OsString;
use std::fs;
use std::io;
use std::iter::Peekable;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::vec::IntoIter;

use super::discover::PIPELINE;

/// Folders that hold other people's code, and are never searched.
const NEVER_SEARCHED: [&str; 2] = [".git", "node_modules"];

/// The file that makes a folder the folder of a campaign.
const JOURNAL: &str = "journal.jsonl";

/// What a bare repository has at least, as git itself tells one.
const BARE: [&str; 3] = ["HEAD", "objects", "refs"];

/// How many folders a thread takes from the others at once, at most.
const MOST_TAKEN: usize = 64;

/// What a folder is to someone who looks for pipelines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// It has a pipeline, and is a repository.
    Repository,
    /// It has a pipeline, and lies in a git work tree that has one at its root.
    Further,
    /// It is a bare repository.
    Bare,
    /// It is the folder of a campaign, which holds copies of other repositories.
    Campaign,
}

/// A folder of interest.
#[derive(Debug)]
pub(super) struct Seen {
    /// The folder that was searched, by its place among them.
    pub(super) start: usize,
    /// The way down from there.
    pub(super) below: PathBuf,
    pub(super) sight: Sight,
}

/// A folder that could not be read.
#[derive(Debug)]
pub(super) struct Unread {
    pub(super) start: usize,
    pub(super) below: PathBuf,
    pub(super) error: io::Error,
}

/// What a walk came to, both sorted by start and way: a folder before those in it, and these by their names.
#[derive(Debug, Default)]
pub(super) struct Walk {
    pub(super) seen: Vec<Seen>,
    pub(super) unread: Vec<Unread>,
}

impl Walk {
    /// The same, to be taken start by start, in the order of the starts.
    pub(super) fn by_start(self) -> ByStart {
        ByStart { seen: self.seen.into_iter().peekable(), unread: self.unread.into_iter().peekable() }
    }
}

/// A walk whose starts are taken one after the other.
pub(super) struct ByStart {
    seen: Peekable<IntoIter<Seen>>,
    unread: Peekable<IntoIter<Unread>>,
}

impl ByStart {
    /// What was seen from `start`, which is asked for after all smaller ones.
    pub(super) fn next(&mut self, start: usize) -> Walk {
        Walk {
            seen: std::iter::from_fn(|| self.seen.next_if(|seen| seen.start == start)).collect(),
            unread: std::iter::from_fn(|| self.unread.next_if(|unread| unread.start == start)).collect(),
        }
    }
}

/// A folder that is still to be read.
struct Job {
    start: usize,
    below: PathBuf,
    region: Region,
}

/// What was found on the way down to a folder.
#[derive(Clone, Copy)]
enum Region {
    /// No repository.
    Outside,
    /// A repository whose files git does not know: only one with a `.git` of its own counts in it.
    Plain,
    /// A git work tree with a pipeline at its root.
    WorkTree,
    /// A git work tree without one, in a repository.
    Silent,
}

/// What stands in a folder, as one reading tells it.
#[derive(Default)]
struct Contents {
    has_pipeline: bool,
    has_git: bool,
    has_journal: bool,
    /// How many of [`BARE`] are there.
    bare: usize,
    folders: Vec<PathBuf>,
}

/// Folders that any thread may read.
struct Pool<'a> {
    starts: &'a [PathBuf],
    threads: usize,
    waiting: Mutex<Waiting>,
    news: Condvar,
    /// How many threads have nothing to do.
    hungry: AtomicUsize,
}

struct Waiting {
    jobs: Vec<Job>,
    /// How many threads have jobs of their own, of which more may come.
    busy: usize,
}

/// Searches `starts` and all folders below them, with a thread for each processor. Each folder is read once, and the system
/// is asked nothing else. Symbolic links are not followed.
pub(super) fn walk(starts: &[PathBuf]) -> Walk {
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    // The last one is taken first, so that the results are nearly sorted.
    let jobs = (0..starts.len()).rev().map(|start| Job { start, below: PathBuf::new(), region: Region::Outside });
    let waiting = Mutex::new(Waiting { jobs: jobs.collect(), busy: 0 });
    let pool = Pool { starts, threads, waiting, news: Condvar::new(), hungry: AtomicUsize::new(0) };
    let mut walk = Walk::default();
    thread::scope(|scope| {
        let spawn = |_| thread::Builder::new().spawn_scoped(scope, || pool.work()).ok();
        let helpers: Vec<_> = (1..threads).filter_map(spawn).collect();
        walk = pool.work();
        for part in helpers.into_iter().filter_map(|helper| helper.join().ok()) {
            walk.seen.extend(part.seen);
            walk.unread.extend(part.unread);
        }
    });
    walk.seen.sort_unstable_by(|one, other| (one.start, &one.below).cmp(&(other.start, &other.below)));
    walk.unread.sort_unstable_by(|one, other| (one.start, &one.below).cmp(&(other.start, &other.below)));
    walk
}

impl Pool<'_> {
    /// Reads folders until there are no more.
    fn work(&self) -> Walk {
        let mut walk = Walk::default();
        let mut own = Vec::new();
        while self.take(&mut own) {
            while let Some(job) = own.pop() {
                self.read(job, &mut own, &mut walk);
                if own.len() > 1 && self.hungry.load(Ordering::Relaxed) > 0 {
                    // The first ones are the nearest to the start, and have the most below them.
                    self.lock().jobs.extend(own.drain(..own.len() / 2));
                    self.news.notify_all();
                }
            }
            self.lock().busy -= 1;
        }
        walk
    }

    /// Waits for folders to read; `false` where none are left and none can come.
    fn take(&self, own: &mut Vec<Job>) -> bool {
        let mut waiting = self.lock();
        while waiting.jobs.is_empty() {
            if waiting.busy == 0 {
                self.news.notify_all();
                return false;
            }
            self.hungry.fetch_add(1, Ordering::Relaxed);
            waiting = self.news.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            self.hungry.fetch_sub(1, Ordering::Relaxed);
        }
        let count = waiting.jobs.len();
        own.extend(waiting.jobs.drain(count - (count / self.threads).clamp(1, MOST_TAKEN)..));
        waiting.busy += 1;
        true
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads one folder: says what it is, and adds those below it to `jobs`.
    fn read(&self, job: Job, jobs: &mut Vec<Job>, walk: &mut Walk) {
        let Job { start, below, region } = job;
        let Some(folder) = self.starts.get(start).map(|start| start.join(&below)) else { return };
        let (contents, error) = Contents::read(&folder);
        let (sight, inner) = contents.seen_from(region);
        if !matches!(sight, Some(Sight::Bare | Sight::Campaign)) {
            let folders = contents.folders.iter();
            jobs.extend(folders.map(|name| Job { start, below: below.join(name), region: inner }));
        }
        walk.unread.extend(error.map(|error| Unread { start, below: below.clone(), error }));
        walk.seen.extend(sight.map(|sight| Seen { start, below, sight }));
    }
}

impl Contents {
    /// What stands in `folder`, and why that is not all.
    fn read(folder: &Path) -> (Self, Option<io::Error>) {
        let mut contents = Self::default();
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return (contents, Some(error)),
        };
        for entry in entries {
            match entry.and_then(|entry| Ok((entry.file_name(), entry.file_type()?.is_dir()))) {
                Ok((name, is_folder)) => contents.add(name, is_folder),
                Err(error) => return (contents, Some(error)),
            }
        }
        (contents, None)
    }

    fn add(&mut self, name: OsString, is_folder: bool) {
        let text = name.to_str().unwrap_or_default();
        // A pipeline that is a folder or a broken link counts, too, for the user to hear of it.
        self.has_pipeline |= text == PIPELINE;
        self.has_git |= text == ".git";
        self.has_journal |= text == JOURNAL && !is_folder;
        self.bare += usize::from(BARE.contains(&text) && is_folder == (text != "HEAD"));
        if is_folder && !NEVER_SEARCHED.contains(&text) {
            self.folders.push(PathBuf::from(name));
        }
    }

    /// What the folder is where it lies in `region`, and the region that it is to those below it.
    fn seen_from(&self, region: Region) -> (Option<Sight>, Region) {
        match region {
            Region::Outside if !self.has_pipeline && !self.has_git && self.bare == BARE.len() => {
                (Some(Sight::Bare), region)
            }
            Region::Outside if !self.has_pipeline && !self.has_git && self.has_journal => {
                (Some(Sight::Campaign), region)
            }
            _ if self.has_pipeline && self.has_git => (Some(Sight::Repository), Region::WorkTree),
            Region::Outside if self.has_pipeline => (Some(Sight::Repository), Region::Plain),
            Region::WorkTree if self.has_pipeline => (Some(Sight::Further), region),
            Region::Plain | Region::WorkTree if self.has_git => (None, Region::Silent),
            _ => (None, region),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use proptest::prelude::*;
    use tempfile::TempDir;

    use super::{Sight, walk};

    /// What the rules say, folder by folder: `above` is what the nearest repository around is, if any, a work tree or not.
    fn expected(root: &Path, below: &Path, above: Option<&str>, seen: &mut Vec<(PathBuf, Sight)>) {
        let here = root.join(below);
        let (pipeline, git) = (here.join(".gitlab-ci.yml").exists(), here.join(".git").exists());
        let is_bare = ["HEAD", "objects", "refs"].iter().all(|name| here.join(name).exists());
        let sight = match (pipeline, git, above) {
            (true, true, _) | (true, _, None) => Some(Sight::Repository),
            (true, false, Some("work tree")) => Some(Sight::Further),
            (false, false, None) if is_bare => Some(Sight::Bare),
            (false, false, None) if here.join("journal.jsonl").exists() => Some(Sight::Campaign),
            _ => None,
        };
        let inner = match (pipeline, git, above) {
            (true, true, _) => Some("work tree"),
            (true, _, None) => Some("plain"),
            (false, true, Some(_)) => Some("silent"),
            _ => above,
        };
        seen.extend(sight.map(|sight| (below.to_owned(), sight)));
        if matches!(sight, Some(Sight::Bare | Sight::Campaign)) {
            return;
        }
        let folders = fs::read_dir(&here).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
        let mut names: Vec<_> = folders.map(|path| path.file_name().unwrap().to_owned()).collect();
        names.retain(|name| name != ".git" && name != "node_modules");
        names.sort();
        names.iter().for_each(|name| expected(root, &below.join(name), inner, seen));
    }

    fn found(starts: &[PathBuf]) -> Vec<(usize, PathBuf, Sight)> {
        let walk = walk(starts);
        assert!(walk.unread.is_empty(), "{:?}", walk.unread);
        walk.seen.into_iter().map(|seen| (seen.start, seen.below, seen.sight)).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn threads_find_what_one_reader_finds(paths in proptest::collection::vec(
            r"([ab.-]{1,2}/|node_modules/|objects/|refs/){0,4}(\.gitlab-ci\.yml|\.git/|HEAD|journal\.jsonl|objects/|refs/)", 0..25))
        {
            let root = TempDir::new().unwrap();
            for path in paths.iter().filter(|path| !path.split('/').any(|part| matches!(part, "." | ".."))) {
                let place = root.path().join(path);
                fs::create_dir_all(if path.ends_with('/') { &place } else { place.parent().unwrap() }).unwrap();
                if !path.ends_with('/') {
                    fs::write(place, "").unwrap();
                }
            }
            let mut seen = Vec::new();
            expected(root.path(), Path::new(""), None, &mut seen);
            let starts = vec![root.path().to_owned(); 2];
            let expected: Vec<_> =
                (0..2).flat_map(|start| seen.iter().map(move |(below, sight)| (start, below.clone(), *sight))).collect();
            prop_assert_eq!(found(&starts), expected);
        }
    }

    #[test]
    fn many_folders_are_shared_among_the_threads() {
        let root = TempDir::new().unwrap();
        for number in 0..600 {
            let folder = root.path().join(format!("group-{}/app-{number:03}/src/deep", number % 7));
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.parent().unwrap().parent().unwrap().join(".gitlab-ci.yml"), "").unwrap();
        }
        let all = found(&[root.path().to_owned()]);
        assert_eq!(all.len(), 600);
        assert!(all.is_sorted_by(|one, other| one.1 < other.1));
        // Each of them as a start of its own.
        let starts: Vec<_> = all.iter().map(|(_, below, _)| root.path().join(below)).collect();
        let each = found(&starts);
        assert!(each.iter().enumerate().all(|(index, seen)| *seen == (index, PathBuf::new(), Sight::Repository)));
        assert_eq!(each.len(), 600);
    }
}
