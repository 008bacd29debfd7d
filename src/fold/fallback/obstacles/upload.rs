//! Where the producer uploads files already, and what the consumer downloads: both must be their own words.

use crate::finding::{Code, Finding};
use crate::fold::fallback::Reroute;
use crate::fold::fallback::steps::is_own;
use crate::gitlab::{Job, Relation, Value};
use crate::handoff::downloads_artifacts;

pub(super) fn check(reroute: &Reroute<'_>) -> Vec<Finding> {
    uploads(reroute).into_iter().chain(left_out(reroute)).chain(downloads(reroute)).collect()
}

fn uploads(reroute: &Reroute<'_>) -> Option<Finding> {
    let field = reroute.producer.fields.field("artifacts")?;
    let lists = field.value.get("paths");
    let is_own = |value: &Value| is_own(reroute.pipeline, reroute.producer, value.origin);
    if is_own(&field.value) && lists.is_none_or(is_own) {
        return None;
    }
    let foreign = lists.filter(|_| is_own(&field.value)).unwrap_or(&field.value);
    Some(shared(reroute, reroute.producer, "artifacts", foreign))
}

/// Artifacts that leave the files out, or that a build uploads only where it fails.
fn left_out(reroute: &Reroute<'_>) -> Option<Finding> {
    let artifacts = reroute.producer.artifacts();
    let is_met = |path: &crate::gitlab::PathPattern| {
        reroute.uploaded.iter().any(|uploaded| uploaded.relation(&path.text) != Relation::Apart)
    };
    let excluded = artifacts.exclude.iter().find(|path| is_met(path)).map(|path| path.origin);
    let when = artifacts.fields.get("when").filter(|when| when.text().as_deref() == Some("on_failure"));
    let origin = excluded.or(when.map(|when| when.origin))?;
    let message = "the artifacts of the build job do not hold all of the files: this leaves some out";
    let finding = Finding::new(Code::EditNotPossible, reroute.pipeline.location(origin), message);
    Some(finding.with_help("let the build job upload the files under 'artifacts' itself"))
}

fn downloads(reroute: &Reroute<'_>) -> Vec<Finding> {
    if downloads_artifacts(reroute.pipeline, reroute.consumer, reroute.producer) {
        return Vec::new();
    }
    if reroute.producer.artifacts().hands_on_files() {
        return vec![more_files(reroute)];
    }
    let fields = ["dependencies", "needs"].iter().filter_map(|keyword| reroute.consumer.fields.field(keyword));
    let foreign = fields.filter(|field| !is_own(reroute.pipeline, reroute.consumer, field.value.origin));
    foreign.map(|field| shared(reroute, reroute.consumer, &field.key, &field.value)).collect()
}

/// Who downloads the artifacts of a job gets all of them, and a `COPY . .` would take them into the image.
fn more_files(reroute: &Reroute<'_>) -> Finding {
    let (producer, consumer) = (&reroute.producer.name, &reroute.consumer.name);
    let message =
        format!("'{consumer}' would download the other artifacts of '{producer}' too, which it does not get today");
    let location = reroute.pipeline.keyword_location(reroute.producer, "artifacts");
    let keyword = if reroute.consumer.get("dependencies").is_some() { "dependencies" } else { "needs" };
    Finding::new(Code::ForeignFileInContext, location, message)
        .with_related(reroute.pipeline.keyword_location(reroute.consumer, keyword), "this keeps them out")
        .with_help("let another job upload them, or let the image job download them")
}

fn shared(reroute: &Reroute<'_>, job: &Job, keyword: &str, value: &Value) -> Finding {
    let message = format!("'{keyword}' of '{}' is shared with other jobs, and has to change", job.name);
    Finding::new(Code::JobDefinitionShared, reroute.pipeline.location(value.origin), message)
        .with_related(reroute.pipeline.job_location(job), "this job has it from there")
        .with_help(format!("write '{keyword}' in '{}' itself", job.name))
}
