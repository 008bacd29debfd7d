//! What one build job of a hand-off gets from another: its stage takes these files from the other stage.

use super::chain;
use super::group::{Producer, sources};
use crate::gitlab::{Job, PathPattern, Pipeline, Value};
use crate::handoff::Handoff;
use crate::source::Repository;

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
pub(super) fn of(
    repository: &dyn Repository,
    pipeline: &Pipeline,
    handoff: &Handoff,
    job: &Job,
    stages: &[(Producer<'_>, String)],
) -> Vec<Input> {
    let sources = sources(pipeline, job);
    let relied = chain::relied_on(repository, pipeline, handoff, job);
    let of_one = |(producer, stage): &(Producer<'_>, String)| {
        let is_source = sources.iter().any(|source| source.name == producer.job.name);
        let mut inputs = if is_source { of_stage(producer.job, stage) } else { Vec::new() };
        let cached =
            relied.iter().filter(|relied| relied.filler.as_ref().is_ok_and(|job| job.name == producer.job.name));
        inputs.extend(cached.map(|relied| Input::new(producer.job, stage, &relied.path, None)));
        inputs
    };
    stages.iter().flat_map(of_one).collect()
}

/// What the others of `stages` get from `job`.
pub(super) fn taken(
    repository: &dyn Repository,
    pipeline: &Pipeline,
    handoff: &Handoff,
    job: &Job,
    stages: &[(Producer<'_>, String)],
) -> Vec<PathPattern> {
    let inputs = stages.iter().flat_map(|(other, _)| of(repository, pipeline, handoff, other.job, stages));
    inputs.filter(|input| *input.producer == *job.name).map(|input| input.pattern).collect()
}

fn of_stage(producer: &Job, stage: &str) -> Vec<Input> {
    let artifacts = producer.artifacts();
    let whole = if artifacts.untracked {
        Some("which these are, only a run tells")
    } else if !artifacts.exclude.is_empty() {
        Some("'artifacts:exclude' leaves some of them out")
    } else {
        None
    };
    let untracked = artifacts.fields.get("untracked").filter(|_| artifacts.untracked).map(untracked);
    artifacts.paths.iter().chain(&untracked).map(|pattern| Input::new(producer, stage, pattern, whole)).collect()
}

/// What `artifacts:untracked` names, which no path does.
fn untracked(value: &Value) -> PathPattern {
    PathPattern { text: "**".to_owned(), written: "all untracked files".into(), origin: value.origin, is_known: true }
}

/// A glob of `COPY` matches within one folder, and knows neither `**` nor braces (Dockerfile reference: COPY).
fn obstacle(pattern: &PathPattern) -> Option<&'static str> {
    if !pattern.is_known {
        Some("the path depends on a variable that is not known here")
    } else if pattern.is_unbounded() {
        Some("the whole project is handed on")
    } else if pattern.copied().is_none() {
        Some("the path holds a glob that COPY reads otherwise")
    } else {
        None
    }
}

impl Input {
    fn new(producer: &Job, stage: &str, pattern: &PathPattern, whole: Option<&'static str>) -> Self {
        Self {
            stage: stage.to_owned(),
            producer: producer.name.to_string(),
            pattern: pattern.clone(),
            obstacle: whole.or_else(|| obstacle(pattern)),
        }
    }

    /// The instruction that brings the files into the project's folder of the stage, as those of `owner` if not root's.
    pub(super) fn copy(&self, folder: &str, owner: Option<&str>) -> String {
        let path = self.pattern.copied().unwrap_or(&self.pattern.text);
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        let target = match (path.contains(['*', '?']), parent) {
            (true, "") => "./".to_owned(),
            (true, parent) => format!("./{parent}/"),
            (false, _) => format!("./{path}"),
        };
        let owner = owner.map(|owner| format!(" --chown={owner}")).unwrap_or_default();
        format!("COPY --from={}{owner} {folder}/{path} {target}", self.stage)
    }
}
