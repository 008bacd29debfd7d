//! GitLab's deep merge, for included files and for `extends`: mappings merge, everything else is replaced.

use std::rc::Rc;

use super::value::{Field, Kind, Mapping, Value};

/// `below` with `above` laid over it (GitLab docs: ci/yaml#extends, "Merge details").
pub(super) fn deep(below: &Value, above: &Value) -> Value {
    match (&below.kind, &above.kind) {
        (Kind::Mapping(lower), Kind::Mapping(upper)) => {
            Value { kind: Kind::Mapping(Rc::new(mappings(lower, upper))), origin: above.origin }
        }
        _ => above.clone(),
    }
}

/// The fields of `lower` with those of `upper` laid over them.
pub(super) fn mappings(lower: &Mapping, upper: &Mapping) -> Mapping {
    let mut merged = lower.clone();
    for field in upper.fields() {
        let value = match lower.get(&field.key) {
            Some(present) => deep(present, &field.value),
            None => field.value.clone(),
        };
        merged.set(Field { value, ..field.clone() });
    }
    merged
}
