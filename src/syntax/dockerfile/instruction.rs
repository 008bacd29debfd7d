use std::ops::Range;

use super::Keyword;
use super::joined::{Joined, Part};
use crate::text::Span;

/// One instruction with everything that belongs to it. All spans are bytes of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// From its first byte to its last, here-documents and their terminators included; neither indentation
    /// nor the last line break.
    pub span: Span,
    /// All its lines with the last line break.
    pub line_span: Span,
    /// The comment lines right above it, whole, with no blank line in between. Parser directives are none of them.
    pub comments: Vec<Span>,
    /// The comment lines between its own lines, whole; the builder drops them.
    pub inner_comments: Vec<Span>,
    /// What it does.
    pub keyword: Keyword,
    /// Its keyword as it is written.
    pub keyword_span: Span,
    /// Its flags, in order.
    pub flags: Vec<Flag>,
    /// What follows keyword and flags.
    pub arguments: Arguments,
    /// Its here-documents, in order.
    pub heredocs: Vec<Heredoc>,
    /// The instruction that an `ONBUILD` puts off. An `ONBUILD` in there is not read further.
    pub onbuild: Option<Box<Instruction>>,
    /// The escape character that carries it on into a line that does not come: the file ends there.
    pub dangling: Option<Span>,
}

impl Instruction {
    /// Its comments and its lines: what goes when it goes.
    #[must_use]
    pub fn owned_span(&self) -> Span {
        self.comments.first().map_or(self.line_span, |first| first.join(self.line_span))
    }
}

/// A flag of the builder, `--name=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// All of it, quotes included.
    pub span: Span,
    /// Its name without the dashes.
    pub name: String,
    /// Its value, read as the builder does: quotes and escapes taken away, variables not yet replaced.
    /// `None` for a flag without `=`.
    pub value: Option<Word>,
}

/// What follows keyword and flags, read as the builder reads it for that keyword.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arguments {
    /// Nothing does.
    None,
    /// Words between white space; for `WORKDIR`, `USER`, `STOPSIGNAL` and `MAINTAINER` one that may hold blanks.
    Words(Vec<Word>),
    /// A valid JSON array of strings.
    Json(Vec<JsonWord>),
    /// A text for a shell, its lines joined; also a JSON array that is not valid, such as `["node" "server.js"]`.
    /// Whatever follows an unknown keyword, too.
    Shell(Word),
    /// Names and values of `ENV`, `LABEL` and `ARG`.
    KeyValues(Vec<KeyValue>),
    /// A `HEALTHCHECK`.
    Health(Box<HealthCheck>),
}

/// Some text of an instruction as the builder reads it: without the line breaks that the writer put into it,
/// quotes, escapes and variables as they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// From its first byte to its last; a line break in between included.
    pub span: Span,
    joined: Joined,
}

impl Word {
    pub(super) fn new(part: Part<'_>) -> Self {
        Self { span: part.span(), joined: part.to_joined() }
    }

    /// A word that was read out of `span`, letter by letter.
    pub(super) const fn read(span: Span, joined: Joined) -> Self {
        Self { span, joined }
    }

    /// The text, lines joined.
    #[must_use]
    pub fn text(&self) -> &str {
        self.joined.text()
    }

    /// Where in the file the bytes `range` of [`Word::text`] stand.
    #[must_use]
    pub fn source_span(&self, range: Range<usize>) -> Span {
        if self.text().is_empty() { Span::at(self.span.start()) } else { self.joined.span(range) }
    }

    pub(super) fn part(&self, range: Range<usize>) -> Self {
        let span = self.source_span(range.clone());
        Self { span, joined: self.joined.part().sub(range).to_joined() }
    }
}

/// One string of a JSON array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonWord {
    /// All of it, quotes included.
    pub span: Span,
    /// What it says.
    pub value: String,
}

/// A name and its value: `name=value`, the old `ENV name value`, or the bare `ARG name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyValue {
    /// Both.
    pub span: Span,
    /// The name.
    pub name: Word,
    /// The value as it is written, quotes included; `None` for a bare name.
    pub value: Option<Word>,
    /// Whether white space stands between the two (Dockerfile reference: `ENV key value`, deprecated).
    pub legacy: bool,
}

/// The check of a `HEALTHCHECK`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// `CMD` or `NONE`, as it is written.
    pub kind: Word,
    /// The command: [`Arguments::Json`], [`Arguments::Shell`] or [`Arguments::None`].
    pub command: Arguments,
}

/// A here-document (Dockerfile reference: here-documents).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heredoc {
    /// The `<<EOF` that announces it.
    pub operator: Span,
    /// The name that ends it, without quotes.
    pub name: String,
    /// `<<-`: tabs before its lines and before its end do not count.
    pub strip_tabs: bool,
    /// Whether the builder replaces variables in it where it is the source of a `COPY` or `ADD`: its name is
    /// not quoted. In a `RUN` this is the shell's matter.
    pub expand: bool,
    /// Its lines with their line breaks.
    pub body: Span,
    /// The line that ends it, without its line break; `None` where the file ends first.
    pub terminator: Option<Span>,
}
