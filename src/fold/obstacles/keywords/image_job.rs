//! Keywords of the image job whose meaning a fold may change.

use super::{forbidden_on_image, says_nothing};
use crate::finding::{Code, Finding};
use crate::fold::situation::Situation;
use crate::gitlab::{Relation, Value};

/// Everything that git does not track was the files of the build job too.
pub(super) fn artifacts(situation: &Situation<'_>) -> Vec<Finding> {
    let artifacts = situation.consumer.artifacts();
    let Some(field) = artifacts.fields.field("untracked").filter(|_| artifacts.untracked) else {
        return Vec::new();
    };
    let message = "the image job uploads all that git does not track, the files of the build job among it";
    let finding = Finding::new(Code::HandoffUsedOutsideBuild, situation.pipeline.location(field.key_origin), message);
    vec![finding.with_help("name the files that the image job is to upload with 'artifacts:paths'")]
}

/// A folder that is published as a site must not hold the files (GitLab docs: ci/yaml#pages).
pub(super) fn published(situation: &Situation<'_>) -> Vec<Finding> {
    let own = ["pages", "publish"].iter().find_map(|keyword| {
        let value = situation.consumer.get(keyword).filter(|value| !says_nothing(value))?;
        let named = if *keyword == "publish" { value.text() } else { value.get("publish").and_then(Value::text) };
        Some((*keyword, named.unwrap_or_else(|| "public".into())))
    });
    let meets = |folder: &str| situation.patterns().iter().any(|pattern| pattern.relation(folder) != Relation::Apart);
    match own.filter(|(_, folder)| meets(folder)) {
        Some((keyword, folder)) => {
            let reason = format!("it publishes {folder}, which would no longer be in the job's folder");
            vec![forbidden_on_image(situation, keyword, &reason)]
        }
        None => Vec::new(),
    }
}

/// Values that a person gives the job are put into its script before the shell sees it
/// (GitLab docs: ci/jobs/job_inputs).
pub(super) fn inputs(situation: &Situation<'_>) -> Vec<Finding> {
    let mut items = situation.handoff.script.items.iter().filter_map(|item| item.text.as_deref());
    if !items.any(|text| text.contains("job.inputs.")) {
        return Vec::new();
    }
    vec![forbidden_on_image(situation, "inputs", "a person gives its script values at run time")]
}

/// The image job in an image of another architecture than the build job's.
pub(super) fn platform(situation: &Situation<'_>) -> Vec<Finding> {
    let image = situation.consumer.get("image");
    platform_of(situation, image, "image")
}

/// An engine of another architecture builds the stage for that (GitLab docs: ci/yaml#servicesdocker).
pub(super) fn platform_of_services(situation: &Situation<'_>) -> Vec<Finding> {
    let services = situation.consumer.get("services").map(Value::one_or_many).unwrap_or_default();
    services.iter().flat_map(|service| platform_of(situation, Some(service), "services")).collect()
}

fn platform_of(situation: &Situation<'_>, value: Option<&Value>, keyword: &str) -> Vec<Finding> {
    let platform = |value: &Value| value.get("docker")?.get("platform")?.text();
    let own = situation.producer.get("image").and_then(platform);
    match value.and_then(platform).filter(|platform| own.as_ref() != Some(platform)) {
        Some(platform) => {
            let reason = format!("'docker:platform' is {platform}, and the build ran on that of its own runner");
            vec![forbidden_on_image(situation, keyword, &reason)]
        }
        None => Vec::new(),
    }
}
