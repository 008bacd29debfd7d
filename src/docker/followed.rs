//! What a command of a script runs that is a program of its own and can be read: a shell script of the repository, recipes of a
//! Makefile, or the text behind `sh -c`.

use std::sync::Arc;

use crate::source::SourceFile;
use crate::text::{RepositoryPath, Span};

/// The commands that a program of the repository is made of.
#[derive(Clone, Debug)]
pub struct Program {
    /// The folder that it begins in.
    pub folder: RepositoryPath,
    /// Its texts, each run by a shell of its own.
    pub parts: Vec<Part>,
    /// Variables that it sets before it begins; `None` where the value is not known.
    pub variables: Vec<(String, Option<String>)>,
    /// Those that it gives a value whatever its environment holds.
    pub changed: Vec<String>,
}

/// A text that a shell runs.
#[derive(Clone, Debug)]
pub struct Part {
    /// Where the text stands.
    pub origin: PartOrigin,
    /// The text as the shell gets it.
    pub text: String,
    /// For each byte of the text, how far behind the beginning of where it stands it was written; empty where that is told
    /// by `origin` alone.
    pub places: Vec<usize>,
    /// What becomes of a command that fails.
    pub failure: Failure,
}

/// Where a text stands that a shell runs.
#[derive(Clone, Debug)]
pub enum PartOrigin {
    /// In a file of the repository.
    File {
        /// The file.
        source: Arc<SourceFile>,
        /// The bytes of it.
        span: Span,
    },
    /// In a word of the script itself.
    Word {
        /// The item.
        item: usize,
        /// The bytes between the quotes in the item's text.
        span: Span,
        /// Whether they are the text.
        is_exact: bool,
    },
}

/// What a program does where one of its commands fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It ends there, and fails.
    Ends,
    /// It goes on, and fails if its last command does.
    GoesOn,
    /// It goes on and never fails.
    IsIgnored,
}

impl Part {
    /// The file that it stands in, and its bytes there.
    #[must_use]
    pub const fn file(&self) -> Option<(&Arc<SourceFile>, Span)> {
        match &self.origin {
            PartOrigin::File { source, span } => Some((source, *span)),
            PartOrigin::Word { .. } => None,
        }
    }

    /// Whether the text has the same bytes where it stands.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        match &self.origin {
            PartOrigin::File { source, span } => span.slice(source.text()) == self.text,
            PartOrigin::Word { is_exact, .. } => *is_exact,
        }
    }

    /// The place of some bytes of the text in the file or the item; all of it where that is not known.
    #[must_use]
    pub fn place(&self, span: Span) -> Span {
        let (PartOrigin::File { span: own, .. } | PartOrigin::Word { span: own, .. }) = self.origin;
        self.exact_place(span).unwrap_or(own)
    }

    /// The place of some bytes of the text in the file or the item, where the same may be written there.
    #[must_use]
    pub fn exact_place(&self, span: Span) -> Option<Span> {
        let (PartOrigin::File { span: own, .. } | PartOrigin::Word { span: own, .. }) = self.origin;
        if self.is_exact() {
            return Some(span.shifted(own.start()));
        }
        let place = |at: usize| if at == self.text.len() { Some(own.len()) } else { self.places.get(at).copied() };
        let (start, end) = place(span.start()).zip(place(span.end())).filter(|(start, end)| start <= end)?;
        Some(Span::new(start, end).shifted(own.start()))
    }
}
