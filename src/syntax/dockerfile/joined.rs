use std::ops::Range;

use crate::text::Span;

/// Text that was put together from pieces of a file, and where in the file each piece stands.
///
/// The builder joins the lines of an instruction before it reads it; what it sees then is no longer one
/// piece of the file. This keeps both: the joined text to read, and the way back to the bytes to edit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Joined {
    text: String,
    pieces: Vec<Piece>,
}

/// From `at` in the joined text on, the bytes are those from `source` on in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    at: usize,
    source: usize,
}

impl Joined {
    /// Adds `text`, which stands at the byte `source` of the file.
    pub(super) fn push_str(&mut self, text: &str, source: usize) {
        let at = self.text.len();
        let goes_on = self.pieces.last().is_some_and(|last| last.source + (at - last.at) == source);
        if !text.is_empty() && !goes_on {
            self.pieces.push(Piece { at, source });
        }
        self.text.push_str(text);
    }

    /// Adds one character, which stands at the byte `source` of the file.
    pub(super) fn push(&mut self, character: char, source: usize) {
        self.push_str(character.encode_utf8(&mut [0; 4]), source);
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The whole of it.
    pub(super) fn part(&self) -> Part<'_> {
        Part { joined: self, start: 0, end: self.text.len() }
    }

    /// The bytes of the file from the first to the last of `range`, whatever was left out between them included.
    pub(super) fn span(&self, range: Range<usize>) -> Span {
        let start = self.source(range.start);
        if range.end <= range.start {
            return Span::at(start);
        }
        Span::new(start, self.source(range.end - 1) + 1)
    }

    /// Where in the file the byte at `offset` stands; for the end of the text, the byte after the last.
    pub(super) fn source(&self, offset: usize) -> usize {
        let index = self.pieces.partition_point(|piece| piece.at <= offset);
        let piece = index.checked_sub(1).and_then(|index| self.pieces.get(index));
        piece.map_or(0, |piece| piece.source + (offset - piece.at))
    }

    fn cut(&self, range: Range<usize>) -> Self {
        let mut cut = Self::default();
        let first = self.pieces.partition_point(|piece| piece.at <= range.start).saturating_sub(1);
        let mut pieces = self.pieces.iter().skip(first).peekable();
        while let Some(piece) = pieces.next() {
            let end = pieces.peek().map_or(self.text.len(), |next| next.at).min(range.end);
            let start = piece.at.max(range.start);
            if start >= range.end {
                break;
            }
            cut.push_str(self.text.get(start..end).unwrap_or_default(), piece.source + (start - piece.at));
        }
        cut
    }
}

/// A stretch of a joined text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'a> {
    joined: &'a Joined,
    start: usize,
    end: usize,
}

impl<'a> Part<'a> {
    pub(super) fn text(self) -> &'a str {
        self.joined.text.get(self.start..self.end).unwrap_or_default()
    }

    /// The stretch `range` of this one, counted in bytes from its start.
    pub(super) fn sub(self, range: Range<usize>) -> Self {
        let start = (self.start + range.start).min(self.end);
        Self { joined: self.joined, start, end: (self.start + range.end).clamp(start, self.end) }
    }

    /// Without the white space at both ends.
    pub(super) fn trim(self) -> Self {
        let text = self.text();
        let trimmed = text.trim_start();
        let start = text.len() - trimmed.len();
        self.sub(start..start + trimmed.trim_end().len())
    }

    pub(super) fn span(self) -> Span {
        self.joined.span(self.start..self.end)
    }

    /// Where in the file the byte at `offset` of this part stands.
    pub(super) fn source(self, offset: usize) -> usize {
        self.joined.source(self.start + offset)
    }

    pub(super) fn to_joined(self) -> Joined {
        self.joined.cut(self.start..self.end)
    }
}

#[cfg(test)]
mod tests {
    use super::Joined;
    use crate::text::Span;

    #[test]
    fn spans_lead_back_to_the_file() {
        let file = "ab\\\ncd";
        let mut joined = Joined::default();
        joined.push_str("ab", 0);
        joined.push_str("cd", 4);
        assert_eq!(joined.text(), "abcd");
        assert_eq!(joined.span(0..2).slice(file), "ab");
        assert_eq!(joined.span(1..3).slice(file), "b\\\nc");
        assert_eq!(joined.span(2..4).slice(file), "cd");
        assert_eq!(joined.span(4..4), Span::at(6));
    }

    #[test]
    fn a_cut_keeps_its_places() {
        let mut joined = Joined::default();
        joined.push_str("ab", 10);
        joined.push_str("cd", 20);
        joined.push_str("ef", 30);
        let cut = joined.part().sub(1..5).to_joined();
        assert_eq!(cut.text(), "bcde");
        assert_eq!(cut.span(0..4), Span::new(11, 31));
        assert_eq!(cut.span(1..2), Span::new(20, 21));
    }
}
