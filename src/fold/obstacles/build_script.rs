//! The script of the build job must be one that a docker build can run.

use crate::finding::{Code, Finding, Location};
use crate::fold::environment::UnknownVariable;
use crate::fold::situation::Situation;
use crate::gitlab::VariableKind;
use crate::syntax::shell::Script;

/// Programs whose outputs hold the path of the project's folder, so that they differ in another folder.
const EMBEDDING: [(&str, &str); 6] = [
    ("cmake", "CMake writes absolute paths"),
    ("cargo", "rustc writes absolute paths into what it builds"),
    ("go", "Go writes absolute paths into binaries, unless it is given -trimpath"),
    ("gcc", "the compiler writes absolute paths"),
    ("python -m venv", "a virtual environment holds absolute paths"),
    ("virtualenv", "a virtual environment holds absolute paths"),
];

/// Files that hold absolute paths whoever makes them.
const EMBEDDED: [(&str, &str); 2] = [
    (".next", "Next.js writes the project's folder into its server files"),
    (".venv", "a virtual environment holds absolute paths"),
];

pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let script = &situation.producer_script;
    if script.items.iter().all(|item| item.text.is_none()) {
        let message = format!("'{}' has no script that could move", situation.producer.name);
        return vec![Finding::new(
            Code::BuildScriptUnreadable,
            situation.pipeline.job_location(situation.producer),
            message,
        )];
    }
    let opaque = script.walk.opaque.iter().map(|(item, message)| {
        let location =
            script.item_location(situation.pipeline, *item).unwrap_or_else(|| situation.producer_location("script"));
        Finding::new(
            Code::BuildScriptUnreadable,
            location,
            format!("this part of the build script cannot be read: {message}"),
        )
        .with_help("write it in the syntax of a POSIX shell, each item a whole command")
    });
    let unknown = situation.environment.unknown.iter().map(|variable| unknown_variable(situation, variable));
    opaque.chain(unknown).chain(dynamic(situation)).chain(commands(situation)).chain(embedded(situation)).collect()
}

fn unknown_variable(situation: &Situation<'_>, variable: &UnknownVariable) -> Finding {
    let location = variable.location.clone().unwrap_or_else(|| situation.producer_location("script"));
    let name = &variable.name;
    match variable.kind {
        VariableKind::Predefined | VariableKind::OfTheJob | VariableKind::Legacy => {
            let message = if situation.producer.variables.is_conditional(name) {
                format!("the build may read {name}, to which a rule gives another value in some pipelines")
            } else if situation.producer.variables.get(name).is_some() {
                format!(
                    "the build may read {name}, whose value depends on variables that a docker build does not have, or has several lines"
                )
            } else {
                format!("the build reads {name}, which GitLab sets for the job and a docker build does not have")
            };
            Finding::new(Code::CiVariableInBuildScript, location, message)
                .with_help("give it to the image in another way, such as a label or a build argument")
        }
        VariableKind::Secret | VariableKind::Shell => {
            let message = format!(
                "the build reads {name}, which may be a secret: by its name, or because the pipeline does not define it"
            );
            Finding::new(Code::SecretInBuildScript, location, message)
                .with_help("if it is no secret, give it a value under 'variables:'")
        }
    }
}

/// A script that looks variables up by a name it makes may read any of them.
fn dynamic(situation: &Situation<'_>) -> Vec<Finding> {
    let script = &situation.producer_script;
    let found = script.items.iter().enumerate().filter_map(|(index, item)| {
        let parsed = Script::parse(item.text.as_deref()?);
        let span = *parsed.dynamic_variable_access().first()?;
        script.location(situation.pipeline, index, span)
    });
    let finding = |location: Location| {
        let message = "this may read any variable of the job, secrets among them";
        Finding::new(Code::SecretInBuildScript, location, message).with_help("name the variables that the build reads")
    };
    found.map(finding).collect()
}

/// Commands that cannot run in a docker build, or not with the same result.
fn commands(situation: &Situation<'_>) -> Vec<Finding> {
    let script = &situation.producer_script;
    let found = script.walk.steps.iter().filter_map(|step| {
        let program = step.program()?.rsplit('/').next()?;
        let reason = match program {
            "docker" | "docker-compose" | "podman" | "buildah" => "it needs a container engine",
            "git" => "it reads the clone, whose depth and remote are the job's own",
            "systemctl" | "service" => "it needs a running system",
            "gitlab-runner" | "release-cli" | "glab" => "it talks to GitLab as the job",
            "kubectl" | "helm" | "ssh" | "scp" | "rsync" => {
                "it reaches out to other machines, and a cached layer would not"
            }
            _ => return None,
        };
        let location = script.step_location(situation.pipeline, step)?;
        let message = format!("{program} cannot move into a Dockerfile: {reason}");
        let finding = Finding::new(Code::CommandNotForBuild, location, message);
        Some(finding.with_help("move the command to another job, or leave the build job as it is"))
    });
    found.collect()
}

/// Outputs that hold the path of the folder they were built in are other bytes in another folder.
fn embedded(situation: &Situation<'_>) -> Vec<Finding> {
    let script = &situation.producer_script;
    let by_program = script.walk.steps.iter().filter_map(|step| {
        let words: Vec<_> = step.words.iter().filter_map(|word| word.text()).collect();
        let line = words.join(" ");
        let (_, reason) =
            EMBEDDING.iter().find(|(program, _)| line == *program || line.starts_with(&format!("{program} ")))?;
        let is_trimmed = words.contains(&"-trimpath")
            || matches!(words.get(1), Some(&("version" | "env" | "mod" | "get" | "vet" | "test")));
        let location = script.step_location(situation.pipeline, step).filter(|_| !is_trimmed)?;
        Some((location, *reason))
    });
    let by_path = situation.used_patterns().into_iter().filter_map(|pattern| {
        let (_, reason) = EMBEDDED.iter().find(|(path, _)| pattern.text.split('/').any(|part| part == *path))?;
        Some((situation.pipeline.location(pattern.origin), *reason))
    });
    let finding = |(location, reason): (Location, &str)| {
        let message =
            format!("{reason}, and the builder stage works in {} instead of the runner's folder", situation.folder);
        Finding::new(Code::PathEmbeddedInOutput, location, message)
            .with_help("if the path does not matter to the program, accept it with '--accept path-embedded-in-output'")
    };
    by_program.chain(by_path).map(finding).collect()
}
