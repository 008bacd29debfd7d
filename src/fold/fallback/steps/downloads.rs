//! The consumer downloads the files: its `dependencies` list the producer, and its `needs` take the artifacts.

use super::Edits;
use crate::fold::edit_failed;
use crate::fold::fallback::Reroute;
use crate::gitlab::Value;
use crate::syntax::yaml::edit;
use crate::text::{RepositoryPath, TextEdit};

pub(super) fn download(reroute: &Reroute<'_>) -> Edits {
    Ok(listed(reroute)?.into_iter().chain(needed(reroute)?).collect())
}

/// One more name in `dependencies`, written as the job itself writes it.
fn listed(reroute: &Reroute<'_>) -> Edits {
    let Some(listed) = reroute.consumer.dependencies() else {
        return Ok(Vec::new());
    };
    if listed.iter().any(|(name, _)| *name == reroute.producer.name) {
        return Ok(Vec::new());
    }
    edit_of(reroute, "dependencies", |list| {
        let file = reroute.pipeline.file(list.origin.file)?;
        let place = file.tree.node(list.origin.node).items().len();
        let name = reroute.producer.origin()?;
        let home = reroute.pipeline.file(name.file)?;
        let name = home.tree.node(name.node).full_span.slice(home.source.text());
        let edit = edit::add_item(&file.tree, list.origin.node, place, name)?;
        Some((file.source.path().clone(), edit))
    })
}

/// `artifacts: true` in the entry of `needs` that said otherwise.
fn needed(reroute: &Reroute<'_>) -> Edits {
    let needs = reroute.consumer.needs().unwrap_or_default();
    let is_taken = |need: &crate::gitlab::Need| !need.is_job(&reroute.producer.name) || need.artifacts;
    if needs.iter().all(is_taken) {
        return Ok(Vec::new());
    }
    edit_of(reroute, "needs", |list| {
        let entries = list.one_or_many().iter();
        let names = |entry: &&Value| entry.get("job").and_then(Value::text).as_ref() == Some(&reroute.producer.name);
        let flag = entries.into_iter().find(names)?.get("artifacts")?.origin;
        let file = reroute.pipeline.file(flag.file)?;
        Some((file.source.path().clone(), TextEdit::replace(file.tree.node(flag.node).span, "true")))
    })
}

fn edit_of(reroute: &Reroute<'_>, keyword: &str, edit: impl Fn(&Value) -> Option<(RepositoryPath, TextEdit)>) -> Edits {
    let made = reroute.consumer.get(keyword).and_then(edit);
    let location = reroute.pipeline.keyword_location(reroute.consumer, keyword);
    let failed = || edit_failed(location, &format!("'{keyword}' cannot take the artifacts of the build job here"));
    Ok(vec![made.ok_or_else(failed)?])
}
