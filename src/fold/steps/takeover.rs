//! The image job gets what it has to take over of the keywords of its build jobs.
//!
//! ```yaml
//! image:
//!   interruptible: true
//!   script: [docker build .]
//! ```
//! becomes
//! ```yaml
//! image:
//!   interruptible: false
//!   script: [docker build .]
//!   variables:
//!     GIT_SUBMODULE_STRATEGY: recursive
//! ```

use super::Edits;
use crate::finding::{Code, Finding};
use crate::fold::edit_failed;
use crate::fold::situation::{Situation, is_shared};
use crate::fold::takeover::{Taken, Takeover};
use crate::gitlab::{Definition, Job, PipelineFile, Value};
use crate::syntax::yaml::{CollectionStyle, Entry, Node, NodeId, NodeKind, Tree, edit};
use crate::text::{RepositoryPath, Span, TextEdit};

pub(super) fn write(situations: &[&Situation<'_>]) -> Edits {
    let Some(situation) = situations.first() else {
        return Ok(Vec::new());
    };
    let taken = Takeover::of(situations).taken;
    if taken.is_empty() {
        return Ok(Vec::new());
    }
    let place = Place::of(situation, situations.iter().map(|situation| situation.producer).collect())?;
    let (own, missing): (Vec<_>, Vec<_>) = taken.iter().partition(|taken| place.entry(taken.keyword).is_some());
    let mut edits = Vec::new();
    for taken in &own {
        if taken.variable.is_none() {
            edits.push(place.replaced(taken)?);
        }
    }
    edits.extend(place.with_variables(&own)?);
    edits.extend(place.with_keywords(&missing)?);
    Ok(edits)
}

/// Where the image job is written.
struct Place<'a> {
    situation: &'a Situation<'a>,
    file: &'a PipelineFile,
    mapping: NodeId,
    producers: Vec<&'a Job>,
}

type Failure = Box<Finding>;

impl<'a> Place<'a> {
    fn of(situation: &'a Situation<'a>, producers: Vec<&'a Job>) -> Result<Self, Failure> {
        let consumer = situation.consumer;
        let shared = || {
            let message =
                "other jobs take over what the image job has, and the fold has to give it a keyword of its own";
            let location = situation.pipeline.job_location(consumer);
            let finding = Finding::new(Code::JobDefinitionShared, location, message);
            Box::new(finding.with_help("write what they share in a hidden job that all of them extend"))
        };
        let definition: &Definition = consumer.definitions.last().ok_or_else(shared)?;
        let file = situation.pipeline.file(definition.file).ok_or_else(shared)?;
        let is_mapping = matches!(file.tree.node(definition.value).kind, NodeKind::Mapping { .. });
        let names_it = |extends: &Value| {
            extends.one_or_many().iter().any(|name| name.text().is_some_and(|name| name == consumer.name))
        };
        let mut others = situation.pipeline.top().fields().iter();
        let is_extended = others.any(|other| other.value.get("extends").is_some_and(names_it));
        let is_referred_to = situation.pipeline.files().iter().any(|file| refers_to(&file.tree, &consumer.name));
        if !is_mapping || is_extended || is_referred_to || is_shared(file, definition.value) {
            return Err(shared());
        }
        Ok(Self { situation, file, mapping: definition.value, producers })
    }

    fn entry(&self, keyword: &str) -> Option<Entry> {
        self.file.tree.entry(self.mapping, keyword)
    }

    fn path(&self) -> RepositoryPath {
        self.file.source.path().clone()
    }

    fn failed(&self, keyword: &str) -> Failure {
        let message = format!("the image job has to get another '{keyword}', which cannot be written here");
        edit_failed(self.situation.consumer_location(keyword), &message)
    }

    fn shared_variables(&self) -> Failure {
        let message = "the image job has to get a variable, and has its variables from a mapping that others share";
        let location = self.situation.consumer_location("variables");
        let finding = Finding::new(Code::JobDefinitionShared, location, message);
        Box::new(finding.with_help("let the image job have 'variables' of its own, and the others by 'extends'"))
    }

