use std::rc::Rc;

use super::copies::{CopyUse, SourceUse, classify};
use super::docker_cp::{self, DockerCp};
use super::image_build::{ImageBuild, OtherBuilder, other_builders};
use super::job_script::JobScript;
use super::refilled::is_refilled_by;
use super::visibility::{downloads_artifacts, restores_cache_of, stage_before};
use crate::docker::{BuildCommand, BuildProblem, Step, build_commands};
use crate::gitlab::{Cache, Job, PathPattern, Pipeline, Relation};
use crate::outcome::Via;
use crate::source::{ReadError, Repository};
use crate::text::RepositoryPath;

/// The files that one job hands on to another.
#[derive(Clone, Debug)]
pub struct Flow {
    /// The job that makes them.
    pub producer: Rc<str>,
    /// The way they take.
    pub via: Via,
    /// The files.
    pub patterns: Vec<PathPattern>,
    /// What is left out of them.
    pub exclude: Vec<PathPattern>,
    /// Whether there is no telling which files these are: `untracked`, the whole project, an unknown variable.
    pub is_unbounded: bool,
}

/// Files that flow from jobs into an image that another job builds.
pub struct Handoff {
    /// The job that builds the image.
    pub consumer: Rc<str>,
    /// Its script.
    pub script: JobScript,
    /// The flows that the Dockerfile takes something of.
    pub flows: Vec<Flow>,
    /// The build.
    pub build: ImageBuild,
    /// How its `COPY`s lie to the flows.
    pub uses: Vec<CopyUse>,
}

impl Handoff {
    /// The flow that brings the files at `path`, which may hold globs.
    #[must_use]
    pub fn flow_of(&self, path: &str) -> Option<&Flow> {
        let brings = |flow: &&Flow| flow.patterns.iter().any(|pattern| pattern.relation(path) != Relation::Apart);
        self.flows.iter().find(brings)
    }

    /// The stages and copies of a Dockerfile are changed once, however many jobs build it in the same way.
    #[must_use]
    pub fn builds_the_same(&self, other: &Self) -> bool {
        let (one, other) = (&self.build.command, &other.build.command);
        one.dockerfile == other.dockerfile
            && one.context.folder() == other.context.folder()
            && one.target == other.target
    }
}

/// A container build that files flow to, and that cannot be followed.
pub struct UnclearBuild {
    /// The job that builds.
    pub consumer: Rc<str>,
    /// Its script.
    pub script: JobScript,
    /// What flows to it.
    pub flows: Vec<Flow>,
    /// Why it cannot be followed.
    pub reason: UnclearReason,
}

/// Why a container build cannot be followed.
pub enum UnclearReason {
    /// The command is not understood.
    Command(BuildProblem),
    /// An item of the script cannot be read, and it speaks of a build.
    Script(usize, String),
    /// The Dockerfile or the ignore file cannot be read.
    File(Box<BuildCommand>, RepositoryPath, ReadError),
    /// The image is built by other means.
    Builder(OtherBuilder),
    /// The step of this index lets a container make the files, or copies them out of one.
    Container(usize),
}

/// Everything that was found in one pipeline.
#[derive(Default)]
pub struct Search {
    /// Hand-offs from job to job.
    pub handoffs: Vec<Handoff>,
    /// Hand-offs out of a first image, within one job.
    pub copied_out: Vec<DockerCp>,
    /// Builds that files flow to and that cannot be followed.
    pub unclear: Vec<UnclearBuild>,
}

/// Finds the hand-offs of `pipeline`.
#[must_use]
pub fn find(pipeline: &Pipeline, repository: &dyn Repository) -> Search {
    let mut search = Search::default();
    let hands_on = |job: &&Job| job.artifacts().hands_on_files() || job.caches().iter().any(Cache::saves);
    let writers: Vec<_> = pipeline.jobs().iter().filter(hands_on).collect();
    for job in pipeline.jobs() {
        search.job(pipeline, repository, job, &writers);
    }
    search
}

