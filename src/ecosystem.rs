//! Package managers: which files an install reads, and when it may run before the sources are copied.
//!
//! A dependency layer is `COPY` of the manifests, the install, then `COPY` of everything else, so that the
//! install is not run again when only sources change. It is legal where the install reads nothing but the
//! manifests, and where the second `COPY` cannot overwrite what it made. Both are proven from the repository's
//! own files; where they cannot be, the split is not legal and says why. The install is the user's own command.
//!
//! What the scripts of *installed packages* read of the project cannot be seen from here. The packages known to
//! do so stand in a table; for all others the split relies on what every published image does.

mod berry;
mod bundler;
mod caches;
mod cargo;
mod composer;
mod configuration;
mod dotnet;
mod folder;
mod go;
mod gradle;
mod invocation;
mod maven;
mod mix;
mod npm;
mod package;
mod pip;
mod pnpm;
mod poetry;
mod sbt;
mod system;
mod toml;
mod uv;
mod xml;
mod yarn;

use crate::finding::Location;
use crate::source::Repository;
use crate::text::RepositoryPath;
use caches::Cache;
use folder::Folder;

pub use caches::{CacheMount, Calls, Statement, cache_mounts};
pub use configuration::{configuration_variables, variables_of_named_file};

/// Whether the install of dependencies can be a layer of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Split {
    /// It can.
    Legal(DependencyLayer),
    /// It installs dependencies, but it cannot.
    NotLegal {
        /// Why, as a phrase without a full stop.
        reason: String,
        /// Where that is to be seen, if it is in a file.
        location: Option<Location>,
    },
    /// The command does not install the dependencies of a project.
    NotAnInstall,
}

/// What a layer of dependencies is made of. All paths are those of the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DependencyLayer {
    /// The package manager, such as `npm`.
    pub ecosystem: &'static str,
    /// The files that must be copied before the install, all of them tracked, in reading order.
    pub manifests: Vec<RepositoryPath>,
    /// The file among them that fixes the versions; `None` where there is none, so that a cached layer keeps the
    /// versions of its first build.
    pub lock_file: Option<RepositoryPath>,
    /// What the install makes; nothing at or below these paths is tracked.
    pub outputs: Vec<RepositoryPath>,
    /// Whether the install may write the lock file anew, which the copy of the sources then puts back.
    pub may_rewrite_lock_file: bool,
    /// The environment variables that the manifests name, such as `${NPM_TOKEN}` in `.npmrc`: sorted, each once.
    pub variables: Vec<String>,
}

