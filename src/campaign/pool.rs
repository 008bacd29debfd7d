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
use crate::process::Interrupt;

/// The most bytes that are sent ahead. A pipe takes 64 KiB on Linux and 16 KiB elsewhere.
const AHEAD: usize = 12 * 1024;

/// The longest line of an answer, in bytes.
const LONGEST_ANSWER: usize = 32 << 20;

/// How often it is looked whether a signal has come.
const BREATH: Duration = Duration::from_millis(200);

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
    /// Whether a signal asks to stop.
    pub(super) interrupt: &'a Interrupt,
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
    /// What it has to tell is longer than anybody could read.
    TooMuch,
    /// The worker has ended over it, and how.
    Died(String),
}

impl Pool<'_> {
    /// Asks for each index below `count`, and hands what comes of it to `sink` as it is done. `request` says what is asked,
    /// and how long the answer may take; `None` leaves the index out.
    pub(super) fn ask_all(
        &self,
        count: usize,
        request: &Asking<'_>,
        sink: &mut dyn FnMut(usize, Reply) -> Result<(), CampaignError>,
    ) -> Result<(), CampaignError> {
        let next = AtomicUsize::new(0);
        let workers = self.workers.clamp(1, count.max(1));
        thread::scope(|scope| {
            let (sender, results) = mpsc::sync_channel(workers);
            for _ in 0..workers {
                let (sender, next) = (sender.clone(), &next);
                let work = move || {
                    let indices = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
                    let desk = Desk { pool: self, request, outstanding: VecDeque::new(), next: None };
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

/// What is asked about an index, and how long the answer may take.
type Asking<'a> = dyn Fn(usize) -> Result<Option<(Request, Duration)>, CampaignError> + Sync + 'a;

/// What a thread of the pool sends: the reply to a request, or why there are no more.
type Sent = Result<(usize, Reply), CampaignError>;

fn cannot_start(error: &io::Error) -> CampaignError {
    CampaignError::Other(format!("a worker could not be started: {error}"))
}

/// What lies before one worker.
struct Desk<'a> {
    pool: &'a Pool<'a>,
    request: &'a Asking<'a>,
    /// What was sent and not answered yet, the first first.
    outstanding: VecDeque<Asked>,
    /// What is to be sent next, once it fits.
    next: Option<Asked>,
}

struct Asked {
    index: usize,
    line: String,
    limit: Duration,
    /// Whether another worker has ended over it already, which may have been brought down by those before.
    is_second: bool,
}

impl Desk<'_> {
    fn work(
        mut self,
        indices: &mut dyn Iterator<Item = usize>,
        sender: &SyncSender<Sent>,
    ) -> Result<(), CampaignError> {
        let mut worker: Option<Worker> = None;
        loop {
            let mut at_work = match worker.take() {
                Some(worker) => worker,
                None if self.is_done(indices)? => return Ok(()),
                None => self.start_over()?,
            };
            self.send_ahead(&mut at_work, indices)?;
            let Some(asked) = self.outstanding.pop_front() else { return Ok(()) };
            let reply = at_work.reply(&asked, self.pool.interrupt)?;
            match reply {
                Reply::Unchanged | Reply::Looked(..) => {
                    at_work.answers += 1;
                    worker = Some(at_work);
                }
                Reply::Died(_) if at_work.answers > 0 && !asked.is_second => {
                    self.outstanding.push_front(Asked { is_second: true, ..asked });
                    continue;
                }
                Reply::TooLong | Reply::TooMuch | Reply::Died(_) => {}
            }
            if sender.send(Ok((asked.index, reply))).is_err() {
                return Ok(());
            }
        }
    }

    /// Whether nothing is left to ask.
    fn is_done(&mut self, indices: &mut dyn Iterator<Item = usize>) -> Result<bool, CampaignError> {
        self.take_next(indices)?;
        Ok(self.outstanding.is_empty() && self.next.is_none())
    }

    /// A new worker, which gets what the one before has left, the first of it alone.
    fn start_over(&mut self) -> Result<Worker, CampaignError> {
        let mut worker = Worker::start(self.pool)?;
        let lines: String = self.outstanding.iter().map(|asked| asked.line.as_str()).collect();
        worker.write(&lines);
        Ok(worker)
    }

    /// Sends as much as fits into the pipe beside what waits there. A request that is larger than that is sent to a worker
    /// that waits for it.
    fn send_ahead(
        &mut self,
        worker: &mut Worker,
        indices: &mut dyn Iterator<Item = usize>,
    ) -> Result<(), CampaignError> {
        loop {
            self.take_next(indices)?;
            let waiting: usize = self.outstanding.iter().map(|asked| asked.line.len()).sum();
            let fits = |asked: &mut Asked| waiting == 0 || waiting + asked.line.len() <= AHEAD;
            let Some(asked) = self.next.take_if(fits) else { return Ok(()) };
            worker.write(&asked.line);
            self.outstanding.push_back(asked);
        }
    }

    fn take_next(&mut self, indices: &mut dyn Iterator<Item = usize>) -> Result<(), CampaignError> {
        while self.next.is_none() {
            let Some(index) = indices.next() else { return Ok(()) };
            let Some((request, limit)) = (self.request)(index)? else { continue };
            let mut line = serde_json::to_string(&request).map_err(|error| CampaignError::Other(error.to_string()))?;
            line.push('\n');
            self.next = Some(Asked { index, line, limit, is_second: false });
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
    /// How often it has answered.
    answers: usize,
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
        let mut worker = Self { child, input, output, errors, heard: Vec::new(), answers: 0 };
        let setup = serde_json::to_string(pool.setup).map_err(|error| CampaignError::Other(error.to_string()))?;
        worker.write(&format!("{setup}\n"));
        Ok(worker)
    }

    /// Sends it something. A worker that has died takes nothing, and is found to have died when it is listened to.
    fn write(&mut self, lines: &str) {
        let _ = self.input.write_all(lines.as_bytes());
    }

    /// What comes of the request that was sent first.
    fn reply(&mut self, asked: &Asked, interrupt: &Interrupt) -> Result<Reply, CampaignError> {
        let end = Instant::now() + asked.limit;
        let heard = self.listen(end, interrupt)?;
        let answer = match self.line_or_reply(heard) {
            Ok(line) => serde_json::from_slice(&line),
            Err(reply) => return Ok(reply),
        };
        match answer {
            Ok(Answer::Unchanged(number)) if number == asked.index => Ok(Reply::Unchanged),
            Ok(Answer::Looked(number, told)) if number == asked.index => {
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
