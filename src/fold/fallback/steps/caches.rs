//! The files leave the caches. One that held nothing else goes; what is left of the others stays as it is.

use super::{Edits, is_own, place_of_key};
use crate::fold::edit_failed;
use crate::fold::fallback::Reroute;
use crate::fold::situation::is_shared;
use crate::gitlab::{Cache, Field, Job, Origin, Pipeline, PipelineFile, Value};
use crate::syntax::yaml::{NodeId, edit};
use crate::text::{RepositoryPath, TextEdit};

/// What becomes of the caches of one job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::fold::fallback) enum CacheEdit {
    /// These edits take the files out.
    Made(Vec<(RepositoryPath, TextEdit)>),
    /// What stands here, and would have to change, is shared with other jobs.
    Shared(Origin),
    /// No edit is exact here.
    NotPossible,
}

pub(super) fn leave(reroute: &Reroute<'_>) -> Edits {
    let mut edits = Vec::new();
    for job in reroute.pipeline.jobs() {
        match cache_edits(reroute, job) {
            CacheEdit::Made(made) => edits.extend(made),
            CacheEdit::Shared(_) | CacheEdit::NotPossible => {
                let location = reroute.pipeline.keyword_location(job, "cache");
                return Err(edit_failed(location, "the files of the hand-off cannot be taken out of this cache"));
            }
        }
    }
    Ok(edits)
}

/// The edits that take the files out of the caches of `job`.
pub(in crate::fold::fallback) fn cache_edits(reroute: &Reroute<'_>, job: &Job) -> CacheEdit {
    let caches = job.caches();
    let Some(field) = job.fields.field("cache").filter(|_| caches.iter().any(|cache| reroute.is_concerned(cache)))
    else {
        return CacheEdit::Made(Vec::new());
    };
    let goes = |cache: &Cache| {
        reroute.is_concerned(cache) && cache.paths.iter().all(|path| reroute.leaves(path)) && !cache.untracked
    };
    if caches.iter().all(goes) {
        return without_keyword(reroute.pipeline, job, field);
    }
    let gone: Vec<_> = (0..caches.len()).filter(|at| caches.get(*at).is_some_and(goes)).collect();
    let rest = caches.iter().filter(|cache| reroute.is_concerned(cache) && !goes(cache));
    let edits = rest.map(|cache| without_paths(reroute, job, field, cache));
    let mut all = if gone.is_empty() { Vec::new() } else { vec![without_items(reroute.pipeline, job, field, &gone)] };
    all.extend(edits);
    joined(all)
}

fn joined(edits: Vec<CacheEdit>) -> CacheEdit {
    let mut all = Vec::new();
    for edit in edits {
        match edit {
            CacheEdit::Made(made) => all.extend(made),
            otherwise => return otherwise,
        }
    }
    CacheEdit::Made(all)
}

fn made(file: &PipelineFile, edit: Option<TextEdit>) -> CacheEdit {
    edit.map_or(CacheEdit::NotPossible, |edit| CacheEdit::Made(vec![(file.source.path().clone(), edit)]))
}

/// Whether a node stands in the job's own words, or in those for the whole pipeline, where no alias repeats them.
fn may_be_edited(pipeline: &Pipeline, job: &Job, field: &Field, value: &Value) -> bool {
    let is_top = top_file(pipeline, field).is_some_and(|file| {
        value.origin.file == field.key_origin.file
            && entry_value(file, field).is_some_and(|top| file.tree.is_within(value.origin.node, top))
            && !is_shared(file, value.origin.node)
    });
    is_top || is_own(pipeline, job, value.origin)
}

fn entry_value(file: &PipelineFile, field: &Field) -> Option<NodeId> {
    let (mapping, place) = place_of_key(&file.tree, field.key_origin.node)?;
    file.tree.node(mapping).entries().get(place).map(|entry| entry.value)
}

/// The pipeline's own file, where the keyword stands at its top or under `default:` and so is everybody's.
fn top_file<'a>(pipeline: &'a Pipeline, field: &Field) -> Option<&'a PipelineFile> {
    let file = pipeline.file(field.key_origin.file)?;
    let (mapping, _) = place_of_key(&file.tree, field.key_origin.node)?;
    let default = file.tree.entry(file.root, "default").map(|entry| entry.value);
    let is_first = pipeline.files().first().is_some_and(|first| std::ptr::eq(first, file));
    (is_first && (mapping == file.root || Some(mapping) == default)).then_some(file)
}

