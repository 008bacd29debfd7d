//! Many pipelines, counted and told: on a terminal, as JSON and CSV, as Markdown, and as a page for a browser.
//!
//! The counting and the telling are two walks over the same reports, so that no format holds them all. What is printed
//! depends on them alone: no time, no folder, no machine. `words` has the sentences that several formats share.

mod csv;
mod html;
mod json;
mod markdown;
mod text;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use super::entry::Tally;
use super::repository::{RepositoryReport, Savings};
use super::sentence::name;
use super::terminal::{Detail, Terminal};
use crate::finding::{Code, Severity};
use crate::outcome::{Verdict, Via};
use crate::prove::ProofVerdict;

/// How many codes that fold pipelines together are told by name. There are few thousand sets of so many codes that can be
/// accepted, so what is counted stays small whatever comes.
const NAMED_TOGETHER: usize = 4;

/// How an inventory is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InventoryFormat {
    /// A table and what it comes to, for a terminal.
    Text,
    /// One document, as `docs/report.schema.json` describes it.
    Json,
    /// A line for each pipeline, for a spreadsheet (RFC 4180).
    Csv,
    /// What it comes to and a table, for an issue or a wiki on GitLab.
    Markdown,
    /// One page for a browser that needs no network.
    Html,
}

/// Prints `reports`, of which `inventory` has counted every one. They are told in the order in which they come, and none is
/// kept. `style` says how much a terminal gets to see, and whether in colours.
///
/// # Errors
/// Whatever `reports` or `out` fail with.
pub fn write_inventory(
    format: InventoryFormat,
    inventory: &Inventory,
    reports: &mut dyn Iterator<Item = io::Result<RepositoryReport>>,
    style: Terminal,
    out: &mut dyn Write,
) -> io::Result<()> {
    match format {
        InventoryFormat::Text => text::write(inventory, reports, style, out),
        InventoryFormat::Json => json::write(inventory, reports, &mut |piece| out.write_all(piece.as_bytes())),
        InventoryFormat::Csv => csv::write(reports, out),
        InventoryFormat::Markdown => markdown::write(inventory, reports, style.detail, out),
        InventoryFormat::Html => html::write(inventory, reports, out),
    }
}

/// Whether people are told of a pipeline by name. Of hundreds, most have nothing to fold, and their rows would hide the others.
fn tells(detail: Detail, verdict: Verdict) -> bool {
    match detail {
        Detail::Quiet => verdict == Verdict::Failed,
        Detail::Normal => verdict != Verdict::NothingToFold,
        Detail::Verbose => true,
    }
}

/// What many pipelines come to, counted one after the other; it does not grow with their number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// How many came to what.
    pub tally: Tally,
    /// The hand-offs, by the way that the files take: those that are folded, and those that are left alone.
    pub handoffs: BTreeMap<Via, (usize, usize)>,
    /// What all folds together save in one run of each pipeline.
    pub savings: Savings,
    /// What came of proofs, where there are any.
    pub proofs: BTreeMap<ProofVerdict, usize>,
    reasons: BTreeMap<Code, Reason>,
    together: BTreeMap<Vec<Code>, usize>,
    folded_by_more: usize,
    /// How wide a table of pipelines has to be that have something to tell.
    told: Widths,
    /// How wide one of the others has to be.
    left_out: Widths,
}

/// Why pipelines were left alone or could not be read, and what would come of taking the reason away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The finding.
    pub code: Code,
    /// The pipelines that it keeps from a fold, alone or with others.
    pub pipelines: usize,
    /// Those that nothing else keeps from one.
    pub alone: usize,
    /// Those that were folded, to see, with this code accepted and no other.
    pub folds: usize,
}

/// The widest cells of a table, in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Widths {
    label: usize,
    handoffs: usize,
}

impl Inventory {
    /// Counts one more.
    pub fn count(&mut self, report: &RepositoryReport) {
        self.tally.count(report.verdict);
        for handoff in &report.handoffs {
            let is_folded = report.verdict == Verdict::Folded;
            let (folded, left) = self.handoffs.entry(handoff.via).or_default();
            *(if is_folded { folded } else { left }) += 1;
        }
        if let Some(Savings { jobs, transfers }) = report.savings {
            self.savings.jobs += jobs;
            self.savings.transfers += transfers;
        }
        if let Some(verdict) = report.proof_verdict() {
            *self.proofs.entry(verdict).or_default() += 1;
        }
        self.count_reasons(report);
        let widths = if report.verdict == Verdict::NothingToFold { &mut self.left_out } else { &mut self.told };
        widths.label = widths.label.max(name(&report.label()).chars().count());
        widths.handoffs = widths.handoffs.max(words::handoffs(report).chars().count());
    }

    /// The reasons, those first that would let most pipelines be folded.
    #[must_use]
    pub fn reasons(&self) -> Vec<Reason> {
        let mut reasons: Vec<_> = self.reasons.values().copied().collect();
        reasons.sort_by_key(|reason| std::cmp::Reverse((reason.folds, reason.alone, reason.pipelines)));
        reasons
    }

    /// What would come of accepting several codes at once, where that was seen to fold something: most first.
    fn together(&self) -> Vec<(Vec<Code>, usize)> {
        let mut sets: Vec<_> = self.together.iter().map(|(codes, folds)| (codes.clone(), *folds)).collect();
        sets.sort_by_key(|(codes, folds)| (std::cmp::Reverse(*folds), codes.len()));
        sets
    }

    fn count_reasons(&mut self, report: &RepositoryReport) {
        let blocking = report.blocking();
        let folding = report.folded_by_accepting.as_slice();
        for code in &blocking {
            let reason = self.reasons.entry(*code).or_insert(Reason { code: *code, pipelines: 0, alone: 0, folds: 0 });
            reason.pipelines += 1;
            reason.alone += usize::from(blocking.len() == 1);
            reason.folds += usize::from(folding == [*code]);
        }
        match folding.len() {
            0 | 1 => {}
            2..=NAMED_TOGETHER => {
                let mut codes = folding.to_vec();
                codes.sort_unstable();
                *self.together.entry(codes).or_default() += 1;
            }
            _ => self.folded_by_more += 1,
        }
    }
}

impl RepositoryReport {
    /// The findings that keep the pipeline from being folded or read; none where it is folded or holds nothing to fold.
    #[must_use]
    pub fn blocking(&self) -> BTreeSet<Code> {
        let of = |matters: &dyn Fn(Severity) -> bool| -> BTreeSet<_> {
            let open = self.findings.iter().filter(|finding| !finding.accepted && matters(finding.severity));
            open.map(|finding| finding.code).collect()
        };
        match self.verdict {
            Verdict::Refused => of(&|severity| matches!(severity, Severity::Review | Severity::Refusal)),
            Verdict::Failed => of(&|severity| severity == Severity::Error),
            Verdict::Folded | Verdict::NothingToFold => BTreeSet::new(),
        }
    }

    /// What its proof came to, the worst of all images; `None` where nothing was proven.
    #[must_use]
    pub fn proof_verdict(&self) -> Option<ProofVerdict> {
        let told = self.proof.as_ref()?.get("verdict")?.as_str()?;
        let all =
            [ProofVerdict::Same, ProofVerdict::SameButFor, ProofVerdict::CannotBuildBefore, ProofVerdict::Different];
        all.into_iter().find(|verdict| verdict.name() == told)
    }

    /// The codes without which it would not have been folded, as the user has accepted them.
    fn accepted(&self) -> BTreeSet<Code> {
        self.findings.iter().filter(|finding| finding.accepted).map(|finding| finding.code).collect()
    }
}
