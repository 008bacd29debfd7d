//! `extends`, as GitLab resolves it (GitLab docs: ci/yaml#extends; `config/yaml/…/extendable`).

use std::rc::Rc;

use super::merge;
use super::value::{Kind, Mapping, Value};

/// The most ancestors that a job may have one above the other.
const MOST_LEVELS: usize = 10;

/// Why a job's `extends` cannot be resolved; the value is the one that names the parent.
pub(super) enum ExtendError {
    /// There is no job of that name.
    Missing(Value, String),
    /// The job extends itself, or has more than ten levels of ancestors.
    TooDeep(Value),
}

/// The fields of the job `name` with all that it extends merged below them.
///
/// Where the pipeline is read in part, a parent that is not there may lie in the rest of it, and is passed over.
/// Parents merge from left to right, then the job itself. A `null` deletes what was inherited.
///
/// # Errors
/// Where a parent is missing, or the ancestors do not end.
pub(super) fn resolve(jobs: &Mapping, name: &str, is_partial: bool) -> Result<Rc<Mapping>, ExtendError> {
    level(jobs, name, is_partial, 0)
}

fn level(jobs: &Mapping, name: &str, is_partial: bool, depth: usize) -> Result<Rc<Mapping>, ExtendError> {
    let Some(own) = jobs.get(name).and_then(Value::mapping) else {
        return Ok(Rc::default());
    };
    let Some(extends) = own.get("extends") else {
        return Ok(Rc::clone(own));
    };
    if depth > MOST_LEVELS {
        return Err(ExtendError::TooDeep(extends.clone()));
    }
    let mut merged = Mapping::default();
    for parent in extends.one_or_many() {
        let parent_name = parent.text().unwrap_or_default();
        if jobs.get(&parent_name).is_none() && !is_partial {
            return Err(ExtendError::Missing(parent.clone(), parent_name.to_string()));
        }
        merged = merge::mappings(&merged, level(jobs, &parent_name, is_partial, depth + 1)?.as_ref());
    }
    Ok(Rc::new(without_deleted(&merged, merge::mappings(&merged, own))))
}

/// A `null` over an inherited value deletes it, so that `default` applies again.
fn without_deleted(inherited: &Mapping, mut merged: Mapping) -> Mapping {
    let deleted: Vec<_> = merged
        .fields()
        .iter()
        .filter(|field| matches!(field.value.kind, Kind::Null) && inherited.get(&field.key).is_some())
        .map(|field| Rc::clone(&field.key))
        .collect();
    for key in deleted {
        merged.remove(&key);
    }
    merged
}
