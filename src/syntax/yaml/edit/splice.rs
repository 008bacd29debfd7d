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
