//! One way to build an image: the jobs in front of the image job, what they hand on, and the image job itself.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::archive::Packer;
use super::course::jobs_before;
use super::engine::Container;
use super::environment::JobEnvironment;
use super::handed_on::Selection;
use super::image_job::{BuiltImage, ImageJob};
use super::job_shell::{OWN_FOLDER, command_of_build_job, script};
use super::session::Session;
use crate::gitlab::{Cache, Job, PathPattern, Pipeline};
use crate::handoff::downloads_artifacts;
use crate::process::{Log, Trouble};
use crate::source::Repository;
use crate::text::RepositoryPath;

/// How many of the last lines of a log are told.
const LAST_LINES: usize = 20;

/// A state of the project, and the pipeline in it.
pub(super) struct Tree<'a> {
    /// What is read of it.
    pub(super) repository: &'a dyn Repository,
    pub(super) pipeline: &'a Pipeline,
    pub(super) path: &'a RepositoryPath,
    /// The archives that make its clone, the last one on top.
    pub(super) clone: Vec<PathBuf>,
}

/// What went wrong on a way, and where it was written down.
#[derive(Debug)]
pub(super) struct Stopped {
    pub(super) trouble: Trouble,
    /// The log of what failed, and its last lines.
    pub(super) log: Option<PathBuf>,
    pub(super) last_lines: Vec<String>,
}

impl Stopped {
    fn of(trouble: Trouble, log: &Log<'_>) -> Self {
        let path = log.path().exists().then(|| log.path().to_owned());
        Self { trouble, log: path, last_lines: log.last_lines(LAST_LINES) }
    }
}

impl From<Trouble> for Stopped {
    fn from(trouble: Trouble) -> Self {
        Self { trouble, log: None, last_lines: Vec::new() }
    }
}

/// What a run of one way has come to.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) images: Vec<BuiltImage>,
    pub(super) time: Duration,
    /// The names of folders that only the runner made.
    pub(super) folders_made: BTreeSet<String>,
}

/// The archives of artifacts by the jobs that have made them, in the order in which they ran: of two files of one name the last
/// one stays.
type Uploads = Vec<(Rc<str>, PathBuf)>;

/// The caches that jobs have saved, with what names their archives.
#[derive(Debug, Default)]
pub(super) struct Caches(Vec<(Cache, PathBuf)>);

impl Caches {
    /// The archives that a job restores.
    fn restored(&self, job: &Job) -> Vec<PathBuf> {
        let own = job.caches();
        let restores = |saved: &Cache| own.iter().any(|cache| cache.restores() && cache.same_key(saved));
        self.0.iter().filter(|(saved, _)| restores(saved)).map(|(_, archive)| archive.clone()).collect()
    }

    fn save(&mut self, cache: Cache, archive: PathBuf) {
        self.0.retain(|(saved, _)| !saved.same_key(&cache));
        self.0.push((cache, archive));
    }
}

/// Builds the images of `consumer` as the pipeline of `tree` does.
pub(super) fn build(
    session: &Session<'_>,
    tree: &Tree<'_>,
    consumer: &str,
    caches: &mut Caches,
    (label, is_cached): (&str, bool),
) -> Result<Built, Stopped> {
    let started = Instant::now();
    let (mut artifacts, mut folders_made) = (Uploads::new(), BTreeSet::new());
    for name in jobs_before(tree.pipeline, tree.repository, consumer) {
        let Some(job) = tree.pipeline.job(&name) else { continue };
        let log = session.log(&format!("{label}: job '{name}'"), &format!("{label}-{name}"));
        let run = BuildJob { session, tree, job, environment: session.environment(job), label };
        let uploaded = run.run(&artifacts, caches, &log);
        let uploaded = uploaded.map_err(|trouble| Stopped::of(trouble, &log))?;
        artifacts.push((name, uploaded.artifacts));
        folders_made.extend(uploaded.folders_made);
    }
    let missing = || Trouble::Error(format!("there is no job '{consumer}' any more"));
    let job = tree.pipeline.job(consumer).ok_or_else(missing)?;
    let log = session.log(&format!("{label}: job '{consumer}'"), &format!("{label}-{consumer}"));
    let environment = session.environment(job);
    let image_job = ImageJob {
        session,
        job,
        inputs: inputs(session, tree, (job, &environment), &artifacts, caches)?,
        environment,
        pipeline: tree.path,
        is_cached,
        label,
    };
    session.say(&format!("{label}: job '{consumer}' runs up to its build"));
    match image_job.run(tree.repository, &log) {
        Ok(images) => Ok(Built { images, time: started.elapsed(), folders_made }),
        Err(trouble) => Err(Stopped::of(trouble, &log)),
    }
}

/// The archives that make the folder of a job: the clone, the caches that it restores, the artifacts that it downloads. A job may
/// do without the clone (GitLab docs: `GIT_STRATEGY`).
fn inputs(
    session: &Session<'_>,
    tree: &Tree<'_>,
    (job, environment): (&Job, &JobEnvironment),
    artifacts: &Uploads,
    caches: &Caches,
) -> Result<Vec<PathBuf>, Trouble> {
    let has_clone = !matches!(environment.get("GIT_STRATEGY"), Some("none" | "empty"));
    let clone = if has_clone { tree.clone.clone() } else { vec![empty_folder(session)?] };
    let downloads =
        |name: &Rc<str>| tree.pipeline.job(name).is_some_and(|other| downloads_artifacts(tree.pipeline, job, other));
    let downloaded = artifacts.iter().filter(|(name, _)| downloads(name)).map(|(_, archive)| archive.clone());
    Ok(clone.into_iter().chain(caches.restored(job)).chain(downloaded).collect())
}

