//! Layers outlive the engine that made them, those of the builder stage included (GitLab docs:
//! ci/docker/docker_layer_caching).
//!
//! With BuildKit they go into a registry cache. Where that cannot be, and the job takes its cache from an image already, the
//! builder stage gets an image of its own beside it.

mod registry;
mod stage_image;

use super::exposure::secret_in_layers;
use super::{Proposal, Subject, Target};
use crate::docker::{BuildCommand, Builder, Engine, ImageName, Step, StepWord, build_commands};
use crate::finding::Code;
use crate::gitlab::Value;
use crate::syntax::shell::Nesting;

/// The first release whose client builds with BuildKit by itself (Docker Engine release notes, 23.0).
const FIRST_WITH_BUILDKIT: (u32, u32) = (23, 0);

/// How often a variable may lead to another one.
const MOST_LEVELS: usize = 4;

/// What becomes of the layers, and what the user must know of it.
struct Kept {
    edits: Vec<super::Edit>,
    message: String,
}

pub(super) fn in_registry(subject: &Subject<'_>) -> Vec<Proposal> {
    let commands = build_commands(&subject.script.walk).0;
    let is_docker = |command: &&BuildCommand| matches!(command.builder, Builder::Docker | Builder::Buildx);
    let Some(command) = commands.iter().find(is_docker).filter(|command| !has_lasting_cache(command)) else {
        return Vec::new();
    };
    // An engine that is not started for the job alone keeps its layers, and a check pushes none.
    let is_image_job = subject.all.handoffs.iter().any(|(handoff, _)| *handoff.consumer == *subject.job.name);
    if !starts_engine(subject) || !is_image_job {
        return Vec::new();
    }
    let at = Target::Item(command.item);
    let kept = match commands.as_slice() {
        [command] => kept(subject, command),
        _ => Err("the job builds more than once".to_owned()),
    };
    let proposal = match kept {
        Ok(Kept { edits, message }) => Proposal {
            at,
            edits,
            code: Code::BuilderLayersInRegistry,
            message,
            help: Some(
                "whoever may pull from there sees the sources and every build argument, so no secret may be one"
                    .to_owned(),
            ),
        },
        Err(why) => Proposal::left(
            at,
            format!(
                "the layers of the builder stage are lost with the engine of this job, and no cache is written: {why}"
            ),
            "mend that and run stagefold again, or build by a 'docker-container' builder with \
             '--cache-to type=registry,ref=…,mode=max'",
        ),
    };
    vec![proposal]
}

fn has_lasting_cache(command: &BuildCommand) -> bool {
    let of_type = |value: &Option<String>| value.as_deref().is_some_and(|value| value.contains("type="));
    command.options.iter().any(|(name, value)| name == "--cache-to" || name == "--cache-from" && of_type(value))
}

/// Whether one of the services is a Docker Engine of the job's own.
fn starts_engine(subject: &Subject<'_>) -> bool {
    subject.job.services().iter().any(|(name, _)| ImageName::new(name).is_engine())
}

fn kept(subject: &Subject<'_>, command: &BuildCommand) -> Result<Kept, String> {
    is_plain(subject, command)?;
    if let Some(why) = secret_in_layers(subject, command) {
        return Err(why);
    }
    match registry::cache(subject, command) {
        Err(_) if stage_image::cached_from(command).is_some() => stage_image::beside(subject, command),
        found => found,
    }
}

/// Whether the build runs once, always, and in words of its own, behind a login and in front of a push.
fn is_plain(subject: &Subject<'_>, command: &BuildCommand) -> Result<(), String> {
    let step = subject.script.walk.steps.get(command.step).ok_or("it is not clear when it runs")?;
    if !always_runs(step) || command.caller.is_some() || !command.turns.is_empty() {
        return Err("the build may run once, several times or not at all".to_owned());
    }
    let scripts = subject.script.items.iter().filter_map(|item| item.text.as_deref());
    if scripts.clone().any(|text| ["DOCKER_HOST=", "DOCKER_CONTEXT", "BUILDX_"].iter().any(|name| text.contains(name)))
    {
        return Err("the script chooses the engine or the builder by itself".to_owned());
    }
    if !subject.script.walk.opaque.is_empty() {
        return Err("a part of the script cannot be read".to_owned());
    }
    Ok(())
}

/// Whether a step runs in every run of the script that gets there.
fn always_runs(step: &Step) -> bool {
    use Nesting::{And, Group, Pipeline, Tested};
    let is_plain = |nesting: &Nesting| matches!(nesting, And | Group | Pipeline | Tested);
    step.place.nesting.iter().all(is_plain) && step.turns.is_empty()
}

