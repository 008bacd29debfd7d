use std::collections::{BTreeMap, BTreeSet};

use super::container_caches;
use super::export;
use super::fate::Fate;
use super::joined::Joining;
use super::listings;
use super::rewire;
use super::situation::Situation;
use super::steps::by_consumer;
use super::takeover::{Taken, Takeover};
use crate::docker::WiderCommand;
use crate::gitlab::Pipeline;
use crate::outcome::Via;
use crate::text::TextEdit;

/// What a fold means to change in the jobs of a pipeline; everything else must resolve to what it was.
#[derive(Clone, Debug, Default)]
pub struct Intent {
    /// Jobs that go.
    pub gone: BTreeSet<String>,
    /// Jobs that keep their name and become another job.
    pub replaced: BTreeSet<String>,
    /// Jobs that stay as they are and run in no pipeline any more.
    pub switched_off: BTreeSet<String>,
    /// Keywords that change, job by job.
    pub changed: BTreeMap<String, BTreeSet<&'static str>>,
    /// Items that the script of a job gets.
    pub added_lines: BTreeMap<String, Vec<String>>,
    /// Build commands of a job that get another build context, each with the text of its script item.
    pub widened: BTreeMap<String, Vec<(String, WiderCommand)>>,
    /// Script items of a job that get options, as they are before and with them.
    pub completed: BTreeMap<String, Vec<(String, String)>>,
    /// Values that keywords in `changed` must have afterwards.
    pub expected: Vec<Expected>,
    /// Whether a cache that only served the hand-off goes, for all jobs that inherit it.
    pub changes_caches: bool,
    /// Whether lines may go from the scripts of the jobs in `changed`; else they may only be completed.
    pub removes_lines: bool,
}

/// A value that a job must have after the fold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The name of the job.
    pub job: String,
    /// The keyword.
    pub keyword: &'static str,
    /// The variable, where the keyword is `variables`.
    pub variable: Option<String>,
    /// The value on one line, as [`crate::gitlab::Value::written`] gives it.
    pub written: String,
}

/// Keywords of the image job that a fold may change.
const OF_CONSUMER: [&str; 4] = ["before_script", "dependencies", "needs", "script"];

/// The build command whose context is widened, and the text of its item.
fn widened(situation: &Situation<'_>) -> Option<(String, WiderCommand)> {
    let command = &situation.wider()?.command;
    let text = situation.handoff.script.items.get(command.command.item)?.text.clone()?;
    Some((text.to_string(), command.clone()))
}

impl Intent {
    /// What the fold of these build jobs changes.
    pub(super) fn of_jobs(situations: &[Situation<'_>]) -> Self {
        let mut intent = Self::default();
        for situation in situations {
            let name = situation.producer.name.to_string();
            match situation.fate {
                Fate::Goes | Fate::IsExported | Fate::BecomesTemplate(_) => drop(intent.gone.insert(name)),
                Fate::Checks(_) => drop(intent.replaced.insert(name)),
                Fate::IsSwitchedOff => drop(intent.switched_off.insert(name)),
                Fate::Stays(_) => {}
            }
            intent.changed.entry(situation.consumer.name.to_string()).or_default().extend(OF_CONSUMER);
            for follower in rewire::followers(situation) {
                intent.changed.entry(follower.job.name.to_string()).or_default().extend(["needs", "dependencies"]);
            }
            if situation.fate == Fate::IsExported {
                intent.changed.entry(situation.consumer.name.to_string()).or_default().insert("artifacts");
                let added = intent.added_lines.entry(situation.consumer.name.to_string()).or_default();
                added.extend(export::command(situation));
            }
            if matches!(situation.fate, Fate::BecomesTemplate(_)) {
                for job in situation.pipeline.jobs().iter().filter(|job| job.fields.get("extends").is_some()) {
                    intent.changed.entry(job.name.to_string()).or_default().insert("extends");
                }
            }
            if let Some((text, command)) = widened(situation) {
                let own = intent.widened.entry(situation.consumer.name.to_string()).or_default();
                let is_known = own.iter().any(|(_, other)| other.command.step == command.command.step);
                own.extend((!is_known).then_some((text, command)));
            }
            intent.removes_lines |= !situation.handoff.moves.is_empty() || !listings::steps(situation).is_empty();
            intent.changes_caches |= situation.handoff.flows.iter().any(|flow| flow.via == Via::Cache);
        }
        for own in by_consumer(situations) {
            intent.take_over(&own);
        }
        intent
    }

    fn take_over(&mut self, own: &[&Situation<'_>]) {
        let Some(job) = own.first().map(|situation| situation.consumer.name.to_string()) else {
            return;
        };
        for Taken { keyword, variable, written } in Takeover::of(own).taken {
            self.changed.entry(job.clone()).or_default().insert(keyword);
            self.expected.push(Expected { job: job.clone(), keyword, variable, written });
        }
    }

    /// What joining two Dockerfiles changes.
    pub(super) fn of_docker_cp(pipeline: &Pipeline, joining: &Joining<'_>) -> Self {
        let found = joining.found;
        let mut keywords = BTreeSet::from(OF_CONSUMER);
        let cache = pipeline.job(&found.consumer).and_then(|job| container_caches::going(pipeline, job, found));
        keywords.extend(cache.map(|_| "cache"));
        let changed = BTreeMap::from([(found.consumer.to_string(), keywords)]);
        let text = |item: usize| found.script.items.get(item).and_then(|item| item.text.as_deref()).unwrap_or_default();
        let completed = joining.commands().into_iter().filter_map(|(command, changes)| {
            let before = text(command.item);
            let mut edit = TextEdit::builder();
            for (span, new) in changes {
                edit.replace(span, new);
            }
            Some((before.to_owned(), edit.finish().ok()?.apply(before)?))
        });
        let completed = BTreeMap::from([(found.consumer.to_string(), completed.collect())]);
        Self { changed, completed, removes_lines: true, ..Self::default() }
    }

    /// A script item of a job with the build contexts that its commands get; `None` where they keep theirs.
    #[must_use]
    pub fn widened_item(&self, job: &str, text: &str) -> Option<String> {
        let own = self.widened.get(job)?.iter().filter(|(item, _)| item == text).map(|(_, command)| command);
        let commands: Vec<_> = own.collect();
        let (first, _) = commands.split_first()?;
        // Of several items of the same text, one is enough to tell how it is written then.
        let own: Vec<_> = commands.iter().copied().filter(|other| other.command.item == first.command.item).collect();
        WiderCommand::all_written_in(&own, text)
    }

    /// A script item of a job with the options that it gets; `None` where it gets none.
    #[must_use]
    pub fn completed_item(&self, job: &str, text: &str) -> Option<&str> {
        self.completed.get(job)?.iter().find(|(before, _)| before == text).map(|(_, after)| after.as_str())
    }

    /// Whether a fold may change this keyword of this job.
    #[must_use]
    pub fn allows(&self, job: &str, keyword: &str) -> bool {
        let is_cache = self.changes_caches && keyword == "cache";
        is_cache || self.changed.get(job).is_some_and(|keywords| keywords.contains(keyword))
    }
}
