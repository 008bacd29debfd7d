use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::Campaign;
use super::error::CampaignError;
use super::journal::Journal;
use super::step::Step;

impl Campaign {
    /// Makes one campaign in the folder `into` of those in the folders `shards`, each a part of it. Until all of them are taken in
    /// there is none.
    ///
    /// # Errors
    /// Where there is one already, one of them cannot be read or is being worked on, or the folder cannot be written.
    pub fn merge(shards: &[PathBuf], into: &Path) -> Result<(), CampaignError> {
        if Journal::is_in(into) {
            return Err(CampaignError::Present(into.to_owned()));
        }
        let shards = different(shards)?;
        // As long as they are open, nobody else writes into them.
        let opened = shards.iter().map(|shard| Journal::open(shard, &mut |_, _| {})).collect::<Result<Vec<_>, _>>()?;
        fs::create_dir_all(into).map_err(|error| CampaignError::of_file(into, &error))?;
        let beside = tempfile::Builder::new().prefix("merging-").tempdir_in(into);
        let beside = beside.map_err(|error| CampaignError::of_file(into, &error))?;
        let merged = Journal::open(beside.path(), &mut |_, _| {})?;
        take_in(&merged, &shards)?;
        merged.move_to(into)?;
        drop(opened);
        Ok(())
    }
}

/// The folders, none of them twice.
fn different(shards: &[PathBuf]) -> Result<Vec<&PathBuf>, CampaignError> {
    let mut seen = BTreeSet::new();
    let mut different = Vec::new();
    for shard in shards {
        if !Journal::is_in(shard) {
            return Err(CampaignError::Missing(shard.clone()));
        }
        let place = fs::canonicalize(shard).map_err(|error| CampaignError::of_file(shard, &error))?;
        if seen.insert(place) {
            different.push(shard);
        }
    }
    Ok(different)
}

fn take_in(merged: &Journal, shards: &[&PathBuf]) -> Result<(), CampaignError> {
    let mut sources = BTreeSet::new();
    for shard in shards {
        let mut failure = None;
        Journal::read(shard, &mut |_, step| match step {
            Step::Begun { sources: told, .. } => sources.extend(told),
            step => failure = failure.take().or_else(|| merged.note(&step).err()),
        })?;
        if let Some(error) = failure {
            return Err(error);
        }
    }
    let sources = sources.into_iter().collect();
    merged
        .record(&Step::Begun { version: env!("CARGO_PKG_VERSION").to_owned(), sources, here: None, shard: None })
        .map(drop)
}
