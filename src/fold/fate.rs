//! What becomes of the build job once the builder stage does its work.

use super::check_job::CheckJob;
use super::obstacles;
use super::situation::Situation;
use crate::outcome::{OnOtherReaders, OnRulesDiffer};

/// What becomes of the build job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It goes: the builder stage does all that it did.
    Goes,
    /// It stays as it is, for these reasons; the image job alone no longer takes its files.
    Stays(Vec<String>),
    /// Its name goes to a job that builds the builder stage, where it ran and no image is built.
    Checks(CheckJob),
}

impl Fate {
    /// What the policy makes of the build job of `situation`.
    pub(super) fn of(situation: &Situation<'_>) -> Self {
        let policy = situation.policy;
        let mut reasons: Vec<String> = Vec::new();
        if policy.on_other_readers == OnOtherReaders::Keep {
            reasons.extend(obstacles::relied_on(situation).into_iter().map(|finding| finding.message));
        }
        if policy.on_rules_differ == OnRulesDiffer::Keep {
            reasons.extend(obstacles::runs_elsewhere(situation).into_iter().map(|finding| finding.message));
        }
        reasons.dedup();
        if !reasons.is_empty() {
            return Self::Stays(reasons);
        }
        let check = (policy.on_rules_differ == OnRulesDiffer::Check && obstacles::is_only_wider(situation))
            .then(|| CheckJob::new(situation));
        check.and_then(Result::ok).map_or(Self::Goes, Self::Checks)
    }

    /// Whether the build job goes on making its files.
    pub(super) const fn is_to_stay(&self) -> bool {
        matches!(self, Self::Stays(_))
    }
}

/// A build job has one fate in all hand-offs that it takes part in: where one of them keeps it, it stays.
pub(super) fn settle(situations: &mut [Situation<'_>]) {
    let fates: Vec<_> = situations.iter().map(Fate::of).collect();
    let names: Vec<_> = situations.iter().map(|situation| situation.producer.name.clone()).collect();
    for situation in situations {
        let own = names.iter().zip(&fates).filter(|(name, _)| **name == situation.producer.name);
        let mut own: Vec<_> = own.map(|(_, fate)| fate).collect();
        own.sort_by_key(|fate| match fate {
            Fate::Stays(_) => 0,
            Fate::Checks(_) => 1,
            Fate::Goes => 2,
        });
        situation.fate = own.first().map_or(Fate::Goes, |fate| (*fate).clone());
    }
}
