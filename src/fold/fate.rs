//! What becomes of the build job once the builder stage does its work.

use std::rc::Rc;

use super::check_job::CheckJob;
use super::group::Role;
use super::obstacles;
use super::rewire;
use super::situation::Situation;
use super::switch_off;
use super::template;
use crate::outcome::{OnOtherReaders, OnRulesDiffer};

/// What becomes of the build job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It goes: the builder stage does all that it did.
    Goes,
    /// Its words stay under this hidden name, for the jobs that extend it or refer to it.
    BecomesTemplate(String),
    /// It is written outside of the repository, goes on being so, and runs in no pipeline any more.
    IsSwitchedOff,
    /// It goes, and the image job publishes its files in its place.
    IsExported,
    /// It stays as it is, for these reasons; the image job alone no longer takes its files.
    Stays(Vec<String>),
    /// Its name goes to a job that builds the builder stage, where it ran and no image is built.
    Checks(CheckJob),
}

impl Fate {
    /// What the policy makes of the build job of `situation`.
    pub(super) fn of(situation: &Situation<'_>) -> Self {
        if situation.role == Role::FillsCache {
            return Self::Stays(vec!["it fills a cache, and the fold only takes over how".to_owned()]);
        }
        let policy = situation.policy;
        let mut reasons: Vec<String> = Vec::new();
        if policy.on_other_readers == OnOtherReaders::Keep {
            reasons.extend(obstacles::relied_on(situation).into_iter().map(|finding| finding.message));
        }
        let is_read = || !obstacles::readers(situation).is_empty();
        if policy.on_other_readers == OnOtherReaders::Export && situation.role == Role::ForImage && is_read() {
            return Self::IsExported;
        }
        if policy.on_rules_differ == OnRulesDiffer::Keep {
            reasons.extend(obstacles::runs_elsewhere(situation).into_iter().map(|finding| finding.message));
        }
        reasons.dedup();
        if !reasons.is_empty() {
            return Self::Stays(reasons);
        }
        if switch_off::is_possible(situation) {
            return Self::IsSwitchedOff;
        }
        // What other jobs take over of its words would be the words of the check then.
        let is_taken_over = !template::mentions(situation).is_empty();
        if is_taken_over {
            return template::name(situation).map_or(Self::Goes, Self::BecomesTemplate);
        }
        let check = (policy.on_rules_differ == OnRulesDiffer::Check && obstacles::is_only_wider(situation))
            .then(|| CheckJob::new(situation));
        check.and_then(Result::ok).map_or(Self::Goes, Self::Checks)
    }

    /// Whether the build job goes on making its files.
    pub(super) const fn is_to_stay(&self) -> bool {
        matches!(self, Self::Stays(_))
    }

    /// Whether the build job is taken out of the pipeline, with all its words.
    pub(super) const fn is_to_go(&self) -> bool {
        matches!(self, Self::Goes | Self::IsExported)
    }
}

/// A build job has one fate in all hand-offs that it takes part in: where one of them keeps it, it stays, and so does
/// what it relies on.
pub(super) fn settle(situations: &mut [Situation<'_>]) {
    let fates: Vec<_> = situations.iter().map(Fate::of).collect();
    let names: Vec<_> = situations.iter().map(|situation| situation.producer.name.clone()).collect();
    for situation in situations.iter_mut() {
        let own = names.iter().zip(&fates).filter(|(name, _)| **name == situation.producer.name);
        let mut own: Vec<_> = own.map(|(_, fate)| fate).collect();
        own.sort_by_key(|fate| match fate {
            Fate::Stays(_) => 0,
            Fate::Checks(_) => 1,
            Fate::IsExported => 2,
            Fate::BecomesTemplate(_) => 3,
            Fate::Goes | Fate::IsSwitchedOff => 4,
        });
        situation.fate = own.first().map_or(Fate::Goes, |fate| (*fate).clone());
    }
    while let Some((name, reason)) = dragged_along(situations) {
        for situation in situations.iter_mut().filter(|situation| situation.producer.name == name) {
            situation.fate = Fate::Stays(vec![reason.clone()]);
        }
    }
}

/// A build job that would not stay, though one that stays cannot do without it, and why.
fn dragged_along(situations: &[Situation<'_>]) -> Option<(Rc<str>, String)> {
    let (kept, others): (Vec<_>, Vec<_>) = situations.iter().partition(|situation| situation.fate.is_to_stay());
    let pairs = kept.iter().flat_map(|kept| others.iter().map(move |other| (kept, other)));
    pairs.into_iter().find_map(|(kept, other)| {
        let relies = relies_on(kept, other)?;
        Some((Rc::clone(&other.producer.name), format!("'{}' stays too, and {relies}", kept.producer.name)))
    })
}

/// How the job of `kept` could not do without that of `other`.
fn relies_on(kept: &Situation<'_>, other: &Situation<'_>) -> Option<&'static str> {
    let name = &*other.producer.name;
    if kept.inputs.iter().any(|input| input.producer == name) {
        Some("gets its files")
    } else if rewire::names(kept.producer, name) {
        Some("waits for it")
    } else if template::is_used_by(other, kept.producer) {
        Some("takes its words over")
    } else {
        None
    }
}
