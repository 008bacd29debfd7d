//! The lines that built the first image and copied out of it go from the script.

use super::Edits;
use super::build_command::{completed, widened};
use crate::fold::edit_failed;
use crate::fold::joined::Joining;
use crate::fold::listings;
use crate::fold::situation::Situation;
use crate::gitlab::Pipeline;
use crate::handoff::JobScript;
use crate::syntax::yaml::edit;

pub(super) fn remove(pipeline: &Pipeline, joining: &Joining<'_>) -> Edits {
    let found = joining.found;
    let mut edits = items_of(pipeline, &found.script, &found.steps_that_go())?;
    let options = joining.options_to_add().unwrap_or_default();
    let wider = joining.contexts.as_ref().ok().and_then(|contexts| contexts.second.as_ref());
    edits.extend(match wider {
        Some((_, wider)) => widened(pipeline, &found.script, wider, &options)?,
        None => completed(pipeline, &found.script, &found.second.command, &options)?,
    });
    if let Some(Ok(first)) = joining.first_command() {
        edits.extend(widened(pipeline, &found.script, &first, &[])?);
    }
    Ok(edits)
}

/// The lines that moved files of the hand-off to where the Dockerfile took them go as well, and those that showed them.
pub(super) fn moves(situations: &[&Situation<'_>]) -> Edits {
    let Some(first) = situations.first() else {
        return Ok(Vec::new());
    };
    let handoffs = situations.iter().map(|situation| situation.handoff);
    let mut gone: Vec<_> = handoffs.flat_map(|handoff| &handoff.moves).map(|moved| moved.step).collect();
    gone.extend(situations.iter().flat_map(|situation| listings::steps(situation)));
    gone.sort_unstable();
    gone.dedup();
    items_of(first.pipeline, &first.handoff.script, &gone)
}

/// Takes the script items of these steps out.
fn items_of(pipeline: &Pipeline, script: &JobScript, gone: &[usize]) -> Edits {
    let steps = gone.iter().filter_map(|index| script.walk.steps.get(*index));
    let origins: Vec<_> = steps.filter_map(|step| script.items.get(step.item)).map(|item| item.origin).collect();
    let mut edits = Vec::new();
    for file in pipeline.files() {
        let nodes =
            origins.iter().filter(|origin| pipeline.file(origin.file).is_some_and(|own| std::ptr::eq(own, file)));
        let nodes: Vec<_> = nodes.map(|origin| origin.node).collect();
        let mut lists: Vec<_> = nodes.iter().filter_map(|node| file.tree.parent(*node)).collect();
        lists.sort_unstable();
        lists.dedup();
        for list in lists {
            let items = file.tree.node(list).items();
            let places: Vec<_> =
                (0..items.len()).filter(|place| items.get(*place).is_some_and(|item| nodes.contains(item))).collect();
            let removed = edit::remove_items(&file.tree, list, &places);
            let removed = removed
                .ok_or_else(|| edit_failed(file.location(list), "these lines cannot be taken out of the script"))?;
            edits.push((file.source.path().clone(), removed));
        }
    }
    Ok(edits)
}