/// Whether the engine builds with BuildKit; `None` where it cannot be told.
fn builds_by_buildkit(subject: &Subject<'_>, command: &BuildCommand) -> Option<bool> {
    let mut scripts = subject.script.items.iter().filter_map(|item| item.text.as_deref());
    let own = command.environment.iter().find(|(name, _)| name == "DOCKER_BUILDKIT").map(|(_, value)| value.clone());
    let of_job =
        || subject.job.variables.get("DOCKER_BUILDKIT").map(|_| subject.job.variables.value("DOCKER_BUILDKIT"));
    if own.is_none() && scripts.any(|text| text.contains("DOCKER_BUILDKIT")) {
        return None;
    }
    match own.or_else(of_job) {
        Some(value) => Some(!matches!(value?.as_str(), "0" | "false")),
        None if command.builder == Builder::Buildx => Some(true),
        None => Some(client(subject)?.is_none_or(|version| version >= FIRST_WITH_BUILDKIT)),
    }
}

/// The release of Docker's own client image, `None` within for a tag that moves; `None` where the job runs in another image.
fn client(subject: &Subject<'_>) -> Option<Option<(u32, u32)>> {
    let image = subject.job.image()?;
    let name = image.name.filter(|_| image.value.get("entrypoint").is_none())?;
    let is_dockers = ImageName::new(&name).is_official() && ImageName::new(&name).name == "docker";
    is_dockers.then(|| Engine::of_images([name.as_str()]).version)
}

/// Whether a service of the job is started in another way than its image says.
fn has_own_engine_settings(subject: &Subject<'_>) -> bool {
    let services = subject.job.get("services").map(Value::one_or_many).unwrap_or_default();
    services.iter().any(|service| ["command", "entrypoint", "variables"].iter().any(|key| service.get(key).is_some()))
}

/// The steps that run `docker NAME …`, with their number and the words behind the name.
fn docker_steps<'a>(
    subject: &'a Subject<'_>,
    name: &'a str,
) -> impl Iterator<Item = (usize, &'a Step, &'a [StepWord])> {
    let steps = subject.script.walk.steps.iter().enumerate();
    steps.filter_map(move |(at, step)| {
        let is_meant = step.program() == Some("docker") && step.words.get(1).and_then(StepWord::text) == Some(name);
        Some((at, step, step.words.get(2..)?)).filter(|_| is_meant)
    })
}

/// The name of an image and its tag: `"$A/b:c"` is `$A/b` and `c`. A variable of the YAML at its beginning stands for its value.
fn name_and_tag(subject: &Subject<'_>, word: &str) -> Option<(String, Option<String>)> {
    let mut text = word.trim_matches('"').to_owned();
    for _ in 0..MOST_LEVELS {
        let Some((name, rest)) = leading_variable(&text) else { break };
        let Some((value, _)) = subject.job.variables.get(name) else { break };
        text = format!("{value}{rest}");
    }
    let (name, tag) = split(&text)?;
    Some((name.to_owned(), tag.map(str::to_owned)))
}

/// The name of an image as the word writes it, where that ends in a tag; else what it comes to.
fn written_name(subject: &Subject<'_>, word: &str) -> Option<String> {
    match split(word.trim_matches('"'))? {
        (name, Some(_)) => Some(name.to_owned()),
        _ => Some(name_and_tag(subject, word)?.0),
    }
}

/// The variable that a text begins with, and what stands behind it.
fn leading_variable(text: &str) -> Option<(&str, &str)> {
    if let Some(rest) = text.strip_prefix("${") {
        return rest.split_once('}');
    }
    let rest = text.strip_prefix('$')?;
    let end = rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    Some((rest.get(..end)?, rest.get(end..)?))
}

fn split(text: &str) -> Option<(&str, Option<&str>)> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"$_{}-./:".contains(&byte);
    if text.is_empty() || !text.bytes().all(is_plain) || text.contains(":-") {
        return None;
    }
    let start = text.rfind('/').map_or(0, |at| at + 1);
    match text.get(start..)?.find(':') {
        Some(at) => Some((text.get(..start + at)?, text.get(start + at + 1..))),
        None => Some((text, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::{leading_variable, split};

    #[test]
    fn a_tag_stands_behind_the_last_part_of_a_name() {
        assert_eq!(split("localhost:5000/a:b"), Some(("localhost:5000/a", Some("b"))));
        assert_eq!(split("localhost:5000/a"), Some(("localhost:5000/a", None)));
        assert_eq!(split("$A:$B"), Some(("$A", Some("$B"))));
        assert_eq!(split("$(a)"), None);
        assert_eq!(split("${A:-b}"), None);
    }

    #[test]
    fn a_variable_ends_with_its_name() {
        assert_eq!(leading_variable("${A}/b"), Some(("A", "/b")));
        assert_eq!(leading_variable("$A_1:b"), Some(("A_1", ":b")));
        assert_eq!(leading_variable("a$B"), None);
    }
}
