//! The lines of the image job that come before its build: those that a build of one stage needs as well, and those that
//! it can do without.

use crate::docker::{ImageName, Step};
use crate::fold::situation::Situation;
use crate::gitlab::{Job, ScriptItem, VariableKind, kind_of_variable, names_in};
use crate::syntax::shell::Nesting;

/// Programs that only tell something.
const TELLING: [&str; 14] =
    ["[", "cat", "date", "df", "du", "echo", "env", "ls", "printenv", "printf", "pwd", "test", "true", "whoami"];

/// Beginnings of variables that the docker command reads by itself.
pub(super) const OF_DOCKER: [&str; 4] = ["BUILDKIT_", "BUILDX_", "COMPOSE_", "DOCKER_"];

/// What becomes of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Kept,
    Dropped,
}

/// The items before the build that the check needs.
#[derive(Default)]
pub(super) struct Lines<'a> {
    /// Those of `before_script`.
    pub(super) before: Vec<&'a ScriptItem>,
    /// Those of `script`.
    pub(super) own: Vec<&'a ScriptItem>,
    /// Whether `before_script` has a line that would fail the check.
    pub(super) is_before_limited: bool,
}

/// The items before the build that the check needs, `before_script` and `script` apart.
///
/// # Errors
/// The line of which it cannot be told.
pub(super) fn lines_before<'a>(situation: &'a Situation<'_>, command: &str) -> Result<Lines<'a>, String> {
    let script = &situation.handoff.script;
    let build = &situation.build().command;
    let before_script = situation.consumer.script_of("before_script").len();
    let mut lines = Lines::default();
    for (at, item) in script.items.iter().enumerate().take(build.item) {
        let Some(text) = item.text.as_deref().filter(|text| !text.trim().is_empty()) else {
            continue;
        };
        let steps: Vec<_> = script.walk.steps.iter().filter(|step| step.item == at).collect();
        match line(situation, text, &steps, command) {
            Some(Line::Kept) if at < before_script => lines.before.push(item),
            Some(Line::Kept) => lines.own.push(item),
            Some(Line::Dropped) => lines.is_before_limited |= at < before_script && is_login(text),
            None => return Err(unclear_line(text)),
        }
    }
    same_item(situation, command)?;
    Ok(lines)
}

fn unclear_line(text: &str) -> String {
    let first = text.trim().lines().next().unwrap_or_default();
    format!("the line '{first}' of the image job may matter to its build or not")
}

/// What stands before the build in its own item must be of no use to it.
fn same_item(situation: &Situation<'_>, command: &str) -> Result<(), String> {
    let script = &situation.handoff.script;
    let build = &situation.build().command;
    let text = script.items.get(build.item).and_then(|item| item.text.as_deref()).unwrap_or_default();
    let before: Vec<_> = script.walk.steps.iter().take(build.step).filter(|step| step.item == build.item).collect();
    let head = text.get(..build.span.start()).unwrap_or_default();
    let is_dropped = before.is_empty() && head.trim().is_empty()
        || !before.is_empty() && line(situation, head, &before, command) == Some(Line::Dropped);
    if is_dropped { Ok(()) } else { Err(unclear_line(text)) }
}

/// Whether a line logs in to a registry, or prepares that.
fn is_login(text: &str) -> bool {
    text.contains("docker login") || text.contains("/.docker") || text.contains("get-login")
}

/// What becomes of one item; `None` where it cannot be told.
fn line(situation: &Situation<'_>, text: &str, steps: &[&Step], command: &str) -> Option<Line> {
    if is_login(text) {
        return Some(if needs_login(situation, text) { Line::Kept } else { Line::Dropped });
    }
    if sets_needed(text, command) {
        let is_plain = steps.iter().all(|step| step.program() == Some("export")) && !text.contains('\n');
        return is_plain.then_some(Line::Kept);
    }
    // Lines without a command set variables that the build does not name.
    let verdicts: Option<Vec<_>> = steps.iter().map(|step| verdict(situation, step)).collect();
    Some(if verdicts?.contains(&Line::Kept) { Line::Kept } else { Line::Dropped })
}

fn verdict(situation: &Situation<'_>, step: &Step) -> Option<Line> {
    let words: Vec<_> = step.words.iter().map(|word| word.raw.as_str()).collect();
    match words.as_slice() {
        ["docker", "info" | "version" | "pull" | "images" | "ps" | "image", ..] => {
            let waits = step.place.nesting.contains(&Nesting::Loop);
            Some(if waits { Line::Kept } else { Line::Dropped })
        }
        ["docker", "buildx" | "context", ..] | ["docker", "--version", ..] => Some(Line::Kept),
        ["cd", ..] if step.place.runs_once() => Some(Line::Kept),
        ["sleep", ..] => Some(Line::Kept),
        ["export", ..] | ["mkdir", ..] => Some(Line::Dropped),
        ["apk" | "apt" | "apt-get" | "yum" | "dnf" | "pip" | "pip3", ..] => Some(installs(situation, &words)),
        [program, ..] if TELLING.contains(program) => Some(Line::Dropped),
        _ => None,
    }
}

/// What is installed into an image that has docker serves something else than the build.
fn installs(situation: &Situation<'_>, words: &[&str]) -> Line {
    let image = situation.consumer.image().and_then(|image| image.name);
    let has_docker = image.is_some_and(|name| ImageName::new(&name).name == "docker");
    if has_docker && !words.iter().any(|word| word.contains("docker")) { Line::Dropped } else { Line::Kept }
}

/// Whether the line sets a variable that the build command names, or that docker reads.
fn sets_needed(text: &str, command: &str) -> bool {
    let sets = |name: &str| {
        let assigned = format!("{name}=");
        text.match_indices(&assigned).any(|(at, _)| {
            let before = text.get(..at).and_then(|before| before.chars().next_back());
            before.is_none_or(|before| !before.is_alphanumeric() && before != '_' && before != '-')
        })
    };
    let of_docker = OF_DOCKER.iter().any(|prefix| text.contains(&format!("export {prefix}")));
    of_docker || names_in(command).into_iter().any(sets)
}

/// A login is needed unless the build image is public, and the account may be one that only protected branches know:
/// without the variables of the account the check would fail where the build job did not.
fn needs_login(situation: &Situation<'_>, text: &str) -> bool {
    let job: &Job = situation.consumer;
    // GitLab's own account is one of its registry: where the line names another, the project gives these variables.
    let is_account = |name: &str| matches!(name, "CI_REGISTRY_USER" | "CI_REGISTRY_PASSWORD");
    let is_own_registry = names_in(text).iter().any(|name| name.starts_with("CI_REGISTRY") && !is_account(name));
    let is_given = |name: &str| is_given_to_every_job(name) && (is_own_registry || !is_account(name));
    let is_everywhere = |name: &str| job.variables.get(name).is_some() || is_given(name);
    let image = situation.image.as_ref().and_then(|image| image.name.clone()).unwrap_or_default();
    names_in(text).into_iter().all(is_everywhere) || ImageName::new(&image).may_need_login()
}

/// Whether GitLab itself gives the variable to the jobs of every branch.
fn is_given_to_every_job(name: &str) -> bool {
    let is_secret = matches!(name, "CI_JOB_TOKEN" | "CI_BUILD_TOKEN") || name.starts_with("CI_DEPENDENCY_PROXY_");
    let is_registry = matches!(name, "CI_REGISTRY" | "CI_REGISTRY_IMAGE" | "CI_REGISTRY_USER" | "CI_REGISTRY_PASSWORD");
    is_secret || is_registry || matches!(kind_of_variable(name), VariableKind::Predefined | VariableKind::Shell)
}