/// An archive that only makes the folder of the project.
fn empty_folder(session: &Session<'_>) -> Result<PathBuf, Trouble> {
    let archive = session.scratch.path("empty.tar");
    let mut packer = Packer::create(&archive)?;
    packer.parents_of(&Path::new(session.facts.folder().trim_start_matches('/')).join("_"))?;
    packer.finish()?;
    Ok(archive)
}

/// What a job hands on.
struct HandedOn {
    /// The archive of its artifacts.
    artifacts: PathBuf,
    /// The names of folders that the runner makes where it unpacks artifacts and caches.
    folders_made: BTreeSet<String>,
}

/// A job that makes files.
struct BuildJob<'a> {
    session: &'a Session<'a>,
    tree: &'a Tree<'a>,
    job: &'a Job,
    environment: JobEnvironment,
    label: &'a str,
}

impl BuildJob<'_> {
    /// Runs it, and collects what it hands on.
    fn run(&self, artifacts: &Uploads, caches: &mut Caches, log: &Log) -> Result<HandedOn, Trouble> {
        let (engine, scratch) = (self.session.engine, self.session.scratch);
        let mut spec = self.session.container_of(self.job, &self.environment)?;
        self.session.say(&format!("{}: job '{}' runs in {}", self.label, self.job.name, spec.image));
        spec.command = command_of_build_job();
        spec.has_network = true;
        let container = engine.create(spec)?;
        let project = scratch.path("project.tar");
        let left = self.run_in(&container, artifacts, caches, log, &project);
        engine.remove(&container);
        left?;
        let uploaded = self.collect(&project, caches);
        scratch.discard(&project);
        uploaded
    }

    fn run_in(
        &self,
        container: &Container,
        artifacts: &Uploads,
        caches: &Caches,
        log: &Log,
        project: &Path,
    ) -> Result<(), Trouble> {
        let engine = self.session.engine;
        let own = self.own_files()?;
        let inputs = inputs(self.session, self.tree, (self.job, &self.environment), artifacts, caches)?;
        inputs.iter().chain([&own]).try_for_each(|archive| engine.copy_in(container, archive))?;
        self.session.scratch.discard(&own);
        let status = engine.start(container, log, None)?;
        if status != 0 {
            return Err(Trouble::Failed(format!("job '{}' ended with exit status {status}", self.job.name)));
        }
        match engine.copy_out(container, &self.session.facts.folder(), project)? {
            true => Ok(()),
            false => Err(Trouble::Error(format!("the folder of job '{}' cannot be read", self.job.name))),
        }
    }

    fn own_files(&self) -> Result<PathBuf, Trouble> {
        let path = self.session.scratch.path("own.tar");
        let items = self.job.script();
        let lines: Vec<_> = items.iter().filter_map(|item| item.text.as_deref()).map(str::trim).collect();
        let script = script(&self.environment, &self.session.facts.folder(), "", &lines);
        let mut packer = Packer::create(&path)?;
        packer.text(&format!("{}/script", OWN_FOLDER.trim_start_matches('/')), 0o644, script.as_bytes())?;
        self.session.variable_files(&mut packer)?;
        packer.finish()?;
        Ok(path)
    }

    /// Saves the caches out of what the job has left, and then its artifacts.
    fn collect(&self, project: &Path, caches: &mut Caches) -> Result<HandedOn, Trouble> {
        let (mut cached, mut folders) = (0, BTreeSet::new());
        for cache in self.job.caches().into_iter().filter(Cache::saves) {
            let archive = self.session.scratch.path("cache.tar");
            let selection = self.selection(&cache.paths, &[], cache.untracked);
            let collected = selection.collect(project, &self.place(), &archive)?;
            cached += collected.count;
            folders.extend(collected.folders_made);
            caches.save(cache, archive);
        }
        let artifacts = self.job.artifacts();
        let archive = self.session.scratch.path("artifacts.tar");
        let selection = self.selection(&artifacts.paths, &artifacts.exclude, artifacts.untracked);
        let uploaded = selection.collect(project, &self.place(), &archive)?;
        folders.extend(uploaded.folders_made);
        let what = format!("leaves {} entries as artifacts and {cached} in caches", uploaded.count);
        self.session.say(&format!("{}: job '{}' {what}", self.label, self.job.name));
        Ok(HandedOn { artifacts: archive, folders_made: folders })
    }

    fn selection(&self, paths: &[PathPattern], exclude: &[PathPattern], untracked: bool) -> Selection {
        let tracked = || -> BTreeSet<PathBuf> {
            self.tree.repository.tracked().keys().map(|path| PathBuf::from(path.as_str())).collect()
        };
        let folder = self.session.facts.folder();
        let expand = |text: &str| {
            let expanded = self.environment.expand(text);
            expanded
                .strip_prefix(&folder)
                .map_or_else(|| expanded.clone(), |below| below.trim_start_matches('/').to_owned())
        };
        Selection::new(paths, exclude, untracked.then(tracked), &expand)
    }

    fn place(&self) -> PathBuf {
        PathBuf::from(self.session.facts.folder().trim_start_matches('/'))
    }
}
