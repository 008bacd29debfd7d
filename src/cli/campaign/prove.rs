use std::cell::RefCell;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::campaign::{Campaign, CampaignError, Git, Proved, Provers};
use crate::cli::arguments::{Options, RunCampaign};
use crate::cli::fold::Fold;
use crate::cli::output::Streams;
use crate::cli::prove::status_of;
use crate::cli::status::Status;
use crate::process::Interrupt;
use crate::report::{Detail, visible};

/// Proves the folds of the campaign in `folder`.
pub(super) fn prove(
    folder: &Path,
    options: &Options,
    asked: &RunCampaign,
    fold: &Fold,
    streams: &mut Streams<'_>,
) -> Result<Status, CampaignError> {
    let campaign = Campaign::open(folder)?;
    let started = Instant::now();
    let is_told = options.detail() > Detail::Quiet;
    let err = RefCell::new(&mut *streams.err);
    let progress = |line: &str| {
        if is_told {
            // Where nobody can be told what is done, it is still done.
            let _ = writeln!(err.borrow_mut(), "[{:>4} s] {line}", started.elapsed().as_secs());
        }
    };
    let request = |found: &_| asked.how.request(found, options);
    let provers = Provers { request: &request, fold, progress: &progress };
    // A proof listens to signals by itself.
    let git = Git::new(Interrupt::default(), Duration::from_secs(asked.limits.git_time_limit.get()));
    let mut status = Status::Done;
    let signal = campaign.prove(&provers, &git, &mut |name, proved| {
        let (one, line) = match proved {
            Proved::Compared(proof) => {
                (status_of(proof), proof.verdict().map_or("nothing to compare", |verdict| verdict.name()).to_owned())
            }
            Proved::Not(why) => (Status::Failed, format!("not proven: {why}")),
        };
        status = status.max(one);
        progress(&visible(&format!("{name}: {line}")));
    })?;
    Ok(signal.map_or(status, |signal| Status::Interrupted(u8::try_from(signal).unwrap_or_default())))
}
