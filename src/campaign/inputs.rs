//! What a look at a repository has read, so that a later one knows whether it would come to the same.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::step::Inputs;
use crate::source::{FileKind, ForeignFile, ReadError, Repository, SourceFile};
use crate::text::RepositoryPath;

type Answer = Result<Arc<SourceFile>, ReadError>;

/// A repository that keeps account of what is asked of it.
pub(super) struct Recorder<'a> {
    below: &'a dyn Repository,
    files: RefCell<BTreeMap<RepositoryPath, String>>,
    elsewhere: RefCell<Vec<(ForeignFile, String)>>,
    asked_for_tracked: Cell<bool>,
}

impl<'a> Recorder<'a> {
    pub(super) fn new(below: &'a dyn Repository) -> Self {
        let (files, elsewhere) = (RefCell::default(), RefCell::default());
        Self { below, files, elsewhere, asked_for_tracked: Cell::new(false) }
    }

    /// All that was asked for.
    pub(super) fn inputs(self, options: &str) -> Inputs {
        let tracked = self.asked_for_tracked.get().then(|| hash_of_tracked(self.below));
        let (files, elsewhere) = (self.files.into_inner(), self.elsewhere.into_inner());
        Inputs { options: options.to_owned(), commit: None, files, elsewhere, tracked }
    }
}

impl Repository for Recorder<'_> {
    fn tracked(&self) -> &BTreeMap<RepositoryPath, FileKind> {
        self.asked_for_tracked.set(true);
        self.below.tracked()
    }

    fn read(&self, path: &RepositoryPath) -> Answer {
        let answer = self.below.read(path);
        self.files.borrow_mut().entry(path.clone()).or_insert_with(|| hash_of_answer(&answer));
        answer
    }

    fn read_foreign(&self, file: &ForeignFile) -> Answer {
        let answer = self.below.read_foreign(file);
        let mut known = self.elsewhere.borrow_mut();
        if !known.iter().any(|(known, _)| known == file) {
            known.push((file.clone(), hash_of_answer(&answer)));
        }
        answer
    }
}

/// Whether a look at `repository`, which is the commit `commit` where it is one, would read with these options what the
/// earlier look has read.
pub(super) fn still_hold(inputs: &Inputs, options: &str, commit: Option<&str>, repository: &dyn Repository) -> bool {
    let holds = |answer: Answer, hash: &String| hash_of_answer(&answer) == *hash;
    let is_same_tree = || {
        inputs.files.iter().all(|(path, hash)| holds(repository.read(path), hash))
            && inputs.tracked.as_ref().is_none_or(|tracked| *tracked == hash_of_tracked(repository))
    };
    inputs.options == options
        && inputs.commit.as_deref() == commit
        && (commit.is_some() || is_same_tree())
        && inputs.elsewhere.iter().all(|(file, hash)| holds(repository.read_foreign(file), hash))
}

/// A hash of what is serialized.
pub(super) fn hash_of(value: &impl Serialize) -> String {
    // Types that are printed as JSON lines have such a text.
    hash(serde_json::to_string(value).unwrap_or_default().as_bytes())
}

fn hash_of_answer(answer: &Answer) -> String {
    match answer {
        Ok(file) => hash(file.text().as_bytes()),
        Err(error) => format!("{error:?}"),
    }
}

fn hash_of_tracked(repository: &dyn Repository) -> String {
    let mut digest = Sha256::new();
    for (path, kind) in repository.tracked() {
        digest.update(format!("{kind:?} {path}\0"));
    }
    hex(&digest.finalize())
}

fn hash(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The first half of a hash, which is as good as all of it against chance.
fn hex(hash: &[u8]) -> String {
    hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{Recorder, still_hold};
    use crate::source::{MemoryRepository, Repository};
    use crate::text::RepositoryPath;

    fn path(text: &str) -> RepositoryPath {
        RepositoryPath::new(text).unwrap()
    }

    #[test]
    fn what_was_read_or_missed_decides_and_nothing_else() {
        let before = MemoryRepository::new([("read", "one"), ("other", "two")]);
        let recorder = Recorder::new(&before);
        assert!(recorder.read(&path("read")).is_ok() && recorder.read(&path("missing")).is_err());
        let inputs = recorder.inputs("options");
        let holds = |files: &[(&str, &str)], options| {
            let after = MemoryRepository::new(files.iter().copied());
            still_hold(&inputs, options, None, &after)
        };
        assert!(holds(&[("read", "one")], "options"), "what was not read does not matter");
        assert!(!holds(&[("read", "one")], "other options"));
        assert!(!holds(&[("read", "1")], "options"));
        assert!(!holds(&[("read", "one"), ("missing", "")], "options"));
    }

    #[test]
    fn the_list_of_files_matters_once_it_was_asked_for() {
        let before = MemoryRepository::new([("a", "one")]);
        let recorder = Recorder::new(&before);
        assert_eq!(recorder.tracked().len(), 1);
        let inputs = recorder.inputs("");
        assert!(still_hold(&inputs, "", None, &MemoryRepository::new([("a", "two")])));
        assert!(!still_hold(&inputs, "", None, &MemoryRepository::new([("a", "one"), ("b", "")])));
    }
}
