//! Programs whose manual settles what they do with files, and what the words of a command say about it.

use super::traps::is_harmless;
use crate::docker::{Step, StepWord};
use crate::ecosystem;

/// How far the words of a command tell which files it reads and writes.
pub(super) enum ProgramKind {
    /// It reads and writes none.
    WithoutFiles,
    /// Those that its words name.
    OperandsOnly,
    /// It may read and write any.
    Any,
}

/// Programs whose words are never files, or that only look at what their words say.
pub(super) const WITHOUT_FILES: [&str; 58] = [
    ":",
    "alias",
    "arch",
    "break",
    "command",
    "continue",
    "date",
    "echo",
    "exit",
    "export",
    "false",
    "free",
    "getent",
    "groups",
    "hash",
    "host",
    "hostname",
    "id",
    "ifconfig",
    "ip",
    "let",
    "local",
    "locale",
    "lsb_release",
    "lscpu",
    "netstat",
    "nproc",
    "nslookup",
    "ping",
    "popd",
    "printenv",
    "printf",
    "ps",
    "pwd",
    "read",
    "return",
    "seq",
    "set",
    "shift",
    "sleep",
    "ssh-agent",
    "ssh-keyscan",
    "stty",
    "tput",
    "tr",
    "traceroute",
    "true",
    "tty",
    "type",
    "umask",
    "uname",
    "unset",
    "update-ca-certificates",
    "uptime",
    "uuidgen",
    "wait",
    "which",
    "whoami",
];

/// Programs that read and write only the files that their words name.
const OPERANDS_ONLY: [&str; 75] = [
    "[",
    "apk",
    "apt",
    "apt-get",
    "argocd",
    "awk",
    "aws",
    "az",
    "base64",
    "basename",
    "cat",
    "cd",
    "chmod",
    "chown",
    "cmp",
    "cosign",
    "cp",
    "crane",
    "curl",
    "cut",
    "df",
    "diff",
    "dirname",
    "dnf",
    "doctl",
    "du",
    "egrep",
    "envsubst",
    "expr",
    "file",
    "gcloud",
    "glab",
    "gpg",
    "grep",
    "grype",
    "gsutil",
    "head",
    "helm",
    "install",
    "jq",
    "kubectl",
    "kustomize",
    "ln",
    "ls",
    "md5sum",
    "microdnf",
    "mkdir",
    "mktemp",
    "mv",
    "nc",
    "oc",
    "openssl",
    "pushd",
    "realpath",
    "release-cli",
    "rm",
    "rmdir",
    "rsync",
    "scp",
    "sed",
    "sha256sum",
    "skopeo",
    "sort",
    "ssh",
    "ssh-add",
    "stat",
    "syft",
    "tail",
    "tee",
    "test",
    "touch",
    "wc",
    "wget",
    "yq",
    "yum",
];

/// Subcommands of `docker` whose words are never files of the project.
const DOCKER_WITHOUT_FILES: [&str; 26] = [
    "attach", "context", "history", "images", "info", "inspect", "kill", "login", "logout", "logs", "manifest",
    "network", "ps", "port", "pull", "push", "restart", "rm", "rmi", "search", "start", "stop", "system", "tag",
    "version", "wait",
];

/// Subcommands of Compose that build nothing and mount nothing.
const COMPOSE_WITHOUT_FILES: [&str; 7] = ["config", "down", "images", "logs", "ps", "pull", "push"];

/// The same of `buildah`.
const BUILDAH_WITHOUT_FILES: [&str; 10] =
    ["containers", "images", "info", "inspect", "login", "logout", "pull", "push", "rmi", "tag"];

/// Programs that only tell their version when they are asked for it.
const VERSION_FLAGS: [&str; 5] = ["--version", "-v", "-V", "-version", "version"];

/// The subcommand behind the options that buildah takes in front of it (buildah.1).
fn subcommand_of_buildah(step: &Step) -> Option<&str> {
    const WITH_VALUE: [&str; 7] = [
        "--log-level",
        "--registries-conf",
        "--root",
        "--runroot",
        "--storage-driver",
        "--storage-opt",
        "--userns-uid-map",
    ];
    let mut words = step.words.iter().skip(1).map(|word| word.text().unwrap_or_default());
    while let Some(word) = words.next() {
        if WITH_VALUE.contains(&word) {
            words.next();
        } else if !word.starts_with('-') {
            return Some(word);
        }
    }
    None
}

