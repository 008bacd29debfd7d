//! `buildah build` and `podman build`, which share their options (buildah: `pkg/cli/common.go`).

use super::Grammar;
use crate::docker::build_command::CommandContext;
use crate::docker::build_options::BuildOptions;
use crate::docker::script_walk::place_in_repository;
use crate::docker::step::StepWord;
use crate::text::RepositoryPath;

/// Their options. Not among them are those that change what the Dockerfile says or what its instructions see:
/// `--build-arg-file`, `--build-context`, `--cpp-flag`, `--env`, `--from`, `--ignorefile`, `--mount`, `--unsetenv`, `--volume`.
pub(super) const GRAMMAR: Grammar = Grammar {
    with_value: &[
        "-c",
        "-f",
        "-m",
        "-o",
        "-t",
        "--add-host",
        "--annotation",
        "--arch",
        "--authfile",
        "--build-arg",
        "--cache-from",
        "--cache-to",
        "--cache-ttl",
        "--cap-add",
        "--cap-drop",
        "--cert-dir",
        "--cgroup-parent",
        "--compression-format",
        "--compression-level",
        "--cpu-period",
        "--cpu-quota",
        "--cpu-shares",
        "--cpuset-cpus",
        "--cpuset-mems",
        "--creds",
        "--dns",
        "--dns-option",
        "--dns-search",
        "--file",
        "--format",
        "--iidfile",
        "--isolation",
        "--jobs",
        "--label",
        "--layer-label",
        "--log-level",
        "--logfile",
        "--loglevel",
        "--manifest",
        "--memory",
        "--memory-swap",
        "--metadata-file",
        "--network",
        "--os",
        "--output",
        "--platform",
        "--retry",
        "--retry-delay",
        "--root",
        "--runroot",
        "--runtime",
        "--runtime-flag",
        "--secret",
        "--security-opt",
        "--shm-size",
        "--sign-by",
        "--signature-policy",
        "--source-date-epoch",
        "--ssh",
        "--storage-driver",
        "--storage-opt",
        "--tag",
        "--target",
        "--timestamp",
        "--ulimit",
        "--userns",
        "--variant",
    ],
    without_value: &[
        "-D",
        "-q",
        "--all-platforms",
        "--compress",
        "--disable-compression",
        "--disable-content-trust",
        "--force-compression",
        "--force-rm",
        "--http-proxy",
        "--identity-label",
        "--inherit-labels",
        "--layers",
        "--no-cache",
        "--no-hostname",
        "--no-hosts",
        "--omit-history",
        "--pull",
        "--pull-always",
        "--quiet",
        "--rewrite-timestamp",
        "--rm",
        "--skip-unused-stages",
        "--squash",
        "--squash-all",
        "--tls-verify",
    ],
    of_result: &[
        "-o",
        "-q",
        "-t",
        "--annotation",
        "--cache-to",
        "--iidfile",
        "--label",
        "--layer-label",
        "--logfile",
        "--manifest",
        "--metadata-file",
        "--output",
        "--quiet",
        "--sign-by",
        "--squash",
        "--squash-all",
        "--tag",
    ],
    context,
    dockerfiles,
};

/// Options of the program itself that take a value and stand before the subcommand.
const GLOBAL_WITH_VALUE: [&str; 19] = [
    "--cgroup-manager",
    "--connection",
    "-c",
    "--events-backend",
    "--imagestore",
    "--log-level",
    "--network-cmd-path",
    "--network-config-dir",
    "--registries-conf",
    "--registries-conf-dir",
    "--root",
    "--runroot",
    "--runtime",
    "--runtime-flag",
    "--short-name-alias-conf",
    "--storage-driver",
    "--storage-opt",
    "--tmpdir",
    "--url",
];

/// The words behind `buildah build`, `buildah bud`, `podman build` or `podman image build`.
pub(super) fn options(words: &[StepWord]) -> Option<&[StepWord]> {
    let mut rest = words;
    while let Some(option) = rest.first().and_then(StepWord::text).filter(|text| text.starts_with('-')) {
        let skipped = if GLOBAL_WITH_VALUE.contains(&option) { 2 } else { 1 };
        rest = rest.get(skipped..)?;
    }
    let words: Vec<_> = rest.iter().take(2).map(StepWord::text).collect();
    match words.as_slice() {
        [Some("build" | "bud" | "build-using-dockerfile"), ..] => rest.get(1..),
        [Some("image" | "buildx"), Some("build")] => rest.get(2..),
        _ => None,
    }
}

/// Without an operand buildah takes the folder in which it runs, and podman that of the Dockerfile (podman:
/// `cmd/podman/common/build.go`): where these are the same, there is no doubt.
fn context(options: &BuildOptions, folder: &RepositoryPath) -> Result<CommandContext, String> {
    if let Some(context) = options.folder_operand(folder)? {
        return Ok(CommandContext::Folder(context));
    }
    let lies_here = |path: &str| {
        let place = place_in_repository(path, folder);
        place.is_some_and(|place| folder.join(place.file_name()).as_ref() == Some(&place))
    };
    match options.known("--file", "-f", "its Dockerfile")? {
        Some(path) if !lies_here(&path) => Err("names no context, and its Dockerfile lies in another folder".into()),
        _ => Ok(CommandContext::Folder(folder.clone())),
    }
}

/// From the folder in which the command runs, and then from the context (buildah: `imagebuildah/build.go`).
/// `Containerfile` comes before `Dockerfile` (buildah: `DiscoverContainerfile`).
fn dockerfiles(
    options: &BuildOptions,
    folder: &RepositoryPath,
    context: &RepositoryPath,
) -> Result<Vec<RepositoryPath>, String> {
    match options.known("--file", "-f", "its Dockerfile")? {
        Some(path) if path.contains(',') || options.count("--file", "-f") > 1 => {
            Err("names more than one Dockerfile".to_owned())
        }
        Some(path) => options.in_folder_or_context(&path, folder, context),
        None => Ok(["Containerfile", "Dockerfile"].iter().filter_map(|name| context.join(name)).collect()),
    }
}
