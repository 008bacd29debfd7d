//! Secrets of the build: the builder must have mounts for them, and none of them may get into the image on a new way.

use std::collections::BTreeSet;

use crate::docker::{SecretMounts, Step, StepWord, place_in_repository};
use crate::finding::{Code, Finding, Location};
use crate::fold::environment::{PassedVariable, assignments, is_named_in};
use crate::fold::situation::Situation;
use crate::gitlab::{Relation, relation_of_paths};
use crate::handoff::{JobScript, writes};
use crate::syntax::shell::Script;
use crate::text::RepositoryPath;

/// The first release of Docker whose client takes secrets (Docker Engine release notes, 20.10).
const FIRST_WITH_SECRETS: (u32, u32) = (20, 10);

pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let secrets: Vec<_> = situation.passed().filter(|variable| variable.is_secret()).collect();
    let Some(first) = secrets.first() else {
        return Vec::new();
    };
    if situation.secret_mounts == SecretMounts::None {
        return vec![no_mounts(situation, first)];
    }
    let builder = situation.turns_on_buildkit.then(|| by_buildkit(situation, first));
    let asked = secrets.iter().filter_map(|secret| asked_whether_set(situation, secret));
    let passed = secrets.iter().map(|secret| passed(secret));
    builder.into_iter().chain(asked).chain(kept(situation, &secrets)).chain(passed).collect()
}

fn by_buildkit(situation: &Situation<'_>, secret: &PassedVariable) -> Finding {
    let message = format!(
        "this engine builds by its legacy builder, which takes no secrets, and the build reads {}: the command asks for BuildKit",
        secret.name
    );
    Finding::new(Code::BuildkitTurnedOn, situation.command_location(), message).with_help(
        "an image of docker:23 or later does so by itself; if the variable is no secret, '--pass NAME=arg' leaves the builder as it is",
    )
}

fn no_mounts(situation: &Situation<'_>, secret: &PassedVariable) -> Finding {
    let name = &secret.name;
    let builder = situation.build().command.builder;
    let is_too_old = situation.engine().version.is_some_and(|version| version < FIRST_WITH_SECRETS);
    let (why, command, way) = if !builder.has_engine() && !builder.is_buildkit() {
        let why = format!("{} takes no secrets", builder.name());
        (why, "this builds the image", "build with Docker 23 or later, or with BuildKit".to_owned())
    } else if builder.has_engine() && is_too_old {
        let why = "the engine of the image job is too old to take secrets".to_owned();
        (why, "this runs an engine older than 20.10", "use an image of docker:23 or later".to_owned())
    } else {
        let why = "the builder of the image job is not known to take secrets".to_owned();
        let way = "build with BuildKit (docker:23 or later, or 'DOCKER_BUILDKIT: 1' with docker:20.10), or say '--builder buildkit' if it is";
        (why, "this may run the legacy builder, or an engine older than 20.10", way.to_owned())
    };
    let message = format!(
        "the build reads {name}, which may be a secret: by its name, or because the pipeline does not define it; {why}"
    );
    Finding::new(Code::BuilderWithoutSecrets, secret.location.clone(), message)
        .with_related(situation.command_location(), command)
        .with_help(format!("{way}; if {name} is no secret, pass it with '--pass {name}=arg'"))
}

/// A secret mount sets the variable to an empty text where the job has none, and some expansions tell the two apart.
fn asked_whether_set(situation: &Situation<'_>, secret: &PassedVariable) -> Option<Finding> {
    let name = &secret.name;
    let forms = ["-", "+", "?", "="].map(|operator| format!("${{{name}{operator}"));
    let script = &situation.producer_script;
    let (item, at) = script.items.iter().enumerate().find_map(|(index, item)| {
        let text = item.text.as_deref()?;
        Some((index, forms.iter().find_map(|form| text.find(form.as_str()))?))
    })?;
    let span = crate::text::Span::new(at, at + name.len() + 3);
    let message = format!("this asks whether {name} is set, and a secret mount always sets it, at least to nothing");
    let location = script.location(situation.pipeline, item, span).unwrap_or_else(|| secret.location.clone());
    Some(
        Finding::new(Code::SecretInBuildScript, location, message)
            .with_help(format!("ask whether it is empty: '${{{name}:-…}}'")),
    )
}

