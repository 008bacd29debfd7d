use std::io;

use super::start::{Meant, find, look};
use super::{failed, report, stopped};
use crate::campaign::{Campaign, CampaignError, Selection, Temporary};
use crate::cli::arguments::{AuditOptions, Options};
use crate::cli::output::Streams;
use crate::cli::status::Status;

/// Looks at all projects in a campaign that is gone once its report is written.
pub(super) fn run(options: &Options, audit: &AuditOptions, streams: &mut Streams<'_>) -> io::Result<Status> {
    let Some(meant) = find(options, &audit.sources, &mut io::stdin(), streams)? else { return Ok(Status::Failed) };
    let folder = match Temporary::folder() {
        Ok(folder) => folder,
        Err(error) => return failed(&error, streams),
    };
    match look_at_all(&folder, &meant, options, audit, streams) {
        Ok(status) => Ok(status.max(meant.status).max(report::run(options, folder.path(), streams)?)),
        Err(error) => stopped(&error, streams),
    }
}

fn look_at_all(
    folder: &Temporary,
    meant: &Meant,
    options: &Options,
    audit: &AuditOptions,
    streams: &mut Streams<'_>,
) -> Result<Status, CampaignError> {
    let campaign = Campaign::for_now(folder)?;
    look(&campaign, &meant.projects, (Selection::Changed, false), &audit.limits, options, streams)
}
