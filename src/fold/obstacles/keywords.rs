//! What becomes of each keyword of the build job, one line of a table for each.

use crate::finding::{Code, Finding};
use crate::fold::situation::Situation;
use crate::gitlab::Value;

/// What becomes of a keyword when the build job goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Treatment {
    /// Its meaning moves into the builder stage, or another obstacle looks at it.
    Handled,
    /// It is of no meaning without the job.
    Dropped,
    /// Others have use for it, so that the job can at the most stay beside the fold.
    OfUseToOthers(&'static str),
    /// It cannot go along, for this reason.
    Forbids(&'static str),
}

use Treatment::{Dropped, Forbids, Handled, OfUseToOthers};

/// Every keyword that a job may have (GitLab: `entry/job.rb`, `entry/processable.rb`), sorted.
const PRODUCER: [(&str, Treatment); 40] = [
    ("after_script", Handled),
    ("allow_failure", Forbids("a failing build would stop the image where it did not stop the pipeline")),
    ("artifacts", Handled),
    ("before_script", Handled),
    ("cache", Handled),
    ("coverage", OfUseToOthers("the coverage figure is read from the job's log")),
    ("dast_configuration", OfUseToOthers("it configures a scan of this job")),
    ("dependencies", Handled),
    ("environment", OfUseToOthers("it records a deployment and gives the job variables of its own")),
    ("except", Handled),
    ("extends", Dropped),
    ("hooks", Forbids("its commands run before the sources are fetched")),
    ("id_tokens", Forbids("it gives the build a token, which is a secret")),
    ("identity", Forbids("it gives the build an identity of its own")),
    ("image", Handled),
    ("inherit", Dropped),
    ("inputs", Forbids("a person gives it values at run time")),
    ("interruptible", Dropped),
    ("manual_confirmation", Forbids("a person starts the job")),
    ("needs", Handled),
    ("only", Handled),
    ("pages", OfUseToOthers("it publishes the files as a site")),
    ("parallel", Forbids("it runs several times, and each run makes files of its own")),
    ("publish", OfUseToOthers("it publishes the files as a site")),
    ("release", OfUseToOthers("it makes a release")),
    ("resource_group", OfUseToOthers("it keeps the job from running beside others")),
    ("retry", Dropped),
    ("rules", Handled),
    ("run", Forbids("its steps are no shell script")),
    ("script", Handled),
    ("secrets", Forbids("it gives the build secrets")),
    ("services", Handled),
    ("stage", Handled),
    ("start_in", Handled),
    ("tags", Handled),
    ("timeout", Dropped),
    ("trigger", Forbids("it starts another pipeline")),
    ("type", Handled),
    ("variables", Handled),
    ("when", Handled),
];

/// Keys of `artifacts:` that forbid the fold (GitLab docs: ci/yaml#artifacts).
const ARTIFACT_KEYS: [(&str, &str); 2] = [
    ("reports", "GitLab reads the reports of the job itself"),
    ("expose_as", "GitLab shows the files in the merge request"),
];

pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let forbids = |treatment: Treatment| match treatment {
        Forbids(reason) => Some(reason),
        Handled | Dropped | OfUseToOthers(_) => None,
    };
    let others = if situation.fate.is_to_stay() { Vec::new() } else { of_use_to_others(situation) };
    keywords(situation, forbids).into_iter().chain(others).chain(services(situation)).chain(tags(situation)).collect()
}

/// What others have of the job itself, whatever becomes of its files.
pub(super) fn of_use_to_others(situation: &Situation<'_>) -> Vec<Finding> {
    let of_use = |treatment: Treatment| match treatment {
        OfUseToOthers(reason) => Some(reason),
        Handled | Dropped | Forbids(_) => None,
    };
    keywords(situation, of_use)
        .into_iter()
        .chain(artifact_keys(situation))
        .chain(pages(situation))
        .chain(after_script(situation))
        .collect()
}

/// A finding for each keyword of the job for whose treatment `reason` has a reason.
fn keywords(situation: &Situation<'_>, reason: impl Fn(Treatment) -> Option<&'static str>) -> Vec<Finding> {
    let fields = situation.producer.fields.fields();
    let set = fields.iter().filter(|field| !field.value.is_null() && !is_off(&field.value));
    let found = set.filter_map(|field| {
        let known = PRODUCER.iter().find(|(keyword, _)| **keyword == *field.key).map(|(_, treatment)| *treatment);
        let reason = reason(known.unwrap_or(Forbids("it is not known here")))?;
        Some(forbidden(situation, &field.key, reason))
    });
    found.collect()
}

