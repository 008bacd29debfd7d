//! The build job goes, and its stage with it where no other job is in that.

use super::Edits;
use crate::finding::{Code, Finding, Location};
use crate::fold::edit_failed;
use crate::fold::situation::{Situation, is_shared};
use crate::gitlab::{Definition, PipelineFile};
use crate::syntax::yaml::{NodeId, NodeKind, edit};
use crate::text::TextEdit;

pub(super) fn remove(situation: &Situation<'_>) -> Edits {
    let mut edits = Vec::new();
    for definition in &situation.producer.definitions {
        let Some(file) = situation.pipeline.file(definition.file) else {
            continue;
        };
        edits.push((file.source.path().clone(), job(situation, file, *definition)?));
        for moved in anchors(file, *definition)? {
            edits.push((file.source.path().clone(), moved));
        }
    }
    edits.extend(stage(situation)?);
    Ok(edits)
}

fn job(situation: &Situation<'_>, file: &PipelineFile, definition: Definition) -> Result<TextEdit, Box<Finding>> {
    let entries = file.tree.node(file.root).entries();
    if entries.len() == 1 {
        let message = "this job is all that its file holds, and GitLab takes no empty file";
        let location = situation.pipeline.job_location(situation.producer);
        let finding = Finding::new(Code::EditNotPossible, location, message);
        return Err(Box::new(finding.with_help("move the job into the file that includes this one")));
    }
    let place = entries.iter().position(|entry| entry.key == definition.key);
    let edit = place.and_then(|place| edit::remove_entries(&file.tree, file.root, &[place]));
    edit.ok_or_else(|| {
        edit_failed(situation.pipeline.job_location(situation.producer), "this job cannot be taken out of its file")
    })
}

/// Anchors in the job that others refer to move to the first of these.
fn anchors(file: &PipelineFile, definition: Definition) -> Result<Vec<TextEdit>, Box<Finding>> {
    let tree = &file.tree;
    let goes = |id: NodeId| tree.is_within(id, definition.value);
    let mut moved: Vec<NodeId> = Vec::new();
    let mut edits = Vec::new();
    for (id, node) in tree.nodes() {
        let NodeKind::Alias { target: Some(target), .. } = node.kind else {
            continue;
        };
        if goes(id) || !goes(target) || moved.contains(&target) {
            continue;
        }
        moved.push(target);
        let edit = edit::relocate_anchor(tree, id);
        edits.push(edit.ok_or_else(|| {
            edit_failed(file.location(id), "this refers to a part of the build job, which cannot be moved here")
        })?);
    }
    Ok(edits)
}

/// The stage of the producer, if no job and no template is in it any more.
fn stage(situation: &Situation<'_>) -> Edits {
    let stage = situation.producer.stage();
    let others = situation.pipeline.jobs().iter().filter(|job| job.name != situation.producer.name);
    let is_used = others.into_iter().any(|job| job.stage() == stage)
        || is_named_by_template(situation, &stage)
        || situation.pipeline.may_hold_unread_jobs(&stage);
    let Some(stages) = situation.pipeline.top().get("stages").filter(|_| !is_used) else {
        return Ok(Vec::new());
    };
    let is_own = |file: &&PipelineFile| file.is_editable() && !is_shared(file, stages.origin.node);
    let Some(file) = situation.pipeline.file(stages.origin.file).filter(is_own) else {
        return Ok(Vec::new());
    };
    let items = file.tree.node(stages.origin.node).items();
    let is_stage = |id: &NodeId| file.tree.node(*id).scalar() == Some(&*stage);
    let places: Vec<_> = items.iter().enumerate().filter(|(_, id)| is_stage(id)).map(|(place, _)| place).collect();
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let edit = edit::remove_items(&file.tree, stages.origin.node, &places);
    let location = || -> Location { file.location(stages.origin.node) };
    Ok(vec![(
        file.source.path().clone(),
        edit.ok_or_else(|| edit_failed(location(), "the stage cannot be taken out of this list"))?,
    )])
}

/// Whether a hidden job names the stage: whatever extends it later is in that stage.
fn is_named_by_template(situation: &Situation<'_>, stage: &str) -> bool {
    let hidden =
        situation.pipeline.top().fields().iter().filter(|field| field.key.starts_with('.') || &*field.key == "default");
    hidden
        .into_iter()
        .any(|field| field.value.get("stage").and_then(crate::gitlab::Value::text).as_deref() == Some(stage))
}
