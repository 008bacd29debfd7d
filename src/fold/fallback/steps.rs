//! The steps from a cache to artifacts. Each returns the edits of its own concern.

mod artifacts;
mod caches;
mod downloads;

use super::{Reroute, edit_failed};
use crate::finding::Finding;
use crate::fold::situation::is_shared;
use crate::gitlab::{Job, Origin, Pipeline};
use crate::syntax::yaml::NodeId;
use crate::syntax::yaml::Tree;
use crate::text::{ChangeSet, RepositoryPath, TextEdit};

pub(super) use caches::{CacheEdit, cache_edits};

/// Edits of one file, or the finding that says why one of them cannot be made.
type Edits = Result<Vec<(RepositoryPath, TextEdit)>, Box<Finding>>;

const ALL: [fn(&Reroute<'_>) -> Edits; 3] = [artifacts::upload, caches::leave, downloads::download];

/// All of it together.
pub(super) fn reroute(reroute: &Reroute<'_>) -> Result<ChangeSet, Box<Finding>> {
    let location = || reroute.pipeline.job_location(reroute.producer);
    let mut changes = ChangeSet::default();
    for step in ALL {
        for (path, edit) in step(reroute)? {
            changes.edit(path, edit).map_err(|error| edit_failed(location(), &error.to_string()))?;
        }
    }
    Ok(changes)
}

/// Whether a value stands in the words of `job` alone.
pub(super) fn is_own(pipeline: &Pipeline, job: &Job, origin: Origin) -> bool {
    let Some(file) = pipeline.file(origin.file) else {
        return false;
    };
    let mut own = job.definitions.iter().filter(|definition| definition.file == origin.file);
    own.any(|definition| file.tree.is_within(origin.node, definition.value)) && !is_shared(file, origin.node)
}

/// The place of an entry in its mapping, found by its key.
fn place_of_key(tree: &Tree, key: NodeId) -> Option<(NodeId, usize)> {
    let mapping = tree.parent(key)?;
    let place = tree.node(mapping).entries().iter().position(|entry| entry.key == key)?;
    Some((mapping, place))
}
