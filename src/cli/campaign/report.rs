use std::io;
use std::path::Path;

use super::failed;
use crate::campaign::{CampaignError, Reports};
use crate::cli::arguments::{Format, Options};
use crate::cli::output::Streams;
use crate::cli::status::Status;
use crate::outcome::Verdict;
use crate::report::{Inventory, InventoryFormat, Terminal, write_inventory};

/// Tells what the folds of a campaign come to.
pub(super) fn run(options: &Options, folder: &Path, streams: &mut Streams<'_>) -> io::Result<Status> {
    match counted(folder) {
        Ok((inventory, mut reports)) => tell(options, &inventory, &mut reports, streams),
        Err(error) => failed(&error, streams),
    }
}

/// What all of a campaign comes to, and the reports that say it, from the first on.
pub(super) fn counted(folder: &Path) -> Result<(Inventory, Reports), CampaignError> {
    let (mut inventory, mut reports) = (Inventory::default(), Reports::of(folder)?);
    reports.by_ref().try_for_each(|report| report.map(|report| inventory.count(&report)))?;
    reports.rewind();
    Ok((inventory, reports))
}

fn tell(
    options: &Options,
    inventory: &Inventory,
    reports: &mut Reports,
    streams: &mut Streams<'_>,
) -> io::Result<Status> {
    let mut reports = reports.map(|report| report.map_err(io::Error::other));
    let format = match options.format {
        Format::Text => InventoryFormat::Text,
        Format::Json => InventoryFormat::Json,
        Format::Csv => InventoryFormat::Csv,
        Format::Markdown => InventoryFormat::Markdown,
        Format::Html => InventoryFormat::Html,
    };
    let style = Terminal { detail: options.detail(), color: streams.color_out };
    write_inventory(format, inventory, &mut reports, style, streams.out)?;
    streams.out.flush()?;
    Ok(status(inventory, options.check))
}

fn status(inventory: &Inventory, check: bool) -> Status {
    let tally = inventory.tally;
    let counts = [(Verdict::Failed, tally.failed), (Verdict::Refused, tally.refused), (Verdict::Folded, tally.folded)];
    let present = counts.iter().filter(|(_, count)| *count > 0);
    present.map(|(verdict, _)| Status::of(*verdict, check, false)).max().unwrap_or_default()
}
