use std::collections::BTreeMap;

use super::Opaque;
use super::reader::WORD_ENDS;
use super::word::Word;
use crate::text::Span;

/// How deeply expansions may nest. Real scripts stay below five; the reader calls itself once for each.
const MAX_DEPTH: usize = 10;

/// The operators of the shell, the longer ones before those that they start with. POSIX shell, 2.10.2, and bash.
const OPERATORS: &[&str] = &[
    ";;&", "<<-", "<<<", "&>>", "&&", "||", ";;", ";&", "<<", ">>", "<&", ">&", "<>", ">|", "&>", "|&", "\n", "&", "|",
    ";", "<", ">", "(", ")",
];

/// Those among them that only bash knows.
const BASH_OPERATORS: &[&str] = &[";;&", ";&", "<<<", "&>>", "&>", "|&"];

/// The smallest part of a script.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) span: Span,
    pub(super) kind: TokenKind,
}

#[derive(Clone, Debug)]
pub(super) enum TokenKind {
    Operator(&'static str),
    Word(Word),
    /// The body of a heredoc, right behind its delimiter wherever it stands in the text; `None` where it expands nothing.
    HeredocBody(Option<Word>),
    /// The line that ends a heredoc.
    HeredocEnd,
}

impl Token {
    pub(super) fn is_operator(&self, operator: &str) -> bool {
        matches!(self.kind, TokenKind::Operator(text) if text == operator)
    }

    pub(super) const fn word(&self) -> Option<&Word> {
        if let TokenKind::Word(word) = &self.kind { Some(word) } else { None }
    }
}

/// A heredoc whose body is still to come.
struct PendingHeredoc {
    tag: usize,
    delimiter: String,
    quoted: bool,
    strips_tabs: bool,
}

/// Reads a script from left to right, each byte once.
pub(super) struct Lexer<'a> {
    text: &'a str,
    position: usize,
    end: usize,
    depth: usize,
    /// How many heredocs of the scripts around this one still wait for their bodies.
    waiting_heredocs: usize,
    pub(super) comments: Vec<Span>,
    pub(super) bashisms: Vec<Span>,
    /// The tokens of each substituted script, by its span.
    pub(super) substitutions: BTreeMap<Span, Vec<Token>>,
}

impl<'a> Lexer<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self {
            text,
            position: 0,
            end: text.len(),
            depth: 0,
            waiting_heredocs: 0,
            comments: Vec::new(),
            bashisms: Vec::new(),
            substitutions: BTreeMap::new(),
        }
    }

    /// All tokens from here on, up to the end or, where the script is substituted by `$(`, up to the parenthesis
    /// that closes it, which is not consumed.
    pub(super) fn nested_tokens(&mut self, closed: bool) -> Result<Vec<Token>, Opaque> {
        let mut script = Tokens::default();
        let opening = Span::new(self.position.saturating_sub(2), self.position);
        loop {
            self.skip_blanks();
            match self.peek() {
                None if closed => return Err(Opaque::new(opening, "an unterminated command substitution")),
                None => break,
                Some(b')') if closed && script.open_parentheses == 0 => break,
                Some(b'#') => self.comment(),
                Some(byte) if WORD_ENDS.contains(&byte) => self.operator(&mut script)?,
                Some(_) => {
                    self.waiting_heredocs += script.pending.len();
                    let word = self.word()?;
                    self.waiting_heredocs -= script.pending.len();
                    script.push_word(word);
                }
            }
        }
        if script.pending.is_empty() { Ok(script.finish()) } else { Err(self.opaque_here("a heredoc without an end")) }
    }

    fn operator(&mut self, script: &mut Tokens) -> Result<(), Opaque> {
        let Some(operator) = OPERATORS.iter().find(|operator| self.rest().starts_with(**operator)) else {
            return Err(self.opaque_here("an unknown operator"));
        };
        // `((x << 2))` shifts; there is no heredoc in arithmetic.
        let operator = if script.in_arithmetic && operator.starts_with("<<") { "<<" } else { operator };
        let span = Span::new(self.position, self.position + operator.len());
        self.advance(operator.len());
        if BASH_OPERATORS.contains(&operator) {
            self.note_bashism(span);
        }
        let joined = self.rest().strip_prefix("\\\n").and_then(|rest| rest.bytes().next());
        if operator != "\n" && joined.is_some_and(|byte| b"&|;<>()-".contains(&byte)) {
            return Err(self.opaque_here("an operator that may go on behind a continuation"));
        }
        script.push_operator(operator, span);
        if operator == "\n" {
            self.heredoc_bodies(script)?;
        }
        Ok(())
    }

    /// Reads the bodies of the heredocs of the line that has just ended.
    fn heredoc_bodies(&mut self, script: &mut Tokens) -> Result<(), Opaque> {
        if self.waiting_heredocs > 0 {
            return Err(self.opaque_here("a line break between a heredoc and its body"));
        }
        for pending in std::mem::take(&mut script.pending) {
            let start = self.position;
            let Some(end) = self.skip_to_delimiter(&pending) else {
                return Err(Opaque::new(Span::at(start), "a heredoc without an end"));
            };
            let body = Span::new(start, end.start());
            let text = if pending.quoted { None } else { Some(self.heredoc_text(start, end.start())?) };
            script.bodies.insert(
                pending.tag,
                [
                    Token { span: body, kind: TokenKind::HeredocBody(text) },
                    Token { span: end, kind: TokenKind::HeredocEnd },
                ],
            );
        }
        Ok(())
    }

    /// Moves past the line that ends the heredoc, and gives its span without the line break.
    fn skip_to_delimiter(&mut self, pending: &PendingHeredoc) -> Option<Span> {
        let mut continues = false;
        while self.position < self.end {
            let rest = self.rest();
            let line = rest.split('\n').next().unwrap_or_default();
            let span = Span::new(self.position, self.position + line.len());
            self.position = (span.end() + 1).min(self.end);
            let compared = if pending.strips_tabs { line.trim_start_matches('\t') } else { line };
            if !continues && compared == pending.delimiter {
                return Some(span);
            }
            let backslashes = line.bytes().rev().take_while(|byte| *byte == b'\\').count();
            continues = !pending.quoted && backslashes % 2 == 1;
        }
        None
    }

    fn comment(&mut self) {
        let length = self.rest().find('\n').unwrap_or(self.rest().len());
        self.comments.push(Span::new(self.position, self.position + length));
        self.advance(length);
    }

    fn skip_blanks(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t') => self.advance(1),
                Some(b'\\') if self.peek_at(1) == Some(b'\n') => self.advance(2),
                _ => break,
            }
        }
    }

    pub(super) const fn position(&self) -> usize {
        self.position
    }

    pub(super) const fn move_to(&mut self, position: usize) {
        self.position = position;
    }

    pub(super) const fn advance(&mut self, bytes: usize) {
        self.position += bytes;
    }

    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.position..self.end).unwrap_or_default()
    }

    pub(super) const fn text(&self) -> &'a str {
        self.text
    }

    pub(super) fn slice(&self, span: Span) -> &'a str {
        span.slice(self.text)
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.peek_at(0)
    }

    pub(super) fn peek_at(&self, offset: usize) -> Option<u8> {
        let at = self.position + offset;
        self.text.as_bytes().get(at).copied().filter(|_| at < self.end)
    }

    /// Goes one expansion deeper.
    pub(super) fn enter(&mut self) -> Result<(), Opaque> {
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err(self.opaque_here("expansions nested too deeply")) } else { Ok(()) }
    }

    pub(super) const fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// Reads only the bytes from `start` to `end`, and comes back to where it was.
    pub(super) fn within<T>(&mut self, start: usize, end: usize, read: impl FnOnce(&mut Self) -> T) -> T {
        let before = (self.position, self.end);
        (self.position, self.end) = (start, end);
        let result = read(self);
        (self.position, self.end) = before;
        result
    }

    pub(super) fn keep_substitution(&mut self, script: Span, tokens: Vec<Token>) {
        self.substitutions.insert(script, tokens);
    }

    pub(super) fn note_bashism(&mut self, span: Span) {
        self.bashisms.push(span);
    }

    /// That the script cannot be read from here on, since here stands `what`.
    pub(super) fn opaque_here(&self, what: &'static str) -> Opaque {
        let length = self.rest().chars().next().map_or(0, char::len_utf8);
        Opaque::new(Span::new(self.position, self.position + length), what)
    }
}

