//! The jobs that are neither the producer nor the consumer: they may read the files, and they may have
//! waited for the build.

use super::meeting::may_meet;
use crate::docker::{Step, image_builds};
use crate::finding::{Code, Finding};
use crate::fold::export;
use crate::fold::fate::Fate;
use crate::fold::situation::Situation;
use crate::gitlab::{Job, PathPattern, Relation, Value};
use crate::handoff::{
    ImageBuild, JobScript, TreeUse, downloads_artifacts, may_make, names_beside_commands, restores_cache_of, tree_use,
};
use crate::text::{RepositoryPath, Span};

/// Programs that check, build or tell, and bring nothing out of the pipeline.
const CHECKS: [&str; 24] = [
    "bundle",
    "cargo",
    "cat",
    "cd",
    "composer",
    "echo",
    "eslint",
    "flake8",
    "go",
    "gradle",
    "./gradlew",
    "hadolint",
    "make",
    "mkdir",
    "mvn",
    "./mvnw",
    "npm",
    "npx",
    "pnpm",
    "pytest",
    "python",
    "ruff",
    "tox",
    "yarn",
];

pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    if situation.fate.is_to_stay() {
        return Vec::new();
    }
    if situation.fate == Fate::IsExported {
        return export::obstacles(situation).into_iter().chain(gates(situation)).collect();
    }
    let readers = others(situation).filter_map(|job| reads(situation, job));
    readers.chain(gates(situation)).collect()
}

/// The jobs besides those of the fold that read the files, or may do so by themselves.
pub(in crate::fold) fn readers<'a>(situation: &Situation<'a>) -> Vec<&'a Job> {
    others(situation).filter(|job| reads(situation, job).is_some()).collect()
}

/// A job that may read files of the hand-off which the image job uploads again.
pub(super) fn reader_of_upload<'a>(situation: &Situation<'a>, paths: &[PathPattern]) -> Option<&'a Job> {
    let gets = |job: &&Job| downloads_artifacts(situation.pipeline, job, situation.consumer);
    let reads = |job: &&Job| {
        job.get("trigger").is_none()
            && (reading(situation, &JobScript::new(job), paths).is_some() || uploads(situation, job, paths).is_some())
    };
    others(situation).filter(gets).find(reads)
}

fn others<'a>(situation: &Situation<'a>) -> impl Iterator<Item = &'a Job> {
    let pipeline = situation.pipeline;
    pipeline.jobs().iter().filter(|job| !situation.takes_part(job) && !pipeline.is_scanner(job))
}

/// Whether another job reads the files, or may do so by itself.
fn reads(situation: &Situation<'_>, job: &Job) -> Option<Finding> {
    let patterns = visible(situation, job);
    if patterns.is_empty() {
        return None;
    }
    if job.get("trigger").is_some() {
        return None;
    }
    if let Some(finding) = uploads(situation, job, &patterns) {
        return Some(finding);
    }
    ["script", "after_script"].iter().find_map(|keyword| {
        let script = if *keyword == "script" { JobScript::new(job) } else { JobScript::of_keyword(job, keyword) };
        let reason = reading(situation, &script, &patterns).or_else(|| configured(situation, &script, &patterns))?;
        Some(finding(situation, job, &script, reason))
    })
}

/// A job that uploads the files again, and makes none of them itself.
fn uploads(situation: &Situation<'_>, job: &Job, patterns: &[PathPattern]) -> Option<Finding> {
    let is_shared =
        |path: &&PathPattern| patterns.iter().any(|pattern| pattern.relation(&path.text) != Relation::Apart);
    let paths = job.artifacts().paths;
    let published = job.get("publish").or_else(|| job.get("pages")?.get("publish")).and_then(Value::text);
    let is_published =
        published.is_some_and(|folder| patterns.iter().any(|own| own.relation(&folder) != Relation::Apart));
    if is_published {
        let script = JobScript::new(job);
        return Some(finding(situation, job, &script, (0, None, "publishes them as a site".to_owned())));
    }
    let path = paths.iter().filter(is_shared).find(|path| !may_make(situation.repository, job, path))?;
    let script = JobScript::new(job);
    let how = format!("uploads {} again", path.written);
    let mut found = finding(situation, job, &script, (0, None, how));
    found.location = situation.pipeline.location(path.origin);
    Some(found)
}

/// The patterns of the producer whose files `job` gets to see.
fn visible(situation: &Situation<'_>, job: &Job) -> Vec<PathPattern> {
    let downloads = downloads_artifacts(situation.pipeline, job, situation.producer);
    let artifacts =
        if downloads && may_meet(situation, job) { situation.producer.artifacts().paths } else { Vec::new() };
    let cached = restores_cache_of(job, situation.producer);
    let handed_on = situation.used_patterns();
    let is_handed_on = |pattern: &PathPattern| handed_on.iter().any(|other| other.text == pattern.text);
    artifacts.into_iter().chain(cached.into_iter().filter(is_handed_on)).collect()
}

