//! BuildKit without root takes the place of kaniko, which is not developed any more (GitLab docs: ci/docker/using_buildkit,
//! "Migrate from Kaniko to BuildKit").
//!
//! ```yaml
//! image:
//!   name: gcr.io/kaniko-project/executor:debug
//!   entrypoint: [""]
//! script:
//!   - /kaniko/executor --context $CI_PROJECT_DIR --destination $CI_REGISTRY_IMAGE:latest
//! ```
//! becomes
//! ```yaml
//! image:
//!   name: moby/buildkit:v0.25.0-rootless
//!   entrypoint: [""]
//! variables:
//!   BUILDKITD_FLAGS: --oci-worker-no-process-sandbox
//! script:
//!   - buildctl-daemonless.sh build --frontend dockerfile.v0 --local context=$CI_PROJECT_DIR --local dockerfile=$CI_PROJECT_DIR --output type=image,name=$CI_REGISTRY_IMAGE:latest,push=true
//! ```
//! It needs no privileged container, but system calls that not every runner allows.

mod command;
mod dockerfile;
mod login;

use super::exposure::secret_in_layers;
use super::{Edit, Proposal, Subject, Target};
use crate::docker::{BuildCommand, Builder, ImageName, Step, StepWord, build_commands};
use crate::finding::Code;
use crate::gitlab::{Job, Value};
use crate::syntax::shell::Nesting;

/// The image that is written: the release of BuildKit that is in Docker 28.5.
const IMAGE: &str = "moby/buildkit:v0.25.0-rootless";

/// What lets the build run in a container without rights of its own (BuildKit docs: `docs/rootless.md`).
const FLAGS: (&str, &str) = ("BUILDKITD_FLAGS", "--oci-worker-no-process-sandbox");

pub(super) fn by_buildkit(subject: &Subject<'_>) -> Vec<Proposal> {
    let commands = build_commands(&subject.script.walk).0;
    let Some(command) = commands.iter().find(|command| command.builder == Builder::Kaniko) else {
        return Vec::new();
    };
    let message = "kaniko is not developed any more";
    let at = Target::Item(command.item);
    let written = match commands.as_slice() {
        [command] => edits(subject, command),
        _ => Err("the job builds more than once".to_owned()),
    };
    let proposal = match written {
        Ok(edits) => Proposal {
            at,
            edits,
            code: Code::KanikoReplaced,
            message: format!(
                "{message}; rootless BuildKit takes its place, and the runner must allow user namespaces, which no file here tells"
            ),
            help: Some(
                "runners of GitLab.com do; another needs 'security_opt = [\"seccomp:unconfined\", \"apparmor:unconfined\"]' in \
                 [runners.docker]"
                    .to_owned(),
            ),
        },
        Err(why) => Proposal::left(
            at,
            format!("{message}, and is left: {why}"),
            "GitLab names Docker, Buildah, Podman and rootless BuildKit in its place",
        ),
    };
    vec![proposal]
}

fn edits(subject: &Subject<'_>, command: &BuildCommand) -> Result<Vec<Edit>, String> {
    let job = subject.job;
    let step = subject.script.walk.steps.get(command.step).ok_or("it is not clear when it runs")?;
    let is_plain = |nesting: &Nesting| matches!(nesting, Nesting::Group | Nesting::And | Nesting::Tested);
    if !command.turns.is_empty() || command.caller.is_some() || !step.place.nesting.iter().all(is_plain) {
        return Err("the build may run once, several times or not at all".to_owned());
    }
    if !subject.script.walk.opaque.is_empty() {
        return Err("a part of the script cannot be read".to_owned());
    }
    if !step.redirections.is_empty() || !step.environment.is_empty() {
        return Err("it is called with variables or redirections of its own".to_owned());
    }
    let dockerfile = dockerfile::found(subject.all.repository, command).ok_or("its Dockerfile is not known")?;
    dockerfile::means_the_same(subject.all.repository, command, &dockerfile)?;
    if !job.services().is_empty() {
        return Err("its build may talk to the services of the job".to_owned());
    }
    let mut edits = vec![image(job)?];
    for name in [FLAGS.0, "DOCKER_CONFIG"] {
        if job.variables.get(name).is_some() {
            return Err(format!("the job sets {name}"));
        }
    }
    edits.push(Edit::Variable(None, FLAGS.0, FLAGS.1));
    edits.extend(login::moved(subject, command)?);
    if command.has_option("--cache") && !subject.all.policy.accepted.contains(&Code::BuilderLayersInRegistry) {
        return Err(format!(
            "BuildKit's cache holds the sources as well, which kaniko's does not, so '--accept {}' is needed too",
            Code::BuilderLayersInRegistry
        ));
    }
    if command.has_option("--cache")
        && let Some(why) = secret_in_layers(subject, command)
    {
        return Err(format!("BuildKit's cache holds all layers, and {why}"));
    }
    let new = command::written(subject.text(command.item), step, command, &dockerfile)?;
    edits.push(Edit::Text(command.item, command.span, new));
    Ok(edits)
}

/// The image of kaniko's project becomes that of BuildKit. Both are shells for the job only without their entrypoint.
fn image(job: &Job) -> Result<Edit, String> {
    let image = job.get("image").ok_or("the job names no image")?;
    let name = image.get("name").ok_or("the image is named without 'entrypoint: [\"\"]'")?;
    let text = name.text().unwrap_or_default();
    let known = ImageName::new(&text);
    let is_kanikos = known.registry == Some("gcr.io") && known.path == "kaniko-project/executor";
    if !is_kanikos || text.contains(['$', '@']) {
        return Err(format!("{text} is not the image of kaniko's own project"));
    }
    let entrypoint = image.get("entrypoint").map(Value::one_or_many).unwrap_or_default();
    let is_none = matches!(entrypoint, [word] if word.text().as_deref() == Some(""));
    let others = image
        .mapping()
        .is_some_and(|mapping| mapping.fields().iter().any(|field| !matches!(&*field.key, "entrypoint" | "name")));
    if !is_none || others {
        return Err("the image has other settings than 'entrypoint: [\"\"]'".to_owned());
    }
    Ok(Edit::Scalar(name.origin, text.to_string(), IMAGE.to_owned()))
}

/// The words of a step that runs `name`.
fn words_of<'a>(step: &'a Step, name: &str) -> Option<&'a [StepWord]> {
    step.words.get(1..).filter(|_| step.program() == Some(name))
}
