//! The image of the build job becomes the base of the builder stage.

use crate::docker::{ImageName, Step, StepWord};
use crate::finding::{Code, Finding, Location};
use crate::fold::collected;
use crate::fold::run_lines::{Shell, shell_construct};
use crate::fold::situation::Situation;
use crate::fold::unpacked;
use crate::gitlab::{Field, Image, Value, VariableKind, kind_of_variable, names_in};
use crate::syntax::shell::Script;

/// Says what stands in the way of a stage in the value of a key.
type Look = fn(&Value) -> Option<String>;

/// Every key of `image:` (GitLab docs: ci/yaml#image), sorted.
pub(super) const KEYS: [(&str, Look); 5] = [
    ("docker", |value| of_executor("docker", value)),
    ("entrypoint", entrypoint),
    ("kubernetes", |value| of_executor("kubernetes", value)),
    ("name", |_| None),
    ("pull_policy", pull_policy),
];

pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let Some(image) = &situation.image else {
        let message =
            format!("'{}' names no image, so the runner chooses one that is not known here", situation.producer.name);
        let location = situation.pipeline.job_location(situation.producer);
        return vec![Finding::new(Code::BuildImageUnknown, location, message).with_help("name the image in the job")];
    };
    let Some(name) = &image.name else {
        return vec![unknown(situation, image)];
    };
    let parsed = ImageName::new(name);
    unsuitable(situation, image, &parsed)
        .into_iter()
        .chain(shell(situation, image))
        .chain(private(situation, image, &parsed))
        .chain(fixed(situation, image, name))
        .chain(not_root(situation, image))
        .collect()
}

/// What a stage cannot do as somebody other than root.
fn not_root(situation: &Situation<'_>, image: &Image) -> Option<Finding> {
    let user = situation.user.as_ref()?;
    let reasons = [
        (situation.passed().any(|passed| passed.is_secret()), "a secret that is mounted is root's"),
        (situation.build().command.builder.keeps_owners_of_context(), "the builder keeps owners in every copy"),
        (!collected::globs(situation).is_empty(), "only root collects files in a folder of its own"),
        (!unpacked::archives(situation.handoff).is_empty(), "only root unpacks an archive with its owners"),
    ];
    let (_, reason) = reasons.into_iter().find(|(holds, _)| *holds)?;
    let message = format!("{} runs as {user}, and {reason}", image.written);
    let finding = Finding::new(Code::BuildImageUnsuitable, situation.value_location(&image.value), message);
    Some(finding.with_help("build in an image that runs the script as root, or name root as the user of the image"))
}

/// Whether `USER` and `--chown` take it as it stands.
fn is_user(value: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    !value.is_empty() && !value.starts_with('-') && value.bytes().all(is_plain)
}

/// A name that only the pipeline tells when it runs.
fn unknown(situation: &Situation<'_>, image: &Image) -> Finding {
    let names = names_to_pass(situation, image);
    let is_of_gitlab = |name: &&String| kind_of_variable(name) == VariableKind::Predefined;
    let of_gitlab: Vec<_> = names.iter().filter(is_of_gitlab).map(String::as_str).collect();
    let (what, help) = if of_gitlab.is_empty() {
        (
            "a variable that is not known here".to_owned(),
            "name the image in the job, or give the variable a value in the pipeline",
        )
    } else {
        let names = of_gitlab.join(" and ");
        (
            format!("{names}, which GitLab sets when the pipeline runs"),
            "name the image in the job without GitLab's variables, or write the builder stage by hand with a build argument",
        )
    };
    let message = format!("the image {} depends on {what}", image.written);
    Finding::new(Code::BuildImageUnknown, situation.value_location(&image.value), message).with_help(help)
}

/// The variables in the name of the build image that the build would have to pass as arguments, for the YAML does not
/// define them.
fn names_to_pass(situation: &Situation<'_>, image: &Image) -> Vec<String> {
    let is_open = |name: &&str| situation.producer.variables.value(name).is_none();
    names_in(&image.written).into_iter().filter(is_open).map(str::to_owned).collect()
}

/// The value that the pipeline gives is written down; one that comes from elsewhere chooses nothing any more.
fn fixed(situation: &Situation<'_>, image: &Image, name: &str) -> Option<Finding> {
    let variables = names_in(&image.written);
    if variables.is_empty() {
        return None;
    }
    let message = format!(
        "the builder stage is made from {name}; another value of {} in a manual run or in the project would not change that",
        variables.join(" and ")
    );
    let finding = Finding::new(Code::BuildImageFixed, situation.value_location(&image.value), message);
    Some(finding)
}

