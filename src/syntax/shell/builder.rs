use super::word::{Piece, PieceKind, Word, is_name};
use crate::text::Span;

/// A word while it is read: joins neighbouring text that is quoted alike.
pub(super) struct Builder {
    start: usize,
    pieces: Vec<Piece>,
    text: Option<(Span, String, bool)>,
    bracket_is_open: bool,
    braces: Vec<OpenBrace>,
    brace_expansion: Option<Span>,
}

/// A brace that may turn out to open a brace expansion.
struct OpenBrace {
    at: usize,
    separated: bool,
    last_byte: u8,
}

impl Builder {
    /// A word that starts at `start`, in bytes.
    pub(super) const fn new(start: usize) -> Self {
        Self {
            start,
            pieces: Vec::new(),
            text: None,
            bracket_is_open: false,
            braces: Vec::new(),
            brace_expansion: None,
        }
    }

    /// Adds text that stands for itself. Empty quoted text is what makes a field of `""`.
    pub(super) fn push(&mut self, span: Span, text: &str, quoted: bool) {
        match &mut self.text {
            Some((at, joined, is_quoted)) if *is_quoted == quoted => {
                *at = at.join(span);
                joined.push_str(text);
            }
            _ => {
                self.flush();
                self.text = Some((span, text.to_owned(), quoted));
            }
        }
    }

    /// Adds a piece of its own.
    pub(super) fn piece(&mut self, span: Span, quoted: bool, kind: PieceKind) {
        self.flush();
        self.pieces.push(Piece { span, quoted, kind });
    }

    /// Whether an unquoted `[` stands before, so that a `]` makes a pattern of it.
    pub(super) const fn bracket_is_open(&self) -> bool {
        self.bracket_is_open
    }

    /// Whether a `~` here is expanded: at the start of a word, and of each part of an assignment. POSIX shell, 2.6.1.
    pub(super) fn expects_tilde(&self) -> bool {
        match (&self.text, self.pieces.first()) {
            (None, None) => true,
            (Some((_, text, false)), None) => is_assignment_up_to_here(text),
            _ => false,
        }
    }

    /// Follows braces outside of quotes, to see whether bash would expand them.
    pub(super) fn note_brace(&mut self, byte: u8, span: Span) {
        if byte == b'[' {
            self.bracket_is_open = true;
        }
        if byte == b'{' {
            self.braces.push(OpenBrace { at: span.start(), separated: false, last_byte: byte });
            return;
        }
        let Some(open) = self.braces.last_mut() else { return };
        if byte != b'}' {
            open.separated |= byte == b',' || (byte == b'.' && open.last_byte == b'.');
            open.last_byte = byte;
        } else if open.separated {
            self.brace_expansion.get_or_insert(Span::new(open.at, span.end()));
        } else {
            self.braces.pop();
        }
    }

    /// The word, which ends at `end`.
    pub(super) fn finish(mut self, end: usize) -> Word {
        self.flush();
        let span = Span::new(self.start, end);
        Word { span, pieces: self.pieces, brace_expansion: self.brace_expansion, splits: true }
    }

    fn flush(&mut self) {
        if let Some((span, text, quoted)) = self.text.take() {
            self.pieces.push(Piece { span, quoted, kind: PieceKind::Literal(text) });
        }
    }
}

/// Whether `text` is `name=`, or `name=…:`, as before a path that is assigned.
fn is_assignment_up_to_here(text: &str) -> bool {
    let assigns = text.split_once('=').is_some_and(|(name, _)| is_name(name.strip_suffix('+').unwrap_or(name)));
    assigns && text.ends_with(['=', ':'])
}
