use std::cell::RefCell;
use std::io;
use std::path::PathBuf;
use std::time::Instant;

use super::arguments::{Format, Options, ProveOptions, given};
use super::fold::Fold;
use super::output::{Reporter, Streams};
use super::status::Status;
use crate::outcome::Outcome;
use crate::prove::{Proof, ProofVerdict, ProveError, Proving, Request, prove};
use crate::repo::{Discovery, Found, discover, read_variables};
use crate::report::{Detail, Entry, Tense, proof_json, proof_markdown, proof_text};

/// Proves the fold of one repository, and tells what came of it.
pub(super) fn run(
    asked: &ProveOptions,
    options: &Options,
    fold: &Fold,
    streams: &mut Streams<'_>,
) -> io::Result<Status> {
    let (found, request) = match request(asked, options) {
        Ok(request) => request,
        Err(message) => return failed(&message, streams),
    };
    let started = Instant::now();
    let proving = {
        let err = RefCell::new(&mut *streams.err);
        let progress = |line: &str| {
            if options.detail() != Detail::Quiet {
                // Where nobody can be told what is done, it is still done.
                let _ = writeln!(err.borrow_mut(), "[{:>4} s] {line}", started.elapsed().as_secs());
            }
        };
        prove(&request, fold, &progress)
    };
    match proving {
        Ok(Proving::Proven(proof)) => tell(&proof, options, streams),
        Ok(Proving::NotFolded(outcome)) => not_folded(&found, outcome, options, &request, streams),
        Err(ProveError::Interrupted(signal)) => {
            writeln!(streams.err, "stopped; nothing is left behind")?;
            Ok(Status::Interrupted(u8::try_from(signal).unwrap_or_default()))
        }
        Err(ProveError::Error(message)) => failed(&message, streams),
    }
}

fn failed(message: &str, streams: &mut Streams<'_>) -> io::Result<Status> {
    writeln!(streams.err, "error: {message}")?;
    Ok(Status::Failed)
}

/// The one repository that is meant, and what is to be proven of it.
fn request(asked: &ProveOptions, options: &Options) -> Result<(Found, Request), String> {
    let path = asked.path.clone().unwrap_or_else(|| PathBuf::from("."));
    let Discovery { found, errors } = discover(std::slice::from_ref(&path));
    if let Some(error) = errors.first() {
        return Err(error.to_string());
    }
    let [found] = found.as_slice() else {
        return Err(format!("{}: prove is about one repository, and {} are found here", path.display(), found.len()));
    };
    if let Some(missing) = options.elsewhere().missing() {
        return Err(format!("{}: there is no such file or folder", missing.display()));
    }
    let mut read = Vec::new();
    if let Some(file) = &asked.env_file {
        let lines = read_variables(file).map_err(|error| format!("{}: {error}", file.display()))?;
        for line in lines {
            read.push(given(&line).map_err(|why| format!("{}: {line}: {why}", file.display()))?);
        }
    }
    let request = asked.request((found.root.clone(), found.pipeline.clone()), options, read);
    Ok((found.clone(), request))
}

fn tell(proof: &Proof, options: &Options, streams: &mut Streams<'_>) -> io::Result<Status> {
    let text = match options.format {
        Format::Text => proof_text(proof, options.detail(), streams.color_out),
        Format::Json => proof_json(proof)?,
        Format::Markdown => proof_markdown(proof),
    };
    streams.out.write_all(text.as_bytes())?;
    streams.out.flush()?;
    Ok(match proof.verdict() {
        Some(ProofVerdict::Same | ProofVerdict::SameButFor) => Status::Done,
        Some(ProofVerdict::Different) => Status::Pending,
        Some(ProofVerdict::CannotBuildBefore) | None => Status::Refused,
    })
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
    reporter.entry(&Entry { name: found.name.clone(), outcome, patch: String::new() }, &found.name)?;
    reporter.end()?;
    writeln!(streams.err, "nothing was folded, so that there is nothing to prove")?;
    Ok(Status::Refused)
}
