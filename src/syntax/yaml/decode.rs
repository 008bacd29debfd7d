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
