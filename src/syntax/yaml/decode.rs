//! Scalars read again from their own bytes, to know which byte of the source each byte of the value comes from.

mod block;
mod flow;

use super::node::{Node, NodeId, NodeKind, ScalarStyle};
use super::tree::Tree;
use crate::text::Span;

pub(super) use block::{BlockScalar, Chomping, block_end};

/// A part of a value and the part of the source that it was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    value: Span,
    source: Span,
    /// Whether the two are the same bytes, so that a place within one is a place within the other.
    verbatim: bool,
}

/// A value together with the origin of each of its parts, in order and without gaps in the value.
#[derive(Debug, Default)]
struct Decoded {
    value: String,
    pieces: Vec<Piece>,
}

impl Decoded {
    /// Text that stands for itself.
    fn verbatim(&mut self, source: Span, text: &str) {
        self.piece(source.slice(text), source, true);
    }

    /// Text that is written in another way.
    fn piece(&mut self, value: &str, source: Span, verbatim: bool) {
        let start = self.value.len();
        self.value.push_str(value);
        if !value.is_empty() {
            self.pieces.push(Piece { value: Span::new(start, self.value.len()), source, verbatim });
        }
    }

    /// The source of the byte at which a span of the value starts.
    fn start(&self, at: usize) -> Option<usize> {
        let index = self.pieces.partition_point(|piece| piece.value.end() <= at);
        let piece = self.pieces.get(index)?;
        self.within(*piece, at).or((at == piece.value.start()).then_some(piece.source.start()))
    }

    /// The source just behind the byte at which a span of the value ends.
    fn end(&self, at: usize) -> Option<usize> {
        let index = self.pieces.partition_point(|piece| piece.value.end() < at);
        let piece = self.pieces.get(index)?;
        self.within(*piece, at).or((at == piece.value.end()).then_some(piece.source.end()))
    }

    fn within(&self, piece: Piece, at: usize) -> Option<usize> {
        let offset = at.checked_sub(piece.value.start())?;
        (piece.verbatim && self.value.is_char_boundary(at)).then_some(piece.source.start() + offset)
    }
}

impl Tree {
    /// The bytes of the source from which the bytes `value_span` of a scalar's decoded value were read. A span
    /// without bytes is a place to insert: the one behind the byte before it, or, at the start of the value,
    /// the one in front of its first byte.
    ///
    /// `None` where there is no such place: an escape or a fold that is cut in two, a span beyond the value, a
    /// value that is not there, a node that is no scalar.
    #[must_use]
    pub fn source_span(&self, scalar: NodeId, value_span: Span) -> Option<Span> {
        let node = self.node(scalar);
        let decoded = decode(self.text(), node)?;
        if decoded.value != node.scalar()? || value_span.end() > decoded.value.len() {
            return None;
        }
        if value_span.is_empty() {
            let at = if value_span.start() == 0 { decoded.start(0) } else { decoded.end(value_span.start()) };
            return at.map(Span::at);
        }
        let (start, end) = (decoded.start(value_span.start())?, decoded.end(value_span.end())?);
        Some(Span::new(start, end))
    }
}

fn decode(text: &str, node: &Node) -> Option<Decoded> {
    let NodeKind::Scalar { style, .. } = node.kind else { return None };
    match style {
        ScalarStyle::Plain => flow::plain(text, node.span),
        ScalarStyle::SingleQuoted => flow::single_quoted(text, node.span),
        ScalarStyle::DoubleQuoted => flow::double_quoted(text, node.span),
        ScalarStyle::Literal | ScalarStyle::Folded => block::decode(text, node),
    }
}

#[cfg(test)]
mod tests {
    use crate::syntax::yaml::Tree;
    use crate::text::Span;

    /// The source of a part of the value of the first entry.
    fn source(text: &str, part: &str) -> Option<String> {
        let tree = Tree::parse(text).unwrap();
        let (id, node) = tree.nodes().nth(2).unwrap();
        let at = node.scalar().unwrap().find(part).unwrap();
        let span = tree.source_span(id, Span::new(at, at + part.len()))?;
        Some(span.slice(text).to_owned())
    }

    #[test]
    fn plain_scalars_are_mapped_across_folds() {
        assert_eq!(source("a: one two\n", "two").unwrap(), "two");
        assert_eq!(source("a: one\n  two\n\n  three\n", "e two").unwrap(), "e\n  two");
        assert_eq!(source("a: one\n  two\n\n  three\n", "\n").unwrap(), "\n\n  ");
    }

    #[test]
    fn quotes_and_escapes_are_mapped_whole() {
        assert_eq!(source("a: 'it''s'\n", "t'").unwrap(), "t''");
        assert_eq!(source("a: \"x\\u00e9\\ty\"\n", "é\t").unwrap(), "\\u00e9\\t");
        assert_eq!(source("a: \"x \\\n   y\"\n", "x y").unwrap(), "x \\\n   y");
        assert_eq!(source("a: \"x\\U0001f600y\"\n", "y").unwrap(), "y");
    }

    #[test]
    fn block_scalars_are_mapped_without_their_indentation() {
        assert_eq!(source("a: |\n  x\n    y\n", "x\n  y").unwrap(), "x\n    y");
        assert_eq!(source("a: |\r\n  x\r\n  y\r\n", "x\ny").unwrap(), "x\r\n  y");
        assert_eq!(source("a: >\n  x\n  y\n\n  z\n", "y\nz").unwrap(), "y\n\n  z");
        assert_eq!(source("a: >-\n\n  x\n   y\n  z\n", "x\n y\nz").unwrap(), "x\n   y\n  z");
        assert_eq!(source("a: |2+\n    x\n\n", "  x\n\n").unwrap(), "  x\n\n");
    }

    #[test]
    fn what_is_cut_in_two_has_no_source() {
        let text = "a: \"\\n\\u20ac\"\n";
        let tree = Tree::parse(text).unwrap();
        let (id, _) = tree.nodes().nth(2).unwrap();
        assert_eq!(tree.source_span(id, Span::new(1, 2)), None);
        assert_eq!(tree.source_span(id, Span::new(0, 9)), None);
        assert_eq!(tree.source_span(id, Span::new(1, 4)), Some(Span::new(6, 12)));
    }

    #[test]
    fn a_place_to_insert_is_behind_what_comes_before() {
        let text = "a: |\n  x\n  y\n";
        let tree = Tree::parse(text).unwrap();
        let (id, _) = tree.nodes().nth(2).unwrap();
        let at = |place| tree.source_span(id, Span::at(place)).unwrap().start();
        assert_eq!([at(0), at(1), at(4)], [7, 8, 13]);
    }
}