/// The item that reads the files, and how.
fn reading(
    situation: &Situation<'_>,
    script: &JobScript,
    patterns: &[PathPattern],
) -> Option<(usize, Option<Span>, String)> {
    let (builds, _) = image_builds(situation.repository, &script.walk);
    let leaves_alone = |index: usize| {
        let mut own = builds.iter().filter(|command| command.step == index);
        own.next().is_some_and(|command| !ImageBuild::may_take(situation.repository, command, patterns))
    };
    if let Some((item, message)) = script.walk.opaque.first() {
        return Some((*item, None, format!("has a script that cannot be read here: {message}")));
    }
    let text = |item: usize| script.items.get(item).and_then(|item| item.text.as_deref()).unwrap_or_default();
    if let Some(item) = (0..script.items.len()).find(|item| names_beside_commands(text(*item), patterns)) {
        return Some((item, None, "speaks of some of them in a loop, a condition or a trap".to_owned()));
    }
    let steps = script.walk.steps.iter().enumerate().filter(|(index, _)| !leaves_alone(*index));
    steps.map(|(_, step)| step).find_map(|step| match tree_use(step, patterns) {
        TreeUse::None => None,
        TreeUse::Touches(word) => Some((step.item, Some(step.span), format!("reads {word}"))),
        TreeUse::Unknown(program) => {
            Some((step.item, Some(step.span), format!("runs {program}, which may read any file")))
        }
    })
}

/// Terraform reads what its configuration names, so that must not name the files.
fn configured(
    situation: &Situation<'_>,
    script: &JobScript,
    patterns: &[PathPattern],
) -> Option<(usize, Option<Span>, String)> {
    let step = script.walk.steps.iter().find(|step| matches!(step.program(), Some("terraform" | "tofu")))?;
    let is_configuration = |path: &RepositoryPath| path.as_str().ends_with(".tf") || path.as_str().ends_with(".tfvars");
    let files = situation.repository.tracked().keys().filter(|path| is_configuration(path));
    let stems: Vec<_> = patterns.iter().filter_map(|pattern| pattern.text.split(['*', '?', '[']).next()).collect();
    let names = |path: &&RepositoryPath| {
        situation
            .repository
            .read(path)
            .is_ok_and(|file| stems.iter().any(|stem| file.text().contains(stem.trim_end_matches('/'))))
    };
    let file = files.into_iter().find(names)?;
    Some((step.item, Some(step.span), format!("runs terraform, and {file} names some of them")))
}

fn finding(
    situation: &Situation<'_>,
    job: &Job,
    script: &JobScript,
    (item, span, how): (usize, Option<Span>, String),
) -> Finding {
    let exact = span.and_then(|span| script.location(situation.pipeline, item, span));
    let location = exact.or_else(|| script.item_location(situation.pipeline, item));
    let location = location.unwrap_or_else(|| situation.pipeline.job_location(job));
    let message = format!("the job '{}' gets the files of '{}' too, and {how}", job.name, situation.producer.name);
    Finding::new(Code::ArtifactReadByOtherJob, location, message)
        .with_related(situation.producer_location("artifacts"), "the files are handed on here")
        .with_help(format!(
            "if '{}' does not need them, say so with 'dependencies: []', or with 'needs' that do not list '{}'; else '--on-other-readers keep' lets the build job stay beside the fold, and 'export' lets the image job publish the files",
            job.name, situation.producer.name
        ))
}

/// Jobs that started only after the build, and would now start without it.
fn gates(situation: &Situation<'_>) -> Vec<Finding> {
    let stage = |job: &Job| situation.pipeline.stage_index(job);
    let (Some(build), Some(image)) = (stage(situation.producer), stage(situation.consumer)) else {
        return Vec::new();
    };
    let waited = |job: &&Job| job.needs().is_none() && stage(job).is_some_and(|stage| build < stage && stage <= image);
    let finding = |job: &Job| {
        let help = "put it in a stage behind the image job, or let it wait by 'needs'";
        let (code, help) = if releases(job) {
            let keep = "'--on-other-readers keep' lets the build job stay beside the fold, so that it waits as before";
            (Code::LaterJobUnblocked, format!("{help}; {keep}"))
        } else {
            (Code::JobStartsEarlier, help.to_owned())
        };
        let message = format!(
            "the job '{}' starts only after '{}' now, and would no longer wait for it",
            job.name, situation.producer.name
        );
        Finding::new(code, situation.pipeline.job_location(job), message).with_help(help)
    };
    others(situation).filter(waited).filter(|job| may_meet(situation, job)).map(finding).collect()
}

/// Whether a job brings something out of the pipeline, so that a failing build must keep it from starting.
fn releases(job: &Job) -> bool {
    let keywords = ["environment", "pages", "publish", "release", "trigger"];
    let is_named_so = ["deploy", "release", "publish", "push", "upload", "prod"]
        .iter()
        .any(|word| job.name.to_lowercase().contains(word) || job.stage().to_lowercase().contains(word));
    let is_harmless = |step: &Step| step.program().is_some_and(|program| CHECKS.contains(&program));
    let script = JobScript::new(job);
    let only_checks = script.walk.opaque.is_empty() && script.walk.steps.iter().all(is_harmless);
    keywords.iter().any(|keyword| job.get(keyword).is_some()) || is_named_so || !only_checks
}