    /// One value in the place of another; an alias gives way as a whole.
    fn replaced(&self, taken: &Taken) -> Result<(RepositoryPath, TextEdit), Failure> {
        let node = self.entry(taken.keyword).map(|entry| self.file.tree.node(entry.value));
        let is_simple = |kind: &NodeKind| matches!(kind, NodeKind::Scalar { .. } | NodeKind::Alias { .. });
        let node = node.filter(|node| is_simple(&node.kind) && node.anchor.is_none() && !node.is_absent());
        let node = node.ok_or_else(|| self.failed(taken.keyword))?;
        Ok((self.path(), TextEdit::replace(node.full_span, taken.written.clone())))
    }

    /// Variables beside those that the image job has of its own, or in the place of one.
    fn with_variables(&self, own: &[&Taken]) -> Edits {
        let new: Vec<_> =
            own.iter().filter_map(|taken| Some((taken.variable.clone()?, taken.written.clone()))).collect();
        let Some(variables) = self.entry("variables").filter(|_| !new.is_empty()) else {
            return Ok(Vec::new());
        };
        let tree = &self.file.tree;
        let is_own = matches!(tree.node(variables.value).kind, NodeKind::Mapping { .. });
        if !is_own || is_shared(self.file, variables.value) {
            return Err(self.shared_variables());
        }
        let place = |name: &str| tree.entry(variables.value, name).map(|entry| tree.node(entry.value));
        let (present, missing): (Vec<_>, Vec<_>) = new.into_iter().partition(|(name, _)| place(name).is_some());
        let mut edits = Vec::new();
        for (name, written) in &present {
            let node = place(name).filter(|node| node.scalar().is_some() && node.anchor.is_none() && !node.is_absent());
            let node = node.ok_or_else(|| self.shared_variables())?;
            edits.push((self.path(), TextEdit::replace(node.full_span, written.clone())));
        }
        if !missing.is_empty() {
            let edit = added(tree, variables.value, &missing);
            edits.push((self.path(), edit.ok_or_else(|| self.shared_variables())?));
        }
        Ok(edits)
    }

    /// Keywords that the image job has not of its own, all in one edit.
    fn with_keywords(&self, missing: &[&Taken]) -> Edits {
        let tree = &self.file.tree;
        let mut entries: Vec<_> = missing
            .iter()
            .filter(|taken| taken.variable.is_none())
            .map(|taken| (taken.keyword.to_owned(), self.as_written(taken).unwrap_or_else(|| taken.written.clone())))
            .collect();
        let variables: Vec<_> = missing.iter().filter_map(|taken| Some((taken.variable.as_ref()?, taken))).collect();
        if !variables.is_empty() {
            // A mapping of its own would hide the whole of one that a merge key brings.
            if self.is_merged("variables") {
                return Err(self.shared_variables());
            }
            let lines: Vec<_> = variables.iter().map(|(name, taken)| format!("{name}: {}", taken.written)).collect();
            entries.push(("variables".to_owned(), self.mapping_of(&lines)));
        }
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let edit = added(tree, self.mapping, &entries);
        let failed = || self.failed(missing.first().map_or("variables", |taken| taken.keyword));
        Ok(vec![(self.path(), edit.ok_or_else(failed)?)])
    }

    /// The lines of the build job that say it, where they are lines and mean the same in another place.
    fn as_written(&self, taken: &Taken) -> Option<String> {
        let in_blocks = self.file.tree.node(self.mapping).collection_style() == Some(CollectionStyle::Block);
        let fields = self.producers.iter().filter_map(|job| job.fields.field(taken.keyword));
        let field = fields.filter(|_| in_blocks).find(|field| field.value.written() == taken.written)?;
        let tree = &self.situation.pipeline.file(field.value.origin.file)?.tree;
        let value = field.value.origin.node;
        let is_linked = |(id, node): (NodeId, &Node)| {
            tree.is_within(id, value) && (node.anchor.is_some() || matches!(node.kind, NodeKind::Alias { .. }))
        };
        let is_block = tree.node(value).collection_style() == Some(CollectionStyle::Block);
        if !is_block || tree.nodes().any(is_linked) {
            return None;
        }
        let span = tree.node(value).full_span;
        let start = span.start().checked_sub(column(tree, value))?;
        // A comment behind the last value belongs to it.
        let rest = tree.text().get(span.end()..)?.lines().next().map_or(0, str::len);
        let indentation = " ".repeat(column(tree, field.key_origin.node));
        let lines = Span::new(start, span.end() + rest).slice(tree.text()).lines();
        let lines: Option<Vec<_>> = lines.map(|line| line.strip_prefix(&indentation)).collect();
        Some(format!("\n{}", lines?.join("\n")))
    }

