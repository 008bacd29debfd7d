//! The build jobs go, and their stages with them where no other job is in these; or their names go to a check.

use super::Edits;
use crate::finding::{Code, Finding, Location};
use crate::fold::check_job::CheckJob;
use crate::fold::edit_failed;
use crate::fold::fate::Fate;
use crate::fold::situation::{Situation, is_shared};
use crate::fold::switch_off;
use crate::gitlab::{Definition, Job, Pipeline, PipelineFile};
use crate::syntax::yaml::{NodeId, NodeKind, edit};
use crate::text::TextEdit;

pub(super) fn remove(situations: &[Situation<'_>]) -> Edits {
    let Some(pipeline) = situations.first().map(|situation| situation.pipeline) else {
        return Ok(Vec::new());
    };
    let mut gone: Vec<&Job> = Vec::new();
    let mut edits = Vec::new();
    for situation in situations {
        if let Fate::Checks(check) = &situation.fate {
            edits.extend(checks(situation, check)?);
        }
    }
    for situation in situations.iter().filter(|situation| situation.fate.is_to_go()) {
        if !gone.iter().any(|job| job.name == situation.producer.name) {
            gone.push(situation.producer);
        }
    }
    let definitions: Vec<_> = gone.iter().flat_map(|job| job.definitions.clone()).collect();
    for file in pipeline.files() {
        let of_file =
            |definition: &&Definition| pipeline.file(definition.file).is_some_and(|own| std::ptr::eq(own, file));
        let own: Vec<_> = definitions.iter().filter(of_file).copied().collect();
        if own.is_empty() {
            continue;
        }
        edits.push((file.source.path().clone(), jobs(file, &own)?));
        for moved in anchors(file, &own)? {
            edits.push((file.source.path().clone(), moved));
        }
    }
    edits.extend(stages(pipeline, &gone)?);
    edits.extend(switch_off::write(situations)?);
    Ok(edits)
}

/// The body of the job becomes that of the check.
fn checks(situation: &Situation<'_>, check: &CheckJob) -> Edits {
    let pipeline = situation.pipeline;
    let failed = || edit_failed(pipeline.job_location(situation.producer), "this job cannot be written anew");
    let definition = situation.producer.definitions.last().ok_or_else(failed)?;
    let file = pipeline.file(definition.file).ok_or_else(failed)?;
    let edit = edit::replace_contents(&file.tree, definition.value, &check.lines).ok_or_else(failed)?;
    let moved = anchors(file, &[*definition])?;
    Ok([edit].into_iter().chain(moved).map(|edit| (file.source.path().clone(), edit)).collect())
}

fn jobs(file: &PipelineFile, definitions: &[Definition]) -> Result<TextEdit, Box<Finding>> {
    let entries = file.tree.node(file.root).entries();
    let location = || match definitions.first() {
        Some(definition) => file.location(definition.key),
        None => Location::File(file.source.path().clone()),
    };
    if entries.len() == definitions.len() {
        let message = "this is all that the file holds, and GitLab takes no empty file";
        let finding = Finding::new(Code::EditNotPossible, location(), message);
        return Err(Box::new(finding.with_help("move the job into the file that includes this one")));
    }
    let is_gone = |key: NodeId| definitions.iter().any(|definition| definition.key == key);
    let places: Vec<_> =
        (0..entries.len()).filter(|at| entries.get(*at).is_some_and(|entry| is_gone(entry.key))).collect();
    let edit = edit::remove_entries(&file.tree, file.root, &places);
    edit.ok_or_else(|| edit_failed(location(), "this job cannot be taken out of its file"))
}

/// Anchors in the jobs that others refer to move to the first of these.
fn anchors(file: &PipelineFile, definitions: &[Definition]) -> Result<Vec<TextEdit>, Box<Finding>> {
    let tree = &file.tree;
    let goes = |id: NodeId| definitions.iter().any(|definition| tree.is_within(id, definition.value));
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

/// The stages of the jobs, if no other job and no template is in them any more.
fn stages(pipeline: &Pipeline, gone: &[&Job]) -> Edits {
    let others: Vec<_> =
        pipeline.jobs().iter().filter(|job| !gone.iter().any(|other| other.name == job.name)).collect();
    let is_used = |stage: &str| {
        let is_left = others.iter().any(|job| &*job.stage() == stage);
        is_left || is_named_by_template(pipeline, stage) || pipeline.may_hold_unread_jobs(stage)
    };
    let unused: Vec<_> = gone.iter().map(|job| job.stage()).filter(|stage| !is_used(stage)).collect();
    let Some(stages) = pipeline.top().get("stages").filter(|_| !unused.is_empty()) else {
        return Ok(Vec::new());
    };
    let is_own = |file: &&PipelineFile| file.is_editable() && !is_shared(file, stages.origin.node);
    let Some(file) = pipeline.file(stages.origin.file).filter(is_own) else {
        return Ok(Vec::new());
    };
    let items = file.tree.node(stages.origin.node).items();
    let is_stage =
        |id: &NodeId| file.tree.node(*id).scalar().is_some_and(|name| unused.iter().any(|stage| **stage == *name));
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
fn is_named_by_template(pipeline: &Pipeline, stage: &str) -> bool {
    let hidden = pipeline.top().fields().iter().filter(|field| field.key.starts_with('.') || &*field.key == "default");
    hidden
        .into_iter()
        .any(|field| field.value.get("stage").and_then(crate::gitlab::Value::text).as_deref() == Some(stage))
}
