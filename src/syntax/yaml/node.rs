use crate::text::Span;

/// A node of one [`Tree`](super::Tree); of no meaning in another.
///
/// Nodes are numbered in the order in which they begin in the text, so a collection comes before what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(super) u32);

impl NodeId {
    /// Its place among the nodes of its tree, in the order of the text.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A scalar, a collection or an alias.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its bytes, without anchor and tag. A block collection reaches from its first byte to the end of its last
    /// leaf, a flow collection from bracket to bracket, a block scalar from its `|` or `>` to the last line
    /// break of its content. A value that is not there is empty, and stands just after its `-`, `:` or tag.
    pub span: Span,
    /// Its bytes with anchor and tag.
    pub full_span: Span,
    /// What it is.
    pub kind: NodeKind,
    /// The anchor that it declares.
    pub anchor: Option<Anchor>,
    /// The tag that is written on it.
    pub tag: Option<Tag>,
    /// The collection that holds it; `None` for the root of a document.
    pub parent: Option<NodeId>,
    /// The byte of the `-`, `?` or `:` that stands in front of it.
    pub(super) introducer: Option<usize>,
    /// The white space in front of each line of a block scalar that has content; of no meaning for others.
    pub(super) indentation: usize,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// A single value.
    Scalar {
        /// How it is written.
        style: ScalarStyle,
        /// Its decoded text; `""` for a value that is not there.
        value: String,
    },
    /// A list.
    Sequence {
        /// How it is written.
        style: CollectionStyle,
        /// Its items, in order.
        items: Vec<NodeId>,
    },
    /// A map.
    Mapping {
        /// How it is written.
        style: CollectionStyle,
        /// Its entries, in order, repeated keys included.
        entries: Vec<Entry>,
    },
    /// `*name`: the same node once more.
    Alias {
        /// The name, without the `*`.
        name: String,
        /// The latest node before it that declares the name. Where that node holds the alias itself,
        /// [`Tree::is_recursive`](super::Tree::is_recursive) says so.
        target: Option<NodeId>,
    },
}

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScalarStyle {
    /// Bare; a value that is not there is plain too.
    Plain,
    /// `'…'`
    SingleQuoted,
    /// `"…"`
    DoubleQuoted,
    /// `|`: line breaks stay.
    Literal,
    /// `>`: line breaks become spaces.
    Folded,
}

/// How a collection is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CollectionStyle {
    /// By indentation.
    Block,
    /// In brackets.
    Flow,
    /// A single `key: value` as an item of a flow sequence, without braces of its own.
    Pair,
}

/// A key and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key; any node may be one.
    pub key: NodeId,
    /// The value.
    pub value: NodeId,
}

/// A declared anchor, `&name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The name, without the `&`.
    pub name: String,
    /// The whole token.
    pub span: Span,
}

/// A written tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// What it stands for, its handle resolved: `!reference`, `tag:yaml.org,2002:str` for `!!str`.
    pub name: String,
    /// The whole token as it is written.
    pub span: Span,
}

impl ScalarStyle {
    /// Whether it is `|` or `>`.
    #[must_use]
    pub const fn is_block(self) -> bool {
        matches!(self, Self::Literal | Self::Folded)
    }
}

impl Node {
    /// The decoded text of a scalar.
    #[must_use]
    pub fn scalar(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::Scalar { value, .. } => Some(value),
            _ => None,
        }
    }

    /// How a scalar is written.
    #[must_use]
    pub fn scalar_style(&self) -> Option<ScalarStyle> {
        match &self.kind {
            NodeKind::Scalar { style, .. } => Some(*style),
            _ => None,
        }
    }

    /// The items of a sequence; none for any other node.
    #[must_use]
    pub fn items(&self) -> &[NodeId] {
        match &self.kind {
            NodeKind::Sequence { items, .. } => items,
            _ => &[],
        }
    }

    /// The entries of a mapping; none for any other node.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        match &self.kind {
            NodeKind::Mapping { entries, .. } => entries,
            _ => &[],
        }
    }

    /// How a collection is written.
    #[must_use]
    pub fn collection_style(&self) -> Option<CollectionStyle> {
        match &self.kind {
            NodeKind::Sequence { style, .. } | NodeKind::Mapping { style, .. } => Some(*style),
            _ => None,
        }
    }

    /// Whether it is a value of which nothing is written: `key:` or `-`; an anchor or a tag may be there.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        self.span.is_empty()
    }
}