    fn is_merged(&self, keyword: &str) -> bool {
        self.entry("<<").is_some() && self.situation.consumer.get(keyword).is_some()
    }

    /// A mapping in the manner of the job: lines of their own, or brackets.
    fn mapping_of(&self, lines: &[String]) -> String {
        let tree = &self.file.tree;
        if tree.node(self.mapping).collection_style() != Some(CollectionStyle::Block) {
            return format!("{{{}}}", lines.join(", "));
        }
        let indentation = " ".repeat(self.indentation());
        lines.iter().map(|line| format!("\n{indentation}{line}")).collect()
    }

    /// How far the job's keywords stand to the right of its name.
    fn indentation(&self) -> usize {
        let tree = &self.file.tree;
        let keyword = tree.node(self.mapping).entries().first().map_or(2, |entry| column(tree, entry.key));
        let name = self.situation.consumer.definitions.last().map_or(0, |definition| column(tree, definition.key));
        keyword.saturating_sub(name).max(1)
    }
}

/// Whether a `!reference` takes something of the job.
fn refers_to(tree: &Tree, name: &str) -> bool {
    let is_reference = |node: &Node| node.tag.as_ref().is_some_and(|tag| tag.name == "!reference");
    let first = |node: &Node| node.items().first().and_then(|item| tree.node(*item).scalar()) == Some(name);
    tree.nodes().any(|(_, node)| is_reference(node) && first(node))
}

/// How many bytes stand in front of a node in its line.
fn column(tree: &Tree, id: NodeId) -> usize {
    let before = tree.text().get(..tree.node(id).full_span.start()).unwrap_or_default();
    before.rsplit('\n').next().map_or(0, str::len)
}

/// Entries behind the last one of a mapping, as one edit.
fn added(tree: &Tree, mapping: NodeId, entries: &[(String, String)]) -> Option<TextEdit> {
    let place = tree.node(mapping).entries().len();
    let (first, rest) = entries.split_first()?;
    let edit = edit::add_entry(tree, mapping, place, &first.0, &first.1)?;
    if rest.is_empty() {
        return Some(edit);
    }
    let text = edit.apply(tree.text())?;
    let rest = added(&Tree::parse(&text).ok()?, mapping, rest)?;
    in_succession(&edit, &rest)
}

/// Two insertions of which the second knows the text after the first, and stands right behind it.
fn in_succession(first: &TextEdit, second: &TextEdit) -> Option<TextEdit> {
    let ([one], [other]) = (first.replacements(), second.replacements()) else {
        return None;
    };
    let behind = Span::at(one.span.start() + one.text.len());
    let is_insertion = one.span.is_empty() && other.span == behind;
    is_insertion.then(|| TextEdit::insert(one.span.start(), format!("{}{}", one.text, other.text)))
}

#[cfg(test)]
mod tests {
    use super::{Tree, added};

    fn check(text: &str, entries: &[(&str, &str)], expected: &str) {
        let tree = Tree::parse(text).unwrap();
        let entries: Vec<_> = entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let edit = added(&tree, tree.nodes().nth(2).unwrap().0, &entries).unwrap();
        assert_eq!(edit.apply(text).unwrap(), expected);
    }

    #[test]
    fn several_entries_are_one_edit() {
        let both: [(&str, &str); 2] = [("c", "1"), ("d", "\n  e: 2")];
        check("a:\n  b: 0\nz: 9\n", &both, "a:\n  b: 0\n  c: 1\n  d:\n    e: 2\nz: 9\n");
        check("a:\r\n    b: 0", &both[..1], "a:\r\n    b: 0\r\n    c: 1");
        check("a:\n  b: 0", &both, "a:\n  b: 0\n  c: 1\n  d:\n    e: 2");
        check("a: {b: 0}\n", &[("c", "1"), ("d", "{e: 2}")], "a: {b: 0, c: 1, d: {e: 2}}\n");
    }
}
