//! `after_script`: what runs after the script may clean up; it must not touch the files that are handed on.

use super::of_use;
use crate::docker::Step;
use crate::finding::Finding;
use crate::fold::situation::Situation;
use crate::handoff::{JobScript, TreeUse, tree_use};

pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let script = JobScript::of_keyword(situation.producer, "after_script");
    let patterns = situation.patterns();
    let is_cleaning = |step: &Step| {
        let is_harmless =
            matches!(step.program(), Some("rm" | "echo" | "docker" | "ls" | "date" | "true" | "df" | "du"));
        is_harmless && tree_use(step, &patterns) == TreeUse::None
    };
    let is_clean = script.walk.opaque.is_empty() && script.walk.steps.iter().all(is_cleaning);
    if is_clean { Vec::new() } else { vec![of_use(situation, "after_script", "it does more than clean up")] }
}
