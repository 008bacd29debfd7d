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
/// A file without a line break at its end stays without one, unless a block scalar that comes last would lose
/// its own.
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

#[cfg(test)]
mod tests {
    use super::{remove_entries, remove_items};
    use crate::syntax::yaml::{CollectionStyle, NodeId, Tree};

    /// Removes children of the innermost collection that holds a scalar `marker`, or of the root mapping.
    fn removed(text: &str, marker: &str, places: &[usize]) -> Option<String> {
        let tree = Tree::parse(text).unwrap();
        let marked = tree.nodes().find(|(_, node)| node.scalar() == Some(marker)).unwrap().0;
        let holder = tree.parent(marked).unwrap();
        let edit = match tree.node(holder).items().is_empty() {
            true => remove_entries(&tree, holder, places),
            false => remove_items(&tree, holder, places),
        };
        edit.map(|edit| edit.apply(text).unwrap())
    }

    fn check(text: &str, marker: &str, places: &[usize], expected: &str) {
        assert_eq!(removed(text, marker, places).as_deref(), Some(expected), "from {text:?}");
    }

    #[test]
    fn a_job_goes_with_its_separator_and_its_own_comments() {
        let text = "a:\n  x: 1\n\n# about b\nb:\n  x: | # y\n    z\n\nc:\n  x: 2\n";
        check(text, "a", &[1], "a:\n  x: 1\n\nc:\n  x: 2\n");
        check(text, "a", &[0], "# about b\nb:\n  x: | # y\n    z\n\nc:\n  x: 2\n");
        check(text, "a", &[2], "a:\n  x: 1\n\n# about b\nb:\n  x: | # y\n    z\n");
        check(text, "a", &[0, 2], "# about b\nb:\n  x: | # y\n    z\n");
        assert_eq!(removed(text, "a", &[0, 1, 2]), None);
    }

    #[test]
    fn a_banner_stays_and_what_is_indented_deeper_goes() {
        let text = "a: 1\n\n# ---- b ----\n\nb:\n  x: 1\n\n  # y: 2\n# about c\nc: 3\n";
        check(text, "a", &[1], "a: 1\n\n# ---- b ----\n\n# about c\nc: 3\n");
        check(text, "a", &[0, 1], "# ---- b ----\n\n# about c\nc: 3\n");
    }

    #[test]
    fn the_end_of_a_file_stays_what_it_was() {
        check("a: 1\n\nb: 2", "a", &[1], "a: 1");
        check("a: 1\r\n\r\nb: |\r\n  x", "a", &[1], "a: 1");
        check("a: 1\n\nb: 2\n\n\n", "a", &[1], "a: 1\n\n\n");
        check("a: |\n  x\nb: 2", "a", &[1], "a: |\n  x\n");
        check("a: |+\n  x\n\nb: 2\n\nc: 3\n", "a", &[1], "a: |+\n  x\n\nc: 3\n");
    }

    #[test]
    fn the_first_of_a_compact_collection_leaves_its_dash() {
        check("- name: x\n  # about y\n  y: 1\n- z: 1\n", "name", &[0], "- # about y\n  y: 1\n- z: 1\n");
        check("- name: x # c\n\n  y: |\n    1\n", "name", &[0], "- y: |\n    1\n");
        check("- - a\n  - b\n  - c\n", "a", &[0, 1], "- - c\n");
        check("? a: 1\n  b: 2\n: c\n", "b", &[0], "? b: 2\n: c\n");
        check("? a\n: 1\n? b\n: 2\n", "a", &[1], "? a\n: 1\n");
        check("a:\n- x\n- y\nb: 1\n", "x", &[0], "a:\n- y\nb: 1\n");
    }

    #[test]
    fn flow_collections_keep_their_commas_in_order() {
        check("[a, b, c]\n", "a", &[0], "[b, c]\n");
        check("[a, b, c]\n", "a", &[1], "[a, c]\n");
        check("[a, b, c]\n", "a", &[1, 2], "[a]\n");
        check("[a, b, c, ]\n", "a", &[2], "[a, b, ]\n");
        check("[ a, b ]\n", "a", &[0, 1], "[]\n");
        check("x: {a: 1, b: 2}\n", "a", &[0, 1], "x: {}\n");
        check("[a: 1, b]\n", "b", &[0], "[b]\n");
    }

    #[test]
    fn flow_collections_on_several_lines_lose_whole_lines() {
        let text = "[\n  a, # 1\n\n  # about b\n  b, # 2\n\n  c # 3\n]\n";
        check(text, "a", &[0], "[\n  # about b\n  b, # 2\n\n  c # 3\n]\n");
        check(text, "a", &[1], "[\n  a, # 1\n\n  c # 3\n]\n");
        check(text, "a", &[2], "[\n  a, # 1\n\n  # about b\n  b # 2\n]\n");
        check("[a, b, # 1\n c, d]\n", "a", &[1], "[a,\n c, d]\n");
        check("[a, b,\n c, d]\n", "a", &[2], "[a, b,\n d]\n");
        check("[a, # 1\n # about b\n b]\n", "a", &[0], "[\n # about b\n b]\n");
        check("[a, # 1\n b]\n", "a", &[1], "[a # 1\n ]\n");
    }

    #[test]
    fn what_is_not_there_cannot_go() {
        assert_eq!(removed("a: 1\n", "a", &[1]), None);
        let tree = Tree::parse("a: 1\n").unwrap();
        assert_eq!(remove_items(&tree, NodeId(0), &[0]), None);
        assert_eq!(tree.node(NodeId(0)).collection_style(), Some(CollectionStyle::Block));
        assert!(remove_entries(&tree, NodeId(0), &[]).unwrap().is_empty());
    }

    #[test]
    fn an_anchor_may_go_before_its_aliases_do() {
        check("a: &x 1\nb: *x\nc: 2\n", "a", &[0], "b: *x\nc: 2\n");
    }
}
