use std::ops::Range;

use crate::syntax::yaml::psych::{self, Scalar};
use crate::syntax::yaml::{Node, NodeId, NodeKind, Tree};
use crate::text::TextEdit;

/// What an edit is to make of a tree; whatever it does not name stays as it is.
#[derive(Debug, Default)]
pub(super) struct Expected<'value> {
    /// The nodes that go, as ranges of their numbers, sorted and disjoint.
    pub(super) removed: Vec<Range<usize>>,
    /// Where nodes come: the number of the first of them in the new tree. How many come is read off.
    pub(super) inserted_at: Option<usize>,
    /// The nodes of which the new ones are a copy, anchors included: aliases may stand for the copy.
    pub(super) copied: Option<Range<usize>>,
    /// A scalar and its new text, which is text to GitLab too.
    pub(super) changed: Option<(NodeId, &'value str)>,
}

impl Expected<'_> {
    /// Makes the edit; `None` where the result does not read as expected.
    pub(super) fn apply(&self, tree: &Tree, edit: &TextEdit) -> Option<Tree> {
        let new = Tree::parse_unresolved(&edit.apply(tree.text())?).ok()?;
        self.holds(tree, &new).then_some(new)
    }

    fn holds(&self, old: &Tree, new: &Tree) -> bool {
        let gone: usize = self.removed.iter().map(ExactSizeIterator::len).sum();
        let Some(come) = (new.node_count() + gone).checked_sub(old.node_count()) else { return false };
        let at = self.inserted_at.unwrap_or_default();
        if self.inserted_at.is_none() && come > 0 {
            return false;
        }
        let comparison = Comparison { expected: self, gone: running_sums(&self.removed), inserted: at..at + come };
        let rest = old.nodes().all(|(id, node)| match comparison.moved(id) {
            Some(to) => comparison.same(id, node, new.node(to)),
            None => true,
        });
        rest && self.copied.as_ref().is_none_or(|copied| comparison.is_copy(old, new, copied))
    }
}

/// Two trees side by side.
struct Comparison<'expected> {
    expected: &'expected Expected<'expected>,
    /// How many nodes go before each of the ranges that go, and before the end.
    gone: Vec<usize>,
    /// The numbers of the nodes that have come.
    inserted: Range<usize>,
}

impl Comparison<'_> {
    /// The number of a node in the new tree.
    fn moved(&self, id: NodeId) -> Option<NodeId> {
        let index = id.index();
        let removed = &self.expected.removed;
        let before = removed.partition_point(|range| range.end <= index);
        if removed.get(before).is_some_and(|range| range.contains(&index)) {
            return None;
        }
        let index = index.checked_sub(*self.gone.get(before)?)?;
        node_id(if index >= self.inserted.start { index + self.inserted.len() } else { index })
    }

    /// The number of the copy of a node.
    fn copy(&self, id: NodeId) -> Option<NodeId> {
        let copied = self.expected.copied.as_ref().filter(|copied| copied.contains(&id.index()))?;
        node_id(id.index() - copied.start + self.inserted.start)
    }

    fn is_copy(&self, old: &Tree, new: &Tree, copied: &Range<usize>) -> bool {
        copied.len() == self.inserted.len()
            && old.nodes().skip(copied.start).take(copied.len()).all(|(id, node)| {
                let Some(copy) = self.copy(id).map(|copy| new.node(copy)) else { return false };
                let children = |node: &Node| node.items().len() + node.entries().len();
                same_properties(node, copy) && self.same_leaf(node, copy) && children(node) == children(copy)
            })
    }

    fn same(&self, id: NodeId, old: &Node, new: &Node) -> bool {
        same_properties(old, new) && self.same_kind(id, old, new)
    }

    fn same_kind(&self, id: NodeId, old: &Node, new: &Node) -> bool {
        if let Some((changed, value)) = self.expected.changed
            && changed == id
        {
            let is_text = new.tag.is_some() || psych::read(new) == Scalar::String(value.to_owned());
            return is_text && new.scalar() == Some(value);
        }
        let children = |node: &Node| {
            let entries = node.entries().iter().flat_map(|entry| [entry.key, entry.value]);
            node.items().iter().copied().chain(entries).collect::<Vec<NodeId>>()
        };
        let moved = children(old).into_iter().filter_map(|id| self.moved(id));
        let stayed = children(new).into_iter().filter(|id| !self.inserted.contains(&id.index()));
        self.same_leaf(old, new) && moved.eq(stayed)
    }

    /// Whether two scalars or two aliases are the same; two collections only have to be of one kind.
    fn same_leaf(&self, old: &Node, new: &Node) -> bool {
        match (&old.kind, &new.kind) {
            (NodeKind::Scalar { style, value }, NodeKind::Scalar { style: new_style, value: new_value }) => {
                style == new_style && value == new_value && old.is_absent() == new.is_absent()
            }
            (NodeKind::Alias { name, target }, NodeKind::Alias { name: new_name, target: new_target }) => {
                name == new_name && target.is_none_or(|target| self.same_target(target, *new_target))
            }
            (old, new) => std::mem::discriminant(old) == std::mem::discriminant(new),
        }
    }

    /// An alias follows what it stands for; one whose target goes is the caller's matter.
    fn same_target(&self, old: NodeId, new: Option<NodeId>) -> bool {
        let moved = self.moved(old);
        moved.is_none() || moved == new || new.is_some() && self.copy(old) == new
    }
}

fn running_sums(ranges: &[Range<usize>]) -> Vec<usize> {
    let sum = |sum: &mut usize, range: &Range<usize>| {
        *sum += range.len();
        Some(*sum)
    };
    std::iter::once(0).chain(ranges.iter().scan(0, sum)).collect()
}

fn same_properties(old: &Node, new: &Node) -> bool {
    let anchor = |node: &Node| node.anchor.as_ref().map(|anchor| anchor.name.clone());
    let tag = |node: &Node| node.tag.as_ref().map(|tag| tag.name.clone());
    anchor(old) == anchor(new) && tag(old) == tag(new)
}

fn node_id(index: usize) -> Option<NodeId> {
    u32::try_from(index).ok().map(NodeId)
}
