use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::words::{handoffs, reasons, totals, what};
use super::{Inventory, Widths, tells};
use crate::outcome::Verdict;
use crate::report::repository::{FindingReport, RepositoryReport};
use crate::report::sentence::{name, visible};
use crate::report::terminal::{Detail, Terminal};

/// The titles of the columns.
const TITLES: [&str; 4] = ["verdict", "repository", "hand-offs", "what changes, or what is in the way"];

/// The widest that a column becomes for the sake of what stands behind it.
const WIDEST: usize = 60;

/// How many reasons are told unless all are asked for: those that stand first matter most.
const MOST_REASONS: usize = 20;

/// Prints a row for each pipeline that has something to tell, and what all of them come to. [`Detail::Verbose`] adds their findings.
pub(super) fn write(
    inventory: &Inventory,
    reports: &mut dyn Iterator<Item = io::Result<RepositoryReport>>,
    style: Terminal,
    out: &mut dyn Write,
) -> io::Result<()> {
    let table = Table::new(inventory, style);
    let mut has_rows = false;
    for report in reports {
        let report = report?;
        if tells(style.detail, report.verdict) {
            if !has_rows {
                table.head(out)?;
            }
            has_rows = true;
            table.row(&report, out)?;
        }
    }
    if has_rows {
        writeln!(out)?;
    }
    closing(inventory, &table, out)
}

/// What stands below the rows.
fn closing(inventory: &Inventory, table: &Table, out: &mut dyn Write) -> io::Result<()> {
    let nothing = inventory.tally.nothing;
    if table.style.detail == Detail::Normal && nothing > 0 {
        let (is, it) = if nothing == 1 { ("is", "it") } else { ("are", "them") };
        writeln!(out, "{nothing} with nothing to fold {is} left out (-v lists {it})\n")?;
    }
    let bold = table.style(Style::new().bold());
    writeln!(out, "{bold}{}{bold:#}", inventory.tally)?;
    for sentence in totals(inventory) {
        writeln!(out, "{sentence}")?;
    }
    let reasons = reasons(inventory);
    if !reasons.is_empty() {
        writeln!(out, "\n{bold}What is in the way{bold:#}")?;
    }
    let most = if table.style.detail == Detail::Verbose { reasons.len() } else { MOST_REASONS };
    reasons.iter().take(most).try_for_each(|sentence| writeln!(out, "  {sentence}"))?;
    match reasons.len().saturating_sub(most) {
        0 => Ok(()),
        left => writeln!(out, "  … and {left} more (-v lists them)"),
    }
}

struct Table {
    style: Terminal,
    /// Of the first three columns.
    widths: [usize; 3],
}

impl Table {
    fn new(inventory: &Inventory, style: Terminal) -> Self {
        let Widths { label, handoffs } = inventory.told;
        let (label, handoffs, verdict) = match style.detail {
            Detail::Quiet | Detail::Normal => (label, handoffs, Verdict::Refused),
            Detail::Verbose => {
                let others = inventory.left_out;
                (label.max(others.label), handoffs.max(others.handoffs), Verdict::NothingToFold)
            }
        };
        let widths = [verdict.name().len(), label.min(WIDEST), handoffs.min(WIDEST)];
        let [verdict, repository, ways, _] = TITLES.map(str::len);
        let [first, second, third] = widths;
        Self { style, widths: [first.max(verdict), second.max(repository), third.max(ways)] }
    }

    fn style(&self, style: Style) -> Style {
        if self.style.color { style } else { Style::new() }
    }

    fn head(&self, out: &mut dyn Write) -> io::Result<()> {
        let bold = self.style(Style::new().bold());
        let [verdict, rest @ ..] = TITLES;
        let rest = self.cells(rest.map(str::to_owned));
        writeln!(out, "{bold}{verdict:0$}  {rest}{bold:#}", self.widths[0])
    }

    fn row(&self, report: &RepositoryReport, out: &mut dyn Write) -> io::Result<()> {
        let color = match report.verdict {
            Verdict::Folded => AnsiColor::Green.on_default().bold(),
            Verdict::Refused => AnsiColor::Yellow.on_default().bold(),
            Verdict::NothingToFold => Style::new(),
            Verdict::Failed => AnsiColor::Red.on_default().bold(),
        };
        let (style, verdict) = (self.style(color), report.verdict.name());
        let pad = self.widths[0].saturating_sub(verdict.len());
        let rest = self.cells([name(&report.label()), handoffs(report), what(report)]);
        let line = format!("{style}{verdict}{style:#}{:pad$}  {rest}", "");
        writeln!(out, "{}", line.trim_end())?;
        let findings = if self.style.detail == Detail::Verbose { report.findings.as_slice() } else { &[] };
        findings.iter().try_for_each(|finding| write_finding(finding, out))
    }

    /// The columns behind the first one.
    fn cells(&self, [label, handoffs, what]: [String; 3]) -> String {
        let [_, second, third] = self.widths;
        format!("{label:second$}  {handoffs:third$}  {what}")
    }
}

fn write_finding(finding: &FindingReport, out: &mut dyn Write) -> io::Result<()> {
    let FindingReport { code, severity, message, line, column, help, accepted, .. } = finding;
    let place = [*line, *column].into_iter().flatten().map(|number| format!(":{number}")).collect::<String>();
    let accepted = if *accepted { ", accepted" } else { "" };
    let file = if finding.file.is_empty() { ".".to_owned() } else { name(&finding.file) };
    writeln!(out, "    {severity}[{code}]{accepted} {file}{place}: {}", visible(message))?;
    help.iter().try_for_each(|help| writeln!(out, "        help: {}", visible(help)))
}
