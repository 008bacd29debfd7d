//! A secret of the first build, whose image nobody got, must not go out with what the second build exports.

use super::Check;
use crate::docker::{BuildCommand, Step};
use crate::finding::{Code, Finding, Location};
use crate::gitlab::has_secret_name;
use crate::handoff::writes;

impl Check<'_> {
    /// The secrets that get into the stages of the first image, where the second build exports those.
    pub(super) fn secrets_exported(&self) -> Vec<Finding> {
        let Some(option) = exported_by(&self.found.second.command) else {
            return Vec::new();
        };
        let first = &self.found.first.command;
        let given = first.options.iter().filter(|(name, _)| name == "--build-arg").filter_map(|(_, value)| {
            let value = value.as_deref()?.trim_matches(['"', '\'']);
            let name = value.split_once('=').map_or(value, |(name, _)| name);
            let is_secret = has_secret_name(name) || secret_in(value).is_some();
            is_secret.then(|| (self.command_location(first), format!("the first build is given {name}")))
        });
        let steps = self.found.script.walk.steps.iter().take(first.step);
        let written = steps.filter_map(|step| {
            let secret = self.secret_written(step)?;
            Some((self.step_location(step), format!("this writes {secret} to a file that the first build may take")))
        });
        let finding = |(location, what): (Location, String)| {
            let message = format!(
                "{what}, and '{option}' of the second build would export the layers and arguments of its stages"
            );
            Finding::new(Code::SecretInBuildScript, location, message)
                .with_related(
                    self.command_location(&self.found.second.command),
                    "this exports what all stages are made of",
                )
                .with_help("export without 'mode=max', or give the secret by '--secret', which no layer keeps")
        };
        given.chain(written).map(finding).collect()
    }

    /// The name of a secret that a step writes to a file of the project.
    fn secret_written(&self, step: &Step) -> Option<String> {
        let is_engine = matches!(step.program(), Some("docker" | "podman"));
        let redirects =
            step.redirections.iter().any(|(target, is_written)| *is_written && !target.raw.starts_with("/dev/"));
        if !redirects && (is_engine || writes(step).0.is_empty()) {
            return None;
        }
        let text = self.found.script.items.get(step.item).and_then(|item| item.text.as_deref())?;
        // The body of a here-document stands behind the statement.
        let statement = step.statement.slice(text);
        secret_in(if statement.contains("<<") { text } else { statement })
    }
}

/// The option by which a build hands on the layers or the arguments of all its stages (Docker docs: cache backends, "Cache
/// mode"; provenance attestation, "Max").
fn exported_by(command: &BuildCommand) -> Option<&str> {
    let options = command.options.iter();
    let exports = |name: &str, value: &str| match name {
        "--cache-to" | "--provenance" => value.contains("max"),
        "--attest" => value.contains("provenance") && value.contains("max"),
        _ => false,
    };
    let mut found = options.filter(|(name, value)| exports(name, value.as_deref().unwrap_or_default()));
    found.next().map(|(name, _)| name.as_str())
}

/// The first variable in a text whose name tells of a secret.
fn secret_in(text: &str) -> Option<String> {
    let mut names = text.split('$').skip(1).map(|rest| {
        let rest = rest.trim_start_matches('{');
        let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(rest.len());
        rest.get(..end).unwrap_or_default()
    });
    names.find(|name| has_secret_name(name)).map(str::to_owned)
}