/// How far the words of `step` tell what it does; its program is called `name`.
pub(super) fn kind(step: &Step, name: &str) -> ProgramKind {
    let argument = |index: usize| step.words.get(index).and_then(StepWord::text).unwrap_or_default();
    let asks_version = step.words.len() == 2 && VERSION_FLAGS.contains(&argument(1));
    let is_eval_of_agent = name == "eval" && step.words.iter().skip(1).all(|word| word.raw.contains("ssh-agent"));
    match name {
        _ if asks_version || is_eval_of_agent => ProgramKind::WithoutFiles,
        "trap" if step.words.iter().skip(1).all(|word| word.text().is_some_and(is_harmless)) => {
            ProgramKind::WithoutFiles
        }
        // It puts shims of package managers beside the `node` of the machine (Node.js documentation: Corepack).
        "corepack" if matches!(argument(1), "enable" | "disable") => ProgramKind::WithoutFiles,
        "npm" if installs_by_name_for_all(step) => ProgramKind::WithoutFiles,
        // Alone it prints the variables; with a command it is that command.
        "env" if step.words.len() == 1 => ProgramKind::WithoutFiles,
        "docker" | "nerdctl" | "podman" => docker_kind(step),
        // They speak to registries, and to img's own store.
        "img" if matches!(argument(1), "du" | "login" | "logout" | "ls" | "prune" | "pull" | "push" | "rm" | "tag") => {
            ProgramKind::WithoutFiles
        }
        "buildah" if subcommand_of_buildah(step).is_some_and(|word| BUILDAH_WITHOUT_FILES.contains(&word)) => {
            ProgramKind::WithoutFiles
        }
        "git" => match argument(1) {
            "config" | "describe" | "fetch" | "log" | "ls-remote" | "push" | "rev-parse" | "remote" | "status"
            | "show" | "tag" => ProgramKind::WithoutFiles,
            _ => ProgramKind::Any,
        },
        // They look at an image that is in a registry or in the engine.
        "trivy" if argument(1) == "image" => ProgramKind::OperandsOnly,
        "snyk" if argument(1) == "container" => ProgramKind::OperandsOnly,
        "sentry-cli" if argument(1) == "releases" && !has_word(step, "files") => ProgramKind::OperandsOnly,
        "docker-compose" if composes_without_files(&step.words) => ProgramKind::OperandsOnly,
        // It reads the configuration of that folder; what this names is looked at where the files are known.
        "terraform" | "tofu" if argument(1).starts_with("-chdir=") => ProgramKind::OperandsOnly,
        "pip" | "pip3" if argument(1) == "install" => ProgramKind::OperandsOnly,
        // These send the folder along that they run in, or what a template names.
        "aws" | "az" | "gcloud"
            if ["cloudformation", "deploy", "submit", "up"].iter().any(|word| has_word(step, word)) =>
        {
            ProgramKind::Any
        }
        _ if WITHOUT_FILES.contains(&name) => ProgramKind::WithoutFiles,
        _ if OPERANDS_ONLY.contains(&name) => ProgramKind::OperandsOnly,
        _ => ProgramKind::Any,
    }
}

/// Whether npm installs packages of a registry for the whole machine, which asks nothing of the project.
fn installs_by_name_for_all(step: &Step) -> bool {
    let words: Option<Vec<_>> = step.words.iter().map(StepWord::text).collect();
    words.is_some_and(|words| ecosystem::installs_for_all_by_name(&words))
}

/// Whether a word behind the program is this one.
pub(super) fn has_word(step: &Step, word: &str) -> bool {
    step.words.iter().skip(1).any(|other| other.text() == Some(word))
}

fn docker_kind(step: &Step) -> ProgramKind {
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
fn composes_without_files(words: &[StepWord]) -> bool {
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

/// Such flags with their value in one word.
const ENGINE_FLAGS: [&str; 5] = ["--context=", "--host=", "--log-level=", "--namespace=", "--snapshotter="];

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

/// Whether a cluster of short flags, such as `-rf`, holds one of these letters.
pub(super) fn has_letter(step: &Step, letters: &[char]) -> bool {
    let mut flags = step.words.iter().skip(1).filter_map(StepWord::text);
    flags.any(|word| word.starts_with('-') && !word.starts_with("--") && word.contains(letters))
}

/// Whether a word begins with one of these flags.
pub(super) fn has_flag(step: &Step, flags: &[&str]) -> bool {
    step.words.iter().skip(1).any(|word| flags.iter().any(|flag| word.raw.starts_with(flag)))
}

/// Whether a command does something with all that lies in the folders which it names; else a folder that holds the files
/// among others is only where it runs.
pub(super) fn takes_whole_folders(step: &Step) -> bool {
    match step.program() {
        Some("aws" | "az" | "gcloud" | "grype" | "gsutil" | "install" | "mv" | "pip" | "pip3" | "rsync" | "syft") => {
            true
        }
        Some("cp" | "scp") => has_letter(step, &['r', 'R', 'a']) || has_flag(step, &["--recursive", "--archive"]),
        Some("docker" | "kubectl" | "nerdctl" | "oc" | "podman") => {
            let is_copy = ["cp", "rsync"].iter().any(|word| has_word(step, word));
            is_copy || has_flag(step, &["--from-dir", "--from-file"])
        }
        Some("chmod" | "chown" | "grep" | "rm") => has_letter(step, &['r', 'R']) || has_flag(step, &["--recursive"]),
        _ => false,
    }
}