impl Search {
    fn job(&mut self, pipeline: &Pipeline, repository: &dyn Repository, job: &Job, writers: &[&Job]) {
        let script = JobScript::new(job);
        let (commands, problems) = build_commands(&script.walk);
        let copied_out = docker_cp::find(repository, job, &commands);
        if copied_out.is_empty() {
            self.note_containers(repository, job, &script, &commands);
        }
        self.copied_out.extend(copied_out);
        let builders = other_builders(&script);
        if commands.is_empty() && problems.is_empty() && builders.is_empty() && script.walk.opaque.is_empty() {
            return;
        }
        let flows = flows_to(pipeline, job, writers);
        if flows.is_empty() {
            return;
        }
        for command in &commands {
            match ImageBuild::read(repository, command) {
                Ok(build) => self.handoffs.extend(handoff(repository, job, &flows, build)),
                Err((path, error)) => {
                    self.note_unclear(job, &flows, UnclearReason::File(Box::new(command.clone()), path, error));
                }
            }
        }
        for problem in problems {
            self.note_unclear(job, &flows, UnclearReason::Command(problem));
        }
        for builder in builders {
            self.note_unclear(job, &flows, UnclearReason::Builder(builder));
        }
        for (item, message) in &script.walk.opaque {
            let text = script.items.get(*item).and_then(|item| item.text.clone()).unwrap_or_default();
            if speaks_of_a_build(&text) {
                self.note_unclear(job, &flows, UnclearReason::Script(*item, message.clone()));
            }
        }
    }

    /// Containers that make or hand over files for a build of the same job, in a way that is not followed.
    fn note_containers(
        &mut self,
        repository: &dyn Repository,
        job: &Job,
        script: &JobScript,
        commands: &[BuildCommand],
    ) {
        for command in commands {
            let before = script.walk.steps.iter().enumerate().take(command.step);
            let Some((step, _)) = before.into_iter().find(|(_, step)| hands_over(step)) else {
                continue;
            };
            let is_taken =
                ImageBuild::read(repository, command).is_ok_and(|build| copies_something_untracked(repository, &build));
            if is_taken {
                self.note_unclear(job, &[], UnclearReason::Container(step));
            }
        }
    }

    fn note_unclear(&mut self, job: &Job, flows: &[Flow], reason: UnclearReason) {
        let build =
            UnclearBuild { consumer: Rc::clone(&job.name), script: JobScript::new(job), flows: flows.to_vec(), reason };
        self.unclear.push(build);
    }
}

/// The flows that reach `reader` from those that hand on files, those of its own caches left out.
fn flows_to(pipeline: &Pipeline, reader: &Job, writers: &[&Job]) -> Vec<Flow> {
    let others = writers.iter().filter(|job| job.name != reader.name);
    others
        .flat_map(|writer| [artifact_flow(pipeline, reader, writer), cache_flow(pipeline, reader, writer)])
        .flatten()
        .collect()
}

fn artifact_flow(pipeline: &Pipeline, reader: &Job, writer: &Job) -> Option<Flow> {
    let artifacts = writer.artifacts();
    if !artifacts.hands_on_files() || !downloads_artifacts(pipeline, reader, writer) {
        return None;
    }
    Some(Flow {
        producer: Rc::clone(&writer.name),
        via: Via::Artifacts,
        is_unbounded: artifacts.untracked || has_unbounded(&artifacts.paths),
        patterns: artifacts.paths,
        exclude: artifacts.exclude,
    })
}

fn cache_flow(pipeline: &Pipeline, reader: &Job, writer: &Job) -> Option<Flow> {
    let waits = match reader.needs() {
        Some(needs) => needs.iter().any(|need| need.is_job(&writer.name)),
        None => stage_before(pipeline, writer, reader),
    };
    let patterns = restores_cache_of(reader, writer);
    if !waits || patterns.is_empty() {
        return None;
    }
    let is_unbounded = has_unbounded(&patterns);
    Some(Flow { producer: Rc::clone(&writer.name), via: Via::Cache, patterns, exclude: Vec::new(), is_unbounded })
}

fn has_unbounded(patterns: &[PathPattern]) -> bool {
    patterns.iter().any(|pattern| pattern.is_unbounded() || !pattern.is_known)
}

fn handoff(repository: &dyn Repository, job: &Job, flows: &[Flow], build: ImageBuild) -> Option<Handoff> {
    let taken: Vec<_> = flows.iter().filter(|flow| takes_from(repository, &build, flow)).cloned().collect();
    let patterns: Vec<_> = taken.iter().flat_map(|flow| flow.patterns.clone()).collect();
    let exclude: Vec<_> = taken.iter().flat_map(|flow| flow.exclude.clone()).collect();
    let uses = uses_of_all_stages(&build, &patterns, &exclude);
    let is_taken = !taken.is_empty();
    is_taken.then(|| Handoff { consumer: Rc::clone(&job.name), script: JobScript::new(job), flows: taken, build, uses })
}