/// What the fold knows of one package manager.
struct Ecosystem {
    /// The layer of the install that a command is, program included; `None` where it installs no dependencies.
    split: fn(&Folder<'_>, &[&str]) -> Result<Option<DependencyLayer>, Refusal>,
    /// Whether a command reads no source, and makes nothing that a copy of the sources could overwrite.
    is_harmless: fn(&Folder<'_>, &[&str]) -> bool,
    /// The environment variables by which an install reads other files of the project, or leaves something in it.
    redirecting: &'static [&'static str],
    /// Where it keeps what it downloads.
    cache: Option<Cache>,
}

const ECOSYSTEMS: &[Ecosystem] = &[
    bundler::ECOSYSTEM,
    cargo::ECOSYSTEM,
    composer::ECOSYSTEM,
    dotnet::ECOSYSTEM,
    go::ECOSYSTEM,
    gradle::ECOSYSTEM,
    maven::ECOSYSTEM,
    mix::ECOSYSTEM,
    npm::ECOSYSTEM,
    pip::ECOSYSTEM,
    pnpm::ECOSYSTEM,
    poetry::ECOSYSTEM,
    sbt::ECOSYSTEM,
    system::ECOSYSTEM,
    uv::ECOSYSTEM,
    yarn::ECOSYSTEM,
];

/// Whether the command whose literal words are `words`, run in `folder`, can be a layer of its own; `is_set` tells
/// which environment variables it sees.
#[must_use]
pub fn split(
    repository: &dyn Repository,
    folder: &RepositoryPath,
    words: &[&str],
    is_set: &dyn Fn(&str) -> bool,
) -> Split {
    let folder = Folder { repository, path: folder };
    let found = ECOSYSTEMS.iter().find_map(|ecosystem| match (ecosystem.split)(&folder, words) {
        Ok(None) => None,
        Ok(Some(layer)) => Some(layer.unless_redirected(ecosystem, is_set)),
        Err(refusal) => Some(Err(refusal)),
    });
    match found {
        Some(Ok(layer)) => Split::Legal(layer),
        Some(Err(Refusal { reason, location })) => Split::NotLegal { reason, location },
        None => Split::NotAnInstall,
    }
}

/// Whether the command whose literal words are `words` reads not even the settings in `folder`, of those that
/// [`is_harmless`] tells: `npm install -g` reads `.npmrc`, and `apk add` reads nothing.
#[must_use]
pub fn reads_no_settings(repository: &dyn Repository, folder: &RepositoryPath, words: &[&str]) -> bool {
    let folder = Folder { repository, path: folder };
    [&pip::ECOSYSTEM, &system::ECOSYSTEM].iter().any(|ecosystem| (ecosystem.is_harmless)(&folder, words))
}

/// Whether the command whose literal words are `words` may run before the sources are copied: it reads none of
/// them, and makes nothing that their copy could overwrite.
#[must_use]
pub fn is_harmless(repository: &dyn Repository, folder: &RepositoryPath, words: &[&str]) -> bool {
    let folder = Folder { repository, path: folder };
    ECOSYSTEMS.iter().any(|ecosystem| (ecosystem.is_harmless)(&folder, words))
}

/// Whether these words install packages of a registry for the whole machine, and ask no more of the project than the settings of
/// the package manager.
#[must_use]
pub fn installs_for_all_by_name(words: &[&str]) -> bool {
    npm::installs_for_all_by_name(words)
}

impl DependencyLayer {
    /// Refuses where a variable may lead the install to other files, or a manifest cannot be written in a `COPY`.
    fn unless_redirected(self, ecosystem: &Ecosystem, is_set: &dyn Fn(&str) -> bool) -> Result<Self, Refusal> {
        if let Some(name) = ecosystem.redirecting.iter().find(|name| is_set(name)) {
            let reason = format!("the variable {name} may lead the install to other files of the repository");
            return Err(Refusal::without_place(reason));
        }
        let is_plain = |path: &&RepositoryPath| !path.as_str().contains([' ', '\t', '$', '*', '?', '[', '\\', '"']);
        match self.manifests.iter().find(|path| !is_plain(path)) {
            Some(path) => Err(Refusal::new(format!("`{path}` has an odd name"), Location::File(path.clone()))),
            None => Ok(self),
        }
    }
}

/// Why a split is not legal.
#[derive(Debug)]
struct Refusal {
    reason: String,
    location: Option<Location>,
}

impl Refusal {
    fn new(reason: impl Into<String>, location: Location) -> Self {
        Self { reason: reason.into(), location: Some(location) }
    }

    fn without_place(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), location: None }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::{CacheMount, Calls, DependencyLayer, Split, Statement, cache_mounts, is_harmless, split};
    use crate::source::{FileKind, MemoryRepository, ReadError, Repository, SourceFile};
    use crate::text::RepositoryPath;

    /// The split of `command` at the root of a repository of `files`.
    pub(super) fn split_at_root(command: &str, files: &[(&str, &str)]) -> Split {
        split_in("", command, files)
    }

    pub(super) fn split_in(folder: &str, command: &str, files: &[(&str, &str)]) -> Split {
        let repository = MemoryRepository::new(files.iter().copied());
        let words: Vec<_> = command.split(' ').collect();
        split(&repository, &RepositoryPath::new(folder).unwrap(), &words, &|_| false)
    }

    /// Whether `command` may run before the sources of a repository of `files` are copied.
    pub(super) fn harmless(command: &str, files: &[(&str, &str)]) -> bool {
        let words: Vec<_> = command.split(' ').collect();
        is_harmless(&MemoryRepository::new(files.iter().copied()), &RepositoryPath::root(), &words)
    }

