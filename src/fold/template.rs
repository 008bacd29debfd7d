//! A build job that other jobs extend or refer to becomes a template: it keeps its words under a hidden name.
//!
//! ```yaml
//! build: {script: [make]}
//! nightly: {extends: build}
//! ```
//! becomes
//! ```yaml
//! .build: {script: [make]}
//! nightly: {extends: .build}
//! ```

use super::situation::Situation;
use crate::gitlab::{Job, Origin, PipelineFile};
use crate::syntax::yaml::{NodeId, NodeKind};

/// The places outside of the build jobs' own words that take those of this build job over, by `extends` or `!reference`.
pub(super) fn mentions(situation: &Situation<'_>) -> Vec<Origin> {
    let producers = &situation.group.producers;
    let is_outside = |mention: &Origin| !producers.iter().any(|job| is_in(situation, job, *mention));
    everywhere(situation).into_iter().filter(is_outside).collect()
}

/// Whether the own words of `job` take over those of the build job.
pub(super) fn is_used_by(situation: &Situation<'_>, job: &Job) -> bool {
    everywhere(situation).into_iter().any(|mention| is_in(situation, job, mention))
}

fn everywhere(situation: &Situation<'_>) -> Vec<Origin> {
    let pipeline = situation.pipeline;
    let mut mentions = Vec::new();
    for (file, id) in pipeline.file_ids().filter_map(|id| Some((pipeline.file(id)?, id))) {
        let nodes = file.tree.nodes().map(|(node, _)| node);
        let named = nodes.filter(|node| file.tree.node(*node).scalar() == Some(&*situation.producer.name));
        mentions.extend(named.filter(|node| takes_over(file, *node)).map(|node| Origin { file: id, node }));
    }
    mentions
}

/// Whether a place is within the words of `job`.
fn is_in(situation: &Situation<'_>, job: &Job, place: Origin) -> bool {
    let mut own = job.definitions.iter().filter(|definition| definition.file == place.file);
    let file = situation.pipeline.file(place.file);
    own.any(|definition| file.is_some_and(|file| file.tree.is_within(place.node, definition.value)))
}

/// The name of the template: the job's own, hidden. `None` where another template has it.
pub(super) fn name(situation: &Situation<'_>) -> Option<String> {
    let name = format!(".{}", situation.producer.name);
    situation.pipeline.top().get(&name).is_none().then_some(name)
}

/// Whether the scalar names a job whose words are taken over: under `extends`, or first in a `!reference`.
fn takes_over(file: &PipelineFile, name: NodeId) -> bool {
    let tree = &file.tree;
    let Some(parent) = tree.parent(name) else {
        return false;
    };
    let is_extends = |mapping: NodeId, value: NodeId| {
        let mut entries = tree.node(mapping).entries().iter();
        entries.any(|entry| entry.value == value && tree.node(entry.key).scalar() == Some("extends"))
    };
    let node = tree.node(parent);
    match &node.kind {
        NodeKind::Sequence { items, .. } if node.tag.as_ref().is_some_and(|tag| tag.name == "!reference") => {
            items.first() == Some(&name)
        }
        NodeKind::Sequence { .. } => tree.parent(parent).is_some_and(|above| is_extends(above, parent)),
        _ => is_extends(parent, name),
    }
}