fn passed(secret: &PassedVariable) -> Finding {
    let name = &secret.name;
    let message = format!("the builder stage gets {name} by a secret mount, since it is or may be a secret");
    Finding::new(Code::SecretMounted, secret.location.clone(), message)
        .with_help(format!("if it is none, pass it with '--pass {name}=arg'"))
}

/// A place that a step of the script writes a secret to.
struct Kept<'a> {
    step: &'a Step,
    /// The place; `None` where it is not known, or lies outside the project.
    place: Option<RepositoryPath>,
    is_unclear: bool,
}

/// Files that hold a secret afterwards: they stay in a layer of the builder stage, and must not be handed on.
fn kept(situation: &Situation<'_>, secrets: &[&PassedVariable]) -> Vec<Finding> {
    let script = &situation.producer_script;
    let names = variables_that_hold(script, secrets.iter().map(|secret| secret.name.as_str()).collect());
    let mut tainted: Vec<RepositoryPath> = Vec::new();
    let mut findings: Vec<Finding> = Vec::new();
    for step in &script.walk.steps {
        let item = script.items.get(step.item).and_then(|item| item.text.as_deref()).unwrap_or_default();
        let statement = step.statement.slice(item);
        // The body of a heredoc stands behind the statement.
        let statement = Script::parse(if statement.contains("<<") { item } else { statement });
        let reads = names.iter().any(|name| is_named_in(&statement, name));
        if !reads && !names_one_of(step, &tainted) {
            continue;
        }
        let location =
            script.step_location(situation.pipeline, step).unwrap_or_else(|| situation.producer_location("script"));
        for kept in places(step) {
            let is_known = kept.place.as_ref().is_some_and(|place| tainted.contains(place));
            findings.extend(told(situation, &kept, &location).filter(|_| !is_known));
            tainted.extend(kept.place);
        }
        if reads && sets_configuration(step) {
            findings.push(in_layer(situation, &location, "the configuration of a tool"));
        }
    }
    findings
}

/// The names of the secrets, and of the variables of the script whose values are made of them.
fn variables_that_hold(script: &JobScript, secrets: BTreeSet<&str>) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = secrets.into_iter().map(str::to_owned).collect();
    for (name, text) in assignments(script) {
        let value = Script::parse(&text);
        if names.iter().any(|secret| is_named_in(&value, secret)) {
            names.insert(name);
        }
    }
    names
}

/// The places that a step writes: its redirections, and the operands of programs that are known to write.
fn places(step: &Step) -> Vec<Kept<'_>> {
    let targets = step.redirections.iter().filter(|(_, is_written)| *is_written).map(|(target, _)| target);
    let redirected = targets.filter(|target| !target.raw.starts_with("/dev/")).map(|target| {
        let place = target.pattern.as_deref().zip(step.folder.as_ref());
        let is_outside = target.raw.starts_with(['/', '~']) || target.raw.starts_with("$HOME");
        Kept {
            step,
            place: place.and_then(|(path, folder)| place_in_repository(path, folder)),
            is_unclear: place.is_none() && !is_outside,
        }
    });
    let mut found: Vec<_> = redirected.collect();
    for place in written_operands(step) {
        if !found.iter().any(|kept| kept.place.as_ref() == Some(&place)) {
            found.push(Kept { step, place: Some(place), is_unclear: false });
        }
    }
    found
}

