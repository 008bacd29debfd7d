use std::sync::Arc;

use super::configuration::variables_of;
use super::{DependencyLayer, Refusal};
use crate::finding::Location;
use crate::source::{FileKind, Repository, SourceFile};
use crate::text::{RepositoryPath, Span};

/// The folder that an install runs in.
pub(super) struct Folder<'a> {
    pub(super) repository: &'a dyn Repository,
    pub(super) path: &'a RepositoryPath,
}

impl Folder<'_> {
    /// The path of `relative` from here; `None` where it leaves the repository.
    pub(super) fn join(&self, relative: &str) -> Option<RepositoryPath> {
        self.path.join(relative)
    }

    /// The tracked file at `relative`, `None` where there is none.
    ///
    /// # Errors
    /// Where it is no regular file, or cannot be read.
    pub(super) fn file(&self, relative: &str) -> Result<Option<Arc<SourceFile>>, Refusal> {
        match self.join(relative) {
            Some(path) => self.file_at(&path),
            None => Err(Refusal::without_place(format!("`{relative}` lies outside of the repository"))),
        }
    }

    /// The tracked file at this path of the repository, as [`Folder::file`] tells it.
    pub(super) fn file_at(&self, path: &RepositoryPath) -> Result<Option<Arc<SourceFile>>, Refusal> {
        let refuse = |reason| Err(Refusal::new(reason, Location::File(path.clone())));
        match self.repository.tracked().get(path) {
            None => return Ok(None),
            Some(FileKind::Regular | FileKind::Executable) => {}
            Some(FileKind::SymbolicLink) => return refuse(format!("`{path}` is a symbolic link")),
            Some(FileKind::Submodule) => return refuse(format!("`{path}` is a submodule")),
        }
        match self.repository.read(path) {
            Ok(file) => Ok(Some(file)),
            Err(error) => refuse(format!("`{path}` cannot be read: {error}")),
        }
    }

    /// Refuses where one of `names` stands in a folder above, since the package manager reads it from there too.
    pub(super) fn nothing_above(&self, names: &[&str]) -> Result<(), Refusal> {
        let mut above = self.path.clone();
        while !above.is_root() {
            above = above.parent();
            let folder = Folder { repository: self.repository, path: &above };
            for name in names {
                if let Some(path) = folder.join(name).filter(|path| self.repository.tracks(path)) {
                    let reason = format!("`{path}` stands above the folder of the install, which reads it too");
                    return Err(Refusal::new(reason, Location::File(path)));
                }
            }
        }
        Ok(())
    }

    /// The files named `name` in the folders above that are tracked and readable, the nearest first.
    pub(super) fn above(&self, name: &str) -> Result<Vec<Arc<SourceFile>>, Refusal> {
        let mut above = self.path.clone();
        let mut files = Vec::new();
        while !above.is_root() {
            above = above.parent();
            files.extend(Folder { repository: self.repository, path: &above }.file(name)?);
        }
        Ok(files)
    }

    /// Refuses where something of `outputs` is tracked, since a copy of the sources would overwrite what was installed.
    pub(super) fn outputs(&self, outputs: &[&str]) -> Result<Vec<RepositoryPath>, Refusal> {
        let mut paths = Vec::new();
        for output in outputs {
            // An absolute path, or one beyond the repository, is not reached by a copy of the sources.
            let Some(path) = self.join(output).filter(|_| !output.starts_with(['/', '~'])) else { continue };
            if self.repository.tracks(&path) {
                let reason =
                    format!("`{path}` is under version control, so the sources would overwrite what is installed");
                return Err(Refusal::new(reason, Location::File(path)));
            }
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
        Ok(paths)
    }
}

/// Whether the words behind `config set` set a key that `is_known` accepts, to what is no file of the repository.
pub(super) fn sets_harmless_key(folder: &Folder<'_>, words: &[&str], is_known: fn(&str) -> bool) -> bool {
    const SCOPES: [&str; 7] = ["--global", "--local", "--user", "--site", "--location=global", "--location=user", "-g"];
    let (options, operands): (Vec<&str>, Vec<&str>) = words.iter().partition(|word| word.starts_with('-'));
    let Some((first, rest)) = operands.split_first() else {
        return false;
    };
    let pair = first.split_once('=');
    let key = pair.map_or(*first, |(key, _)| key);
    let is_in_repository = |value: &str| {
        value.starts_with(['.', '/', '~'])
            || value.contains("file:")
            || !matches!(key, "with" | "without")
                && folder.join(value).is_some_and(|path| !path.is_root() && folder.repository.tracks(&path))
    };
    let mut values = rest.iter().copied().chain(pair.map(|(_, value)| value));
    // With one pair, what follows would be another one.
    (pair.is_none() || rest.is_empty())
        && options.iter().all(|option| SCOPES.contains(option))
        && is_known(key)
        && !values.any(is_in_repository)
}

