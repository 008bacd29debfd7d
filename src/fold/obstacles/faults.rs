//! What is told whatever the verdict: a pipeline that GitLab refuses, and child pipelines with hand-offs of their own.

use crate::finding::{Code, Finding};
use crate::gitlab::{Job, Pipeline, Value};
use crate::handoff::{self, UnclearReason};
use crate::source::Repository;
use crate::text::RepositoryPath;

pub(in crate::fold) fn pipeline_faults(repository: &dyn Repository, pipeline: &Pipeline) -> Vec<Finding> {
    let children = pipeline.jobs().iter().flat_map(|job| children(repository, pipeline, job));
    undeclared_stages(pipeline).into_iter().chain(children).collect()
}

/// A job in a stage that is not declared: GitLab makes no pipeline at all then (GitLab docs: ci/yaml#stage).
fn undeclared_stages(pipeline: &Pipeline) -> Vec<Finding> {
    // What cannot be read here may declare it.
    if !pipeline.unread().is_empty() {
        return Vec::new();
    }
    let runs = |job: &&Job| ["run", "script", "trigger"].iter().any(|keyword| job.get(keyword).is_some());
    let jobs = pipeline.jobs().iter().filter(runs).filter(|job| pipeline.stage_index(job).is_none());
    let finding = |job: &Job| {
        let declared: Vec<_> = pipeline.stages().iter().map(|stage| &**stage).collect();
        let message = format!(
            "'{}' is in the stage {}, which is not declared, and GitLab refuses the whole pipeline",
            job.name,
            job.stage()
        );
        let location = job.get("stage").or_else(|| job.get("type")).map(|stage| pipeline.location(stage.origin));
        Finding::new(Code::StageUndeclared, location.unwrap_or_else(|| pipeline.job_location(job)), message)
            .with_help(format!("declare it under 'stages', or take one of these: {}", declared.join(", ")))
    };
    jobs.map(finding).collect()
}

/// The child pipelines that a job starts from files of the repository and that hold hand-offs themselves.
fn children(repository: &dyn Repository, pipeline: &Pipeline, job: &Job) -> Vec<Finding> {
    let finding = |(path, value): (RepositoryPath, &Value)| {
        let child = Pipeline::read(repository, &path).ok()?;
        let found = handoff::find(&child, repository);
        let consumer = found.handoffs.first().map(|handoff| &handoff.consumer);
        // What another builder takes into its image is not known.
        let mut unclear = found
            .unclear
            .iter()
            .filter(|build| !matches!(build.reason, UnclearReason::Builder(_)) && !build.flows.is_empty());
        let consumer = consumer.or_else(|| unclear.next().map(|build| &build.consumer))?;
        let message = format!(
            "the child pipeline {path} hands files on to the image of '{consumer}', and child pipelines are not folded"
        );
        let help = "what its jobs get of this pipeline, such as variables, is not followed";
        let location = pipeline.location(value.origin);
        Some(Finding::new(Code::ChildPipelineLeftAlone, location, message).with_help(help))
    };
    job.child_pipelines().filter_map(finding).collect()
}