/// The operands that a step writes; of those that copy, the last one, unless an option names another; of those that
/// make archives, any of them.
fn written_operands(step: &Step) -> Vec<RepositoryPath> {
    // What `tar` and `jar` are to do stands in front of their operands.
    let first = [("jar", 2), ("tar", 2), ("zip", 1)].into_iter().find(|(name, _)| step.program() == Some(name));
    if let Some((_, first)) = first {
        let operands = step.words.iter().skip(first).filter_map(|word| word.pattern.as_deref());
        return operands.filter_map(|path| place_in_repository(path, step.folder.as_ref()?)).collect();
    }
    let mut written = writes(step).0;
    let names_target = step.words.iter().any(|word| word.raw.starts_with("-t") || word.raw.starts_with("--target"));
    if matches!(step.program(), Some("cp" | "install" | "ln" | "mv")) && !names_target {
        written.drain(..written.len().saturating_sub(1));
    }
    written
}

fn told(situation: &Situation<'_>, kept: &Kept<'_>, location: &Location) -> Option<Finding> {
    let is_handed_on = kept.place.as_ref().is_some_and(|place| {
        situation.used_patterns().iter().any(|pattern| pattern.relation(place.as_str()) != Relation::Apart)
    });
    if is_handed_on || kept.is_unclear {
        let place = kept.place.as_ref().map_or_else(|| "a place that is not known".to_owned(), ToString::to_string);
        let message = format!("the script writes a secret to {place}, which the image may take");
        return Some(
            Finding::new(Code::SecretInHandoff, location.clone(), message)
                .with_help("write it outside of the files that are handed on, or let the program read it when it runs"),
        );
    }
    let place = kept.place.as_ref().map_or_else(|| "a file outside of the project".to_owned(), ToString::to_string);
    let is_removed = kept.step.program() == Some("rm");
    (!is_removed).then(|| in_layer(situation, location, &place))
}

fn in_layer(situation: &Situation<'_>, location: &Location, place: &str) -> Finding {
    let exports = situation.build().command.options.iter().any(|(name, value)| {
        name == "--cache-to"
            && value.as_deref().is_none_or(|value| ["mode=max", "mode=$"].iter().any(|it| value.contains(it)))
    });
    if exports {
        let message =
            format!("a secret is written to {place}, and '--cache-to' with 'mode=max' would export that layer");
        return Finding::new(Code::SecretInBuildScript, location.clone(), message)
            .with_related(situation.command_location(), "this exports the layers of all stages")
            .with_help("export with 'mode=min', which leaves the builder stage out");
    }
    let message = format!(
        "a secret is written to {place}, so it stays in a layer of the builder stage; the image does not get it"
    );
    Finding::new(Code::SecretKeptInBuilderLayer, location.clone(), message)
        .with_help("where others use the same engine, take a variable of the type 'file': it is mounted, and leaves nothing behind")
}

/// Whether a word of the step names one of the places, or a folder above one.
fn names_one_of(step: &Step, places: &[RepositoryPath]) -> bool {
    let Some(folder) = &step.folder else {
        return !places.is_empty() && !writes(step).0.is_empty();
    };
    let names_alone = |name: &str| matches!(name, "[" | "basename" | "echo" | "find" | "ls" | "printf" | "test" | "wc");
    let words = step.words.iter().skip(1).chain(step.redirections.iter().map(|(target, _)| target));
    let names = |word: &StepWord| {
        let place = word.pattern.as_deref().and_then(|path| place_in_repository(path, folder));
        place.is_some_and(|named| {
            places.iter().any(|place| relation_of_paths(named.as_str(), place.as_str()) != Relation::Apart)
        })
    };
    !step.program().is_some_and(names_alone) && words.into_iter().any(names)
}

/// Whether a step keeps what it is told in the configuration of a tool.
fn sets_configuration(step: &Step) -> bool {
    let words: Vec<_> = step.words.iter().take(3).map(|word| word.text().unwrap_or_default()).collect();
    matches!(
        words.as_slice(),
        ["npm" | "yarn" | "pnpm" | "pip" | "poetry" | "composer" | "bundle" | "go", "config" | "env", ..]
            | ["npm" | "yarn" | "pnpm", "set" | "login", ..]
            | ["dotnet" | "nuget", "nuget" | "sources", ..]
            | ["git", "config", ..]
    )
}
