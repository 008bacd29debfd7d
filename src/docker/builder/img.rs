//! `img build` (genuinetools/img: `build.go`).

use super::{Grammar, docker};
use crate::docker::build_options::BuildOptions;
use crate::docker::script_walk::place_in_repository;
use crate::docker::step::StepWord;
use crate::text::RepositoryPath;

/// Its options.
pub(super) const GRAMMAR: Grammar = Grammar {
    with_value: &[
        "-b",
        "-f",
        "-o",
        "-s",
        "-t",
        "--backend",
        "--build-arg",
        "--cache-from",
        "--cache-to",
        "--file",
        "--label",
        "--output",
        "--platform",
        "--secret",
        "--ssh",
        "--state",
        "--tag",
        "--target",
    ],
    without_value: &["-d", "--debug", "--no-cache", "--no-console"],
    of_result: &["-o", "-t", "--cache-from", "--cache-to", "--label", "--output", "--tag"],
    context: docker::context,
    dockerfiles,
};

/// The words behind `img build`; its other options may stand in front.
pub(super) fn options(words: &[StepWord]) -> Option<&[StepWord]> {
    let mut rest = words;
    while let Some(option) = rest.first().and_then(StepWord::text).filter(|text| text.starts_with('-')) {
        let takes_value = ["-b", "-s", "--backend", "--state"].contains(&option);
        rest = rest.get(if takes_value { 2 } else { 1 }..)?;
    }
    let (word, rest) = rest.split_first()?;
    (word.text() == Some("build")).then_some(rest)
}

/// From the folder in which the command runs, or `Dockerfile` of the context.
fn dockerfiles(
    options: &BuildOptions,
    folder: &RepositoryPath,
    context: &RepositoryPath,
) -> Result<Vec<RepositoryPath>, String> {
    let path = options.known("--file", "-f", "its Dockerfile")?;
    if path.as_deref() == Some("-") {
        return Err("reads its Dockerfile from its input".to_owned());
    }
    let place = match path {
        None => context.join("Dockerfile"),
        Some(path) => place_in_repository(&path, folder),
    };
    Ok(vec![place.ok_or("names a Dockerfile outside the repository")?])
}
