//! From the merged keys of a pipeline to its jobs: `extends`, `!reference`, then the defaults.

use std::collections::HashMap;
use std::rc::Rc;

use super::extend::{self, ExtendError};
use super::inherit;
use super::reference::{self, ReferenceError};
use super::value::{Field, Kind, Mapping, Value};
use super::variables::Variables;

/// Keys at the top of a pipeline that are no jobs (GitLab: `entry/root.rb`).
const GLOBAL_KEYS: [&str; 12] = [
    "after_script",
    "before_script",
    "cache",
    "default",
    "image",
    "include",
    "services",
    "spec",
    "stages",
    "types",
    "variables",
    "workflow",
];

/// The stages of a pipeline that declares none.
const DEFAULT_STAGES: [&str; 3] = ["build", "test", "deploy"];

/// Why the jobs cannot be resolved.
pub(super) enum ResolveError {
    Extends(ExtendError),
    Reference(ReferenceError),
}

/// A job, resolved: its name, its keys, and the variables that the YAML gives it.
pub(super) struct Resolved {
    pub(super) name: Rc<str>,
    pub(super) fields: Rc<Mapping>,
    pub(super) variables: Variables,
}

type Extended = HashMap<Rc<str>, Rc<Mapping>>;

/// The jobs of `top`, hidden ones left out, in its order.
///
/// Where `top` is only a part of the pipeline, a parent or a reference that is not there may lie in the rest of it, and
/// is passed over.
///
/// # Errors
/// Where a parent or a reference leads nowhere.
pub(super) fn jobs(top: &Mapping, is_partial: bool) -> Result<Vec<Resolved>, ResolveError> {
    let mut extended = Extended::new();
    let mut order = Vec::new();
    for field in top.fields().iter().filter(|field| !is_global(field)) {
        let fields = extend::resolve(top, &field.key, is_partial).map_err(ResolveError::Extends)?;
        extended.insert(Rc::clone(&field.key), fields);
        if !field.key.starts_with('.') && field.value.mapping().is_some() {
            order.push(Rc::clone(&field.key));
        }
    }
    let globals = dereferenced(&extended, top, &Rc::new(inherit::globals(top)), is_partial)?;
    let defaults = inherit::defaults(&globals);
    let job = |name: Rc<str>| {
        let own = extended.get(&name).cloned().unwrap_or_default();
        let fields = inherit::apply(&defaults, &dereferenced(&extended, top, &own, is_partial)?);
        Ok(Resolved { variables: Variables::of_job(&globals, &fields), fields, name })
    };
    order.into_iter().map(job).collect()
}

fn dereferenced(
    jobs: &Extended,
    top: &Mapping,
    fields: &Rc<Mapping>,
    is_partial: bool,
) -> Result<Rc<Mapping>, ResolveError> {
    let Some(origin) = fields.fields().first().map(|field| field.value.origin) else {
        return Ok(Rc::clone(fields));
    };
    let value = Value { kind: Kind::Mapping(Rc::clone(fields)), origin };
    match reference::resolve(jobs, top, &value) {
        Ok(resolved) => Ok(resolved.mapping().cloned().unwrap_or_default()),
        Err(_) if is_partial => Ok(Rc::clone(fields)),
        Err(error) => Err(ResolveError::Reference(error)),
    }
}

/// Whether a key at the top is no job and no template of jobs. `types` was once another word for `stages`; a mapping of
/// that name is a job.
pub(super) fn is_global(field: &Field) -> bool {
    GLOBAL_KEYS.contains(&&*field.key) && !(&*field.key == "types" && field.value.mapping().is_some())
}

/// The stages that `top` declares, `.pre` and `.post` around them.
pub(super) fn stages(top: &Mapping) -> Vec<Rc<str>> {
    let declared = top.get("stages").or_else(|| top.get("types")).map(Value::one_or_many).unwrap_or_default();
    let mut names: Vec<Rc<str>> = declared.iter().filter_map(Value::text).collect();
    if names.is_empty() {
        names = DEFAULT_STAGES.iter().map(|name| Rc::from(*name)).collect();
    }
    names.retain(|name| &**name != ".pre" && &**name != ".post");
    names.insert(0, Rc::from(".pre"));
    names.push(Rc::from(".post"));
    names
}

/// What differs between two states of a pipeline, as keys at the top: jobs that are in both and are not the same, and
/// global keys.
pub(super) fn differences(one: &Mapping, other: &Mapping) -> Vec<Rc<str>> {
    let (Ok(before), Ok(after)) = (jobs(one, true), jobs(other, true)) else {
        return one.fields().iter().map(|field| Rc::clone(&field.key)).collect();
    };
    let after: HashMap<_, _> = after.iter().map(|job| (&job.name, job)).collect();
    let differs = |job: &&Resolved| {
        let now = after.get(&job.name);
        now.is_none_or(|now| !job.fields.same(&now.fields) || !same_variables(&job.variables, &now.variables))
    };
    let changed = before.iter().filter(differs).map(|job| Rc::clone(&job.name));
    let global = ["stages", "types", "workflow"].into_iter().filter(|key| match (one.get(key), other.get(key)) {
        (Some(one), Some(other)) => !one.same(other),
        (None, None) => false,
        _ => true,
    });
    changed.chain(global.map(Rc::from)).collect()
}

/// The jobs that `other` has and `one` has not, hidden ones among them.
pub(super) fn added(one: &Mapping, other: &Mapping) -> Vec<Rc<str>> {
    let jobs = other.fields().iter().filter(|field| !is_global(field) && field.value.mapping().is_some());
    jobs.filter(|field| one.get(&field.key).is_none()).map(|field| Rc::clone(&field.key)).collect()
}

/// The keys that both have and that are not the same, and the global keys that only `other` has.
pub(super) fn touched(one: &Mapping, other: &Mapping) -> Vec<Rc<str>> {
    let is_touched = |field: &&Field| match one.get(&field.key) {
        Some(before) => !before.same(&field.value),
        None => is_global(field),
    };
    other.fields().iter().filter(is_touched).map(|field| Rc::clone(&field.key)).collect()
}

fn same_variables(one: &Variables, other: &Variables) -> bool {
    let value = |variables: &Variables, name: &str| {
        (variables.get(name).map(|(written, _)| written.to_owned()), variables.value(name))
    };
    one.names().eq(other.names()) && one.names().all(|name| value(one, name) == value(other, name))
}

/// What the jobs `names` are made of: themselves, and all that they extend or refer to.
///
/// A name that `top` lacks is among them.
pub(super) fn closure(top: &Mapping, names: &[&str]) -> Vec<Rc<str>> {
    let mut found: Vec<Rc<str>> = Vec::new();
    let mut open: Vec<Rc<str>> = names.iter().map(|name| Rc::from(*name)).collect();
    while let Some(name) = open.pop() {
        if found.contains(&name) {
            continue;
        }
        if let Some(value) = top.get(&name) {
            let parents = value.get("extends").map(Value::one_or_many).unwrap_or_default();
            open.extend(parents.iter().filter_map(Value::text));
            references(value, &mut open);
        }
        found.push(name);
    }
    found
}

fn references(value: &Value, found: &mut Vec<Rc<str>>) {
    match &value.kind {
        Kind::Reference(path) => found.extend(path.first().map(|name| Rc::from(name.as_str()))),
        Kind::Sequence(items) => items.iter().for_each(|item| references(item, found)),
        Kind::Mapping(mapping) => mapping.fields().iter().for_each(|field| references(&field.value, found)),
        _ => {}
    }
}
