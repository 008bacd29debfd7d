//! What stagefold has to say of a user's files: a code, a message, the place, and a way out.
//!
//! Oddities in a user's file are data, not errors. The codes stand in one table, [`Code`]; the page of
//! each is `docs/codes/<code>.md`, and `stagefold explain` prints it.

mod code;

use std::sync::Arc;

use crate::source::SourceFile;
use crate::text::{RepositoryPath, Span};

pub use code::{Code, Severity};

/// A place in the user's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A file as a whole, because its text could not be read or does not matter.
    File(RepositoryPath),
    /// Bytes of a file that was read.
    Span {
        /// The file.
        file: Arc<SourceFile>,
        /// The bytes of it that are meant.
        span: Span,
    },
}

impl Location {
    /// The bytes of `span` in `file`.
    #[must_use]
    pub fn new(file: &Arc<SourceFile>, span: Span) -> Self {
        Self::Span { file: Arc::clone(file), span }
    }

    /// The file that is meant.
    #[must_use]
    pub fn path(&self) -> &RepositoryPath {
        match self {
            Self::File(path) => path,
            Self::Span { file, .. } => file.path(),
        }
    }
}

/// Another place that matters to a finding, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    /// The place.
    pub location: Location,
    /// What is to be seen there.
    pub label: String,
}

/// One thing that stagefold found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind of thing it is.
    pub code: Code,
    /// What was found, in one sentence without a full stop.
    pub message: String,
    /// Where it was found.
    pub location: Location,
    /// Other places that matter.
    pub related: Vec<Related>,
    /// What the user can do.
    pub help: Option<String>,
}

impl Finding {
    /// A finding of this kind at this place.
    #[must_use]
    pub fn new(code: Code, location: Location, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), location, related: Vec::new(), help: None }
    }

    /// Adds another place that matters, once.
    #[must_use]
    pub fn with_related(mut self, location: Location, label: impl Into<String>) -> Self {
        self.add_related(Related { location, label: label.into() });
        self
    }

    /// Adds another place that matters, once.
    pub fn add_related(&mut self, related: Related) {
        if !self.related.contains(&related) {
            self.related.push(related);
        }
    }

    /// Whether two findings say the same of the same place, whatever other places they name.
    #[must_use]
    pub fn is_about_the_same(&self, other: &Self) -> bool {
        self.code == other.code
            && self.message == other.message
            && self.location == other.location
            && self.help == other.help
    }

    /// Says what the user can do.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// How much weight it has.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }
}
