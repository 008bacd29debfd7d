//! Whether a Dockerfile means the same to kaniko and to BuildKit.

use crate::docker::{BuildCommand, Stages};
use crate::source::Repository;
use crate::syntax::dockerfile::{DirectiveKind, Dockerfile};
use crate::syntax::dockerignore::DockerIgnore;
use crate::text::RepositoryPath;

/// The Dockerfile that kaniko finds.
pub(super) fn found(repository: &dyn Repository, command: &BuildCommand) -> Option<RepositoryPath> {
    let places = [Some(&command.dockerfile), command.other_dockerfile.as_ref()];
    places.into_iter().flatten().find(|path| repository.tracks(path)).cloned()
}

/// Whether both read the Dockerfile and its ignore file alike.
///
/// # Errors
/// In what they differ, as the end of a sentence.
pub(super) fn means_the_same(
    repository: &dyn Repository,
    command: &BuildCommand,
    path: &RepositoryPath,
) -> Result<(), String> {
    let file = repository.read(path).map_err(|_| format!("{path} cannot be read"))?;
    let dockerfile = Dockerfile::parse(file.text());
    if dockerfile.directive(DirectiveKind::Syntax).is_some() {
        return Err(format!("{path} asks for a frontend, which kaniko passes over"));
    }
    // kaniko mounts nothing, and does not run a here-document (GoogleContainerTools/kaniko#1568 and #3351).
    if ["--mount", "<<"].iter().any(|words| file.text().contains(words)) {
        return Err(format!("{path} may hold a mount or a here-document, which kaniko passes over"));
    }
    let stages = Stages::new(&dockerfile, &command.build_arguments);
    let target = stages.target(command.target.as_deref()).ok_or("its target is not known")?;
    if !command.has_option("--skip-unused-stages") && stages.reachable(target).len() <= target {
        return Err(format!("kaniko builds stages of {path} that BuildKit passes over"));
    }
    reads_patterns_alike(repository, command, path)
}

/// Whether the ignore file holds no `**`, which kaniko reads less deeply.
fn reads_patterns_alike(
    repository: &dyn Repository,
    command: &BuildCommand,
    dockerfile: &RepositoryPath,
) -> Result<(), String> {
    let own = RepositoryPath::new(&format!("{dockerfile}.dockerignore"));
    let places = own.into_iter().chain(command.context.folder().join(".dockerignore"));
    let files = places.filter_map(|path| repository.read(&path).ok());
    for file in files {
        if DockerIgnore::parse(file.text()).patterns.iter().any(|pattern| pattern.path.contains("**")) {
            return Err(format!("{} holds '**', which the two read differently", file.path()));
        }
    }
    Ok(())
}
