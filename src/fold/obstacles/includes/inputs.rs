//! `$[[ inputs.name ]]` in the two jobs: what is filled in differently tomorrow must not be written down today.

use crate::docker::CommandContext;
use crate::finding::{Code, Finding, Location};
use crate::fold::situation::Situation;
use crate::gitlab::{Definition, Job, Origin, Pipeline, Value};
use crate::text::Span;

/// How a place begins that is filled in.
const BLOCK: &str = "$[[";

/// Places within the bytes that the fold takes away or changes.
pub(super) fn check(situation: &Situation<'_>) -> Option<Finding> {
    let taken = situation.producer.definitions.iter().find_map(|definition| in_definition(situation, definition));
    let changed = || {
        let keywords = ["cache", "dependencies", "needs"].iter().filter_map(|key| situation.consumer.fields.field(key));
        let nodes = keywords.map(|field| field.value.origin).chain(completed(situation));
        nodes.into_iter().find_map(|origin| in_node(situation.pipeline, origin))
    };
    taken.or_else(changed).map(|location| {
        let message = "this is filled in from an input, and the fold would take it away";
        Finding::new(Code::InputInJob, location, message).with_help("write the value itself, or a variable")
    })
}

/// Places in `jobs` whose value is not known.
pub(super) fn not_known(pipeline: &Pipeline, jobs: &[&Job]) -> Vec<Finding> {
    let open = jobs.iter().flat_map(|job| job.fields.fields()).filter_map(|field| open(&field.value));
    let finding = |value: &Value| {
        let message = "this is filled in with a value that is not known here";
        Finding::new(Code::InputInJob, pipeline.location(value.origin), message)
            .with_help("give the input a default, or write the value itself")
    };
    open.map(finding).collect()
}

fn open(value: &Value) -> Option<&Value> {
    if value.text().is_some_and(|text| text.contains(BLOCK)) {
        return Some(value);
    }
    match value.sequence() {
        Some(items) => items.iter().find_map(open),
        None => value.mapping()?.fields().iter().find_map(|field| open(&field.value)),
    }
}

fn in_definition(situation: &Situation<'_>, definition: &Definition) -> Option<Location> {
    let node = |node| in_node(situation.pipeline, Origin { file: definition.file, node });
    node(definition.key).or_else(|| node(definition.value))
}

fn in_node(pipeline: &Pipeline, origin: Origin) -> Option<Location> {
    let file = pipeline.file(origin.file)?;
    let span = file.tree.node(origin.node).full_span;
    let at = span.start() + span.slice(file.source.text()).find(BLOCK)?;
    Some(Location::new(&file.source, Span::new(at, at + BLOCK.len())))
}

/// The line of the build command, where the fold has to write a missing context into it.
fn completed(situation: &Situation<'_>) -> Option<Origin> {
    let command = &situation.build().command;
    let is_completed = matches!(command.context, CommandContext::Missing(_));
    situation.handoff.script.items.get(command.item).filter(|_| is_completed).map(|item| item.origin)
}
