use std::io::{self, Read};
use std::path::Path;

use super::prove::prove;
use super::start::{Meant, find, look};
use super::{failed, stopped};
use crate::campaign::{Campaign, CampaignError, Selection};
use crate::cli::arguments::{Options, RunCampaign, Sources};
use crate::cli::fold::Fold;
use crate::cli::output::Streams;
use crate::cli::status::Status;

/// Begins a campaign, or goes on with it.
pub(super) fn run(
    options: &Options,
    asked: &RunCampaign,
    fold: &Fold,
    streams: &mut Streams<'_>,
) -> io::Result<Status> {
    if !asked.prove && asked.how.is_any() {
        return failed(&"options that say how something is proven need --prove", streams);
    }
    let known = match known(asked) {
        Ok(known) => known,
        Err(error) => return failed(&error, streams),
    };
    let here = [".".to_owned()];
    let sources = asked.sources.or(known.as_ref().map_or(&here, |known| known.sources()));
    let sources = match known.as_ref().map_or(Ok(sources.clone()), |known| in_shard(sources.clone(), known)) {
        Ok(sources) => sources,
        Err(why) => return failed(&why, streams),
    };
    let mut input = Kept { below: io::stdin(), read: Vec::new() };
    let Some(meant) = find(options, &sources, &mut input, streams)? else { return Ok(Status::Failed) };
    // A shard of a few repositories may have none of them, and the others are merged with it all the same.
    let is_empty_shard = meant.shard.is_some() && meant.status == Status::Done;
    if known.is_none() && meant.projects.is_empty() && !is_empty_shard {
        return failed(&"there is nothing to look at, and no campaign was begun", streams);
    }
    let mut campaign = match known.map_or_else(|| Campaign::create(&asked.folder.dir), Ok) {
        Ok(campaign) => campaign,
        Err(error) => return failed(&error, streams),
    };
    let told = match campaign.keep_input(sources.told(), &input.read) {
        Ok(told) => told,
        Err(error) => return failed(&error, streams),
    };
    let ran = run_all(&mut campaign, told, &meant, options, asked, streams);
    // The journal is let go, for the proofs to see what the run has found.
    drop(campaign);
    let proven = ran.and_then(|status| match asked.prove {
        true => prove(&asked.folder.dir, options, asked, fold, streams).map(|proven| status.max(proven)),
        false => Ok(status),
    });
    match proven {
        Ok(status) => Ok(status.max(meant.status)),
        Err(error) => stopped(&error, streams),
    }
}

/// The campaign that goes on; `None` where a new one is to begin.
fn known(asked: &RunCampaign) -> Result<Option<Campaign>, CampaignError> {
    let goes_on = asked.resume || asked.retry || asked.only_failed;
    match (goes_on, Campaign::is_in(&asked.folder.dir)) {
        (true, _) => Campaign::open(&asked.folder.dir).map(Some),
        (false, true) => Err(CampaignError::Present(asked.folder.dir.clone())),
        (false, false) => Ok(None),
    }
}

/// The sources with the part of them that the campaign is about.
fn in_shard(sources: Sources, known: &Campaign) -> Result<Sources, String> {
    if sources.paths.is_empty() && sources.from.is_empty() {
        return Err("the campaign was stopped before it knew where to look: name the repositories again".to_owned());
    }
    is_here(known, &sources)?;
    let told = sources.shard()?.map(|shard| shard.to_string());
    match (told, known.shard()) {
        (Some(told), Some(kept)) if told != kept => {
            Err(format!("the campaign is about the shard {kept}, and {told} is asked for: --dir names another folder"))
        }
        (Some(told), None) if !known.standings().is_empty() => {
            Err(format!("the campaign is about all repositories, and the shard {told} is asked for"))
        }
        (told, kept) => Ok(Sources { shard: told.or_else(|| kept.map(str::to_owned)), ..sources }),
    }
}

/// Whether paths that the campaign was told before still start where they did.
fn is_here(known: &Campaign, sources: &Sources) -> Result<(), String> {
    let here = std::env::current_dir().map_err(|error| error.to_string())?.display().to_string();
    let is_relative = |word: &String| {
        let path = word.strip_prefix("--from=").unwrap_or(word);
        !word.starts_with("--clone-by") && !Path::new(path).is_absolute() && !path.contains(':')
    };
    let told = sources.told();
    match known.here() {
        Some(before) if before != here && told == known.sources() && told.iter().any(is_relative) => Err(format!(
            "the campaign was begun in {before}, where its paths start: run it from there, or name them again"
        )),
        _ => Ok(()),
    }
}

/// Standard input that keeps what is read, because it cannot be read again.
struct Kept {
    below: io::Stdin,
    read: Vec<u8>,
}

impl Read for Kept {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.below.read(buffer)?;
        self.read.extend(buffer.iter().take(count));
        Ok(count)
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
    let selection = match (asked.only_failed, asked.retry) {
        (true, _) => Selection::Failed,
        (false, true) => Selection::ChangedAndFailed,
        (false, false) => Selection::Changed,
    };
    // Where a source could not be read, it may name them still.
    if campaign.sources() == told && selection != Selection::Failed && meant.status == Status::Done {
        campaign.forget_others(&meant.projects)?;
    }
    campaign.begin(told, meant.shard.map(|shard| shard.to_string()))?;
    look(campaign, &meant.projects, (selection, true), &asked.limits, options, streams)
}
