//! Layers go into a registry cache and come out of it (GitLab docs: ci/docker/docker_layer_caching, "Use registry caching").
//!
//! ```yaml
//! - docker build -t $CI_REGISTRY_IMAGE:latest .
//! - docker push $CI_REGISTRY_IMAGE:latest
//! ```
//! becomes
//! ```yaml
//! - docker context create ci-builder
//! - docker buildx create --use --driver docker-container ci-builder
//! - docker buildx build --load --cache-from type=registry,ref=$CI_REGISTRY_IMAGE/cache --cache-to type=registry,ref=$CI_REGISTRY_IMAGE/cache,mode=max -t $CI_REGISTRY_IMAGE:latest .
//! - docker push $CI_REGISTRY_IMAGE:latest
//! ```
//! `--load` puts the image where `docker push` looks for it. The context hands the certificates of the engine on.

use super::{
    FIRST_WITH_BUILDKIT, Kept, always_runs, builds_by_buildkit, client, docker_steps, has_own_engine_settings,
    leading_variable, name_and_tag, written_name,
};
use crate::docker::{BuildCommand, StepWord};
use crate::fold::modernize::{Edit, Subject};
use crate::text::Span;

/// Options that a builder of its own takes as the engine does.
const KNOWN: [&str; 15] = [
    "--build-arg",
    "--cache-from",
    "--file",
    "--force-rm",
    "--label",
    "--load",
    "--progress",
    "--provenance",
    "--pull",
    "--push",
    "--rm",
    "--secret",
    "--tag",
    "--target",
    "-f",
];

/// What may run in front of the build: nothing of it makes an image that only the engine has.
const HARMLESS: [&str; 7] = ["images", "info", "login", "logout", "pull", "version", "ps"];

/// The lines that make the builder.
const BUILDER: [&str; 2] =
    ["docker context create ci-builder", "docker buildx create --use --driver docker-container ci-builder"];

pub(super) fn cache(subject: &Subject<'_>, command: &BuildCommand) -> Result<Kept, String> {
    let has_buildx = client(subject).is_some_and(|client| client.is_none_or(|client| client >= FIRST_WITH_BUILDKIT));
    if !has_buildx || builds_by_buildkit(subject, command) != Some(true) {
        return Err("the client is not known to have buildx".to_owned());
    }
    // A service gets the variables of the job; a builder that the engine starts gets none.
    let is_proxy = |name: &str| name.to_ascii_uppercase().ends_with("_PROXY");
    if has_own_engine_settings(subject) || subject.job.variables.names().any(is_proxy) {
        return Err("the engine is started with settings that a builder of its own would not have".to_owned());
    }
    let is_known = |(name, _): &&(String, Option<String>)| KNOWN.contains(&name.as_str()) || name == "-t";
    if let Some((name, _)) = command.options.iter().find(|option| !is_known(option)) {
        return Err(format!("its option {name} may mean something else to a builder of its own"));
    }
    let steps = subject.script.walk.steps.iter().take(command.step);
    let is_harmless = |step: &&crate::docker::Step| {
        let name = step.words.get(1).and_then(StepWord::text);
        step.program() != Some("docker") || name.is_some_and(|name| HARMLESS.contains(&name))
    };
    if !steps.clone().all(|step| is_harmless(&step))
        || docker_steps(subject, "buildx").any(|(at, ..)| at != command.step)
    {
        return Err("other commands of the job may make images or builders".to_owned());
    }
    let name = registry_image(subject, command)?;
    let text = subject.text(command.item);
    let start = command.options_at.checked_sub(command.program.len());
    let program = start.map(|start| Span::new(start, command.options_at));
    let is_known_program =
        matches!(command.program.as_str(), "docker build" | "docker image build" | "docker buildx build");
    let program = program
        .filter(|span| is_known_program && text.get(span.start()..span.end()) == Some(command.program.as_str()))
        .ok_or("the command is not plain")?;
    let cache = format!("{name}/cache");
    let options = format!(
        "docker buildx build{} --cache-from type=registry,ref={cache} --cache-to type=registry,ref={cache},mode=max",
        result(command)
    );
    let mut edits: Vec<_> = BUILDER.iter().map(|line| Edit::Line(command.item, (*line).to_owned())).collect();
    edits.push(Edit::Text(command.item, program, options));
    let message = format!(
        "the layers of this build are lost with its engine; by a registry cache they last, and those of the builder stage go \
         to {cache} as well, from a builder whose image comes from Docker Hub"
    );
    Ok(Kept { edits, message })
}

/// What keeps the image as the engine would have made it: in the engine, or without the attestation that a builder of its
/// own pushes along.
fn result(command: &BuildCommand) -> &'static str {
    if command.has_option("--push") {
        return if command.has_option("--provenance") { "" } else { " --provenance=false" };
    }
    if command.has_option("--load") { "" } else { " --load" }
}

/// The name of the image, in the project's own registry, to which the job has logged in and pushes it.
fn registry_image(subject: &Subject<'_>, command: &BuildCommand) -> Result<String, String> {
    let is_own = |name: &str| {
        let rest = name.strip_prefix("$CI_REGISTRY_IMAGE").or_else(|| name.strip_prefix("${CI_REGISTRY_IMAGE}"));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let is_set = |name: &&&str| subject.job.variables.get(name).is_some() || is_assigned(subject, name);
    if let Some(name) = ["CI_REGISTRY_IMAGE", "CI_REGISTRY"].iter().find(is_set) {
        return Err(format!("{name} is set anew here"));
    }
    let mut tags =
        command.tags.iter().filter_map(|tag| Some((name_and_tag(subject, tag)?.0, written_name(subject, tag)?)));
    let (name, written) = tags.find(|(name, _)| is_own(name)).ok_or("the image is not called by $CI_REGISTRY_IMAGE")?;
    if let Some((variable, _)) = leading_variable(&written).filter(|(variable, _)| is_assigned(subject, variable)) {
        return Err(format!("{variable} is set anew here"));
    }
    let is_registry = |word: &StepWord| matches!(word.raw.trim_matches('"'), "$CI_REGISTRY" | "${CI_REGISTRY}");
    let mut logins = docker_steps(subject, "login").filter(|(at, step, _)| *at < command.step && always_runs(step));
    if !logins.any(|(.., words)| words.iter().any(is_registry)) {
        return Err("the job does not log in to $CI_REGISTRY in front of the build".to_owned());
    }
    let is_pushed = |word: &StepWord| name_and_tag(subject, &word.raw).is_some_and(|(pushed, _)| pushed == name);
    let mut pushes = docker_steps(subject, "push").filter(|(at, ..)| *at > command.step);
    if !command.has_option("--push") && !pushes.any(|(.., words)| words.iter().any(is_pushed)) {
        return Err(format!("the job does not push {name} behind the build"));
    }
    Ok(written)
}

/// Whether the script may give a variable another value.
fn is_assigned(subject: &Subject<'_>, name: &str) -> bool {
    let mut texts = subject.script.items.iter().filter_map(|item| item.text.as_deref());
    texts.any(|text| text.contains(&format!("{name}=")))
}
