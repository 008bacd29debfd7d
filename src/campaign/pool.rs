//! Worker processes, and who of them does what.
//!
//! Each worker has a thread here that asks it and waits for its answers. Requests are sent ahead, so that no worker waits for
//! the next one; what is sent ahead fits into a pipe, so that neither side waits for the other for ever.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group};

use super::error::CampaignError;
use super::setup::Setup;
use super::worker::{Answer, Request, Told};

/// The most bytes that are sent ahead. A pipe takes 64 KiB on Linux and 16 KiB elsewhere.
const AHEAD: usize = 12 * 1024;

/// How many answers wait for the journal before the workers do.
const WAITING: usize = 64;

/// The most that is told of what a worker said at its end, in bytes.
const LAST_WORDS: i64 = 2000;

/// How much is read at once, in bytes.
const CHUNK: usize = 64 * 1024;

/// How projects are looked at.
#[derive(Debug)]
pub(super) struct Pool<'a> {
    /// The program that a worker is, and the words that make it one.
    pub(super) program: (&'a Path, &'a [&'a str]),
    pub(super) setup: &'a Setup,
    /// How many workers there are.
    pub(super) workers: usize,
}

/// What became of one request.
#[derive(Debug)]
pub(super) enum Reply {
    /// Nothing has changed since an earlier look.
    Unchanged,
    /// What is told of the look, and the line of the journal that keeps it.
    Looked(Vec<Told>, Vec<u8>),
    /// It took longer than it may.
    TooLong,
    /// The worker has ended over it, and how.
    Died(String),
}

impl Pool<'_> {
    /// Asks for each index below `count`, and hands what comes of it to `sink` as it is done. `request` says what is asked,
    /// and how long the answer may take; `None` leaves the index out.
    pub(super) fn ask_all(
        &self,
        count: usize,
        request: &(dyn Fn(usize) -> Result<Option<(Request, Duration)>, CampaignError> + Sync),
        sink: &mut dyn FnMut(usize, Reply) -> Result<(), CampaignError>,
    ) -> Result<(), CampaignError> {
        let next = AtomicUsize::new(0);
        thread::scope(|scope| {
            let (sender, results) = mpsc::sync_channel(WAITING);
            for _ in 0..self.workers.clamp(1, count.max(1)) {
                let (sender, next) = (sender.clone(), &next);
                let work = move || {
                    let indices = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
                    let desk = Desk { pool: self, request, outstanding: VecDeque::new(), ahead: 0 };
                    if let Err(error) = desk.work(&mut indices.take_while(|index| *index < count), &sender) {
                        // Where nobody listens any more, another error was first.
                        let _ = sender.send(Err(error));
                    }
                };
                thread::Builder::new().spawn_scoped(scope, work).map_err(|error| cannot_start(&error))?;
            }
            drop(sender);
            // Taken by value: once this returns, workers find nobody listening and end.
            results.into_iter().try_for_each(|result| result.and_then(|(index, result)| sink(index, result)))
        })
    }
}

/// What a thread of the pool sends: the reply to a request, or why there are no more.
type Sent = Result<(usize, Reply), CampaignError>;

fn cannot_start(error: &io::Error) -> CampaignError {
    CampaignError::Other(format!("a worker could not be started: {error}"))
}

/// What lies before one worker.
struct Desk<'a> {
    pool: &'a Pool<'a>,
    request: &'a (dyn Fn(usize) -> Result<Option<(Request, Duration)>, CampaignError> + Sync),
    /// What was asked and not answered yet, the first first.
    outstanding: VecDeque<Asked>,
    /// How many bytes they take.
    ahead: usize,
}

struct Asked {
    index: usize,
    line: String,
    limit: Duration,
}