/// Whether the Dockerfile takes some of the files of a flow.
fn takes_from(repository: &dyn Repository, build: &ImageBuild, flow: &Flow) -> bool {
    if flow.is_unbounded && copies_something_untracked(repository, build) {
        return true;
    }
    let patterns: Vec<_> =
        flow.patterns.iter().filter(|pattern| pattern.is_known && !pattern.is_unbounded()).cloned().collect();
    uses_of(build, &patterns, &flow.exclude).iter().any(|found| {
        found.sources.iter().any(|source| match source {
            SourceUse::Context => false,
            SourceUse::Builder { .. } | SourceUse::Unclear(_) => true,
            SourceUse::Ancestor { below, .. } => {
                let is_of_no_use = |path: &String| is_download_cache(path) || is_filled_anew(build, found, path);
                flow.via == Via::Artifacts || !below.iter().all(is_of_no_use)
            }
        })
    })
}

/// Whether the stage of a copy fills a cached folder itself, behind the copy.
fn is_filled_anew(build: &ImageBuild, found: &CopyUse, path: &str) -> bool {
    let end = build.stages.stages.get(found.copy.stage).map_or(0, |stage| stage.end);
    let behind = build.dockerfile.instructions.get(found.copy.instruction..end).unwrap_or_default();
    is_refilled_by(behind, path)
}

fn uses_of(build: &ImageBuild, patterns: &[PathPattern], exclude: &[PathPattern]) -> Vec<CopyUse> {
    let Some(target) = build.target else {
        return Vec::new();
    };
    classify(&build.stages, &build.stages.reachable(target), &build.context, patterns, exclude)
}

/// As [`uses_of`], and the plain copies of the stages that do not take part: the legacy builder makes these too.
fn uses_of_all_stages(build: &ImageBuild, patterns: &[PathPattern], exclude: &[PathPattern]) -> Vec<CopyUse> {
    let mut uses = uses_of(build, patterns, exclude);
    let known: Vec<_> = uses.iter().map(|found| found.copy.instruction).collect();
    let all = (0..build.stages.stages.len()).collect();
    let is_plain = |source: &SourceUse| matches!(source, SourceUse::Builder { .. } | SourceUse::Context);
    let others = classify(&build.stages, &all, &build.context, patterns, exclude);
    uses.extend(
        others
            .into_iter()
            .filter(|found| !known.contains(&found.copy.instruction) && found.sources.iter().all(is_plain)),
    );
    uses
}

/// Whether a `COPY` names something that git does not track: then it comes from a job.
fn copies_something_untracked(repository: &dyn Repository, build: &ImageBuild) -> bool {
    let sources = build.stages.copies.iter().filter(|copy| copy.from.is_none()).flat_map(|copy| &copy.sources);
    let places = sources.filter_map(|source| build.context.folder.join(source.path.as_deref()?));
    places.into_iter().any(|place| {
        let stem = place.as_str().split(['*', '?', '[']).next().unwrap_or_default();
        let is_glob = stem.len() < place.as_str().len();
        let folder = if is_glob { stem.rsplit_once('/').map_or("", |(folder, _)| folder) } else { stem };
        RepositoryPath::new(folder).is_some_and(|folder| !folder.is_root() && !repository.tracks(&folder))
    })
}

/// Whether a step gets files out of a container: `docker cp`, or `docker run` with a folder mounted.
fn hands_over(step: &Step) -> bool {
    let words: Vec<_> = step.words.iter().map(|word| word.raw.as_str()).collect();
    let mounts =
        words.iter().any(|word| word.starts_with("-v") || word.starts_with("--volume") || word.starts_with("--mount"));
    match words.as_slice() {
        ["docker" | "podman", "cp", ..] | ["docker" | "podman", "container", "cp", ..] => true,
        ["docker" | "podman", rest @ ..] => mounts && rest.contains(&"run"),
        _ => false,
    }
}

/// Whether a text that cannot be read as a script names a builder.
fn speaks_of_a_build(text: &str) -> bool {
    let is_built = ["docker", "buildah", "podman"].iter().any(|program| text.contains(program));
    is_built && text.contains("build") || text.contains("executor")
}

/// A cached folder whose name begins with a dot is where a package manager keeps its downloads.
#[must_use]
pub fn is_download_cache(path: &str) -> bool {
    path.starts_with('.')
}

/// Folders of dependencies, which a cache is there for.
const DEPENDENCIES: [&str; 4] = ["bower_components", "node_modules", "vendor", "venv"];

/// Whether a cached folder holds dependencies: by its name, or by the dot that its name begins with.
#[must_use]
pub fn is_dependency_folder(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    is_download_cache(path) || is_download_cache(name) || DEPENDENCIES.contains(&name)
}
