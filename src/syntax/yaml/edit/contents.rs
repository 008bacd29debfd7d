use super::{encode, lines};
use crate::syntax::yaml::{CollectionStyle, NodeId, NodeKind, Tree};
use crate::text::{Span, TextEdit};

/// Puts `written` in the place of all entries of a block mapping: lines without indentation, which get that of the first
/// entry. Comments between the entries go with them; those behind the last one stay.
///
/// `None` for a mapping that is not written in lines of its own, or that carries an anchor or a tag.
#[must_use]
pub fn replace_contents(tree: &Tree, mapping: NodeId, written: &[String]) -> Option<TextEdit> {
    let node = tree.node(mapping);
    let NodeKind::Mapping { style: CollectionStyle::Block, entries } = &node.kind else { return None };
    let start = tree.node(entries.first()?.key).full_span.start();
    let indentation = lines::prefix(tree.text(), start);
    if !lines::is_blank(indentation) || node.anchor.is_some() || node.tag.is_some() {
        return None;
    }
    let separator = format!("{}{indentation}", tree.line_break());
    let lines: Vec<_> = written.iter().map(String::as_str).collect();
    Some(TextEdit::replace(Span::new(start, end(tree, mapping)?), lines.join(&separator)))
}

/// A text as a scalar in a block: plain where that reads as the same text, quoted otherwise.
#[must_use]
pub fn text_scalar(tree: &Tree, text: &str) -> String {
    encode::plain(text, false).unwrap_or_else(|| encode::quoted(tree, text))
}

/// The end of the last line of a collection, before its line break. The span of a block collection ends at the next
/// token only, so its leaves tell.
fn end(tree: &Tree, collection: NodeId) -> Option<usize> {
    let is_leaf = |id: NodeId| tree.node(id).collection_style() != Some(CollectionStyle::Block);
    let leaves = tree.nodes().filter(|(id, _)| tree.is_within(*id, collection) && is_leaf(*id));
    let last = leaves.map(|(_, node)| node.full_span.end()).max()?;
    let text = tree.text();
    let content = text.get(..last)?.trim_end().len();
    Some(lines::before_line_break(text, lines::line_end(text, content.saturating_sub(1))))
}

#[cfg(test)]
mod tests {
    use super::{replace_contents, text_scalar};
    use crate::syntax::yaml::Tree;

    fn replaced(text: &str) -> Option<String> {
        let tree = Tree::parse(text).unwrap();
        let root = tree.documents().first()?.root?;
        let job = tree.entry(root, "a")?.value;
        let edit = replace_contents(&tree, job, &["x: 1".to_owned(), "y:".to_owned(), "  - 2".to_owned()])?;
        edit.apply(text)
    }

    #[test]
    fn all_entries_go_and_what_stands_behind_stays() {
        assert_eq!(
            replaced("a: # head\n    b: c # tail\n    d: |\n      e\n\n# next\nf: g\n").as_deref(),
            Some("a: # head\n    x: 1\n    y:\n      - 2\n\n# next\nf: g\n")
        );
        assert_eq!(replaced("a:\r\n  b: c").as_deref(), Some("a:\r\n  x: 1\r\n  y:\r\n    - 2"));
    }

    #[test]
    fn what_is_not_written_in_lines_is_left_alone() {
        assert_eq!(replaced("a: {b: c}\n"), None);
        assert_eq!(replaced("a: &x\n  b: c\n"), None);
    }

    #[test]
    fn a_text_is_quoted_where_it_must_be() {
        let tree = Tree::parse("a: b").unwrap();
        assert_eq!(text_scalar(&tree, "$A == \"b\" && $C"), "$A == \"b\" && $C");
        assert_eq!(text_scalar(&tree, "echo a: b"), "\"echo a: b\"");
    }
}