fn unsuitable(situation: &Situation<'_>, image: &Image, name: &ImageName<'_>) -> Option<Finding> {
    let (key, what) = key_in_the_way(image)
        .or_else(|| shell_replaced(situation, image))
        .or_else(|| Some((None, name_in_the_way(image, name)?)))?;
    let place = key.and_then(|key| image.value.mapping()?.field(&key)).map(|field| field.key_origin);
    let location =
        place.map_or_else(|| situation.value_location(&image.value), |origin| situation.pipeline.location(origin));
    let finding = Finding::new(Code::BuildImageUnsuitable, location, format!("{}: {what}", image.written));
    Some(finding.with_help("build in an image that runs the script as root and as it is, such as the official one"))
}

/// The first key of `image:` that a stage cannot have, and why.
fn key_in_the_way(image: &Image) -> Option<(Option<String>, String)> {
    let fields = image.value.mapping()?.fields().iter();
    let mut found = fields.filter_map(|field| Some((Some(field.key.to_string()), of_key(&field.key, &field.value)?)));
    found.next()
}

fn of_key(key: &str, value: &Value) -> Option<String> {
    match KEYS.iter().find(|(name, _)| *name == key) {
        Some((_, look)) => look(value),
        None => Some(format!("'image:{key}' is not known here")),
    }
}

fn entrypoint(value: &Value) -> Option<String> {
    let what = "'image:entrypoint' runs a program of its own before the script";
    (!is_empty_entrypoint(value) && !is_env(value) && !is_shell_with_command(value)).then(|| what.to_owned())
}

/// A script in which the shell matters, and that `entrypoint` hands to `sh` whatever the image has.
fn shell_replaced(situation: &Situation<'_>, image: &Image) -> Option<(Option<String>, String)> {
    let entrypoint = image.value.mapping()?.get("entrypoint")?;
    let matters = is_shell_with_command(entrypoint) && situation.script.shell() != Shell::Any;
    let what =
        "'image:entrypoint' has 'sh' run the script even where the image has bash, and the script may tell them apart";
    matters.then(|| (Some("entrypoint".to_owned()), what.to_owned()))
}

/// `env` runs the program that its arguments name, as if it were not there: the runner's `sh -c '...'`.
fn is_env(entrypoint: &Value) -> bool {
    matches!(&*words(entrypoint), [program] if program == "env" || program == "/usr/bin/env" || program == "/bin/env")
}

/// `sh -c` in front of the runner's `sh -c '...'` runs the command `sh`, to which the rest are mere parameters. That
/// `sh` reads its standard input, where the runner writes the script, so it runs as it is, by `sh` instead of bash
/// (GitLab Runner: `shells/bash.go`, `BashDetectShellScript`).
fn is_shell_with_command(entrypoint: &Value) -> bool {
    let is_shell = |program: &str| matches!(program.rsplit('/').next(), Some("sh" | "bash" | "ash" | "dash"));
    matches!(&*words(entrypoint), [program, flag] if is_shell(program) && flag == "-c")
}

fn words(entrypoint: &Value) -> Vec<String> {
    entrypoint.one_or_many().iter().filter_map(|word| word.text()).map(|word| word.to_string()).collect()
}

/// Several policies are tried one after the other (GitLab docs: ci/yaml#imagepull_policy).
fn pull_policy(value: &Value) -> Option<String> {
    let is_never_pulled = value.one_or_many().iter().all(|policy| policy.text().as_deref() == Some("never"));
    is_never_pulled.then(|| "the image is only on the runner, and a docker build has to pull it".to_owned())
}

/// Options of one executor (GitLab docs: ci/yaml#imagedocker, #imagekubernetes).
fn of_executor(executor: &str, value: &Value) -> Option<String> {
    value.mapping()?.fields().iter().find_map(|field| option(executor, field))
}

fn option(executor: &str, field: &Field) -> Option<String> {
    let value = field.value.text().unwrap_or_default();
    match &*field.key {
        "user" if is_user(&value) => None,
        "user" => Some(format!("'image:{executor}:user' is {value}, which is no plain name or number")),
        "platform" => {
            Some(format!("'image:{executor}:platform' is {value}, and the stage is built for that of the engine"))
        }
        key => Some(format!("'image:{executor}:{key}' changes how the build job runs")),
    }
}

fn name_in_the_way(image: &Image, name: &ImageName<'_>) -> Option<String> {
    let what = if name.is_windows() {
        "the image is one for Windows"
    } else if name.tag.is_some_and(|tag| tag.contains("onbuild")) {
        "the image has ONBUILD instructions, which a runner does not run and a build does"
    } else if name.is_known_not_root() && image.user().is_none() && name.default_user().is_none() {
        "the image does not run as root, and it is not known as whom"
    } else {
        return None;
    };
    Some(what.to_owned())
}

