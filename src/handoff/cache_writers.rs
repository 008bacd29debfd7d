//! Who makes the files of a cache. Every job that saves it uploads what lies in its folders, its own or what it has
//! restored; those who make something are the ones whose commands may write there.

use super::command_use::writes;
use super::installs::{Words, runs_scripts_of_its_own};
use super::job_script::JobScript;
use super::refill::is_download_cache;
use super::visibility::{restores_cache_of, waits_for};
use crate::docker::{Step, StepWord};
use crate::gitlab::{Job, PathPattern, Pipeline, Relation};
use crate::source::Repository;
use crate::syntax::shell::Script;
use crate::text::RepositoryPath;

/// Programs that look at the project and write nothing into it.
const LOOKS_ONLY: [&str; 14] = [
    "eslint",
    "flake8",
    "golangci-lint",
    "golint",
    "hadolint",
    "ruff",
    "shellcheck",
    "sonar-scanner",
    "staticcheck",
    "stylelint",
    "trivy",
    "tslint",
    "yamllint",
    "mypy",
];

/// Which of the files that `reader` restores from the caches of `writer`, which runs before it, that job may have made.
#[must_use]
pub fn made_for_cache(
    repository: &dyn Repository,
    pipeline: &Pipeline,
    reader: &Job,
    writer: &Job,
) -> Vec<PathPattern> {
    if writer.name == reader.name || !waits_for(pipeline, reader, &writer.name) {
        return Vec::new();
    }
    let restored = restores_cache_of(reader, writer);
    restored.into_iter().filter(|path| may_make(repository, writer, path)).collect()
}

/// Whether a command of `job` may write something at `path`.
#[must_use]
pub fn may_make(repository: &dyn Repository, job: &Job, path: &PathPattern) -> bool {
    let scripts = [JobScript::new(job), JobScript::of_keyword(job, "after_script")];
    scripts.iter().any(|script| {
        !script.walk.opaque.is_empty() || script.walk.steps.iter().any(|step| may_write(repository, step, path))
    })
}

/// Whether `step` may write something at `path`.
#[must_use]
pub fn may_write(repository: &dyn Repository, step: &Step, path: &PathPattern) -> bool {
    let touches = |place: &str| path.relation(place) != Relation::Apart || path.text.starts_with(&format!("{place}/"));
    let (places, is_unclear) = writes(step);
    if places.iter().any(|place| place.is_root() || touches(place.as_str())) {
        return true;
    }
    is_unclear && !is_known_to_write_elsewhere(repository, step, path, &touches)
}

/// Whether a program that is in no table of files is known to leave the path alone.
fn is_known_to_write_elsewhere(
    repository: &dyn Repository,
    step: &Step,
    path: &PathPattern,
    touches: &dyn Fn(&str) -> bool,
) -> bool {
    let program = step.words.first().and_then(StepWord::text).unwrap_or_default();
    if LOOKS_ONLY.contains(&program) {
        return true;
    }
    let (Some(words), Some(folder)) = (Words::of(step), &step.folder) else {
        return false;
    };
    if runs_a_look(repository, &words, folder) {
        return true;
    }
    if words.is_full_install(false) && !is_download_cache(&path.text) {
        let modules = folder.join("node_modules");
        return modules.is_some_and(|place| !touches(place.as_str())) && !runs_scripts_of_its_own(repository, folder);
    }
    let is_git = words.program() == "git";
    let is_check = matches!(
        (words.program(), words.first_operand()),
        ("go", Some("vet" | "fmt" | "version" | "env")) | ("npm" | "yarn", Some("audit")) | ("helm", Some("lint"))
    );
    is_check || words.is_beside_the_project() && !is_git || words.program() == "docker" && is_image_command(&words)
}

/// Whether it runs a script of the manifest, such as `npm run lint`, that only looks at the project.
fn runs_a_look(repository: &dyn Repository, words: &Words<'_>, folder: &RepositoryPath) -> bool {
    let name = match (words.program(), words.arguments()) {
        ("npm" | "yarn" | "pnpm", ["run", name]) | ("yarn" | "pnpm", [name]) => name,
        ("npx", [program, ..]) => return LOOKS_ONLY.contains(program),
        _ => return false,
    };
    let manifest = folder.join("package.json").and_then(|path| repository.read(&path).ok());
    let Some(manifest) = manifest.and_then(|file| serde_json::from_str::<serde_json::Value>(file.text()).ok()) else {
        return false;
    };
    let script = |name: &str| manifest.pointer("/scripts")?.get(name)?.as_str().map(str::to_owned);
    let looks = |text: &str| {
        let parsed = Script::parse(text);
        let programs = parsed.commands.iter().all(|command| {
            command.redirections.is_empty() && command.name().is_some_and(|name| LOOKS_ONLY.contains(&name.as_str()))
        });
        parsed.opaque.is_none() && programs
    };
    let around = ["pre", "post"].iter().filter_map(|side| script(&format!("{side}{name}"))).collect::<Vec<_>>();
    script(name).into_iter().chain(around).all(|text| looks(&text)) && script(name).is_some()
}

/// Subcommands of docker that write images and no files.
fn is_image_command(words: &Words<'_>) -> bool {
    let writes_files =
        |word: &&str| ["-o", "--output", "--iidfile", "--metadata-file"].iter().any(|flag| word.starts_with(flag));
    words.first_operand() == Some("build") && !words.arguments().iter().any(writes_files)
}
