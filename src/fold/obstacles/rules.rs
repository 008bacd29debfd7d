//! Both jobs must run in the same pipelines and start in the same way; else a fold would build where
//! nothing was built, or no longer check what was checked.

use super::meeting;
use crate::finding::{Code, Finding, Location};
use crate::fold::check_job::{CheckJob, covers};
use crate::fold::fate::Fate;
use crate::fold::group;
use crate::fold::situation::Situation;
use crate::gitlab::{AllowFailure, Comparison, Job, Meeting, Start, Value, When};
use crate::handoff::Handoff;
use crate::outcome::OnRulesDiffer;

/// The keywords that say when a job runs.
const CONDITIONS: [&str; 5] = ["rules", "only", "except", "when", "start_in"];

/// What the help of most findings ends with.
const KEEP: &str = "or keep the build job beside the fold with '--on-rules-differ keep'";

pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    if meeting::is_missed(situation) {
        // Where no pipeline has both jobs, nothing more is to be said of when they run.
        return no_stage_left(situation).into_iter().collect();
    }
    let meetings = meetings(situation);
    let alone = meetings.as_ref().ok().and_then(|meetings| image_alone(situation, meetings));
    let elsewhere = match situation.fate {
        Fate::Goes | Fate::IsExported | Fate::IsSwitchedOff | Fate::BecomesTemplate(_) => runs_elsewhere(situation),
        Fate::Checks(_) => vec![kept_as_check(situation)],
        Fate::Stays(_) => Vec::new(),
    };
    elsewhere.into_iter().chain(alone).chain(no_stage_left(situation)).collect()
}

/// Where the build job runs, or starts, and the image job does not do so too; keeping the build job lifts all of these.
pub(in crate::fold) fn runs_elsewhere(situation: &Situation<'_>) -> Vec<Finding> {
    match meetings(situation) {
        Ok(meetings) => {
            let others = others(situation, &meetings);
            let wider = (is_wider(situation, &meetings) && others.is_empty()).then(|| wider(situation));
            wider.into_iter().chain(others).collect()
        }
        Err(_) if have_the_same_words(situation) => others(situation, &[]),
        Err(why) => vec![unproven(situation, &why)],
    }
}

/// Whether nothing stands in the way of a fold but pipelines in which the build job runs and the image job does not.
pub(in crate::fold) fn is_only_wider(situation: &Situation<'_>) -> bool {
    meetings(situation).is_ok_and(|meetings| is_wider(situation, &meetings) && others(situation, &meetings).is_empty())
}

/// Every way in which the build job and the image job meet in a pipeline.
fn meetings(situation: &Situation<'_>) -> Result<Vec<Meeting>, String> {
    let comparison = Comparison::new(situation.pipeline, situation.producer, situation.consumer);
    comparison.and_then(|comparison| comparison.meetings()).map_err(|unclear| unclear.to_string())
}

/// Whether the build job runs by itself somewhere and no image job that takes its files does in its place.
fn is_wider(situation: &Situation<'_>, meetings: &[Meeting]) -> bool {
    leaves_something(meetings) && !covered_together(situation)
}

/// Whether the image jobs together run wherever the build job does: one for the branches and one for the tags, say.
fn covered_together(situation: &Situation<'_>) -> bool {
    let pipeline = situation.pipeline;
    let takes = |handoff: &&&Handoff| {
        let producers = group::producers(situation.repository, pipeline, handoff);
        handoff.consumer != situation.consumer.name
            && producers.iter().any(|producer| producer.job.name == situation.producer.name)
    };
    let others = situation.group.handoffs.iter().filter(takes);
    let others: Vec<_> = others.filter_map(|handoff| pipeline.job(&handoff.consumer)).collect();
    let comparison = Comparison::new(pipeline, situation.producer, situation.consumer);
    let covered = comparison.and_then(|comparison| comparison.is_covered(pipeline, &others, &covers));
    !others.is_empty() && covered.unwrap_or(false)
}

/// Whether the build job runs by itself somewhere and this image job does not do in its place.
fn leaves_something(meetings: &[Meeting]) -> bool {
    meetings.iter().any(|meeting| match (&meeting.first, &meeting.second) {
        (Some(build), Some(image)) => build.when == When::OnSuccess && !covers(build, image),
        (Some(build), None) => build.when == When::OnSuccess,
        (None, _) => false,
    })
}

