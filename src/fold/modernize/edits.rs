//! How proposals are written: all of their edits, or none.
//!
//! Each edit is made in the text that the one before it left. They are made from the end of a file to its beginning, so that
//! the nodes that are still to be touched keep their numbers.

use std::collections::BTreeMap;

use super::{Edit, Proposal, Rewritten, Subject};
use crate::gitlab::{FileId, Origin, PipelineFile};
use crate::syntax::yaml::{CollectionStyle, Entry, NodeId, NodeKind, Tree, edit};
use crate::text::{ChangeSet, Span, TextEdit};

/// What proposals come to.
#[derive(Default)]
pub(super) struct Written {
    pub(super) changes: ChangeSet,
    pub(super) rewritten: Vec<Rewritten>,
    pub(super) added: Vec<String>,
    pub(super) variables: Vec<(String, String)>,
}

/// One edit of a file's tree.
enum Change {
    /// Bytes of a scalar's value.
    Splice(NodeId, Span, String),
    /// An item in front of that of this number.
    Item(NodeId, usize, String),
    /// An entry in front of that of this number.
    Entry(NodeId, usize, &'static str, String),
}

/// An edit with the number of the first node that it may move.
type Placed = (usize, Change);

/// Writes all edits of `proposals`; `None` where one of them cannot be made, or would touch what other jobs share.
pub(super) fn write(subject: &Subject<'_>, proposals: &[&Proposal]) -> Option<Written> {
    let edits: Vec<&Edit> = proposals.iter().flat_map(|proposal| &proposal.edits).collect();
    let mut written = Written::default();
    let mut by_file: BTreeMap<FileId, Vec<Placed>> = BTreeMap::new();
    for (origin, old, parts) in texts(subject, &edits)? {
        let (span, new) = joined(&old, parts)?;
        let after = TextEdit::replace(span, new.clone()).apply(&old)?;
        subject.owned(origin, &old)?;
        by_file.entry(origin.file).or_default().push((origin.node.index(), Change::Splice(origin.node, span, new)));
        written.rewritten.push(Rewritten { job: subject.job.name.to_string(), before: old, after });
    }
    for edit in edits {
        let placed = match edit {
            Edit::Text(..) | Edit::Scalar(..) => continue,
            Edit::Line(item, text) => {
                written.added.push(text.clone());
                subject.line(*item, text)?
            }
            Edit::Variable(beside, name, value) => {
                written.variables.push(((*name).to_owned(), (*value).to_owned()));
                match beside {
                    Some(other) => subject.variable_beside(*other, name, value)?,
                    None => subject.variable(name, value)?,
                }
            }
        };
        by_file.entry(placed.0).or_default().push(placed.1);
    }
    for (file, changes) in by_file {
        let file = subject.all.pipeline.file(file)?;
        written.changes.edit(file.source.path().clone(), in_file(file, changes)?).ok()?;
    }
    Some(written)
}

/// The scalars that are rewritten, each with its text and what is put into it.
type Texts = Vec<(Origin, String, Vec<(Span, String)>)>;

fn texts(subject: &Subject<'_>, edits: &[&Edit]) -> Option<Texts> {
    let mut texts: Texts = Vec::new();
    for edit in edits {
        let (origin, old, span, new) = match edit {
            Edit::Text(item, span, new) => {
                let item = subject.script.items.get(*item)?;
                (item.origin, item.text.as_deref()?.to_owned(), *span, new.clone())
            }
            Edit::Scalar(origin, old, new) => (*origin, old.clone(), Span::new(0, old.len()), new.clone()),
            Edit::Line(..) | Edit::Variable(..) => continue,
        };
        match texts.iter_mut().find(|(known, ..)| *known == origin) {
            Some((.., parts)) => parts.push((span, new)),
            None => texts.push((origin, old, vec![(span, new)])),
        }
    }
    Some(texts)
}

/// The bytes from the first part to the last, and what they become.
fn joined(text: &str, mut parts: Vec<(Span, String)>) -> Option<(Span, String)> {
    parts.sort_by_key(|(span, _)| (span.start(), span.end()));
    let (first, last) = (parts.first()?.0, parts.last()?.0);
    let (mut at, mut new) = (first.start(), String::new());
    for (span, part) in &parts {
        new.push_str(text.get(at..span.start())?);
        new.push_str(part);
        at = span.end();
    }
    Some((Span::new(first.start(), last.end()), new))
}

/// The edits of one file as one edit of the bytes that differ in the end.
fn in_file(file: &PipelineFile, mut changes: Vec<Placed>) -> Option<TextEdit> {
    // Of two at one place the later comes first, so that both end up in their order; a scalar is rewritten while it is there.
    changes.reverse();
    changes.sort_by_key(|(at, change)| (usize::MAX - at, !matches!(change, Change::Splice(..))));
    let mut tree = Tree::parse(file.tree.text()).ok()?;
    for (_, change) in changes {
        let edit = match &change {
            Change::Splice(node, span, new) => spliced(&tree, *node, *span, new)?,
            Change::Item(list, place, text) => edit::add_item(&tree, *list, *place, &edit::text_scalar(&tree, text))?,
            Change::Entry(mapping, place, key, value) => edit::add_entry(&tree, *mapping, *place, key, value)?,
        };
        tree = Tree::parse(&edit.apply(tree.text())?).ok()?;
    }
    difference(file.tree.text(), tree.text())
}

/// Bytes of a scalar's value become others; an empty one has no bytes, and is written anew.
fn spliced(tree: &Tree, node: NodeId, span: Span, new: &str) -> Option<TextEdit> {
    let is_empty = tree.node(node).scalar() == Some("");
    edit::replace_in_scalar(tree, node, span, new)
        .or_else(|| edit::replace_scalar(tree, node, new).filter(|_| is_empty))
}

/// One replacement that makes `new` of `old`, from the first byte that differs to the last.
fn difference(old: &str, new: &str) -> Option<TextEdit> {
    let is_cut = |text: &str, at: usize| text.is_char_boundary(at);
    let mut head = old.bytes().zip(new.bytes()).take_while(|(one, other)| one == other).count();
    while !is_cut(old, head) || !is_cut(new, head) {
        head -= 1;
    }
    let most = old.len().min(new.len()) - head;
    let mut tail = old.bytes().rev().zip(new.bytes().rev()).take_while(|(one, other)| one == other).count().min(most);
    while !is_cut(old, old.len() - tail) || !is_cut(new, new.len() - tail) {
        tail -= 1;
    }
    Some(TextEdit::replace(Span::new(head, old.len() - tail), new.get(head..new.len() - tail)?))
}

impl Subject<'_> {
    /// The file of a scalar that belongs to this job alone, or to the top of the pipeline, and has this text in a file of
    /// the repository.
    fn owned(&self, origin: Origin, text: &str) -> Option<&PipelineFile> {
        let file = self.all.pipeline.file(origin.file).filter(|file| file.is_editable())?;
        let is_as_written = file.tree.node(origin.node).scalar() == Some(text);
        (is_as_written && !self.is_shared(origin.file, &|node| node == origin.node)).then_some(file)
    }

