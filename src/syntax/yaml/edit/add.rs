use super::check::Expected;
use super::children::{Child, children, subtree};
use super::remove_block::{first_own_comment, own_lines};
use super::remove_flow::Item;
use super::{encode, lines};
use crate::syntax::yaml::{CollectionStyle, NodeId, NodeKind, Tree};
use crate::text::{Span, TextEdit};

/// Puts the entry `key: value` before the entry at `place` of a mapping, or behind the last one, in the manner of
/// its neighbours: their indentation, their lines or their commas, the blank line between them.
///
/// `key` is text and is quoted where it must be. `value` is YAML as it is to stand behind the colon; each
/// further line of it is indented by as much as the entry. A value that starts with a line break starts on the
/// next line.
///
/// `None` where there is no such place, or where the result would not read as the mapping with one entry more.
#[must_use]
pub fn add_entry(tree: &Tree, mapping: NodeId, place: usize, key: &str, value: &str) -> Option<TextEdit> {
    let NodeKind::Mapping { style, .. } = tree.node(mapping).kind else { return None };
    let in_flow = style != CollectionStyle::Block;
    let written = encode::plain(key, in_flow).unwrap_or_else(|| encode::quoted(tree, key));
    let space = if value.is_empty() || value.starts_with(['\n', '\r']) { "" } else { " " };
    let (edit, new) = add(tree, mapping, style, place, &format!("{written}:{space}{value}"))?;
    let entry = new.node(mapping).entries().get(place)?;
    (new.node(entry.key).scalar() == Some(key)).then_some(edit)
}

/// Puts an item before the one at `place` of a sequence, or behind the last one; otherwise as [`add_entry`].
#[must_use]
pub fn add_item(tree: &Tree, sequence: NodeId, place: usize, value: &str) -> Option<TextEdit> {
    let NodeKind::Sequence { style, .. } = tree.node(sequence).kind else { return None };
    let space = if value.is_empty() || value.starts_with(['\n', '\r']) { "" } else { " " };
    let item = if style == CollectionStyle::Block { format!("-{space}{value}") } else { value.to_owned() };
    add(tree, sequence, style, place, &item).map(|(edit, _)| edit)
}

fn add(
    tree: &Tree,
    collection: NodeId,
    style: CollectionStyle,
    place: usize,
    written: &str,
) -> Option<(TextEdit, Tree)> {
    let children = children(tree, collection);
    if place > children.len() {
        return None;
    }
    let brackets = tree.node(collection).span;
    let candidates = match style {
        CollectionStyle::Block => block(tree, &children, place, written)?,
        CollectionStyle::Flow => vec![flow(tree, brackets, &children, place, written)?],
        CollectionStyle::Pair => return None,
    };
    let end = subtree(tree, collection).end;
    let inserted_at = Some(children.get(place).map_or(end, |child| child.nodes.start));
    let expected = Expected { inserted_at, ..Expected::default() };
    let count = |tree: &Tree| tree.node(collection).items().len() + tree.node(collection).entries().len();
    candidates.into_iter().find_map(|edit| {
        let new = expected.apply(tree, &edit).filter(|new| count(new) == children.len() + 1)?;
        let is_closed = style == CollectionStyle::Block || {
            let rest = |tree: &Tree| tree.text().len() - tree.node(collection).span.end();
            rest(tree) == rest(&new)
        };
        is_closed.then_some((edit, new))
    })
}

fn block(tree: &Tree, children: &[Child], place: usize, written: &str) -> Option<Vec<TextEdit>> {
    let (text, line_break) = (tree.text(), tree.line_break());
    let first = children.first()?;
    let prefix = lines::prefix(text, first.head);
    let indentation = if lines::is_blank(prefix) { prefix.to_owned() } else { " ".repeat(prefix.len()) };
    let written = indented(written, &indentation, line_break);
    let separator = if has_blank_lines(tree, children, place) { line_break } else { "" };
    let Some(next) = children.get(place) else {
        let lines = own_lines(tree, children.last()?);
        let open_end = lines.end() == text.len() && !text.ends_with('\n');
        let edit = |new: String| TextEdit::insert(lines.end(), new);
        return Some(match open_end {
            true => vec![edit(format!("{line_break}{separator}{indentation}{written}"))],
            false => vec![edit(format!("{separator}{indentation}{written}{line_break}"))],
        });
    };
    if next.head == first.head && !lines::is_blank(prefix) {
        return Some(vec![TextEdit::insert(next.head, format!("{written}{line_break}{indentation}"))]);
    }
    let at = lines::line_start(text, first_own_comment(tree, next.id, next.head).unwrap_or(next.head));
    Some(vec![TextEdit::insert(at, format!("{indentation}{written}{line_break}{separator}"))])
}

/// `written` with its further lines indented, as lines of the file.
fn indented(written: &str, indentation: &str, line_break: &str) -> String {
    let mut lines = written.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    let first = lines.next().unwrap_or_default().to_owned();
    lines.fold(first, |done, line| match line {
        "" => format!("{done}{line_break}"),
        line => format!("{done}{line_break}{indentation}{line}"),
    })
}

