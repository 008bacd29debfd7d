use super::Span;

/// The byte order mark that some editors put before the first line; it has no column.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// A place as people count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineColumn {
    /// From 1.
    pub line: usize,
    /// From 1, in characters; a tab counts as one, a byte order mark as none.
    pub column: usize,
}

/// Where each line of a text starts, to turn byte offsets into lines and columns.
///
/// A line ends with `\n` alone: `\r\n` ends one too, a lone `\r` does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineIndex {
    starts: Vec<usize>,
    length: usize,
}

impl LineIndex {
    /// The index of `text`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect();
        Self { starts, length: text.len() }
    }

    /// The number of lines; a text that ends with a line break has an empty last one.
    #[must_use]
    pub fn line_count(&self) -> usize {
        self.starts.len()
    }

    /// The line, from 1, in which the byte at `offset` stands; the last one for an offset beyond the text.
    #[must_use]
    pub fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset)
    }

    /// Line and column of `offset` in `text`, which must be the text that the index was made of.
    #[must_use]
    pub fn line_column(&self, text: &str, offset: usize) -> LineColumn {
        let line = self.line(offset);
        let before = Span::new(self.line_span(line).start(), floor_char_boundary(text, offset)).slice(text);
        let column = before.chars().filter(|character| *character != BYTE_ORDER_MARK).count() + 1;
        LineColumn { line, column }
    }

    /// The bytes of `line`, counted from 1, its line break included; empty for a line that is not there.
    #[must_use]
    pub fn line_span(&self, line: usize) -> Span {
        let start = line.checked_sub(1).and_then(|index| self.starts.get(index));
        let end = self.starts.get(line).unwrap_or(&self.length);
        start.map_or(Span::at(self.length), |start| Span::new(*start, *end))
    }

    /// The bytes of all lines that `span` touches, with their line breaks.
    #[must_use]
    pub fn whole_lines(&self, span: Span) -> Span {
        let last = if span.is_empty() { span.end() } else { span.end() - 1 };
        self.line_span(self.line(span.start())).join(self.line_span(self.line(last)))
    }
}

fn floor_char_boundary(text: &str, offset: usize) -> usize {
    let mut at = offset.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::{LineColumn, LineIndex, Span};

    fn place(text: &str, offset: usize) -> (usize, usize) {
        let LineColumn { line, column } = LineIndex::new(text).line_column(text, offset);
        (line, column)
    }

    #[test]
    fn columns_count_characters_and_not_bytes() {
        assert_eq!(place("é: x\n", 4), (1, 4));
        assert_eq!(place("a:\n\té: x", 6), (2, 3));
    }

    #[test]
    fn a_byte_order_mark_has_no_column() {
        assert_eq!(place("\u{feff}a: b", 3), (1, 1));
        assert_eq!(place("\u{feff}a: b", 4), (1, 2));
    }

    #[test]
    fn crlf_ends_a_line_and_a_lone_carriage_return_does_not() {
        let text = "a\r\nb\rc\nd";
        assert_eq!(place(text, 3), (2, 1));
        assert_eq!(place(text, 5), (2, 3));
        assert_eq!(place(text, 7), (3, 1));
        assert_eq!(LineIndex::new(text).line_span(1).slice(text), "a\r\n");
    }

    #[test]
    fn offsets_beyond_the_text_or_inside_a_character_have_a_place() {
        assert_eq!(place("ab", 99), (1, 3));
        assert_eq!(place("é", 1), (1, 1));
        assert_eq!(place("", 0), (1, 1));
    }

    #[test]
    fn whole_lines_of_a_span_do_not_reach_into_the_next_line() {
        let text = "one\ntwo\nthree\n";
        let lines = LineIndex::new(text);
        assert_eq!(lines.whole_lines(Span::new(5, 8)).slice(text), "two\n");
        assert_eq!(lines.whole_lines(Span::new(2, 9)).slice(text), text);
        assert_eq!(lines.whole_lines(Span::at(4)).slice(text), "two\n");
    }
}
