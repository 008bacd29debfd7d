//! The steps of a fold. Each returns the edits of its own concern; here they are put together.

mod build_command;
mod builder_stage;
mod cache;
mod copies;
mod dockerfiles;
mod needs;
mod producer;
mod script_lines;

use super::edit_failed;
use super::situation::Situation;
use crate::finding::Finding;
use crate::gitlab::Pipeline;
use crate::handoff::DockerCp;
use crate::source::Repository;
use crate::text::{ChangeSet, RepositoryPath, TextEdit};

/// The change, and notes on it.
type Change = Result<(ChangeSet, Vec<Finding>), Box<Finding>>;

/// Edits of one file, or the finding that says why one of them cannot be made.
type Edits = Result<Vec<(RepositoryPath, TextEdit)>, Box<Finding>>;

/// Every step of a fold from one job to another.
const OF_JOBS: [fn(&Situation<'_>) -> Edits; 6] =
    [builder_stage::insert, copies::rewrite, build_command::complete, producer::remove, needs::mend, cache::remove];

/// Moves the build job of `situation` into the Dockerfile.
pub(super) fn fold_jobs(situation: &Situation<'_>) -> Change {
    let mut edits = Vec::new();
    for step in OF_JOBS {
        edits.extend(step(situation)?);
    }
    Ok((union(edits, situation.command_location())?, Vec::new()))
}

/// Joins the two Dockerfiles of `found`.
pub(super) fn fold_docker_cp(repository: &dyn Repository, pipeline: &Pipeline, found: &DockerCp) -> Change {
    let mut edits = dockerfiles::join(found)?;
    edits.extend(script_lines::remove(pipeline, found)?);
    let location = found
        .script
        .location(pipeline, found.second.command.item, found.second.command.span)
        .unwrap_or(crate::finding::Location::File(RepositoryPath::root()));
    let mut changes = union(edits, location.clone())?;
    if dockerfiles::is_unused(repository, pipeline, found) {
        let removed = changes.delete(found.first.source.path().clone());
        removed.map_err(|error| edit_failed(location, &error.to_string()))?;
    }
    Ok((changes, Vec::new()))
}

fn union(
    edits: Vec<(RepositoryPath, TextEdit)>,
    location: crate::finding::Location,
) -> Result<ChangeSet, Box<Finding>> {
    let mut changes = ChangeSet::default();
    for (path, edit) in edits {
        changes.edit(path, edit).map_err(|error| edit_failed(location.clone(), &error.to_string()))?;
    }
    Ok(changes)
}
