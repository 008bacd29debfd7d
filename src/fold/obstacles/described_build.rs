//! A build that a file describes is followed. What it needs more is passed by the command that names it, or written into the file
//! where nobody else can notice.

use super::command_elsewhere::elsewhere;
use super::older_compose;
use crate::docker::{BuildCommand, Builder, Description, SecretMounts, image_builds};
use crate::finding::{Code, Finding};
use crate::fold::situation::Situation;

/// Variables by which Compose reads other files than those that it looks for, or builds other services.
const OF_COMPOSE: [&str; 3] = ["COMPOSE_FILE", "COMPOSE_PROFILES", "COMPOSE_ENV_FILES"];

pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let command = &situation.build().command;
    let Some(description) = &command.described_in else {
        return Vec::new();
    };
    let options = situation.options_to_add();
    let why = if options.is_empty() { None } else { why_not_passed(situation, command, description) };
    let finding = why.map(|why| {
        let (file, options) = (&description.file, options.join(" "));
        let message = format!(
            "{file} describes this build, and {why}: it would have to pass on what the build reads ({options})"
        );
        let found = elsewhere(situation, message);
        match situation.passed().find(|variable| variable.is_secret()) {
            Some(secret) => found.with_help(format!(
                "build with a plain 'docker build'; if {name} is no secret, pass it with '--pass {name}=arg'",
                name = secret.name
            )),
            None => found,
        }
    });
    let of_compose = (command.builder == Builder::Compose).then(|| of_compose(situation, command, description));
    finding.into_iter().chain(of_compose.into_iter().flatten()).collect()
}

/// Why the command cannot pass what the build needs, as the middle of a sentence.
fn why_not_passed(
    situation: &Situation<'_>,
    command: &BuildCommand,
    description: &Description,
) -> Option<&'static str> {
    let (all, _) = image_builds(situation.repository, &situation.handoff.script.walk);
    let is_alone = all.iter().filter(|other| other.step == command.step).count() == 1;
    let passes_secrets = situation.passed().any(|variable| variable.is_secret());
    match command.builder {
        Builder::Compose => {
            let is_passed = situation.is_passed_by_command() || situation.is_passed_by_compose();
            (!is_passed).then_some("cannot be changed so that nobody else notices")
        }
        // What is set for a target comes to those that inherit from it, and secrets take the place of its own.
        _ if description.is_inherited && !is_alone => Some("another target inherits from it"),
        _ if passes_secrets && command.has_option("--secret") => Some("has secrets of its own"),
        _ => None,
    }
}

/// What holds of a Compose file alone.
fn of_compose(situation: &Situation<'_>, command: &BuildCommand, description: &Description) -> Vec<Finding> {
    let settings = OF_COMPOSE.iter().find(|name| is_set(situation, command, name)).map(|name| {
        let message = format!("{name} may be set here, so that Compose reads other files or builds other services");
        Finding::new(Code::BuildCommandUnclear, situation.command_location(), message)
            .with_help("name the one Compose file by '-f', and the services")
    });
    let message =
        format!("{} describes this image; whoever builds it elsewhere gets the builder stage too", description.file);
    let told = Finding::new(Code::ComposeServiceBuilt, situation.command_location(), message)
        .with_help("nobody has to make the files before the build any more; the first build on a machine takes longer");
    let options = situation.options_to_add();
    let is_edited = !options.is_empty()
        && !situation.is_passed_by_command()
        && situation.secret_mounts != SecretMounts::None
        && situation.is_passed_by_compose();
    let has_secrets = situation.passed().any(|variable| variable.is_secret());
    let older = if is_edited && has_secrets { older_compose::runs_in(situation) } else { None };
    let refused = older.map(|older| {
        let message = format!(
            "{} would have to pass secrets, and {older} 'docker-compose', whose first generation does not read such a file",
            description.file
        );
        Finding::new(Code::BuilderWithoutSecrets, situation.command_location(), message)
            .with_help("run 'docker compose' in its place, or build the image with a plain 'docker build'")
    });
    let edited = (is_edited && refused.is_none()).then(|| {
        let message = format!("{} passes on what the build reads from now on: {}", description.file, options.join(" "));
        let help = match has_secrets {
            true => {
                "whoever builds without these variables passes empty secrets; 'docker-compose' of the first generation does not read such a file"
            }
            false => "whoever builds without these variables passes nothing",
        };
        Finding::new(Code::ComposeFileEdited, situation.command_location(), message).with_help(help)
    });
    settings.into_iter().chain([told]).chain(edited).chain(refused).collect()
}

/// Whether the job, a line of its script or the `.env` file sets a variable.
fn is_set(situation: &Situation<'_>, command: &BuildCommand, name: &str) -> bool {
    let texts = situation.handoff.script.items.iter().filter_map(|item| item.text.as_deref());
    let settings = command.folder.join(".env").and_then(|path| situation.repository.read(&path).ok());
    situation.consumer.variables.get(name).is_some()
        || texts.into_iter().any(|text| text.contains(name))
        || settings.is_some_and(|file| file.text().contains(name))
}
