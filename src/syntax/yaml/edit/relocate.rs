use super::check::Expected;
use super::children::subtree;
use super::lines;
use crate::syntax::yaml::{CollectionStyle, Node, NodeId, NodeKind, Tree};
use crate::text::{Span, TextEdit};

/// Puts a copy of what `alias` stands for in its place, anchor, tag and inner comments included, indented for that
/// place, so that the anchored node can go and the later aliases still find its name.
///
/// The edit touches the alias alone. It is meant to be joined with the removal of the anchored node, and
/// `alias` is to be the first one that stays: aliases before it would lose their anchor.
///
/// `None` where `alias` has no target or lies within it, where a block stands for an alias in brackets or for a
/// key, and where the copy would not read as the original.
#[must_use]
pub fn relocate_anchor(tree: &Tree, alias: NodeId) -> Option<TextEdit> {
    let NodeKind::Alias { target: Some(target), .. } = tree.node(alias).kind else { return None };
    if tree.is_recursive(alias) {
        return None;
    }
    let copied = subtree(tree, target);
    let expected = Expected {
        removed: vec![subtree(tree, alias)],
        inserted_at: Some(alias.index()),
        copied: Some(copied),
        ..Expected::default()
    };
    candidates(tree, alias, target)?.into_iter().find(|edit| expected.apply(tree, edit).is_some())
}

fn candidates(tree: &Tree, alias: NodeId, target: NodeId) -> Option<Vec<TextEdit>> {
    let node = tree.node(target);
    let is_block = match &node.kind {
        NodeKind::Scalar { style, .. } => style.is_block(),
        _ => node.collection_style() == Some(CollectionStyle::Block),
    };
    let shift = Shift::between(tree, alias, target)?;
    let span = tree.node(alias).span;
    if is_block {
        return below(tree, span, node, shift);
    }
    let written = shift.apply(node.full_span.slice(tree.text()));
    Some(vec![TextEdit::replace(span, written)])
}

/// The head of a block goes in the place of the alias, its lines below the line of the alias.
fn below(tree: &Tree, alias: Span, node: &Node, shift: Shift) -> Option<Vec<TextEdit>> {
    let (text, line_break) = (tree.text(), tree.line_break());
    let is_scalar = node.scalar().is_some();
    let header = if is_scalar { node.span.slice(text).split(['\n', '\r', ' ', '\t']).next()? } else { "" };
    let first = match is_scalar {
        true => lines::line_end(text, node.span.start()),
        false => lines::line_start(text, node.span.start()),
    };
    if !is_scalar && !lines::is_blank(lines::prefix(text, node.span.start())) {
        return None;
    }
    let last = lines::line_end(text, node.span.end().saturating_sub(1)).max(first);
    let body = shift.indent(Span::new(first, last).slice(text));
    let properties = [node.anchor.as_ref().map(|anchor| anchor.span), node.tag.as_ref().map(|tag| tag.span)];
    let mut head: Vec<&str> = properties.into_iter().flatten().map(|span| span.slice(text)).collect();
    head.extend((!header.is_empty()).then_some(header));
    let at = lines::line_end(text, alias.end());
    let is_closed = text.get(..at).is_some_and(|before| before.ends_with('\n'));
    let body_end = if body.ends_with('\n') { "" } else { line_break };
    let bodies = match is_closed {
        true => vec![format!("{body}{body_end}")],
        false => vec![
            format!("{line_break}{}", body.strip_suffix(line_break).unwrap_or(&body)),
            format!("{line_break}{body}{body_end}"),
        ],
    };
    let edit = |body: String| {
        let mut builder = TextEdit::builder();
        match alias.end() == at {
            true => builder.replace(alias, format!("{}{body}", head.join(" "))),
            false => {
                builder.replace(alias, head.join(" "));
                builder.insert(at, body);
            }
        }
        builder.finish().ok()
    };
    Some(bodies.into_iter().filter_map(edit).collect())
}

/// By how many columns text moves.
#[derive(Clone, Copy)]
struct Shift {
    from: usize,
    to: usize,
}

impl Shift {
    /// From the column of the entry or item of `target` to that of `alias`. The items of a list that stand
    /// in the column of their key are moved to the right of a dash.
    fn between(tree: &Tree, alias: NodeId, target: NodeId) -> Option<Self> {
        let (from, to) = (owner_column(tree, target)?, owner_column(tree, alias)?);
        let node = tree.node(target);
        let is_flush = !node.items().is_empty() && lines::prefix(tree.text(), node.span.start()).len() == from;
        let is_item = !tree.parent(alias).map_or(&[][..], |parent| tree.node(parent).items()).is_empty();
        Some(Self { from, to: if is_flush && is_item { to + 2 } else { to } })
    }

