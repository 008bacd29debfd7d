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
        removed: std::iter::once(alias.index()..alias.index() + 1).collect(),
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

/// The column of the item or entry that a node is part of.
fn owner_column(tree: &Tree, id: NodeId) -> Option<usize> {
    let parent = tree.node(tree.parent(id)?);
    let owner = parent.entries().iter().find(|entry| entry.value == id).map_or(id, |entry| entry.key);
    let node = tree.node(owner);
    let head = node.introducer.unwrap_or(node.full_span.start());
    Some(lines::prefix(tree.text(), head).len())
}
