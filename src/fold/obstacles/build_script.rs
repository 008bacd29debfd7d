//! The script of the build job must be one that a docker build can run.

use crate::finding::{Code, Finding, Location};
use crate::fold::environment::{RefusedReason, RefusedVariable};
use crate::fold::situation::Situation;
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
        return vec![
            Finding::new(Code::BuildScriptUnreadable, situation.pipeline.job_location(situation.producer), message)
                .with_help("give the job a script that makes the files, or leave the jobs as they are"),
        ];
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
    let refused = situation.environment.refused.iter().map(refused_variable);
    opaque.chain(refused).chain(dynamic(situation)).chain(commands(situation)).chain(embedded(situation)).collect()
}

fn refused_variable(variable: &RefusedVariable) -> Finding {
    let name = &variable.name;
    let (code, message, help) = match variable.reason {
        RefusedReason::OfTheJob => (
            Code::CiVariableInBuildScript,
            format!("the build reads {name}, which GitLab sets for this job and for the image job differently"),
            format!("take it out of the build, or pass the value of the image job with '--pass {name}=arg'"),
        ),
        RefusedReason::Unclear => (
            Code::CiVariableInBuildScript,
            format!(
                "the build may read {name}, whose value depends on what a docker build does not have, or has several lines"
            ),
            format!("set {name} for the whole pipeline, so that the image job has it too and can pass it on"),
        ),
        RefusedReason::SecretOfTheJob => (
            Code::SecretInBuildScript,
            format!(
                "the build may read {name}, which is or holds a secret, and the image job does not have the same {name}"
            ),
            format!("set {name} for the whole pipeline, so that the image job has it too and can pass it on"),
        ),
    };
    Finding::new(code, variable.location.clone(), message).with_help(help)
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

/// Whether a command of [`EMBEDDING`] only looks, downloads or tests, so that nothing of what it makes is handed on.
fn makes_nothing(words: &[&str]) -> bool {
    let mut rest = words.iter().skip(1).filter(|word| !word.starts_with('+'));
    let subcommand = rest.next().copied().unwrap_or_default();
    match words.first() {
        _ if matches!(subcommand, "--help" | "--version" | "-V" | "help" | "version") => true,
        Some(&"go") => match subcommand {
            "test" => !words.contains(&"-c"),
            "clean" | "env" | "fix" | "fmt" | "generate" | "get" | "list" | "mod" | "vet" | "work" => true,
            _ => false,
        },
        Some(&"cargo") => matches!(
            subcommand,
            "add"
                | "audit"
                | "check"
                | "clean"
                | "clippy"
                | "deny"
                | "fetch"
                | "fmt"
                | "login"
                | "metadata"
                | "search"
                | "tree"
                | "update"
        ),
        _ => false,
    }
}

/// Outputs that hold the path of the folder they were built in are other bytes in another folder.
fn embedded(situation: &Situation<'_>) -> Vec<Finding> {
    let script = &situation.producer_script;
    let by_program = script.walk.steps.iter().filter_map(|step| {
        let words: Vec<_> = step.words.iter().filter_map(|word| word.text()).collect();
        let line = words.join(" ");
        let (_, reason) =
            EMBEDDING.iter().find(|(program, _)| line == *program || line.starts_with(&format!("{program} ")))?;
        let is_harmless = words.contains(&"-trimpath") || makes_nothing(&words);
        let location = script.step_location(situation.pipeline, step).filter(|_| !is_harmless)?;
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

#[cfg(test)]
mod tests {
    use super::makes_nothing;

    #[test]
    fn a_command_that_only_looks_makes_nothing() {
        let words = |line: &'static str| line.split(' ').collect::<Vec<_>>();
        for line in [
            "go fmt ./...",
            "go list ./...",
            "go test ./...",
            "cargo --version",
            "cargo +nightly clippy",
            "cmake --version",
        ] {
            assert!(makes_nothing(&words(line)), "{line}");
        }
        for line in
            ["go build", "go", "go install ./cmd/app", "go test -c", "cargo build", "cargo test", "cmake .", "gcc a.c"]
        {
            assert!(!makes_nothing(&words(line)), "{line}");
        }
    }
}
