//! A build command that stands in a script or a Makefile of the repository is followed. Such a file is changed only where
//! nobody else can notice: a script that nothing but this job names gets build arguments.

use crate::docker::{BuildCommand, CommandContext, Part};
use crate::finding::{Code, Finding};
use crate::fold::situation::Situation;
use crate::gitlab::Job;
use crate::text::RepositoryPath;

pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let command = &situation.build().command;
    let part = situation.handoff.script.part(command.item);
    let part = part.filter(|part| !may_change(situation, command, part));
    let reason = part.zip(why_to_change(situation, command));
    let finding = reason.map(|(part, reason)| {
        let place = part.source.path();
        elsewhere(situation, format!("the build command stands in {place}, which others may run too: {reason}"))
    });
    finding.into_iter().collect()
}

/// Whether a text may get options: build arguments are of no use to who runs it elsewhere, and no harm.
fn may_change(situation: &Situation<'_>, command: &BuildCommand, part: &Part) -> bool {
    let is_whole = situation.widening.is_none() && !matches!(command.context, CommandContext::Missing(_));
    let adds_arguments = situation.options_to_add().iter().all(|option| option.starts_with("--build-arg "));
    is_whole && adds_arguments && part.is_exact() && !is_named_elsewhere(situation, part.source.path())
}

/// Whether another job, or another file, names a file of the repository.
fn is_named_elsewhere(situation: &Situation<'_>, path: &RepositoryPath) -> bool {
    let name = path.file_name();
    let names = |text: &str| text.contains(name);
    let is_pipeline =
        |other: &RepositoryPath| situation.pipeline.files().iter().any(|file| file.source.path() == other);
    let mut others = situation.repository.tracked().keys().filter(|other| *other != path && !is_pipeline(other));
    let mut jobs = situation.pipeline.jobs().iter().filter(|job| job.name != situation.consumer.name);
    let scripts = |job: &Job| ["before_script", "script", "after_script"].map(|keyword| job.script_of(keyword));
    let job_names = |job: &Job| scripts(job).iter().flatten().any(|item| item.text.as_deref().is_some_and(names));
    others.any(|other| situation.repository.read(other).is_ok_and(|file| names(file.text()))) || jobs.any(job_names)
}

pub(super) fn elsewhere(situation: &Situation<'_>, message: String) -> Finding {
    Finding::new(Code::BuildCommandElsewhere, situation.command_location(), message)
        .with_help("write the build command so there yourself, or a plain one in the script of the image job")
}

/// What would have to change about the command.
pub(super) fn why_to_change(situation: &Situation<'_>, command: &BuildCommand) -> Option<String> {
    let options = situation.options_to_add();
    match (&command.context, &situation.widening) {
        (CommandContext::Missing(_), _) => Some("it names no context".to_owned()),
        (_, Some(_)) => Some("its context would have to become the whole project".to_owned()),
        _ if options.is_empty() => None,
        _ => Some(format!("it would have to pass on what the build reads ({})", options.join(" "))),
    }
}
