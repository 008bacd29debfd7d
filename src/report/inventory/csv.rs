use std::io::{self, Write};

use super::words;
use crate::finding::{Code, Severity};
use crate::outcome::{Applicability, Via};
use crate::prove::ProofVerdict;
use crate::report::repository::{RepositoryReport, Savings};
use crate::report::sentence::name;

/// The names of the columns.
const HEADER: [&str; 16] = [
    "repository",
    "verdict",
    "applicability",
    "handoffs",
    "ways",
    "blocking",
    "folded_by_accepting",
    "jobs_fewer",
    "transfers_fewer",
    "files",
    "errors",
    "refusals",
    "reviews",
    "warnings",
    "notes",
    "proof",
];

/// What parts the values of a cell.
const SEPARATOR: &str = " ";

/// Prints a header and a line for each pipeline, as RFC 4180 has them: the same columns everywhere, ended by CR and LF.
pub(super) fn write(
    reports: &mut dyn Iterator<Item = io::Result<RepositoryReport>>,
    out: &mut dyn Write,
) -> io::Result<()> {
    line(&HEADER.map(str::to_owned), out)?;
    for report in reports {
        line(&cells(&report?), out)?;
    }
    Ok(())
}

fn cells(report: &RepositoryReport) -> [String; HEADER.len()] {
    let joined = |words: &mut dyn Iterator<Item = &'static str>| words.collect::<Vec<_>>().join(SEPARATOR);
    let saved = |part: &dyn Fn(Savings) -> usize| report.savings.map(|savings| part(savings).to_string());
    let findings =
        |severity: Severity| report.findings.iter().filter(|finding| finding.severity == severity).count().to_string();
    [
        report.label(),
        report.verdict.name().to_owned(),
        report.applicability.map_or("", Applicability::name).to_owned(),
        report.handoffs.len().to_string(),
        joined(&mut words::ways(report).into_iter().map(Via::name)),
        joined(&mut report.blocking().into_iter().map(Code::name)),
        joined(&mut report.folded_by_accepting.iter().copied().map(Code::name)),
        saved(&|savings| savings.jobs).unwrap_or_default(),
        saved(&|savings| savings.transfers).unwrap_or_default(),
        report.changes.len().to_string(),
        findings(Severity::Error),
        findings(Severity::Refusal),
        findings(Severity::Review),
        findings(Severity::Warning),
        findings(Severity::Note),
        report.proof_verdict().map_or("", ProofVerdict::name).to_owned(),
    ]
}

fn line(cells: &[String], out: &mut dyn Write) -> io::Result<()> {
    for (index, cell) in cells.iter().enumerate() {
        let separator = if index == 0 { "" } else { "," };
        write!(out, "{separator}{}", field(cell))?;
    }
    out.write_all(b"\r\n")
}

/// `text` as a cell that stays text: no program takes it for a formula, and none for two lines.
fn field(text: &str) -> String {
    let text = name(text);
    let is_formula = text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
    let text = if is_formula { format!("'{text}") } else { text };
    let is_plain = !is_formula && !text.contains(['"', ',', ';', '\'']) && text.trim() == text;
    if is_plain { text } else { format!("\"{}\"", text.replace('"', "\"\"")) }
}
