use std::io;

use super::failed;
use super::start::{Meant, find, look};
use crate::campaign::{Campaign, CampaignError, Selection};
use crate::cli::arguments::{Options, RunCampaign};
use crate::cli::fold::Fold;
use crate::cli::output::Streams;
use crate::cli::status::Status;

/// Begins a campaign, or goes on with it.
pub(super) fn run(
    options: &Options,
    asked: &RunCampaign,
    _fold: &Fold,
    streams: &mut Streams<'_>,
) -> io::Result<Status> {
    let mut campaign = match open(asked) {
        Ok(campaign) => campaign,
        Err(error) => return failed(&error, streams),
    };
    let sources = asked.sources.or(campaign.sources());
    let Some(meant) = find(options, &sources, streams)? else { return Ok(Status::Failed) };
    let told = sources.told();
    match run_all(&mut campaign, told, &meant, options, asked, streams) {
        Ok(status) => Ok(status.max(meant.status)),
        Err(error) => failed(&error, streams),
    }
}

fn open(asked: &RunCampaign) -> Result<Campaign, CampaignError> {
    if asked.resume || asked.retry || asked.only_failed {
        Campaign::open(&asked.folder.dir)
    } else {
        Campaign::create(&asked.folder.dir)
    }
}

fn run_all(
    campaign: &mut Campaign,
    told: Vec<String>,
    meant: &Meant,
    options: &Options,
    asked: &RunCampaign,
    streams: &mut Streams<'_>,
) -> Result<Status, CampaignError> {
    campaign.begin(told, meant.shard.map(|shard| shard.to_string()))?;
    let selection = match (asked.only_failed, asked.retry) {
        (true, _) => Selection::Failed,
        (false, true) => Selection::ChangedAndFailed,
        (false, false) => Selection::Changed,
    };
    look(campaign, &meant.projects, (selection, true), &asked.limits, options, streams)
}
