//! kaniko's executor (GoogleContainerTools/kaniko: `cmd/executor/cmd/root.go`).

use super::Grammar;
use crate::docker::build_command::CommandContext;
use crate::docker::build_options::BuildOptions;
use crate::docker::script_walk::place_in_repository;
use crate::docker::step::StepWord;
use crate::text::RepositoryPath;

/// Folders that are mounted into a job, or that kaniko keeps for itself: they stay between two stages.
const STAYING: [&str; 8] = ["/builds", "/busybox", "/cache", "/dev", "/kaniko", "/proc", "/sys", "/var/run"];

/// Its options. Not among them: `--bucket`, `--git` and `--kaniko-dir`, which move the context or kaniko itself.
pub(super) const GRAMMAR: Grammar = Grammar {
    with_value: &[
        "-c",
        "-d",
        "-f",
        "-v",
        "--build-arg",
        "--cache-dir",
        "--cache-repo",
        "--cache-ttl",
        "--compression",
        "--compression-level",
        "--context",
        "--context-sub-path",
        "--custom-platform",
        "--customPlatform",
        "--destination",
        "--digest-file",
        "--dockerfile",
        "--ignore-path",
        "--image-download-retry",
        "--image-fs-extract-retry",
        "--image-name-tag-with-digest-file",
        "--image-name-with-digest-file",
        "--insecure-registry",
        "--label",
        "--log-format",
        "--oci-layout-path",
        "--push-retry",
        "--registry-certificate",
        "--registry-client-cert",
        "--registry-map",
        "--registry-mirror",
        "--skip-tls-verify-registry",
        "--snapshot-mode",
        "--snapshotMode",
        "--tar-path",
        "--tarPath",
        "--target",
        "--verbosity",
    ],
    without_value: &[
        "--cache",
        "--cache-copy-layers",
        "--cache-run-layers",
        "--cleanup",
        "--compressed-caching",
        "--force",
        "--force-build-metadata",
        "--ignore-var-run",
        "--insecure",
        "--insecure-pull",
        "--log-timestamp",
        "--no-push",
        "--no-push-cache",
        "--push-ignore-immutable-tag-errors",
        "--reproducible",
        "--single-snapshot",
        "--skip-default-registry-fallback",
        "--skip-push-permission-check",
        "--skip-tls-verify",
        "--skip-tls-verify-pull",
        "--skip-unused-stages",
        "--use-new-run",
        "--whitelist-var-run",
    ],
    of_result: &[
        "-d",
        "--cache",
        "--cache-copy-layers",
        "--cache-dir",
        "--cache-repo",
        "--cache-run-layers",
        "--cache-ttl",
        "--destination",
        "--digest-file",
        "--image-name-tag-with-digest-file",
        "--image-name-with-digest-file",
        "--label",
        "--no-push",
        "--no-push-cache",
        "--oci-layout-path",
        "--push-retry",
        "--reproducible",
        "--tar-path",
        "--tarPath",
    ],
    context,
    dockerfiles,
};

/// The words behind the program, unless it is only asked for its version or for help.
pub(super) fn options(words: &[StepWord]) -> Option<&[StepWord]> {
    let asks = |word: &StepWord| matches!(word.text(), Some("version" | "--version" | "help" | "--help" | "-h"));
    (!words.first().is_some_and(asks)).then_some(words)
}

/// Whether what lies at this absolute path stays there between two stages.
pub(super) fn stays(path: &str) -> bool {
    STAYING.iter().any(|folder| is_within(path, folder))
}

/// Whether a stage may hold this folder. `/workspace` is where kaniko expects a mounted context.
pub(super) fn is_of_a_stage(folder: &str) -> bool {
    !stays(folder) && !is_within(folder, "/workspace")
}

fn is_within(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A path, or one behind `dir://`; `/workspace` where none is given. `--context-sub-path` is read only with a
/// scheme (kaniko: `resolveSourceContext`).
fn context(options: &BuildOptions, folder: &RepositoryPath) -> Result<CommandContext, String> {
    if let Some(word) = options.operands().first() {
        return Err(format!("has the word {}, which is no option of kaniko", word.raw));
    }
    let written = options.all("--context", "-c").next_back().and_then(|value| value.written.as_deref());
    let is_remote = |path: &&str| path.contains("://") && !path.trim_start_matches(['"', '\'']).starts_with("dir://");
    if let Some(path) = written.filter(is_remote) {
        return Err(format!("takes its context from {path}"));
    }
    let path = options.known("--context", "-c", "its context")?;
    let path = path.ok_or("names no context, and kaniko then takes /workspace, outside the project")?;
    let below = options.known("--context-sub-path", "--context-sub-path", "a part of its context")?;
    let (path, has_scheme) = match path.strip_prefix("dir://") {
        Some(path) => (path, true),
        None => (path.as_str(), false),
    };
    if path.contains("://") {
        return Err(format!("takes its context from {path}"));
    }
    if below.is_some() && !has_scheme {
        return Err("has --context-sub-path, which kaniko reads only for a context with a scheme such as dir://".into());
    }
    let outside = || format!("takes its context from {path}, outside the project");
    let place = place_in_repository(path, folder).ok_or_else(outside)?;
    let place = place.join(below.unwrap_or_default().trim_start_matches('/')).ok_or_else(outside)?;
    Ok(CommandContext::Folder(place))
}

/// From the folder in which the command runs, and then from the context (kaniko: `resolveDockerfilePath`).
fn dockerfiles(
    options: &BuildOptions,
    folder: &RepositoryPath,
    context: &RepositoryPath,
) -> Result<Vec<RepositoryPath>, String> {
    let path = options.known("--dockerfile", "-f", "its Dockerfile")?;
    options.in_folder_or_context(path.as_deref().unwrap_or("Dockerfile"), folder, context)
}
