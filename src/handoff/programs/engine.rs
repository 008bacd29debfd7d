//! What the commands of Docker, nerdctl, podman and Compose do with files.

use super::ProgramKind;
use crate::docker::{Step, StepWord};

/// Subcommands of `docker` whose words are never files of the project.
const DOCKER_WITHOUT_FILES: [&str; 26] = [
    "attach", "context", "history", "images", "info", "inspect", "kill", "login", "logout", "logs", "manifest",
    "network", "ps", "port", "pull", "push", "restart", "rm", "rmi", "search", "start", "stop", "system", "tag",
    "version", "wait",
];

/// Subcommands of Compose that build nothing and mount nothing.
const COMPOSE_WITHOUT_FILES: [&str; 7] = ["config", "down", "images", "logs", "ps", "pull", "push"];

/// Such flags with their value in one word.
const ENGINE_FLAGS: [&str; 5] = ["--context=", "--host=", "--log-level=", "--namespace=", "--snapshotter="];

/// What a command of an engine does with files.
pub(super) fn kind(step: &Step) -> ProgramKind {
    let fields = |word: &'_ StepWord| word.fields.clone().unwrap_or_else(|| vec![String::new()]);
    let all: Vec<_> = step.words.iter().skip(1).flat_map(fields).collect();
    let all: Vec<_> = all.iter().map(String::as_str).collect();
    let words = all.get(engine_flags(&all)..).unwrap_or_default();
    // `docker image load` is `docker load`, and so on.
    let is_group = |word: &&str| ["container", "image"].contains(word);
    let mut names = words.iter().filter(|word| !word.starts_with('-')).copied().skip_while(is_group);
    let (subcommand, action) = (names.next().unwrap_or_default(), names.next().unwrap_or_default());
    let mounts = |word: &&str| {
        let is_cluster = word.starts_with('-') && !word.starts_with("--") && word.ends_with('v');
        is_cluster || ["-v", "--volume", "--mount", "--env-file"].iter().any(|flag| word.starts_with(flag))
    };
    match subcommand {
        "run" | "create" | "exec" if !words.iter().any(mounts) => ProgramKind::WithoutFiles,
        "volume" | "prune" | "ls" | "list" | "rename" | "stats" | "top" => ProgramKind::WithoutFiles,
        "buildx" if ["create", "use", "inspect", "ls", "imagetools"].iter().any(|word| words.contains(word)) => {
            ProgramKind::WithoutFiles
        }
        "compose" if composes_without_files(&step.words) => ProgramKind::OperandsOnly,
        "service" | "node" | "swarm" if !words.iter().any(mounts) => ProgramKind::WithoutFiles,
        // `stack deploy` and `stack config` read a Compose file, which may name any other.
        "stack" if !matches!(action, "deploy" | "up" | "config") => ProgramKind::WithoutFiles,
        "secret" | "config" | "plugin" if action != "create" => ProgramKind::WithoutFiles,
        "cp" | "save" | "load" | "import" | "export" | "secret" | "config" | "plugin" | "trust" | "scout" => {
            ProgramKind::OperandsOnly
        }
        _ if DOCKER_WITHOUT_FILES.contains(&subcommand) => ProgramKind::WithoutFiles,
        _ => ProgramKind::Any,
    }
}

/// Whether a command of Compose does nothing with files but reading how the containers are put together.
pub(super) fn composes_without_files(words: &[StepWord]) -> bool {
    let texts: Vec<_> = words.iter().filter_map(StepWord::text).skip_while(|word| !word.contains("compose")).collect();
    let mut rest = texts.into_iter().skip(1);
    while let Some(word) = rest.next() {
        match word {
            "-f" | "--file" | "-p" | "--project-name" | "--env-file" | "--profile" | "--project-directory" => {
                rest.next();
            }
            _ if word.starts_with('-') => {}
            _ => return COMPOSE_WITHOUT_FILES.contains(&word),
        }
    }
    false
}

/// How many words in front of the subcommand say to which engine it speaks (Docker CLI reference: `docker`). An option
/// that names a file is none of them.
fn engine_flags(words: &[&str]) -> usize {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        at += match *word {
            "-H" | "--host" | "-c" | "--context" | "-l" | "--log-level" | "-n" | "--namespace" | "--snapshotter" => 2,
            "-D" | "--debug" => 1,
            other if ENGINE_FLAGS.iter().any(|flag| other.starts_with(flag)) => 1,
            _ => break,
        };
    }
    at
}