/// `allow_failure: false`, `parallel: 1` and their like say what holds anyway.
fn is_off(value: &Value) -> bool {
    matches!(value.text().as_deref(), Some("false" | "1" | ""))
}

fn forbidden(situation: &Situation<'_>, keyword: &str, reason: &str) -> Finding {
    let message = format!("the build job has '{keyword}', which cannot move into a Dockerfile: {reason}");
    Finding::new(Code::KeywordNotFoldable, situation.producer_location(keyword), message)
        .with_help(format!("if the build does not need '{keyword}', remove it; else leave the job as it is"))
}

fn artifact_keys(situation: &Situation<'_>) -> Vec<Finding> {
    let artifacts = situation.producer.artifacts();
    let found = ARTIFACT_KEYS.iter().filter_map(|(key, reason)| Some((key, reason, artifacts.fields.field(key)?)));
    let findings = found.map(|(key, reason, field)| {
        let message = format!("the build job has 'artifacts:{key}', which would be lost with it: {reason}");
        Finding::new(Code::KeywordNotFoldable, situation.pipeline.location(field.key_origin), message)
            .with_help(format!("make what 'artifacts:{key}' needs in a job of its own"))
    });
    findings.collect()
}

/// A job of this name publishes its files even without the keyword (GitLab docs: user/project/pages).
fn pages(situation: &Situation<'_>) -> Option<Finding> {
    (&*situation.producer.name == "pages").then(|| {
        let message = "a job of the name 'pages' publishes its files as a site, which would be gone";
        Finding::new(Code::KeywordNotFoldable, situation.pipeline.job_location(situation.producer), message)
            .with_help("make the files for the image in a job of another name")
    })
}

/// What runs after the script may clean up; it must not touch the files that are handed on.
fn after_script(situation: &Situation<'_>) -> Option<Finding> {
    let script = crate::handoff::JobScript::of_keyword(situation.producer, "after_script");
    let patterns = situation.patterns();
    let is_cleaning = |step: &crate::docker::Step| {
        let is_harmless =
            matches!(step.program(), Some("rm" | "echo" | "docker" | "ls" | "date" | "true" | "df" | "du"));
        is_harmless && crate::handoff::tree_use(step, &patterns) == crate::handoff::TreeUse::None
    };
    let is_clean = script.walk.opaque.is_empty() && script.walk.steps.iter().all(is_cleaning);
    (!is_clean).then(|| forbidden(situation, "after_script", "it does more than clean up"))
}

/// A service that the script cannot reach is of no use to it: Docker-in-Docker without a `docker` command.
fn services(situation: &Situation<'_>) -> Vec<Finding> {
    let used = situation
        .producer
        .services()
        .into_iter()
        .filter(|(name, _)| crate::docker::ImageName::new(name).name != "docker");
    let finding = |(name, origin): (String, crate::gitlab::Origin)| {
        let message = format!("the build job has the service {name}, and a docker build has no services");
        Finding::new(Code::ServiceInUse, situation.pipeline.location(origin), message)
            .with_help("if the build does not use it, remove it from the job ('services: []' where it is inherited)")
    };
    used.map(finding).collect()
}

/// Runner tags that only the build job has may ask for another machine.
fn tags(situation: &Situation<'_>) -> Option<Finding> {
    let kept = situation.consumer.tags();
    let lost: Vec<_> = situation.producer.tags().into_iter().filter(|tag| !kept.contains(tag)).collect();
    if lost.is_empty() {
        return None;
    }
    let message =
        format!("the build job asks for a runner with the tag {}, and the image job does not", lost.join(", "));
    let finding = Finding::new(Code::RunnerTagsDiffer, situation.producer_location("tags"), message)
        .with_related(situation.consumer_location("tags"), "the image job runs here")
        .with_help("if the runners of the image job can build too, give both jobs the same tags");
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::PRODUCER;

    #[test]
    fn the_table_is_sorted() {
        assert!(PRODUCER.is_sorted_by_key(|(keyword, _)| *keyword));
    }
}
