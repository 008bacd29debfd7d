use std::collections::HashMap;

use super::node::{CollectionStyle, Node, NodeId, NodeKind};
use crate::text::Span;

/// A comment, from its `#` to the end of its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comment {
    /// Its bytes, without the line break.
    pub span: Span,
    /// The item, or the key of the entry, that it speaks of: the one on whose line it stands, or the one that
    /// begins on the very next line in the same column. `None` for a banner or a remark of its own, which
    /// stays where its neighbours go, and goes only with what holds it.
    pub owner: Option<NodeId>,
}

/// Says for every comment what it belongs to; `comments` are in the order of the text.
pub(super) fn assign(text: &str, nodes: &[Node], comments: Vec<Span>) -> Vec<Comment> {
    let owners = owners(nodes);
    let heads = heads(nodes, &owners);
    let points = points(nodes, &owners);
    let mut owned: Vec<Comment> = comments.into_iter().map(|span| Comment { span, owner: None }).collect();
    let mut below: Option<Comment> = None;
    for comment in owned.iter_mut().rev() {
        let place = Place::of(text, comment.span);
        comment.owner = match place.next_line {
            _ if !place.alone => {
                let next = points.partition_point(|(at, _)| *at < comment.span.start());
                next.checked_sub(1).and_then(|last| points.get(last)).map(|(_, owner)| *owner)
            }
            Some((at, column)) if column == place.column => match below {
                Some(below) if below.span.start() == at => below.owner,
                _ => heads.get(&at).copied(),
            },
            _ => None,
        };
        below = Some(*comment);
    }
    owned
}

/// How a comment stands in its line.
struct Place {
    column: usize,
    /// Whether there is nothing before it on its line.
    alone: bool,
    /// The first character of the next line and its column; `None` where that line is blank.
    next_line: Option<(usize, usize)>,
}

impl Place {
    fn of(text: &str, span: Span) -> Self {
        let before = text.get(..span.start()).unwrap_or_default();
        let prefix = before.rsplit(['\n', '\r', '\u{feff}']).next().unwrap_or_default();
        let after = text.get(span.end()..).unwrap_or_default();
        let broken = after.strip_prefix("\r\n").or_else(|| after.strip_prefix(['\n', '\r']));
        let next_line = broken.and_then(|next| {
            let content = next.trim_start_matches([' ', '\t']);
            let is_blank = content.is_empty() || content.starts_with(['\n', '\r']);
            (!is_blank).then_some((text.len() - content.len(), next.len() - content.len()))
        });
        Self { column: prefix.len(), alone: prefix.trim_matches([' ', '\t']).is_empty(), next_line }
    }
}

/// For every node the item, or the key of the entry, that it is part of.
fn owners(nodes: &[Node]) -> Vec<Option<NodeId>> {
    let mut owners = vec![None; nodes.len()];
    let mut set = |node: NodeId, owner: NodeId| {
        if let Some(slot) = owners.get_mut(node.index()) {
            *slot = Some(owner);
        }
    };
    for node in nodes {
        node.items().iter().for_each(|item| set(*item, *item));
        for entry in node.entries() {
            set(entry.key, entry.key);
            set(entry.value, entry.key);
        }
    }
    owners
}

/// The outermost item or entry that begins at a byte.
fn heads(nodes: &[Node], owners: &[Option<NodeId>]) -> HashMap<usize, NodeId> {
    let mut heads = HashMap::new();
    for (index, (node, owner)) in nodes.iter().zip(owners).enumerate() {
        if let Some(owner) = owner.filter(|owner| owner.index() == index) {
            heads.entry(node.introducer.unwrap_or(node.full_span.start())).or_insert(owner);
        }
    }
    heads
}

/// Where something is written that belongs to an item or entry, in order.
fn points(nodes: &[Node], owners: &[Option<NodeId>]) -> Vec<(usize, NodeId)> {
    let mut points = Vec::with_capacity(nodes.len());
    for (node, owner) in nodes.iter().zip(owners) {
        let Some(owner) = *owner else { continue };
        points.extend(node.introducer.map(|at| (at, owner)));
        match node.kind {
            NodeKind::Scalar { .. } | NodeKind::Alias { .. } => points.push((node.span.start(), owner)),
            _ if node.collection_style() == Some(CollectionStyle::Flow) => {
                points.push((node.span.start(), owner));
                points.push((node.span.end().saturating_sub(1), owner));
            }
            _ => {}
        }
    }
    points.sort_unstable();
    points
}

#[cfg(test)]
mod tests {
    use crate::syntax::yaml::Tree;

    /// Each comment with the text of what it belongs to.
    fn owners(text: &str) -> Vec<(String, String)> {
        let tree = Tree::parse(text).unwrap();
        let owner = |id| tree.node(id).span.slice(text).to_owned();
        let name = |span: crate::text::Span| span.slice(text).to_owned();
        tree.comments()
            .iter()
            .map(|comment| (name(comment.span), comment.owner.map_or("-".to_owned(), owner)))
            .collect()
    }

    fn check(text: &str, expected: &[(&str, &str)]) {
        let expected: Vec<(String, String)> =
            expected.iter().map(|(comment, owner)| ((*comment).to_owned(), (*owner).to_owned())).collect();
        assert_eq!(owners(text), expected);
    }

    #[test]
    fn a_block_above_an_entry_is_its_own_and_a_banner_is_nobodys() {
        check(
            "# banner\n\n# one\n# two\na: 1\n# b\nb: 2\n# end\n",
            &[("# banner", "-"), ("# one", "a"), ("# two", "a"), ("# b", "b"), ("# end", "-")],
        );
    }

    #[test]
    fn a_comment_at_the_end_of_a_line_belongs_to_that_line() {
        check(
            "a: # a\n  b: 1 # b\n  c: | # c\n    x\nd: [ # d\n  e, # e\n] # f\n",
            &[("# a", "a"), ("# b", "b"), ("# c", "c"), ("# d", "d"), ("# e", "e"), ("# f", "d")],
        );
    }

    #[test]
    fn another_column_is_another_matter() {
        check("a:\n# x\n  b: 1\n  # y\nc: 2\n", &[("# x", "-"), ("# y", "-")]);
    }

    #[test]
    fn a_comment_above_a_dash_belongs_to_the_item() {
        check("\u{feff}# x\n- a: 1\n  # y\n  b: 2\n", &[("# x", "a: 1\n  # y\n  b: 2"), ("# y", "b")]);
    }

    #[test]
    fn a_hash_in_a_scalar_is_no_comment() {
        check("a: |\n  # x\nb: \"\n  # y\"\nc: d#e\n", &[]);
    }
}
