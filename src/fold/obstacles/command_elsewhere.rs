//! A build command that stands in a script or a Makefile of the repository is followed, and so is one that builds what a
//! Compose file describes. These files are changed only where nobody else can notice: a script that nothing but this job
//! names gets build arguments.

use crate::docker::{BuildCommand, CommandContext, Part, image_builds};
use crate::finding::{Code, Finding};
use crate::fold::situation::Situation;
use crate::gitlab::Job;
use crate::text::RepositoryPath;

/// Variables by which Compose reads other files than those that it looks for, or builds other services.
const OF_COMPOSE: [&str; 3] = ["COMPOSE_FILE", "COMPOSE_PROFILES", "COMPOSE_ENV_FILES"];

pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let command = &situation.build().command;
    let of_compose = command.described_in.iter().flat_map(|file| described(situation, command, file));
    let part = situation.handoff.script.part(command.item);
    let part = part.filter(|part| !may_change(situation, command, part));
    let reason = part.zip(why_to_change(situation, command));
    let finding = reason.map(|(part, reason)| {
        let place = part.source.path();
        elsewhere(situation, format!("the build command stands in {place}, which others may run too: {reason}"))
    });
    of_compose.chain(finding).collect()
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

fn elsewhere(situation: &Situation<'_>, message: String) -> Finding {
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

/// What a Compose file describes. Build arguments alone can be passed by the command, where it builds nothing else.
fn described(situation: &Situation<'_>, command: &BuildCommand, file: &RepositoryPath) -> Vec<Finding> {
    let (all, _) = image_builds(situation.repository, &situation.handoff.script.walk);
    let is_alone = all.iter().filter(|other| other.step == command.step).count() == 1;
    let may_pass = is_alone && situation.widening.is_none() && situation.passed().all(|variable| !variable.is_secret());
    let reason = why_to_change(situation, command).filter(|_| !may_pass);
    let finding = reason.map(|reason| {
        let found = elsewhere(situation, format!("{file} describes this build, and is left alone: {reason}"));
        match situation.passed().find(|variable| variable.is_secret()) {
            Some(secret) => found.with_help(format!(
                "build with a plain 'docker build'; if {name} is no secret, pass it with '--pass {name}=arg'",
                name = secret.name
            )),
            None => found,
        }
    });
    let settings = OF_COMPOSE.iter().find(|name| is_set(situation, command, name)).map(|name| {
        let message = format!("{name} may be set here, so that Compose reads other files or builds other services");
        Finding::new(Code::BuildCommandUnclear, situation.command_location(), message)
            .with_help("name the one Compose file by '-f', and the services")
    });
    let message = format!("{file} describes this image; whoever builds it elsewhere gets the builder stage too");
    let told = Finding::new(Code::ComposeServiceBuilt, situation.command_location(), message)
        .with_help("nobody has to make the files before the build any more; the first build on a machine takes longer");
    finding.into_iter().chain(settings).chain([told]).collect()
}

/// Whether the job, a line of its script or the `.env` file sets a variable.
fn is_set(situation: &Situation<'_>, command: &BuildCommand, name: &str) -> bool {
    let texts = situation.handoff.script.items.iter().filter_map(|item| item.text.as_deref());
    let settings = command.folder.join(".env").and_then(|path| situation.repository.read(&path).ok());
    situation.consumer.variables.get(name).is_some()
        || texts.into_iter().any(|text| text.contains(name))
        || settings.is_some_and(|file| file.text().contains(name))
}
