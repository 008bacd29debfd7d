//! One worker as a process: started, written to, listened to, and ended with all that it has started.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group};

use super::{Pool, Reply, cannot_start};
use crate::campaign::error::CampaignError;
use crate::campaign::worker::Answer;
use crate::process::Interrupt;

/// The longest line of an answer, in bytes.
const LONGEST_ANSWER: usize = 32 << 20;

/// How often it is looked whether a signal has come.
const BREATH: Duration = Duration::from_millis(200);

/// The most that is told of what a worker said at its end, in bytes.
const LAST_WORDS: i64 = 2000;

/// How much is read at once, in bytes.
const CHUNK: usize = 64 * 1024;

/// One worker process, which ends when this is dropped.
pub(super) struct Worker {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
    errors: File,
    /// What was read and not handed on yet.
    heard: Vec<u8>,
    /// How often it has answered.
    pub(super) answers: usize,
}

/// What came of listening to a worker.
enum Heard {
    Line(Vec<u8>),
    /// Nothing, for as long as it was listened to.
    Nothing,
    /// More than a line may hold.
    TooMuch,
    /// It has ended.
    End,
}

impl Worker {
    pub(super) fn start(pool: &Pool<'_>) -> Result<Self, CampaignError> {
        let errors = tempfile::tempfile().map_err(|error| cannot_start(&error))?;
        let for_child = errors.try_clone().map_err(|error| cannot_start(&error))?;
        let mut command = Command::new(pool.program.0);
        command.args(pool.program.1).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(for_child).process_group(0);
        // Its last line is to say why it ended, and not where in the program.
        command.env("RUST_BACKTRACE", "0");
        let mut child = command.spawn().map_err(|error| cannot_start(&error))?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (input, output) = pipes.ok_or_else(|| cannot_start(&io::ErrorKind::BrokenPipe.into()))?;
        let mut worker = Self { child, input, output, errors, heard: Vec::new(), answers: 0 };
        let setup = serde_json::to_string(pool.setup).map_err(|error| CampaignError::Other(error.to_string()))?;
        worker.write(&format!("{setup}\n"));
        Ok(worker)
    }

    /// Sends it something. A worker that has died takes nothing, and is found to have died when it is listened to.
    pub(super) fn write(&mut self, lines: &str) {
        let _ = self.input.write_all(lines.as_bytes());
    }

    /// What comes of the request that was sent first.
    pub(super) fn reply(
        &mut self,
        number: usize,
        limit: Duration,
        interrupt: &Interrupt,
    ) -> Result<Reply, CampaignError> {
        let end = Instant::now() + limit;
        let heard = self.listen(end, interrupt)?;
        let answer = match self.line_or_reply(heard) {
            Ok(line) => serde_json::from_slice(&line),
            Err(reply) => return Ok(reply),
        };
        match answer {
            Ok(Answer::Unchanged(answered)) if answered == number => Ok(Reply::Unchanged),
            Ok(Answer::Looked(answered, told)) if answered == number => {
                let heard = self.listen(end, interrupt)?;
                Ok(self.line_or_reply(heard).map_or_else(|reply| reply, |line| Reply::Looked(told, line)))
            }
            Ok(_) => Ok(Reply::Died("it has answered another question".to_owned())),
            Err(error) => Ok(Reply::Died(format!("its answer is none: {error}"))),
        }
    }

    fn line_or_reply(&mut self, heard: Heard) -> Result<Vec<u8>, Reply> {
        match heard {
            Heard::Line(line) => Ok(line),
            Heard::Nothing => Err(Reply::TooLong),
            Heard::TooMuch => Err(Reply::TooMuch),
            Heard::End => Err(Reply::Died(self.last_words())),
        }
    }

    /// The next line, if it comes before `end`.
    fn listen(&mut self, end: Instant, interrupt: &Interrupt) -> Result<Heard, CampaignError> {
        let mut searched = 0;
        loop {
            let found = self.heard.iter().skip(searched).position(|byte| *byte == b'\n');
            if let Some(position) = found.map(|position| searched + position) {
                let rest = self.heard.split_off(position + 1);
                return Ok(Heard::Line(std::mem::replace(&mut self.heard, rest)));
            }
            searched = self.heard.len();
            if searched > LONGEST_ANSWER {
                return Ok(Heard::TooMuch);
            }
            if let Some(signal) = interrupt.signal() {
                return Err(CampaignError::Interrupted(signal));
            }
            let now = Instant::now();
            if now >= end {
                return Ok(Heard::Nothing);
            }
            if self.has_more_within(end.saturating_duration_since(now).min(BREATH))
                && matches!(self.read_some(), Ok(0) | Err(_))
            {
                return Ok(Heard::End);
            }
        }
    }

    fn read_some(&mut self) -> io::Result<usize> {
        let start = self.heard.len();
        self.heard.resize(start + CHUNK, 0);
        let read = self.output.read(self.heard.get_mut(start..).unwrap_or_default());
        self.heard.truncate(start + read.as_ref().copied().unwrap_or_default());
        read
    }

    fn has_more_within(&self, left: Duration) -> bool {
        let time =
            Timespec { tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX), tv_nsec: left.subsec_nanos().into() };
        match poll(&mut [PollFd::new(&self.output, PollFlags::IN)], Some(&time)) {
            Ok(ready) => ready > 0,
            // What cannot be waited for is read, which says what is wrong; a signal is seen by whoever asks next.
            Err(error) => error != rustix::io::Errno::INTR,
        }
    }

    /// How a worker that has ended came to its end.
    fn last_words(&mut self) -> String {
        let status = self.child.wait().map_or_else(|error| error.to_string(), |status| ending(&status));
        let mut words = Vec::new();
        // A file that is shorter cannot be sought from its end, and is read from its beginning.
        let _ = self.errors.seek(SeekFrom::End(-LAST_WORDS)).or_else(|_| self.errors.rewind().map(|()| 0));
        let _ = self.errors.read_to_end(&mut words);
        let words = String::from_utf8_lossy(&words);
        let last = words.lines().map(str::trim).rfind(|line| !line.is_empty() && !line.starts_with("note:"));
        last.map_or(status.clone(), |last| format!("{last} ({status})"))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // With all that it has started, such as a git that still fetches.
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

fn ending(status: &ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.signal(), status.code()) {
        (Some(signal), _) => format!("ended by signal {signal}"),
        (None, Some(code)) => format!("exit status {code}"),
        (None, None) => "ended".to_owned(),
    }
}
