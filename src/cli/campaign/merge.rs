use std::io;

use super::failed;
use super::report::counted;
use crate::campaign::{Campaign, CampaignError};
use crate::cli::arguments::{MergeCampaigns, Options};
use crate::cli::output::Streams;
use crate::cli::status::Status;
use crate::report::Detail;

/// Makes one campaign of several.
pub(super) fn run(options: &Options, asked: &MergeCampaigns, streams: &mut Streams<'_>) -> io::Result<Status> {
    match merge(asked) {
        Ok(tally) => {
            if options.detail() > Detail::Quiet {
                writeln!(streams.err, "{tally}")?;
            }
            Ok(Status::Done)
        }
        Err(error) => failed(&error, streams),
    }
}

fn merge(asked: &MergeCampaigns) -> Result<crate::report::Tally, CampaignError> {
    Campaign::merge(&asked.shards, &asked.folder.dir)?;
    Ok(counted(&asked.folder.dir)?.0.tally)
}
