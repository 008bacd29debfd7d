//! `default:`, the older globals, and `inherit:` (GitLab docs: ci/yaml#default, #inherit).

use std::rc::Rc;

use super::value::{Field, Mapping, Value};

/// The keywords that a job takes from `default:` where it does not set them itself. Whole values only: nothing merges.
const INHERITABLE: [&str; 11] = [
    "after_script",
    "artifacts",
    "before_script",
    "cache",
    "hooks",
    "id_tokens",
    "image",
    "interruptible",
    "retry",
    "services",
    "tags",
];

/// Those of them that may also stand at the top of the file, as `default:` had it before there was one
/// (GitLab docs: ci/yaml/deprecated_keywords).
const LEGACY: [&str; 5] = ["after_script", "before_script", "cache", "image", "services"];

/// The keys of `top` that say something about every job, and may hold references.
pub(super) fn globals(top: &Mapping) -> Mapping {
    let keys = ["default", "variables", "workflow"].iter().chain(&LEGACY);
    keys.filter_map(|key| top.field(key)).fold(Mapping::default(), |mut globals, field| {
        globals.set(field.clone());
        globals
    })
}

/// What every job inherits from the top of the pipeline `top`.
pub(super) fn defaults(top: &Mapping) -> Mapping {
    let written = top.get("default").and_then(Value::mapping).cloned().unwrap_or_default();
    let own = INHERITABLE.iter().filter_map(|key| written.field(key));
    let legacy =
        LEGACY.iter().filter(|key| written.get(key).is_none_or(Value::is_null)).filter_map(|key| top.field(key));
    own.chain(legacy).fold(Mapping::default(), |mut defaults, field| {
        defaults.set(field.clone());
        defaults
    })
}

/// The fields of a job with those of `defaults` that it does not set and that its `inherit:` lets in.
///
/// A value of `null` counts as not set, an empty list does not.
pub(super) fn apply(defaults: &Mapping, job: &Rc<Mapping>) -> Rc<Mapping> {
    let wanted = |field: &&Field| admits(job, "default", &field.key) && job.get(&field.key).is_none_or(Value::is_null);
    let missing: Vec<_> = defaults.fields().iter().filter(wanted).collect();
    if missing.is_empty() {
        return Rc::clone(job);
    }
    let mut fields = Mapping::clone(job);
    for field in missing {
        fields.set(field.clone());
    }
    Rc::new(fields)
}

/// Whether `inherit:` of a job lets `name` of the given kind (`default` or `variables`) in.
pub(super) fn admits(job: &Mapping, kind: &str, name: &str) -> bool {
    let Some(inherit) = job.get("inherit").and_then(|inherit| inherit.get(kind)) else {
        return true;
    };
    match inherit.sequence() {
        Some(names) => names.iter().any(|item| item.text().as_deref() == Some(name)),
        None => inherit.text().as_deref() != Some("false"),
    }
}
