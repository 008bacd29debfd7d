//! How a pipeline is put together: its files, what GitLab's merged pipeline adds, and the jobs of both.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::Pipeline;
use crate::finding::{Code, Finding, Location};
use crate::gitlab::extend::ExtendError;
use crate::gitlab::file::PipelineFile;
use crate::gitlab::include::{self, Loaded, OpenInclude};
use crate::gitlab::job::Job;
use crate::gitlab::merged::{Dispute, Local, Merged};
use crate::gitlab::reference::ReferenceError;
use crate::gitlab::resolve::{self, ResolveError, Resolved};
use crate::gitlab::unread::{ConditionalInclude, DisputedJob};
use crate::gitlab::value::{FileId, Kind, Mapping, Value};
use crate::source::{ReadError, Repository, SourceFile};
use crate::syntax::yaml::DuplicateKey;
use crate::text::RepositoryPath;

impl Pipeline {
    /// Reads and resolves the pipeline at `path`.
    ///
    /// # Errors
    /// A finding where the pipeline cannot be read at all.
    pub fn read(repository: &dyn Repository, path: &RepositoryPath) -> Result<Self, Box<Finding>> {
        let loaded = include::load(repository, path)?;
        let mut pipeline = Self {
            conditional: conditional(&loaded),
            top: Rc::new(loaded.root.merged(&|_| true)),
            files: loaded.files,
            merged: None,
            stages: Vec::new(),
            jobs: Vec::new(),
            places: HashMap::new(),
            unread: loaded.unread,
            disputes: Vec::new(),
            findings: Vec::new(),
        };
        pipeline.note_duplicate_keys();
        let mut local = pipeline.local()?;
        if let Some(source) = repository.merged_pipeline() {
            local = pipeline.with_merged(&unwrapped(source)?, local, repository, path)?;
        }
        pipeline.settle(local);
        Ok(pipeline)
    }

    /// The jobs as the files make them.
    fn local(&self) -> Result<Local, Box<Finding>> {
        let jobs = resolve::jobs(&self.top, !self.unread.is_empty()).map_err(|error| match error {
            ResolveError::Extends(error) => self.extend_finding(error),
            ResolveError::Reference(error) => self.reference_finding(error),
        })?;
        Ok(Local { top: Mapping::clone(&self.top), jobs })
    }

    /// `local` with all that GitLab's merged pipeline adds to the files; nothing is unread then.
    fn with_merged(
        &mut self,
        source: &Arc<SourceFile>,
        local: Local,
        repository: &dyn Repository,
        path: &RepositoryPath,
    ) -> Result<Local, Box<Finding>> {
        let merged = Merged::read(source, FileId(self.files.len()))?;
        let before = match repository.unfolded() {
            Some(unfolded) => {
                let loaded = include::load(unfolded, path)?;
                let top = loaded.root.merged(&|_| true);
                Local { jobs: resolve::jobs(&top, true).unwrap_or_default(), top }
            }
            None => Local { top: local.top.clone(), jobs: resolve::jobs(&local.top, true).unwrap_or_default() },
        };
        let complete = merged.complete(&local, &before);
        let disputes = merged.disputes(&before);
        self.merged = Some(merged.file);
        let is_as_merged = repository.unfolded().is_none();
        self.disputes = disputes.into_iter().map(|dispute| self.dispute(dispute, is_as_merged)).collect();
        // One that this pipeline has left may be taken in by the next.
        self.unread.retain(|unread| unread.is_conditional || unread.scanner().is_some());
        Ok(complete)
    }

    /// The places of a dispute; after a fold, the files are no longer those that it names places of.
    fn dispute(&self, dispute: Dispute, is_as_merged: bool) -> DisputedJob {
        let merged = dispute.merged.map(|origin| self.location(origin));
        let whole = || self.merged.as_ref().map(|file| Location::File(file.source.path().clone()));
        DisputedJob {
            merged: merged.or_else(whole).unwrap_or(Location::File(RepositoryPath::root())),
            local: dispute.local.as_ref().filter(|_| is_as_merged).map(|field| self.location(field.key_origin)),
            keyword: dispute.local.map(|field| field.key),
            job: dispute.job,
        }
    }

