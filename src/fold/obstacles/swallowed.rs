//! A build that fails must fail the image job, as it failed the build job; else what does not compile goes unnoticed.

use crate::docker::{Failure, Step};
use crate::finding::{Code, Finding};
use crate::fold::situation::Situation;
use crate::handoff::JobScript;
use crate::syntax::shell::Nesting;

pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let steps = &situation.handoff.script.walk.steps;
    let index = situation.build().command.step;
    let script = &situation.handoff.script;
    let reason = steps.get(index).and_then(|step| {
        let before = steps.get(..index).unwrap_or_default();
        let behind = steps.get(index + 1..).unwrap_or_default();
        if let Some(part) = script.part(step.item) {
            return by_its_place(step).or_else(|| in_a_program(script, part.failure, step, (before, behind)));
        }
        by_its_place(step).or_else(|| by_the_shell(before)).or_else(|| by_what_follows(step, behind))
    });
    let finding = |reason: &str| {
        let message = format!("a build that fails would not fail the image job: {reason}");
        Finding::new(Code::BuildFailureIgnored, situation.command_location(), message)
            .with_related(situation.pipeline.job_location(situation.producer), "this job failed the pipeline")
            .with_help("let the build command stand as a script item of its own, so that its failure ends the job")
    };
    reason.map(finding).into_iter().collect()
}

/// A build in a program of its own: what that comes to is what the job's own shell looks at.
fn in_a_program(
    script: &JobScript,
    failure: Failure,
    step: &Step,
    (before, behind): (&[Step], &[Step]),
) -> Option<&'static str> {
    let of_job = |steps: &[Step]| {
        let own = steps.iter().filter(|other| script.part(other.item).is_none());
        own.cloned().collect::<Vec<_>>()
    };
    let of_program = |steps: &[Step]| {
        let own = steps.iter().filter(|other| other.item == step.item && !step.span.covers(other.span));
        own.map(Step::in_own_text).collect::<Vec<_>>()
    };
    let call = before.iter().rfind(|other| step.caller == Some((other.item, other.span)));
    let own = step.in_own_text();
    by_the_shell(&of_job(before))
        .or_else(|| by_its_program(failure, &own, &of_program(before), &of_program(behind)))
        .or_else(|| by_what_follows(&own, &of_program(behind)))
        .or_else(|| by_what_follows(call?, &of_job(behind)))
}

fn by_its_place(step: &Step) -> Option<&'static str> {
    step.place.nesting.iter().find_map(|nesting| match nesting {
        Nesting::Negated => Some("something looks at its exit status, and goes on"),
        Nesting::Background => Some("it runs in the background"),
        Nesting::Substitution => Some("only what it prints is used"),
        _ => None,
    })
}

/// A script of its own goes on behind a failure unless it says otherwise.
fn by_its_program(failure: Failure, step: &Step, before: &[Step], behind: &[Step]) -> Option<&'static str> {
    let settings = before.iter().filter(|step| step.program() == Some("set") && step.place.is_unconditional());
    let is_piped = step.place.nesting.contains(&Nesting::Pipeline);
    let has_word = |other: &Step| other.words.iter().any(|word| word.text() == Some("pipefail"));
    if is_piped && !settings.clone().any(has_word) {
        return Some("a pipe hides that it fails, as the script has no 'set -o pipefail'");
    }
    let mut flags = settings.flat_map(|step| step.words.get(1).and_then(|word| word.text()));
    let last = flags.rfind(|flag| flag.starts_with(['-', '+']) && flag.contains('e'));
    let ends = last.map_or(failure == Failure::Ends, |flag| flag.starts_with('-'));
    match failure {
        Failure::IsIgnored => Some("make goes on where this line fails"),
        _ if ends => None,
        _ => {
            let waits =
                |other: &&Step| other.statement == step.statement && other.place.nesting.contains(&Nesting::And);
            let goes_on = !behind.iter().all(|other| waits(&other));
            goes_on.then_some("the script goes on behind a command that fails, as it has no 'set -e'")
        }
    }
}

