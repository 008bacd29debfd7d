//! How far a run is: a bar on a terminal, lines elsewhere.

use indicatif::{ProgressBar, ProgressStyle};

use crate::campaign::{Progress, Told};
use crate::cli::arguments::Options;
use crate::cli::output::Streams;
use crate::cli::status::Status;
use crate::outcome::Verdict;
use crate::report::{Detail, Tally};

/// After how many projects a line says how far the run is, where no bar does.
const STRIDE: usize = 500;

/// How the bar looks.
const TEMPLATE: &str = "{bar:30} {pos}/{len}  {msg}  {eta} left";

/// Tells how far a run is while it goes on.
pub(super) struct Teller<'a, 'b> {
    streams: &'a mut Streams<'b>,
    bar: Option<ProgressBar>,
    detail: Detail,
    /// Whether each repository gets a line and all of them a last one, where no report follows that tells it.
    has_lines: bool,
    check: bool,
    all: usize,
    done: usize,
    unchanged: usize,
    tally: Tally,
    /// What it comes to so far.
    pub(super) status: Status,
}

impl<'a, 'b> Teller<'a, 'b> {
    pub(super) fn new(all: usize, has_lines: bool, options: &Options, streams: &'a mut Streams<'b>) -> Self {
        let detail = options.detail();
        let bar = (streams.is_terminal && detail > Detail::Quiet).then(|| {
            let bar = ProgressBar::new(all as u64);
            if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
                bar.set_style(style);
            }
            bar
        });
        let (check, status, tally) = (options.check, Status::Done, Tally::default());
        Self { streams, bar, detail, has_lines, check, all, done: 0, unchanged: 0, tally, status }
    }

    /// Tells of one more project. Nobody is told where nobody can be: the run goes on.
    pub(super) fn tell(&mut self, progress: Progress<'_>) {
        self.done += 1;
        match progress {
            Progress::Unchanged(_, verdict) => {
                self.unchanged += 1;
                let status = verdict.map_or(Status::Done, |verdict| Status::of(verdict, self.check, false));
                self.status = self.status.max(status);
            }
            Progress::Looked(told) => told.iter().for_each(|told| self.line(told)),
        }
        match &self.bar {
            Some(bar) => {
                bar.inc(1);
                let Tally { folded, refused, failed, .. } = self.tally;
                bar.set_message(format!("{folded} folded, {refused} refused, {failed} failed"));
            }
            None if self.done.is_multiple_of(STRIDE) && self.detail > Detail::Quiet => {
                let _ = writeln!(self.streams.err, "{} of {} repositories", self.done, self.all);
            }
            None => {}
        }
    }

    /// Takes the bar away, and says what there was to do.
    pub(super) fn end(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        if self.has_lines && self.detail > Detail::Quiet {
            let unchanged = match self.unchanged {
                0 => String::new(),
                1 => "; 1 more has not changed since it was looked at".to_owned(),
                count => format!("; {count} more have not changed since they were looked at"),
            };
            let _ = writeln!(self.streams.err, "{}{unchanged}", self.tally);
        }
    }

    fn line(&mut self, Told { verdict, line }: &Told) {
        self.tally.count(*verdict);
        self.status = self.status.max(Status::of(*verdict, self.check, false));
        let is_told = match verdict {
            Verdict::NothingToFold => self.detail > Detail::Normal,
            Verdict::Folded | Verdict::Refused => self.detail > Detail::Quiet,
            Verdict::Failed => true,
        };
        if is_told && self.has_lines {
            match &self.bar {
                Some(bar) => bar.println(line),
                None => drop(writeln!(self.streams.err, "{line}")),
            }
        }
    }
}
