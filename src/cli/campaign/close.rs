use std::io;
use std::path::Path;

use super::failed;
use super::remotes::{LIMIT, remotes};
use crate::campaign::{Campaign, CloseOutcome, Git};
use crate::cli::arguments::Options;
use crate::cli::fold::Fold;
use crate::cli::output::Streams;
use crate::cli::status::Status;
use crate::process::Interrupt;
use crate::report::{Detail, visible};

/// Takes back the branches of a campaign.
pub(super) fn run(options: &Options, folder: &Path, fold: &Fold, streams: &mut Streams<'_>) -> io::Result<Status> {
    let campaign = match Campaign::open(folder) {
        Ok(campaign) => campaign,
        Err(error) => return failed(&error, streams),
    };
    let interrupt = Interrupt::listen()?;
    let git = Git::new(interrupt.clone(), LIMIT);
    let remotes = match remotes(options, fold, &git) {
        Ok(remotes) => remotes,
        Err(why) => return failed(&why, streams),
    };
    let (mut closed, mut left, mut told) = (0_usize, 0_usize, Ok(()));
    let done = campaign.close(&remotes, &mut |name, landing, closing| {
        let line = match &closing.outcome {
            CloseOutcome::Deleted => format!("took back {}", landing.branch),
            CloseOutcome::Gone => format!("{} is gone already", landing.branch),
            CloseOutcome::Merged => format!("{} is merged, and not there any more", landing.branch),
            CloseOutcome::Not(why) => format!("left alone: {why}"),
            CloseOutcome::Stopped => return,
        };
        let is_left = matches!(closing.outcome, CloseOutcome::Not(_));
        *(if is_left { &mut left } else { &mut closed }) += 1;
        if told.is_ok() && (is_left || options.detail() > Detail::Quiet) {
            let note = closing.note.as_ref().map(|note| format!("; {note}")).unwrap_or_default();
            told = writeln!(streams.err, "{}", visible(&format!("{name}: {line}{note}")));
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
