//! Whatever else in the pipeline names the producer: it must not be left pointing at nothing.

use crate::finding::{Code, Finding, Location};
use crate::fold::fate::Fate;
use crate::fold::situation::Situation;
use crate::gitlab::{Definition, PipelineFile};
use crate::syntax::yaml::{NodeId, NodeKind, Tree};
use crate::text::RepositoryPath;

/// Keys under which the name of a job stands.
const REFERRING: [&str; 6] = ["dependencies", "extends", "job", "needs", "on_stop", "pipeline"];

pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let others = if situation.fate.is_to_stay() {
        Vec::new()
    } else {
        of_others(situation).into_iter().chain(definition(situation)).collect()
    };
    others.into_iter().chain(needs(situation)).collect()
}

/// Whatever names the build job and is not mended by the fold.
pub(super) fn of_others(situation: &Situation<'_>) -> Vec<Finding> {
    let named = situation.pipeline.files().iter().flat_map(|file| names(situation, file));
    let named = named.chain(downloads(situation)).chain(in_children(situation));
    let refused = named.map(|location| {
        if let Fate::Checks(_) = situation.fate {
            return to_check(situation, location);
        }
        let message = format!("this refers to '{}', which would be gone", situation.producer.name);
        Finding::new(Code::ProducerReferenced, location, message)
            .with_related(
                situation.pipeline.job_location(situation.producer),
                "this job would move into the Dockerfile",
            )
            .with_help("let it stand on its own: write out here what it takes from the build job")
    });
    refused.collect()
}

/// A job that becomes a check is not there where the image is built.
fn to_check(situation: &Situation<'_>, location: Location) -> Finding {
    let name = &situation.producer.name;
    let message = format!("this refers to '{name}', which would only be there where no image is built");
    Finding::new(Code::ProducerReferenced, location, message)
        .with_related(situation.pipeline.job_location(situation.producer), "this job would become a check")
        .with_help("let it stand on its own, or keep the build job beside the fold with '--on-rules-differ keep'")
}

/// The places of a file that name the producer, those that go with it or that the fold mends left out.
fn names(situation: &Situation<'_>, file: &PipelineFile) -> Vec<Location> {
    let tree = &file.tree;
    let is_name = |id: NodeId| matches!(&tree.node(id).kind, NodeKind::Scalar { value, .. } if **value == *situation.producer.name);
    let mended = |id: NodeId| {
        let jobs = situation.pipeline.jobs().iter().filter(|job| situation.takes_part(job));
        let mut own = jobs.flat_map(|job| &job.definitions).filter(|definition| is_of(situation, definition, file));
        own.any(|definition| tree.is_within(id, definition.value) && !is_extension(file, id))
    };
    let nodes = tree.nodes().map(|(id, _)| id);
    nodes.filter(|id| is_name(*id) && refers(file, *id) && !mended(*id)).map(|id| file.location(id)).collect()
}

/// Addresses that fetch the files of the latest pipeline by the name of the job (GitLab docs: api/job_artifacts).
fn downloads<'a>(situation: &'a Situation<'_>) -> impl Iterator<Item = Location> + 'a {
    let query = format!("job={}", situation.producer.name);
    situation.pipeline.files().iter().flat_map(move |file| {
        let speaks = |text: &str| {
            text.match_indices(&query).any(|(at, found)| {
                !text
                    .get(at + found.len()..)
                    .unwrap_or_default()
                    .starts_with(|next: char| next.is_alphanumeric() || "-_:".contains(next))
            })
        };
        let nodes = file.tree.nodes().filter(move |(_, node)| node.scalar().is_some_and(speaks));
        nodes.map(|(id, _)| file.location(id)).collect::<Vec<_>>()
    })
}

