//! Builds that files flow to and that cannot be followed.

use super::includes;
use crate::finding::{Code, Finding, Location};
use crate::fold::{Intent, Plan};
use crate::gitlab::Pipeline;
use crate::handoff::{Flow, OtherBuilder, UnclearBuild, UnclearReason};
use crate::outcome::{Applicability, HandoffSummary, Via};
use crate::source::ReadError;
use crate::text::RepositoryPath;

/// The plan for a build that cannot be followed: a refusal that says why.
pub(in crate::fold) fn unclear_build(pipeline: &Pipeline, build: &UnclearBuild) -> Plan {
    let (dockerfile, told) = match &build.reason {
        UnclearReason::File(command, ..) => (command.dockerfile.clone(), told(&build.flows)),
        UnclearReason::Producer(absent) => (absent.dockerfile.clone(), (Via::Artifacts, Vec::new())),
        _ => (RepositoryPath::root(), told(&build.flows)),
    };
    let (via, paths) = told;
    let producers = match &build.reason {
        UnclearReason::Producer(absent) => vec![absent.name.to_string()],
        _ => producers(&build.flows, via),
    };
    let summary = HandoffSummary {
        via,
        producers,
        consumer: build.consumer.to_string(),
        paths,
        dockerfile,
        kept: Vec::new(),
        fallback: None,
    };
    Plan {
        summaries: vec![summary],
        findings: vec![finding(pipeline, build)],
        changes: None,
        intent: Intent::default(),
        applicability: Applicability::Safe,
    }
}

/// The jobs whose files go this way, each once.
fn producers(flows: &[Flow], via: Via) -> Vec<String> {
    let mut producers: Vec<String> = Vec::new();
    for flow in flows.iter().filter(|flow| flow.via == via) {
        if !producers.contains(&flow.producer.to_string()) {
            producers.push(flow.producer.to_string());
        }
    }
    producers
}

/// The way that reports tell of these flows, and the paths that go it, each once.
pub(in crate::fold) fn told(flows: &[Flow]) -> (Via, Vec<String>) {
    let has_artifacts = flows.iter().any(|flow| flow.via == Via::Artifacts);
    let via = if has_artifacts { Via::Artifacts } else { flows.first().map_or(Via::DockerCp, |flow| flow.via) };
    let mut paths: Vec<String> = Vec::new();
    for pattern in flows.iter().filter(|flow| flow.via == via).flat_map(|flow| &flow.patterns) {
        let written = pattern.written.to_string();
        if !paths.contains(&written) {
            paths.push(written);
        }
    }
    (via, paths)
}

/// The finding for a step of the script that stands at `location`.
fn of_step(reason: &UnclearReason, location: Location) -> Finding {
    match reason {
        UnclearReason::Builder(builder) => {
            let message = format!("the image is built by {}, which is not folded yet", builder.name);
            Finding::new(Code::BuilderUnsupported, location, message)
            .with_help("builds by 'docker build', 'docker buildx build', 'docker compose build', 'nerdctl build', 'buildctl build', kaniko, 'buildah build' and 'podman build' are folded")
        }
        UnclearReason::Laid(_) => {
            let message =
                "this lays files of the hand-off where the Dockerfile takes them, in a way that is not followed";
            Finding::new(Code::HandoffUsedOutsideBuild, location, message)
                .with_help("let the Dockerfile copy the files from where the build job makes them")
        }
        _ => {
            let message =
                "a container makes or hands over the files that the Dockerfile copies, in a way that is not followed";
            Finding::new(Code::BuilderUnsupported, location, message).with_help(
                "only 'docker create --name NAME IMAGE' with 'docker cp NAME:/path place' is folded so far, each as a script item of its own",
            )
        }
    }
}

fn finding(pipeline: &Pipeline, build: &UnclearBuild) -> Finding {
    let job = pipeline.job(&build.consumer);
    let otherwise = || job.map_or(Location::File(RepositoryPath::root()), |job| pipeline.job_location(job));
    match &build.reason {
        UnclearReason::Command(problem) => {
            let location = build.script.location(pipeline, problem.item, problem.span).unwrap_or_else(otherwise);
            Finding::new(Code::BuildCommandUnclear, location, format!("the build command {}", problem.what))
                .with_help("write the build as one plain command with literal options")
        }
        UnclearReason::Script(item, message) => {
            let location = build.script.item_location(pipeline, *item).unwrap_or_else(otherwise);
            Finding::new(
                Code::BuildCommandUnclear,
                location,
                format!("this part of the script cannot be read: {message}"),
            )
        }
        UnclearReason::Builder(OtherBuilder { step, .. })
        | UnclearReason::Container(step)
        | UnclearReason::Laid(step) => {
            let step = build.script.walk.steps.get(*step);
            let location = step.and_then(|step| build.script.step_location(pipeline, step)).unwrap_or_else(otherwise);
            of_step(&build.reason, location)
        }
        UnclearReason::Producer(absent) => {
            let message = format!(
                "the pipeline takes in {}, which cannot be read here, and '{}', whose files '{}' asks for, is in no file that can",
                absent.include.what, absent.name, build.consumer
            );
            Finding::new(Code::IncludeNeeded, absent.include.location.clone(), message)
                .with_related(pipeline.location(absent.named), "it is asked for here")
                .with_help(includes::HELP)
        }
        UnclearReason::File(command, path, error) => {
            let location = build.script.location(pipeline, command.item, command.span).unwrap_or_else(otherwise);
            let message = match error {
                ReadError::Missing => format!("there is no {path} in the repository"),
                error => format!("{path}: {error}"),
            };
            Finding::new(Code::DockerfileMissing, location, message)
                .with_help("a Dockerfile that a job makes, or that lies outside the repository, cannot be folded")
        }
    }
}
