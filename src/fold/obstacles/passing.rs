//! What the build command passes on must reach the builder stage, and nothing else must get it.

use crate::docker::{ImageName, SecretMounts};
use crate::finding::{Code, Finding};
use crate::fold::environment::{Certainty, PassedVariable, Way, first_settings};
use crate::fold::situation::Situation;
use crate::gitlab::{VariableKind, kind_of_variable};

pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let each = situation.passed().flat_map(|variable| {
        let different = different(situation, variable);
        let taken = taken(situation, variable);
        let shadowed = shadowed(situation, variable);
        let taken = taken.into_iter().chain(shadowed);
        different.into_iter().chain(taken).chain(uncertain(situation, variable)).chain(written(variable))
    });
    each.chain(shared_line(situation)).chain(fixed(situation)).collect()
}

/// The command takes values from the image job's environment, so they must be the same there.
fn different(situation: &Situation<'_>, variable: &PassedVariable) -> Option<Finding> {
    let (name, code) = (&variable.name, code_of(variable));
    if matches!(variable.way, Way::Composed(_)) {
        return None;
    }
    let place = situation.consumer.variables.get(name);
    let is_token = ["id_tokens", "secrets"]
        .iter()
        .any(|keyword| situation.consumer.get(keyword).is_some_and(|given| given.get(name).is_some()));
    if is_token || !situation.has_same_in_consumer(name) {
        let has_none = !is_token
            && situation.consumer.variables.get(name).is_none()
            && situation.producer.variables.get(name).is_some()
            && !first_settings(&situation.handoff.script).contains_key(name);
        let (message, help) = if has_none {
            (
                format!("the build reads {name}, and the image job does not have it"),
                format!("give the image job the same {name} in its 'variables', so that it can pass it on"),
            )
        } else {
            (
                format!("the build reads {name}, and the image job gives {name} a value of its own"),
                format!("give one of the two another name than {name}"),
            )
        };
        let finding = Finding::new(code, variable.location.clone(), message).with_help(help);
        return Some(match place {
            Some((_, origin)) => {
                finding.with_related(situation.pipeline.location(origin), "the image job has this one")
            }
            None => finding,
        });
    }
    let is_of_project = place.is_none() && kind_of_variable(name) == VariableKind::Secret;
    (is_of_project && situation.consumer.get("environment").is_some()).then(|| {
        let message = format!("the image job has an environment, for which the project may define another {name}");
        Finding::new(code, variable.location.clone(), message)
            .with_related(situation.consumer_location("environment"), "its variables win over those of the project")
            .with_help("deploy in a job of its own, behind the one that builds the image")
    })
}

/// Another stage may declare an argument of the same name, or the command may pass something else under it.
fn taken(situation: &Situation<'_>, variable: &PassedVariable) -> Option<Finding> {
    let (name, command) = (&variable.name, &situation.build().command);
    let option = variable.option()?;
    let message = match variable.is_secret() {
        true if command.passes_secret(name, &option) == Some(false) => {
            format!("the build command passes another secret of the name {name} already")
        }
        false if command.passes_argument(name) == Some(false) => {
            format!("the build command passes {name} with another value already")
        }
        false if !situation.may_pass_argument(name) => {
            format!("the build reads {name}, and to pass it would change what the Dockerfile has under that name")
        }
        _ => return None,
    };
    let help =
        format!("pass {name} to the Dockerfile under the same name and with its own value, or rename one of the two");
    Some(Finding::new(code_of(variable), variable.location.clone(), message).with_help(help))
}

/// In the legacy builder a base image's `ENV` wins over an argument of the same name; in BuildKit the argument does.
fn shadowed(situation: &Situation<'_>, variable: &PassedVariable) -> Option<Finding> {
    let name = &variable.name;
    let image = situation.image.as_ref().and_then(|image| image.name.as_deref()).unwrap_or_default();
    let may_be_set = kind_of_variable(name) == VariableKind::Shell
        || kind_of_variable(name) == VariableKind::Secret && !ImageName::new(image).is_official();
    let is_argument = matches!(variable.way, Way::Argument(_));
    (is_argument && may_be_set && situation.secret_mounts == SecretMounts::None).then(|| {
        let image = if image.is_empty() { "the build image" } else { image };
        let message =
            format!("{image} may set {name} itself, and the legacy builder would let that win over the argument");
        Finding::new(Code::VariableOriginUnknown, variable.location.clone(), message)
            .with_help("build with BuildKit (docker:23 or later, or 'DOCKER_BUILDKIT: 1'), where the argument wins")
    })
}

