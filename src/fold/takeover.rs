//! What the image job takes over of its build jobs' keywords, since it does their work from now on.
//!
//! One file for each keyword; each says what the image job has to get, or why that cannot be. The step of the same
//! name writes it down, and `check` holds the result against it.

mod clone_settings;
mod hooks;
mod interruptible;
mod resource_group;
mod retry;
mod timeout;

use super::situation::Situation;
use crate::finding::{Code, Finding};
use crate::gitlab::names_in;

/// What the image job gets, and what there is to say about it.
#[derive(Default)]
pub(super) struct Takeover {
    pub(super) taken: Vec<Taken>,
    pub(super) findings: Vec<Finding>,
}

/// A keyword of the image job, or one of its variables, that gets a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) keyword: &'static str,
    /// The variable, where the keyword is `variables`.
    pub(super) variable: Option<String>,
    /// The value as the YAML will hold it, on one line.
    pub(super) written: String,
}

/// One image job with the build jobs whose work it does from now on.
type Own<'s, 'a> = [&'s Situation<'a>];

/// Says what the image job takes over of one keyword.
type Rule = fn(&Own<'_, '_>) -> Takeover;

/// Every keyword that the image job may have to take over, and who says so.
pub(super) const RULES: [(&str, Rule); 6] = [
    ("hooks", hooks::take),
    ("interruptible", interruptible::take),
    ("resource_group", resource_group::take),
    ("retry", retry::take),
    ("timeout", timeout::take),
    ("variables", clone_settings::take),
];

impl Takeover {
    /// What the image job of `own` takes over from the build jobs of `own`.
    pub(super) fn of(own: &Own<'_, '_>) -> Self {
        let all = RULES.iter().map(|(_, take)| take(&once(own)));
        all.fold(Self::default(), |mut all, one| {
            all.taken.extend(one.taken);
            all.findings.extend(one.findings);
            all
        })
    }

    /// A keyword gets `written`, and a note says so at the build job's own words.
    fn keyword(situation: &Situation<'_>, keyword: &'static str, written: String, why: &str) -> Self {
        let what = match written.starts_with('{') {
            true => format!("the '{keyword}' of '{}'", situation.producer.name),
            false => format!("'{keyword}: {written}'"),
        };
        let message = format!("the image job gets {what}, {why}");
        let finding = Finding::new(Code::KeywordTakenOver, situation.producer_location(keyword), message);
        Self { taken: vec![Taken { keyword, variable: None, written }], findings: vec![finding] }
    }

    /// Nothing is taken over, and this is why.
    fn nothing(finding: Finding) -> Self {
        Self { taken: Vec::new(), findings: vec![finding] }
    }

    /// A keyword that is given up: what may differ by that.
    fn lost(situation: &Situation<'_>, keyword: &str, message: String, help: String) -> Self {
        let finding = Finding::new(Code::KeywordLost, situation.producer_location(keyword), message);
        Self::nothing(finding.with_related(situation.consumer_location(keyword), "the image job").with_help(help))
    }

    /// A keyword in which the two jobs contradict each other.
    fn conflict(situation: &Situation<'_>, keyword: &str, message: String) -> Self {
        let finding = Finding::new(Code::KeywordNotFoldable, situation.producer_location(keyword), message)
            .with_related(situation.consumer_location(keyword), "the image job has this")
            .with_help(format!("give both jobs the same '{keyword}', or leave them as they are"));
        Self::nothing(finding)
    }
}

/// A build job whose files go into several images of one job counts once.
fn once<'s, 'a>(own: &Own<'s, 'a>) -> Vec<&'s Situation<'a>> {
    let mut seen: Vec<&Situation<'a>> = Vec::new();
    for situation in own {
        if !seen.iter().any(|other| other.producer.name == situation.producer.name) {
            seen.push(situation);
        }
    }
    seen
}

/// Whether the variables in `text` have the same values in both jobs.
fn means_the_same(situation: &Situation<'_>, text: &str) -> bool {
    let value = |job: &crate::gitlab::Job, name: &str| job.variables.get(name).map(|(value, _)| value.to_owned());
    let is_of_the_job = |name: &str| crate::gitlab::kind_of_variable(name) == crate::gitlab::VariableKind::OfTheJob;
    names_in(text)
        .iter()
        .all(|name| !is_of_the_job(name) && value(situation.producer, name) == value(situation.consumer, name))
}