    fn is_shared(&self, file: FileId, is_there: &dyn Fn(NodeId) -> bool) -> bool {
        let mut others = self.all.pipeline.jobs().iter().filter(|other| other.name != self.job.name);
        others.any(|other| other.holds(file, is_there))
    }

    /// A new item in front of one of the script, in the list that this stands in.
    fn line(&self, item: usize, text: &str) -> Option<(FileId, Placed)> {
        let Origin { file, node } = self.script.items.get(item)?.origin;
        let is_once = self.script.items.iter().filter(|other| other.origin == Origin { file, node }).count() == 1;
        let tree = &self.all.pipeline.file(file).filter(|file| file.is_editable() && is_once)?.tree;
        let list = tree.parent(node)?;
        let place = tree.node(list).items().iter().position(|item| *item == node)?;
        if self.is_shared(file, &|node| tree.is_within(node, list)) {
            return None;
        }
        Some((file, (node.index(), Change::Item(list, place, text.to_owned()))))
    }

    /// A new entry behind the last one of the mapping that holds the value of a variable.
    fn variable_beside(&self, other: Origin, name: &'static str, value: &str) -> Option<(FileId, Placed)> {
        let tree = &self.all.pipeline.file(other.file).filter(|file| file.is_editable())?.tree;
        let mapping = tree.parent(other.node)?;
        let NodeKind::Mapping { style, entries } = &tree.node(mapping).kind else {
            return None;
        };
        // The value of a variable may be a mapping itself, with a description of it.
        let is_variables = |entry: &Entry| entry.value == mapping && tree.node(entry.key).scalar() == Some("variables");
        if !tree.node(tree.parent(mapping)?).entries().iter().any(is_variables) {
            return None;
        }
        let value = match style {
            CollectionStyle::Block => edit::text_scalar(tree, value),
            CollectionStyle::Flow | CollectionStyle::Pair => edit::in_flow(value),
        };
        if self.is_shared(other.file, &|node| tree.is_within(node, mapping)) {
            return None;
        }
        let end = tree.nodes().filter(|(id, _)| tree.is_within(*id, mapping)).map(|(id, _)| id.index()).max()?;
        let change = Change::Entry(mapping, entries.len(), name, value);
        Some((other.file, (end + 1, change)))
    }

