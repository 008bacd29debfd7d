use crate::text::Span;

/// The byte order mark, which the builder drops from the first line.
pub(super) const BYTE_ORDER_MARK: &str = "\u{feff}";

/// One line of the file as it is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    /// Its first byte; on the first line, the one after a byte order mark.
    pub(super) start: usize,
    /// The end of its content: where the line break starts, or the file ends.
    pub(super) content_end: usize,
    /// The start of the next line.
    pub(super) end: usize,
}

impl Line {
    /// The line without its line break.
    pub(super) fn content(self, text: &str) -> &str {
        text.get(self.start..self.content_end).unwrap_or_default()
    }

    /// The whole line with its line break.
    pub(super) fn span(self) -> Span {
        Span::new(self.start, self.end)
    }

    pub(super) fn is_blank(self, text: &str) -> bool {
        self.content(text).trim_start().is_empty()
    }

    /// Whether the first thing on it is a `#`.
    pub(super) fn is_comment(self, text: &str) -> bool {
        self.content(text).trim_start().starts_with('#')
    }

    /// The end of its content, white space at the end of the line left out.
    pub(super) fn trimmed_end(self, text: &str) -> usize {
        self.start + self.content(text).trim_end().len()
    }
}

/// The lines of a text. A line ends with `\n`; every `\r` right before it belongs to the line break.
#[derive(Clone, Debug)]
pub(super) struct Lines<'a> {
    text: &'a str,
    next: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, next: if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 } }
    }
}

impl Iterator for Lines<'_> {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        let start = self.next;
        let rest = self.text.get(start..).filter(|rest| !rest.is_empty())?;
        let length = rest.find('\n').map_or(rest.len(), |at| at + 1);
        let content = rest.get(..length).unwrap_or_default().trim_end_matches(['\r', '\n']).len();
        self.next = start + length;
        Some(Line { start, content_end: start + content, end: self.next })
    }
}

/// What stands before the escape character that carries a line on into the next; `None` where the line ends.
///
/// White space may follow that character. One more of them before it takes its meaning away
/// (BuildKit `parser.setEscapeToken`: also where the first one is escaped itself).
pub(super) fn before_continuation(content: &str, escape: char) -> Option<&str> {
    let before = content.trim_end_matches([' ', '\t']).strip_suffix(escape)?;
    (!before.ends_with(escape)).then_some(before)
}

/// The line break that a text uses first; `\n` where it has none.
pub(super) fn line_break(text: &str) -> &'static str {
    let first = text.find('\n').and_then(|at| text.get(..at));
    if first.is_some_and(|line| line.ends_with('\r')) { "\r\n" } else { "\n" }
}

#[cfg(test)]
mod tests {
    use super::{Lines, before_continuation, line_break};

    #[test]
    fn lines_keep_every_byte_but_the_byte_order_mark() {
        let text = "\u{feff}a\r\n\nb";
        let lines: Vec<_> = Lines::new(text).map(|line| (line.content(text), line.span().slice(text))).collect();
        assert_eq!(lines, [("a", "a\r\n"), ("", "\n"), ("b", "b")]);
    }

    #[test]
    fn an_escape_at_the_end_carries_on() {
        assert_eq!(before_continuation("a \\", '\\'), Some("a "));
        assert_eq!(before_continuation("a \\ \t", '\\'), Some("a "));
        assert_eq!(before_continuation("\\", '\\'), Some(""));
        assert_eq!(before_continuation("a \\\\", '\\'), None);
        assert_eq!(before_continuation("a \\", '`'), None);
    }

    #[test]
    fn the_first_line_break_counts() {
        assert_eq!(line_break("a\r\nb\n"), "\r\n");
        assert_eq!(line_break("a\nb\r\n"), "\n");
        assert_eq!(line_break("a"), "\n");
    }
}