/// What a secret is taken for, where its use does not settle it.
fn uncertain(situation: &Situation<'_>, variable: &PassedVariable) -> Option<Finding> {
    let name = &variable.name;
    let (code, message, help) = match (variable.certainty, &variable.way) {
        (Certainty::Sure, _) => return None,
        (Certainty::MayBeFile, Way::File) => (
            Code::SecretKindUnclear,
            format!("the build uses {name} as the path of a file, so it is taken for a variable of the type 'file'"),
            format!("say what it is with '--pass {name}=file' or '--pass {name}=secret'"),
        ),
        (Certainty::MayBeFile, _) => (
            Code::SecretKindUnclear,
            format!("the build uses {name} as a value and as the path of a file, and it is taken for a value"),
            format!("say what it is with '--pass {name}=file' or '--pass {name}=secret'"),
        ),
        (Certainty::MayBeUnset, _) => (
            Code::VariableOriginUnknown,
            format!(
                "this reads {name}, which nothing here defines; where the project does not, a secret mount would set it to nothing"
            ),
            format!(
                "if the project's settings define {name}, say so with '--pass {name}=secret'; '--pass {name}=arg' leaves it unset"
            ),
        ),
        (Certainty::MayBeOfTheImage, _) => (
            Code::VariableOriginUnknown,
            format!(
                "nothing here defines {name}; it is taken for a secret of the project, and {} may set it instead",
                situation.image.as_ref().map_or("the image", |image| &image.written)
            ),
            format!("say what it is with '--pass {name}=secret' or '--pass {name}=arg'; the image's own need neither"),
        ),
    };
    Some(Finding::new(code, variable.location.clone(), message).with_help(help))
}

/// Texts that people write may hold anything, several lines among them.
fn written(variable: &PassedVariable) -> Option<Finding> {
    let name = &variable.name;
    (kind_of_variable(name) == VariableKind::Written && !variable.is_secret()).then(|| {
        let message = format!("the build reads {name}, which anybody who may push can write");
        Finding::new(Code::CommitTextInBuild, variable.location.clone(), message)
            .with_help("the layers behind it are built anew for each text; name a commit by its hash instead")
    })
}

/// A line that other jobs share gets no options.
fn shared_line(situation: &Situation<'_>) -> Option<Finding> {
    let item = situation.handoff.script.items.get(situation.build().command.item)?;
    let options = situation.options_to_add();
    (!options.is_empty() && !situation.is_consumers_own(item.origin)).then(|| {
        let message = format!(
            "the build command has to pass on what the build reads ({}), and other jobs share the line",
            options.join(" ")
        );
        Finding::new(Code::JobDefinitionShared, situation.command_location(), message)
            .with_help("write the build command in the image job itself")
    })
}

/// Values of the YAML that are written into the stage no longer follow a manual run.
fn fixed(situation: &Situation<'_>) -> Option<Finding> {
    let is_of_yaml = |name: &str| situation.producer.variables.get(name).is_some();
    let set = situation.environment.set.iter().map(|(name, _)| name.as_str());
    let names: Vec<_> = set.filter(|name| is_of_yaml(name)).collect();
    (!names.is_empty()).then(|| {
        let message = format!(
            "these values stand in the builder stage, where a manual run and the project's settings do not change them: {}",
            names.join(", ")
        );
        Finding::new(Code::VariableValueFixed, situation.producer_location("variables"), message)
            .with_help("pass one on with '--pass NAME=arg', or give it a 'description' in the pipeline")
    })
}

fn code_of(variable: &PassedVariable) -> Code {
    if variable.is_secret() { Code::SecretInBuildScript } else { Code::CiVariableInBuildScript }
}
