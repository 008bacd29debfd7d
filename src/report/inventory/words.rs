use std::collections::{BTreeMap, BTreeSet};

use super::{Inventory, NAMED_TOGETHER, Reason};
use crate::finding::Code;
use crate::outcome::{Applicability, Verdict, Via};
use crate::report::repository::{ChangeReport, RepositoryReport, Savings};
use crate::report::sentence::plural;

/// What stands for nothing.
pub(super) const NONE: &str = "-";

/// The ways that files take in one pipeline, each once.
pub(super) fn ways(report: &RepositoryReport) -> BTreeSet<Via> {
    report.handoffs.iter().map(|handoff| handoff.via).collect()
}

/// The hand-offs of one pipeline by their ways, and how many there are if several: `artifacts`, `artifacts, cache (3)`.
pub(super) fn handoffs(report: &RepositoryReport) -> String {
    let names = list(ways(report).into_iter().map(Via::name));
    match report.handoffs.len() {
        0 => NONE.to_owned(),
        1 => names,
        count => format!("{names} ({count})"),
    }
}

/// What changes in one pipeline, or what is in the way; empty where there is nothing to fold.
pub(super) fn what(report: &RepositoryReport) -> String {
    match report.verdict {
        Verdict::Folded => folded(report),
        Verdict::Refused => codes(report.blocking()) + &offer(report),
        Verdict::Failed => codes(report.blocking()),
        Verdict::NothingToFold => String::new(),
    }
}

/// How a refused pipeline would be folded, where that was seen.
fn offer(report: &RepositoryReport) -> String {
    let folding: BTreeSet<_> = report.folded_by_accepting.iter().copied().collect();
    match folding.len() {
        0 => String::new(),
        1 if folding == report.blocking() => "; accepting it folds the pipeline".to_owned(),
        _ if folding == report.blocking() => "; accepting all of them folds the pipeline".to_owned(),
        _ => format!(
            "; accepting {} folds the pipeline",
            joined(&folding.into_iter().map(Code::name).collect::<Vec<_>>())
        ),
    }
}

fn folded(report: &RepositoryReport) -> String {
    let changed = files(&report.changes);
    let saved = report.savings.map(|saved| savings(saved, "")).filter(|saved| !saved.is_empty());
    let saved = saved.map(|saved| format!("; {saved} fewer")).unwrap_or_default();
    let kept = report.handoffs.iter().any(|handoff| handoff.producer_kept);
    let kept = if kept { "; the build job stays for others" } else { "" };
    let rerouted: BTreeSet<_> =
        report.handoffs.iter().filter_map(|handoff| handoff.fallback).map(|way| way.name()).collect();
    let rerouted = rerouted.into_iter().map(|way| format!("; no builder stage, but {way}")).collect::<String>();
    let accepted = match report.applicability {
        Some(Applicability::Review) => format!("; accepted: {}", codes(report.accepted())),
        Some(Applicability::Safe) | None => String::new(),
    };
    let proof = report.proof_verdict().map(|verdict| format!("; proof: {}", verdict.name())).unwrap_or_default();
    format!("{changed}{saved}{kept}{rerouted}{accepted}{proof}")
}

fn files(changes: &[ChangeReport]) -> String {
    if changes.len() == 1 { "1 file changes".to_owned() } else { format!("{} files change", changes.len()) }
}

/// `1 job and 2 transfers`, with what is transferred behind it; empty for nothing.
fn savings(Savings { jobs, transfers }: Savings, of_what: &str) -> String {
    let jobs = (jobs > 0).then(|| plural(jobs, "job", "jobs"));
    let transfers = (transfers > 0).then(|| plural(transfers, "transfer", "transfers") + of_what);
    joined(&jobs.into_iter().chain(transfers).collect::<Vec<_>>())
}

/// The names of codes in a row, or what stands for none.
pub(super) fn codes(codes: BTreeSet<Code>) -> String {
    let names = list(codes.into_iter().map(Code::name));
    if names.is_empty() { NONE.to_owned() } else { names }
}

