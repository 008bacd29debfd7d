//! Which `WORKDIR` an instruction of the builder stage needs.

use crate::text::RepositoryPath;

/// The folder that instructions run in, one after the other.
pub(super) struct WorkingFolder<'a> {
    pub(super) project: &'a str,
    pub(super) at: RepositoryPath,
}

impl WorkingFolder<'_> {
    /// The `WORKDIR` in front of an instruction that runs in this folder of the project, where it needs one.
    pub(super) fn enter(&mut self, folder: &RepositoryPath) -> Option<String> {
        if self.at == *folder {
            return None;
        }
        self.at.clone_from(folder);
        Some(if folder.is_root() {
            format!("WORKDIR {}", self.project)
        } else {
            format!("WORKDIR {}/{folder}", self.project.trim_end_matches('/'))
        })
    }
}
