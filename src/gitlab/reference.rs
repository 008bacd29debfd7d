//! `!reference`, looked up in the jobs as they are after `extends` (GitLab docs: ci/yaml/yaml_optimization).

use std::collections::HashMap;
use std::rc::Rc;

use super::value::{Field, Kind, Mapping, Value};

/// How deep a reference may lead to another reference.
const MOST_LEVELS: usize = 10;

/// A reference that leads nowhere, or in a circle; the value is the reference.
pub(super) struct ReferenceError(pub Value);

/// `value` with every `!reference` in it replaced by what it names in `jobs`.
///
/// # Errors
/// Where a reference leads nowhere, or more than ten references lead to one another.
pub(super) fn resolve(jobs: &HashMap<Rc<str>, Rc<Mapping>>, value: &Value) -> Result<Value, ReferenceError> {
    level(jobs, value, 0)
}

fn level(jobs: &HashMap<Rc<str>, Rc<Mapping>>, value: &Value, depth: usize) -> Result<Value, ReferenceError> {
    let kind = match &value.kind {
        Kind::Reference(path) => {
            let found = lookup(jobs, path).filter(|_| depth <= MOST_LEVELS);
            return level(jobs, &found.ok_or_else(|| ReferenceError(value.clone()))?, depth + 1);
        }
        Kind::Sequence(items) => {
            let items: Result<Vec<_>, _> = items.iter().map(|item| level(jobs, item, depth)).collect();
            Kind::Sequence(Rc::new(items?))
        }
        Kind::Mapping(mapping) => {
            let mut resolved = Mapping::default();
            for field in mapping.fields() {
                resolved.push_new(Field { value: level(jobs, &field.value, depth)?, ..field.clone() });
            }
            Kind::Mapping(Rc::new(resolved))
        }
        kind => kind.clone(),
    };
    Ok(Value { kind, origin: value.origin })
}

fn lookup(jobs: &HashMap<Rc<str>, Rc<Mapping>>, path: &[String]) -> Option<Value> {
    let (job, keys) = path.split_first()?;
    let (first, rest) = keys.split_first()?;
    let value = jobs.get(job.as_str())?.get(first)?;
    rest.iter().try_fold(value.clone(), |value, key| value.get(key).cloned())
}
