mod assemble;

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use super::file::PipelineFile;
use super::job::{Definition, Job};
use super::resolve;
use super::unread::{ConditionalInclude, DisputedJob, UnreadInclude};
use super::value::{FileId, Mapping, Origin, Value};
use crate::finding::{Finding, Location};
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

    /// The variables that rules of the pipeline set; a job's own win over them (GitLab docs:
    /// ci/yaml#workflowrulesvariables).
    #[must_use]
    pub fn names_set_by_workflow(&self) -> BTreeSet<String> {
        let rules = self.top.get("workflow").and_then(|workflow| workflow.get("rules"));
        let rules = rules.map(Value::one_or_many).unwrap_or_default();
        let variables = rules.iter().filter_map(|rule| rule.get("variables")?.mapping().cloned());
        variables
            .flat_map(|mapping| mapping.fields().iter().map(|field| field.key.to_string()).collect::<Vec<_>>())
            .collect()
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

    /// The numbers of the files, in the same order.
    pub fn file_ids(&self) -> impl Iterator<Item = FileId> + use<> {
        (0..self.files.len()).map(FileId)
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
}
