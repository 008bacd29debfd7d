use std::cell::RefCell;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Instant;

use super::arguments::{Format, Options, ProveChoices, ProveOptions};
use super::fold::Fold;
use super::output::{Reporter, Streams};
use super::status::Status;
use crate::outcome::{Outcome, Verdict};
use crate::prove::{Proof, ProofVerdict, ProveError, Proving, Request, prove};
use crate::repo::{Discovery, Found, discover};
use crate::report::{Detail, Entry, Tense, proof_json, proof_markdown, proof_text};

/// Proves the fold of one repository, and tells what came of it.
pub(super) fn run(
    asked: &ProveOptions,
    options: &Options,
    fold: &Fold,
    streams: &mut Streams<'_>,
) -> io::Result<Status> {
    let found = match the_one_repository(asked, options) {
        Ok(found) => found,
        Err(message) => return failed(&message, streams.err),
    };
    let request = match asked.request(&found, options) {
        Ok(request) => request,
        Err(message) => return failed(&message, streams.err),
    };
    match with_progress(&request, options, fold, streams.err) {
        Ok(Proving::Proven(proof, _)) => tell(&proof, options, streams),
        Ok(Proving::NotFolded(outcome)) => not_folded(&found, outcome, options, &request, streams),
        Err(error) => stopped(&error, streams.err),
    }
}

/// Proves the fold that an entry shows and adds the proof to it.
pub(super) fn add(
    how: &ProveChoices,
    found: &Found,
    entry: &mut Entry,
    options: &Options,
    fold: &Fold,
    reporter: &mut Reporter<'_, '_>,
) -> io::Result<Status> {
    if entry.outcome.verdict != Verdict::Folded {
        return Ok(Status::Done);
    }
    let err = &mut *reporter.streams.err;
    let request = match how.request(found, options) {
        Ok(request) => request,
        Err(message) => return failed(&message, err),
    };
    match with_progress(&request, options, fold, err) {
        Ok(Proving::Proven(proof, outcome)) => {
            if outcome.files != entry.outcome.files {
                writeln!(err, "what is proven is the fold of what is committed; here it is another one")?;
            }
            let status = status_of(&proof);
            entry.proof = Some(proof);
            Ok(status)
        }
        Ok(Proving::NotFolded(_)) => failed("what is committed is not folded, so that there is nothing to prove", err),
        Err(error) => stopped(&error, err),
    }
}

/// Proves, and tells on `err` what is being done.
fn with_progress(
    request: &Request,
    options: &Options,
    fold: &Fold,
    err: &mut dyn Write,
) -> Result<Proving, ProveError> {
    let started = Instant::now();
    let err = RefCell::new(err);
    let progress = |line: &str| {
        if options.detail() != Detail::Quiet {
            // Where nobody can be told what is done, it is still done.
            let _ = writeln!(err.borrow_mut(), "[{:>4} s] {line}", started.elapsed().as_secs());
        }
    };
    prove(request, fold, &progress)
}

fn failed(message: &str, err: &mut dyn Write) -> io::Result<Status> {
    writeln!(err, "error: {message}")?;
    Ok(Status::Failed)
}

fn stopped(error: &ProveError, err: &mut dyn Write) -> io::Result<Status> {
    match error {
        ProveError::Interrupted(signal) => {
            writeln!(err, "stopped; nothing is left behind")?;
            Ok(Status::Interrupted(u8::try_from(*signal).unwrap_or_default()))
        }
        ProveError::Error(message) => failed(message, err),
    }
}

/// The one repository that is meant.
fn the_one_repository(asked: &ProveOptions, options: &Options) -> Result<Found, String> {
    let path = asked.path.clone().unwrap_or_else(|| PathBuf::from("."));
    let Discovery { found, errors } = discover(std::slice::from_ref(&path));
    if let Some(error) = errors.first() {
        return Err(error.to_string());
    }
    if let Some(missing) = options.elsewhere().missing() {
        return Err(format!("{}: there is no such file or folder", missing.display()));
    }
    match found.as_slice() {
        [found] => Ok(found.clone()),
        found => Err(format!("{}: prove is about one repository, and {} are found here", path.display(), found.len())),
    }
}

fn tell(proof: &Proof, options: &Options, streams: &mut Streams<'_>) -> io::Result<Status> {
    let text = match options.format {
        Format::Text => proof_text(proof, options.detail(), streams.color_out),
        Format::Json => proof_json(proof)?,
        Format::Markdown => proof_markdown(proof),
        Format::Csv | Format::Html => return failed("a proof is told as text, json or markdown", streams.err),
    };
    streams.out.write_all(text.as_bytes())?;
    streams.out.flush()?;
    Ok(status_of(proof))
}

pub(super) fn status_of(proof: &Proof) -> Status {
    match proof.verdict() {
        Some(ProofVerdict::Same | ProofVerdict::SameButFor) => Status::Done,
        Some(ProofVerdict::Different) => Status::Pending,
        Some(ProofVerdict::CannotBuildBefore) | None => Status::Refused,
    }
}

/// Tells why there is nothing to prove, as `diff` would.
fn not_folded(
    found: &Found,
    outcome: Outcome,
    options: &Options,
    request: &Request,
    streams: &mut Streams<'_>,
) -> io::Result<Status> {
    let mut reporter = Reporter::new(streams, options, &request.policy, Tense::Shown, false);
    reporter.start()?;
    reporter.entry(&Entry { name: found.name.clone(), outcome, patch: String::new(), proof: None }, &found.name)?;
    reporter.end()?;
    writeln!(streams.err, "nothing was folded, so that there is nothing to prove")?;
    Ok(Status::Refused)
}
