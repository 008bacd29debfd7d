//! `artifacts`: the files move into the builder stage; what else GitLab does with them would be gone.

use super::{OR_KEEP, dotenv};
use crate::finding::{Code, Finding};
use crate::fold::situation::Situation;
use crate::gitlab::{Field, Value};

/// What becomes of a key of `artifacts:`.
#[derive(Clone, Copy)]
pub(super) enum Key {
    /// It says which files are handed on.
    HandsOn,
    /// It is about an archive that nobody downloads any more.
    Dropped,
    /// As before, but people may have downloaded the archive themselves; this says what they lose.
    Lost(fn(&Value) -> Option<String>),
    /// GitLab shows or reads the files of the job itself, for this reason.
    OfUseToOthers(&'static str),
    /// It needs a closer look.
    Looked(fn(&Situation<'_>, &Field) -> Vec<Finding>),
}

/// Every key (GitLab docs: ci/yaml#artifacts), sorted.
pub(super) const KEYS: [(&str, Key); 10] = [
    ("access", Key::Dropped),
    ("exclude", Key::HandsOn),
    ("expire_in", Key::Dropped),
    ("expose_as", Key::OfUseToOthers("GitLab shows the files in the merge request")),
    ("name", Key::Lost(archive)),
    ("paths", Key::HandsOn),
    ("public", Key::Dropped),
    ("reports", Key::Looked(reports)),
    ("untracked", Key::HandsOn),
    ("when", Key::Lost(on_failure_too)),
];

pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let artifacts = situation.producer.artifacts();
    let found = artifacts.fields.fields().iter().filter(|field| !field.value.is_null());
    found.flat_map(|field| of_key(situation, field)).collect()
}

fn of_key(situation: &Situation<'_>, field: &Field) -> Vec<Finding> {
    let known = KEYS.iter().find(|(key, _)| **key == *field.key).map(|(_, key)| *key);
    match known.unwrap_or(Key::OfUseToOthers("it is not known here")) {
        Key::HandsOn | Key::Dropped => Vec::new(),
        Key::Lost(what) => what(&field.value).map(|what| lost(situation, field, &what)).into_iter().collect(),
        Key::OfUseToOthers(reason) => vec![of_use(situation, field, &field.key, reason)],
        Key::Looked(look) => look(situation, field),
    }
}

/// A finding for something that would be gone with the job.
pub(super) fn of_use(situation: &Situation<'_>, field: &Field, key: &str, reason: &str) -> Finding {
    let message = format!("the build job has 'artifacts:{key}', which would be lost with it: {reason}");
    Finding::new(Code::KeywordNotFoldable, situation.pipeline.location(field.key_origin), message)
        .with_help(format!("make what 'artifacts:{key}' needs in a job of its own, {OR_KEEP}"))
}

fn lost(situation: &Situation<'_>, field: &Field, what: &str) -> Finding {
    let message = format!("'artifacts:{}' goes with the build job: {what}", field.key);
    Finding::new(Code::KeywordLost, situation.pipeline.location(field.key_origin), message)
        .with_help("if people download it from GitLab, keep the job with '--on-other-readers keep'")
}

fn archive(name: &Value) -> Option<String> {
    let name = name.text()?;
    Some(format!("there is no archive of the name {name} to download any more"))
}

/// Files that are uploaded where the build fails too are there for people to look at.
fn on_failure_too(when: &Value) -> Option<String> {
    let is_always = when.text().as_deref() == Some("always");
    is_always.then(|| "what a failing build made can no longer be downloaded".to_owned())
}

/// Files that are uploaded only where the build fails never reach the image.
pub(super) fn never_handed_on(situation: &Situation<'_>) -> Option<Finding> {
    let artifacts = situation.producer.artifacts();
    let field = artifacts.fields.field("when").filter(|field| field.value.text().as_deref() == Some("on_failure"))?;
    let message = "the build job uploads the files only where it fails, so the image never got them";
    let finding = Finding::new(Code::KeywordNotFoldable, situation.pipeline.location(field.key_origin), message);
    Some(finding.with_help("remove 'artifacts:when', if the image is to get the files"))
}

/// Reports are read by GitLab (GitLab docs: ci/yaml/artifacts_reports), but for variables that nobody uses.
fn reports(situation: &Situation<'_>, field: &Field) -> Vec<Finding> {
    let reports = field.value.mapping().map(|reports| reports.fields().to_vec()).unwrap_or_default();
    let set: Vec<_> = reports.iter().filter(|report| !report.value.is_null()).collect();
    if set.iter().any(|report| &*report.key != "dotenv") {
        return vec![of_use(situation, field, "reports", "GitLab reads the reports of the job itself")];
    }
    set.into_iter().flat_map(|report| dotenv::check(situation, report)).collect()
}
