//! What `--modernize` changed is what it said, and nothing else differs.

use super::first_difference;
use crate::fold::Modernization;
use crate::gitlab::{Job, Pipeline};

/// Whether every job is what it was, but for the scalars that were rewritten.
pub(super) fn is_as_told(before: &Pipeline, after: &Pipeline, made: &Modernization) -> Result<(), String> {
    if before.jobs().len() != after.jobs().len() {
        return Err("--modernize changed which jobs there are".to_owned());
    }
    for job in before.jobs() {
        let own: Vec<_> = made.rewritten.iter().filter(|(name, ..)| **name == *job.name).collect();
        let is_same =
            |then: &str, now: &str| then == now || own.iter().any(|(_, old, new)| **old == *then && **new == *now);
        let now = after.job(&job.name).ok_or_else(|| format!("the job '{}' is gone", job.name))?;
        let may_change = |keyword: &str| {
            !own.is_empty() && matches!(keyword, "after_script" | "before_script" | "script" | "image" | "services")
        };
        if let Some(keyword) = first_difference(job, now, may_change) {
            return Err(format!("--modernize changed '{keyword}' of the job '{}'", job.name));
        }
        let (then, now) = (texts(job), texts(now));
        if then.len() != now.len() || !then.iter().zip(&now).all(|(then, now)| is_same(then, now)) {
            return Err(format!("--modernize changed more of the job '{}' than it says", job.name));
        }
    }
    Ok(())
}

/// The commands, the image and the services of a job.
fn texts(job: &Job) -> Vec<String> {
    // One anchor may stand in several scripts of a job.
    let scripts = job.script().into_iter().chain(job.script_of("after_script"));
    let script = scripts.map(|item| item.text.as_deref().unwrap_or_default().to_owned());
    let image = job.image().map(|image| image.written.to_string());
    let services = job.get("services").map(crate::gitlab::Value::one_or_many).unwrap_or_default();
    let services = services.iter().filter_map(|service| service.text().or_else(|| service.get("name")?.text()));
    script.chain(image).chain(services.map(|name| name.to_string())).collect()
}
