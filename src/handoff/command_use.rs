//! What a command may do with the files of the project, as far as its name and its operands tell.
//!
//! The tables hold only programs whose manual settles it. Everything else may read any file of the project
//! by itself, as `npm test` or `./deploy.sh` do.

use crate::docker::{Step, StepWord, place_in_repository};
use crate::gitlab::PathPattern;
use crate::handoff::copies::relation_to_all;
use crate::text::RepositoryPath;

/// What a command does with some files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TreeUse {
    /// It leaves them alone.
    None,
    /// This word of it names them.
    Touches(String),
    /// This program may read any file.
    Unknown(String),
}

/// Programs whose words are never files, or that only look at what their words say.
const WITHOUT_FILES: [&str; 55] = [
    ":",
    "alias",
    "apk",
    "apt",
    "apt-get",
    "command",
    "date",
    "dnf",
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
    "locale",
    "lsb_release",
    "lscpu",
    "microdnf",
    "netstat",
    "nproc",
    "nslookup",
    "ping",
    "printenv",
    "printf",
    "ps",
    "pwd",
    "return",
    "set",
    "sleep",
    "ssh-add",
    "ssh-agent",
    "ssh-keyscan",
    "stty",
    "tr",
    "traceroute",
    "trap",
    "true",
    "tty",
    "type",
    "umask",
    "uname",
    "unset",
    "update-ca-certificates",
    "uptime",
    "wait",
    "which",
    "whoami",
    "yum",
];

/// Programs that read and write only the files that their words name.
const OPERANDS_ONLY: [&str; 62] = [
    "[",
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
    "mkdir",
    "mktemp",
    "mv",
    "nc",
    "oc",
    "openssl",
    "realpath",
    "release-cli",
    "rm",
    "rmdir",
    "sed",
    "sha256sum",
    "skopeo",
    "sort",
    "ssh",
    "stat",
    "tail",
    "tee",
    "test",
    "touch",
    "wc",
    "wget",
    "yq",
];

/// Subcommands of `docker` whose words are never files of the project.
const DOCKER_WITHOUT_FILES: [&str; 26] = [
    "attach", "context", "history", "images", "info", "inspect", "kill", "login", "logout", "logs", "manifest",
    "network", "ps", "port", "pull", "push", "restart", "rm", "rmi", "search", "start", "stop", "system", "tag",
    "version", "wait",
];

/// The same of `buildah`.
const BUILDAH_WITHOUT_FILES: [&str; 10] =
    ["containers", "images", "info", "inspect", "login", "logout", "pull", "push", "rmi", "tag"];

/// Programs that only tell their version when they are asked for it.
const VERSION_FLAGS: [&str; 5] = ["--version", "-v", "-V", "-version", "version"];

/// What `step` does with the files of `patterns`.
#[must_use]
pub fn tree_use(step: &Step, patterns: &[PathPattern]) -> TreeUse {
    let words: Vec<_> = step.words.iter().chain(step.redirections.iter().map(|(target, _)| target)).collect();
    let Some(program) = step.words.first() else {
        return touched(step, &words, patterns);
    };
    let Some(name) = program.text() else {
        return TreeUse::Unknown(program.raw.clone());
    };
    let redirected: Vec<_> = step.redirections.iter().map(|(target, _)| target).collect();
    match kind(step, name) {
        ProgramKind::WithoutFiles => touched(step, &redirected, patterns),
        ProgramKind::OperandsOnly => touched(step, words.get(1..).unwrap_or_default(), patterns),
        ProgramKind::Any => match touched(step, &words, patterns) {
            TreeUse::None => TreeUse::Unknown(name.to_owned()),
            touches => touches,
        },
    }
}

