use std::ops::Range;

use super::check::Expected;
use super::{encode, lines, replace};
use crate::syntax::yaml::decode::BlockScalar;
use crate::syntax::yaml::{NodeId, ScalarStyle, Tree};
use crate::text::{Span, TextEdit};

/// Puts `new` in the place of the bytes `value_span` of a scalar's decoded value and leaves all other bytes of
/// it as they are written. Whole lines of a literal scalar come and go as lines. A plain scalar on one line
/// that cannot hold the new text is quoted.
///
/// `None` where the place has no exact source ([`Tree::source_span`]), where nothing would be left of a block
/// scalar, and where the result would not read as the spliced value.
#[must_use]
pub fn replace_in_scalar(tree: &Tree, scalar: NodeId, value_span: Span, new: &str) -> Option<TextEdit> {
    let value = tree.node(scalar).scalar()?;
    let spliced = TextEdit::replace(value_span, new).apply(value)?;
    if spliced.is_empty() && tree.node(scalar).scalar_style()?.is_block() {
        return None;
    }
    let expected = Expected { changed: Some((scalar, &spliced)), ..Expected::default() };
    let candidates = [whole_lines(tree, scalar, value_span, new), in_place(tree, scalar, value_span, new)];
    let edit = candidates.into_iter().flatten().find(|edit| expected.apply(tree, edit).is_some());
    edit.or_else(|| {
        let node = tree.node(scalar);
        let is_one_line = !node.span.slice(tree.text()).contains('\n') && !node.is_absent();
        let is_plain = node.scalar_style() == Some(ScalarStyle::Plain);
        (is_one_line && is_plain).then(|| replace::replace_scalar(tree, scalar, &spliced)).flatten()
    })
}

/// Takes lines of a literal block scalar away, by their numbers from 0. The value ends as it did, with a line
/// break or without.
///
/// `None` for other scalars, for lines that are not there, where no line would be left, and where the rest
/// would not read as before, as when the first line goes and the second is indented deeper.
#[must_use]
pub fn delete_lines_in_scalar(tree: &Tree, scalar: NodeId, places: Range<usize>) -> Option<TextEdit> {
    let (text, node) = (tree.text(), tree.node(scalar));
    if node.scalar_style()? != ScalarStyle::Literal {
        return None;
    }
    let value = node.scalar()?;
    let mut rest: Vec<&str> = value.split_inclusive('\n').collect();
    let gone = rest.get(places.clone())?.len();
    if gone == 0 || gone == rest.len() {
        return None;
    }
    rest.drain(places.clone());
    let rest = rest.concat();
    let rest = if value.ends_with('\n') { &rest } else { rest.strip_suffix('\n').unwrap_or(&rest) };
    let expected = Expected { changed: Some((scalar, rest)), ..Expected::default() };
    let block = BlockScalar::of(text, node);
    let (first, last) = (block.lines.get(places.start)?, block.lines.get(places.end - 1)?);
    let is_open_end = last.content.end() == last.span.end();
    let start = if is_open_end { lines::before_line_break(text, first.span.start()) } else { first.span.start() };
    let edit = TextEdit::delete(Span::new(start, last.span.end()));
    expected.apply(tree, &edit).map(|_| edit)
}

fn in_place(tree: &Tree, scalar: NodeId, value_span: Span, new: &str) -> Option<TextEdit> {
    let node = tree.node(scalar);
    let source = tree.source_span(scalar, value_span)?;
    let written = match node.scalar_style()? {
        ScalarStyle::Plain | ScalarStyle::Folded => new.to_owned(),
        ScalarStyle::SingleQuoted => new.replace('\'', "''"),
        ScalarStyle::DoubleQuoted => encode::escaped(new),
        ScalarStyle::Literal => {
            let block = BlockScalar::of(tree.text(), node);
            let (first, rest) = new.split_once('\n').map_or((new, None), |(first, rest)| (first, Some(rest)));
            let rest = rest.map(|rest| format!("{}{}", tree.line_break(), block.indented(rest, tree.line_break())));
            format!("{first}{}", rest.unwrap_or_default())
        }
    };
    Some(TextEdit::replace(source, written))
}

