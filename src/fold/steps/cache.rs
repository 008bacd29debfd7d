//! A cache that served only the hand-off goes; of one that serves others too, only the paths of the hand-off.

use super::Edits;
use crate::fold::edit_failed;
use crate::fold::situation::{Situation, is_shared};
use crate::gitlab::{Cache, Field, PathPattern, PipelineFile};
use crate::outcome::Via;
use crate::syntax::yaml::{NodeId, edit};

pub(super) fn remove(situation: &Situation<'_>) -> Edits {
    let is_cached = situation.handoff.flows.iter().any(|flow| flow.via == Via::Cache);
    let Some(field) = situation.consumer.fields.field("cache").filter(|_| is_cached) else {
        return Ok(Vec::new());
    };
    let is_own = |file: &&PipelineFile| file.is_editable() && !is_shared(file, field.value.origin.node);
    let Some(file) = situation.pipeline.file(field.value.origin.file).filter(is_own) else {
        return Ok(Vec::new());
    };
    let mut edits = Vec::new();
    for cache in situation.consumer.caches() {
        edits.extend(one(situation, field, file, &cache)?);
    }
    Ok(edits)
}

fn one(situation: &Situation<'_>, field: &Field, file: &PipelineFile, cache: &Cache) -> Edits {
    let flows = situation.handoff.flows.iter().filter(|flow| flow.via == Via::Cache);
    let handed: Vec<_> = flows.flat_map(|flow| &flow.patterns).map(|pattern| pattern.text.as_str()).collect();
    let goes = |pattern: &PathPattern| handed.contains(&pattern.text.as_str()) && is_of_no_use(situation, pattern);
    if !cache.paths.iter().any(goes) {
        return Ok(Vec::new());
    }
    let failed =
        || edit_failed(file.location(cache.value.origin.node), "the cache of the hand-off cannot be taken out here");
    let edit = if cache.paths.iter().all(goes) {
        without_cache(field, file, cache)
    } else {
        without_paths(file, cache, &goes)
    };
    Ok(vec![(file.source.path().clone(), edit.ok_or_else(failed)?)])
}

/// A path that the image took, or a file that is in the clone anyway.
fn is_of_no_use(situation: &Situation<'_>, pattern: &PathPattern) -> bool {
    let used = situation.used_patterns();
    let is_tracked = pattern.path().is_some_and(|path| situation.repository.tracked().contains_key(&path));
    is_tracked || used.iter().any(|used| used.text == pattern.text)
}

/// The whole keyword goes, or one item of its list.
fn without_cache(field: &Field, file: &PipelineFile, cache: &Cache) -> Option<crate::text::TextEdit> {
    let list = field.value.origin.node;
    let node = cache.value.origin.node;
    if node != list {
        let place = file.tree.node(list).items().iter().position(|item| *item == node)?;
        if file.tree.node(list).items().len() > 1 {
            return edit::remove_items(&file.tree, list, &[place]);
        }
    }
    let key = field.key_origin.node;
    let mapping = file.tree.parent(key)?;
    let place = file.tree.node(mapping).entries().iter().position(|entry| entry.key == key)?;
    edit::remove_entries(&file.tree, mapping, &[place])
}

fn without_paths(
    file: &PipelineFile,
    cache: &Cache,
    goes: &dyn Fn(&PathPattern) -> bool,
) -> Option<crate::text::TextEdit> {
    let gone: Vec<NodeId> =
        cache.paths.iter().filter(|pattern| goes(pattern)).map(|pattern| pattern.origin.node).collect();
    let list = cache.value.get("paths")?.origin.node;
    let items = file.tree.node(list).items();
    let places: Vec<_> = gone.iter().filter_map(|node| items.iter().position(|item| item == node)).collect();
    edit::remove_items(&file.tree, list, &places)
}
