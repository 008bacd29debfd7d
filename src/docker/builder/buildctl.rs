//! `buildctl build` and `buildctl-daemonless.sh build` with the Dockerfile frontend (BuildKit: `cmd/buildctl/build.go`).

use super::Grammar;
use crate::docker::build_command::CommandContext;
use crate::docker::build_options::{BuildOptions, OptionValue};
use crate::docker::script_walk::place_in_repository;
use crate::docker::step::StepWord;
use crate::text::RepositoryPath;

/// Its options.
pub(super) const GRAMMAR: Grammar = Grammar {
    with_value: &[
        "-o",
        "--allow",
        "--export-cache",
        "--frontend",
        "--import-cache",
        "--local",
        "--metadata-file",
        "--opt",
        "--output",
        "--progress",
        "--ref-file",
        "--registry-auth-tlscontext",
        "--secret",
        "--ssh",
        "--trace",
    ],
    without_value: &["--no-cache"],
    of_result: &[],
    context,
    dockerfiles,
};

/// Options of `buildctl` itself that take a value and stand before the subcommand.
const GLOBAL_WITH_VALUE: [&str; 8] =
    ["--addr", "--log-format", "--timeout", "--tlscacert", "--tlscert", "--tlsdir", "--tlskey", "--tlsservername"];

/// What `--opt` may say without changing what the Dockerfile takes and makes (BuildKit: `frontend/dockerui/config.go`).
const OF_NO_MEANING: [&str; 8] = [
    "add-hosts",
    "cache-from",
    "cgroup-parent",
    "image-resolve-mode",
    "multi-platform",
    "no-cache",
    "shm-size",
    "ulimit",
];

/// The words behind `buildctl build`.
pub(super) fn options(words: &[StepWord]) -> Option<&[StepWord]> {
    let mut rest = words;
    while let Some(option) = rest.first().and_then(StepWord::text).filter(|text| text.starts_with('-')) {
        let skipped = if GLOBAL_WITH_VALUE.contains(&option) { 2 } else { 1 };
        rest = rest.get(skipped..)?;
    }
    let is_build = matches!(rest.first().and_then(StepWord::text), Some("build" | "b"));
    if is_build { rest.get(1..) } else { None }
}

/// Its options by the names that they have in `docker build`: `--opt target=x` is `--target x`.
///
/// # Errors
/// What is asked of the frontend and not known here, as the end of the sentence "the build command …".
pub(super) fn translated(options: BuildOptions) -> Result<BuildOptions, String> {
    options.renamed(|name, value| {
        let written = value.written.as_deref().unwrap_or_default();
        let bare = value.known.as_deref().unwrap_or_else(|| written.trim_matches(['"', '\'']));
        let (key, _) = bare.split_once('=').unwrap_or((bare, ""));
        let new = match (name, key) {
            ("--frontend", _) => return frontend(value),
            ("--local", "context") => "--context",
            ("--local", "dockerfile") => "--dockerfile",
            ("--opt", "filename") => "--filename",
            ("--opt", "target") => "--target",
            ("--opt", "platform") => "--platform",
            ("--opt", "force-network-mode") => "--network",
            ("--opt", _) if key.starts_with("build-arg:") => {
                return Ok(Some(("--build-arg", value.behind("build-arg:"))));
            }
            ("--opt", _) if key.starts_with("label:") || OF_NO_MEANING.contains(&key) => return Ok(None),
            ("--export-cache", _) => return Ok(Some(("--cache-to", value.clone()))),
            ("--local" | "--opt", _) => return Err(format!("has {name} {key}, which is not known here")),
            _ => return Ok(Some(("", value.clone()))),
        };
        Ok(Some((new, value.behind(&format!("{key}=")))))
    })
}

fn frontend<'a>(value: &OptionValue) -> Result<Option<(&'a str, OptionValue)>, String> {
    match value.known.as_deref() {
        Some("dockerfile.v0") => Ok(None),
        _ => Err(format!("builds by the frontend {}", value.written.as_deref().unwrap_or_default())),
    }
}

fn context(options: &BuildOptions, folder: &RepositoryPath) -> Result<CommandContext, String> {
    if let Some(word) = options.operands().first() {
        return Err(format!("has the word {}, which is no option of buildctl", word.raw));
    }
    let path = options.known("--context", "--context", "its context")?.ok_or("names no '--local context='")?;
    let place = place_in_repository(&path, folder);
    let place = place.ok_or_else(|| format!("takes its context from {path}, outside the project"))?;
    Ok(CommandContext::Folder(place))
}

/// `--local dockerfile=` names the folder, and `--opt filename=` the file in it.
fn dockerfiles(
    options: &BuildOptions,
    folder: &RepositoryPath,
    _: &RepositoryPath,
) -> Result<Vec<RepositoryPath>, String> {
    let within = options.known("--dockerfile", "--dockerfile", "the folder of its Dockerfile")?;
    let within = within.ok_or("names no '--local dockerfile='")?;
    let name = options.known("--filename", "--filename", "its Dockerfile")?.unwrap_or_else(|| "Dockerfile".to_owned());
    let place = place_in_repository(&within, folder).and_then(|within| within.join(&name));
    Ok(vec![place.ok_or("names a Dockerfile outside the repository")?])
}
