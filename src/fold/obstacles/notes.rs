//! Faults of the pipeline that the fold leaves as they are, and what it has to say about itself.

use crate::finding::{Code, Finding, Location};
use crate::fold::cache_mounts::CacheMounts;
use crate::fold::fate::Fate;
use crate::fold::rewire;
use crate::fold::run_lines::Layer;
use crate::fold::situation::Situation;
use crate::gitlab::{Pipeline, VariableKind, kind_of_variable, modern_name};
use crate::text::Span;

/// Oddities of the pipeline: script items without a command, and variables that are gone.
pub(in crate::fold) fn pipeline_notes(pipeline: &Pipeline) -> Vec<Finding> {
    pipeline.findings().iter().cloned().chain(null_items(pipeline)).chain(legacy_variables(pipeline)).collect()
}

/// What the fold did about dependencies and variables, and why.
pub(super) fn of_fold(situation: &Situation<'_>) -> Vec<Finding> {
    let location = || situation.producer_location("script");
    let layer = match situation.script.layer() {
        Layer::Split(_, layer) if layer.lock_file.is_none() => {
            let message = "the dependencies get a layer of their own, and without a lock file it keeps the versions of its first build";
            Some(Finding::new(Code::NoLockFile, location(), message).with_help("commit the lock file"))
        }
        Layer::Whole(reason) => {
            let message = format!("the dependencies get no layer of their own: {reason}");
            Some(Finding::new(Code::DependencyLayerSkipped, location(), message))
        }
        Layer::Split(..) | Layer::None => None,
    };
    let left_out = &situation.environment.left_out;
    let variables = (!left_out.is_empty()).then(|| {
        let message = format!(
            "these variables are left out of the builder stage, for nothing in the build names them: {}",
            left_out.join(", ")
        );
        Finding::new(Code::VariableLeftOut, situation.producer_location("variables"), message)
    });
    let followers = if situation.fate.is_to_stay() { Vec::new() } else { rewire::notes(situation) };
    let kept = kept(situation).into_iter().chain(followers);
    layer.into_iter().chain(unmounted(situation)).chain(variables).chain(not_cached(situation)).chain(kept).collect()
}

/// Downloads that get no cache mount though the user asked for one.
fn unmounted(situation: &Situation<'_>) -> Vec<Finding> {
    let finding = |reason: String| {
        let message = format!("no cache mount for what is downloaded: {reason}");
        Finding::new(Code::CacheMountSkipped, situation.producer_location("script"), message)
    };
    CacheMounts::of(situation).skipped.into_iter().map(finding).collect()
}

/// A `--cache-from` of an image: that holds the layers of the last stage alone (Docker docs: "Inline cache"). `--modernize` has
/// its own word on that.
fn not_cached(situation: &Situation<'_>) -> Option<Finding> {
    if situation.policy.modernize {
        return None;
    }
    let command = &situation.build().command;
    let cache = command.option("--cache-from").filter(|cache| !cache.contains("type="))?;
    let stage = &situation.stage;
    let message = format!(
        "the cache {cache} does not hold the stage '{stage}', which is built anew where the engine starts empty"
    );
    Some(Finding::new(Code::BuilderStageNotCached, situation.command_location(), message).with_help(format!(
        "--modernize offers a cache that holds it; or build and push '--target {stage}' as an image of its own as well, and name \
         that in another --cache-from"
    )))
}

/// The build job that stays, and for whom.
fn kept(situation: &Situation<'_>) -> Option<Finding> {
    let Fate::Stays(reasons) = &situation.fate else {
        return None;
    };
    let message = format!("'{}' stays beside the fold: {}", situation.producer.name, reasons.join("; "));
    Some(Finding::new(Code::BuildJobKept, situation.pipeline.job_location(situation.producer), message))
}

fn null_items(pipeline: &Pipeline) -> Vec<Finding> {
    let keywords = ["before_script", "script", "after_script"];
    let items = pipeline.jobs().iter().flat_map(|job| keywords.iter().flat_map(|keyword| job.script_of(keyword)));
    let mut findings: Vec<Finding> = Vec::new();
    for item in items.filter(|item| item.text.is_none() && !item.is_odd) {
        let message = "this item holds no command; GitLab refuses such a pipeline today, and the fold leaves it";
        let finding = Finding::new(Code::NullScriptItem, pipeline.location(item.origin), message)
            .with_help("put the comment on a line of its own, without the dash");
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    }
    findings
}

/// Variables of GitLab 8 that are gone since GitLab 16.
fn legacy_variables(pipeline: &Pipeline) -> Vec<Finding> {
    pipeline.files().iter().filter(|file| file.is_editable()).flat_map(|file| legacy_in(&file.source)).collect()
}

fn legacy_in(file: &std::sync::Arc<crate::source::SourceFile>) -> Vec<Finding> {
    let text = file.text();
    let mut findings = Vec::new();
    for (at, _) in text.match_indices("CI_BUILD_") {
        let length = text
            .get(at..)
            .unwrap_or_default()
            .bytes()
            .take_while(|byte| byte.is_ascii_uppercase() || *byte == b'_')
            .count();
        let name = Span::new(at, at + length).slice(text);
        let is_use = text.get(..at).is_some_and(|before| before.ends_with('$') || before.ends_with("${"));
        if is_use && kind_of_variable(name) == VariableKind::Legacy {
            let message = format!("${name} is gone since GitLab 16, and is empty or stays as it is written");
            let finding = Finding::new(Code::LegacyVariable, Location::new(file, Span::new(at, at + length)), message);
            findings.push(finding.with_help(format!("write ${}", modern_name(name).unwrap_or(name))));
        }
    }
    findings
}
