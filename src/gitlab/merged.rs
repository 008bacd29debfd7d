//! The pipeline as GitLab itself has merged it (GitLab docs: ci/pipeline_editor, "Full configuration"; API
//! `GET /projects/:id/ci/lint`, `merged_yaml`), laid over what the files of the repository say.
//!
//! It knows what no file here knows: the parents, the defaults and the jobs of includes from elsewhere. Its own lines are no
//! user's lines, so wherever a file of the repository says the same, the value keeps its place in that file. A fold changes
//! the files and not the merged pipeline: what that adds is found by comparing it with the files as they were.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::file::{Home, PipelineFile};
use super::read;
use super::resolve::{self, Resolved};
use super::value::{Field, FileId, Kind, Mapping, Origin, Value};
use super::variables::Variables;
use crate::finding::{Code, Finding, Location};
use crate::source::SourceFile;
use crate::syntax::yaml::Tree;

/// GitLab's merged pipeline, read.
pub(super) struct Merged {
    pub(super) file: PipelineFile,
    top: Mapping,
    jobs: Vec<Resolved>,
}

/// A pipeline read from the files alone.
pub(super) struct Local {
    pub(super) top: Mapping,
    pub(super) jobs: Vec<Resolved>,
}

/// A keyword of a job of which the files and the merged pipeline say two things.
pub(super) struct Dispute {
    pub(super) job: Rc<str>,
    /// What the files say; `None` where the merged pipeline has no such job.
    pub(super) local: Option<Field>,
    /// What the merged pipeline says, if anything.
    pub(super) merged: Option<Origin>,
}

impl Merged {
    /// Reads the merged pipeline `source`, whose values belong to the file `id`.
    ///
    /// # Errors
    /// A finding where it is no pipeline.
    pub(super) fn read(source: &Arc<SourceFile>, id: FileId) -> Result<Self, Box<Finding>> {
        let help = "give what GitLab shows as the full configuration of this pipeline";
        let location = || Location::File(source.path().clone());
        let fault = |code, message: &str| Box::new(Finding::new(code, location(), message).with_help(help));
        let tree = Tree::parse(source.text()).map_err(|error| {
            let finding = Finding::new(Code::YamlSyntax, Location::new(source, error.span), error.message);
            Box::new(finding.with_help(help))
        })?;
        let root = tree.documents().iter().find_map(|document| document.root);
        let root = root.ok_or_else(|| fault(Code::PipelineEmpty, "there is no pipeline in this file"))?;
        let value = read::value(source, &tree, id, root)?;
        let own = value.mapping().ok_or_else(|| fault(Code::PipelineNotAMapping, "this is not a mapping"))?;
        let top = without_extends(own);
        let jobs = resolve::jobs(&top, true).unwrap_or_default();
        let file = PipelineFile::new(Arc::clone(source), tree, root, Home::Merged, own);
        Ok(Self { file, top, jobs })
    }

    /// What is the case: `now`, the files as they are, with all that the merged pipeline adds to `before`, the files as they
    /// were when GitLab merged them.
    pub(super) fn complete(&self, now: &Local, before: &Local) -> Local {
        let mut top = now.top.clone();
        for field in self.top.fields() {
            let is_more = before.top.get(&field.key).is_none();
            if is_more {
                top.set(field.clone());
            } else if resolve::is_global(field)
                && let (Some(now), Some(before)) = (now.top.field(&field.key), before.top.get(&field.key))
            {
                top.set(Field { value: completed(&field.key, &now.value, before, &field.value), ..now.clone() });
            }
        }
        let (then, merged) = (by_name(&before.jobs), by_name(&self.jobs));
        let complete = |job: &Resolved| {
            let fields = match (then.get(&*job.name), merged.get(&*job.name)) {
                (Some(then), Some(merged)) => Rc::new(completed_fields(&job.fields, &then.fields, &merged.fields)),
                _ => Rc::clone(&job.fields),
            };
            resolved(&top, &job.name, fields)
        };
        let mut jobs: Vec<_> = now.jobs.iter().map(complete).collect();
        let more = self.jobs.iter().filter(|job| !then.contains_key(&*job.name));
        jobs.extend(more.map(|job| resolved(&top, &job.name, Rc::clone(&job.fields))));
        Local { top, jobs }
    }

