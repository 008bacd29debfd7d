//! Lines of the image job that only show the files of the hand-off, such as `ls -l dist`: the files are no longer there, the
//! image is what the line was to look into, and so it goes.

use super::situation::Situation;
use crate::docker::Step;
use crate::finding::{Code, Finding};
use crate::handoff::{TreeUse, tree_use};

/// Programs that print what their words name, and change nothing.
const LISTING: [&str; 3] = ["du", "ls", "stat"];

/// The indices of the steps that go: each a script item of its own, in the image job's own words.
pub(super) fn steps(situation: &Situation<'_>) -> Vec<usize> {
    let script = &situation.handoff.script;
    let places = situation.used_places();
    let goes = |step: &Step| {
        let Some(item) = script.items.get(step.item) else {
            return false;
        };
        let text = item.text.as_deref().unwrap_or_default();
        let is_only = script.walk.steps.iter().filter(|other| other.item == step.item).count() == 1;
        let is_alone = is_only && step.place.is_top_level() && step.span.slice(text).len() == text.trim().len();
        let lists = step.program().is_some_and(|program| LISTING.contains(&program)) && step.redirections.is_empty();
        let names_them = matches!(tree_use(step, &places), TreeUse::Touches(_));
        is_alone && lists && names_them && step.caller.is_none() && situation.is_consumers_own(item.origin)
    };
    let all = script.walk.steps.iter().enumerate();
    all.filter(|(_, step)| goes(step)).map(|(index, _)| index).collect()
}

/// What is told of them.
pub(super) fn notes(situation: &Situation<'_>) -> Vec<Finding> {
    let script = &situation.handoff.script;
    let found = steps(situation).into_iter().filter_map(|index| script.walk.steps.get(index));
    let finding = |step: &Step| {
        let location = script.step_location(situation.pipeline, step)?;
        let message = "this only shows the files, which are no longer in the job's folder, so the line goes";
        Some(Finding::new(Code::ListingRemoved, location, message))
    };
    found.filter_map(finding).collect()
}
