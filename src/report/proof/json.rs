use serde::Serialize;

use super::figures::millis;
use crate::prove::{
    Aspect, BuildFigures, Change, Detail, Difference, Failure, ImageProof, Member, Proof, ProofVerdict, Reason,
    Subject, Way, Weight,
};

/// The number of the shape that is printed. It changes where a reader of the old shape would be misled.
const VERSION: u32 = 1;

/// `proof` as one JSON document on one line, with its line break; `docs/proof.schema.json` describes it.
///
/// # Errors
/// Never for the types that are written here; the error is `serde_json`'s.
pub fn proof_json(proof: &Proof) -> Result<String, serde_json::Error> {
    Ok(serde_json::to_string(&ProofReport::new(proof))? + "\n")
}

/// The same as a value, for a report that holds it.
#[must_use]
pub fn proof_value(proof: &Proof) -> serde_json::Value {
    // Types that are printed as JSON have a value as well.
    serde_json::to_value(ProofReport::new(proof)).unwrap_or_default()
}

/// A proof, as `docs/proof.schema.json` describes it.
#[derive(Serialize)]
struct ProofReport<'a> {
    version: u32,
    engine: &'a str,
    commit: &'a str,
    verdict: Option<&'static str>,
    images: Vec<ImageReport<'a>>,
}

#[derive(Serialize)]
struct ImageReport<'a> {
    job: &'a str,
    dockerfile: &'a str,
    tags: &'a [String],
    verdict: &'static str,
    entries: Option<Entries>,
    differences: Vec<DifferenceReport<'a>>,
    figures: Figures,
    failure: Option<FailureReport<'a>>,
}

#[derive(Serialize)]
struct Entries {
    old: usize,
    new: usize,
}

#[derive(Serialize)]
struct DifferenceReport<'a> {
    subject: &'static str,
    name: &'a str,
    change: &'static str,
    aspects: Vec<AspectReport<'a>>,
    weight: &'static str,
    reason: Option<&'static str>,
    /// The lines of a text that differ.
    lines: Option<&'a str>,
    /// The entries of an archive that differ.
    members: Option<Vec<MemberReport<'a>>>,
}

#[derive(Serialize)]
struct AspectReport<'a> {
    name: &'static str,
    old: &'a str,
    new: &'a str,
}

#[derive(Serialize)]
struct MemberReport<'a> {
    name: &'a str,
    change: &'static str,
    aspects: Vec<AspectReport<'a>>,
}

#[derive(Serialize)]
struct Figures {
    old: Option<FiguresReport>,
    new: Option<FiguresReport>,
}

/// Bytes and seconds; these are exact to the millisecond.
#[derive(Serialize)]
struct FiguresReport {
    size: u64,
    cold: f64,
    changed: Option<f64>,
}

#[derive(Serialize)]
struct FailureReport<'a> {
    way: &'static str,
    what: &'a str,
    last_lines: &'a [String],
    log: Option<String>,
}

impl<'a> ProofReport<'a> {
    fn new(proof: &'a Proof) -> Self {
        Self {
            version: VERSION,
            engine: &proof.engine,
            commit: &proof.commit,
            verdict: proof.verdict().map(ProofVerdict::name),
            images: proof.images.iter().map(ImageReport::new).collect(),
        }
    }
}

impl<'a> ImageReport<'a> {
    fn new(image: &'a ImageProof) -> Self {
        let compared = &image.comparison;
        let entries = Entries { old: compared.entries_before, new: compared.entries_after };
        Self {
            job: &image.job,
            dockerfile: image.dockerfile.as_str(),
            tags: &image.tags,
            verdict: image.verdict.name(),
            entries: image.failure.is_none().then_some(entries),
            differences: compared.differences.iter().map(DifferenceReport::new).collect(),
            figures: Figures {
                old: image.before.as_ref().map(FiguresReport::new),
                new: image.after.as_ref().map(FiguresReport::new),
            },
            failure: image.failure.as_ref().map(FailureReport::new),
        }
    }
}

impl<'a> DifferenceReport<'a> {
    fn new(difference: &'a Difference) -> Self {
        let (subject, name) = match &difference.subject {
            Subject::Configuration(key) => ("configuration", key),
            Subject::File(path) => ("file", path),
        };
        let (weight, reason) = match difference.weight {
            Weight::Counts => ("counts", None),
            Weight::Harmless(reason) => ("harmless", Some(reason_name(reason))),
        };
        let (change, aspects) = change_report(&difference.change);
        let (lines, members) = match &difference.detail {
            Some(Detail::Lines(lines)) => (Some(lines.as_str()), None),
            Some(Detail::Members(members)) => (None, Some(members.iter().map(MemberReport::new).collect())),
            None => (None, None),
        };
        Self { subject, name, change, aspects, weight, reason, lines, members }
    }
}

const fn reason_name(reason: Reason) -> &'static str {
    match reason {
        Reason::NotReproducible => "not-reproducible",
        Reason::RunnerUmask => "runner-umask",
        Reason::EditedByFold => "edited-by-fold",
        Reason::Timestamps => "timestamps",
    }
}

fn change_report(change: &Change) -> (&'static str, Vec<AspectReport<'_>>) {
    match change {
        Change::Missing => ("missing", Vec::new()),
        Change::Extra => ("extra", Vec::new()),
        Change::Aspects(aspects) => ("changed", aspects.iter().map(AspectReport::new).collect()),
    }
}

impl<'a> AspectReport<'a> {
    fn new(Aspect { name, before, after }: &'a Aspect) -> Self {
        Self { name, old: before, new: after }
    }
}

impl<'a> MemberReport<'a> {
    fn new(member: &'a Member) -> Self {
        let (change, aspects) = change_report(&member.change);
        Self { name: &member.name, change, aspects }
    }
}

impl FiguresReport {
    fn new(figures: &BuildFigures) -> Self {
        let seconds = |time| millis(time) as f64 / 1000.0;
        Self { size: figures.size, cold: seconds(figures.cold), changed: figures.changed.map(seconds) }
    }
}

impl<'a> FailureReport<'a> {
    fn new(failure: &'a Failure) -> Self {
        Self {
            way: match failure.way {
                Way::Old => "old",
                Way::New => "new",
            },
            what: &failure.what,
            last_lines: &failure.last_lines,
            log: failure.log.as_ref().map(|log| log.to_string_lossy().into_owned()),
        }
    }
}
