//! Where a build job stays, the image job goes on waiting for it, and takes none of its files.
//!
//! ```yaml
//! needs: [build]
//! ```
//! becomes
//! ```yaml
//! needs: [{job: build, artifacts: false}]
//! ```

use super::Edits;
use super::needs::{self, without_artifacts};
use crate::fold::edit_failed;
use crate::fold::group::Role;
use crate::fold::situation::Situation;
use crate::gitlab::{Job, Value};
use crate::handoff::downloads_artifacts;
use crate::syntax::yaml::{NodeId, edit};
use crate::text::TextEdit;

pub(super) fn sever(situations: &[&Situation<'_>]) -> Edits {
    let mut edits = Vec::new();
    let kept: Vec<_> = situations
        .iter()
        .copied()
        .filter(|situation| situation.fate.is_to_stay() && situation.role != Role::FillsCache)
        .collect();
    let takes = |situation: &&&Situation<'_>| {
        situation.producer.artifacts().hands_on_files()
            && downloads_artifacts(situation.pipeline, situation.consumer, situation.producer)
    };
    for situation in kept.iter().filter(takes).filter(|situation| situation.consumer.needs().is_some()) {
        edits.push(in_needs(situation)?);
    }
    if let Some(situation) = kept.iter().find(takes).filter(|situation| situation.consumer.needs().is_none()) {
        let names: Vec<_> = kept.iter().map(|situation| &*situation.producer.name).collect();
        edits.push(in_dependencies(situation, &names)?);
    }
    Ok(edits)
}

type Edit = Result<(crate::text::RepositoryPath, TextEdit), Box<crate::finding::Finding>>;

/// The entry of `needs` says that it is no more than a need.
fn in_needs(situation: &Situation<'_>) -> Edit {
    let failed = || edit_failed(situation.consumer_location("needs"), "'needs' cannot be mended here");
    let list = situation.consumer.fields.field("needs").ok_or_else(failed)?;
    let names = |item: &&Value| {
        let name = item.text().or_else(|| item.get("job").and_then(Value::text));
        name.is_some_and(|name| name == situation.producer.name)
    };
    let entry = list.value.one_or_many().iter().find(names).ok_or_else(failed)?;
    let file = situation.pipeline.file(entry.origin.file).ok_or_else(failed)?;
    let edit = match (entry.mapping(), entry.get("artifacts")) {
        // A boolean and no text, so it stands without quotes.
        (Some(_), Some(artifacts)) => Some(TextEdit::replace(file.tree.node(artifacts.origin.node).full_span, "false")),
        (Some(fields), None) => {
            edit::add_entry(&file.tree, entry.origin.node, fields.fields().len(), "artifacts", "false")
        }
        (None, _) => without_artifacts(file, list.value.origin.node, entry.origin.node, &situation.producer.name),
    };
    Ok((file.source.path().clone(), edit.ok_or_else(failed)?))
}

/// `dependencies` list whose files the image job downloads from now on.
fn in_dependencies(situation: &Situation<'_>, kept: &[&str]) -> Edit {
    let failed = || edit_failed(situation.consumer_location("dependencies"), "'dependencies' cannot be written here");
    let consumer = situation.consumer;
    if let Some(field) = consumer.fields.field("dependencies").filter(|field| !field.value.is_null()) {
        let file = situation.pipeline.file(field.value.origin.file).ok_or_else(failed)?;
        let items = file.tree.node(field.value.origin.node).items();
        let is_kept = |id: &NodeId| file.tree.node(*id).scalar().is_some_and(|name| kept.contains(&name));
        let places: Vec<_> = (0..items.len()).filter(|at| items.get(*at).is_some_and(is_kept)).collect();
        let edit = if places.len() == items.len() {
            Some(needs::empty_list(&file.tree, field.value.origin.node))
        } else {
            edit::remove_items(&file.tree, field.value.origin.node, &places)
        };
        return Ok((file.source.path().clone(), edit.ok_or_else(failed)?));
    }
    let is_source = |job: &&Job| {
        let hands_on = job.artifacts().hands_on_files() && downloads_artifacts(situation.pipeline, consumer, job);
        hands_on && !kept.contains(&&*job.name) && !situation.group.producers.iter().any(|gone| gone.name == job.name)
    };
    let names: Vec<_> =
        situation.pipeline.jobs().iter().filter(is_source).map(|job| needs::quoted(&job.name)).collect();
    let definition = consumer.definitions.last().ok_or_else(failed)?;
    let file = situation.pipeline.file(definition.file).ok_or_else(failed)?;
    let entries = file.tree.node(definition.value).entries();
    // In front of the script, where a reader looks for what a job takes.
    let place =
        entries.iter().position(|entry| matches!(file.tree.node(entry.key).scalar(), Some("script" | "before_script")));
    let place = place.unwrap_or(entries.len());
    let list = format!("[{}]", names.join(", "));
    let edit = edit::add_entry(&file.tree, definition.value, place, "dependencies", &list);
    Ok((file.source.path().clone(), edit.ok_or_else(failed)?))
}