/// Child pipelines, which may need a job of their parent by its name (GitLab docs: ci/yaml#needspipelinejob).
fn in_children(situation: &Situation<'_>) -> Vec<Location> {
    let includes = situation.pipeline.jobs().iter().filter_map(|job| job.get("trigger")?.get("include"));
    let local = |value: &crate::gitlab::Value| value.text().or_else(|| value.get("local")?.text());
    let paths = includes.flat_map(|include| include.one_or_many().iter().filter_map(local).collect::<Vec<_>>());
    let files = paths.filter_map(|path| situation.repository.read(&RepositoryPath::new(&path)?).ok());
    let found = files.flat_map(|source| {
        let Ok(tree) = Tree::parse(source.text()) else { return Vec::new() };
        let needed = tree.nodes().filter_map(|(id, node)| {
            let job = tree.entry(id, "job").filter(|_| tree.entry(id, "pipeline").is_some())?;
            let is_named = node.entries().len() > 1 && tree.node(job.value).scalar() == Some(&*situation.producer.name);
            is_named.then(|| Location::new(&source, tree.node(job.value).full_span))
        });
        needed.collect()
    });
    found.collect()
}

fn is_of(situation: &Situation<'_>, definition: &Definition, file: &PipelineFile) -> bool {
    situation.pipeline.file(definition.file).is_some_and(|own| own.source.path() == file.source.path())
}

/// Whether a node stands under a key that takes names of jobs, or in a `!reference`.
fn refers(file: &PipelineFile, id: NodeId) -> bool {
    let mut at = id;
    while let Some(parent) = file.tree.parent(at) {
        let node = file.tree.node(parent);
        if node.tag.as_ref().is_some_and(|tag| tag.name == "!reference") {
            return true;
        }
        let key = node.entries().iter().find(|entry| entry.value == at).map(|entry| entry.key);
        if key.is_some_and(|key| file.tree.node(key).scalar().is_some_and(|name| REFERRING.contains(&name))) {
            return true;
        }
        at = parent;
    }
    false
}

/// `extends` and `!reference` take the producer's own words over; nothing mends them.
fn is_extension(file: &PipelineFile, id: NodeId) -> bool {
    let mut at = id;
    while let Some(parent) = file.tree.parent(at) {
        let node = file.tree.node(parent);
        let key = node.entries().iter().find(|entry| entry.value == at).map(|entry| entry.key);
        let is_extends = key.is_some_and(|key| file.tree.node(key).scalar() == Some("extends"));
        if is_extends || node.tag.as_ref().is_some_and(|tag| tag.name == "!reference") {
            return true;
        }
        at = parent;
    }
    false
}

/// The producer must stand in one place, so that taking it away takes all of it away.
fn definition(situation: &Situation<'_>) -> Option<Finding> {
    let definitions = &situation.producer.definitions;
    if definitions.len() == 1 {
        return None;
    }
    let message =
        format!("'{}' is put together from several places, and the fold takes away one", situation.producer.name);
    let finding = Finding::new(Code::JobDefinitionShared, situation.pipeline.job_location(situation.producer), message);
    let finding = finding.with_help("write the whole job in one place");
    Some(definitions.iter().fold(finding, |finding, definition| {
        let location = situation.pipeline.file(definition.file).map(|file| file.location(definition.key));
        match location {
            Some(location) => finding.with_related(location, "a part of it stands here"),
            None => finding,
        }
    }))
}

/// What the consumer needs must be its own words, so that mending it changes no other job.
fn needs(situation: &Situation<'_>) -> Vec<Finding> {
    let keywords = ["needs", "dependencies"].iter().filter_map(|keyword| situation.consumer.fields.field(keyword));
    let names_producer = |value: &crate::gitlab::Value| {
        value.one_or_many().iter().any(|item| {
            let name = item.text().or_else(|| item.get("job").and_then(crate::gitlab::Value::text));
            name.is_some_and(|name| name == situation.producer.name)
        })
    };
    let foreign =
        keywords.filter(|field| names_producer(&field.value) && !situation.is_consumers_own(field.value.origin));
    let finding = |field: &crate::gitlab::Field| {
        let message =
            format!("'{}' of the image job is shared with other jobs, and the fold has to change it", field.key);
        Finding::new(Code::JobDefinitionShared, situation.value_location(&field.value), message)
            .with_help(format!("write '{}' in the image job itself", field.key))
    };
    foreign.map(finding).collect()
}
