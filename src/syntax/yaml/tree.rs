use std::collections::HashMap;
use std::fmt;

use super::build::{self, Unresolved};
use super::comment::{self, Comment};
use super::node::{Entry, Node, NodeId, NodeKind};
use super::{lex, place, psych};
use crate::text::Span;

/// A YAML file: its text, its documents, their nodes, and the comments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    text: String,
    documents: Vec<Document>,
    nodes: Vec<Node>,
    comments: Vec<Comment>,
    line_break: &'static str,
}

/// One document of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its only node; `None` where nothing is written in it.
    pub root: Option<NodeId>,
    /// Its bytes, with its `---` and `...` where they are written.
    pub span: Span,
}

/// A text that is not YAML, or not YAML that a tree can hold without loss.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// What is wrong, in the parser's words.
    pub message: String,
    /// The character at which it was noticed.
    pub span: Span,
}

/// Two entries of one mapping whose keys GitLab cannot tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DuplicateKey {
    /// The mapping.
    pub mapping: NodeId,
    /// The entry that stands first.
    pub first: Entry,
    /// The entry that takes its place: the last one counts.
    pub later: Entry,
}

impl Tree {
    /// Reads `text`, all documents of it. An empty text and one of comments alone have no document.
    ///
    /// # Errors
    /// Where `text` is not YAML 1.2, nests deeper than 255 block and 255 flow collections, or names an
    /// anchor that no node before it declares.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        Self::read(text, Unresolved::Refused)
    }

    /// Reads a text whose aliases may have lost their anchors.
    pub(super) fn parse_unresolved(text: &str) -> Result<Self, SyntaxError> {
        Self::read(text, Unresolved::Kept)
    }

    fn read(text: &str, unresolved: Unresolved) -> Result<Self, SyntaxError> {
        let mut draft = build::draft(text, unresolved)?;
        let (atoms, comments) = lex::lex(text, &draft.known)?;
        place::place(text, &mut draft.nodes, &atoms)?;
        for document in &mut draft.documents {
            document.root = document.root.filter(|root| !is_nothing(draft.nodes.get(root.index())));
        }
        let comments = comment::assign(text, &draft.nodes, comments);
        let line_break = if text.find('\n').is_some_and(|at| text.as_bytes().get(at.wrapping_sub(1)) == Some(&b'\r')) {
            "\r\n"
        } else {
            "\n"
        };
        Ok(Self { text: text.to_owned(), documents: draft.documents, nodes: draft.nodes, comments, line_break })
    }

    /// The text that was read.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The documents, in order.
    #[must_use]
    pub fn documents(&self) -> &[Document] {
        &self.documents
    }

    /// The node of that number. A number of another tree gives some other node, or the placeholder of an
    /// absent value.
    #[must_use]
    pub fn node(&self, id: NodeId) -> &Node {
        self.nodes.get(id.index()).unwrap_or(&ABSENT)
    }

    /// All nodes in the order of the text, each with its number.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        (0u32..).map(NodeId).zip(&self.nodes)
    }

    pub(super) fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// The collection that holds `id`.
    #[must_use]
    pub fn parent(&self, id: NodeId) -> Option<NodeId> {
        self.node(id).parent
    }

    /// The entry of `mapping` whose key is the text `key`; the last one where there are several, as GitLab
    /// reads them. An entry that comes by a merge key or through an alias does not count.
    #[must_use]
    pub fn entry(&self, mapping: NodeId, key: &str) -> Option<Entry> {
        let is_named = |entry: &&Entry| self.node(entry.key).scalar() == Some(key);
        self.node(mapping).entries().iter().rev().find(is_named).copied()
    }

    /// Every entry that takes the place of an earlier one of the same key, in the order of the text. Merge keys
    /// may be repeated and do not count.
    #[must_use]
    pub fn duplicate_keys(&self) -> Vec<DuplicateKey> {
        self.nodes().flat_map(|(mapping, node)| self.duplicates_of(mapping, node.entries())).collect()
    }

    fn duplicates_of(&self, mapping: NodeId, entries: &[Entry]) -> Vec<DuplicateKey> {
        let mut seen: HashMap<String, Entry> = HashMap::new();
        let mut duplicates = Vec::new();
        for later in entries.iter().copied() {
            let key = self.node(later.key);
            if key.scalar().is_none() || psych::is_merge_key(key) {
                continue;
            }
            if let Some(first) = seen.insert(format!("{:?}", psych::read(key)), later) {
                duplicates.push(DuplicateKey { mapping, first, later });
            }
        }
        duplicates
    }

    /// All comments, in order.
    #[must_use]
    pub fn comments(&self) -> &[Comment] {
        &self.comments
    }

    /// Whether `alias` lies within the node that it stands for.
    #[must_use]
    pub fn is_recursive(&self, alias: NodeId) -> bool {
        let NodeKind::Alias { target: Some(target), .. } = self.node(alias).kind else { return false };
        self.is_within(alias, target)
    }

    /// Whether `id` is `ancestor` or lies below it.
    #[must_use]
    pub fn is_within(&self, id: NodeId, ancestor: NodeId) -> bool {
        std::iter::successors(Some(id), |id| self.parent(*id)).any(|id| id == ancestor)
    }

    /// The line break of the file: that of its first line.
    #[must_use]
    pub const fn line_break(&self) -> &'static str {
        self.line_break
    }
}

/// What [`Tree::node`] gives for a number that is not one of its own.
static ABSENT: Node = Node {
    span: Span::at(0),
    full_span: Span::at(0),
    kind: NodeKind::Alias { name: String::new(), target: None },
    anchor: None,
    tag: None,
    parent: None,
    introducer: None,
    indentation: 0,
};

fn is_nothing(root: Option<&Node>) -> bool {
    root.is_none_or(|root| root.is_absent() && root.anchor.is_none() && root.tag.is_none())
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SyntaxError {}