/// The tokens of one script while it is read.
#[derive(Default)]
struct Tokens {
    tokens: Vec<Token>,
    pending: Vec<PendingHeredoc>,
    bodies: BTreeMap<usize, [Token; 2]>,
    open_parentheses: usize,
    in_arithmetic: bool,
}

impl Tokens {
    fn push_word(&mut self, word: Word) {
        if let Some(strips_tabs) = self.opens_heredoc() {
            let quoted = word.pieces.iter().any(|piece| piece.quoted);
            // A delimiter is never expanded; one with an expansion in it matches no line, so that the script is opaque.
            let delimiter = word.pattern().unwrap_or_else(|| "\n".to_owned());
            self.pending.push(PendingHeredoc { tag: self.tokens.len(), delimiter, quoted, strips_tabs });
        }
        self.tokens.push(Token { span: word.span, kind: TokenKind::Word(word) });
    }

    /// Whether the last token is an operator that opens a heredoc, and if so whether that strips tabs.
    fn opens_heredoc(&self) -> Option<bool> {
        let last = self.tokens.last().filter(|_| !self.in_arithmetic)?;
        if last.is_operator("<<-") { Some(true) } else { last.is_operator("<<").then_some(false) }
    }

    fn push_operator(&mut self, operator: &'static str, span: Span) {
        let follows = |other: &str| {
            self.tokens.last().is_some_and(|last| last.is_operator(other) && last.span.end() == span.start())
        };
        match operator {
            "(" => {
                self.in_arithmetic |= follows("(");
                self.open_parentheses += 1;
            }
            ")" => {
                self.in_arithmetic &= !follows(")");
                self.open_parentheses = self.open_parentheses.saturating_sub(1);
            }
            _ => {}
        }
        self.tokens.push(Token { span, kind: TokenKind::Operator(operator) });
    }

    /// The tokens in the order of the grammar: each body right behind its delimiter.
    fn finish(mut self) -> Vec<Token> {
        if self.bodies.is_empty() {
            return self.tokens;
        }
        let mut ordered = Vec::with_capacity(self.tokens.len() + 2 * self.bodies.len());
        for (index, token) in self.tokens.into_iter().enumerate() {
            ordered.push(token);
            ordered.extend(self.bodies.remove(&index).into_iter().flatten());
        }
        ordered
    }
}
