//! Worker processes, and who of them does what.
//!
//! Each worker has a thread here that asks it and waits for its answers. Requests are sent ahead, so that no worker waits for
//! the next one; what is sent ahead fits into a pipe, so that neither side waits for the other for ever.

mod process;

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, SyncSender};
use std::thread;
use std::time::Duration;

use super::error::CampaignError;
use super::setup::Setup;
use super::worker::{Request, Told};
use crate::process::Interrupt;

use process::Worker;

/// The most bytes that are sent ahead. A pipe takes 64 KiB on Linux and 16 KiB elsewhere.
const AHEAD: usize = 12 * 1024;

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
            let reply = at_work.reply(asked.index, asked.limit, self.pool.interrupt)?;
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

    /// A new worker, which gets what the one before has left.
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