    fn settle(&mut self, local: Local) {
        let job = |Resolved { name, fields, variables }| Job {
            definitions: self.definitions(&name),
            name,
            fields,
            variables,
        };
        self.jobs = local.jobs.into_iter().map(job).collect();
        self.places = self.jobs.iter().enumerate().map(|(place, job)| (Rc::clone(&job.name), place)).collect();
        self.stages = resolve::stages(&local.top);
        self.top = Rc::new(local.top);
    }

    fn note_duplicate_keys(&mut self) {
        let findings: Vec<_> = self.files.iter().filter(|file| file.is_editable()).flat_map(duplicate_keys).collect();
        self.findings.extend(findings);
    }

    fn extend_finding(&self, error: ExtendError) -> Box<Finding> {
        let (value, message) = match error {
            ExtendError::Missing(value, name) => {
                let what = if self.unread.is_empty() { "" } else { " in the files that can be read here" };
                (value, format!("this extends '{name}', and there is no such job{what}"))
            }
            ExtendError::TooDeep(value) => {
                (value, "this job extends itself, or has more than ten levels of ancestors".into())
            }
        };
        self.unresolved(Code::ExtendsUnresolved, &value, message, "name a job of the pipeline, or take 'extends' out")
    }

    fn reference_finding(&self, ReferenceError(value): ReferenceError) -> Box<Finding> {
        let path = match &value.kind {
            Kind::Reference(path) => path.join(", "),
            _ => String::new(),
        };
        self.unresolved(
            Code::ReferenceUnresolved,
            &value,
            format!("this reference to [{path}] leads nowhere, or in a circle"),
            "name a keyword that the job has, or write its value here",
        )
    }

    fn unresolved(&self, code: Code, value: &Value, message: String, help: &str) -> Box<Finding> {
        let finding = Finding::new(code, self.location(value.origin), message).with_help(help);
        Box::new(self.unread.iter().fold(finding, |finding, unread| {
            finding.with_related(unread.location.clone(), format!("{} could not be read here", unread.what))
        }))
    }
}

fn unwrapped(source: Result<Arc<SourceFile>, ReadError>) -> Result<Arc<SourceFile>, Box<Finding>> {
    source.map_err(|error| {
        let message = format!("the merged pipeline: {error}");
        Box::new(Finding::new(Code::FileUnreadable, Location::File(RepositoryPath::root()), message))
    })
}

/// What each include that only some pipelines take in changes, with nothing taken in beside it but what it stands in. Where none of them alone changes a value,
/// no choice of them does: the last word on it is the same each time.
fn conditional(loaded: &Loaded) -> Vec<ConditionalInclude> {
    let include = |open: &OpenInclude| {
        let around = open.within.split_last().map(|(_, around)| around).unwrap_or_default();
        let without = loaded.root.merged(&|number| around.contains(&number));
        let with = loaded.root.merged(&|number| open.within.contains(&number));
        ConditionalInclude {
            location: open.location.clone(),
            changes: resolve::differences(&without, &with),
            adds: resolve::added(&without, &with),
            touches: resolve::touched(&without, &with),
        }
    };
    loaded.conditions.iter().map(include).collect()
}

fn duplicate_keys(file: &PipelineFile) -> Vec<Finding> {
    let finding = |duplicate: &DuplicateKey| {
        let key = file.tree.node(duplicate.later.key).scalar().unwrap_or_default();
        let message = format!("the key '{key}' stands twice; GitLab takes this one");
        Finding::new(Code::DuplicateKey, file.location(duplicate.later.key), message)
            .with_related(file.location(duplicate.first.key), "this one has no effect")
            .with_help("remove one of them")
    };
    file.tree.duplicate_keys().iter().map(finding).collect()
}