/// The places of the project that `step` may write, and whether there may be others.
#[must_use]
pub fn writes(step: &Step) -> (Vec<RepositoryPath>, bool) {
    let redirected = step.redirections.iter().filter(|(_, is_written)| *is_written).map(|(target, _)| target);
    let mut targets: Vec<_> = redirected.collect();
    let name = step.program().unwrap_or_default();
    match kind(step, name) {
        ProgramKind::WithoutFiles => {}
        ProgramKind::OperandsOnly if is_writer(step, name) => targets.extend(step.words.iter().skip(1)),
        ProgramKind::OperandsOnly => {}
        ProgramKind::Any => return (Vec::new(), !step.words.is_empty()),
    }
    let mut is_unclear = false;
    let mut places = Vec::new();
    for target in targets {
        match (&target.pattern, &step.folder) {
            (Some(pattern), Some(folder)) => {
                places.extend(place_in_repository(pattern, folder).filter(|_| !pattern.starts_with('-')))
            }
            (Some(pattern), None) if pattern.starts_with('/') => {}
            _ => is_unclear |= !target.raw.starts_with(['~', '/', '-']) && !target.raw.starts_with("$HOME"),
        }
    }
    (places, is_unclear)
}

enum ProgramKind {
    WithoutFiles,
    OperandsOnly,
    Any,
}

fn kind(step: &Step, name: &str) -> ProgramKind {
    let argument = |index: usize| step.words.get(index).and_then(StepWord::text).unwrap_or_default();
    let asks_version = step.words.len() == 2 && VERSION_FLAGS.contains(&argument(1));
    let is_eval_of_agent = name == "eval" && step.words.iter().skip(1).all(|word| word.raw.contains("ssh-agent"));
    match name {
        _ if asks_version || is_eval_of_agent => ProgramKind::WithoutFiles,
        // Alone it prints the variables; with a command it is that command.
        "env" if step.words.len() == 1 => ProgramKind::WithoutFiles,
        "docker" | "podman" => docker_kind(step),
        "buildah" if BUILDAH_WITHOUT_FILES.contains(&argument(1)) => ProgramKind::WithoutFiles,
        "git" => match argument(1) {
            "config" | "describe" | "log" | "rev-parse" | "remote" | "status" | "show" | "tag" => {
                ProgramKind::WithoutFiles
            }
            _ => ProgramKind::Any,
        },
        // It reads the configuration of that folder; what this names is looked at where the files are known.
        "terraform" | "tofu" if argument(1).starts_with("-chdir=") => ProgramKind::OperandsOnly,
        "pip" | "pip3" if argument(1) == "install" => ProgramKind::OperandsOnly,
        // These send the folder along that they run in, or what a template names.
        "aws" | "az" | "gcloud" if ["cloudformation", "deploy", "up"].iter().any(|word| has_word(step, word)) => {
            ProgramKind::Any
        }
        _ if WITHOUT_FILES.contains(&name) => ProgramKind::WithoutFiles,
        _ if OPERANDS_ONLY.contains(&name) => ProgramKind::OperandsOnly,
        _ => ProgramKind::Any,
    }
}

fn has_word(step: &Step, word: &str) -> bool {
    step.words.iter().skip(1).any(|other| other.text() == Some(word))
}

/// Whether a script item speaks of the files where no word of a command does: in what a loop runs over or reads
/// from, in a `[[ ... ]]`, or in the action of a trap.
#[must_use]
pub fn names_beside_commands(text: &str, patterns: &[PathPattern]) -> bool {
    let constructs = ["for ", "while ", "until ", "case ", "[[", "trap "];
    constructs.iter().any(|construct| text.contains(construct))
        && patterns.iter().any(|pattern| mentions(text, &pattern.text))
}

