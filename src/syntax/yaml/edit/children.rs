use std::ops::Range;

use crate::syntax::yaml::{Node, NodeId, NodeKind, Tree};

/// An item or an entry as edits see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Child {
    /// Its first byte: that of its `-` or `?` where it has one.
    pub(super) head: usize,
    /// Behind its last byte.
    pub(super) end: usize,
    /// The item, or the key of the entry.
    pub(super) id: NodeId,
    /// The numbers of all its nodes.
    pub(super) nodes: Range<usize>,
}

/// The children of a collection, in order; none for other nodes.
pub(super) fn children(tree: &Tree, collection: NodeId) -> Vec<Child> {
    match &tree.node(collection).kind {
        NodeKind::Sequence { items, .. } => items.iter().map(|item| child(tree, *item, *item)).collect(),
        NodeKind::Mapping { entries, .. } => entries.iter().map(|entry| child(tree, entry.key, entry.value)).collect(),
        _ => Vec::new(),
    }
}

fn child(tree: &Tree, first: NodeId, last: NodeId) -> Child {
    Child {
        head: head(tree.node(first)),
        end: tree.node(last).full_span.end(),
        id: first,
        nodes: first.index()..subtree(tree, last).end,
    }
}

fn head(node: &Node) -> usize {
    node.introducer.unwrap_or(node.full_span.start())
}

/// The numbers of `id` and all below it.
pub(super) fn subtree(tree: &Tree, id: NodeId) -> Range<usize> {
    let last_child = |id: &NodeId| {
        let node = tree.node(*id);
        node.items().last().copied().or_else(|| node.entries().last().map(|entry| entry.value))
    };
    let last = std::iter::successors(Some(id), last_child).last().unwrap_or(id);
    id.index()..last.index() + 1
}
