//! The names of GitLab's variables in the sources, as `process.env.CI_COMMIT_SHA` is one.

use std::collections::BTreeMap;

use crate::finding::Location;
use crate::source::{FileKind, Repository};
use crate::text::{RepositoryPath, Span};

/// Beginnings of the names of GitLab's variables that differ from pipeline to pipeline.
const PREFIXES: [&str; 7] =
    ["CI_COMMIT_", "CI_ENVIRONMENT_", "CI_JOB_", "CI_MERGE_REQUEST_", "CI_NODE_", "CI_PIPELINE_", "CI_PROJECT_"];

/// Endings of files that a build reads or runs.
const ENDINGS: [&str; 31] = [
    "bash",
    "cjs",
    "cmake",
    "cs",
    "csproj",
    "cts",
    "go",
    "gradle",
    "groovy",
    "java",
    "js",
    "json",
    "jsx",
    "kt",
    "kts",
    "mjs",
    "mk",
    "mts",
    "php",
    "properties",
    "py",
    "rb",
    "rs",
    "sbt",
    "scala",
    "sh",
    "svelte",
    "toml",
    "ts",
    "tsx",
    "vue",
];

/// Names of such files without an ending, and of one whose ending says too little.
const NAMES: [&str; 4] = ["Makefile", "Rakefile", "pom.xml", "justfile"];

/// The most files that are looked at, and the largest, in bytes.
const MOST_FILES: usize = 20_000;
const LARGEST_FILE: usize = 1 << 20;

/// The names of GitLab's variables that the sources of `repository` hold, each with the first place.
pub(super) fn names_in_sources(repository: &dyn Repository) -> BTreeMap<String, Location> {
    let tracked = repository.tracked().iter();
    let sources = tracked.filter(|(path, kind)| **kind != FileKind::Submodule && is_source(path)).take(MOST_FILES);
    let mut found = BTreeMap::new();
    for (path, _) in sources {
        let Some(file) = repository.read(path).ok().filter(|file| file.text().len() <= LARGEST_FILE) else {
            continue;
        };
        for (at, name) in names(file.text()).filter(|(_, name)| *name != "CI_PROJECT_DIR") {
            let location = || Location::new(&file, Span::new(at, at + name.len()));
            found.entry(name.to_owned()).or_insert_with(location);
        }
    }
    found
}

fn is_source(path: &RepositoryPath) -> bool {
    let name = path.file_name();
    let is_minified_or_locked = name.ends_with(".min.js") || name == "package-lock.json";
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    !is_minified_or_locked && (ENDINGS.contains(&ending) || NAMES.contains(&name) || name.starts_with(".env"))
}

/// The names of such variables in a text, each with the byte where it stands.
fn names(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.match_indices("CI_").filter_map(|(at, _)| {
        let rest = text.get(at..)?;
        let length = rest.bytes().take_while(|byte| byte.is_ascii_uppercase() || *byte == b'_').count();
        let is_whole = !text.get(..at)?.ends_with(|before: char| before.is_alphanumeric() || before == '_');
        let name = rest.get(..length).filter(|_| is_whole)?;
        PREFIXES.iter().any(|prefix| name.starts_with(prefix)).then_some((at, name))
    })
}
