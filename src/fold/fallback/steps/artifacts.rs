//! The producer uploads the files.
//!
//! ```yaml
//! # before             # after
//! compile:             compile:
//!   script: [make]       script: [make]
//!                        artifacts:
//!                          paths:
//!                            - dist
//!                          expire_in: 1 hour
//! ```

use super::Edits;
use crate::fold::edit_failed;
use crate::fold::fallback::Reroute;
use crate::gitlab::{Definition, PipelineFile, Value};
use crate::syntax::yaml::{CollectionStyle, NodeId, NodeKind, Tree, edit};
use crate::text::{Span, TextEdit};

/// How long GitLab keeps the files: the image job fetches them in the same pipeline.
const KEPT: &str = "expire_in: 1 hour";

pub(super) fn upload(reroute: &Reroute<'_>) -> Edits {
    let failed = || {
        let location = reroute.pipeline.keyword_location(reroute.producer, "artifacts");
        edit_failed(location, "the paths of the hand-off cannot be written into 'artifacts' here")
    };
    let definition = reroute.producer.definitions.last().copied().ok_or_else(failed)?;
    let present = reroute.producer.fields.field("artifacts").map(|field| &field.value);
    let home = present.map_or(definition.file, |value| value.origin.file);
    let file = reroute.pipeline.file(home).ok_or_else(failed)?;
    let layout = Layout::of(&file.tree, definition);
    let paths = written(reroute);
    let edit = match present {
        None => new_keyword(&file.tree, definition, &layout, &paths),
        Some(value) => more_paths(file, value, &layout, &paths),
    };
    Ok(vec![(file.source.path().clone(), edit.ok_or_else(failed)?)])
}

/// The paths as the cache writes them, quotes and all.
fn written(reroute: &Reroute<'_>) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    for path in &reroute.uploaded {
        let source = reroute.pipeline.file(path.origin.file).map(|file| {
            let node = file.tree.node(path.origin.node);
            node.span.slice(file.source.text()).to_owned()
        });
        let path = source.unwrap_or_else(|| path.written.to_string());
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    paths
}

/// How a job is laid out, so that what is new in it looks like the rest.
struct Layout {
    is_flow: bool,
    /// The white space by which a key stands deeper than the one above it.
    step: String,
    /// The white space by which an item stands deeper than the key of its list.
    item: String,
}

impl Layout {
    fn of(tree: &Tree, definition: Definition) -> Self {
        let job = tree.node(definition.value);
        let first = job.entries().first().map(|entry| column(tree, entry.key)).unwrap_or_default();
        let step = first.saturating_sub(column(tree, definition.key));
        let step = if step == 0 { 2 } else { step };
        let own = |id: NodeId| tree.is_within(id, definition.value);
        let lists: Vec<_> = tree.nodes().filter_map(|(id, _)| Some((id, item_step(tree, id)?))).collect();
        let found = lists.iter().find(|(id, _)| own(*id)).or_else(|| lists.first());
        Self {
            is_flow: job.collection_style() != Some(CollectionStyle::Block),
            step: " ".repeat(step),
            item: " ".repeat(found.map_or(step, |(_, item)| *item)),
        }
    }

    /// `paths` as the value of the key `paths`, which stands `depth` steps deeper than what it is put into.
    fn list(&self, paths: &[String], depth: usize) -> String {
        let indentation = self.step.repeat(depth) + &self.item;
        paths.iter().map(|path| format!("\n{indentation}- {path}")).collect()
    }
}

/// By how much the items of a block list stand deeper than its key.
fn item_step(tree: &Tree, list: NodeId) -> Option<usize> {
    let NodeKind::Sequence { style: CollectionStyle::Block, .. } = tree.node(list).kind else {
        return None;
    };
    let entries = tree.node(tree.parent(list)?).entries();
    let key = entries.iter().find(|entry| entry.value == list)?.key;
    column(tree, list).checked_sub(column(tree, key))
}

fn column(tree: &Tree, node: NodeId) -> usize {
    let before = tree.text().get(..tree.node(node).full_span.start()).unwrap_or_default();
    before.chars().rev().take_while(|character| !matches!(character, '\n' | '\u{feff}')).count()
}

fn new_keyword(tree: &Tree, definition: Definition, layout: &Layout, paths: &[String]) -> Option<TextEdit> {
    let place = tree.node(definition.value).entries().len();
    let value = if layout.is_flow {
        format!("{{paths: [{}], {KEPT}}}", paths.join(", "))
    } else {
        let step = &layout.step;
        format!("\n{step}paths:{}\n{step}{KEPT}", layout.list(paths, 1))
    };
    edit::add_entry(tree, definition.value, place, "artifacts", &value)
}

/// The paths are added to those that are there, or to a mapping that has none yet.
fn more_paths(file: &PipelineFile, artifacts: &Value, layout: &Layout, paths: &[String]) -> Option<TextEdit> {
    let tree = &file.tree;
    let Some(list) = artifacts.get("paths") else {
        let mapping = artifacts.origin.node;
        let place = tree.node(mapping).entries().len();
        let is_flow = tree.node(mapping).collection_style() != Some(CollectionStyle::Block);
        let value = if is_flow { format!("[{}]", paths.join(", ")) } else { layout.list(paths, 0) };
        return edit::add_entry(tree, mapping, place, "paths", &value);
    };
    let mut text = tree.text().to_owned();
    for path in paths {
        // A list comes before its items, so its number is the same in the text that has one item more.
        let grown = Tree::parse(&text).ok()?;
        let place = grown.node(list.origin.node).items().len();
        text = edit::add_item(&grown, list.origin.node, place, path)?.apply(&text)?;
    }
    Some(difference(tree.text(), &text))
}

/// The edit from one text to another that differs in one place.
fn difference(before: &str, after: &str) -> TextEdit {
    let head: usize =
        before.chars().zip(after.chars()).take_while(|(one, other)| one == other).map(|(one, _)| one.len_utf8()).sum();
    let (rest_before, rest_after) = (before.get(head..).unwrap_or_default(), after.get(head..).unwrap_or_default());
    let tail: usize = rest_before
        .chars()
        .rev()
        .zip(rest_after.chars().rev())
        .take_while(|(one, other)| one == other)
        .map(|(one, _)| one.len_utf8())
        .sum();
    let new = rest_after.get(..rest_after.len() - tail).unwrap_or_default();
    TextEdit::replace(Span::new(head, before.len() - tail), new)
}

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn a_difference_is_what_lies_between_the_common_ends() {
        for (before, after) in [("abc", "abxc"), ("aa", "aaa"), ("", "a"), ("é1", "é2"), ("same", "same")] {
            assert_eq!(difference(before, after).apply(before).as_deref(), Some(after));
        }
    }
}
