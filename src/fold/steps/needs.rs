//! The image job no longer waits for the build job, but for what that waited for.

use super::Edits;
use crate::finding::{Code, Finding};
use crate::fold::edit_failed;
use crate::fold::situation::Situation;
use crate::gitlab::{Job, Need, NeedSource, Value};
use crate::syntax::yaml::{NodeId, NodeKind, edit};
use crate::text::TextEdit;

pub(super) fn mend(situation: &Situation<'_>) -> Edits {
    let mut edits = needs(situation)?;
    edits.extend(dependencies(situation)?);
    Ok(edits)
}

/// What becomes of `needs` once the build job is not in it.
enum Remedy {
    /// The entry alone goes.
    Entry,
    /// The keyword goes: the stages say the same.
    Keyword,
    /// The list stays, and is empty.
    Empty,
    /// The entry names the job that the build job waited for.
    Other(String),
}

fn needs(situation: &Situation<'_>) -> Edits {
    let Some(needs) =
        situation.consumer.needs().filter(|needs| needs.iter().any(|need| need.is_job(&situation.producer.name)))
    else {
        return Ok(Vec::new());
    };
    let others: Vec<_> = needs.iter().filter(|need| !need.is_job(&situation.producer.name)).collect();
    let waits = waited_for(situation.producer);
    let remedy = match waits {
        Some(names) if names.is_empty() => {
            if others.is_empty() {
                Remedy::Empty
            } else {
                Remedy::Entry
            }
        }
        Some(names) if names.iter().all(|name| others.iter().any(|need| need.is_job(name))) => Remedy::Entry,
        Some(names) => match taken_over(situation, &names, &others) {
            Some(name) => Remedy::Other(name),
            None => return Err(not_mended(situation)),
        },
        None if before(situation, situation.producer).is_empty() => {
            if others.is_empty() {
                Remedy::Empty
            } else {
                Remedy::Entry
            }
        }
        None if others.is_empty() && stages_say_the_same(situation) => Remedy::Keyword,
        _ => return Err(not_mended(situation)),
    };
    edit_keyword(situation, "needs", &remedy)
}

/// The jobs that the producer needs by name; `None` where it waits for earlier stages.
fn waited_for(producer: &Job) -> Option<Vec<String>> {
    let name = |need: Need| match need.source {
        NeedSource::Job(name) => name.to_string(),
        NeedSource::Elsewhere => String::new(),
    };
    Some(producer.needs()?.into_iter().map(name).collect())
}

/// The one job that the image job must wait for in the place of the build job. It hands on no files, which
/// the image job would get from then on.
fn taken_over(situation: &Situation<'_>, names: &[String], others: &[&Need]) -> Option<String> {
    let mut missing = names.iter().filter(|name| !others.iter().any(|need| need.is_job(name)));
    let name = missing.next().filter(|_| missing.next().is_none())?;
    let is_required = situation.producer.needs()?.iter().all(|need| !need.is_job(name) || !need.optional);
    let job = situation.pipeline.job(name).filter(|_| is_required)?;
    (!job.artifacts().hands_on_files()).then(|| name.clone())
}

/// The jobs of the stages before that of `job`, the producer left out.
fn before<'a>(situation: &Situation<'a>, job: &Job) -> Vec<&'a str> {
    let stage = situation.pipeline.stage_index(job);
    let earlier = situation
        .pipeline
        .jobs()
        .iter()
        .filter(|other| situation.pipeline.stage_index(other) < stage && other.name != situation.producer.name);
    earlier.map(|other| &*other.name).collect()
}

/// Whether waiting by stages makes the image job wait for exactly what the build job waited for, and gives
/// it no files that it did not get.
fn stages_say_the_same(situation: &Situation<'_>) -> bool {
    let earlier = before(situation, situation.consumer);
    let hands_on = |name: &&str| situation.pipeline.job(name).is_some_and(|job| job.artifacts().hands_on_files());
    earlier == before(situation, situation.producer) && !earlier.iter().any(hands_on)
}

fn not_mended(situation: &Situation<'_>) -> Box<Finding> {
    let message =
        format!("the image job needs '{}', and what that waits for cannot be written here", situation.producer.name);
    let finding = Finding::new(Code::NeedsNotMended, situation.consumer_location("needs"), message);
    Box::new(finding.with_help("let the image job need what the build job needs, besides the build job"))
}

