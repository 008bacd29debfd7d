//! What 'audit' and 'campaign run' have in common: which projects, which workers, what is told meanwhile.

use std::io::{self, Read};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::WORKER;
use super::progress::Teller;
use crate::campaign::{Campaign, CampaignError, Project, Run, Selection, Setup, Shard, Sourcing, projects};
use crate::cli::arguments::{Limits, Options, Sources};
use crate::cli::output::Streams;
use crate::cli::status::Status;
use crate::process::Interrupt;
use crate::report::Detail;

/// The projects that are meant, and the shard of them where there is one.
pub(super) struct Meant {
    pub(super) projects: Vec<Project>,
    pub(super) shard: Option<Shard>,
    /// `Failed` where some of what was named could not be read.
    pub(super) status: Status,
}

/// Finds the projects, and tells what could not be found and what is left out.
pub(super) fn find(
    options: &Options,
    sources: &Sources,
    input: &mut dyn Read,
    streams: &mut Streams<'_>,
) -> io::Result<Option<Meant>> {
    if options.merged_yaml.is_some() {
        writeln!(streams.err, "error: --merged-yaml is about one pipeline; --include-dir is about many")?;
        return Ok(None);
    }
    if let Some(missing) = options.elsewhere().missing() {
        writeln!(streams.err, "error: {}: there is no such file or folder", missing.display())?;
        return Ok(None);
    }
    let shard = match sources.shard() {
        Ok(shard) => shard,
        Err(why) => {
            writeln!(streams.err, "error: {why}")?;
            return Ok(None);
        }
    };
    if let Some(shard) = shard.filter(|_| sources.shard.is_none() && options.detail() > Detail::Quiet) {
        writeln!(streams.err, "shard {shard}, by CI_NODE_INDEX and CI_NODE_TOTAL")?;
    }
    let here = [".".to_owned()];
    let paths = if sources.paths.is_empty() && sources.from.is_empty() { &here } else { sources.paths.as_slice() };
    let (from, clone_by) = (&sources.from, sources.clone_by.into());
    let Sourcing { projects, errors, left_out } = projects(paths, from, input, clone_by, shard);
    for error in &errors {
        writeln!(streams.err, "error: {error}")?;
    }
    if options.detail() > Detail::Quiet {
        for line in &left_out {
            writeln!(streams.err, "left out: {line}")?;
        }
    }
    let status = if errors.is_empty() { Status::Done } else { Status::Failed };
    Ok(Some(Meant { projects, shard, status }))
}

/// Looks at the projects, and tells how far that is.
pub(super) fn look(
    campaign: &Campaign,
    meant: &[Project],
    (selection, has_lines): (Selection, bool),
    limits: &Limits,
    options: &Options,
    streams: &mut Streams<'_>,
) -> Result<Status, CampaignError> {
    let interrupt = Interrupt::listen().map_err(|error| CampaignError::Other(error.to_string()))?;
    let setup = setup(campaign.folder(), limits, options);
    let program = std::env::current_exe().map_err(|error| CampaignError::Other(error.to_string()))?;
    let run = Run {
        worker: (&program, &WORKER),
        setup: &setup,
        workers: workers(options.jobs),
        time_limit: Duration::from_secs(limits.time_limit.get()),
        selection,
        interrupt: &interrupt,
    };
    let mut teller = Teller::new(meant.len(), has_lines, options, streams);
    let ran = campaign.run(meant, &run, &mut |progress| teller.tell(progress));
    teller.end();
    ran.map(|()| teller.status)
}

fn setup(folder: &Path, limits: &Limits, options: &Options) -> Setup {
    Setup {
        policy: options.policy(),
        include_dir: options.elsewhere().includes.map(absolute),
        folder: absolute(folder.to_owned()),
        git_time_limit: limits.git_time_limit.get(),
        memory_limit: limits.memory_limit.get().saturating_mul(1 << 20),
    }
}

fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

fn workers(jobs: Option<NonZeroUsize>) -> usize {
    jobs.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get)
}
