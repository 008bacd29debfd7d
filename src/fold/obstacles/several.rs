//! One producer, one consumer, one build: everything else is a question that the files do not answer.

use crate::finding::{Code, Finding};
use crate::gitlab::Pipeline;
use crate::handoff::Handoff;

/// Whether several jobs take part on either side of `found`.
pub(in crate::fold) fn several(pipeline: &Pipeline, found: &Handoff, all: &[Handoff]) -> Vec<Finding> {
    several_producers(pipeline, found).into_iter().chain(several_consumers(pipeline, found, all)).collect()
}

fn several_producers(pipeline: &Pipeline, found: &Handoff) -> Option<Finding> {
    let mut names: Vec<_> = found.flows.iter().map(|flow| &flow.producer).collect();
    names.dedup();
    if names.len() < 2 {
        return None;
    }
    let consumer = pipeline.job(&found.consumer)?;
    let message = format!(
        "the files for the image of '{}' come from {} jobs, and only one can be folded",
        consumer.name,
        names.len()
    );
    let finding = Finding::new(Code::SeveralProducers, pipeline.job_location(consumer), message)
        .with_help("let one job make all of the files, or leave the pipeline as it is");
    Some(names.into_iter().filter_map(|name| pipeline.job(name)).fold(finding, |finding, producer| {
        finding.with_related(pipeline.job_location(producer), "this job hands on files")
    }))
}

fn several_consumers(pipeline: &Pipeline, found: &Handoff, all: &[Handoff]) -> Option<Finding> {
    let shares = |other: &&Handoff| {
        let same = other.consumer == found.consumer && other.build.command.step == found.build.command.step;
        let producers = other.flows.iter().any(|flow| found.flows.iter().any(|own| own.producer == flow.producer));
        let dockerfile = other.build.command.dockerfile == found.build.command.dockerfile;
        !same && (producers || dockerfile)
    };
    let producer = pipeline.job(&found.flows.first()?.producer)?;
    if !all.iter().any(|other| shares(&other)) {
        return None;
    }
    let message =
        format!("the files of '{}' go into more than one image; each build would make them anew", producer.name);
    let finding = Finding::new(Code::SeveralConsumers, pipeline.job_location(producer), message)
        .with_help("give each image a build job of its own, or leave the pipeline as it is");
    let takes_part = |other: &&Handoff| shares(other) || std::ptr::eq(*other, found);
    let builds = all
        .iter()
        .filter(takes_part)
        .filter_map(|other| other.script.location(pipeline, other.build.command.item, other.build.command.span));
    Some(builds.fold(finding, |finding, location| finding.with_related(location, "one image is built here")))
}