fn docker_kind(step: &Step) -> ProgramKind {
    let all: Vec<_> = step.words.iter().skip(1).map(|word| word.text().unwrap_or_default()).collect();
    let words = all.get(engine_flags(&all)..).unwrap_or_default();
    let mut names = words.iter().filter(|word| !word.starts_with('-')).copied();
    let (subcommand, action) = (names.next().unwrap_or_default(), names.next().unwrap_or_default());
    let mounts = |word: &&str| ["-v", "--volume", "--mount", "--env-file"].iter().any(|flag| word.starts_with(flag));
    match subcommand {
        "run" | "create" | "exec" if !words.iter().any(mounts) => ProgramKind::WithoutFiles,
        "image" | "container" | "volume" if !words.contains(&"build") && !words.contains(&"cp") => {
            ProgramKind::WithoutFiles
        }
        "buildx" if ["create", "use", "inspect", "ls", "imagetools"].iter().any(|word| words.contains(word)) => {
            ProgramKind::WithoutFiles
        }
        "service" | "node" | "swarm" if !words.iter().any(mounts) => ProgramKind::WithoutFiles,
        // `stack deploy` and `stack config` read a Compose file, which may name any other.
        "stack" if !matches!(action, "deploy" | "up" | "config") => ProgramKind::WithoutFiles,
        "secret" | "config" | "plugin" if action != "create" => ProgramKind::WithoutFiles,
        "cp" | "save" | "load" | "secret" | "config" | "plugin" | "trust" | "scout" => ProgramKind::OperandsOnly,
        _ if DOCKER_WITHOUT_FILES.contains(&subcommand) => ProgramKind::WithoutFiles,
        _ => ProgramKind::Any,
    }
}

/// How many words in front of the subcommand say to which engine it speaks (Docker CLI reference: `docker`). An option
/// that names a file is none of them.
fn engine_flags(words: &[&str]) -> usize {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        at += match *word {
            "-H" | "--host" | "-c" | "--context" | "-l" | "--log-level" => 2,
            "-D" | "--debug" => 1,
            other if ["--host=", "--context=", "--log-level="].iter().any(|flag| other.starts_with(flag)) => 1,
            _ => break,
        };
    }
    at
}

/// Whether a program of the operands' table writes what its words name.
fn is_writer(step: &Step, name: &str) -> bool {
    let has = |flags: &[&str]| step.words.iter().any(|word| flags.iter().any(|flag| word.raw.starts_with(flag)));
    match name {
        "cp" | "mv" | "rm" | "rmdir" | "touch" | "tee" | "ln" | "install" | "mkdir" | "chmod" | "chown" => true,
        "sed" => has(&["-i", "--in-place"]),
        "yq" => has(&["-i", "--inplace"]),
        "curl" => has(&["-o", "-O", "--output", "--remote-name"]),
        "wget" | "docker" => true,
        _ => false,
    }
}

fn touched(step: &Step, words: &[&StepWord], patterns: &[PathPattern]) -> TreeUse {
    let touching = words.iter().find(|word| names_one_of(word, step, patterns));
    touching.map_or(TreeUse::None, |word| TreeUse::Touches(word.raw.clone()))
}

fn names_one_of(word: &StepWord, step: &Step, patterns: &[PathPattern]) -> bool {
    let Some(text) = &word.pattern else {
        return patterns.iter().any(|pattern| mentions(&word.raw, &pattern.text));
    };
    let may_be_paths = text.split(['=', '@', ',', ':']).chain([text.as_str()]);
    may_be_paths.filter(|part| !part.is_empty()).any(|part| {
        let folder = step.folder.clone().unwrap_or_default();
        let part = part.strip_prefix("//").unwrap_or(part);
        // A command that runs in an unknown folder may name the files by a path that looks like any other.
        let place = place_in_repository(part, &folder);
        place.is_some_and(|place| {
            let relations = relation_to_all(patterns, place.as_str());
            // Where a folder is that holds more than the files, one may still go.
            if step.program() == Some("cd") { relations.covers } else { relations.touches(part) }
        })
    })
}

/// Whether a text that is not known in full speaks of the path, as `"$DIR/dist/app"` does of `dist`.
fn mentions(raw: &str, path: &str) -> bool {
    let literal = path.split(['*', '?', '[']).next().unwrap_or_default().trim_end_matches('/');
    if literal.is_empty() {
        return false;
    }
    raw.match_indices(literal).any(|(at, found)| {
        let before = raw.get(..at).and_then(|text| text.chars().next_back());
        let after = raw.get(at + found.len()..).and_then(|text| text.chars().next());
        let is_edge =
            |edge: Option<char>| edge.is_none_or(|edge| !edge.is_alphanumeric() && !matches!(edge, '-' | '_'));
        is_edge(before) && is_edge(after) && (before == Some('/') || after == Some('/'))
    })
}