    #[test]
    fn a_variable_that_leads_elsewhere_forbids_the_layer() {
        let repository = MemoryRepository::new([("go.mod", "module a\n"), ("go.sum", "")]);
        let root = RepositoryPath::root();
        let with = |name: &str| split(&repository, &root, &["go", "mod", "download"], &|set| set == name);
        assert!(matches!(with("GOFLAGS"), Split::NotLegal { reason, .. } if reason.contains("variable GOFLAGS")));
        assert!(matches!(with("GOPROXY"), Split::Legal(_)));
    }

    pub(super) fn layer(command: &str, files: &[(&str, &str)]) -> DependencyLayer {
        match split_at_root(command, files) {
            Split::Legal(layer) => layer,
            other => panic!("{command}: {other:?}"),
        }
    }

    /// The options of the `RUN` of `command`, or why there are none.
    pub(super) fn caches(command: &str, files: &[(&str, &str)]) -> Result<String, String> {
        let repository = MemoryRepository::new(files.iter().copied());
        let statements = [Statement { text: command, commands: vec![command.split(' ').collect()] }];
        let calls = Calls { image: "", variable: &|_| None, statements: &statements };
        let mounts = cache_mounts(&repository, &RepositoryPath::root(), &calls);
        let mounts = mounts.into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(mounts.iter().flat_map(CacheMount::options).collect::<Vec<_>>().join(" "))
    }

    /// The reason why the split is not legal, and the text that it points at.
    pub(super) fn refusal(command: &str, files: &[(&str, &str)]) -> (String, Option<String>) {
        match split_at_root(command, files) {
            Split::NotLegal { reason, location } => (reason, location.map(|location| pointed_at(&location))),
            other => panic!("{command}: {other:?}"),
        }
    }

    fn pointed_at(location: &crate::finding::Location) -> String {
        match location {
            crate::finding::Location::File(path) => path.to_string(),
            crate::finding::Location::Span { file, span } => span.slice(file.text()).trim_end().to_owned(),
        }
    }

    pub(super) fn names(paths: &[RepositoryPath]) -> Vec<&str> {
        paths.iter().map(RepositoryPath::as_str).collect()
    }

    #[test]
    fn other_commands_install_no_dependencies() {
        let files = [("package.json", "{}"), ("yarn.lock", ""), ("pnpm-lock.yaml", "")];
        for command in [
            "make",
            "npm",
            "npm run build",
            "npm install left-pad",
            "npm i -g yarn",
            "npm ci --help",
            "npm test",
            "yarn build",
            "yarn add x",
            "yarn --version",
            "pnpm add x",
            "pnpm",
            "pnpm build",
            "pnpm install -g x",
            "npx npm ci",
            "",
        ] {
            assert_eq!(split_at_root(command, &files), Split::NotAnInstall, "{command}");
        }
    }

    /// A repository whose `package.json` is of another kind.
    struct Odd(MemoryRepository, BTreeMap<RepositoryPath, FileKind>);

    impl Repository for Odd {
        fn tracked(&self) -> &BTreeMap<RepositoryPath, FileKind> {
            &self.1
        }

        fn read(&self, path: &RepositoryPath) -> Result<Arc<SourceFile>, ReadError> {
            self.0.read(path)
        }
    }

    #[test]
    fn a_manifest_must_be_a_tracked_file() {
        let path = RepositoryPath::new("package.json").unwrap();
        for (kind, words) in [(FileKind::SymbolicLink, "is a symbolic link"), (FileKind::Submodule, "is a submodule")] {
            let tracked = BTreeMap::from([(path.clone(), kind)]);
            let repository = Odd(MemoryRepository::new([("package.json", "{}")]), tracked);
            let Split::NotLegal { reason, .. } = split(&repository, &RepositoryPath::root(), &["npm", "i"], &|_| false)
            else {
                panic!()
            };
            assert!(reason.contains(words), "{reason}");
        }
        let untracked = Odd(MemoryRepository::new([("package.json", "{}")]), BTreeMap::new());
        let result = split(&untracked, &RepositoryPath::root(), &["npm", "i"], &|_| false);
        assert!(matches!(result, Split::NotLegal { reason, .. } if reason == "there is no `package.json` in `.`"));
    }
}
