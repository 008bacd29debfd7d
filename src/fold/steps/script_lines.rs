//! The lines that built the first image and copied out of it go from the script.

use super::Edits;
use super::build_command::missing_context;
use crate::fold::edit_failed;
use crate::gitlab::Pipeline;
use crate::handoff::DockerCp;
use crate::syntax::yaml::edit;

pub(super) fn remove(pipeline: &Pipeline, found: &DockerCp) -> Edits {
    let steps = &found.script.walk.steps;
    let gone = found.copies.iter().map(|copy| copy.step).chain(found.service_steps.iter().copied());
    let gone = gone.chain([found.first.command.step]).filter_map(|index| steps.get(index));
    let origins: Vec<_> = gone.filter_map(|step| found.script.items.get(step.item)).map(|item| item.origin).collect();
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
    edits.extend(missing_context(pipeline, &found.script, &found.second.command)?);
    Ok(edits)
}
