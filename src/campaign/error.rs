use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why a campaign as a whole cannot go on. What is wrong with one repository is told in its report instead.
#[derive(Debug)]
pub enum CampaignError {
    /// There is a campaign in the folder already.
    Present(PathBuf),
    /// There is none.
    Missing(PathBuf),
    /// Another process is at work in the folder.
    Busy(PathBuf),
    /// A line of the journal is none that this program has written.
    Damaged {
        /// The journal.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// A file of the campaign cannot be read or written.
    File(PathBuf, io::Error),
    /// A signal of this number asks to stop; what was done stands in the journal.
    Interrupted(i32),
    /// Something else, in words.
    Other(String),
}

impl CampaignError {
    pub(super) fn of_file(path: &Path, error: &io::Error) -> Self {
        Self::File(path.to_owned(), io::Error::new(error.kind(), error.to_string()))
    }
}

impl fmt::Display for CampaignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Present(folder) => write!(
                f,
                "{}: there is a campaign already; --resume goes on with it, --dir names another folder",
                folder.display()
            ),
            Self::Missing(folder) => {
                write!(f, "{}: there is no campaign; 'stagefold campaign run' begins one", folder.display())
            }
            Self::Busy(folder) => write!(f, "{}: another process is at work on this campaign", folder.display()),
            Self::Damaged { path, line: 0, why } => write!(f, "{}: the end of it: {why}", path.display()),
            Self::Damaged { path, line, why } => write!(
                f,
                "{}:{line}: no step of a campaign ({why}); take the line out, or put the file back as it was",
                path.display()
            ),
            Self::File(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Interrupted(_) => f.write_str("stopped; the same command with --resume goes on from here"),
            Self::Other(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for CampaignError {}