/// Takes the whole keyword away. Where another cache would come in its place, an empty list keeps that out
/// (GitLab docs: ci/caching, "Disable cache for specific jobs").
fn without_keyword(pipeline: &Pipeline, job: &Job, field: &Field) -> CacheEdit {
    let Some(file) = pipeline.file(field.key_origin.file) else {
        return CacheEdit::NotPossible;
    };
    if top_file(pipeline, field).is_some() {
        return made(file, without_entry(file, field.key_origin.node));
    }
    if !is_own(pipeline, job, field.key_origin) {
        return CacheEdit::Shared(field.key_origin);
    }
    if !has_other_cache(pipeline, job) {
        return made(file, without_entry(file, field.key_origin.node));
    }
    made(file, entry_value(file, field).and_then(|value| emptied(file, field.key_origin.node, value)))
}

/// An entry, with the key that holds it where it is the only one below that.
fn without_entry(file: &PipelineFile, key: NodeId) -> Option<TextEdit> {
    let (mapping, place) = place_of_key(&file.tree, key)?;
    if mapping == file.root || file.tree.node(mapping).entries().len() > 1 {
        return edit::remove_entries(&file.tree, mapping, &[place]);
    }
    let holder = file.tree.parent(mapping)?;
    let place = file.tree.node(holder).entries().iter().position(|entry| entry.value == mapping)?;
    edit::remove_entries(&file.tree, holder, &[place])
}

/// `cache: []`.
fn emptied(file: &PipelineFile, key: NodeId, value: NodeId) -> Option<TextEdit> {
    let tree = &file.tree;
    let after = tree.node(key).full_span.end();
    let colon = after + tree.text().get(after..)?.find(':')? + 1;
    Some(TextEdit::replace(crate::text::Span::new(colon, tree.node(value).full_span.end()), " []"))
}

/// Whether the job would inherit a cache if it had none of its own.
fn has_other_cache(pipeline: &Pipeline, job: &Job) -> bool {
    let top = pipeline.top();
    let is_inherited = top.get("cache").is_some() || top.get("default").is_some_and(|all| all.get("cache").is_some());
    let mut parents: Vec<Value> = top.get(&job.name).and_then(|own| own.get("extends")).cloned().into_iter().collect();
    let mut looked_at = 0;
    while let Some(names) = parents.get(looked_at).cloned() {
        looked_at += 1;
        let found: Vec<_> = names.one_or_many().iter().filter_map(|name| top.get(&name.text()?)).collect();
        if found.iter().any(|parent| parent.get("cache").is_some()) {
            return true;
        }
        // A circle of ancestors ends the reading of a pipeline before this.
        parents.extend(found.iter().filter_map(|parent| parent.get("extends").cloned()));
    }
    is_inherited
}

fn without_items(pipeline: &Pipeline, job: &Job, field: &Field, places: &[usize]) -> CacheEdit {
    if !may_be_edited(pipeline, job, field, &field.value) {
        return CacheEdit::Shared(field.value.origin);
    }
    let list = field.value.origin;
    pipeline.file(list.file).map_or(CacheEdit::NotPossible, |file| {
        let is_whole = file.tree.node(list.node).items().len() == field.value.one_or_many().len();
        made(file, edit::remove_items(&file.tree, list.node, places).filter(|_| is_whole))
    })
}

fn without_paths(reroute: &Reroute<'_>, job: &Job, field: &Field, cache: &Cache) -> CacheEdit {
    let Some(list) = cache.value.get("paths") else {
        return CacheEdit::NotPossible;
    };
    if !may_be_edited(reroute.pipeline, job, field, list) {
        return CacheEdit::Shared(list.origin);
    }
    let Some(file) = reroute.pipeline.file(list.origin.file) else {
        return CacheEdit::NotPossible;
    };
    let gone: Vec<_> = cache.paths.iter().filter(|path| reroute.leaves(path)).map(|path| path.origin.node).collect();
    let items = file.tree.node(list.origin.node).items();
    let places: Vec<_> = (0..items.len()).filter(|at| items.get(*at).is_some_and(|item| gone.contains(item))).collect();
    let edit = edit::remove_items(&file.tree, list.origin.node, &places).filter(|_| !places.is_empty());
    made(file, edit)
}
