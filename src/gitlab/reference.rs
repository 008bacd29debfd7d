//! `!reference`, looked up in the jobs as they are after `extends` (GitLab docs: ci/yaml/yaml_optimization;
//! `config/yaml/tags/reference.rb`).

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::rc::Rc;

use super::value::{Field, Kind, Mapping, Value};

/// How deep lists, mappings and references may stand in one another. GitLab has no such limit: what is deeper is a
/// circle.
const MOST_LEVELS: usize = 300;

/// The most values that a job may come to once its references are followed, so that references to lists of
/// references end.
const MOST_VALUES: usize = 1_000_000;

/// A reference that leads nowhere, or in a circle; the value is the reference.
pub(super) struct ReferenceError(pub Value);

/// `value` with every `!reference` in it replaced by what it names: a part of one of `jobs`, which are resolved, or of
/// another key of `top`. Lists in lists are laid flat, as GitLab does wherever it allows them (scripts, rules, tags).
///
/// # Errors
/// Where a reference leads nowhere, in a circle, or to too much.
pub(super) fn resolve(
    jobs: &HashMap<Rc<str>, Rc<Mapping>>,
    top: &Mapping,
    value: &Value,
) -> Result<Value, ReferenceError> {
    let mut resolver = Resolver { jobs, top, done: HashMap::new() };
    Ok(resolver.value(value, 0)?.value)
}

struct Resolver<'a> {
    jobs: &'a HashMap<Rc<str>, Rc<Mapping>>,
    top: &'a Mapping,
    done: HashMap<Rc<Vec<String>>, Resolved>,
}

#[derive(Clone)]
struct Resolved {
    value: Value,
    /// How many values it comes to.
    size: usize,
}

impl Resolver<'_> {
    fn value(&mut self, value: &Value, depth: usize) -> Result<Resolved, ReferenceError> {
        let mut size = 1_usize;
        let kind = match &value.kind {
            Kind::Reference(path) => return self.reference(value, path, depth),
            Kind::Sequence(items) => {
                let mut resolved = Vec::with_capacity(items.len());
                for item in items.iter() {
                    let item = self.part(item, depth, &mut size)?;
                    match &item.kind {
                        Kind::Sequence(nested) => resolved.extend(nested.iter().cloned()),
                        _ => resolved.push(item),
                    }
                }
                Kind::Sequence(Rc::new(resolved))
            }
            Kind::Mapping(mapping) => {
                let mut resolved = Mapping::default();
                for field in mapping.fields() {
                    resolved.push_new(Field { value: self.part(&field.value, depth, &mut size)?, ..field.clone() });
                }
                Kind::Mapping(Rc::new(resolved))
            }
            kind => kind.clone(),
        };
        Ok(Resolved { value: Value { kind, origin: value.origin }, size })
    }

    fn part(&mut self, part: &Value, depth: usize, size: &mut usize) -> Result<Value, ReferenceError> {
        let resolved = self.value(part, depth + 1)?;
        *size = size.saturating_add(resolved.size);
        if *size > MOST_VALUES { Err(ReferenceError(part.clone())) } else { Ok(resolved.value) }
    }

    fn reference(&mut self, value: &Value, path: &Rc<Vec<String>>, depth: usize) -> Result<Resolved, ReferenceError> {
        if let Some(done) = self.done.get(path) {
            return Ok(done.clone());
        }
        let found = self.lookup(path).filter(|_| depth <= MOST_LEVELS);
        let resolved = self.value(&found.ok_or_else(|| ReferenceError(value.clone()))?, depth + 1)?;
        self.done.insert(Rc::clone(path), resolved.clone());
        Ok(resolved)
    }

    /// What a path names; a `null` counts as nothing.
    fn lookup(&self, path: &[String]) -> Option<Value> {
        let (name, keys) = path.split_first()?;
        let whole = self.top.get(name)?;
        let whole = match self.jobs.get(name.as_str()) {
            Some(fields) if whole.mapping().is_some() => {
                Value { kind: Kind::Mapping(Rc::clone(fields)), origin: whole.origin }
            }
            _ => whole.clone(),
        };
        keys.iter().try_fold(whole, |value, key| value.get(key).cloned()).filter(|value| !value.is_null())
    }
}