/// The edit of whole lines, where the span begins and ends between lines and the new text is lines too.
fn whole_lines(tree: &Tree, scalar: NodeId, value_span: Span, new: &str) -> Option<TextEdit> {
    let (text, node) = (tree.text(), tree.node(scalar));
    let value = node.scalar()?;
    let is_between_lines =
        |at: usize| value.get(..at).is_some_and(|before| before.is_empty() || before.ends_with('\n'));
    let is_lines = is_between_lines(value_span.start()) && is_between_lines(value_span.end());
    if node.scalar_style()? != ScalarStyle::Literal || !is_lines || !(new.is_empty() || new.ends_with('\n')) {
        return None;
    }
    let block = BlockScalar::of(text, node);
    let place = |at: usize| value.get(..at).map(|before| before.matches('\n').count());
    let start = |place: usize| block.lines.get(place).map_or(node.span.end(), |line| line.span.start());
    let span = Span::new(start(place(value_span.start())?), start(place(value_span.end())?));
    let lines = new.strip_suffix('\n').map(|new| block.indented(new, tree.line_break()) + tree.line_break());
    Some(TextEdit::replace(span, lines.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::{delete_lines_in_scalar, replace_in_scalar};
    use crate::syntax::yaml::{NodeId, Tree};
    use crate::text::Span;

    /// Puts `new` in the place of the only `old` in the first item.
    fn spliced(text: &str, old: &str, new: &str) -> Option<String> {
        let tree = Tree::parse(text).unwrap();
        let at = tree.node(NodeId(1)).scalar().unwrap().find(old).unwrap();
        let edit = replace_in_scalar(&tree, NodeId(1), Span::new(at, at + old.len()), new)?;
        edit.apply(text)
    }

    fn check(text: &str, old: &str, new: &str, expected: &str) {
        assert_eq!(spliced(text, old, new).as_deref(), Some(expected), "from {text:?}");
    }

    fn without_lines(text: &str, places: std::ops::Range<usize>) -> Option<String> {
        let tree = Tree::parse(text).unwrap();
        delete_lines_in_scalar(&tree, NodeId(1), places)?.apply(text)
    }

    #[test]
    fn a_word_joins_a_command_in_every_style() {
        check("- docker build -t x # c\n", "-t x", "-t x .", "- docker build -t x . # c\n");
        check("- docker build\n  -t x\n", "-t x", "-t x .", "- docker build\n  -t x .\n");
        check("- 'docker build'\n", "build", "build 'a'", "- 'docker build ''a'''\n");
        check("- \"docker\\tbuild\"\n", "build", "build \".\"", "- \"docker\\tbuild \\\".\\\"\"\n");
        check("- |\n  a\n  docker build\n  b\n", "build", "build .", "- |\n  a\n  docker build .\n  b\n");
        check("- >-\n  docker\n  build\n", "build", "build .", "- >-\n  docker\n  build .\n");
    }

    #[test]
    fn a_plain_command_is_quoted_where_it_must_be() {
        check("- echo a\n", "a", "a: b", "- \"echo a: b\"\n");
        assert_eq!(spliced("- echo\n  a\n", "a", "a: b"), None);
    }

    #[test]
    fn lines_of_a_script_come_and_go() {
        check("- |\n  a\n  b\n  c\n", "a\n", "", "- |\n  b\n  c\n");
        check("- |\n  a\n  b\n  c\n", "b\n", "", "- |\n  a\n  c\n");
        check("- |\n  a\n  b\n  c\n", "c\n", "", "- |\n  a\n  b\n");
        check("- |-\n  a\n  b\n", "\nb", "", "- |-\n  a\n");
        check("- |\r\n  a\r\n  b\r\n", "a\n", "x\n\ny\n", "- |\r\n  x\r\n\r\n  y\r\n  b\r\n");
        check("- |\n  a\n  b\n", "a", "x\ny", "- |\n  x\n  y\n  b\n");
        assert_eq!(spliced("- |\n  a\n", "a\n", ""), None);
    }

    #[test]
    fn lines_are_deleted_by_number() {
        assert_eq!(without_lines("- |\n  a\n\n  b\n- c\n", 0..2).unwrap(), "- |\n  b\n- c\n");
        assert_eq!(without_lines("- |-\n  a\n  b\n- c\n", 1..2).unwrap(), "- |-\n  a\n- c\n");
        assert_eq!(without_lines("- |\n  a\n  b", 1..2).unwrap(), "- |\n  a");
        assert_eq!(without_lines("- |\n  a\n  b\n", 0..2), None);
        assert_eq!(without_lines("- |\n  a\n    b\n", 0..1), None);
        assert_eq!(without_lines("- |\n  a\n  b\n", 1..3), None);
        assert_eq!(without_lines("- >\n  a\n\n  b\n", 0..1), None);
    }
}
