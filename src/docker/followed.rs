//! What a command of a script runs out of another file, where that can be read: a shell script, or recipes of a Makefile.

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

/// A text of a file that a shell runs.
#[derive(Clone, Debug)]
pub struct Part {
    /// The file.
    pub source: Arc<SourceFile>,
    /// Where the text stands in it.
    pub span: Span,
    /// The text as the shell gets it.
    pub text: String,
    /// What becomes of a command that fails.
    pub failure: Failure,
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
    /// Whether the text has the same bytes as the file.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.span.slice(self.source.text()) == self.text
    }

    /// The place in the file of some bytes of the text; all of it where the two differ.
    #[must_use]
    pub fn place(&self, span: Span) -> Span {
        if self.is_exact() { span.shifted(self.span.start()) } else { self.span }
    }
}
