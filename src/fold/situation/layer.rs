//! The layer of dependencies within the builder stage, and what of the pipeline forbids it.

use super::Situation;
use crate::fold::group::Role;
use crate::gitlab::{PathPattern, Relation};
use crate::text::RepositoryPath;

impl Situation<'_> {
    /// Gives up the layer where something beside the manifests forbids it.
    pub(super) fn keep_whole_where_needed(&mut self) {
        if !self.inputs.is_empty() {
            self.script.keep_whole("the build also gets files of another build job".to_owned());
        }
        self.keep_manifests_in_context();
        self.keep_dependencies_uncovered();
        self.keep_lock_file_as_installed();
    }

    /// Whether the dependency layer makes all that other stages take of this one, so that nobody needs the sources in it.
    pub(in crate::fold) fn is_wholly_a_layer(&self) -> bool {
        let Some(layer) = self.script.dependency_layer().filter(|_| self.role != Role::ForImage) else {
            return false;
        };
        let made: Vec<_> = layer.outputs.iter().chain(&layer.manifests).collect();
        let is_made =
            |path: &PathPattern| made.iter().any(|place| place.as_str() == path.copied().unwrap_or(&path.text));
        self.script.ends_with_layer() && self.inputs.is_empty() && self.taken.iter().all(is_made)
    }

    /// A manifest that the ignore file hides cannot be copied, and the copy would fail.
    fn keep_manifests_in_context(&mut self) {
        let manifests = self.script.dependency_layer().map(|layer| layer.manifests.as_slice()).unwrap_or_default();
        if let Some(hidden) = manifests.iter().find(|path| self.sources().leaves_out(path)) {
            let reason = format!("the ignore file hides {hidden}");
            self.script.keep_whole(reason);
        }
    }

    /// The sources are copied over the dependencies that a layer of their own installed. Where a cache puts
    /// older ones among the sources, these would win, so there is no such layer.
    fn keep_dependencies_uncovered(&mut self) {
        if self.is_wholly_a_layer() {
            return;
        }
        let caches = self.consumer.caches();
        let restored = caches.iter().filter(|cache| cache.restores()).flat_map(|cache| &cache.paths);
        let outputs = self.script.dependency_layer().map(|layer| layer.outputs.as_slice()).unwrap_or_default();
        // A virtual environment may be called as a folder of downloads is: by a name that begins with a dot.
        let lies_in = |path: &&PathPattern| {
            let is_environment = |output: &&RepositoryPath| output.file_name().ends_with("venv");
            let mut environments = outputs.iter().filter(is_environment);
            !self.is_left_out(path) && environments.any(|output| path.relation(output.as_str()) != Relation::Apart)
        };
        let covering = restored.into_iter().find(|path| self.is_restored_into_context(path) || lies_in(path));
        if let Some(path) = covering {
            let path = path.written.trim_end_matches('/');
            self.script.keep_whole(format!(
                "the cache of the image job would lay {path} over it; .dockerignore can leave that out"
            ));
        }
    }

    /// An install may write the lock file anew, and the copy of the sources puts the old one back. Where the file
    /// is handed on, the new one is wanted, so there is no layer then.
    fn keep_lock_file_as_installed(&mut self) {
        let layer = self.script.dependency_layer().filter(|layer| layer.may_rewrite_lock_file);
        let Some(lock_file) = layer.and_then(|layer| layer.lock_file.clone()) else {
            return;
        };
        if self.patterns().iter().any(|path| path.relation(lock_file.as_str()) == Relation::Covers) {
            self.script.keep_whole(format!("the install may write {lock_file}, which is handed on"));
        }
    }
}
