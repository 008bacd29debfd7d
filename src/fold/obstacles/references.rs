//! Whatever else in the pipeline names the producer: it must not be left pointing at nothing.

use crate::finding::{Code, Finding, Location};
use crate::fold::fate::Fate;
use crate::fold::situation::Situation;
use crate::fold::{rewire, template};
use crate::gitlab::{Definition, Field, PipelineFile};
use crate::handoff::Flow;
use crate::outcome::Via;
use crate::syntax::yaml::{NodeId, Tree};

/// Keys under which the name of a job stands.
const REFERRING: [&str; 6] = ["dependencies", "extends", "job", "needs", "on_stop", "pipeline"];

pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let others = if situation.fate.is_to_stay() {
        Vec::new()
    } else {
        of_others(situation).into_iter().chain(definition(situation)).collect()
    };
    others.into_iter().chain(needs(situation)).chain(cache(situation)).collect()
}

/// Whatever names the build job and is not mended by the fold.
pub(super) fn of_others(situation: &Situation<'_>) -> Vec<Finding> {
    let files = situation.pipeline.files().iter().chain(situation.pipeline.merged());
    let named = files.enumerate().flat_map(|(at, file)| names(situation, at, file));
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
            .with_help("take the name out here, or let the build job stay beside the fold: '--on-other-readers keep'")
    });
    refused.chain(rewire::hindrances(situation)).collect()
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
fn names(situation: &Situation<'_>, at: usize, file: &PipelineFile) -> Vec<Location> {
    let mentions = if template::name(situation).is_some() { template::mentions(situation) } else { Vec::new() };
    let is_mended = |id: NodeId| {
        let is_mention = mentions.iter().any(|mention| mention.file.index() == at && mention.node == id);
        is_mention || is_within_definition(situation, file, id) || is_in_needs(situation, at, file, id)
    };
    let is_name = |id: NodeId| file.tree.node(id).scalar() == Some(&*situation.producer.name);
    let nodes = file.tree.nodes().map(|(id, _)| id);
    let counts = |id: &NodeId| is_name(*id) && refers(file, *id) && !is_mended(*id) && is_live(situation, file, *id);
    nodes.filter(counts).map(|id| file.location(id)).collect()
}

/// Whether a place is one of a build job's own, and goes with it.
fn is_within_definition(situation: &Situation<'_>, file: &PipelineFile, id: NodeId) -> bool {
    let producers = &situation.group.producers;
    let mut own =
        producers.iter().flat_map(|job| &job.definitions).filter(|definition| is_of(situation, definition, file));
    own.any(|definition| file.tree.is_within(id, definition.value))
}

/// Whether a place lies in what a job needs or downloads: of that, the fold mends each or says why it cannot.
fn is_in_needs(situation: &Situation<'_>, at: usize, file: &PipelineFile, id: NodeId) -> bool {
    let keywords = |job: &'_ crate::gitlab::Job| {
        let fields = ["needs", "dependencies"].into_iter().filter_map(|keyword| job.fields.field(keyword));
        fields.map(|field| field.value.origin).collect::<Vec<_>>()
    };
    let mut origins = situation.pipeline.jobs().iter().flat_map(keywords);
    origins.any(|origin| origin.file.index() == at && file.tree.is_within(id, origin.node))
}

/// In GitLab's merged pipeline only the jobs count that no file here has: the fold changes the files.
fn is_live(situation: &Situation<'_>, file: &PipelineFile, id: NodeId) -> bool {
    let pipeline = situation.pipeline;
    let is_merged = |file: &PipelineFile| pipeline.merged().is_some_and(|merged| merged.source == file.source);
    if !is_merged(file) {
        return true;
    }
    let entry = file.tree.node(file.root).entries().iter().find(|entry| file.tree.is_within(id, entry.value));
    let name = entry.and_then(|entry| file.tree.node(entry.key).scalar()).unwrap_or_default();
    let definitions = pipeline.definitions(name);
    definitions.iter().all(|definition| pipeline.file(definition.file).is_some_and(is_merged))
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
    let paths = situation.pipeline.jobs().iter().flat_map(|job| job.child_pipelines().map(|(path, _)| path));
    let files = paths.filter_map(|path| situation.repository.read(&path).ok());
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
    foreign.map(|field| not_the_consumers_own(situation, field)).collect()
}

/// Where the build job stays, so does the cache by which it hands on its files, and the image job gets them no more: it
/// must have the cache in its own words then.
fn cache(situation: &Situation<'_>) -> Option<Finding> {
    let is_of_producer = |flow: &Flow| flow.via == Via::Cache && flow.producer == situation.producer.name;
    let is_cached = situation.fate.is_to_stay() && situation.handoff.flows.iter().any(is_of_producer);
    let field = situation.consumer.fields.field("cache").filter(|_| is_cached)?;
    (!situation.is_consumers_own(field.value.origin)).then(|| not_the_consumers_own(situation, field))
}

/// A keyword of the image job that the fold has to change, and that others have as well.
fn not_the_consumers_own(situation: &Situation<'_>, field: &Field) -> Finding {
    let (code, whose) = situation.whose(field.value.origin);
    let message = format!("'{}' of the image job {whose}, and the fold has to change it", field.key);
    Finding::new(code, situation.value_location(&field.value), message)
        .with_help(format!("write '{}' in the image job itself", field.key))
}
