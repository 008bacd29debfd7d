//! The image job publishes the files in the place of the build job: they are taken out of the builder stage behind the
//! build, and uploaded as the build job uploaded them.

use super::obstacles;
use super::situation::Situation;
use crate::docker::{BuildCommand, Builder};
use crate::finding::{Code, Finding, Location};
use crate::gitlab::{Definition, Job, PathPattern, PipelineFile};
use crate::outcome::Via;
use crate::syntax::yaml::{NodeId, NodeKind};

/// Keys of `artifacts:` that mean the same on the image job (GitLab docs: ci/yaml#artifacts).
const KEYS: [&str; 8] = ["access", "exclude", "expire_in", "expose_as", "name", "paths", "public", "untracked"];

/// What stands in the way of publishing the files from the image job.
pub(super) fn obstacles(situation: &Situation<'_>) -> Vec<Finding> {
    let at_build = situation.producer_location("artifacts");
    let at_image = situation.consumer_location("artifacts");
    let at_command = situation.command_location();
    let command = &situation.build().command;
    let artifacts = situation.producer.artifacts();
    let other_keys = artifacts.fields.fields().iter().any(|field| !KEYS.contains(&&*field.key));
    let in_root = situation.handoff.script.walk.steps.get(command.step).and_then(|step| step.folder.as_ref());
    let conditions: [(bool, &Location, &str); 8] = [
        (situation.group.handoffs.len() > 1, &at_command, "the files go into more than one image"),
        (
            situation.handoff.flows.iter().any(|flow| flow.via != Via::Artifacts),
            &at_build,
            "the files are handed on by a cache as well",
        ),
        (other_keys || artifacts.untracked, &at_build, "'artifacts' has keys that belong to the build job"),
        (
            artifacts.paths.iter().any(|path| path.copied().is_none()),
            &at_build,
            "a path holds a glob that may match folders",
        ),
        (written(situation).is_none(), &at_build, "'artifacts' is shared with other jobs, or holds an anchor"),
        (situation.consumer.get("artifacts").is_some(), &at_image, "the image job has artifacts of its own"),
        (!has_buildkit(situation), &at_command, "it is not certain that the builder is BuildKit, which alone exports"),
        (
            in_root.is_none_or(|folder| !folder.is_root()) || !is_item(command) || script_item(situation).is_none(),
            &at_command,
            "the build command is no script item of its own in the project's folder",
        ),
    ];
    let failed = conditions.into_iter().filter(|(fails, ..)| *fails);
    let finding = |(_, location, reason): (bool, &Location, &str)| {
        let message = format!("the image job cannot publish the files of '{}': {reason}", situation.producer.name);
        Finding::new(Code::ExportNotPossible, location.clone(), message)
            .with_help("let the build job stay beside the fold instead: '--on-other-readers keep'")
    };
    failed.map(finding).chain(early_readers(situation)).collect()
}

/// Readers that start before the image is built.
fn early_readers(situation: &Situation<'_>) -> Vec<Finding> {
    let stage = |job: &Job| situation.pipeline.stage_index(job);
    let is_early = |job: &&Job| job.needs().is_none() && stage(job) <= stage(situation.consumer);
    let finding = |job: &Job| {
        let message = format!(
            "the job '{}' reads the files of '{}', and runs before the image job could publish them",
            job.name, situation.producer.name
        );
        Finding::new(Code::ExportNotPossible, situation.pipeline.job_location(job), message)
            .with_help("let the build job stay beside the fold instead: '--on-other-readers keep'")
    };
    obstacles::readers(situation).into_iter().filter(is_early).map(finding).collect()
}

/// Whether `--output` works: buildx, or an engine that takes BuildKit (Docker docs: build exporters).
fn has_buildkit(situation: &Situation<'_>) -> bool {
    let command = &situation.build().command;
    command.builder == Builder::Buildx || command.builder == Builder::Docker && situation.has_buildkit()
}

/// The entry of `artifacts` in the build job's own words, where nobody shares them.
pub(super) fn written<'a>(situation: &Situation<'a>) -> Option<(&'a PipelineFile, NodeId, NodeId)> {
    let [Definition { file, value, .. }] = *situation.producer.definitions.as_slice() else {
        return None;
    };
    let file = situation.pipeline.file(file)?;
    let entry = file.tree.entry(value, "artifacts")?;
    let is_plain = |id: NodeId| {
        let node = file.tree.node(id);
        node.anchor.is_none() && !matches!(node.kind, NodeKind::Alias { .. })
    };
    let within = file.tree.nodes().map(|(id, _)| id).filter(|id| file.tree.is_within(*id, entry.value));
    within.into_iter().all(is_plain).then_some((file, entry.key, entry.value))
}

/// The list and the place in it of the script item that holds the build command and nothing else.
pub(super) fn script_item<'a>(situation: &Situation<'a>) -> Option<(&'a PipelineFile, NodeId, usize)> {
    let command = &situation.build().command;
    let item = situation.handoff.script.items.get(command.item)?;
    let file = situation.pipeline.file(item.origin.file)?;
    let list = file.tree.parent(item.origin.node)?;
    let place = file.tree.node(list).items().iter().position(|node| *node == item.origin.node)?;
    situation.is_consumers_own(item.origin).then_some((file, list, place))
}

/// Whether a line behind its item runs behind the build.
fn is_item(command: &BuildCommand) -> bool {
    command.turns.is_empty() && command.caller.is_none()
}

/// The name of the stage that holds the files and nothing else.
pub(super) fn stage_name(situation: &Situation<'_>) -> String {
    let taken: Vec<_> = situation.build().stages.taken_names().collect();
    let names = ["handoff", "handoff-ci", "handoff-stagefold"];
    let is_free = |name: &&&str| **name != situation.stage && !taken.iter().any(|taken| taken == **name);
    (*names.iter().find(is_free).unwrap_or(&"handoff-of-stagefold")).to_owned()
}

/// The stage that holds the files and nothing else, at the places where the build job had them.
pub(super) fn stage(situation: &Situation<'_>) -> String {
    let copy = |pattern: &PathPattern| {
        let path = pattern.copied().unwrap_or(&pattern.text);
        let target = match (path.contains(['*', '?']), path.rsplit_once('/')) {
            (true, Some((parent, _))) => format!("/{parent}/"),
            (true, None) => "/".to_owned(),
            (false, _) => format!("/{path}"),
        };
        format!("COPY --from={} {} {target}", situation.stage, situation.in_builder(path))
    };
    let artifacts = situation.producer.artifacts();
    let copies = artifacts.paths.iter().map(copy);
    let lines = std::iter::once(format!("FROM scratch AS {}", stage_name(situation))).chain(copies);
    lines.collect::<Vec<_>>().join("\n")
}

/// The command that takes the files out of that stage into the project's folder.
pub(super) fn command(situation: &Situation<'_>) -> Option<String> {
    let command = situation.command();
    let name = stage_name(situation);
    let options = situation.options_to_add().into_iter().chain(["--output .".to_owned()]);
    command.of_stage(&name, &options.collect::<Vec<_>>())
}