/// What no check can make good.
fn others(situation: &Situation<'_>, meetings: &[Meeting]) -> Vec<Finding> {
    let both = meetings.iter().filter_map(|meeting| meeting.first.as_ref().zip(meeting.second.as_ref()));
    let both: Vec<_> = both.collect();
    rule_values(situation)
        .into_iter()
        .chain(manual(situation, meetings))
        .chain(image_starts_otherwise(situation, &both))
        .chain(allow_failure(situation, &both))
        .chain(never_meet(situation, meetings, &both))
        .collect()
}

/// Whether both jobs say the same, word by word, which is the same whatever it means.
fn have_the_same_words(situation: &Situation<'_>) -> bool {
    let (producer, consumer) = (situation.producer, situation.consumer);
    let own = |job: &Job| job.get("variables").is_some();
    !own(producer) && !own(consumer) && CONDITIONS.iter().all(|keyword| same(producer, consumer, keyword))
}

fn same(producer: &Job, consumer: &Job, keyword: &str) -> bool {
    match (producer.get(keyword), consumer.get(keyword)) {
        (None, None) => true,
        (Some(one), Some(other)) => one.same(other),
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// The places of the conditions of both jobs.
fn places(situation: &Situation<'_>) -> (Location, Location) {
    let keyword = |job: &Job| CONDITIONS.iter().find(|keyword| job.get(keyword).is_some()).copied().unwrap_or("script");
    let place = |job: &Job| match keyword(job) {
        "script" => situation.pipeline.job_location(job),
        keyword => situation.pipeline.keyword_location(job, keyword),
    };
    (place(situation.producer), place(situation.consumer))
}

fn wider(situation: &Situation<'_>) -> Finding {
    let (build, image) = places(situation);
    let message = format!(
        "'{}' also runs where '{}' does not build an image by itself, and would be missed there",
        situation.producer.name, situation.consumer.name
    );
    let finding = Finding::new(Code::RulesDiffer, build, message).with_related(image, "the image job runs under these");
    let refused = situation.policy.on_rules_differ == OnRulesDiffer::Refuse;
    match CheckJob::new(situation) {
        Err(why) if !refused => finding.with_help(format!(
            "give both jobs the same conditions, {KEEP}; a check of the builder stage cannot take its place: {why}"
        )),
        _ => finding.with_help(format!("give both jobs the same conditions, {KEEP}")),
    }
}

fn unproven(situation: &Situation<'_>, why: &str) -> Finding {
    let (build, image) = places(situation);
    let message = format!(
        "it cannot be proven that '{}' and '{}' run in the same pipelines: {why}",
        situation.producer.name, situation.consumer.name
    );
    Finding::new(Code::RulesDiffer, build, message)
        .with_related(image, "the image job runs under these")
        .with_help(format!("give both jobs the same conditions, {KEEP}"))
}

fn kept_as_check(situation: &Situation<'_>) -> Finding {
    let (build, image) = places(situation);
    let message = format!(
        "'{}' also ran where '{}' does not build an image by itself: there it builds the stage '{}' from now on",
        situation.producer.name, situation.consumer.name, situation.stage
    );
    Finding::new(Code::BuildKeptAsCheck, build, message)
        .with_related(image, "the image job runs under these")
        .with_help("to keep the build job as it is, pass '--on-rules-differ keep'")
}

/// An image job that ran without the build job took old files, or none at all.
fn image_alone(situation: &Situation<'_>, meetings: &[Meeting]) -> Option<Finding> {
    let meets = meetings.iter().any(|meeting| meeting.first.is_some() && meeting.second.is_some());
    meetings.iter().find(|meeting| meets && meeting.first.is_none() && meeting.second.is_some())?;
    let (build, image) = places(situation);
    let message = format!(
        "'{}' also runs where '{}' does not, and had old files there or none; now the image has new ones",
        situation.consumer.name, situation.producer.name
    );
    let finding = Finding::new(Code::ImageWithoutBuild, image, message);
    Some(finding.with_related(build, "the build job runs under these"))
}

/// A rule may set variables and needs, which then belong to one job.
fn rule_values(situation: &Situation<'_>) -> Vec<Finding> {
    let mut rules = Vec::new();
    flatten(situation.producer.get("rules"), &mut rules);
    let sets = |rule: &&Value| ["variables", "needs"].iter().any(|key| rule.get(key).is_some());
    let finding = |rule: &Value| {
        let message = "this rule gives the build job values of its own, which differ from pipeline to pipeline";
        Finding::new(Code::RulesDiffer, situation.value_location(rule), message)
            .with_help(format!("set these values for the whole job, {KEEP}"))
    };
    rules.into_iter().filter(sets).map(finding).collect()
}

/// Rules may stand in lists within the list.
fn flatten<'a>(value: Option<&'a Value>, rules: &mut Vec<&'a Value>) {
    match value.and_then(Value::sequence) {
        Some(items) => items.iter().for_each(|item| flatten(Some(item), rules)),
        None => rules.extend(value),
    }
}

/// A job that a person starts gates what comes behind it.
fn manual(situation: &Situation<'_>, meetings: &[Meeting]) -> Option<Finding> {
    let starts = meetings.iter().filter_map(|meeting| meeting.first.as_ref());
    let when = starts.map(|start| start.when).find(|when| *when != When::OnSuccess)?;
    let mut rules = Vec::new();
    flatten(situation.producer.get("rules"), &mut rules);
    let values =
        situation.producer.get("when").into_iter().chain(rules.into_iter().filter_map(|rule| rule.get("when")));
    let mut values = values.filter(|value| value.text().as_deref() == Some(when.name()));
    let location = values.next().map_or_else(|| places(situation).0, |value| situation.value_location(value));
    let message =
        format!("the build job starts by 'when: {}', and the image job would have to take that over", when.name());
    let finding = Finding::new(Code::RulesDiffer, location, message);
    Some(finding.with_help(format!("let the build start by itself, {KEEP}")))
}

/// An image job that starts after a failure would build what the failure kept from being built.
fn image_starts_otherwise(situation: &Situation<'_>, both: &[(&Start, &Start)]) -> Option<Finding> {
    let is_other = |when: &When| matches!(when, When::Always | When::OnFailure);
    let when = both.iter().map(|(_, image)| image.when).find(|when| is_other(when))?;
    let message = format!("the image job starts by 'when: {}', also where the build job was not even run", when.name());
    let finding = Finding::new(Code::RulesDiffer, places(situation).1, message);
    Some(finding.with_help(format!("let the image job start once everything before it has succeeded, {KEEP}")))
}

/// GitLab makes no pipeline of `.pre` and `.post` jobs alone (GitLab docs: ci/yaml#stage-post).
fn no_stage_left(situation: &Situation<'_>) -> Option<Finding> {
    let producers = if situation.fate.is_to_stay() { &[] } else { situation.group.producers.as_slice() };
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

/// Jobs that no pipeline has both of hand nothing on: what the image gets is not known then.
fn never_meet(situation: &Situation<'_>, meetings: &[Meeting], both: &[(&Start, &Start)]) -> Option<Finding> {
    if meetings.is_empty() || !both.is_empty() {
        return None;
    }
    let (build, image) = places(situation);
    let message = format!(
        "no pipeline has both '{}' and '{}', so the one never gets the files that the other makes",
        situation.producer.name, situation.consumer.name
    );
    let finding = Finding::new(Code::RulesDiffer, build, message).with_related(image, "the image job runs under these");
    Some(finding.with_help(format!("let both jobs run in the same pipelines, {KEEP}")))
}

/// An image job that may fail would hide a failing build.
fn allow_failure(situation: &Situation<'_>, both: &[(&Start, &Start)]) -> Option<Finding> {
    let hides = |(build, image): &&(&Start, &Start)| {
        image.when == When::OnSuccess
            && image.allow_failure != AllowFailure::No
            && image.allow_failure != build.allow_failure
    };
    both.iter().find(hides)?;
    let value = situation.consumer.get("allow_failure");
    let location = value.map_or_else(|| places(situation).1, |value| situation.value_location(value));
    let message = "the image job may fail, and a failing build would no longer stop the pipeline";
    let finding = Finding::new(Code::RulesDiffer, location, message);
    Some(finding.with_help(format!("remove 'allow_failure' from the image job, {KEEP}")))
}
