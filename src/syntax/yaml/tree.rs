use std::collections::HashMap;
use std::fmt;

use super::build::{self, Unresolved};
use super::comment::{self, Comment};
use super::node::{Entry, Node, NodeId, NodeKind};
use super::{lex, place, psych};
use crate::text::Span;

/// So many keys are held against each other one by one.
const FEW: usize = 24;

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

    /// The node of that number. A number of another tree gives some other node, or an alias without a name.
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
        let mut duplicates = Vec::new();
        if self.are_distinct_texts(entries) {
            return duplicates;
        }
        let mut seen: HashMap<String, Entry> = HashMap::new();
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

    /// Whether the keys are a few different words, which is seen without reading them as GitLab does.
    fn are_distinct_texts(&self, entries: &[Entry]) -> bool {
        let mut texts = entries.iter().map(|entry| psych::plain_word(self.node(entry.key)));
        let mut seen = Vec::with_capacity(entries.len());
        entries.len() <= FEW
            && texts.all(|text| {
                let is_new = text.is_some_and(|text| !seen.contains(&text));
                seen.extend(text);
                is_new
            })
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

#[cfg(test)]
mod tests {
    use super::{Node, NodeKind, Span, Tree};

    fn tree(text: &str) -> Tree {
        Tree::parse(text).unwrap()
    }

    fn spans(tree: &Tree, wanted: impl Fn(&Node) -> bool) -> Vec<&str> {
        tree.nodes().filter(|(_, node)| wanted(node)).map(|(_, node)| node.span.slice(tree.text())).collect()
    }

    fn error(text: &str) -> Span {
        Tree::parse(text).unwrap_err().span
    }

    #[test]
    fn a_block_collection_ends_with_its_last_leaf() {
        let tree = tree("a:\n  - x\n  - y: z # c\n\n# banner\n\nb: 1\n");
        let collections = spans(&tree, |node| node.collection_style().is_some());
        assert_eq!(collections[1..], ["- x\n  - y: z", "y: z"]);
    }

    #[test]
    fn a_block_scalar_reaches_from_its_header_to_its_last_line() {
        let tree = tree("a: |-  # c\n  x\n\n  y\n\n\nb: >+\n  z\n\nc: |\nd: |2\n    w");
        let scalars = spans(&tree, |node| node.scalar_style().is_some_and(|style| style.is_block()));
        assert_eq!(scalars, ["|-  # c\n  x\n\n  y\n", ">+\n  z\n\n", "|\n", "|2\n    w"]);
    }

    #[test]
    fn a_value_that_is_not_there_stands_behind_its_indicator() {
        let tree = tree("a: # c\nb:\n  - # c\n  - &x\n  - !t\n? k\n");
        let absent: Vec<usize> = tree.nodes().filter(|(_, n)| n.is_absent()).map(|(_, n)| n.span.start()).collect();
        assert_eq!(absent, [2, 13, 24, 31, 35]);
    }

    #[test]
    fn anchors_and_tags_belong_to_the_full_span_alone() {
        let tree = tree("a: &x !t\n  k: v\nb: !reference [j, s]\n");
        let root = tree.documents()[0].root.unwrap();
        let (a, b) = (tree.node(tree.entry(root, "a").unwrap().value), tree.node(tree.entry(root, "b").unwrap().value));
        assert_eq!((a.span.slice(tree.text()), a.full_span.slice(tree.text())), ("k: v", "&x !t\n  k: v"));
        assert_eq!(
            (a.anchor.as_ref().unwrap().name.as_str(), b.tag.as_ref().unwrap().name.as_str()),
            ("x", "!reference")
        );
        assert_eq!(b.full_span.slice(tree.text()), "!reference [j, s]");
    }

    #[test]
    fn an_alias_stands_for_the_latest_anchor_before_it() {
        let tree = tree("a: &x 1\nb: &x 2\nc: *x\nd: &y [*y]\n");
        let aliases: Vec<_> = tree.nodes().filter(|(_, node)| matches!(node.kind, NodeKind::Alias { .. })).collect();
        let NodeKind::Alias { target: Some(target), .. } = aliases[0].1.kind else { panic!("no target") };
        assert_eq!(tree.node(target).scalar(), Some("2"));
        assert!(!tree.is_recursive(aliases[0].0));
        assert!(tree.is_recursive(aliases[1].0));
    }

    #[test]
    fn the_last_of_equal_keys_counts() {
        let tree = tree("a: 1\nb: 2\n'a': 3\n1: x\n'1': y\n<<: *z\n<<: *z\n".replace("*z", "{}").as_str());
        let root = tree.documents()[0].root.unwrap();
        assert_eq!(tree.node(tree.entry(root, "a").unwrap().value).scalar(), Some("3"));
        let duplicates = tree.duplicate_keys();
        assert_eq!(duplicates.len(), 1);
        assert_eq!(tree.node(duplicates[0].first.value).scalar(), Some("1"));
    }

    #[test]
    fn documents_are_told_apart() {
        assert_eq!(tree("").documents().len(), 0);
        assert_eq!(tree("# only\n").documents().len(), 0);
        let tree = tree("\u{feff}spec: 1\n---\n--- x\n...\n");
        let roots: Vec<bool> = tree.documents().iter().map(|document| document.root.is_some()).collect();
        assert_eq!(roots, [true, false, true]);
    }

    #[test]
    fn line_breaks_of_windows_are_no_part_of_a_value() {
        let tree = tree("a: |\r\n  x\r\n  y\r\nb: 'p\r\n  q'\r\n");
        let values: Vec<&str> = tree.nodes().filter_map(|(_, node)| node.scalar()).collect();
        assert_eq!(values, ["a", "x\ny\n", "b", "p q"]);
        assert_eq!(tree.line_break(), "\r\n");
    }

    #[test]
    fn what_is_no_yaml_is_refused_where_it_goes_wrong() {
        assert_eq!(error("a: \"x\n").start(), 3);
        assert_eq!(error("a: *nope\n"), Span::new(3, 4));
        assert_eq!(error("a:\n\tb: 1\n").start(), 4);
        assert!(Tree::parse("a: \0b\n").is_err());
        assert!(Tree::parse("a: [1\n").is_err());
    }

    #[test]
    fn deep_nesting_is_refused_and_not_followed() {
        for opener in ["[", "{", "- ", "? ", "a: {", "[{"] {
            assert!(Tree::parse(&opener.repeat(100_000)).is_err(), "{opener}");
        }
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        assert_eq!(tree(&deep).nodes().count(), 200);
    }

    #[test]
    fn an_alias_bomb_is_a_small_tree() {
        let line = |name: char, of: char| format!("{name}: &{name} [{}]\n", vec![format!("*{of}"); 9].join(","));
        let lines: String = ('b'..='i').zip('a'..='h').map(|(name, of)| line(name, of)).collect();
        let tree = tree(&format!("a: &a [x,x,x,x,x,x,x,x,x]\n{lines}"));
        assert_eq!(tree.nodes().count(), 1 + 9 * 2 + 9 * 9);
    }

    #[test]
    fn a_long_comment_block_is_read() {
        let tree = tree(&format!("a: 1\n{}b: 2\n", "# comment\n".repeat(20_000)));
        assert_eq!(tree.comments().len(), 20_000);
        assert!(tree.comments().iter().all(|comment| comment.owner.is_some()));
    }
}
