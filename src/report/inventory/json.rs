use std::collections::BTreeMap;
use std::io;

use serde::Serialize;

use super::{Inventory, Reason};
use crate::finding::{Code, Severity};
use crate::outcome::{Verdict, Via};
use crate::report::json::{json_line, json_start};
use crate::report::repository::{RepositoryReport, Savings};

/// Prints the shape of `--format json`, and at its end the summary; `sink` gets it piece by piece.
pub(super) fn write(
    inventory: &Inventory,
    reports: &mut dyn Iterator<Item = io::Result<RepositoryReport>>,
    sink: &mut dyn FnMut(&str) -> io::Result<()>,
) -> io::Result<()> {
    sink(&json_start())?;
    for (index, report) in reports.enumerate() {
        sink(&json_line(&report?, index)?)?;
    }
    sink("\n],\"summary\":")?;
    sink(&serde_json::to_string(&Summary::new(inventory))?)?;
    sink("}\n")
}

/// What all pipelines come to, as `docs/report.schema.json` describes it.
#[derive(Serialize)]
struct Summary {
    counts: BTreeMap<&'static str, usize>,
    handoffs: Vec<Handoffs>,
    savings: Savings,
    proofs: BTreeMap<&'static str, usize>,
    reasons: Vec<ReasonReport>,
    together: Vec<Together>,
    /// Pipelines that are folded by accepting more codes than are listed in `together`.
    folded_by_more: usize,
}

#[derive(Serialize)]
struct Handoffs {
    via: Via,
    folded: usize,
    left_alone: usize,
}

#[derive(Serialize)]
struct ReasonReport {
    code: Code,
    title: &'static str,
    severity: Severity,
    pipelines: usize,
    alone: usize,
    folds: usize,
}

#[derive(Serialize)]
struct Together {
    codes: Vec<Code>,
    folds: usize,
}

impl Summary {
    fn new(inventory: &Inventory) -> Self {
        let tally = &inventory.tally;
        let counts = [
            (Verdict::Folded, tally.folded),
            (Verdict::Refused, tally.refused),
            (Verdict::NothingToFold, tally.nothing),
            (Verdict::Failed, tally.failed),
        ];
        let handoffs = inventory.handoffs.iter();
        Self {
            counts: counts.into_iter().map(|(verdict, count)| (verdict.name(), count)).collect(),
            handoffs: handoffs
                .map(|(via, (folded, left))| Handoffs { via: *via, folded: *folded, left_alone: *left })
                .collect(),
            savings: inventory.savings,
            proofs: inventory.proofs.iter().map(|(verdict, count)| (verdict.name(), *count)).collect(),
            reasons: inventory.reasons().into_iter().map(ReasonReport::new).collect(),
            together: inventory.together().into_iter().map(|(codes, folds)| Together { codes, folds }).collect(),
            folded_by_more: inventory.folded_by_more,
        }
    }
}

impl ReasonReport {
    fn new(Reason { code, pipelines, alone, folds }: Reason) -> Self {
        Self { code, title: code.title(), severity: code.severity(), pipelines, alone, folds }
    }
}
