use super::Decoded;
use crate::text::Span;

/// Reads a plain scalar: lines are trimmed and folded.
pub(super) fn plain(text: &str, span: Span) -> Option<Decoded> {
    let mut reader = Reader::new(text, span);
    while let Some(character) = reader.next() {
        match character {
            ' ' | '\t' | '\r' | '\n' => reader.white_space(),
            _ => reader.verbatim(character.len_utf8()),
        }
    }
    Some(reader.decoded)
}

/// Reads what stands between single quotes: `''` is a quote, lines are folded. YAML 1.2, 7.3.2.
pub(super) fn single_quoted(text: &str, span: Span) -> Option<Decoded> {
    let mut reader = Reader::new(text, inner(span)?);
    while let Some(character) = reader.next() {
        match character {
            ' ' | '\t' | '\r' | '\n' => reader.white_space(),
            '\'' => reader.escape("'", 2),
            _ => reader.verbatim(character.len_utf8()),
        }
    }
    Some(reader.decoded)
}

/// Reads what stands between double quotes: escapes, folded lines. YAML 1.2, 7.3.1 and 5.7.
pub(super) fn double_quoted(text: &str, span: Span) -> Option<Decoded> {
    let mut reader = Reader::new(text, inner(span)?);
    while let Some(character) = reader.next() {
        match character {
            ' ' | '\t' | '\r' | '\n' => reader.white_space(),
            '\\' => reader.backslash()?,
            _ => reader.verbatim(character.len_utf8()),
        }
    }
    Some(reader.decoded)
}

fn inner(span: Span) -> Option<Span> {
    (span.len() >= 2).then(|| Span::new(span.start() + 1, span.end() - 1))
}

struct Reader<'text> {
    text: &'text str,
    at: usize,
    end: usize,
    decoded: Decoded,
    /// Where the present run of characters that stand for themselves began.
    run: Option<usize>,
}

impl<'text> Reader<'text> {
    fn new(text: &'text str, span: Span) -> Self {
        Self { text, at: span.start(), end: span.end(), decoded: Decoded::default(), run: None }
    }

    fn rest(&self) -> &'text str {
        self.text.get(self.at..self.end).unwrap_or_default()
    }

    /// The character to read next; at the end the last run is written down.
    fn next(&mut self) -> Option<char> {
        let next = self.rest().chars().next();
        if next.is_none() {
            self.flush();
        }
        next
    }

    fn verbatim(&mut self, length: usize) {
        self.run.get_or_insert(self.at);
        self.at += length;
    }

    fn flush(&mut self) {
        if let Some(start) = self.run.take() {
            self.decoded.verbatim(Span::new(start, self.at), self.text);
        }
    }

    fn escape(&mut self, value: &str, length: usize) {
        self.flush();
        self.decoded.piece(value, Span::new(self.at, self.at + length), false);
        self.at += length;
    }

    /// White space within a line stays; around line breaks it goes, and the breaks fold: one is a space, of
    /// several all but the first stay.
    fn white_space(&mut self) {
        let rest = self.rest();
        let length = rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
        let space = rest.get(..length).unwrap_or_default();
        match line_breaks(space) {
            0 => self.verbatim(length),
            1 => self.escape(" ", length),
            breaks => self.escape(&"\n".repeat(breaks - 1), length),
        }
    }

    fn backslash(&mut self) -> Option<()> {
        let rest = self.rest();
        let code = rest.chars().nth(1)?;
        if let Some(digits) = hexadecimal_digits(code) {
            let digits = rest.get(2..2 + digits)?;
            let character = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
            self.escape(character.encode_utf8(&mut [0; 4]), 2 + digits.len());
            return Some(());
        }
        if matches!(code, '\r' | '\n') {
            self.escaped_line_break();
            return Some(());
        }
        self.escape(single_character_escape(code)?, 2);
        Some(())
    }

    /// A line break behind a backslash, and the white space after it, are nothing; empty lines stay.
    fn escaped_line_break(&mut self) {
        let rest = self.rest().get(1..).unwrap_or_default();
        let length = rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
        let breaks = line_breaks(rest.get(..length).unwrap_or_default());
        self.escape(&"\n".repeat(breaks.saturating_sub(1)), 1 + length);
    }
}

/// `\r\n`, `\n` and a lone `\r` break a line.
fn line_breaks(space: &str) -> usize {
    space.matches('\n').count() + space.matches('\r').count() - space.matches("\r\n").count()
}

fn hexadecimal_digits(code: char) -> Option<usize> {
    match code {
        'x' => Some(2),
        'u' => Some(4),
        'U' => Some(8),
        _ => None,
    }
}

fn single_character_escape(code: char) -> Option<&'static str> {
    Some(match code {
        '0' => "\0",
        'a' => "\u{7}",
        'b' => "\u{8}",
        't' | '\t' => "\t",
        'n' => "\n",
        'v' => "\u{b}",
        'f' => "\u{c}",
        'r' => "\r",
        'e' => "\u{1b}",
        ' ' => " ",
        '"' => "\"",
        '/' => "/",
        '\\' => "\\",
        'N' => "\u{85}",
        '_' => "\u{a0}",
        'L' => "\u{2028}",
        'P' => "\u{2029}",
        _ => return None,
    })
}
