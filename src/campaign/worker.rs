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
use super::step::{Inputs, Looked};

/// The stack of the thread that folds, in bytes. Memory is taken only for what is used.
const STACK: usize = 16 * 1024 * 1024;

/// What a worker is asked.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) project: Project,
    /// What an earlier look at it has read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) known: Option<Inputs>,
}

/// What it answers.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    /// Nothing that the earlier look has read has changed.
    Unchanged,
    /// What the look came to.
    Looked(Box<Looked>),
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
        let Request { project, known } = serde_json::from_str(&line)?;
        let answer = match look(&project, known.as_ref(), setup, fold) {
            Some(looked) => Answer::Looked(Box::new(looked)),
            None => Answer::Unchanged,
        };
        let mut answer = serde_json::to_string(&answer)?;
        answer.push('\n');
        output.write_all(answer.as_bytes())?;
        output.flush()?;
    }
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
