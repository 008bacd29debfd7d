//! An image job that builds under a condition: where that does not hold, nobody runs the build job's commands any more.

use crate::docker::is_certain;
use crate::finding::{Code, Finding};
use crate::fold::situation::Situation;

pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let is_own = |name: &str| *name == *situation.producer.name;
    let own = situation.group.handoffs.iter().filter(|handoff| {
        handoff.consumer == situation.consumer.name && handoff.flows.iter().any(|flow| is_own(&flow.producer))
    });
    let commands: Vec<_> = own.map(|handoff| &handoff.build.command).collect();
    let ways: Vec<_> = commands.iter().map(|command| command.turns.as_slice()).collect();
    if is_certain(&ways) || situation.fate.is_to_stay() {
        return Vec::new();
    }
    let message = format!(
        "the image job may run without building the image, and then nothing would tell whether '{}' still builds",
        situation.producer.name
    );
    let finding = Finding::new(Code::BuildPerhapsSkipped, situation.command_location(), message)
        .with_related(situation.pipeline.job_location(situation.producer), "this job fails the pipeline now")
        .with_help(
            "let 'rules' of the image job say when it runs, or accept this with '--accept build-perhaps-skipped'",
        );
    vec![finding]
}
