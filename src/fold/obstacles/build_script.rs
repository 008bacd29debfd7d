//! The script of the build job must be one that a docker build can run.

use crate::docker::{Step, StepWord};
use crate::finding::{Code, Finding, Location};
use crate::fold::environment::{RefusedReason, RefusedVariable};
use crate::fold::situation::Situation;
use crate::syntax::shell::Script;
use crate::text::RepositoryPath;

pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let script = &situation.producer_script;
    if script.items.iter().all(|item| item.text.is_none()) {
        let message = format!("'{}' has no script that could move", situation.producer.name);
        return vec![
            Finding::new(Code::BuildScriptUnreadable, situation.pipeline.job_location(situation.producer), message)
                .with_help("give the job a script that makes the files, or leave the jobs as they are"),
        ];
    }
    let opaque = script.walk.opaque.iter().map(|(item, message)| {
        let location =
            script.item_location(situation.pipeline, *item).unwrap_or_else(|| situation.producer_location("script"));
        Finding::new(
            Code::BuildScriptUnreadable,
            location,
            format!("this part of the build script cannot be read: {message}"),
        )
        .with_help("write it in the syntax of a POSIX shell, each item a whole command")
    });
    let refused = situation.environment.refused.iter().map(refused_variable);
    let named = name_of_folder(situation);
    opaque.chain(refused).chain(named).chain(dynamic(situation)).chain(commands(situation)).collect()
}

fn refused_variable(variable: &RefusedVariable) -> Finding {
    let name = &variable.name;
    let (code, message, help) = match variable.reason {
        RefusedReason::OfTheJob => (
            Code::CiVariableInBuildScript,
            format!("the build reads {name}, which GitLab sets for this job and for the image job differently"),
            format!("take it out of the build, or pass the value of the image job with '--pass {name}=arg'"),
        ),
        RefusedReason::Unclear => (
            Code::CiVariableInBuildScript,
            format!(
                "the build may read {name}, whose value depends on what a docker build does not have, or has several lines"
            ),
            format!("set {name} for the whole pipeline, so that the image job has it too and can pass it on"),
        ),
        RefusedReason::SecretOfTheJob => (
            Code::SecretInBuildScript,
            format!(
                "the build may read {name}, which is or holds a secret, and the image job does not have the same {name}"
            ),
            format!(
                "give the image job the same {name} in its 'variables', or set it for the whole pipeline, so that it can pass it on as a secret; where the build does not read it, take it out of the build job"
            ),
        ),
    };
    Finding::new(code, variable.location.clone(), message).with_help(help)
}

/// A script that goes by the last part of the project's folder, which is the project's name on a runner.
fn name_of_folder(situation: &Situation<'_>) -> Option<Finding> {
    const FOLDERS: [&str; 6] = ["$CI_PROJECT_DIR", "${CI_PROJECT_DIR}", "$PWD", "${PWD}", "$(pwd)", "`pwd`"];
    const CUT: [&str; 2] = ["${PWD##*/}", "${CI_PROJECT_DIR##*/}"];
    let script = &situation.producer_script;
    let bare = |word: &StepWord| word.raw.replace('"', "");
    // Where the runner clones to differs from runner to runner, and is no folder of an image.
    let is_of_runner = |word: &StepWord| bare(word).split('=').any(|part| part.starts_with("/builds/"));
    let names = |step: &&Step| {
        let operands: Vec<_> = step.words.iter().skip(1).map(bare).filter(|word| !word.starts_with('-')).collect();
        let is_folder = operands.first().is_some_and(|word| FOLDERS.contains(&word.trim_end_matches('/')));
        let is_root = step.folder.as_ref().is_some_and(RepositoryPath::is_root);
        let is_project = is_folder && (is_root || operands.iter().any(|word| word.contains("CI_PROJECT_DIR")));
        let links_by_name = step.program() == Some("ln") && operands.len() == 1;
        let cuts = step.words.iter().any(|word| CUT.iter().any(|cut| word.raw.contains(cut)));
        let by_name = is_project && (links_by_name || step.program() == Some("basename")) || cuts && is_root;
        by_name || step.words.iter().any(is_of_runner)
    };
    let step = script.walk.steps.iter().find(names)?;
    let message = "this goes by the name or the place of the project's folder, which is another one in a docker build";
    let finding = Finding::new(Code::CiVariableInBuildScript, script.step_location(situation.pipeline, step)?, message);
    Some(
        finding
            .with_help("say $CI_PROJECT_DIR for the folder, and $CI_PROJECT_NAME or the name itself for its last part"),
    )
}

/// A script that looks variables up by a name it makes may read any of them.
fn dynamic(situation: &Situation<'_>) -> Vec<Finding> {
    let script = &situation.producer_script;
    let found = script.items.iter().enumerate().filter_map(|(index, item)| {
        let parsed = Script::parse(item.text.as_deref()?);
        let span = *parsed.dynamic_variable_access().first()?;
        script.location(situation.pipeline, index, span)
    });
    let finding = |location: Location| {
        let message = "this may read any variable of the job, secrets among them";
        Finding::new(Code::SecretInBuildScript, location, message).with_help("name the variables that the build reads")
    };
    found.map(finding).collect()
}

/// Commands that cannot run in a docker build, or not with the same result.
fn commands(situation: &Situation<'_>) -> Vec<Finding> {
    let script = &situation.producer_script;
    let found = script.walk.steps.iter().filter_map(|step| {
        let program = step.program()?.rsplit('/').next()?;
        let reason = match program {
            "docker" | "docker-compose" | "podman" | "buildah" => "it needs a container engine",
            "git" => "it reads the clone, whose depth and remote are the job's own",
            "systemctl" | "service" => "it needs a running system",
            "gitlab-runner" | "release-cli" | "glab" => "it talks to GitLab as the job",
            "kubectl" | "helm" | "ssh" | "scp" | "rsync" => {
                "it reaches out to other machines, and a cached layer would not"
            }
            _ => return None,
        };
        let location = script.step_location(situation.pipeline, step)?;
        let message = format!("{program} cannot move into a Dockerfile: {reason}");
        let finding = Finding::new(Code::CommandNotForBuild, location, message);
        let is_mounted = |word: &StepWord| ["-v", "--volume", "--mount"].iter().any(|flag| word.raw.starts_with(flag));
        let works_on_sources = matches!(program, "docker" | "podman") && step.words.iter().any(is_mounted);
        Some(finding.with_help(if works_on_sources {
            "give the job the image of the container, and let its script run the command: that can be folded"
        } else {
            "move the command to another job, or leave the build job as it is"
        }))
    });
    found.collect()
}