impl Desk<'_> {
    fn work(
        mut self,
        indices: &mut dyn Iterator<Item = usize>,
        sender: &SyncSender<Sent>,
    ) -> Result<(), CampaignError> {
        let mut worker = None;
        loop {
            let sent = self.outstanding.len();
            self.take_more(indices)?;
            if self.outstanding.is_empty() {
                return Ok(());
            }
            let (mut at_work, sent) = match worker.take() {
                Some(worker) => (worker, sent),
                None => (Worker::start(self.pool)?, 0),
            };
            let lines = self.outstanding.iter().skip(sent).map(|asked| asked.line.as_str()).collect::<String>();
            // A worker that has died takes nothing, and is found to have died when it is listened to.
            let _ = at_work.input.write_all(lines.as_bytes());
            let Some(asked) = self.outstanding.pop_front() else { return Ok(()) };
            self.ahead -= asked.line.len();
            let result = at_work.reply(asked.limit);
            if let Reply::Unchanged | Reply::Looked(..) = result {
                worker = Some(at_work);
            }
            if sender.send(Ok((asked.index, result))).is_err() {
                return Ok(());
            }
        }
    }

    /// Takes as many requests as may be sent ahead, and one at least.
    fn take_more(&mut self, indices: &mut dyn Iterator<Item = usize>) -> Result<(), CampaignError> {
        while self.ahead < AHEAD {
            let Some(index) = indices.next() else { return Ok(()) };
            let Some((request, limit)) = (self.request)(index)? else { continue };
            let mut line = serde_json::to_string(&request).map_err(|error| CampaignError::Other(error.to_string()))?;
            line.push('\n');
            self.ahead += line.len();
            self.outstanding.push_back(Asked { index, line, limit });
        }
        Ok(())
    }
}

/// One worker process, which ends when this is dropped.
struct Worker {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
    errors: File,
    /// What was read and not handed on yet.
    heard: Vec<u8>,
}

/// What came of listening to a worker.
enum Heard {
    Line(Vec<u8>),
    /// Nothing, for as long as it was listened to.
    Nothing,
    /// It has ended.
    End,
}

impl Worker {
    fn start(pool: &Pool<'_>) -> Result<Self, CampaignError> {
        let errors = tempfile::tempfile().map_err(|error| cannot_start(&error))?;
        let for_child = errors.try_clone().map_err(|error| cannot_start(&error))?;
        let mut command = Command::new(pool.program.0);
        command.args(pool.program.1).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(for_child).process_group(0);
        // Its last line is to say why it ended, and not where in the program.
        command.env("RUST_BACKTRACE", "0");
        let mut child = command.spawn().map_err(|error| cannot_start(&error))?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (input, output) = pipes.ok_or_else(|| cannot_start(&io::ErrorKind::BrokenPipe.into()))?;
        let mut worker = Self { child, input, output, errors, heard: Vec::new() };
        let setup = serde_json::to_string(pool.setup).map_err(|error| CampaignError::Other(error.to_string()))?;
        // As in Desk::work: a worker that does not take it is found to have died.
        let _ = writeln!(worker.input, "{setup}");
        Ok(worker)
    }

    /// What comes of the request that was sent first, within `limit`.
    fn reply(&mut self, limit: Duration) -> Reply {
        let end = Instant::now() + limit;
        let answer = match self.listen(limit) {
            Heard::Line(line) => serde_json::from_slice(&line),
            Heard::Nothing => return Reply::TooLong,
            Heard::End => return Reply::Died(self.last_words()),
        };
        match answer {
            Ok(Answer::Unchanged) => Reply::Unchanged,
            Ok(Answer::Looked(told)) => match self.listen(end.saturating_duration_since(Instant::now())) {
                Heard::Line(line) => Reply::Looked(told, line),
                Heard::Nothing => Reply::TooLong,
                Heard::End => Reply::Died(self.last_words()),
            },
            Err(error) => Reply::Died(format!("its answer is none: {error}")),
        }
    }

    /// The next line, if it comes within `limit`.
    fn listen(&mut self, limit: Duration) -> Heard {
        let end = Instant::now() + limit;
        let mut searched = 0;
        loop {
            let found = self.heard.iter().skip(searched).position(|byte| *byte == b'\n');
            if let Some(position) = found.map(|position| searched + position) {
                let rest = self.heard.split_off(position + 1);
                return Heard::Line(std::mem::replace(&mut self.heard, rest));
            }
            searched = self.heard.len();
            let left = end.saturating_duration_since(Instant::now());
            if !self.has_more_within(left) {
                return Heard::Nothing;
            }
            match self.read_some() {
                Ok(0) | Err(_) => return Heard::End,
                Ok(_) => {}
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
        let end = Instant::now() + left;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let time = Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: left.subsec_nanos().into(),
            };
            match poll(&mut [PollFd::new(&self.output, PollFlags::IN)], Some(&time)) {
                Ok(ready) => return ready > 0,
                Err(rustix::io::Errno::INTR) if !left.is_zero() => {}
                // What cannot be waited for is read, which says what is wrong.
                Err(_) => return true,
            }
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
        let last = words.lines().map(str::trim).rfind(|line| !line.is_empty());
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
