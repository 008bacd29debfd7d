use super::check::Expected;
use super::children::{Child, children};
use super::{remove_block, remove_flow};
use crate::syntax::yaml::{CollectionStyle, NodeId, NodeKind, Tree};
use crate::text::TextEdit;

/// Takes entries of a mapping away, by their places among its entries.
///
/// Their own comments go with them: those that [`Comment::owner`](crate::syntax::yaml::Comment::owner) gives
/// to them, all within them, and those behind them that are indented deeper. Banners stay. Blank lines that
/// separated them from their neighbours do not pile up, and the next entry keeps its separator.
///
/// With all entries gone a flow mapping is `{}`. A block mapping cannot be empty: `None`, and the caller removes
/// what holds it. `None` too where there is no such entry, and where the rest would not read as before.
#[must_use]
pub fn remove_entries(tree: &Tree, mapping: NodeId, places: &[usize]) -> Option<TextEdit> {
    match tree.node(mapping).kind {
        NodeKind::Mapping { style, .. } => remove(tree, mapping, style, places),
        _ => None,
    }
}

/// Takes items of a sequence away, by their places; otherwise as [`remove_entries`]. An empty flow sequence
/// is `[]`.
#[must_use]
pub fn remove_items(tree: &Tree, sequence: NodeId, places: &[usize]) -> Option<TextEdit> {
    match tree.node(sequence).kind {
        NodeKind::Sequence { style, .. } => remove(tree, sequence, style, places),
        _ => None,
    }
}

fn remove(tree: &Tree, collection: NodeId, style: CollectionStyle, places: &[usize]) -> Option<TextEdit> {
    let children = children(tree, collection);
    let mut goes = vec![false; children.len()];
    for place in places {
        *goes.get_mut(*place)? = true;
    }
    let candidates = match style {
        _ if places.is_empty() => return Some(TextEdit::none()),
        CollectionStyle::Block => remove_block::candidates(tree, &children, &goes)?,
        CollectionStyle::Flow => vec![remove_flow::edit(tree, tree.node(collection).span, &children, &goes)?],
        CollectionStyle::Pair => return None,
    };
    let removed = gone(&children, &goes).map(|child| child.nodes.clone()).collect();
    let expected = Expected { removed, ..Expected::default() };
    candidates.into_iter().find(|edit| expected.apply(tree, edit).is_some())
}

/// The children that go.
pub(super) fn gone<'child>(children: &'child [Child], goes: &[bool]) -> impl Iterator<Item = &'child Child> {
    children.iter().zip(goes).filter(|(_, goes)| **goes).map(|(child, _)| child)
}
