use std::sync::Arc;

use crate::source::{ReadError, Repository, SourceFile};
use crate::syntax::dockerignore::DockerIgnore;
use crate::text::RepositoryPath;

/// The folder that a build sends to the engine, and what it leaves out.
#[derive(Clone, Debug)]
pub struct BuildContext {
    /// The folder.
    pub folder: RepositoryPath,
    /// The ignore file in force, where there is one.
    pub ignore: Option<(Arc<SourceFile>, DockerIgnore)>,
}

impl BuildContext {
    /// The context `folder` of a build with `dockerfile`, when the files `removed` are no longer there.
    ///
    /// `<Dockerfile>.dockerignore` comes before the `.dockerignore` of the folder (Docker docs: build context).
    /// The legacy builder knows the second alone; where both are there, see [`BuildContext::has_two_ignore_files`].
    ///
    /// # Errors
    /// Where an ignore file is there and cannot be read.
    pub fn read(
        repository: &dyn Repository,
        folder: &RepositoryPath,
        dockerfile: &RepositoryPath,
        removed: &[RepositoryPath],
    ) -> Result<Self, (RepositoryPath, ReadError)> {
        for path in Self::ignore_files(folder, dockerfile).into_iter().filter(|path| !removed.contains(path)) {
            match repository.read(&path) {
                Ok(source) => {
                    let ignore = DockerIgnore::parse(source.text());
                    return Ok(Self { folder: folder.clone(), ignore: Some((source, ignore)) });
                }
                Err(ReadError::Missing) => {}
                Err(error) => return Err((path, error)),
            }
        }
        Ok(Self { folder: folder.clone(), ignore: None })
    }

    /// Whether both kinds of ignore file are there, so that BuildKit and the legacy builder differ.
    #[must_use]
    pub fn has_two_ignore_files(
        repository: &dyn Repository,
        folder: &RepositoryPath,
        dockerfile: &RepositoryPath,
    ) -> bool {
        Self::ignore_files(folder, dockerfile).iter().all(|path| repository.read(path).is_ok())
    }

    /// Whether the ignore file leaves out the file at `path`; what lies outside the folder is left out too.
    #[must_use]
    pub fn leaves_out(&self, path: &RepositoryPath) -> bool {
        match path.relative_to(&self.folder) {
            None => true,
            Some("") => false,
            Some(below) => self.ignore.as_ref().is_some_and(|(_, ignore)| ignore.matches(below)),
        }
    }

    /// The ignore file that is meant for one Dockerfile alone, and that BuildKit reads (Docker docs: build context, "Filename and
    /// location").
    #[must_use]
    pub fn own_ignore_file(dockerfile: &RepositoryPath) -> RepositoryPath {
        RepositoryPath::new(&format!("{dockerfile}.dockerignore")).unwrap_or_default()
    }

    /// The places where a builder looks for an ignore file, the first that is there being in force.
    #[must_use]
    pub fn ignore_files(folder: &RepositoryPath, dockerfile: &RepositoryPath) -> Vec<RepositoryPath> {
        std::iter::once(Self::own_ignore_file(dockerfile)).chain(folder.join(".dockerignore")).collect()
    }
}
