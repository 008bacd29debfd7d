//! What one build job of a hand-off gets from another: its stage takes these files from the other stage.

use super::group::{Producer, sources};
use crate::gitlab::{Job, PathPattern, Pipeline};

/// Files of one builder stage that another takes.
#[derive(Clone, Debug)]
pub(super) struct Input {
    /// The name of the stage that makes them.
    pub(super) stage: String,
    /// The job whose stage that is.
    pub(super) producer: String,
    /// The files, from the project's folder on.
    pub(super) pattern: PathPattern,
    /// Why they cannot be copied by a `COPY`; `None` where they can.
    pub(super) obstacle: Option<&'static str>,
}

/// What `job` gets from those of `stages`, in their order.
pub(super) fn of(pipeline: &Pipeline, job: &Job, stages: &[(Producer<'_>, String)]) -> Vec<Input> {
    let sources = sources(pipeline, job);
    let given = stages.iter().filter(|(producer, _)| sources.iter().any(|source| source.name == producer.job.name));
    given.flat_map(|(producer, stage)| of_stage(producer.job, stage)).collect()
}

fn of_stage(producer: &Job, stage: &str) -> Vec<Input> {
    let artifacts = producer.artifacts();
    let whole = if artifacts.untracked {
        Some("all untracked files are handed on")
    } else if !artifacts.exclude.is_empty() {
        Some("'artifacts:exclude' leaves some of them out")
    } else {
        None
    };
    let input = |pattern: &PathPattern| Input {
        stage: stage.to_owned(),
        producer: producer.name.to_string(),
        pattern: pattern.clone(),
        obstacle: whole.or_else(|| obstacle(pattern)),
    };
    artifacts.paths.iter().map(input).collect()
}

/// A glob of `COPY` matches within one folder, and knows neither `**` nor braces (Dockerfile reference: COPY).
fn obstacle(pattern: &PathPattern) -> Option<&'static str> {
    if !pattern.is_known {
        Some("the path depends on a variable that is not known here")
    } else if pattern.is_unbounded() {
        Some("the whole project is handed on")
    } else if !is_copied_as_it_is(folder_of(&pattern.text)) {
        Some("the path holds a glob that COPY reads otherwise")
    } else {
        None
    }
}

/// `dist/*` and `dist/**` name all that is in `dist`.
fn folder_of(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    path.strip_suffix("/**/*").or_else(|| path.strip_suffix("/**")).or_else(|| path.strip_suffix("/*")).unwrap_or(path)
}

/// Whether a `COPY` of the path brings the same files to the same places: a folder that a glob matches would be
/// emptied into the target, so a glob must be one for files.
fn is_copied_as_it_is(path: &str) -> bool {
    let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
    let is_glob = |part: &str| part.contains(['*', '?', '[', '{']);
    let is_for_files = name.rsplit_once('.').is_some_and(|(_, ending)| !ending.is_empty() && !is_glob(ending));
    !is_glob(parent) && (!is_glob(name) || is_for_files && !name.contains(['{', '[']))
}

impl Input {
    /// The instruction that brings the files into the project's folder of the stage.
    pub(super) fn copy(&self, folder: &str) -> String {
        let path = folder_of(&self.pattern.text);
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        let target = match (path.contains(['*', '?']), parent) {
            (true, "") => "./".to_owned(),
            (true, parent) => format!("./{parent}/"),
            (false, _) => format!("./{path}"),
        };
        format!("COPY --from={} {folder}/{path} {target}", self.stage)
    }
}