/// Whether the neighbours of a place are separated by a blank line.
fn has_blank_lines(tree: &Tree, children: &[Child], place: usize) -> bool {
    let pair = |last: usize| Some((children.get(last.checked_sub(1)?)?, children.get(last)?));
    let neighbours = pair(place).or_else(|| pair(place.saturating_sub(1))).or_else(|| pair(1));
    neighbours.is_some_and(|(one, other)| {
        let start = own_lines(tree, other).start();
        !lines::blank_before(tree.text(), start, one.end).is_empty()
    })
}

fn flow(tree: &Tree, brackets: Span, children: &[Child], place: usize, written: &str) -> Option<TextEdit> {
    let (text, line_break) = (tree.text(), tree.line_break());
    let Some(last) = children.last() else {
        return Some(TextEdit::replace(Span::new(brackets.start() + 1, brackets.end().checked_sub(1)?), written));
    };
    if let Some(next) = children.get(place) {
        let prefix = lines::prefix(text, next.head);
        if !lines::is_blank(prefix) {
            return Some(TextEdit::insert(next.head, format!("{written}, ")));
        }
        let at = lines::line_start(text, first_own_comment(tree, next.id, next.head).unwrap_or(next.head));
        return Some(TextEdit::insert(at, format!("{prefix}{written},{line_break}")));
    }
    let item = Item::of(tree, last, brackets);
    let prefix = lines::prefix(text, last.head);
    if !lines::is_blank(prefix) {
        let comma = if item.comma.is_some() { " " } else { ", " };
        return Some(TextEdit::insert(item.end(), format!("{comma}{written}")));
    }
    let end_comma = if item.comma.is_some() { "," } else { "" };
    let line = format!("{line_break}{prefix}{written}{end_comma}");
    let mut builder = TextEdit::builder();
    let line_end = item.end_with_comment(tree);
    match item.comma {
        None if line_end == last.end => builder.insert(last.end, format!(",{line}")),
        None => {
            builder.insert(last.end, ",");
            builder.insert(line_end, line);
        }
        Some(_) => builder.insert(line_end, line),
    }
    builder.finish().ok()
}

#[cfg(test)]
mod tests {
    use super::{add_entry, add_item};
    use crate::syntax::yaml::{NodeId, Tree};

    fn entry(text: &str, mapping: u32, place: usize, key: &str, value: &str, expected: &str) {
        let tree = Tree::parse(text).unwrap();
        let edit = add_entry(&tree, NodeId(mapping), place, key, value).map(|edit| edit.apply(text).unwrap());
        assert_eq!(edit.as_deref(), Some(expected));
    }

    fn item(text: &str, sequence: u32, place: usize, value: &str, expected: &str) {
        let tree = Tree::parse(text).unwrap();
        let edit = add_item(&tree, NodeId(sequence), place, value).map(|edit| edit.apply(text).unwrap());
        assert_eq!(edit.as_deref(), Some(expected));
    }

    #[test]
    fn an_entry_looks_like_its_neighbours() {
        entry("a: 1\n\nb: 2\n", 0, 2, "c", "\n  - x", "a: 1\n\nb: 2\n\nc:\n  - x\n");
        entry("a: 1\n\n# b\nb: 2\n", 0, 1, "c", "3", "a: 1\n\nc: 3\n\n# b\nb: 2\n");
        entry("a:\r\n    b: 1\r\n", 2, 1, "c", "|\n  x\n  y", "a:\r\n    b: 1\r\n    c: |\r\n      x\r\n      y\r\n");
        entry("- a: 1\n  b: 2\n", 1, 0, "c", "3", "- c: 3\n  a: 1\n  b: 2\n");
        entry("a: 1\nb: 2", 0, 2, "on", "3", "a: 1\nb: 2\n\"on\": 3");
        entry("{a: 1}\n", 0, 1, "b c", "[x]", "{a: 1, b c: [x]}\n");
        entry("x: {}\n", 2, 0, "b", "1", "x: {b: 1}\n");
    }

    #[test]
    fn an_item_looks_like_its_neighbours() {
        item("s:\n- a\n- b\nt: 1\n", 2, 2, "c d", "s:\n- a\n- b\n- c d\nt: 1\n");
        item("s:\n  # about a\n  - a\n", 2, 0, "x", "s:\n  - x\n  # about a\n  - a\n");
        item("s: [a, b]\n", 2, 1, "x", "s: [a, x, b]\n");
        item("s: [\n  a, # 1\n  b # 2\n]\n", 2, 2, "x", "s: [\n  a, # 1\n  b, # 2\n  x\n]\n");
        item("s: [\n  a,\n]\n", 2, 1, "x", "s: [\n  a,\n  x,\n]\n");
        item("s: []\n", 2, 0, "x", "s: [x]\n");
    }

    #[test]
    fn what_is_more_than_one_child_is_refused() {
        let tree = Tree::parse("a: 1\nb: [x]\n").unwrap();
        assert_eq!(add_entry(&tree, NodeId(0), 2, "c", "1\nd: 2"), None);
        assert_eq!(add_item(&tree, NodeId(4), 1, "y, z"), None);
        assert_eq!(add_item(&tree, NodeId(4), 1, "y] #"), None);
        assert_eq!(add_entry(&tree, NodeId(0), 3, "c", "1"), None);
    }
}
