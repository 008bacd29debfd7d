//! An image job that builds under a condition: where that does not hold, nobody runs the build job's commands any more.

use crate::docker::{BuildCommand, Step, StepWord, is_certain};
use crate::finding::{Code, Finding};
use crate::fold::situation::Situation;

pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let is_own = |name: &str| *name == *situation.producer.name;
    let own = situation.group.handoffs.iter().filter(|handoff| {
        handoff.consumer == situation.consumer.name && handoff.flows.iter().any(|flow| is_own(&flow.producer))
    });
    let commands: Vec<_> = own.map(|handoff| &handoff.build.command).collect();
    let ways: Vec<_> = commands.iter().map(|command| command.turns.as_slice()).collect();
    let is_reached = !commands.iter().any(|command| may_end_before(situation, command));
    if is_certain(&ways) && is_reached || situation.fate.is_to_stay() {
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

/// Whether the script may end before a build, and yet not fail: `[ -n "$TAG" ] || exit 0`.
fn may_end_before(situation: &Situation<'_>, command: &BuildCommand) -> bool {
    let before = situation.handoff.script.walk.steps.iter().take(command.step);
    let succeeds = |step: &Step| {
        let status = step.words.get(1).and_then(StepWord::text);
        step.program() == Some("exit") && (step.words.len() == 1 || status == Some("0"))
    };
    before.filter(|step| succeeds(step)).any(|step| !step.place.is_confined())
}