/// The manifests of a layer while they are gathered, each once.
#[derive(Default)]
pub(super) struct Manifests(Vec<Arc<SourceFile>>);

impl Manifests {
    pub(super) fn add(&mut self, file: Option<&Arc<SourceFile>>) {
        if let Some(file) = file.filter(|file| !self.0.iter().any(|other| other.path() == file.path())) {
            self.0.push(Arc::clone(file));
        }
    }

    /// The layer that these manifests make.
    pub(super) fn layer(
        self,
        ecosystem: &'static str,
        lock_file: Option<&Arc<SourceFile>>,
        outputs: Vec<RepositoryPath>,
        may_rewrite_lock_file: bool,
    ) -> DependencyLayer {
        let mut variables: Vec<_> = self.0.iter().flat_map(variables_of).map(|(name, _)| name).collect();
        variables.sort_unstable();
        variables.dedup();
        DependencyLayer {
            ecosystem,
            manifests: self.0.iter().map(|file| file.path().clone()).collect(),
            lock_file: lock_file.map(|file| file.path().clone()),
            outputs,
            may_rewrite_lock_file: may_rewrite_lock_file && lock_file.is_some(),
            variables,
        }
    }
}

/// Refuses where one of `needles` stands in the file: text that tells of a dependency within the repository.
pub(super) fn names_no_folder(file: &Arc<SourceFile>, needles: &[&str]) -> Result<(), Refusal> {
    let found = needles.iter().find_map(|needle| Some((needle.trim_start(), file.text().find(needle)? + needle.len())));
    let Some((needle, end)) = found else { return Ok(()) };
    let reason = format!("`{}` has dependencies within the repository (`{needle}`)", file.path());
    Err(Refusal::new(reason, Location::new(file, Span::new(end - needle.len(), end))))
}

#[cfg(test)]
mod tests {
    use crate::ecosystem::tests::harmless;

    #[test]
    fn settings_that_name_no_file_may_come_first() {
        for command in [
            "npm config set registry https://npm.example.com/",
            "npm config set @a:registry=https://npm.example.com/",
            "npm config set //npm.example.com/:_authToken x",
            "npm i -g pnpm@9",
            "pnpm config set registry https://npm.example.com/",
            "yarn config set registry https://npm.example.com/ -g",
            "pip config set global.index-url https://pypi.example.com/simple",
            "pip config --user set global.timeout 60",
            "poetry config virtualenvs.in-project true",
            "poetry config http-basic.a b c",
            "bundle config set --local without test",
            "bundle config --global jobs 4",
            "go env -w GOPROXY=https://go.example.com",
        ] {
            assert!(harmless(command, &[("test/a.rb", "")]), "{command}");
        }
    }

    #[test]
    fn settings_that_lead_to_files_are_not_harmless() {
        for command in [
            "npm config set cafile ci/ca.pem",
            "npm config set userconfig=ci/npmrc",
            "npm config set //npm.example.com/:cafile ci/ca.pem",
            "npm config set registry=https://npm.example.com/ cafile=ci/ca.pem",
            "npm config set --location=project registry https://npm.example.com/",
            "npm i -g ./tool",
            "npm i -g tool.tgz",
            "npm i -g a@file:tool",
            "pnpm config set cafile ci/ca.pem",
            "yarn config set cafile ci/ca.pem",
            "pip config set global.constraint cons.txt",
            "pip config set global.index-url file:///src/a",
            "poetry config certificates.a.cert ci/ca.pem",
            "poetry config virtualenvs.path ./ci",
            "bundle config set gemfile ci/Gemfile",
            "bundle config set --local path ci",
            "bundle config local.a ci/a",
            "gem install -g",
        ] {
            assert!(!harmless(command, &[("ci/ca.pem", "")]), "{command}");
        }
    }
}