    /// Where the files as GitLab merged them say something else than what came out.
    pub(super) fn disputes(&self, before: &Local) -> Vec<Dispute> {
        let merged = by_name(&self.jobs);
        let dispute = |job: &Resolved| {
            let Some(merged) = merged.get(&*job.name) else {
                return Some(Dispute { job: Rc::clone(&job.name), local: None, merged: None });
            };
            let is_kept = |field: &&Field| {
                matches!(&*field.key, "extends") || holds(&field.key, merged.fields.get(&field.key), &field.value)
            };
            let field = job.fields.fields().iter().find(|field| !is_kept(field))?;
            let origin = merged.fields.field(&field.key).map(|field| field.key_origin);
            Some(Dispute { job: Rc::clone(&job.name), local: Some(field.clone()), merged: origin })
        };
        before.jobs.iter().filter_map(dispute).collect()
    }
}

fn by_name(jobs: &[Resolved]) -> HashMap<&str, &Resolved> {
    jobs.iter().map(|job| (&*job.name, job)).collect()
}

fn resolved(top: &Mapping, name: &Rc<str>, fields: Rc<Mapping>) -> Resolved {
    Resolved { name: Rc::clone(name), variables: Variables::of_job(top, &fields), fields }
}

/// The parents are merged in already; extending them once more would bring back what a job has deleted.
fn without_extends(top: &Mapping) -> Mapping {
    let mut jobs = Mapping::default();
    for field in top.fields().iter().filter(|field| &*field.key != "include") {
        let value = match field.value.mapping() {
            Some(fields) if fields.get("extends").is_some() => {
                let mut fields = Mapping::clone(fields);
                fields.remove("extends");
                Value { kind: Kind::Mapping(Rc::new(fields)), origin: field.value.origin }
            }
            _ => field.value.clone(),
        };
        jobs.push_new(Field { value, ..field.clone() });
    }
    jobs
}

fn completed(key: &str, now: &Value, before: &Value, merged: &Value) -> Value {
    match (now.mapping(), before.mapping(), merged.mapping()) {
        (Some(now_fields), Some(before), Some(merged)) => {
            let fields = completed_fields(now_fields, before, merged);
            Value { kind: Kind::Mapping(Rc::new(fields)), origin: now.origin }
        }
        _ if holds(key, Some(merged), before) => now.clone(),
        _ => merged.clone(),
    }
}

fn completed_fields(now: &Mapping, before: &Mapping, merged: &Mapping) -> Mapping {
    let mut fields = Mapping::default();
    for field in now.fields() {
        let value = match (before.get(&field.key), merged.get(&field.key)) {
            (Some(before), Some(merged)) => completed(&field.key, &field.value, before, merged),
            _ => field.value.clone(),
        };
        fields.set(Field { value, ..field.clone() });
    }
    for field in merged.fields().iter().filter(|field| before.get(&field.key).is_none_or(Value::is_null)) {
        fields.set(field.clone());
    }
    fields
}

/// Whether the merged value says all that the local one says: mappings may hold more, and scripts may lie flat.
fn holds(key: &str, merged: Option<&Value>, local: &Value) -> bool {
    let Some(merged) = merged else {
        return local.is_null();
    };
    match (local.mapping(), merged.mapping()) {
        (Some(local), Some(merged)) => {
            local.fields().iter().all(|field| holds(&field.key, merged.get(&field.key), &field.value))
        }
        _ if key == "stages" || key.ends_with("script") => {
            let (one, other) = (flat(local), flat(merged));
            one.len() == other.len() && one.iter().zip(&other).all(|(one, other)| one.same(other))
        }
        _ => local.same(merged),
    }
}

/// The items of a list and of the lists in it, without the two stages that GitLab adds.
fn flat(value: &Value) -> Vec<&Value> {
    match value.sequence() {
        Some(items) => items.iter().flat_map(flat).collect(),
        None => {
            let is_added = value.text().is_some_and(|text| matches!(&*text, ".pre" | ".post"));
            (!is_added).then_some(value).into_iter().collect()
        }
    }
}
