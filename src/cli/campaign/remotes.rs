//! What the commands that talk to the remotes of many repositories share.

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::time::Duration;

use crate::campaign::{Git, Refold, Remotes};
use crate::cli::arguments::Options;
use crate::cli::fold::Fold;
use crate::report::visible;

/// How many remotes are talked to at a time, where the user does not say: they may all be one host.
const JOBS: usize = 4;

/// How long git may take for one command.
pub(super) const LIMIT: Duration = Duration::from_mins(2);

/// How many remotes are talked to at a time.
pub(super) fn jobs(options: &Options) -> usize {
    options.jobs.map_or(JOBS, NonZeroUsize::get)
}

/// How what a remote holds now is folded.
pub(super) fn again<'a>(options: &Options, fold: &'a Fold) -> Result<Refold<'a>, String> {
    let elsewhere = options.elsewhere();
    match elsewhere.missing() {
        Some(missing) => Err(format!("{}: there is no such file or folder", missing.display())),
        None => Ok(Refold { fold, policy: options.policy(), include_dir: elsewhere.includes }),
    }
}

/// How remotes are asked about branches.
pub(super) fn remotes<'a>(options: &Options, fold: &'a Fold, git: &'a Git) -> Result<Remotes<'a>, String> {
    Ok(Remotes { git, again: again(options, fold)?, jobs: jobs(options), tell: &tell })
}

/// Tells at once that something waits, whoever of the threads does.
pub(super) fn tell(line: &str) {
    // Where nobody reads it, the wait goes on all the same.
    let _ = writeln!(io::stderr(), "{}", visible(line));
}
