//! Several build jobs for one image become several stages, and several images get a stage each, as long as it is clear
//! which files come from which job.

use crate::docker::{StepWord, Turn, exclude_each_other};
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
    let taking = |flow: &Flow| {
        let takes = |handoff: &&&Handoff| handoff.flows.iter().any(|other| other.producer == flow.producer);
        group.handoffs.iter().copied().filter(|handoff| takes(&handoff)).collect::<Vec<_>>()
    };
    let flow = group.handoffs.iter().flat_map(|handoff| &handoff.flows).find(|flow| are_several(&taking(flow)))?;
    let producer = pipeline.job(&flow.producer)?;
    let message =
        format!("the files of '{}' go into more than one image; each build would make them anew", producer.name);
    let finding = Finding::new(Code::SeveralConsumers, pipeline.job_location(producer), message).with_help(
        "if the images may hold files of different runs of the build, accept it with '--accept several-consumers'; else give each image a build job of its own",
    );
    let taking = taking(flow);
    let place = |other: &Handoff, (item, span)| other.script.location(pipeline, item, span);
    let own = |other: &Handoff| place(other, (other.build.command.item, other.build.command.span));
    // A script that is called twice builds twice in one place: the calls tell the two apart.
    let told = |other: &&Handoff| {
        let is_elsewhere = taking.iter().filter(|one| own(one) == own(other)).count() > 1;
        let call = other.build.command.caller.filter(|_| is_elsewhere);
        call.and_then(|call| place(other, call)).or_else(|| own(other))
    };
    let builds = taking.iter().filter_map(told);
    Some(builds.fold(finding, |finding, location| finding.with_related(location, "one image is built here")))
}

/// Whether one pipeline may build several of these images. Of two branches of a job it takes one, and rounds of a loop
/// build the same again, which a builder with a cache of layers does not.
fn are_several(handoffs: &[&Handoff]) -> bool {
    let repeats = |handoff: &Handoff| handoff.build.command.turns.iter().any(Turn::repeats) && !reuses_layers(handoff);
    let are_apart = |one: &Handoff, other: &Handoff| {
        one.consumer == other.consumer && exclude_each_other(&one.build.command.turns, &other.build.command.turns)
    };
    let mut pairs =
        handoffs.iter().enumerate().flat_map(|(at, one)| handoffs.iter().skip(at + 1).map(move |other| (one, other)));
    pairs.any(|(one, other)| !are_apart(one, other)) || handoffs.iter().any(|handoff| repeats(handoff))
}

/// Whether the second round of a loop takes the layers that the first one made.
fn reuses_layers(handoff: &Handoff) -> bool {
    let command = &handoff.build.command;
    let is_off =
        ["--no-cache", "--no-cache-filter", "--squash", "--squash-all"].iter().any(|name| command.has_option(name));
    let words = handoff.script.walk.steps.iter().flat_map(|step| &step.words);
    let is_emptied = words.filter_map(StepWord::text).any(|word| word == "prune");
    command.builder.caches_layers(command.has_option("--layers")) && !is_off && !is_emptied
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
