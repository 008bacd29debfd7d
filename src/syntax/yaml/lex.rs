use super::tree::SyntaxError;
use crate::text::Span;

/// A piece of the text that belongs to no scalar: what gives the tree its shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Atom {
    pub(super) kind: AtomKind,
    pub(super) span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AtomKind {
    /// `-` before an item.
    Dash,
    /// `?` before a key.
    Question,
    /// `:` before a value.
    Colon,
    /// `,` between the children of a flow collection.
    Comma,
    /// `[` or `{`.
    Open,
    /// `]` or `}`.
    Close,
    /// `|` or `>` with what follows it, up to the comment or the end of the line.
    BlockHeader,
    /// A plain or quoted scalar or an alias.
    Leaf,
}

/// What the parser has read already: the lexer steps over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Known {
    pub(super) span: Span,
    /// Whether it is an atom of its own; anchors, tags and the content of block scalars are not.
    pub(super) leaf: bool,
}

/// The atoms and the comments of `text`, in order, where `known` is sorted and disjoint.
///
/// The parser's events do not say where a `-`, `?`, `:` or `,` stands. Between the scalars there is nothing
/// but these, brackets, block scalar headers, directives, document markers, comments and white space, so that
/// reading them is simple. Whatever does not fit is an error: the tree is then not lossless.
pub(super) fn lex(text: &str, known: &[Known]) -> Result<(Vec<Atom>, Vec<Span>), SyntaxError> {
    let mut lexer = Lexer { text, at: 0, atoms: Vec::new(), comments: Vec::new() };
    for next in known {
        lexer.gap(next.span.start())?;
        if next.leaf {
            lexer.atoms.push(Atom { kind: AtomKind::Leaf, span: next.span });
        }
        lexer.at = lexer.at.max(next.span.end());
    }
    lexer.gap(text.len())?;
    Ok((lexer.atoms, lexer.comments))
}

struct Lexer<'text> {
    text: &'text str,
    at: usize,
    atoms: Vec<Atom>,
    comments: Vec<Span>,
}

impl Lexer<'_> {
    fn gap(&mut self, end: usize) -> Result<(), SyntaxError> {
        while self.at < end {
            let Some(first) = self.rest().chars().next() else { return Err(self.unknown()) };
            match first {
                ' ' | '\t' | '\r' | '\n' | '\u{feff}' => self.at += first.len_utf8(),
                '#' => self.comment(),
                '-' if self.is_marker("---") => self.at += 3,
                '.' if self.is_marker("...") => self.at += 3,
                '%' if self.at_line_start() => self.at += line_length(self.rest()),
                '-' => self.push(AtomKind::Dash, 1),
                '?' => self.push(AtomKind::Question, 1),
                ':' => self.push(AtomKind::Colon, 1),
                ',' => self.push(AtomKind::Comma, 1),
                '[' | '{' => self.push(AtomKind::Open, 1),
                ']' | '}' => self.push(AtomKind::Close, 1),
                '|' | '>' => self.push(AtomKind::BlockHeader, header_length(self.rest())),
                _ => return Err(self.unknown()),
            }
        }
        Ok(())
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn push(&mut self, kind: AtomKind, length: usize) {
        let span = Span::new(self.at, self.at + length);
        self.atoms.push(Atom { kind, span });
        self.at = span.end();
    }

    fn comment(&mut self) {
        let span = Span::new(self.at, self.at + line_length(self.rest()));
        self.comments.push(span);
        self.at = span.end();
    }

    fn at_line_start(&self) -> bool {
        let before = self.text.get(..self.at).unwrap_or_default();
        before.is_empty() || before.ends_with(['\n', '\r', '\u{feff}'])
    }

    fn is_marker(&self, marker: &str) -> bool {
        let after = self.rest().strip_prefix(marker);
        self.at_line_start()
            && after.is_some_and(|after| after.is_empty() || after.starts_with([' ', '\t', '\r', '\n']))
    }

    fn unknown(&self) -> SyntaxError {
        let length = self.rest().chars().next().map_or(0, char::len_utf8);
        SyntaxError { message: "unexpected character".to_owned(), span: Span::new(self.at, self.at + length) }
    }
}

/// The bytes before the next line break.
fn line_length(text: &str) -> usize {
    text.find(['\r', '\n']).unwrap_or(text.len())
}

/// The bytes of `|` or `>` and its indicators.
fn header_length(text: &str) -> usize {
    let indicators = text.bytes().skip(1).take_while(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-')).count();
    1 + indicators
}
