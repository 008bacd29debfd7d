//! The commands for many repositories, one small file each.

use std::io;

use super::arguments::{AuditOptions, CampaignCommand, Options};
use super::fold::Fold;
use super::output::Streams;
use super::status::Status;

/// Tells what a fold of many repositories would come to.
pub(super) fn audit(
    _audit: &AuditOptions,
    _options: &Options,
    _fold: &Fold,
    streams: &mut Streams<'_>,
) -> io::Result<Status> {
    unbuilt(streams)
}

/// Does one step of a campaign.
pub(super) fn run(
    command: &CampaignCommand,
    _options: &Options,
    _fold: &Fold,
    streams: &mut Streams<'_>,
) -> io::Result<Status> {
    match command {
        CampaignCommand::Run(_)
        | CampaignCommand::Apply(_)
        | CampaignCommand::Undo { .. }
        | CampaignCommand::Land(_)
        | CampaignCommand::Status { .. }
        | CampaignCommand::Close { .. }
        | CampaignCommand::Report { .. }
        | CampaignCommand::Merge(_)
        | CampaignCommand::Worker => unbuilt(streams),
    }
}

fn unbuilt(streams: &mut Streams<'_>) -> io::Result<Status> {
    writeln!(streams.err, "error: this is still being built")?;
    Ok(Status::Failed)
}
