//! `nerdctl build`, `nerdctl image build` and `nerdctl builder build` (nerdctl: `docs/command-reference.md`).

use super::{Grammar, docker};
use crate::docker::build_options::BuildOptions;
use crate::docker::script_walk::place_in_repository;
use crate::docker::step::StepWord;
use crate::text::RepositoryPath;

/// Its options. Not among them: `--build-context`, which brings in files that are not looked at here.
pub(super) const GRAMMAR: Grammar = Grammar {
    with_value: &[
        "-f",
        "-o",
        "-t",
        "--add-host",
        "--allow",
        "--attest",
        "--build-arg",
        "--buildkit-host",
        "--cache-from",
        "--cache-to",
        "--file",
        "--iidfile",
        "--label",
        "--network",
        "--output",
        "--platform",
        "--progress",
        "--provenance",
        "--sbom",
        "--secret",
        "--source-policy-file",
        "--ssh",
        "--tag",
        "--target",
    ],
    without_value: &["-q", "--no-cache", "--pull", "--quiet", "--rm"],
    of_result: &[
        "-o",
        "-q",
        "-t",
        "--attest",
        "--cache-from",
        "--cache-to",
        "--iidfile",
        "--label",
        "--output",
        "--provenance",
        "--quiet",
        "--sbom",
        "--tag",
    ],
    context: docker::context,
    dockerfiles,
};

/// Options of `nerdctl` itself that take a value and stand before the subcommand.
const GLOBAL_WITH_VALUE: [&str; 16] = [
    "-H",
    "-a",
    "-n",
    "--address",
    "--bridge-ip",
    "--cgroup-manager",
    "--cni-netconfpath",
    "--cni-path",
    "--data-root",
    "--host",
    "--host-gateway-ip",
    "--hosts-dir",
    "--namespace",
    "--snapshotter",
    "--storage-driver",
    "--userns-remap",
];

/// The words behind `nerdctl build` and its longer names.
pub(super) fn options(words: &[StepWord]) -> Option<&[StepWord]> {
    let mut rest = words;
    while let Some(option) = rest.first().and_then(StepWord::text).filter(|text| text.starts_with('-')) {
        let skipped = if GLOBAL_WITH_VALUE.contains(&option) { 2 } else { 1 };
        rest = rest.get(skipped..)?;
    }
    let words: Vec<_> = rest.iter().take(2).map(StepWord::text).collect();
    match words.as_slice() {
        [Some("build"), ..] => rest.get(1..),
        [Some("image" | "builder"), Some("build")] => rest.get(2..),
        _ => None,
    }
}

/// From the folder in which the command runs; without an option `Dockerfile` of the context, and `Containerfile` where
/// there is none (nerdctl: `BuildKitFile` in `pkg/buildkitutil/buildkitutil.go`).
fn dockerfiles(
    options: &BuildOptions,
    folder: &RepositoryPath,
    context: &RepositoryPath,
) -> Result<Vec<RepositoryPath>, String> {
    let Some(path) = options.known("--file", "-f", "its Dockerfile")? else {
        return Ok(["Dockerfile", "Containerfile"].iter().filter_map(|name| context.join(name)).collect());
    };
    if path == "-" {
        return Err("reads its Dockerfile from its input".to_owned());
    }
    let place = place_in_repository(&path, folder);
    Ok(vec![place.ok_or("names a Dockerfile outside the repository")?])
}
