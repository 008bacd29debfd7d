//! The builder stage, in front of the first stage of the Dockerfile.
//!
//! ```dockerfile
//! FROM node:8-alpine
//! ```
//! becomes
//! ```dockerfile
//! FROM node:8 AS builder
//! WORKDIR /usr/src/app
//! ENV CI=true GITLAB_CI=true
//! COPY package.json ./
//! RUN npm install
//! COPY . .
//! RUN npm run build
//!
//! FROM node:8-alpine
//! ```

use super::Edits;
use crate::ecosystem::DependencyLayer;
use crate::fold::cache_mounts::CacheMounts;
use crate::fold::collected;
use crate::fold::environment::{RunPrefixes, quoted};
use crate::fold::export;
use crate::fold::fate::Fate;
use crate::fold::left_out;
use crate::fold::run_lines::Shell;
use crate::fold::situation::Situation;
use crate::fold::unpacked::{self, Archive};
use crate::syntax::dockerfile::{Dockerfile, Keyword};
use crate::text::{RepositoryPath, TextEdit};

pub(super) fn insert(situations: &[&Situation<'_>]) -> Edits {
    let Some(build) = situations.first().map(|situation| situation.build()) else {
        return Ok(Vec::new());
    };
    let mut stages: Vec<_> = situations.iter().map(|situation| lines(situation).join("\n")).collect();
    let exported = situations.iter().filter(|situation| situation.fate == Fate::IsExported);
    stages.extend(exported.map(|situation| export::stage(situation)));
    let stages = build.dockerfile.in_its_case(&stages.join("\n\n"));
    Ok(vec![(build.source.path().clone(), in_front(&build.dockerfile, &stages))])
}

/// Inserts stages in front of the first `FROM` and its own comments, with a blank line between.
pub(super) fn in_front(dockerfile: &Dockerfile, stages: &str) -> TextEdit {
    let text = dockerfile.text();
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let first = dockerfile.instructions.iter().find(|instruction| instruction.keyword == Keyword::From);
    let at = first.map_or(text.len(), |first| first.owned_span().start());
    let before = text.get(..at).unwrap_or_default();
    let is_apart = before.trim_start_matches('\u{feff}').is_empty() || before.ends_with(&newline.repeat(2));
    let gap = if is_apart { "" } else { newline };
    let stages = stages.replace('\n', newline);
    TextEdit::insert(at, format!("{gap}{stages}{newline}{newline}"))
}

fn lines(situation: &Situation<'_>) -> Vec<String> {
    let image = situation.image.as_ref().and_then(|image| image.name.clone()).unwrap_or_default();
    let image = situation.build().command.builder.image(&image);
    let platform = if situation.is_for_other_platform() { "--platform=$BUILDPLATFORM " } else { "" };
    let mut lines = vec![format!("FROM {platform}{image} AS {}", situation.stage)];
    lines.extend(folder(situation));
    lines.extend(environment(situation));
    if let Shell::Of(program) = situation.script.shell() {
        lines.push(format!("SHELL [\"{program}\", \"-o\", \"pipefail\", \"-c\"]"));
    }
    let user = situation.user.as_deref();
    let owner = user.map(|user| format!(" --chown={user}")).unwrap_or_default();
    let caches = CacheMounts::of(situation).mounts;
    let passed = &situation.environment.passed;
    let mut prefixes = RunPrefixes::new(passed, situation.secret_mounts).with_caches(&caches);
    let instructions = situation.script.instructions(&situation.folder, &mut prefixes);
    lines.extend(instructions.early);
    if let Some(layer) = situation.script.dependency_layer() {
        lines.extend(manifests(layer, &owner));
    }
    lines.extend(instructions.install);
    if !situation.is_wholly_a_layer() {
        lines.push(format!("COPY{owner} . {}", instructions.sources_at));
    }
    lines.extend(situation.inputs.iter().map(|input| input.copy(&situation.folder, user)));
    lines.extend(instructions.rest);
    let deletions = left_out::deletions(situation).unwrap_or_default();
    let unpacked = unpacked(situation);
    // These lines name what they change from the folder of the project on.
    let collected = collected(situation);
    let has_more = !deletions.is_empty() || !unpacked.is_empty() || !collected.is_empty();
    if has_more && !instructions.last_folder.is_root() {
        lines.push(format!("WORKDIR {}", situation.folder));
    }
    if !deletions.is_empty() {
        lines.push("# What the job left out of its artifacts.".to_owned());
    }
    lines.extend(deletions.into_iter().map(|command| format!("RUN {command}")));
    lines.extend(unpacked);
    lines.extend(collected);
    lines
}

/// The copies of what an install reads, one for each folder: `COPY` lays all its sources in one.
fn manifests(layer: &DependencyLayer, owner: &str) -> Vec<String> {
    let mut folders: Vec<(RepositoryPath, Vec<&str>)> = Vec::new();
    for manifest in &layer.manifests {
        let folder = manifest.parent();
        match folders.iter_mut().find(|(other, _)| *other == folder) {
            Some((_, files)) => files.push(manifest.as_str()),
            None => folders.push((folder, vec![manifest.as_str()])),
        }
    }
    let copy = |(folder, files): &(RepositoryPath, Vec<&str>)| {
        let to = if folder.is_root() { "./".to_owned() } else { format!("{}/", folder.as_str()) };
        format!("COPY{owner} {} {to}", files.join(" "))
    };
    folders.iter().map(copy).collect()
}

/// The project's folder, and the user who works there: a folder that `WORKDIR` makes is root's.
fn folder(situation: &Situation<'_>) -> Vec<String> {
    let folder = format!("WORKDIR {}", situation.folder);
    let starts_as_root = situation.image.as_ref().is_none_or(|image| image.user().is_none());
    match &situation.user {
        None if starts_as_root => vec![folder],
        None => vec!["USER root".to_owned(), folder],
        Some(user) => vec![
            "USER root".to_owned(),
            folder.clone(),
            format!("RUN chown {user} {}", situation.folder),
            format!("USER {user}"),
        ],
    }
}

/// Unpacks what an `ADD` unpacked.
fn unpacked(situation: &Situation<'_>) -> Vec<String> {
    let is_own = |archive: &Archive| {
        let flow = situation.handoff.flow_of(&archive.path);
        flow.is_none_or(|flow| flow.producer == situation.producer.name)
    };
    let archives: Vec<_> = unpacked::archives(situation.handoff).into_iter().filter(is_own).collect();
    let why = (!archives.is_empty()).then(|| "# ADD unpacked this, which a copy from a stage does not.".to_owned());
    why.into_iter().chain(archives.into_iter().map(|archive| format!("RUN {}", archive.command))).collect()
}

/// Collects what no copy takes alone.
fn collected(situation: &Situation<'_>) -> Vec<String> {
    let globs = collected::globs(situation);
    let lines =
        ["# What the job hands on, each in its folder.".to_owned(), format!("RUN {}", collected::command(&globs))];
    if globs.is_empty() { Vec::new() } else { lines.into() }
}

fn environment(situation: &Situation<'_>) -> Vec<String> {
    let environment = &situation.environment;
    let folder =
        if environment.needs_project_folder { format!(" CI_PROJECT_DIR={}", situation.folder) } else { String::new() };
    let own = environment.set.iter().filter(|(name, _)| !matches!(name.as_str(), "CI" | "GITLAB_CI"));
    let lines = own.map(|(name, value)| format!("ENV {name}={}", quoted(value)));
    std::iter::once(format!("ENV CI=true GITLAB_CI=true{folder}")).chain(lines).collect()
}

#[cfg(test)]
mod tests {
    use super::{Dockerfile, in_front};

    fn put(before: &str) -> String {
        in_front(&Dockerfile::parse(before), "FROM a AS builder\nRUN b").apply(before).unwrap()
    }

    #[test]
    fn the_stage_stands_before_the_comments_of_the_first_from_and_behind_its_arguments() {
        let after = put("# syntax=docker/dockerfile:1\nARG TAG=1\n# The runtime.\nFROM x:$TAG\n");
        assert_eq!(
            after,
            "# syntax=docker/dockerfile:1\nARG TAG=1\n\nFROM a AS builder\nRUN b\n\n# The runtime.\nFROM x:$TAG\n"
        );
    }

    #[test]
    fn line_ends_and_a_byte_order_mark_stay() {
        assert_eq!(put("\u{feff}FROM x\r\n"), "\u{feff}FROM a AS builder\r\nRUN b\r\n\r\nFROM x\r\n");
    }
}
