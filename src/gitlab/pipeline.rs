use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::extend::ExtendError;
use super::file::PipelineFile;
use super::include::{self, Loaded, OpenInclude};
use super::job::{Definition, Job};
use super::merged::{Dispute, Local, Merged};
use super::reference::ReferenceError;
use super::resolve::{self, ResolveError, Resolved};
use super::unread::{ConditionalInclude, DisputedJob, UnreadInclude};
use super::value::{FileId, Kind, Mapping, Origin, Value};
use crate::finding::{Code, Finding, Location};
use crate::source::{ReadError, Repository, SourceFile};
use crate::syntax::yaml::DuplicateKey;
use crate::text::RepositoryPath;

/// A pipeline, resolved.
pub struct Pipeline {
    files: Vec<PipelineFile>,
    top: Rc<Mapping>,
    jobs: Vec<Job>,
    /// The place of each job among them.
    places: HashMap<Rc<str>, usize>,
    stages: Vec<Rc<str>>,
    unread: Vec<UnreadInclude>,
    conditional: Vec<ConditionalInclude>,
    merged: Option<PipelineFile>,
    disputes: Vec<DisputedJob>,
    findings: Vec<Finding>,
}

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
        self.disputes = disputes.into_iter().map(|dispute| self.dispute(dispute)).collect();
        // One that this pipeline has left may be taken in by the next.
        self.unread.retain(|unread| unread.is_conditional || unread.scanner().is_some());
        Ok(complete)
    }

    fn dispute(&self, dispute: Dispute) -> DisputedJob {
        let merged = dispute.merged.map(|origin| self.location(origin));
        let whole = || self.merged.as_ref().map(|file| Location::File(file.source.path().clone()));
        DisputedJob {
            merged: merged.or_else(whole).unwrap_or(Location::File(RepositoryPath::root())),
            local: dispute.local.as_ref().map(|field| self.location(field.key_origin)),
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

    /// The files it is read from: the pipeline file first, then the included ones in the order of reading.
    #[must_use]
    pub fn files(&self) -> &[PipelineFile] {
        &self.files
    }

    /// One of the files.
    #[must_use]
    pub fn file(&self, id: FileId) -> Option<&PipelineFile> {
        self.files.get(id.0).or_else(|| self.merged.as_ref().filter(|_| id.0 == self.files.len()))
    }

    /// The keys at the top, all files merged, jobs not resolved.
    #[must_use]
    pub fn top(&self) -> &Mapping {
        &self.top
    }

    /// The jobs, hidden ones left out, in the order of the files.
    #[must_use]
    pub fn jobs(&self) -> &[Job] {
        &self.jobs
    }

    /// The job of that name.
    #[must_use]
    pub fn job(&self, name: &str) -> Option<&Job> {
        self.jobs.get(*self.places.get(name)?)
    }

    /// The stages in their order, `.pre` and `.post` included.
    #[must_use]
    pub fn stages(&self) -> &[Rc<str>] {
        &self.stages
    }

    /// The place of a job's stage in the order; `None` where the stage is not declared.
    #[must_use]
    pub fn stage_index(&self, job: &Job) -> Option<usize> {
        let stage = job.stage();
        self.stages.iter().position(|name| *name == stage)
    }

    /// What could not be read and may hold more jobs, defaults or variables.
    #[must_use]
    pub fn unread(&self) -> &[UnreadInclude] {
        &self.unread
    }

    /// The includes that only some of its pipelines take in. The jobs are those of a pipeline that takes in all.
    #[must_use]
    pub fn conditional(&self) -> &[ConditionalInclude] {
        &self.conditional
    }

    /// The jobs of which GitLab's merged pipeline says something else than the files.
    #[must_use]
    pub fn disputes(&self) -> &[DisputedJob] {
        &self.disputes
    }

    /// GitLab's merged pipeline, where the user has given it; it is none of [`Pipeline::files`].
    #[must_use]
    pub const fn merged(&self) -> Option<&PipelineFile> {
        self.merged.as_ref()
    }

    /// What the jobs `names` are made of: themselves and all that they extend or refer to, whether it is here or not.
    #[must_use]
    pub fn ingredients(&self, names: &[&str]) -> Vec<Rc<str>> {
        resolve::closure(&self.top, names)
    }

    /// Whether `job` is one of a scanner template of GitLab's, and nothing of it is written in this repository.
    #[must_use]
    pub fn is_scanner(&self, job: &Job) -> bool {
        let is_here = |definition: &Definition| self.file(definition.file).is_some_and(PipelineFile::is_editable);
        let mut scanners = self.unread.iter().filter_map(UnreadInclude::scanner);
        scanners.any(|template| template.may_define(&job.name)) && !job.definitions.iter().any(is_here)
    }

    /// Whether the pipeline file itself sets the key `name` at the top, and so has the last word on it.
    #[must_use]
    pub fn sets_last(&self, name: &str) -> bool {
        self.files.first().is_some_and(|file| file.entry(name).is_some())
    }

    /// Whether a job of a file that cannot be read may run in `stage`.
    #[must_use]
    pub fn may_hold_unread_jobs(&self, stage: &str) -> bool {
        self.unread.iter().any(|unread| unread.may_use_stage(stage))
    }

    /// Oddities of the YAML that do not stop the reading.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The place of a value.
    #[must_use]
    pub fn location(&self, origin: Origin) -> Location {
        self.file(origin.file).map_or(Location::File(RepositoryPath::root()), |file| file.location(origin.node))
    }

    /// The place of a job's name.
    #[must_use]
    pub fn job_location(&self, job: &Job) -> Location {
        job.origin().map_or(Location::File(RepositoryPath::root()), |origin| self.location(origin))
    }

    /// The place of a keyword of a job, or of the job where the keyword is not set.
    #[must_use]
    pub fn keyword_location(&self, job: &Job, keyword: &str) -> Location {
        job.origin_of(keyword).map_or_else(|| self.job_location(job), |origin| self.location(origin))
    }

    /// Where the key `name` stands at the top of each file that has it; the last one of a file counts. A file that
    /// is taken in twice counts once.
    #[must_use]
    pub fn definitions(&self, name: &str) -> Vec<Definition> {
        let mut definitions: Vec<Definition> = Vec::new();
        for (at, file) in self.files.iter().enumerate() {
            let Some(entry) = file.entry(name) else { continue };
            let is_same = |known: &Definition| {
                self.file(known.file).is_some_and(|other| Arc::ptr_eq(&other.source, &file.source))
                    && known.key == entry.key
            };
            if !definitions.iter().any(is_same) {
                definitions.push(Definition { file: FileId(at), key: entry.key, value: entry.value });
            }
        }
        if definitions.is_empty() {
            let merged = self.merged.as_ref().and_then(|file| file.entry(name));
            definitions.extend(merged.map(|entry| Definition {
                file: FileId(self.files.len()),
                key: entry.key,
                value: entry.value,
            }));
        }
        definitions
    }

    fn note_duplicate_keys(&mut self) {
        let findings: Vec<_> = self.files.iter().flat_map(duplicate_keys).collect();
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
        self.unresolved(Code::ExtendsUnresolved, &value, message)
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
        )
    }

    fn unresolved(&self, code: Code, value: &Value, message: String) -> Box<Finding> {
        let finding = Finding::new(code, self.location(value.origin), message);
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
