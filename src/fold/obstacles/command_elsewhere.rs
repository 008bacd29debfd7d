//! A build command that stands in a script or a Makefile of the repository is followed. Such a file is changed only where
//! nobody else can notice: a script that nothing but this job names gets build arguments.

use crate::docker::{BuildCommand, CommandContext, Part};
use crate::finding::{Code, Finding};
use crate::fold::fate::Fate;
use crate::fold::situation::Situation;
use crate::gitlab::Job;
use crate::source::FileKind;
use crate::text::{RepositoryPath, Span};

pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let command = &situation.build().command;
    let part = situation.handoff.script.part(command.item);
    let part = part.filter(|part| part.file().is_some() && !may_change(situation, command, part));
    let reason = part.zip(why_to_change(situation, command));
    let finding = reason.map(|(part, reason)| {
        let place = part.file().map_or_else(String::new, |(source, _)| source.path().to_string());
        elsewhere(situation, format!("the build command stands in {place}, which others may run too: {reason}"))
    });
    finding.into_iter().collect()
}

/// Whether a text may get options: build arguments are of no use to who runs it elsewhere, and no harm.
fn may_change(situation: &Situation<'_>, command: &BuildCommand, part: &Part) -> bool {
    let is_whole = situation.widening.is_none() && !matches!(command.context, CommandContext::Missing(_));
    let adds_arguments = situation.options_to_add().iter().all(|option| option.starts_with("--build-arg "));
    let has_place = part.exact_place(Span::at(command.options_at)).is_some();
    is_whole
        && adds_arguments
        && has_place
        && part.file().is_some_and(|(source, _)| !is_run_elsewhere(situation, source.path()))
}

/// Whether another job runs a file of the repository, or may do so, or another file names it.
fn is_run_elsewhere(situation: &Situation<'_>, path: &RepositoryPath) -> bool {
    let is_pipeline =
        |other: &RepositoryPath| situation.pipeline.files().iter().any(|file| file.source.path() == other);
    let tracked = situation.repository.tracked();
    let files = tracked.keys().filter(|other| *other != path && !is_pipeline(other));
    let is_makefile = path.file_name().to_ascii_lowercase().contains("makefile");
    let name = if is_makefile { "make" } else { path.file_name() };
    let names = |text: &str| text.contains(name);
    // A Makefile is named by no text that runs it; what people read tells them to run what they may.
    let is_executable = |path: &RepositoryPath| tracked.get(path) == Some(&FileKind::Executable);
    let mut others = files.filter(|other| !is_makefile || is_executable(other) || runs_others(other));
    let mut jobs = situation.pipeline.jobs().iter().filter(|job| job.name != situation.consumer.name);
    let scripts = |job: &Job| ["before_script", "script", "after_script"].map(|keyword| job.script_of(keyword));
    let goes = |job: &Job| situation.producer.name == job.name && situation.fate == Fate::Goes;
    let job_names =
        |job: &Job| !goes(job) && scripts(job).iter().flatten().any(|item| item.text.as_deref().is_some_and(names));
    others.any(|other| situation.repository.read(other).is_ok_and(|file| names(file.text()))) || jobs.any(job_names)
}

/// Whether a file may run others, by its name.
fn runs_others(path: &RepositoryPath) -> bool {
    let name = path.file_name().to_ascii_lowercase();
    let endings = [".json", ".mk", ".py", ".sh", ".toml", ".yaml", ".yml"];
    name.contains("makefile") || endings.iter().any(|ending| name.ends_with(ending))
}

pub(super) fn elsewhere(situation: &Situation<'_>, message: String) -> Finding {
    Finding::new(Code::BuildCommandElsewhere, situation.command_location(), message)
        .with_help("write the build command so there yourself, or a plain one in the script of the image job")
}

/// What would have to change about the command.
fn why_to_change(situation: &Situation<'_>, command: &BuildCommand) -> Option<String> {
    let options = situation.options_to_add();
    match (&command.context, &situation.widening) {
        (CommandContext::Missing(_), _) => Some("it names no context".to_owned()),
        (_, Some(_)) => Some("its context would have to become the whole project".to_owned()),
        _ if options.is_empty() => None,
        _ => Some(format!("it would have to pass on what the build reads ({})", options.join(" "))),
    }
}
