//! Both jobs must run in the same pipelines and start in the same way; else a fold would build where
//! nothing was built, or no longer check what was checked.

use crate::finding::{Code, Finding};
use crate::fold::situation::Situation;
use crate::gitlab::{Job, Value};

/// The keywords that say when a job runs.
const CONDITIONS: [&str; 5] = ["rules", "only", "except", "when", "start_in"];

pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let elsewhere = if situation.fate.is_to_stay() { Vec::new() } else { runs_elsewhere(situation) };
    elsewhere.into_iter().chain(allow_failure(situation)).chain(no_stage_left(situation)).collect()
}

/// Where the build job runs, or starts, and the image job does not do so too.
pub(in crate::fold) fn runs_elsewhere(situation: &Situation<'_>) -> Vec<Finding> {
    let differing = CONDITIONS.iter().filter(|keyword| !same(situation.producer, situation.consumer, keyword));
    let differ = differing.map(|keyword| differ(situation, keyword)).take(1);
    differ.chain(rule_values(situation)).chain(manual(situation)).collect()
}

fn same(producer: &Job, consumer: &Job, keyword: &str) -> bool {
    match (condition(producer, keyword), condition(consumer, keyword)) {
        (None, None) => true,
        (Some(one), Some(other)) => same_list(one, other),
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// The condition, unless it says what holds anyway.
fn condition<'a>(job: &'a Job, keyword: &str) -> Option<&'a Value> {
    job.get(keyword).filter(|value| !(keyword == "when" && value.text().as_deref() == Some("on_success")))
}

/// `only: main` says the same as `only: [main]`.
fn same_list(one: &Value, other: &Value) -> bool {
    let (one, other) = (one.one_or_many(), other.one_or_many());
    one.len() == other.len() && one.iter().zip(other).all(|(left, right)| left.same(right))
}

fn differ(situation: &Situation<'_>, keyword: &str) -> Finding {
    let message = format!(
        "'{}' and '{}' run under different conditions: their '{keyword}' differ",
        situation.producer.name, situation.consumer.name
    );
    Finding::new(Code::RulesDiffer, situation.producer_location(keyword), message)
        .with_related(situation.consumer_location(keyword), "the image job runs under these")
        .with_help("give both jobs the same conditions, or leave the build job as the check that it is")
}

/// A rule may set variables, needs and more, which then belong to one job.
fn rule_values(situation: &Situation<'_>) -> Vec<Finding> {
    let rules = situation.producer.get("rules").map(Value::one_or_many).unwrap_or_default();
    let sets = |rule: &&Value| ["variables", "needs", "allow_failure"].iter().any(|key| rule.get(key).is_some());
    let finding = |rule: &Value| {
        let message = "this rule gives the build job values of its own, which differ from pipeline to pipeline";
        Finding::new(Code::RulesDiffer, situation.value_location(rule), message)
            .with_help("set these values for the whole job, or leave the two jobs as they are")
    };
    rules.iter().filter(sets).map(finding).collect()
}

/// A job that a person starts gates what comes behind it.
fn manual(situation: &Situation<'_>) -> Option<Finding> {
    let in_rules = situation.producer.get("rules").map(Value::one_or_many).unwrap_or_default();
    let own = situation.producer.get("when").into_iter();
    let values = own.chain(in_rules.iter().filter_map(|rule| rule.get("when")));
    let starts_otherwise =
        |value: &&Value| matches!(value.text().as_deref(), Some("manual" | "delayed" | "always" | "on_failure"));
    let value = values.into_iter().find(starts_otherwise)?;
    let when = value.text().unwrap_or_default();
    let message = format!("the build job starts by 'when: {when}', and the image job would have to take that over");
    let finding = Finding::new(Code::RulesDiffer, situation.value_location(value), message);
    Some(finding.with_help("let the build start by itself, or leave the two jobs as they are"))
}

/// GitLab makes no pipeline of `.pre` and `.post` jobs alone (GitLab docs: ci/yaml#stage-post).
fn no_stage_left(situation: &Situation<'_>) -> Option<Finding> {
    let producers =
        if situation.fate.is_to_stay() { Vec::new() } else { situation.group.producers(situation.pipeline) };
    let is_left = |job: &&Job| !producers.iter().any(|producer| producer.name == job.name);
    let mut others = situation.pipeline.jobs().iter().filter(is_left);
    if others.any(|job| !matches!(&*job.stage(), ".pre" | ".post")) {
        return None;
    }
    let message = "without the build job only jobs of .pre and .post are left, and GitLab makes no pipeline of these";
    let finding =
        Finding::new(Code::PipelineWithoutStage, situation.pipeline.job_location(situation.consumer), message);
    Some(finding.with_help("put the image job into a stage of its own"))
}

/// An image job that may fail would hide a failing build.
fn allow_failure(situation: &Situation<'_>) -> Option<Finding> {
    let value = situation.consumer.get("allow_failure").filter(|value| value.text().as_deref() != Some("false"))?;
    let message = "the image job may fail, and a failing build would no longer stop the pipeline";
    let finding = Finding::new(Code::RulesDiffer, situation.value_location(value), message);
    Some(finding.with_help("remove 'allow_failure' from the image job, or leave the two jobs as they are"))
}
