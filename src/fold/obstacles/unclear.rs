//! Builds that files flow to and that cannot be followed.

use super::includes;
use crate::finding::{Code, Finding, Location};
use crate::fold::{Intent, Plan};
use crate::gitlab::Pipeline;
use crate::handoff::{Flow, Handover, OtherBuilder, UnclearBuild, UnclearReason};
use crate::outcome::{Applicability, HandoffSummary, Via};
use crate::source::ReadError;
use crate::text::RepositoryPath;

/// The plan for a build that cannot be followed: a refusal that says why.
pub(in crate::fold) fn unclear_build(pipeline: &Pipeline, build: &UnclearBuild) -> Plan {
    let (dockerfile, told) = match &build.reason {
        UnclearReason::File(command, ..) => (command.dockerfile.clone(), told(&build.flows)),
        UnclearReason::Producer(absent) => (absent.dockerfile.clone(), (Via::Artifacts, Vec::new())),
        UnclearReason::Image(image) => (image.source.path().clone(), (Via::DockerCp, vec![image.image.clone()])),
        _ => (RepositoryPath::root(), told(&build.flows)),
    };
    let (via, paths) = told;
    let producers = match &build.reason {
        UnclearReason::Producer(absent) => vec![absent.name.to_string()],
        UnclearReason::Image(image) => vec![image.producer.to_string()],
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
            .with_help("builds by 'docker build', 'docker buildx build', 'docker buildx bake', 'docker compose build', 'nerdctl build', 'buildctl build', kaniko, 'buildah build', 'podman build' and 'img build' are folded")
        }
        UnclearReason::Laid(_) => {
            let message =
                "this lays files of the hand-off where the Dockerfile takes them, in a way that is not followed";
            Finding::new(Code::HandoffUsedOutsideBuild, location, message)
                .with_help("let the Dockerfile copy the files from where the build job makes them")
        }
        UnclearReason::Container(_, how) => {
            let (message, help) = told_of_container(*how);
            Finding::new(Code::BuilderUnsupported, location, message).with_help(help)
        }
        UnclearReason::Command(_)
        | UnclearReason::Script(..)
        | UnclearReason::File(..)
        | UnclearReason::Image(_)
        | UnclearReason::Producer(_) => {
            Finding::new(Code::BuilderUnsupported, location, "this part of the build is not followed")
        }
    }
}

/// What a container hands over, and the way out.
const fn told_of_container(how: Handover) -> (&'static str, &'static str) {
    match how {
        Handover::Copied => (
            "this copies files out of a container of which it is not known how this job made it",
            "build the image, make the container by 'docker create' and copy out of it in this job, each as a script item of its own",
        ),
        Handover::CopiedUnfollowed => (
            "this copies files out of a container, and no build in front of that is known to make its image for the builder that takes the files",
            "build the image in front of 'docker create' by 'docker build', with this tag and a Dockerfile that git has, and both images by one builder",
        ),
        Handover::CopiedFromElsewhere => (
            "this copies files out of an image that this job did not build, and whose Dockerfile is not known here",
            "build the first image in this job, or copy the files in the Dockerfile by COPY --from with its name",
        ),
        Handover::Mounted => (
            "a container makes files in the job's folder, into which it is mounted, and the Dockerfile may copy them",
            "run the command in a build job that has this image, and hand the files on by artifacts: that can be folded",
        ),
        Handover::Printed => (
            "what a container prints becomes files of the job, and the Dockerfile may copy them: modes and owners are the job's then",
            "copy the files out by 'docker create' and 'docker cp': that can be folded",
        ),
        Handover::Composed => (
            "a service of a compose file may make files in the job's folder, and the Dockerfile may copy them",
            "build the image of the service by 'docker build', and copy the files out by 'docker create' and 'docker cp'",
        ),
        Handover::OpenedUp => (
            "this mounts the files of a container into the job, and the Dockerfile may copy them",
            "build the first image of a Dockerfile, and copy the files out by 'podman create' and 'podman cp'",
        ),
        Handover::WrittenOut => (
            "this build writes files into the job's folder, and the Dockerfile may copy them, in a way that is not followed",
            "write them to a folder of their own: docker build --output FOLDER, of a stage that starts FROM scratch",
        ),
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
        | UnclearReason::Container(step, _)
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
        UnclearReason::Image(image) => {
            let message =
                format!("this copies files out of {}, an image that '{}' builds", image.image, image.producer);
            Finding::new(Code::ImageOfOtherBuild, Location::new(&image.source, image.span), message).with_help(
                "write the stages of that image into this Dockerfile, and copy from the stage; an image that is not built here stays as it is",
            )
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
