//! `docker build`, `docker image build`, `docker builder build` and `docker buildx build`.

use super::{Builder, Grammar};
use crate::docker::build_command::CommandContext;
use crate::docker::build_options::BuildOptions;
use crate::docker::script_walk::place_in_repository;
use crate::docker::step::StepWord;
use crate::text::RepositoryPath;

/// Options of `docker build` and `docker buildx build` (Docker CLI reference).
pub(super) const GRAMMAR: Grammar = Grammar {
    with_value: &[
        "-c",
        "-f",
        "-m",
        "-o",
        "-t",
        "--add-host",
        "--allow",
        "--annotation",
        "--attest",
        "--build-arg",
        "--build-context",
        "--builder",
        "--cache-from",
        "--cache-to",
        "--call",
        "--cgroup-parent",
        "--cpu-period",
        "--cpu-quota",
        "--cpu-shares",
        "--cpuset-cpus",
        "--cpuset-mems",
        "--file",
        "--iidfile",
        "--isolation",
        "--label",
        "--memory",
        "--memory-swap",
        "--metadata-file",
        "--network",
        "--no-cache-filter",
        "--output",
        "--platform",
        "--policy",
        "--progress",
        "--provenance",
        "--sbom",
        "--secret",
        "--security-opt",
        "--shm-size",
        "--ssh",
        "--tag",
        "--target",
        "--ulimit",
        "--userns",
        "--cpus",
        "--runtime",
    ],
    without_value: &[
        "-D",
        "-q",
        "--check",
        "--compress",
        "--debug",
        "--disable-content-trust",
        "--force-rm",
        "--load",
        "--no-cache",
        "--pull",
        "--push",
        "--quiet",
        "--rm",
        "--squash",
        "--stream",
        "--use-http2",
    ],
    of_result: &[
        "-o",
        "-q",
        "-t",
        "--annotation",
        "--attest",
        "--cache-from",
        "--cache-to",
        "--iidfile",
        "--label",
        "--load",
        "--metadata-file",
        "--output",
        "--provenance",
        "--push",
        "--quiet",
        "--sbom",
        "--squash",
        "--tag",
    ],
    context,
    dockerfiles,
};

/// Options of `docker` itself that take a value and stand before the subcommand.
const GLOBAL_WITH_VALUE: [&str; 9] =
    ["-H", "--host", "-c", "--context", "--config", "-l", "--log-level", "--tlscacert", "--tlskey"];

/// The words behind `docker build`, and which of the two it is.
pub(super) fn options(words: &[StepWord]) -> Option<(Builder, &[StepWord])> {
    let mut rest = words;
    while let Some(option) = rest.first().and_then(StepWord::text).filter(|text| text.starts_with('-')) {
        let skipped = if GLOBAL_WITH_VALUE.contains(&option) { 2 } else { 1 };
        rest = rest.get(skipped..)?;
    }
    let words: Vec<_> = rest.iter().take(2).map(StepWord::text).collect();
    match words.as_slice() {
        [Some("build"), ..] => Some((Builder::Docker, rest.get(1..)?)),
        [Some("image" | "builder"), Some("build")] => Some((Builder::Docker, rest.get(2..)?)),
        [Some("buildx"), Some("build" | "b")] => Some((Builder::Buildx, rest.get(2..)?)),
        _ => None,
    }
}

pub(super) fn context(options: &BuildOptions, folder: &RepositoryPath) -> Result<CommandContext, String> {
    let context = options.folder_operand(folder)?;
    Ok(context.map_or_else(|| CommandContext::Missing(folder.clone()), CommandContext::Folder))
}

/// One, from the folder in which the command runs (Docker docs: `docker build --file`).
fn dockerfiles(
    options: &BuildOptions,
    folder: &RepositoryPath,
    context: &RepositoryPath,
) -> Result<Vec<RepositoryPath>, String> {
    let outside = || "names a Dockerfile outside the repository".to_owned();
    let place = match options.known("--file", "-f", "its Dockerfile")? {
        None => context.join("Dockerfile"),
        Some(path) => place_in_repository(&path, folder),
    };
    Ok(vec![place.ok_or_else(outside)?])
}
