use super::check::Expected;
use super::encode;
use crate::syntax::yaml::decode::{BlockScalar, Chomping};
use crate::syntax::yaml::{NodeId, ScalarStyle, Tree};
use crate::text::{Span, TextEdit};

/// Gives a scalar another text. It keeps its style where the new text can be written in it, and is quoted
/// otherwise: as the file quotes, or doubly where there is something to escape. The new value is text to
/// GitLab: `true` gets quotes.
///
/// `None` for a node that is no scalar, and where the result would not read as `value`.
#[must_use]
pub fn replace_scalar(tree: &Tree, scalar: NodeId, value: &str) -> Option<TextEdit> {
    let expected = Expected { changed: Some((scalar, value)), ..Expected::default() };
    candidates(tree, scalar, value)?.into_iter().find(|edit| expected.apply(tree, edit).is_some())
}

fn candidates(tree: &Tree, scalar: NodeId, value: &str) -> Option<Vec<TextEdit>> {
    let node = tree.node(scalar);
    let quoted = encode::quoted(tree, value);
    let written = match node.scalar_style()? {
        ScalarStyle::Plain => encode::plain(value, encode::is_in_flow(tree, scalar)),
        ScalarStyle::SingleQuoted => encode::single_quoted(value),
        ScalarStyle::DoubleQuoted => Some(encode::double_quoted(value)),
        ScalarStyle::Literal | ScalarStyle::Folded => return Some(block_candidates(tree, scalar, value, &quoted)),
    };
    let space = if node.is_absent() { " " } else { "" };
    let edit = |written: String| TextEdit::replace(node.span, format!("{space}{written}"));
    Some(written.into_iter().chain([quoted]).map(edit).collect())
}

/// The block scalar with other lines, folded or literal, or quotes in its place.
fn block_candidates(tree: &Tree, scalar: NodeId, value: &str, quoted: &str) -> Vec<TextEdit> {
    let (text, node) = (tree.text(), tree.node(scalar));
    let block = BlockScalar::of(text, node);
    let body = Span::new(block.header_end(text), node.span.end());
    let has_end = body.is_empty() || body.slice(text).ends_with('\n');
    let edit = |header: &str, lines: String| {
        let mut builder = TextEdit::builder();
        builder.replace(block.header, header);
        builder.replace(body, lines);
        builder.finish().ok()
    };
    let folded =
        (node.scalar_style() == Some(ScalarStyle::Folded)).then(|| block.with_text(tree, &fold(value), has_end));
    let folded = folded.flatten().and_then(|lines| edit(&block.header_for('>', value, has_end), lines));
    let literal = block.with_text(tree, value, has_end);
    let literal = literal.and_then(|lines| edit(&block.header_for('|', value, has_end), lines));
    let quoted = edit(quoted, String::new());
    [folded, literal, quoted].into_iter().flatten().collect()
}

/// A break that is to stay in a folded scalar is a blank line.
fn fold(value: &str) -> String {
    let content = value.trim_end_matches('\n');
    let end = value.get(content.len()..).unwrap_or_default();
    format!("{}{end}", content.replace('\n', "\n\n"))
}

impl BlockScalar {
    /// The header of a scalar for `value`, with the chomping that its end asks for.
    fn header_for(&self, style: char, value: &str, has_end: bool) -> String {
        let breaks = value.len() - value.trim_end_matches('\n').len();
        let chomping = match (breaks, self.chomping) {
            (0, Chomping::Clip) if !has_end => "",
            (0, _) => "-",
            (1, Chomping::Keep) => "+",
            (1, _) => "",
            _ => "+",
        };
        let told = self.told.map_or(String::new(), |told| char::from(told).to_string());
        format!("{style}{told}{chomping}")
    }

