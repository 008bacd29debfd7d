//! A cache that served only the hand-off goes; of one that serves others too, only the paths of the hand-off.

use super::Edits;
use crate::fold::situation::{Situation, is_shared};
use crate::fold::{container_caches, edit_failed};
use crate::gitlab::{Cache, Field, PathPattern, Pipeline, PipelineFile};
use crate::handoff::DockerCp;
use crate::outcome::Via;
use crate::syntax::yaml::{NodeId, edit};
use crate::text::TextEdit;

pub(super) fn remove(situations: &[&Situation<'_>]) -> Edits {
    situations.first().map_or(Ok(Vec::new()), |situation| of_consumer(situation))
}

fn of_consumer(situation: &Situation<'_>) -> Edits {
    let is_cached = situation.handoff.flows.iter().any(|flow| flow.via == Via::Cache);
    let Some(field) = situation.consumer.fields.field("cache").filter(|_| is_cached) else {
        return Ok(Vec::new());
    };
    let is_own = |file: &&PipelineFile| file.is_editable() && !is_shared(file, field.value.origin.node);
    let Some(file) = situation.pipeline.file(field.value.origin.file).filter(is_own) else {
        return Ok(Vec::new());
    };
    let flows = situation.handoff.flows.iter().filter(|flow| flow.via == Via::Cache);
    let handed: Vec<_> = flows.flat_map(|flow| &flow.patterns).map(|pattern| pattern.text.as_str()).collect();
    let goes = |pattern: &PathPattern| handed.contains(&pattern.text.as_str()) && is_of_no_use(situation, pattern);
    let caches = situation.consumer.caches();
    let touched = caches.iter().filter(|cache| cache.paths.iter().any(goes));
    let (whole, part): (Vec<_>, Vec<_>) = touched.partition(|cache| cache.paths.iter().all(goes));
    let failed = |cache: &Cache| {
        edit_failed(file.location(cache.value.origin.node), "the cache of the hand-off cannot be taken out here")
    };
    let mut edits = Vec::new();
    if let Some(first) = whole.first() {
        edits.push(without_caches(field, file, &whole).ok_or_else(|| failed(first))?);
    }
    for cache in part {
        edits.push(without_paths(file, cache, &goes).ok_or_else(|| failed(cache))?);
    }
    Ok(edits.into_iter().map(|edit| (file.source.path().clone(), edit)).collect())
}

/// The cache that containers alone worked with goes as a whole.
pub(super) fn of_containers(pipeline: &Pipeline, found: &DockerCp) -> Edits {
    let going = pipeline.job(&found.consumer).and_then(|job| container_caches::going(pipeline, job, found));
    let Some((field, file)) = going else {
        return Ok(Vec::new());
    };
    let edit = without_caches(field, file, &[]);
    let failed =
        || edit_failed(file.location(field.value.origin.node), "the cache of the containers cannot be taken out here");
    Ok(vec![(file.source.path().clone(), edit.ok_or_else(failed)?)])
}

/// A path that the image took, or a file that is in the clone anyway.
fn is_of_no_use(situation: &Situation<'_>, pattern: &PathPattern) -> bool {
    let used = situation.used_patterns();
    let is_tracked = pattern.path().is_some_and(|path| situation.repository.tracked().contains_key(&path));
    is_tracked || used.iter().any(|used| used.text == pattern.text)
}

/// The whole keyword goes, or some items of its list.
fn without_caches(field: &Field, file: &PipelineFile, caches: &[&Cache]) -> Option<TextEdit> {
    let list = field.value.origin.node;
    let items = file.tree.node(list).items();
    let is_gone = |item: &NodeId| caches.iter().any(|cache| cache.value.origin.node == *item);
    let places: Vec<_> = (0..items.len()).filter(|at| items.get(*at).is_some_and(is_gone)).collect();
    if !places.is_empty() && places.len() < items.len() {
        return edit::remove_items(&file.tree, list, &places);
    }
    let key = field.key_origin.node;
    let mapping = file.tree.parent(key)?;
    let place = file.tree.node(mapping).entries().iter().position(|entry| entry.key == key)?;
    edit::remove_entries(&file.tree, mapping, &[place])
}

fn without_paths(file: &PipelineFile, cache: &Cache, goes: &dyn Fn(&PathPattern) -> bool) -> Option<TextEdit> {
    let gone: Vec<NodeId> =
        cache.paths.iter().filter(|pattern| goes(pattern)).map(|pattern| pattern.origin.node).collect();
    let list = cache.value.get("paths")?.origin.node;
    let items = file.tree.node(list).items();
    let places: Vec<_> = gone.iter().filter_map(|node| items.iter().position(|item| item == node)).collect();
    edit::remove_items(&file.tree, list, &places)
}
