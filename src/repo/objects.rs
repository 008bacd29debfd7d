use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout};

use super::git::start_at;
use crate::source::ReadError;

/// The objects of a repository, read one after the other from one git process, which is started for the first of them.
#[derive(Debug)]
pub(super) struct Objects {
    git_dir: PathBuf,
    reader: Option<Reader>,
}

#[derive(Debug)]
struct Reader {
    git: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Objects {
    pub(super) const fn of(git_dir: PathBuf) -> Self {
        Self { git_dir, reader: None }
    }

    /// The bytes of the file that git keeps as `name`, at most `limit` of them.
    pub(super) fn read(&mut self, name: &str, limit: u64) -> Result<Vec<u8>, ReadError> {
        let mut reader = match self.reader.take() {
            Some(reader) => reader,
            None => Reader::start(&self.git_dir)?,
        };
        let bytes = reader.read(name, limit)?;
        // After an error it is not known where its answers are: then the next file is asked of another process.
        self.reader = Some(reader);
        Ok(bytes)
    }
}

impl Reader {
    fn start(git_dir: &Path) -> Result<Self, ReadError> {
        let mut git = start_at(git_dir, &["cat-file", "--batch"]).map_err(|error| unreadable(&error))?;
        match (git.stdin.take(), git.stdout.take()) {
            (Some(questions), Some(answers)) => Ok(Self { git, questions, answers: BufReader::new(answers) }),
            _ => Err(ReadError::Unreadable("git has no streams".to_owned())),
        }
    }

    fn read(&mut self, name: &str, limit: u64) -> Result<Vec<u8>, ReadError> {
        let mut head = String::new();
        writeln!(self.questions, "{name}").map_err(|error| unreadable(&error))?;
        self.answers.read_line(&mut head).map_err(|error| unreadable(&error))?;
        // `NAME TYPE SIZE`, or `NAME missing`.
        let mut words = head.split_whitespace().skip(1);
        let size = match (words.next(), words.next().and_then(|size| size.parse::<u64>().ok())) {
            (Some("blob"), Some(size)) => size,
            _ => return Err(ReadError::Unreadable("git does not have the file's content".to_owned())),
        };
        if size > limit {
            return Err(ReadError::TooLarge { size, limit });
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        let read = (&mut self.answers).take(size + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
        // The last byte is the line break behind the content.
        if read as u64 != size + 1 {
            return Err(ReadError::Unreadable("git stopped in the middle of the file".to_owned()));
        }
        bytes.pop();
        Ok(bytes)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let _ = self.git.kill();
        let _ = self.git.wait();
    }
}

fn unreadable(error: &dyn std::fmt::Display) -> ReadError {
    ReadError::Unreadable(error.to_string())
}
