use std::io::{self, Write};

use super::arguments::{Format, Options};
use crate::campaign::guarded;
use crate::outcome::{Outcome, Policy};
use crate::report::{
    Entry, Tally, Tense, Terminal, closing_line, colored, json_end, json_entry, json_start, proof_text,
};

/// Where a run writes to.
pub struct Streams<'a> {
    /// For the patch or the JSON.
    pub out: &'a mut (dyn Write + Send),
    /// For everything else.
    pub err: &'a mut dyn Write,
    /// Whether the patch is to be coloured.
    pub color_out: bool,
    /// Whether findings are to be coloured.
    pub color_err: bool,
    /// Whether `err` is a terminal, on which a bar may move.
    pub is_terminal: bool,
}

/// Tells what became of each repository, in the format that was asked for.
pub(super) struct Reporter<'a, 'b> {
    pub(super) streams: &'a mut Streams<'b>,
    pub(super) format: Format,
    pub(super) terminal: Terminal,
    pub(super) policy: &'a Policy,
    pub(super) tense: Tense,
    /// Whether there is more than one repository, so that each line must say which it speaks of.
    pub(super) several: bool,
    pub(super) tally: Tally,
}

impl<'a, 'b> Reporter<'a, 'b> {
    pub(super) fn new(
        streams: &'a mut Streams<'b>,
        options: &Options,
        policy: &'a Policy,
        tense: Tense,
        several: bool,
    ) -> Self {
        let terminal = Terminal { detail: options.detail(), color: streams.color_err };
        Self { streams, format: options.format, terminal, policy, tense, several, tally: Tally::default() }
    }

    pub(super) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Opens the report.
    pub(super) fn start(&mut self) -> io::Result<()> {
        match self.format {
            Format::Json => self.streams.out.write_all(json_start().as_bytes()),
            Format::Text | Format::Markdown | Format::Csv | Format::Html => Ok(()),
        }
    }

    /// Something that is wrong with the arguments, not with a repository.
    pub(super) fn error(&mut self, message: &dyn std::fmt::Display) -> io::Result<()> {
        writeln!(self.streams.err, "error: {message}")
    }

    /// Tells of one repository; `label` is what its closing line calls it where there are several.
    pub(super) fn entry(&mut self, entry: &Entry, label: &str) -> io::Result<()> {
        let index = self.tally.total();
        self.tally.count(entry.outcome.verdict);
        match self.format {
            Format::Json => self.streams.out.write_all(json_entry(entry, index)?.as_bytes())?,
            Format::Text | Format::Markdown | Format::Csv | Format::Html => self.text(entry, label)?,
        }
        self.streams.out.flush()
    }

    /// Closes the report.
    pub(super) fn end(&mut self) -> io::Result<()> {
        match self.format {
            Format::Json => self.streams.out.write_all(json_end().as_bytes())?,
            Format::Text | Format::Markdown | Format::Csv | Format::Html
                if self.several && self.terminal.says_what_happened() =>
            {
                writeln!(self.streams.err, "{}", self.tally)?;
            }
            Format::Text | Format::Markdown | Format::Csv | Format::Html => {}
        }
        self.streams.out.flush()
    }

    fn text(&mut self, entry: &Entry, label: &str) -> io::Result<()> {
        let findings = guarded(|| self.terminal.findings(entry)).unwrap_or_else(|_| bare_findings(&entry.outcome));
        self.streams.err.write_all(findings.as_bytes())?;
        if self.tense == Tense::Shown {
            let patch = if self.streams.color_out { colored(&entry.patch) } else { entry.patch.clone() };
            self.streams.out.write_all(patch.as_bytes())?;
            self.streams.out.flush()?;
        }
        let line = closing_line(&entry.outcome, self.policy, self.tense);
        let line = self.terminal.closing(&line, entry.outcome.verdict);
        if self.several && !line.is_empty() {
            write!(self.streams.err, "{label}: ")?;
        }
        self.streams.err.write_all(line.as_bytes())?;
        let proof = entry.proof.as_ref().map(|proof| proof_text(proof, self.terminal.detail, self.terminal.color));
        self.streams.err.write_all(proof.unwrap_or_default().as_bytes())
    }
}

/// The findings without their lines, for the case that the renderer fails on them.
fn bare_findings(outcome: &Outcome) -> String {
    let line = |finding: &crate::finding::Finding| {
        format!("{}[{}]: {}: {:?}\n", finding.severity(), finding.code, finding.location.path(), finding.message)
    };
    outcome.findings.iter().map(line).collect()
}