fn dependencies(situation: &Situation<'_>) -> Edits {
    let listed = situation.consumer.dependencies().unwrap_or_default();
    if !listed.iter().any(|(name, _)| *name == situation.producer.name) {
        return Ok(Vec::new());
    }
    // Without the keyword the job would download everything, so an empty list stays.
    edit_keyword(situation, "dependencies", if listed.len() == 1 { &Remedy::Empty } else { &Remedy::Entry })
}

fn edit_keyword(situation: &Situation<'_>, keyword: &str, remedy: &Remedy) -> Edits {
    let failed = || edit_failed(situation.consumer_location(keyword), &format!("'{keyword}' cannot be mended here"));
    let field = situation.consumer.fields.field(keyword).ok_or_else(failed)?;
    let file = situation.pipeline.file(field.value.origin.file).ok_or_else(failed)?;
    let node = field.value.origin.node;
    let edit = match remedy {
        Remedy::Entry => {
            edit::remove_items(&file.tree, node, &places(situation, &field.value, file.tree.node(node).items()))
        }
        Remedy::Keyword => remove_keyword(&file.tree, field.key_origin.node),
        Remedy::Empty => Some(empty_list(&file.tree, node)),
        Remedy::Other(name) => {
            names_of(situation, &field.value).first().and_then(|old| edit::replace_scalar(&file.tree, *old, name))
        }
    };
    Ok(vec![(file.source.path().clone(), edit.ok_or_else(failed)?)])
}

fn places(situation: &Situation<'_>, value: &Value, items: &[NodeId]) -> Vec<usize> {
    let names = |item: &Value| item.text().or_else(|| item.get("job").and_then(Value::text));
    let values = value.one_or_many().iter();
    let found = values.filter(|item| names(item).is_some_and(|name| name == situation.producer.name));
    found.filter_map(|item| items.iter().position(|node| *node == item.origin.node)).collect()
}

/// The scalars that name the build job in a list.
fn names_of(situation: &Situation<'_>, list: &Value) -> Vec<NodeId> {
    let name = |item: &Value| if item.text().is_some() { item.origin.node } else { job_key(item) };
    let is_producer = |item: &&Value| {
        let written = item.text().or_else(|| item.get("job").and_then(Value::text));
        written.is_some_and(|written| written == situation.producer.name)
    };
    list.one_or_many().iter().filter(is_producer).map(name).collect()
}

/// The value of `job` in an entry of `needs`, or the entry where it has none.
fn job_key(entry: &Value) -> NodeId {
    entry.get("job").map_or(entry.origin.node, |job| job.origin.node)
}

fn remove_keyword(tree: &crate::syntax::yaml::Tree, key: NodeId) -> Option<TextEdit> {
    let mapping = tree.parent(key)?;
    let place = tree.node(mapping).entries().iter().position(|entry| entry.key == key)?;
    edit::remove_entries(tree, mapping, &[place])
}

/// `[]` in the place of the list. A block list starts on a line of its own; the empty one stands behind its key.
fn empty_list(tree: &crate::syntax::yaml::Tree, list: NodeId) -> TextEdit {
    let span = tree.node(list).span;
    let is_block = matches!(tree.node(list).collection_style(), Some(crate::syntax::yaml::CollectionStyle::Block));
    let start = if is_block { key_end(tree, list).unwrap_or(span.start()) } else { span.start() };
    let gap = if is_block { " " } else { "" };
    TextEdit::replace(crate::text::Span::new(start, span.end()), format!("{gap}[]"))
}

/// The byte behind the colon in front of a value.
fn key_end(tree: &crate::syntax::yaml::Tree, value: NodeId) -> Option<usize> {
    let parent = tree.parent(value)?;
    let NodeKind::Mapping { entries, .. } = &tree.node(parent).kind else {
        return None;
    };
    let key = entries.iter().find(|entry| entry.value == value)?.key;
    let after = tree.text().get(tree.node(key).full_span.end()..)?;
    Some(tree.node(key).full_span.end() + after.find(':')? + 1)
}
