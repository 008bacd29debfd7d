//! Why a step that other programs take part in does not come to its end.

use std::fmt;
use std::io;
use std::path::Path;

/// Why a step that other programs take part in does not come to its end.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// A signal of this number asks the program to stop.
    Interrupted(i32),
    /// What was to be built does not build; how, as a sentence without its end.
    Failed(String),
    /// A program took longer than it may; which, and how long, as a sentence without its end.
    Late(String),
    /// This machine, the engine, or what the user asked for does not allow it.
    Error(String),
}

impl Trouble {
    /// A file of this machine that cannot be read or written.
    pub(crate) fn of_file(path: &Path, error: &io::Error) -> Self {
        Self::Error(format!("{}: {error}", path.display()))
    }

    /// The same as an error, where a failure of the user's own build would not be told.
    pub(crate) fn into_error(self) -> Self {
        match self {
            Self::Failed(what) => Self::Error(what),
            other => other,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interrupted(signal) => write!(f, "stopped by signal {signal}"),
            Self::Failed(what) | Self::Late(what) | Self::Error(what) => f.write_str(what),
        }
    }
}
