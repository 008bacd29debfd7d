use std::io::{self, Write};

use super::words::{NONE, handoffs, together, totals, what};
use super::{Inventory, Reason, tells};
use crate::finding::Severity;
use crate::report::markdown::code;
use crate::report::repository::RepositoryReport;
use crate::report::terminal::Detail;

/// Prints what all pipelines come to, what is in the way of how many, and a table of those with something to tell, without a
/// heading.
///
/// Names of repositories stand in code, where GitLab reads no mention, no reference and no quick action; all other words are
/// stagefold's own.
pub(super) fn write(
    inventory: &Inventory,
    reports: &mut dyn Iterator<Item = io::Result<RepositoryReport>>,
    detail: Detail,
    out: &mut dyn Write,
) -> io::Result<()> {
    summary(inventory, out)?;
    let mut has_rows = false;
    for report in reports {
        let report = report?;
        if tells(detail, report.verdict) {
            if !has_rows {
                out.write_all(
                    b"\n| repository | | hand-offs | what changes, or what is in the way |\n| --- | --- | --- | --- |\n",
                )?;
            }
            has_rows = true;
            row(&report, out)?;
        }
    }
    Ok(())
}

fn summary(inventory: &Inventory, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "**{}**", inventory.tally)?;
    let totals = totals(inventory);
    if !totals.is_empty() {
        writeln!(out)?;
    }
    totals.iter().try_for_each(|sentence| writeln!(out, "- {sentence}"))?;
    let reasons = inventory.reasons();
    if !reasons.is_empty() {
        out.write_all(
            b"\n| in the way | | folds if accepted | alone in the way | named in |\n| --- | --- | ---: | ---: | ---: |\n",
        )?;
    }
    reasons.iter().try_for_each(|reason| self::reason(reason, out))?;
    let together = together(inventory, code);
    if !together.is_empty() {
        writeln!(out)?;
    }
    together.iter().try_for_each(|sentence| writeln!(out, "- {sentence}"))
}

fn reason(Reason { code, pipelines, alone, folds }: &Reason, out: &mut dyn Write) -> io::Result<()> {
    let folds = if code.severity() == Severity::Review { folds.to_string() } else { NONE.to_owned() };
    writeln!(out, "| `{code}` | {} | {folds} | {alone} | {pipelines} |", code.title())
}

fn row(report: &RepositoryReport, out: &mut dyn Write) -> io::Result<()> {
    let (label, verdict) = (code(&report.label()), report.verdict.name());
    writeln!(out, "| {label} | **{verdict}** | {} | {} |", handoffs(report), what(report))
}
