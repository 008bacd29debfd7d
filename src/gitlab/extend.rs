//! `extends`, as GitLab resolves it (GitLab docs: ci/yaml#extends; `config/extendable/entry.rb`).

use std::collections::HashMap;
use std::rc::Rc;

use super::merge;
use super::value::{Mapping, Value};

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
/// Parents merge from left to right, then the job itself. A `null` takes the place of what was inherited, and then
/// counts as a keyword that is not set, so that `default` applies again; jobs that extend this one get the `null`.
///
/// # Errors
/// Where a parent is missing, or the ancestors do not end.
pub(super) fn resolve(jobs: &Mapping, name: &str, is_partial: bool) -> Result<Rc<Mapping>, ExtendError> {
    Ok(Extender { jobs, is_partial, done: HashMap::new() }.level(name, 0)?.fields)
}

/// Parents that several ancestors share are merged once.
struct Extender<'a> {
    jobs: &'a Mapping,
    is_partial: bool,
    done: HashMap<Rc<str>, Extended>,
}

#[derive(Clone, Default)]
struct Extended {
    fields: Rc<Mapping>,
    /// How many jobs with `extends` stand one above the other, this one included.
    levels: usize,
}

impl Extender<'_> {
    fn level(&mut self, name: &str, depth: usize) -> Result<Extended, ExtendError> {
        let Some(own) = self.jobs.get(name).and_then(Value::mapping) else {
            return Ok(Extended::default());
        };
        let Some(extends) = own.get("extends") else {
            return Ok(Extended { fields: Rc::clone(own), levels: 0 });
        };
        let is_too_deep = |levels: usize| depth + levels > MOST_LEVELS + 1;
        if let Some(done) = self.done.get(name).filter(|done| !is_too_deep(done.levels)) {
            return Ok(done.clone());
        }
        if is_too_deep(1) {
            return Err(ExtendError::TooDeep(extends.clone()));
        }
        let mut merged = Mapping::default();
        let mut levels = 0;
        for parent in extends.one_or_many() {
            let parent = self.level(&self.parent_name(parent)?, depth + 1)?;
            merged = merge::mappings(&merged, &parent.fields);
            levels = levels.max(parent.levels);
        }
        let extended = Extended { fields: Rc::new(merge::mappings(&merged, own)), levels: levels + 1 };
        self.done.insert(Rc::from(name), extended.clone());
        Ok(extended)
    }

    /// The name of a parent, which must be a mapping.
    fn parent_name(&self, parent: &Value) -> Result<Rc<str>, ExtendError> {
        let name = parent.text().unwrap_or_default();
        let is_known = self.jobs.get(&name).and_then(Value::mapping).is_some();
        if is_known || self.is_partial { Ok(name) } else { Err(ExtendError::Missing(parent.clone(), name.to_string())) }
    }
}
