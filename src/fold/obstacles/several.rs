//! Several build jobs for one image become several stages, and several images get a stage each, as long as it is clear
//! which files come from which job.

use crate::finding::{Code, Finding};
use crate::fold::group::Group;
use crate::gitlab::{Pipeline, Relation};
use crate::handoff::{Flow, Handoff};

/// What stands in the way of folding the jobs of `group` together.
pub(in crate::fold) fn several(pipeline: &Pipeline, group: &Group<'_>) -> Vec<Finding> {
    let alternatives = group.handoffs.iter().filter_map(|handoff| alternatives(pipeline, handoff));
    alternatives.chain(consumers(pipeline, group)).chain(one_dockerfile(pipeline, group)).collect()
}

/// Two jobs that make the same files: which of them made those in the image depends on what ran, and when.
fn alternatives(pipeline: &Pipeline, found: &Handoff) -> Option<Finding> {
    let meets = |one: &Flow, other: &Flow| {
        let mut pairs = one.patterns.iter().flat_map(|own| other.patterns.iter().map(move |pattern| (own, pattern)));
        one.producer != other.producer && pairs.any(|(own, pattern)| own.relation(&pattern.text) != Relation::Apart)
    };
    let flows = &found.flows;
    let is_one = |flow: &&Flow| flows.iter().any(|other| meets(flow, other) || meets(other, flow));
    let mut names: Vec<_> = flows.iter().filter(is_one).map(|flow| &flow.producer).collect();
    names.dedup();
    let consumer = pipeline.job(&found.consumer)?;
    if names.len() < 2 {
        return None;
    }
    let quoted: Vec<_> = names.iter().map(|name| format!("'{name}'")).collect();
    let message = format!(
        "{} make the same files for the image of '{}', or may make them, and only a pipeline decides which it gets",
        quoted.join(" and "),
        consumer.name
    );
    let finding = Finding::new(Code::SeveralProducers, pipeline.job_location(consumer), message)
        .with_help("let one job make all of the files, or leave the pipeline as it is");
    Some(names.into_iter().filter_map(|name| pipeline.job(name)).fold(finding, |finding, producer| {
        finding.with_related(pipeline.job_location(producer), "this job hands on files")
    }))
}

/// Each image builds the files anew, so they may differ where the build is not reproducible.
fn consumers(pipeline: &Pipeline, group: &Group<'_>) -> Option<Finding> {
    let goes_into_several = |flow: &&Flow| {
        let takes = |handoff: &&&Handoff| handoff.flows.iter().any(|other| other.producer == flow.producer);
        group.handoffs.iter().filter(takes).count() > 1
    };
    let flow = group.handoffs.iter().flat_map(|handoff| &handoff.flows).find(goes_into_several)?;
    let producer = pipeline.job(&flow.producer)?;
    let message =
        format!("the files of '{}' go into more than one image; each build would make them anew", producer.name);
    let finding = Finding::new(Code::SeveralConsumers, pipeline.job_location(producer), message).with_help(
        "if the images may hold files of different runs of the build, accept it with '--accept several-consumers'; else give each image a build job of its own",
    );
    let taking =
        group.handoffs.iter().filter(|handoff| handoff.flows.iter().any(|other| other.producer == flow.producer));
    let builds =
        taking.filter_map(|other| other.script.location(pipeline, other.build.command.item, other.build.command.span));
    Some(builds.fold(finding, |finding, location| finding.with_related(location, "one image is built here")))
}

/// A Dockerfile can be changed in one way only, whoever builds it.
fn one_dockerfile(pipeline: &Pipeline, group: &Group<'_>) -> Option<Finding> {
    let differs = |one: &&Handoff, other: &&Handoff| {
        let same_file = one.build.command.dockerfile == other.build.command.dockerfile;
        let producers = |handoff: &Handoff| handoff.flows.iter().map(|flow| flow.producer.clone()).collect::<Vec<_>>();
        same_file && (!one.builds_the_same(other) || producers(one) != producers(other))
    };
    let (first, second) = group
        .handoffs
        .iter()
        .enumerate()
        .flat_map(|(at, one)| group.handoffs.iter().skip(at + 1).map(move |other| (one, other)))
        .find(|(one, other)| differs(one, other))?;
    let place =
        |handoff: &Handoff| handoff.script.location(pipeline, handoff.build.command.item, handoff.build.command.span);
    let file = &first.build.command.dockerfile;
    let names = |handoff: &Handoff| {
        let names: Vec<_> = handoff.flows.iter().map(|flow| format!("'{}'", flow.producer)).collect();
        format!("{} in the job '{}'", names.join(" and "), handoff.consumer)
    };
    let message = if first.builds_the_same(second) {
        format!(
            "{file} takes the files of {} and of {}, and a builder stage can only serve one of them",
            names(first),
            names(second)
        )
    } else {
        format!("{file} is built in two ways, and a builder stage can only serve one of them")
    };
    let finding = Finding::new(Code::DockerfileShared, place(second)?, message)
        .with_help("build it with the same context, target and files everywhere, or give each build a Dockerfile");
    Some(finding.with_related(place(first)?, "it is also built here"))
}
