use std::io;
use std::path::Path;

use super::failed;
use crate::campaign::{Applied, Campaign, CampaignError};
use crate::cli::arguments::{ApplyCampaign, Options};
use crate::cli::output::Streams;
use crate::cli::status::Status;
use crate::report::{Detail, visible};

/// Writes the folds of a campaign.
pub(super) fn run(options: &Options, asked: &ApplyCampaign, streams: &mut Streams<'_>) -> io::Result<Status> {
    let allowed = (&asked.allow).into();
    tell(options, &asked.folder.dir, streams, |campaign, each| campaign.apply(allowed, each))
}

/// Puts back what stood there before.
pub(super) fn undo(options: &Options, folder: &Path, streams: &mut Streams<'_>) -> io::Result<Status> {
    tell(options, folder, streams, Campaign::undo)
}

/// Who is told what became of each project.
type Each<'a> = &'a mut dyn FnMut(&str, &Applied);

fn tell(
    options: &Options,
    folder: &Path,
    streams: &mut Streams<'_>,
    work: impl FnOnce(&Campaign, Each<'_>) -> Result<(), CampaignError>,
) -> io::Result<Status> {
    let campaign = match Campaign::open(folder) {
        Ok(campaign) => campaign,
        Err(error) => return failed(&error, streams),
    };
    let (mut status, mut counts, mut told) = (Status::Done, [0_usize; 3], Ok(()));
    let worked = work(&campaign, &mut |name, applied| {
        let (place, line) = match applied {
            Applied::Written(count) => (0, format!("{count} files written")),
            Applied::PutBack(count) => (0, format!("{count} files put back")),
            Applied::Already => (1, "written already".to_owned()),
            Applied::Not(why) => (2, format!("not done: {why}")),
        };
        counts[place] += 1;
        if place == 2 {
            status = Status::Failed;
        }
        if place == 2 || options.detail() > Detail::Quiet {
            told = std::mem::replace(&mut told, Ok(()))
                .and_then(|()| writeln!(streams.err, "{}", visible(&format!("{name}: {line}"))));
        }
    });
    told?;
    if let Err(error) = worked {
        return failed(&error, streams);
    }
    if options.detail() > Detail::Quiet {
        let [done, already, not] = counts;
        let already = if already == 0 { String::new() } else { format!(", {already} done already") };
        let noun = if done == 1 { "repository" } else { "repositories" };
        writeln!(streams.err, "{done} {noun} done{already}, {not} not done")?;
    }
    Ok(status)
}
