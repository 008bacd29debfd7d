use super::Opaque;
use super::builder::Builder;
use super::lexer::Lexer;
use super::word::{Piece, PieceKind, Word, is_name};
use crate::text::Span;

/// The characters that end an unquoted word. POSIX shell, 2.3.
pub(super) const WORD_ENDS: &[u8] = b" \t\n&|;<>()";

/// Reading of words and of what expands in them. POSIX shell, 2.2, 2.3 and 2.6.
impl Lexer<'_> {
    /// The word that starts here; something other than a blank, an operator and a comment stands here.
    pub(super) fn word(&mut self) -> Result<Word, Opaque> {
        let mut builder = Builder::new(self.position());
        let mut previous = b' ';
        while let Some(byte) = self.peek().filter(|byte| !WORD_ENDS.contains(byte)) {
            self.unquoted(byte, &mut builder)?;
            previous = byte;
        }
        if self.peek() == Some(b'(') && b"@!?+*".contains(&previous) {
            return Err(self.opaque_here("an extended glob pattern"));
        }
        Ok(self.finish_word(builder))
    }

    /// The operand of `${…}`, up to its closing brace, which is not consumed. In double quotes a single quote is literal.
    pub(super) fn operand(&mut self, quoted: bool) -> Result<Word, Opaque> {
        let mut builder = Builder::new(self.position());
        loop {
            match self.peek() {
                None => return Err(self.opaque_here("an unterminated parameter expansion")),
                Some(b'}') => break,
                Some(byte @ (b'\'' | b'*' | b'?' | b'{' | b'~' | b'[' | b']' | b',')) if quoted => {
                    self.literal_byte(byte, true, &mut builder);
                }
                Some(b'\\') if quoted => self.escape_in_quotes(&mut builder, b"$`\"\\}"),
                Some(b'$' | b'`') => self.expansion(quoted, &mut builder)?,
                Some(b'"') => self.double_quoted(&mut builder)?,
                Some(byte) if quoted => self.literal_byte(byte, true, &mut builder),
                Some(byte) => self.unquoted(byte, &mut builder)?,
            }
        }
        let word = builder.finish(self.position());
        Ok(Word { splits: false, brace_expansion: None, ..word })
    }

    /// The body of a heredoc that expands, from `start` to `end`.
    pub(super) fn heredoc_text(&mut self, start: usize, end: usize) -> Result<Word, Opaque> {
        self.within(start, end, |lexer| {
            let mut builder = Builder::new(start);
            while let Some(byte) = lexer.peek() {
                match byte {
                    b'\\' => lexer.escape_in_quotes(&mut builder, b"$`\\"),
                    b'$' | b'`' => lexer.expansion(true, &mut builder)?,
                    byte => lexer.literal_byte(byte, true, &mut builder),
                }
            }
            Ok(Word { splits: false, ..builder.finish(end) })
        })
    }

    /// One character outside of quotes, or all that it opens.
    fn unquoted(&mut self, byte: u8, builder: &mut Builder) -> Result<(), Opaque> {
        match byte {
            b'\\' => return self.escape(builder),
            b'\'' => return self.single_quoted(builder),
            b'"' => return self.double_quoted(builder),
            b'$' | b'`' => return self.expansion(false, builder),
            _ => {}
        }
        let at = self.position();
        let span = Span::new(at, at + 1);
        match byte {
            b'*' | b'?' => self.special(1, builder, |text| PieceKind::Glob(text.to_owned())),
            b']' if builder.bracket_is_open() => self.special(1, builder, |text| PieceKind::Glob(text.to_owned())),
            b'~' if builder.expects_tilde() => {
                let user = self
                    .rest()
                    .bytes()
                    .skip(1)
                    .take_while(|byte| byte.is_ascii_alphanumeric() || b"_-.+".contains(byte));
                let length = 1 + user.count();
                self.special(length, builder, |text| PieceKind::Tilde(text.to_owned()));
            }
            byte => {
                builder.note_brace(byte, span);
                self.literal_byte(byte, false, builder);
            }
        }
        Ok(())
    }

    /// A backslash outside of quotes: a continuation, or the quote of one character.
    fn escape(&mut self, builder: &mut Builder) -> Result<(), Opaque> {
        let at = self.position();
        self.advance(1);
        let Some(character) = self.rest().chars().next() else {
            return Err(Opaque::new(Span::new(at, at + 1), "a backslash at the end"));
        };
        let end = self.position() + character.len_utf8();
        if character != '\n' {
            builder.push(Span::new(at, end), character.encode_utf8(&mut [0; 4]), true);
        }
        self.move_to(end);
        Ok(())
    }

    /// A backslash where only the characters of `special` can be quoted by it.
    fn escape_in_quotes(&mut self, builder: &mut Builder, special: &[u8]) {
        let at = self.position();
        match self.peek_at(1) {
            Some(b'\n') => self.advance(2),
            Some(byte) if special.contains(&byte) => {
                self.advance(2);
                builder.push(Span::new(at, at + 2), char::from(byte).encode_utf8(&mut [0; 4]), true);
            }
            _ => self.literal_byte(b'\\', true, builder),
        }
    }

    fn single_quoted(&mut self, builder: &mut Builder) -> Result<(), Opaque> {
        let at = self.position();
        let Some(length) = self.rest().get(1..).and_then(|rest| rest.find('\'')) else {
            return Err(self.opaque_here("an unterminated single quote"));
        };
        let text = self.rest().get(1..=length).unwrap_or_default().to_owned();
        self.advance(length + 2);
        builder.push(Span::new(at, self.position()), &text, true);
        Ok(())
    }

    fn double_quoted(&mut self, builder: &mut Builder) -> Result<(), Opaque> {
        let opening = self.position();
        self.advance(1);
        builder.push(Span::new(opening, opening + 1), "", true);
        loop {
            match self.peek() {
                None => return Err(Opaque::new(Span::new(opening, opening + 1), "an unterminated double quote")),
                Some(b'"') => break,
                Some(b'\\') => self.escape_in_quotes(builder, b"$`\"\\"),
                Some(b'$' | b'`') => self.expansion(true, builder)?,
                Some(byte) => self.literal_byte(byte, true, builder),
            }
        }
        builder.push(Span::new(self.position(), self.position() + 1), "", true);
        self.advance(1);
        Ok(())
    }

    /// What a `$` or a backquote starts.
    fn expansion(&mut self, quoted: bool, builder: &mut Builder) -> Result<(), Opaque> {
        let at = self.position();
        if self.peek() == Some(b'`') {
            let script = self.backquoted()?;
            builder.piece(Span::new(at, self.position()), quoted, PieceKind::CommandSubstitution(script));
            return Ok(());
        }
        let kind = match self.peek_at(1) {
            Some(b'(') if self.peek_at(2) == Some(b'(') => self.arithmetic()?,
            Some(b'(') => PieceKind::CommandSubstitution(self.command_substitution()?),
            Some(b'{') => PieceKind::Parameter(self.braced_parameter(quoted)?),
            Some(b'[') => return Err(self.opaque_here("an arithmetic expansion in brackets")),
            Some(b'\'') if !quoted => self.ansi_quoted()?,
            Some(b'"') if !quoted => {
                self.note_bashism(Span::new(at, at + 2));
                self.advance(1);
                PieceKind::BashQuote
            }
            Some(b'\\') if self.peek_at(2) == Some(b'\n') => {
                return Err(self.opaque_here("a dollar sign before a continuation"));
            }
            _ => match self.plain_parameter()? {
                Some(parameter) => PieceKind::Parameter(parameter),
                None => {
                    self.literal_byte(b'$', quoted, builder);
                    return Ok(());
                }
            },
        };
        builder.piece(Span::new(at, self.position()), quoted, kind);
        Ok(())
    }

    /// `$'…'`, whose text is not read: a shell other than bash sees a dollar sign and a quoted string.
    fn ansi_quoted(&mut self) -> Result<PieceKind, Opaque> {
        let at = self.position();
        self.advance(2);
        loop {
            match self.peek() {
                None => return Err(Opaque::new(Span::new(at, at + 2), "an unterminated single quote")),
                Some(b'\\') => self.advance(2),
                Some(b'\'') => break,
                Some(_) => self.advance(1),
            }
        }
        self.advance(1);
        self.note_bashism(Span::new(at, self.position()));
        Ok(PieceKind::BashQuote)
    }

    /// `$((…))`.
    fn arithmetic(&mut self) -> Result<PieceKind, Opaque> {
        let at = self.position();
        self.enter()?;
        self.advance(3);
        let mut builder = Builder::new(self.position());
        let mut open = 0_usize;
        loop {
            match self.peek() {
                None => return Err(Opaque::new(Span::new(at, at + 3), "an unterminated arithmetic expansion")),
                Some(b'$' | b'`') => self.expansion(true, &mut builder)?,
                Some(b')') if open == 0 => break,
                Some(b'\'' | b'"' | b'\\') => return Err(self.opaque_here("a quote in an arithmetic expansion")),
                Some(byte) => {
                    open = if byte == b'(' { open + 1 } else { open - usize::from(byte == b')') };
                    self.literal_byte(byte, true, &mut builder);
                }
            }
        }
        let pieces: Vec<Piece> = builder.finish(self.position()).pieces;
        if self.peek_at(1) != Some(b')') {
            return Err(Opaque::new(Span::new(at, at + 3), "`$((` that is not closed by `))`"));
        }
        self.advance(2);
        self.leave();
        Ok(PieceKind::Arithmetic(pieces))
    }

    /// `$(…)`: the span of the script inside, whose tokens are kept.
    fn command_substitution(&mut self) -> Result<Span, Opaque> {
        self.enter()?;
        self.advance(2);
        let start = self.position();
        let tokens = self.nested_tokens(true)?;
        let script = Span::new(start, self.position());
        self.advance(1);
        self.leave();
        self.keep_substitution(script, tokens);
        Ok(script)
    }

    /// `` `…` ``: the span of the script inside, whose tokens are kept.
    fn backquoted(&mut self) -> Result<Span, Opaque> {
        let opening = self.opaque_here("an unterminated backquote");
        self.enter()?;
        let start = self.position() + 1;
        let Some(length) = self.rest().get(1..).and_then(|rest| rest.find('`')) else { return Err(opening) };
        let script = Span::new(start, start + length);
        // Inside backquotes a backslash quotes these once more, so that the text is not the script that runs.
        let mut behind_backslashes = self.slice(script).split('\\').skip(1);
        if behind_backslashes.any(|rest| rest.is_empty() || rest.starts_with(['$', '"'])) {
            return Err(Opaque::new(script, "a backslash in backquotes"));
        }
        let tokens = self.within(start, script.end(), |lexer| lexer.nested_tokens(false))?;
        self.move_to(script.end() + 1);
        self.leave();
        self.keep_substitution(script, tokens);
        Ok(script)
    }

    /// Takes the next `length` bytes as a piece of their own.
    fn special(&mut self, length: usize, builder: &mut Builder, kind: impl Fn(&str) -> PieceKind) {
        let span = Span::new(self.position(), self.position() + length);
        builder.piece(span, false, kind(self.slice(span)));
        self.advance(length);
    }

    /// Takes the character that starts with `byte`, which is the next one, as text that stands for itself.
    fn literal_byte(&mut self, byte: u8, quoted: bool, builder: &mut Builder) {
        let at = self.position();
        let length = if byte.is_ascii() { 1 } else { self.rest().chars().next().map_or(1, char::len_utf8) };
        let span = Span::new(at, at + length);
        builder.push(span, self.slice(span), quoted);
        self.advance(length);
    }

    fn finish_word(&mut self, builder: Builder) -> Word {
        let word = builder.finish(self.position());
        if let Some(brace) = word.brace_expansion {
            self.note_bashism(brace);
        }
        word
    }
}

/// The bare names in arithmetic, which are variables without a dollar sign, as spans. `0x1f` is none.
pub(super) fn arithmetic_names(text: &str, start: usize) -> Vec<(String, Span)> {
    let mut names = Vec::new();
    let mut at = start;
    for part in text.split_inclusive(|character: char| !(character.is_ascii_alphanumeric() || character == '_')) {
        let name = part.trim_end_matches(|character: char| !(character.is_ascii_alphanumeric() || character == '_'));
        if is_name(name) {
            names.push((name.to_owned(), Span::new(at, at + name.len())));
        }
        at += part.len();
    }
    names
}
