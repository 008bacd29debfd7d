use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use stagefold::Verdict;
use stagefold::repo::PIPELINE;

use crate::kind::{Kind, write_one};
use crate::random::Random;

/// One of so many repositories has a hand-off.
const ONE_OF: usize = 10;

/// How many repositories one group of the folder holds.
const GROUP: usize = 100;

/// The name that the models of repositories without a hand-off bear.
const MODEL_NAME: &str = "acme-service";

const FIRST_WORDS: [&str; 12] =
    ["billing", "orders", "search", "mail", "stock", "login", "report", "price", "track", "media", "audit-log", "chat"];

const LAST_WORDS: [&str; 10] = ["api", "web", "worker", "gateway", "sync", "core", "tools", "proxy", "jobs", "admin"];

/// One repository to be made.
pub(crate) struct Made<'a> {
    /// Its folder, below that of all.
    pub(crate) folder: String,
    pub(crate) kind: &'a Kind,
    name: String,
    /// How many jobs its pipeline has beside those of its kind.
    more_jobs: usize,
}

/// All repositories of one measurement.
pub(crate) struct Repositories<'a>(pub(crate) Vec<Made<'a>>);

/// Draws `count` repositories: which kind, which name, and how long a pipeline.
pub(crate) fn repositories(kinds: &[Kind], count: usize, seed: u64) -> Repositories<'_> {
    let (handoffs, plain): (Vec<_>, Vec<_>) = kinds.iter().partition(|kind| kind.has_handoff);
    let mut random = Random::new(seed);
    let mut draw = |index: usize| {
        let kind = if random.below(ONE_OF) == 0 { *random.of(&handoffs) } else { *random.of(&plain) };
        let name = format!("{}-{}-{index}", random.of(&FIRST_WORDS), random.of(&LAST_WORDS));
        let folder = format!("group-{:04}/{name}", index / GROUP);
        Made { folder, kind, name, more_jobs: if kind.has_handoff { 0 } else { random.below(7) } }
    };
    Repositories((0..count).map(&mut draw).collect())
}

impl Repositories<'_> {
    /// Makes all of them below `root`.
    pub(crate) fn write(&self, root: &Path, jobs: usize) {
        let next = AtomicUsize::new(0);
        let work = || {
            while let Some(made) = self.0.get(next.fetch_add(1, Ordering::Relaxed)) {
                made.write(&root.join(&made.folder));
            }
        };
        thread::scope(|scope| (0..jobs).for_each(|_| drop(scope.spawn(work))));
    }

    /// How many of them come to what.
    pub(crate) fn mix(&self) -> String {
        let count = |verdict| self.0.iter().filter(|made| made.kind.verdict == verdict).count();
        let (folded, refused) = (count(Verdict::Folded), count(Verdict::Refused));
        let (none, failed) = (count(Verdict::NothingToFold), count(Verdict::Failed));
        let files: usize = self.0.iter().map(|made| made.kind.files.len()).sum();
        let read: usize = self.0.iter().map(|made| made.kind.read.len()).sum();
        format!(
            "{folded} fold, {refused} are refused, {none} have nothing to fold, {failed} fail; \
             {files} files, of which a dry run reads {read}"
        )
    }
}

impl Made<'_> {
    fn write(&self, root: &Path) {
        fs::create_dir_all(root).unwrap();
        self.kind
            .folders
            .iter()
            .filter(|name| !name.is_empty())
            .for_each(|name| fs::create_dir(root.join(name)).unwrap());
        for (name, (kind, bytes)) in &self.kind.files {
            let place = root.join(name);
            match std::str::from_utf8(bytes) {
                Ok(text) if name == PIPELINE => write_one(&place, kind, self.pipeline(text).as_bytes()),
                Ok(text) if !self.kind.has_handoff && text.contains(MODEL_NAME) => {
                    write_one(&place, kind, text.replace(MODEL_NAME, &self.name).as_bytes());
                }
                _ => write_one(&place, kind, bytes),
            }
        }
    }

    fn pipeline(&self, text: &str) -> String {
        if self.kind.has_handoff {
            return if text.is_ascii() { format!("# The pipeline of {}.\n{text}", self.name) } else { text.to_owned() };
        }
        let job = |number| {
            format!(
                "\ncheck {number}:\n  stage: .post\n  image: alpine:3.20\n  needs: []\n  script:\n    \
                 - apk add --no-cache curl\n    - ./scripts/check-{number}.sh \"$CI_PROJECT_NAME\"\n  rules:\n    \
                 - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH\n      when: manual\n"
            )
        };
        let more: String = (0..self.more_jobs).map(job).collect();
        text.replace(MODEL_NAME, &self.name) + &more
    }
}
