use std::io;
use std::path::Path;

use super::failed;
use crate::campaign::{CampaignError, Reports};
use crate::cli::arguments::{Format, Options};
use crate::cli::output::Streams;
use crate::cli::status::Status;
use crate::report::{Inventory, InventoryFormat, Terminal, write_inventory};

/// Tells what the folds of a campaign come to.
pub(super) fn run(options: &Options, folder: &Path, streams: &mut Streams<'_>) -> io::Result<Status> {
    match inventory(folder) {
        Ok(inventory) => tell(options, folder, &inventory, streams),
        Err(error) => failed(&error, streams),
    }
}

/// What all of a campaign comes to.
pub(super) fn inventory(folder: &Path) -> Result<Inventory, CampaignError> {
    let mut inventory = Inventory::default();
    Reports::of(folder)?.try_for_each(|report| report.map(|report| inventory.count(&report)))?;
    Ok(inventory)
}

fn tell(options: &Options, folder: &Path, inventory: &Inventory, streams: &mut Streams<'_>) -> io::Result<Status> {
    let mut reports = Reports::of(folder).map_err(io::Error::other)?.map(|report| report.map_err(io::Error::other));
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
    use crate::outcome::Verdict;
    let tally = inventory.tally;
    let counts = [(Verdict::Failed, tally.failed), (Verdict::Refused, tally.refused), (Verdict::Folded, tally.folded)];
    let present = counts.iter().filter(|(_, count)| *count > 0);
    present.map(|(verdict, _)| Status::of(*verdict, check, false)).max().unwrap_or_default()
}