    /// The lines of `value`, indented as the present ones; `None` where the scalar has none to go by, or
    /// where a line cannot stand in a block scalar.
    fn with_text(&self, tree: &Tree, value: &str, has_end: bool) -> Option<String> {
        let is_allowed = |character: char| matches!(character, '\n' | '\t') || encode::is_printable(character);
        if self.indentation == usize::MAX || value.is_empty() || !value.chars().all(is_allowed) {
            return None;
        }
        let lines = self.indented(value.strip_suffix('\n').unwrap_or(value), tree.line_break());
        Some(if has_end { lines + tree.line_break() } else { lines })
    }

    /// `text` with every line indented as those of the scalar, without a break behind the last.
    pub(super) fn indented(&self, text: &str, line_break: &str) -> String {
        let indentation = " ".repeat(self.indentation);
        let line = |line: &str| if line.is_empty() { String::new() } else { format!("{indentation}{line}") };
        text.split('\n').map(line).collect::<Vec<String>>().join(line_break)
    }
}

#[cfg(test)]
mod tests {
    use super::replace_scalar;
    use crate::syntax::yaml::Tree;

    /// Replaces the value of the first entry.
    fn check(text: &str, value: &str, expected: &str) {
        let tree = Tree::parse(text).unwrap();
        let (id, _) = tree.nodes().nth(2).unwrap();
        let edit = replace_scalar(&tree, id, value).map(|edit| edit.apply(text).unwrap());
        assert_eq!(edit.as_deref(), Some(expected), "for {value:?}");
    }

    #[test]
    fn a_plain_scalar_stays_plain_where_it_can() {
        check("a: x # c\n", "node:18-alpine", "a: node:18-alpine # c\n");
        check("a: x\n", "$CI_REGISTRY/x", "a: $CI_REGISTRY/x\n");
        check("a: # c\n", "x", "a: x # c\n");
        check("a: &n\n", "x", "a: &n x\n");
    }

    #[test]
    fn a_plain_scalar_that_would_be_something_else_is_quoted() {
        for value in [
            "true",
            "on",
            "1.10",
            "0o17",
            "08",
            "1e3",
            "12:30",
            "~",
            "",
            " x",
            "a: b",
            "a #b",
            "- x",
            "*x",
            "x:",
            "2020-01-01",
            ":x",
            "y",
        ] {
            check("a: x\n", value, &format!("a: \"{value}\"\n"));
        }
        check("a: x\nb: 'y'\n", "1", "a: '1'\nb: 'y'\n");
        check("a: x\nb: 'y'\n", "1\n", "a: \"1\\n\"\nb: 'y'\n");
        check("[x, y]\n---\n", "a, b", "[x, \"a, b\"]\n---\n");
    }

    #[test]
    fn quotes_stay_the_quotes_they_are() {
        check("a: 'x'\n", "it's", "a: 'it''s'\n");
        check("a: 'x'\n", "a\nb", "a: \"a\\nb\"\n");
        check("a: \"x\"\n", "a\"\\\u{7}b\u{1f600}", "a: \"a\\\"\\\\\\u0007b\u{1f600}\"\n");
    }

    #[test]
    fn a_block_scalar_keeps_its_header_where_it_can() {
        check("a: | # c\n  x\nb: 1\n", "y\n\nz\n", "a: | # c\n  y\n\n  z\nb: 1\n");
        check("a: |\n  x\nb: 1\n", "y", "a: |-\n  y\nb: 1\n");
        check("a: |\r\n  x\r\nb: 1\r\n", "y\nz\n", "a: |\r\n  y\r\n  z\r\nb: 1\r\n");
        check("a: >-\n  x\nb: 1\n", "y\nz", "a: >-\n  y\n\n  z\nb: 1\n");
        check("a: >\n  x\nb: 1\n", "y\n  z\n", "a: |\n  y\n    z\nb: 1\n");
        check("a: |\n  x", "y\nz", "a: |\n  y\n  z");
        check("a: | # c\n  x\nb: 1\n", " y", "a: \" y\" # c\nb: 1\n");
    }
}
