//! The cache of a job that served containers alone: what they found and left in it is in a stage now, so it goes.

use super::situation::is_shared;
use crate::gitlab::{Field, Job, PathPattern, Pipeline, PipelineFile, Relation};
use crate::handoff::DockerCp;
use crate::text::RepositoryPath;

/// The keyword `cache` of the job, and the file that it stands in, where all of it goes.
pub(super) fn going<'a>(
    pipeline: &'a Pipeline,
    job: &'a Job,
    found: &DockerCp,
) -> Option<(&'a Field, &'a PipelineFile)> {
    let field = job.fields.field("cache")?;
    let definition = job.definitions.last()?;
    let file = pipeline.file(field.value.origin.file)?;
    let is_own = file.is_editable()
        && field.key_origin.file == definition.file
        && file.tree.is_within(field.key_origin.node, definition.value)
        && !is_shared(file, field.value.origin.node);
    let caches = job.caches();
    let is_ours = |pattern: &PathPattern| serves_containers(found, pattern);
    let serves = found.is_made_in_place() && caches.iter().flat_map(|cache| &cache.paths).all(is_ours);
    let is_alone = pipeline.jobs().iter().filter(|other| other.name != job.name).all(|other| {
        let others = other.caches();
        !others.iter().any(|other| caches.iter().any(|cache| cache.same_key(other) || other.same_key(cache)))
    });
    (is_own && serves && is_alone).then_some((field, file))
}

/// Whether nothing but the containers works with the files of a path: a folder that was mounted, or one in which they make what the
/// image takes.
fn serves_containers(found: &DockerCp, pattern: &PathPattern) -> bool {
    let made = found.copies.iter().filter_map(|copy| copy.place.as_ref());
    let is_above = |place: &RepositoryPath| pattern.relation(place.as_str()) == Relation::Covers;
    let mounted = found.mounted_caches();
    let is_mounted = mounted.iter().any(|folder| pattern.relation(folder.as_str()) == Relation::Covers);
    !pattern.is_unbounded() && (is_mounted || made.into_iter().any(is_above))
}
