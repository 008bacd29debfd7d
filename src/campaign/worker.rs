//! The inside of a worker process: projects come in, what they come to goes out, a line of JSON each.
//!
//! The first line that comes in is the [`Setup`]. The worker ends when nothing more can come or nobody takes its answers.

use std::io::{self, BufRead, Write};
use std::thread;

use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Serialize};

use super::look::{Fold, look};
use super::project::Project;
use super::setup::Setup;
use super::step::{Inputs, Looked, Step};
use crate::outcome::Verdict;
use crate::report::report_line;

/// The stack of the thread that folds, in bytes. Memory is taken only for what is used.
const STACK: usize = 16 * 1024 * 1024;

/// What a worker is asked.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    /// What the answer repeats, so that none is taken for another.
    pub(super) number: usize,
    pub(super) project: Project,
    /// What an earlier look at it has read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) known: Option<Inputs>,
}

/// What it answers.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    /// Nothing that the earlier look has read has changed.
    Unchanged(usize),
    /// What is told of each pipeline. The line of the journal follows on a line of its own: nobody but its readers needs what is in it.
    Looked(usize, Vec<Told>),
}

/// What is told of one pipeline while a campaign runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// What became of it.
    pub verdict: Verdict,
    /// The same in one line, with its name.
    pub line: String,
}

impl Told {
    /// What is told of a look.
    pub(super) fn of(looked: &Looked) -> Vec<Self> {
        looked.reports.iter().map(|report| Self { verdict: report.verdict, line: report_line(report) }).collect()
    }
}

/// Works through what comes in, until nothing more does.
///
/// # Errors
/// Where what comes in is none of what this program sends to its workers, or nobody takes the answers.
pub fn work(input: &mut (dyn BufRead + Send), output: &mut (dyn Write + Send), fold: &Fold) -> io::Result<()> {
    end_with_parent();
    let mut line = String::new();
    input.read_line(&mut line)?;
    let setup: Setup = serde_json::from_str(&line)?;
    limit_memory(setup.memory_limit);
    thread::scope(|scope| {
        let answer_all = || answer_all(input, output, &setup, fold);
        let thread = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, answer_all)?;
        thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread of a worker has ended")))
    })
}

fn answer_all(input: &mut dyn BufRead, output: &mut dyn Write, setup: &Setup, fold: &Fold) -> io::Result<()> {
    let mut line = String::new();
    loop {
        line.clear();
        if input.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let Request { number, project, known } = serde_json::from_str(&line)?;
        match look(&project, known.as_ref(), setup, fold) {
            Some(looked) => {
                write_line(output, &Answer::Looked(number, Told::of(&looked)))?;
                write_line(output, &Step::Looked(Box::new(looked)))?;
            }
            None => write_line(output, &Answer::Unchanged(number))?,
        }
        output.flush()?;
    }
}

fn write_line(output: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_string(value)?;
    line.push('\n');
    output.write_all(line.as_bytes())
}

/// Nobody would take the answers of a worker whose parent was killed.
#[cfg(target_os = "linux")]
fn end_with_parent() {
    // A system that cannot do this lets the worker end once it has answered into the void.
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
}

#[cfg(not(target_os = "linux"))]
fn end_with_parent() {}

/// From here on the process ends where it asks for more. A system without such limits goes on without one.
fn limit_memory(bytes: u64) {
    let _ = setrlimit(Resource::As, Rlimit { current: Some(bytes), maximum: Some(bytes) });
}
