use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::source::{ReadError, SourceFile};
use crate::text::RepositoryPath;

/// A file, or why it cannot be read.
pub(super) type Answer = Result<Arc<SourceFile>, ReadError>;

/// Files that are read at most once each, whatever came of it.
#[derive(Debug, Default)]
pub(super) struct ReadOnce(Mutex<HashMap<RepositoryPath, Answer>>);

impl ReadOnce {
    /// The file that is called `path`, whose text `read` gives where it was not asked for before.
    pub(super) fn get(&self, path: &RepositoryPath, read: impl FnOnce() -> Result<String, ReadError>) -> Answer {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = files.get(path) {
            return answer.clone();
        }
        let answer = read().map(|text| Arc::new(SourceFile::new(path.clone(), text)));
        files.insert(path.clone(), answer.clone());
        answer
    }
}
