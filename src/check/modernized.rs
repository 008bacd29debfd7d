//! What `--modernize` changed is what it said, and nothing else differs.

use super::first_difference;
use crate::docker::{BuildCommand, Builder, build_commands};
use crate::fold::Modernization;
use crate::gitlab::{Job, Pipeline, Value};
use crate::handoff::JobScript;

/// Whether every job is what it was, but for what was told of the job `name`.
pub(super) fn is_as_told(before: &Pipeline, after: &Pipeline, name: &str, made: &Modernization) -> Result<(), String> {
    if made.changes.is_empty() {
        return Ok(());
    }
    if before.jobs().len() != after.jobs().len() {
        return Err("--modernize changed which jobs there are".to_owned());
    }
    for job in before.jobs() {
        let now = after.job(&job.name).ok_or_else(|| format!("the job '{}' is gone", job.name))?;
        let is_own = *job.name == *name;
        let may_change = |keyword: &str| {
            is_own
                && matches!(keyword, "after_script" | "before_script" | "script" | "image" | "services" | "variables")
        };
        if let Some(keyword) = first_difference(job, now, may_change) {
            return Err(format!("--modernize changed '{keyword}' of the job '{}'", job.name));
        }
        if is_own {
            texts_are_as_told(job, now, made)?;
            variables_are_as_told(job, now, made)?;
            builds_are_the_same(job, now, made)?;
        }
    }
    Ok(())
}

fn texts_are_as_told(before: &Job, after: &Job, made: &Modernization) -> Result<(), String> {
    let is_same =
        |then: &str, now: &str| then == now || made.rewritten.iter().any(|own| own.before == then && own.after == now);
    let (then, mut now) = (texts(before), texts(after));
    for line in &made.added {
        let place = now.iter().position(|text| text == line);
        now.remove(place.ok_or_else(|| format!("--modernize did not add the line '{line}'"))?);
    }
    if then.len() != now.len() || !then.iter().zip(&now).all(|(then, now)| is_same(then, now)) {
        return Err(format!("--modernize changed more of the job '{}' than it says", before.name));
    }
    Ok(())
}

fn variables_are_as_told(before: &Job, after: &Job, made: &Modernization) -> Result<(), String> {
    let value = |job: &Job, name: &str| job.variables.get(name).map(|(value, _)| value.to_owned());
    for name in before.variables.names().chain(after.variables.names()) {
        let (then, now) = (value(before, name), value(after, name));
        let told = made.variables.iter().find(|(told, _)| told == name).map(|(_, value)| value.as_str());
        let is_rewritten =
            || made.rewritten.iter().any(|own| then.as_ref() == Some(&own.before) && now.as_ref() == Some(&own.after));
        let is_right = match told {
            Some(told) => now.as_deref() == Some(told),
            None => then == now || is_rewritten(),
        };
        if !is_right {
            return Err(format!("--modernize changed the variable {name} of the job '{}'", before.name));
        }
    }
    Ok(())
}

/// Whether the job builds what it built, but for lines that were added.
fn builds_are_the_same(before: &Job, after: &Job, made: &Modernization) -> Result<(), String> {
    let builds = |job: &Job, added: &[String]| -> Vec<BuildCommand> {
        let script = JobScript::new(job);
        let text = |item: usize| script.items.get(item).and_then(|item| item.text.clone()).unwrap_or_default();
        let is_own = |command: &BuildCommand| added.iter().all(|line| **line != *text(command.item));
        build_commands(&script.walk).0.into_iter().filter(is_own).collect()
    };
    let (then, now) = (builds(before, &[]), builds(after, &made.added));
    if then.len() != now.len() || !then.iter().zip(&now).all(|(then, now)| is_same_build(then, now)) {
        return Err(format!("--modernize changed what the job '{}' builds", before.name));
    }
    Ok(())
}

fn is_same_build(then: &BuildCommand, now: &BuildCommand) -> bool {
    // kaniko looks for its Dockerfile in two places, of which another builder is told the right one.
    let is_same_file = then.dockerfile == now.dockerfile || then.other_dockerfile.as_ref() == Some(&now.dockerfile);
    let same_value = |then: &Option<String>, now: &Option<String>| then == now || then.is_none();
    let (old, new) = (&then.build_arguments, &now.build_arguments);
    let has_same_arguments =
        old.len() == new.len() && old.iter().zip(new).all(|(then, now)| then.0 == now.0 && same_value(&then.1, &now.1));
    // A name may hold a variable that is called otherwise today.
    let is_named_alike = match (then.builder, now.builder) {
        (Builder::Kaniko, Builder::Buildctl) => {
            let output = now.option("--output").unwrap_or_default();
            then.has_option("--no-push") || then.tags.iter().all(|tag| output.contains(tag.trim_matches('"')))
        }
        _ => {
            let is_same = |(then, now): (&String, &String)| then == now || then.contains("CI_BUILD_");
            then.tags.len() == now.tags.len() && then.tags.iter().zip(&now.tags).all(is_same)
        }
    };
    is_same_file
        && is_named_alike
        && has_same_arguments
        && then.context.folder() == now.context.folder()
        && then.target == now.target
}

/// The commands, the image and the services of a job.
fn texts(job: &Job) -> Vec<String> {
    // One anchor may stand in several scripts of a job.
    let scripts = job.script().into_iter().chain(job.script_of("after_script"));
    let script = scripts.map(|item| item.text.as_deref().unwrap_or_default().to_owned());
    let image = job.image().map(|image| image.written.to_string());
    let services = job.get("services").map(Value::one_or_many).unwrap_or_default();
    let services = services.iter().filter_map(|service| service.text().or_else(|| service.get("name")?.text()));
    script.chain(image).chain(services.map(|name| name.to_string())).collect()
}
