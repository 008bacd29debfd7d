use std::io;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use super::failed;
use crate::campaign::{Campaign, CloseOutcome, Git};
use crate::cli::arguments::Options;
use crate::cli::output::Streams;
use crate::cli::status::Status;
use crate::process::Interrupt;
use crate::report::{Detail, visible};

/// How many remotes are talked to at a time, where the user does not say: they may all be one host.
pub(super) const JOBS: usize = 4;

/// How long git may take for one command.
pub(super) const LIMIT: Duration = Duration::from_mins(2);

/// Takes back the branches of a campaign.
pub(super) fn run(options: &Options, folder: &Path, streams: &mut Streams<'_>) -> io::Result<Status> {
    let campaign = match Campaign::open(folder) {
        Ok(campaign) => campaign,
        Err(error) => return failed(&error, streams),
    };
    let interrupt = Interrupt::listen()?;
    let git = Git::new(interrupt.clone(), LIMIT);
    let jobs = options.jobs.map_or(JOBS, NonZeroUsize::get);
    let (mut closed, mut left, mut told) = (0_usize, 0_usize, Ok(()));
    let done = campaign.close(&git, jobs, &mut |name, landing, outcome| {
        let line = match outcome {
            CloseOutcome::Deleted => format!("took back {}", landing.branch),
            CloseOutcome::Gone => format!("{} is gone already", landing.branch),
            CloseOutcome::Not(why) => format!("left alone: {why}"),
            CloseOutcome::Stopped => return,
        };
        let is_left = matches!(outcome, CloseOutcome::Not(_));
        *(if is_left { &mut left } else { &mut closed }) += 1;
        if told.is_ok() && (is_left || options.detail() > Detail::Quiet) {
            told = writeln!(streams.err, "{}", visible(&format!("{name}: {line}")));
        }
    });
    told?;
    if let Err(error) = done {
        return failed(&error, streams);
    }
    if options.detail() > Detail::Quiet {
        writeln!(streams.err, "{closed} taken back, {left} left alone")?;
    }
    Ok(match interrupt.signal() {
        Some(signal) => Status::Interrupted(u8::try_from(signal).unwrap_or_default()),
        None if left > 0 => Status::Failed,
        None => Status::Done,
    })
}
