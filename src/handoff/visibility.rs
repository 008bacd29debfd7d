//! Whose files a job gets to see (GitLab docs: ci/yaml#dependencies, #needs, #cache).

use crate::gitlab::{Cache, Job, NeedSource, PathPattern, Pipeline, Value};

/// Whether `reader` downloads the artifacts of `writer`.
///
/// With `needs`, those that it lists with artifacts; else those of every earlier stage, or the ones that
/// `dependencies` lists. Rules are not looked at: where both jobs never meet, this may still say yes.
#[must_use]
pub fn downloads_artifacts(pipeline: &Pipeline, reader: &Job, writer: &Job) -> bool {
    let listed = |names: Vec<(std::rc::Rc<str>, _)>| names.iter().any(|(name, _)| *name == writer.name);
    if reader.dependencies().is_some_and(|names| !listed(names)) {
        return false;
    }
    match reader.needs() {
        Some(needs) => needs.iter().any(|need| need.is_job(&writer.name) && need.artifacts),
        None => stage_before(pipeline, writer, reader),
    }
}

/// Whether a job runs in no pipeline: all that its `rules` say is `when: never` (GitLab docs: ci/yaml#rules).
#[must_use]
pub fn is_switched_off(job: &Job) -> bool {
    let rules = job.get("rules").and_then(Value::sequence).unwrap_or_default();
    let is_never = |rule: &Value| rule.get("when").and_then(Value::text).as_deref() == Some("never");
    !rules.is_empty() && rules.iter().all(is_never)
}

/// The paths of the caches that `writer` saves and `reader` restores.
#[must_use]
pub fn restores_cache_of(reader: &Job, writer: &Job) -> Vec<PathPattern> {
    let (saved, restored) = (writer.caches(), reader.caches());
    let shared = |saved: &Cache| {
        let restores = |cache: &Cache| cache.restores() && cache.same_key(saved);
        if saved.saves() && restored.iter().any(restores) { saved.paths.clone() } else { Vec::new() }
    };
    saved.iter().flat_map(shared).collect()
}

/// Whether `first` runs in an earlier stage than `second`.
pub(super) fn stage_before(pipeline: &Pipeline, first: &Job, second: &Job) -> bool {
    match (pipeline.stage_index(first), pipeline.stage_index(second)) {
        (Some(first), Some(second)) => first < second,
        _ => false,
    }
}

/// How many needs one above the other are followed; GitLab allows no circle, so there is an end.
const MOST_LEVELS: usize = 50;

/// Whether `job` runs only after the one called `name`, by `needs` or by stages.
#[must_use]
pub fn waits_for(pipeline: &Pipeline, job: &Job, name: &str) -> bool {
    waits_at_level(pipeline, job, name, 0)
}

fn waits_at_level(pipeline: &Pipeline, job: &Job, name: &str, level: usize) -> bool {
    if level > MOST_LEVELS {
        return true;
    }
    let Some(needs) = job.needs() else {
        return pipeline.job(name).is_some_and(|other| stage_before(pipeline, other, job));
    };
    needs.iter().any(|need| match &need.source {
        NeedSource::Job(needed) => {
            let further =
                || pipeline.job(needed).is_some_and(|needed| waits_at_level(pipeline, needed, name, level + 1));
            &**needed == name || further()
        }
        NeedSource::Elsewhere => false,
    })
}
