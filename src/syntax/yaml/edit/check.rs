use std::ops::Range;

use crate::syntax::yaml::psych::{self, Scalar};
use crate::syntax::yaml::{Node, NodeId, NodeKind, Tree};
use crate::text::TextEdit;

/// What an edit is to make of a tree; whatever it does not name stays as it is.
#[derive(Debug, Default)]
pub(super) struct Expected<'value> {
    /// The nodes that go, as ranges of their numbers, sorted and disjoint.
    pub(super) removed: Vec<Range<usize>>,
    /// The nodes that come, by their numbers in the new tree.
    pub(super) inserted: Range<usize>,
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
        let removed: usize = self.removed.iter().map(ExactSizeIterator::len).sum();
        let same_count = new.nodes().count() + removed == old.nodes().count() + self.inserted.len();
        same_count
            && old.nodes().all(|(id, node)| match self.moved(id) {
                Some(to) => self.same(id, node, new.node(to)),
                None => true,
            })
    }

    /// The number of a node in the new tree.
    fn moved(&self, id: NodeId) -> Option<NodeId> {
        let index = id.index();
        let before = self.removed.partition_point(|range| range.end <= index);
        if self.removed.get(before).is_some_and(|range| range.contains(&index)) {
            return None;
        }
        let gone: usize = self.removed.iter().take(before).map(ExactSizeIterator::len).sum();
        let index = index - gone;
        let index = if index >= self.inserted.start { index + self.inserted.len() } else { index };
        u32::try_from(index).ok().map(NodeId)
    }

    fn same(&self, id: NodeId, old: &Node, new: &Node) -> bool {
        let name = |node: &Node| node.anchor.as_ref().map(|anchor| anchor.name.clone());
        let tag = |node: &Node| node.tag.as_ref().map(|tag| tag.name.clone());
        name(old) == name(new) && tag(old) == tag(new) && self.same_kind(id, old, new)
    }

    fn same_kind(&self, id: NodeId, old: &Node, new: &Node) -> bool {
        if let Some((changed, value)) = self.changed
            && changed == id
        {
            let is_text = new.tag.is_some() || psych::read(new) == Scalar::String(value.to_owned());
            return is_text && new.scalar() == Some(value);
        }
        match (&old.kind, &new.kind) {
            (NodeKind::Scalar { style, value }, NodeKind::Scalar { style: new_style, value: new_value }) => {
                style == new_style && value == new_value && old.is_absent() == new.is_absent()
            }
            (NodeKind::Alias { name, target }, NodeKind::Alias { name: new_name, target: new_target }) => {
                let target = target.map(|target| self.moved(target));
                name == new_name && target.is_none_or(|target| target.is_none() || target == *new_target)
            }
            (NodeKind::Sequence { items, .. }, NodeKind::Sequence { items: new, .. }) => {
                self.same_children(items.iter().copied(), new.iter().copied())
            }
            (NodeKind::Mapping { entries, .. }, NodeKind::Mapping { entries: new, .. }) => self.same_children(
                entries.iter().flat_map(|entry| [entry.key, entry.value]),
                new.iter().flat_map(|entry| [entry.key, entry.value]),
            ),
            _ => false,
        }
    }

    fn same_children(&self, old: impl Iterator<Item = NodeId>, new: impl Iterator<Item = NodeId>) -> bool {
        let new = new.filter(|id| !self.inserted.contains(&id.index()));
        old.filter_map(|id| self.moved(id)).eq(new)
    }
}