    /// A new entry among the variables of the job, which get their place in front of its script where it has none.
    fn variable(&self, name: &'static str, value: &str) -> Option<(FileId, Placed)> {
        let definition = self.job.definitions.last()?;
        let file = self.all.pipeline.file(definition.file).filter(|file| file.is_editable())?;
        let tree = &file.tree;
        if let Some(entry) = tree.entry(definition.value, "variables") {
            let first = tree.node(entry.value).entries().first()?;
            return self.variable_beside(Origin { file: definition.file, node: first.value }, name, value);
        }
        // A mapping of its own would hide the whole of one that a merge key brings.
        let hides = tree.entry(definition.value, "<<").is_some() && self.job.get("variables").is_some();
        let is_in_lines = tree.node(definition.value).collection_style() == Some(CollectionStyle::Block);
        if hides || !is_in_lines || self.is_shared(definition.file, &|node| tree.is_within(node, definition.value)) {
            return None;
        }
        let entries = tree.node(definition.value).entries();
        let is_script = |key: NodeId| matches!(tree.node(key).scalar(), Some("before_script" | "script"));
        let place = entries.iter().position(|entry| is_script(entry.key))?;
        let key = entries.get(place)?.key;
        let indentation = " ".repeat(indentation(tree, definition.key, key));
        let value = format!("\n{indentation}{name}: {}", edit::text_scalar(tree, value));
        Some((definition.file, (key.index(), Change::Entry(definition.value, place, "variables", value))))
    }
}

/// How far the keywords of a job stand to the right of its name.
fn indentation(tree: &Tree, name: NodeId, keyword: NodeId) -> usize {
    let column = |id: NodeId| {
        let before = tree.text().get(..tree.node(id).full_span.start()).unwrap_or_default();
        before.rsplit('\n').next().map_or(0, str::len)
    };
    column(keyword).saturating_sub(column(name)).max(1)
}

#[cfg(test)]
mod tests {
    use super::{difference, joined};
    use crate::text::Span;

    #[test]
    fn what_differs_is_cut_between_characters() {
        for (old, new) in [("aéb", "aèb"), ("aa", "aaa"), ("", "x"), ("x", ""), ("ééé", "é"), ("same", "same")] {
            assert_eq!(difference(old, new).unwrap().apply(old).as_deref(), Some(new));
        }
    }

    #[test]
    fn parts_are_put_in_by_their_place() {
        let parts = vec![(Span::new(4, 5), "E".to_owned()), (Span::new(1, 2), "B".to_owned())];
        assert_eq!(joined("abcdef", parts), Some((Span::new(1, 5), "BcdE".to_owned())));
    }
}