fn list<Word: AsRef<str>>(words: impl Iterator<Item = Word>) -> String {
    let mut listed = String::new();
    for word in words {
        listed.push_str(if listed.is_empty() { "" } else { ", " });
        listed.push_str(word.as_ref());
    }
    listed
}

/// `a`, `a and b`, `a, b and c`.
fn joined<Word: AsRef<str>>(words: &[Word]) -> String {
    match words.split_last() {
        None => String::new(),
        Some((last, [])) => last.as_ref().to_owned(),
        Some((last, first)) => format!("{} and {}", list(first.iter()), last.as_ref()),
    }
}

/// What all pipelines come to besides their verdicts, in sentences.
pub(super) fn totals(inventory: &Inventory) -> Vec<String> {
    let by_way = |side: &dyn Fn(&(usize, usize)) -> usize| {
        let counts = inventory.handoffs.iter().map(|(via, counts)| (*via, side(counts)));
        counts.filter(|(_, count)| *count > 0).collect::<BTreeMap<_, _>>()
    };
    let (folded, left) = (by_way(&|counts| counts.0), by_way(&|counts| counts.1));
    let saved = savings(inventory.savings, " of artifacts and caches");
    let sentences = [
        (!folded.is_empty()).then(|| by_ways(&folded, "is folded", "are folded")),
        (!left.is_empty()).then(|| by_ways(&left, "is left alone", "are left alone")),
        (!saved.is_empty()).then(|| format!("One run of each folded pipeline: {saved} fewer.")),
        (!inventory.proofs.is_empty()).then(|| proofs(inventory)),
    ];
    sentences.into_iter().flatten().collect()
}

/// `1 hand-off by cache is folded.`, `3 hand-offs are folded: 2 by artifacts, 1 by cache.`
fn by_ways(by_way: &BTreeMap<Via, usize>, is: &str, are: &str) -> String {
    let all = by_way.values().sum::<usize>();
    let (count, verb) = (plural(all, "hand-off", "hand-offs"), if all == 1 { is } else { are });
    let mut ways = by_way.iter();
    match (ways.next(), ways.len()) {
        (Some((via, _)), 0) => format!("{count} by {} {verb}.", via.name()),
        _ => {
            format!("{count} {verb}: {}.", list(by_way.iter().map(|(via, count)| format!("{count} by {}", via.name()))))
        }
    }
}

fn proofs(inventory: &Inventory) -> String {
    let counts = list(inventory.proofs.iter().map(|(verdict, count)| format!("{count} {}", verdict.name())));
    format!("Images built both ways and compared: {counts}.")
}

/// What is in the way of how many, in sentences; first what would fold most.
pub(super) fn reasons(inventory: &Inventory) -> Vec<String> {
    let (unlocking, others): (Vec<_>, Vec<_>) = inventory.reasons().into_iter().partition(|reason| reason.folds > 0);
    let together = together(inventory, str::to_owned);
    unlocking.iter().map(reason).chain(together).chain(others.iter().map(reason)).collect()
}

fn reason(Reason { code, pipelines, alone, folds }: &Reason) -> String {
    let named = format!("alone in the way of {alone}, named in {pipelines}");
    if *folds == 0 { format!("{code}: {named}") } else { format!("accepting {code} folds {folds} more ({named})") }
}

/// What would come of accepting several codes at once, where that was seen to fold something.
pub(super) fn together(inventory: &Inventory, quote: fn(&str) -> String) -> Vec<String> {
    let named = inventory.together().into_iter().map(|(codes, folds)| {
        let names: Vec<_> = codes.iter().map(|code| quote(code.name())).collect();
        format!("accepting {} together folds {folds} more", joined(&names))
    });
    let count = inventory.folded_by_more;
    let by_more = (count > 0).then(|| format!("accepting more than {NAMED_TOGETHER} codes at once folds {count} more"));
    named.chain(by_more).collect()
}
