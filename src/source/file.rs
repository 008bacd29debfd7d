use std::fmt;

use crate::text::{LineColumn, LineIndex, RepositoryPath, Span};

/// One file of a repository, read: its path, its text and where its lines start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    path: RepositoryPath,
    text: String,
    lines: LineIndex,
}

impl SourceFile {
    /// The file at `path` with this text.
    #[must_use]
    pub fn new(path: RepositoryPath, text: impl Into<String>) -> Self {
        let text = text.into();
        let lines = LineIndex::new(&text);
        Self { path, text, lines }
    }

    /// Where it stands.
    #[must_use]
    pub const fn path(&self) -> &RepositoryPath {
        &self.path
    }

    /// All of it, a byte order mark included.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where its lines start.
    #[must_use]
    pub const fn lines(&self) -> &LineIndex {
        &self.lines
    }

    /// Line and column of the first character of `span`.
    #[must_use]
    pub fn line_column(&self, span: Span) -> LineColumn {
        self.lines.line_column(&self.text, span.start())
    }
}

/// Why a file has no text to work on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadError {
    /// There is nothing at the path.
    Missing,
    /// There is a folder, a device or a socket.
    NotAFile,
    /// The path goes through a symbolic link, so that it may lead out of the repository.
    SymbolicLink,
    /// The file is larger than is ever read.
    TooLarge {
        /// Its size in bytes.
        size: u64,
        /// The largest that is read, in bytes.
        limit: u64,
    },
    /// The bytes are not UTF-8.
    NotUtf8 {
        /// The first byte that is not.
        offset: usize,
    },
    /// The operating system says no, in these words.
    Unreadable(String),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("there is no such file"),
            Self::NotAFile => f.write_str("it is not a regular file"),
            Self::SymbolicLink => f.write_str("the path goes through a symbolic link"),
            Self::TooLarge { size, limit } => write!(f, "it has {size} bytes, and at most {limit} are read"),
            Self::NotUtf8 { offset } => write!(f, "it is not UTF-8 text (byte {offset})"),
            Self::Unreadable(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for ReadError {}
