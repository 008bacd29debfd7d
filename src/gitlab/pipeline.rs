use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::extend::{self, ExtendError};
use super::include;
use super::inherit;
use super::job::{Definition, Job};
use super::reference::{self, ReferenceError};
use super::value::{Field, FileId, Kind, Mapping, Origin, Value};
use super::variables::Variables;
use crate::finding::{Code, Finding, Location};
use crate::source::{Repository, SourceFile};
use crate::syntax::yaml::{DuplicateKey, NodeId, Tree};
use crate::text::RepositoryPath;

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

/// A pipeline, resolved.
pub struct Pipeline {
    files: Vec<PipelineFile>,
    top: Rc<Mapping>,
    jobs: Vec<Job>,
    stages: Vec<Rc<str>>,
    unread: Vec<UnreadInclude>,
    findings: Vec<Finding>,
}

/// One file that a pipeline is read from.
pub struct PipelineFile {
    /// The file.
    pub source: Arc<SourceFile>,
    /// Its tree.
    pub tree: Tree,
    /// The top mapping of the pipeline, which is the second document where a `spec:` header is the first.
    pub root: NodeId,
}

/// Something that the pipeline takes in and that cannot be read here.
#[derive(Clone, Debug)]
pub struct UnreadInclude {
    /// Where it is asked for.
    pub location: Location,
    /// What it is.
    pub what: String,
}

impl PipelineFile {
    /// The place of a node, its anchor and tag included.
    #[must_use]
    pub fn location(&self, node: NodeId) -> Location {
        Location::new(&self.source, self.tree.node(node).full_span)
    }
}

impl Pipeline {
    /// Reads and resolves the pipeline at `path`.
    ///
    /// # Errors
    /// A finding where the pipeline cannot be read at all.
    pub fn read(repository: &dyn Repository, path: &RepositoryPath) -> Result<Self, Box<Finding>> {
        let loaded = include::load(repository, path)?;
        let mut pipeline = Self {
            files: loaded.files,
            stages: stages(&loaded.merged),
            top: loaded.merged,
            jobs: Vec::new(),
            unread: loaded.unread,
            findings: Vec::new(),
        };
        pipeline.note_duplicate_keys();
        pipeline.jobs = pipeline.resolve_jobs()?;
        Ok(pipeline)
    }

    /// The files it is read from: the pipeline file first, then the included ones in the order of reading.
    #[must_use]
    pub fn files(&self) -> &[PipelineFile] {
        &self.files
    }

    /// The numbers of the files, in the same order.
    pub fn file_ids(&self) -> impl Iterator<Item = FileId> + use<> {
        (0..self.files.len()).map(FileId)
    }

    /// One of the files.
    #[must_use]
    pub fn file(&self, id: FileId) -> Option<&PipelineFile> {
        self.files.get(id.0)
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
        self.jobs.iter().find(|job| &*job.name == name)
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

    /// Where the key `name` stands at the top of each file that has it; the last one of a file counts.
    #[must_use]
    pub fn definitions(&self, name: &str) -> Vec<Definition> {
        let definition = |(at, file): (usize, &PipelineFile)| {
            let entry = file.tree.entry(file.root, name)?;
            Some(Definition { file: FileId(at), key: entry.key, value: entry.value })
        };
        self.files.iter().enumerate().filter_map(definition).collect()
    }

    fn resolve_jobs(&self) -> Result<Vec<Job>, Box<Finding>> {
        let names = self.top.fields().iter().filter(|field| is_job_or_template(field)).map(|field| &field.key);
        let mut extended = HashMap::new();
        let mut order = Vec::new();
        for name in names {
            let fields = extend::resolve(&self.top, name, !self.unread.is_empty())
                .map_err(|error| self.extend_finding(error))?;
            extended.insert(Rc::clone(name), fields);
            order.push(Rc::clone(name));
        }
        let globals = self.dereferenced(&extended, &Rc::new(inherit::globals(&self.top)))?;
        let defaults = inherit::defaults(&globals);
        order
            .into_iter()
            .filter(|name| !name.starts_with('.') && self.top.get(name).and_then(Value::mapping).is_some())
            .map(|name| {
                let own = extended.get(&name).cloned().unwrap_or_default();
                Ok(self.job_of(name, &globals, &inherit::apply(&defaults, &self.dereferenced(&extended, &own)?)))
            })
            .collect()
    }

    fn job_of(&self, name: Rc<str>, globals: &Mapping, fields: &Rc<Mapping>) -> Job {
        Job {
            variables: Variables::of_job(globals, fields),
            definitions: self.definitions(&name),
            fields: Rc::clone(fields),
            name,
        }
    }

    fn dereferenced(
        &self,
        jobs: &HashMap<Rc<str>, Rc<Mapping>>,
        fields: &Rc<Mapping>,
    ) -> Result<Rc<Mapping>, Box<Finding>> {
        let Some(origin) = fields.fields().first().map(|field| field.value.origin) else {
            return Ok(Rc::clone(fields));
        };
        let value = Value { kind: Kind::Mapping(Rc::clone(fields)), origin };
        match reference::resolve(jobs, &self.top, &value) {
            Ok(resolved) => Ok(resolved.mapping().cloned().unwrap_or_default()),
            // What it names may lie in a part of the pipeline that cannot be read here.
            Err(_) if !self.unread.is_empty() => Ok(Rc::clone(fields)),
            Err(error) => Err(self.reference_finding(error)),
        }
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

/// `types` was once another word for `stages`; a mapping of that name is a job.
fn is_job_or_template(field: &Field) -> bool {
    !GLOBAL_KEYS.contains(&&*field.key) || &*field.key == "types" && field.value.mapping().is_some()
}

fn stages(top: &Mapping) -> Vec<Rc<str>> {
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