    /// Moves all lines but the first.
    fn apply(self, text: &str) -> String {
        match text.split_once('\n') {
            Some((first, rest)) => format!("{first}\n{}", self.indent(rest)),
            None => text.to_owned(),
        }
    }

    /// Moves all lines; blank ones stay as they are.
    fn indent(self, text: &str) -> String {
        text.split_inclusive('\n').map(|line| self.line(line)).collect()
    }

    fn line(self, line: &str) -> String {
        if lines::is_blank(line) {
            return line.to_owned();
        }
        let spaces = line.len() - line.trim_start_matches(' ').len();
        let kept = (spaces + self.to).saturating_sub(self.from);
        format!("{}{}", " ".repeat(kept), line.get(spaces..).unwrap_or_default())
    }
}

/// The column of the item or entry of a block that a node is part of.
fn owner_column(tree: &Tree, id: NodeId) -> Option<usize> {
    let is_in_block = |id: &NodeId| {
        let parent = tree.parent(*id).map(|parent| tree.node(parent).collection_style());
        parent == Some(Some(CollectionStyle::Block))
    };
    let member = std::iter::successors(Some(id), |id| tree.parent(*id)).find(is_in_block)?;
    let parent = tree.node(tree.parent(member)?);
    let owner = parent.entries().iter().find(|entry| entry.value == member).map_or(member, |entry| entry.key);
    let node = tree.node(owner);
    let head = node.introducer.unwrap_or(node.full_span.start());
    Some(lines::prefix(tree.text(), head).len())
}

#[cfg(test)]
mod tests {
    use super::relocate_anchor;
    use crate::syntax::yaml::edit::remove_entries;
    use crate::syntax::yaml::{NodeId, NodeKind, Tree};

    /// Moves the anchor of the first entry to its first alias and removes that entry.
    fn moved(text: &str) -> Option<String> {
        let tree = Tree::parse(text).unwrap();
        let (alias, _) = tree.nodes().find(|(_, node)| matches!(node.kind, NodeKind::Alias { .. })).unwrap();
        let mut edit = relocate_anchor(&tree, alias)?;
        edit.union(remove_entries(&tree, NodeId(0), &[0])?).unwrap();
        let moved = edit.apply(text)?;
        Tree::parse(&moved).unwrap();
        Some(moved)
    }

    fn check(text: &str, expected: &str) {
        assert_eq!(moved(text).as_deref(), Some(expected), "from {text:?}");
    }

    #[test]
    fn a_scalar_moves_with_its_anchor_and_tag() {
        check("a: &x !!str 1\nb: *x # c\nc: *x\n", "b: &x !!str 1 # c\nc: *x\n");
        check("a: &x 'p\n  q'\nb:\n    - *x\n", "b:\n    - &x 'p\n      q'\n");
        check("a: &x [1,\n  2]\nb: [*x]\n", "b: [&x [1,\n  2]]\n");
    }

    #[test]
    fn a_block_scalar_is_indented_for_its_new_place() {
        check(
            "a: &x |-\n  p\n    q\n\nb:\n    - *x # c\n    - r\n",
            "b:\n    - &x |- # c\n      p\n        q\n    - r\n",
        );
        check("a: &x |\n  p\nb: *x", "b: &x |\n  p\n");
    }

    #[test]
    fn a_collection_is_indented_for_its_new_place() {
        check(
            ".a: &x\n  script:\n    - p\n    # about q\n    - |\n      q\n\njob:\n    <<: *x # c\n    k: v\n",
            "job:\n    <<: &x # c\n      script:\n        - p\n        # about q\n        - |\n          q\n    k: v\n",
        );
        check("a: &x\n- p\n- q\nb:\n  - *x\nc: *x\n", "b:\n  - &x\n    - p\n    - q\nc: *x\n");
        check("a: &x\r\n  p: 1\r\nb: *x\r\n", "b: &x\r\n  p: 1\r\n");
    }

    #[test]
    fn a_block_does_not_fit_into_brackets_nor_a_node_into_itself() {
        assert_eq!(moved("a: &x\n  p: 1\nb: [*x]\n"), None);
        assert_eq!(moved("a: &x [*x]\nb: 1\n"), None);
    }

    #[test]
    fn anchors_inside_move_along() {
        check(
            "a: &x {p: &y 1, q: *y}\nb: *x\nc: *y\n".replace("{p: &y 1, q: *y}", "{p: &y 1}").as_str(),
            "b: &x {p: &y 1}\nc: *y\n",
        );
    }
}
