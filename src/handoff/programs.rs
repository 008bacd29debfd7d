//! Programs whose manual settles what they do with files, and what the words of a command say about it.

mod engine;

use super::traps::is_harmless;
use crate::docker::{Step, StepWord, asks_bake};
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
    // A program of the project is one of its files itself.
    let is_installed = name.starts_with('/') || !name.contains('/');
    let asks_version = is_installed && step.words.len() == 2 && VERSION_FLAGS.contains(&argument(1));
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
        "docker" if asks_bake(step) && !["-f", "--file", "--metadata-file"].iter().any(|it| starts_word(step, it)) => {
            ProgramKind::WithoutFiles
        }
        "docker" | "nerdctl" | "podman" => engine::kind(step),
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
        "docker-compose" if engine::composes_without_files(&step.words) => ProgramKind::OperandsOnly,
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

/// Whether a word behind the program begins so.
fn starts_word(step: &Step, beginning: &str) -> bool {
    step.words.iter().skip(1).any(|word| word.raw.starts_with(beginning))
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