/// `set +e` takes away what ends a script at the first failure.
fn by_the_shell(before: &[Step]) -> Option<&'static str> {
    let ends = |step: &&Step| {
        let words: Vec<_> = step.words.iter().filter_map(|word| word.text()).collect();
        words.first() == Some(&"set") && words.iter().any(|word| matches!(*word, "+e" | "+o" | "-e" | "-o"))
    };
    let last = before.iter().rfind(ends)?;
    let is_off = last.words.iter().any(|word| matches!(word.text(), Some("+e" | "+o")));
    is_off.then_some("'set +e' lets the script go on")
}

/// Whether the commands behind `||` end the script with a failure, and do no more than tell so: `|| { echo no; exit 1; }`.
fn gives_up(steps: &[&Step]) -> bool {
    let Some((last, others)) = steps.split_last() else {
        return false;
    };
    let words: Vec<_> = last.words.iter().filter_map(|word| word.text()).collect();
    let fails = matches!(words.as_slice(), ["exit", status] if status.parse().is_ok_and(|status: u8| status != 0));
    let is_certain = |step: &Step| {
        let nesting = &step.place.nesting;
        let is_plain = |one: &Nesting| matches!(one, Nesting::And | Nesting::Or | Nesting::Group | Nesting::Subshell);
        nesting.iter().filter(|one| **one == Nesting::Or).count() == 1 && nesting.iter().all(is_plain)
    };
    let tells = |step: &&Step| matches!(step.program(), Some("echo" | "printf"));
    fails
        && last.redirections.is_empty()
        && is_certain(last)
        && others.iter().all(|step| tells(step) && is_certain(step))
}

/// A command that is tested ends no script by its failure. In front of `&&` that is no loss where nothing comes behind
/// (POSIX: `set -e`).
fn by_what_follows(step: &Step, behind: &[Step]) -> Option<&'static str> {
    if !step.place.nesting.contains(&Nesting::Tested) || ends_its_subshell(step, behind) {
        return None;
    }
    let is_same = |other: &&Step| other.item == step.item && other.statement == step.statement;
    let is_by_and = |other: &Step| {
        let nesting = &other.place.nesting;
        nesting.contains(&Nesting::And) && !nesting.contains(&Nesting::Or)
    };
    let mut rest = behind.iter().skip_while(is_same);
    let by_or: Vec<_> = behind.iter().take_while(is_same).skip_while(|other| is_by_and(other)).collect();
    if gives_up(&by_or) {
        return None;
    }
    if !behind.iter().take_while(is_same).all(is_by_and) {
        return Some("something looks at its exit status, and goes on");
    }
    rest.next().is_some().then_some("it stands in front of '&&', and the script goes on behind that")
}

/// Whether it stands in a list by `&&` with which a subshell ends, as in `(cd web && docker build . && docker push a)`: what that
/// comes to is what the subshell comes to, and nothing tests this (POSIX: `set -e`, "a compound command other than a
/// subshell").
fn ends_its_subshell(step: &Step, behind: &[Step]) -> bool {
    let Some(subshell) = step.subshell else {
        return false;
    };
    let inner = |step: &Step| step.place.nesting.rsplit(|one| *one == Nesting::Subshell).next().map(<[_]>::to_vec);
    let around = step.place.nesting.iter().rposition(|one| *one == Nesting::Subshell).unwrap_or_default();
    let is_tested_outside = step.place.nesting.iter().take(around).any(|one| *one == Nesting::Tested);
    let is_plain = |one: &Nesting| matches!(one, Nesting::And | Nesting::Tested);
    let is_plain = |step: &Step| inner(step).is_some_and(|inner| inner.iter().all(is_plain));
    let is_within =
        |other: &&Step| other.item == step.item && subshell.covers(other.span) && !step.span.covers(other.span);
    let goes_on = |other: &Step| is_plain(other) && inner(other).is_some_and(|inner| inner.contains(&Nesting::And));
    !is_tested_outside && is_plain(step) && behind.iter().filter(is_within).all(goes_on)
}