/// `entrypoint: [""]` takes the image's own away, which `RUN` does as well.
fn is_empty_entrypoint(entrypoint: &Value) -> bool {
    entrypoint
        .one_or_many()
        .iter()
        .all(|word| word.text().is_some_and(|text| text.is_empty() || &*text == "/bin/sh" || &*text == "/bin/bash"))
}

/// The runner takes bash where the image has it; where the script depends on that, it must be known.
fn shell(situation: &Situation<'_>, image: &Image) -> Option<Finding> {
    if situation.script.shell() != Shell::Unknown {
        return None;
    }
    let script = &situation.producer_script;
    let construct = script.items.iter().enumerate().find_map(|(index, item)| {
        let (span, what) = shell_construct(&Script::parse(item.text.as_deref()?))?;
        Some((script.location(situation.pipeline, index, span)?, what))
    });
    let (place, what) = construct.unwrap_or_else(|| (situation.producer_location("script"), "the script"));
    let message = format!(
        "the script runs differently where the shell is not bash, and it is not known whether {} has it",
        image.written
    );
    let finding = Finding::new(Code::ShellUnknown, situation.value_location(&image.value), message)
        .with_related(place, what)
        .with_help("use an official image, or write this in plain commands");
    Some(finding)
}

/// The runner logs in to its registries by itself, a docker build only after `docker login`.
fn private(situation: &Situation<'_>, image: &Image, name: &ImageName<'_>) -> Option<Finding> {
    let registry = name.registry.filter(|_| name.may_need_login())?;
    let location = situation.value_location(&image.value);
    let finding = match login(situation, registry) {
        Some(place) => {
            let message = format!("{registry} may ask for a login, and the one of the image job must be good for it");
            Finding::new(Code::BuildImagePrivate, location, message)
                .with_related(place, "the image job logs in here")
                .with_help("see that the user of this login may pull the image")
        }
        None => {
            let message = format!("{registry} may ask for a login, and the image job does not log in before it builds");
            Finding::new(Code::BuildImageLoginMissing, location, message)
                .with_related(situation.command_location(), "the build pulls it here")
                .with_help(format!(
                    "log in to {registry} in the image job; if anybody may pull from it, pass \
                     --accept build-image-login-missing"
                ))
        }
    };
    Some(finding)
}

/// Where the image job logs in to `registry` before it builds.
fn login(situation: &Situation<'_>, registry: &str) -> Option<Location> {
    let script = &situation.handoff.script;
    let steps = script.walk.steps.iter().take(situation.build().command.step);
    let mut logins = steps.filter(|step| logs_in(step, registry) || writes_login(step, registry));
    logins.next().and_then(|step| script.step_location(situation.pipeline, step))
}

/// Whether a step is `docker login REGISTRY`, by whichever program of that kind.
fn logs_in(step: &Step, registry: &str) -> bool {
    let is_known = matches!(step.program(), Some("docker" | "podman" | "buildah" | "nerdctl"));
    is_known
        && step.words.get(1).and_then(StepWord::text) == Some("login")
        && step.words.iter().skip(2).any(|word| is_registry(word, registry))
}

/// Whether a step writes the registry into the file that a login would write (Docker CLI reference: `docker login`).
fn writes_login(step: &Step, registry: &str) -> bool {
    let is_file = |word: &StepWord| word.raw.trim_matches('"').ends_with(".docker/config.json");
    let names_registry = |word: &StepWord| {
        let is_of_gitlab = word.raw.contains("$CI_REGISTRY") || word.raw.contains("${CI_REGISTRY}");
        word.raw.contains(registry) || is_of_gitlab && may_be_of_gitlab(registry)
    };
    step.redirections.iter().any(|(target, writes)| *writes && is_file(target)) && step.words.iter().any(names_registry)
}

/// Whether a word is the registry: by its name, or as GitLab's own, which has a name of its own on each server.
fn is_registry(word: &StepWord, registry: &str) -> bool {
    let host = |text: &str| {
        let text = text.trim_start_matches("https://").trim_start_matches("http://");
        text.split('/').next().unwrap_or_default().to_owned()
    };
    let is_of_gitlab = matches!(word.raw.trim_matches('"'), "$CI_REGISTRY" | "${CI_REGISTRY}");
    word.text().map(host).as_deref() == Some(registry) || is_of_gitlab && may_be_of_gitlab(registry)
}

/// Whether a registry may be the one of a GitLab server, by its name or one of the ports that its documentation uses.
fn may_be_of_gitlab(registry: &str) -> bool {
    let has_port = [":5050", ":5005", ":4567"].iter().any(|port| registry.ends_with(port));
    registry.starts_with("registry.") || registry.contains("gitlab") || has_port
}
