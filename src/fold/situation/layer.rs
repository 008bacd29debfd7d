//! The layer of dependencies within the builder stage, and what of the pipeline forbids it.

use super::Situation;
use crate::fold::group::Role;
use crate::gitlab::{PathPattern, Relation, ValuePiece, Variables};
use crate::text::RepositoryPath;

/// Variables whose value is the name of an environment, and of no file.
const ENVIRONMENTS: [&str; 5] = ["APP_ENV", "MIX_ENV", "NODE_ENV", "RACK_ENV", "RAILS_ENV"];

impl Situation<'_> {
    /// Gives up the layer where something beside the manifests forbids it.
    pub(super) fn keep_whole_where_needed(&mut self) {
        if !self.inputs.is_empty() {
            self.script.keep_whole("the build also gets files of another build job".to_owned());
        }
        self.keep_what_variables_name();
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

    /// A variable that names a file of the repository may lead the install to it: an option of `node`, a certificate,
    /// a file of settings. In a layer of its own it would not be there yet.
    fn keep_what_variables_name(&mut self) {
        let Some(layer) = self.script.dependency_layer() else {
            return;
        };
        let variables = &self.producer.variables;
        let folder = self.script.layer_folder();
        let is_read = |path: &RepositoryPath| self.repository.tracks(path) && !layer.manifests.contains(path);
        let mut names = variables.names().filter(|name| !ENVIRONMENTS.contains(name));
        let found = names.find_map(|name| {
            let value = value_within(variables, name);
            paths_in(&value, &folder)
                .find(is_read)
                .map(|path| format!("the variable {name} names {path}, which it may read"))
        });
        if let Some(reason) = found {
            self.script.keep_whole(reason);
        }
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

/// The value of a variable as the build sees it, with `.` for the folder of the project; what is not known is empty.
fn value_within(variables: &Variables, name: &str) -> String {
    let text = |piece| match piece {
        ValuePiece::Text(text) => text,
        ValuePiece::Variable(name) if name == "CI_PROJECT_DIR" => ".".to_owned(),
        ValuePiece::Variable(_) => String::new(),
    };
    let pieces = variables.pieces(name).map(|pieces| pieces.into_iter().map(text).collect::<String>());
    // Where rules may change it, what is written is all that is known.
    let written = || variables.get(name).map(|(value, _)| value).unwrap_or_default();
    pieces.unwrap_or_else(|| written().replace("${CI_PROJECT_DIR}", ".").replace("$CI_PROJECT_DIR", "."))
}

/// The paths within the project that a value may name, from its root or from the folder of the install: its words, and
/// their parts behind a sign or a short option.
fn paths_in(value: &str, folder: &RepositoryPath) -> impl Iterator<Item = RepositoryPath> {
    let parts = value.split(|sign: char| sign.is_whitespace() || "=:,;\"'".contains(sign));
    let with_option = parts.flat_map(|part| [Some(part), part.strip_prefix('-').and_then(|option| option.get(1..))]);
    let within = with_option.flatten().filter(|part| !part.starts_with('/'));
    let from_both = within.flat_map(|part| [RepositoryPath::root().join(part), folder.join(part)]);
    from_both.flatten().filter(|path| !path.is_root())
}

#[cfg(test)]
mod tests {
    use super::paths_in;
    use crate::text::RepositoryPath;

    #[test]
    fn a_value_names_paths_behind_signs_and_options() {
        let paths_from = |folder, value| {
            let folder = RepositoryPath::new(folder).unwrap();
            paths_in(value, &folder).map(|path| path.as_str().to_owned()).collect::<Vec<_>>()
        };
        let paths = |value| paths_from("", value);
        for (value, path) in [
            ("--require ./hook.js", "hook.js"),
            ("-r./hook.js", "hook.js"),
            ("-javaagent:ci/agent.jar", "ci/agent.jar"),
            ("--cafile=ci/ca.pem -x", "ci/ca.pem"),
            ("./ci/env", "ci/env"),
        ] {
            assert!(paths(value).iter().any(|found| found == path), "{value}: {:?}", paths(value));
        }
        assert!(paths(". /etc/ssl ../a").is_empty());
        assert_eq!(paths_from("web", "../.npmrc ci/x"), [".npmrc", "ci/x", "web/ci/x"]);
        assert!(!paths("https://example.com/ci").iter().any(|found| found == "ci"));
    }
}
