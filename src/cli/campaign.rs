//! The commands for many repositories, one small file each.

mod apply;
mod audit;
mod close;
mod land;
mod merge;
mod progress;
mod prove;
mod remotes;
mod report;
mod run;
mod start;
mod status;

use std::fmt::Display;
use std::io::{self, BufReader};

use super::arguments::{AuditOptions, CampaignCommand, Options};
use super::fold::Fold;
use super::output::Streams;
use super::status::Status;
use crate::campaign::{CampaignError, work};

/// The words that make this program a worker.
const WORKER: [&str; 2] = ["campaign", "worker"];

/// Tells what a fold of many repositories would come to.
pub(super) fn audit(options: &Options, audit: &AuditOptions, streams: &mut Streams<'_>) -> io::Result<Status> {
    audit::run(options, audit, streams)
}

/// Does one step of a campaign.
pub(super) fn run(
    command: &CampaignCommand,
    options: &Options,
    fold: &Fold,
    streams: &mut Streams<'_>,
) -> io::Result<Status> {
    match command {
        CampaignCommand::Run(asked) => run::run(options, asked, fold, streams),
        CampaignCommand::Report { folder } => report::run(options, &folder.dir, streams),
        CampaignCommand::Merge(asked) => merge::run(options, asked, streams),
        CampaignCommand::Worker => {
            work(&mut BufReader::new(io::stdin()), streams.out, fold)?;
            Ok(Status::Done)
        }
        CampaignCommand::Apply(asked) => apply::run(options, asked, streams),
        CampaignCommand::Undo { folder } => apply::undo(options, &folder.dir, streams),
        CampaignCommand::Land(asked) => land::run(options, asked, fold, streams),
        CampaignCommand::Status { folder, offline } => status::run(options, &folder.dir, *offline, fold, streams),
        CampaignCommand::Close { folder } => close::run(options, &folder.dir, fold, streams),
    }
}

/// Tells why a campaign as a whole stops.
fn stopped(error: &CampaignError, streams: &mut Streams<'_>) -> io::Result<Status> {
    match error {
        CampaignError::Interrupted(signal) => {
            writeln!(streams.err, "{error}")?;
            Ok(Status::Interrupted(u8::try_from(*signal).unwrap_or_default()))
        }
        error => failed(error, streams),
    }
}

/// Tells an error that stops all.
fn failed(error: &dyn Display, streams: &mut Streams<'_>) -> io::Result<Status> {
    writeln!(streams.err, "error: {error}")?;
    Ok(Status::Failed)
}
