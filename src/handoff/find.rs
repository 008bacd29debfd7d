use std::rc::Rc;

use super::cache_writers::made_for_cache;
use super::command_use::makes_nothing;
use super::container_run;
use super::copies::{CopyUse, SourceUse};
use super::docker_cp::{self, DockerCp};
use super::image_build::{ImageBuild, other_builders};
use super::in_image::is_filled_behind;
use super::job_script::JobScript;
use super::landing::{Landing, landing};
use super::mounts::{self, MountUse};
use super::moves::{self, Move};
use super::own_programs;
use super::unclear::{self, UnclearBuild, UnclearReason};
use super::visibility::{downloads_artifacts, is_switched_off};
use crate::docker::{BuildCommand, Copy, CopySource, build_commands, image_builds};
use crate::gitlab::{Cache, Job, PathPattern, Pipeline, Relation, relation_of_paths};
use crate::outcome::Via;
use crate::source::Repository;

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
    /// The bind mounts of its `RUN`s that take files of the flows.
    pub mounts: Vec<MountUse>,
    /// The commands of the script that lay files of the flows where the `COPY`s take them.
    pub moves: Vec<Move>,
}

impl Handoff {
    /// The flow that brings the files at `path`, which may hold globs.
    #[must_use]
    pub fn flow_of(&self, path: &str) -> Option<&Flow> {
        let path = self.origin_of(path);
        let brings = |flow: &&Flow| flow.patterns.iter().any(|pattern| pattern.relation(&path) != Relation::Apart);
        self.flows.iter().find(brings)
    }

    /// Where the build job made the files that the Dockerfile takes from `path`.
    #[must_use]
    pub fn origin_of(&self, path: &str) -> String {
        self.moves.iter().rev().find_map(|moved| moved.origin_of(path)).unwrap_or_else(|| path.to_owned())
    }

    /// Whether a `COPY` takes some of the files at `path` from where the build job laid them.
    #[must_use]
    pub fn takes_without_move(&self, path: &str) -> bool {
        let touches = |place: &str| self.origin_of(place) == place && relation_of_paths(place, path) != Relation::Apart;
        self.uses.iter().flat_map(|copy| &copy.sources).any(|source| match source {
            SourceUse::Builder { path, .. } => touches(path),
            SourceUse::Ancestor { below, .. } => below.iter().any(|place| touches(place)),
            SourceUse::Context | SourceUse::Unclear(_) => false,
        })
    }

    /// Where a source of a `COPY`, which takes the files at `path`, lands if it takes them from where they were made.
    #[must_use]
    pub fn landing(&self, copy: &Copy, source: &CopySource, path: &str) -> Landing {
        let moved = self.moves.iter().rev().find(|moved| moved.to.as_str() == path);
        let is_file = moved.and_then(|moved| moved.is_file);
        landing(copy, &source.written, path, &self.origin_of(path), is_file)
    }

    /// The patterns that the Dockerfile takes something of.
    #[must_use]
    pub fn used_patterns(&self) -> Vec<PathPattern> {
        let is_mounted = |pattern: &PathPattern| {
            let mut paths = self.mounts.iter().filter_map(|mount| mount.path.as_deref());
            paths.any(|path| pattern.relation(path) != Relation::Apart)
        };
        let is_used = |pattern: &&PathPattern| {
            is_mounted(pattern)
                || self.uses.iter().flat_map(|copy| &copy.sources).any(|source| match source {
                    SourceUse::Builder { path, .. } => pattern.relation(&self.origin_of(path)) != Relation::Apart,
                    SourceUse::Ancestor { below, .. } => {
                        let is_below = |copied| below.iter().any(|path| path == copied);
                        pattern.copied_or_collected().is_some_and(is_below)
                            || below.iter().any(|path| self.is_moved(path, pattern))
                    }
                    SourceUse::Context | SourceUse::Unclear(_) => false,
                })
        };
        self.flows.iter().flat_map(|flow| &flow.patterns).filter(is_used).cloned().collect()
    }

    fn is_moved(&self, path: &str, pattern: &PathPattern) -> bool {
        let origin = self.origin_of(path);
        origin != path && pattern.relation(&origin) != Relation::Apart
    }

    /// The stages and copies of a Dockerfile are changed once, however many jobs build it in the same way.
    #[must_use]
    pub fn builds_the_same(&self, other: &Self) -> bool {
        if !self.moves.iter().map(Move::places).eq(other.moves.iter().map(Move::places)) {
            return false;
        }
        let (one, other) = (&self.build.command, &other.build.command);
        one.dockerfile == other.dockerfile
            && one.context.folder() == other.context.folder()
            && one.target == other.target
    }
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
    let hands_on = |job: &&Job| {
        (job.artifacts().hands_on_files() || job.caches().iter().any(Cache::saves)) && !is_switched_off(job)
    };
    let writers: Vec<_> = pipeline.jobs().iter().filter(hands_on).collect();
    for job in pipeline.jobs() {
        search.job(pipeline, repository, job, &writers);
    }
    search
}

impl Search {
    fn job(&mut self, pipeline: &Pipeline, repository: &dyn Repository, job: &Job, writers: &[&Job]) {
        let script = JobScript::of_image_job(repository, job);
        let (commands, mut problems) = image_builds(repository, &script.walk);
        problems.extend(unclear::nested(&script));
        problems.extend(own_programs::unfollowed(repository, &script.walk));
        // What a container hands over is followed only where it always does, in the job's own words.
        let own = script.without_programs(job);
        let own = own.as_ref().unwrap_or(&script);
        let commands_of_own = build_commands(&own.walk).0.into_iter();
        let always: Vec<_> =
            commands_of_own.filter(|command| command.turns.is_empty() && command.caller.is_none()).collect();
        let mut copied_out = docker_cp::find(repository, job, own, &always);
        copied_out.extend(container_run::find(repository, job, own, &always));
        if copied_out.is_empty() {
            let container = unclear::container(repository, &script, &commands);
            container.into_iter().for_each(|reason| self.note_unclear(repository, job, &[], reason));
        }
        let images = unclear::images_of_other_builds(pipeline, repository, &commands, &copied_out);
        images.into_iter().for_each(|reason| self.note_unclear(repository, job, &[], reason));
        self.copied_out.extend(copied_out);
        let builders = other_builders(&script);
        if commands.is_empty() && problems.is_empty() && builders.is_empty() && script.walk.opaque.is_empty() {
            return;
        }
        let flows = flows_to(repository, pipeline, job, writers);
        let known = self.handoffs.len();
        if !flows.is_empty() {
            self.builds(repository, job, &flows, &commands);
            problems
                .into_iter()
                .for_each(|problem| self.note_unclear(repository, job, &flows, UnclearReason::Command(problem)));
            let patterns: Vec<_> = flows.iter().flat_map(|flow| flow.patterns.clone()).collect();
            builders
                .into_iter()
                .filter(|builder| {
                    job.variables.get("COMPOSE_FILE").is_some() || builder.may_take(repository, &script, &patterns)
                })
                .for_each(|builder| self.note_unclear(repository, job, &flows, UnclearReason::Builder(builder)));
            let opaque = unclear::opaque(&script);
            opaque.into_iter().for_each(|reason| self.note_unclear(repository, job, &flows, reason));
        }
        if self.handoffs.len() == known {
            let laid = unclear::laid(repository, &script, &commands, &flows);
            laid.into_iter().for_each(|reason| self.note_unclear(repository, job, &flows, reason));
            let absent = unclear::absent_producer(pipeline, repository, job, &commands);
            absent.into_iter().for_each(|reason| self.note_unclear(repository, job, &flows, reason));
        }
    }

    fn builds(&mut self, repository: &dyn Repository, job: &Job, flows: &[Flow], commands: &[BuildCommand]) {
        for command in commands {
            match ImageBuild::read(repository, command) {
                Ok(build) => self.handoffs.extend(handoff(repository, job, flows, build)),
                Err((path, error)) => {
                    self.note_unclear(
                        repository,
                        job,
                        flows,
                        UnclearReason::File(Box::new(command.clone()), path, error),
                    );
                }
            }
        }
    }

    fn note_unclear(&mut self, repository: &dyn Repository, job: &Job, flows: &[Flow], reason: UnclearReason) {
        let build = UnclearBuild {
            consumer: Rc::clone(&job.name),
            script: JobScript::of_image_job(repository, job),
            flows: flows.to_vec(),
            reason,
        };
        self.unclear.push(build);
    }
}

/// The flows that reach `reader` from those that hand on files, those of its own caches left out.
fn flows_to(repository: &dyn Repository, pipeline: &Pipeline, reader: &Job, writers: &[&Job]) -> Vec<Flow> {
    let others = writers.iter().filter(|job| job.name != reader.name);
    others
        .flat_map(|writer| {
            [artifact_flow(repository, pipeline, reader, writer), cache_flow(repository, pipeline, reader, writer)]
        })
        .flatten()
        .collect()
}

fn artifact_flow(repository: &dyn Repository, pipeline: &Pipeline, reader: &Job, writer: &Job) -> Option<Flow> {
    let artifacts = writer.artifacts();
    if !artifacts.hands_on_files() || !downloads_artifacts(pipeline, reader, writer) {
        return None;
    }
    if !artifacts.untracked && !has_files_at(repository, pipeline, writer, &artifacts.paths) {
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

/// Whether there may be files at one of these paths: made by a command of the job, got from elsewhere, or tracked by git.
/// GitLab uploads what is there, and only warns where nothing is.
fn has_files_at(repository: &dyn Repository, pipeline: &Pipeline, job: &Job, paths: &[PathPattern]) -> bool {
    let gets = |other: &Job| other.artifacts().hands_on_files() && downloads_artifacts(pipeline, job, other);
    let is_given = pipeline.jobs().iter().any(|other| other.name != job.name && gets(other));
    let is_tracked = |path: &PathPattern| path.path().is_none_or(|place| repository.tracks(&place));
    is_given
        || job.caches().iter().any(Cache::restores)
        || paths.iter().any(|path| !path.is_known || is_tracked(path))
        || !makes_nothing(&JobScript::new(job))
}

fn cache_flow(repository: &dyn Repository, pipeline: &Pipeline, reader: &Job, writer: &Job) -> Option<Flow> {
    let patterns = made_for_cache(repository, pipeline, reader, writer);
    if patterns.is_empty() {
        return None;
    }
    let is_unbounded = has_unbounded(&patterns);
    Some(Flow { producer: Rc::clone(&writer.name), via: Via::Cache, patterns, exclude: Vec::new(), is_unbounded })
}

fn has_unbounded(patterns: &[PathPattern]) -> bool {
    patterns.iter().any(|pattern| pattern.is_everything() || !pattern.is_known)
}

fn handoff(repository: &dyn Repository, job: &Job, flows: &[Flow], build: ImageBuild) -> Option<Handoff> {
    let script = JobScript::of_image_job(repository, job);
    let all: Vec<_> = flows.iter().flat_map(|flow| flow.patterns.clone()).collect();
    let moves_of = |flow: &Flow| {
        let found = moves::moves(repository, &script, build.command.steps_before, &flow.patterns, &flow.exclude);
        moves::that_are_plain(found, &all)
    };
    let is_taken = |flow: &&Flow| takes_from(repository, &build, flow, &moves_of(flow));
    let taken: Vec<_> = flows.iter().filter(is_taken).cloned().collect();
    let mut moves: Vec<_> = moves::that_are_plain(taken.iter().flat_map(moves_of).collect(), &all);
    let patterns: Vec<_> = taken.iter().flat_map(|flow| with_moves(flow, &moves)).collect();
    let exclude: Vec<_> = taken.iter().flat_map(|flow| flow.exclude.clone()).collect();
    let uses = build.uses_of_all_stages(&patterns, &exclude);
    moves.retain(|moved| uses.iter().flat_map(|copy| &copy.sources).any(|source| takes_moved(source, moved)));
    let mounts = mounts::mounts(&build.dockerfile, &build.context, &patterns, &exclude);
    let consumer = Rc::clone(&job.name);
    (!taken.is_empty()).then_some(Handoff { consumer, script, flows: taken, build, uses, mounts, moves })
}

/// The patterns of a flow, and the places that its files were moved to.
fn with_moves(flow: &Flow, moves: &[Move]) -> Vec<PathPattern> {
    let origin = flow.patterns.first().map(|pattern| pattern.origin);
    let moved = moves.iter().filter_map(|moved| Some(PathPattern::of_place(&moved.to, origin?)));
    let is_gone =
        |pattern: &&PathPattern| moves.iter().any(|moved| moved.is_gone && moved.from.as_str() == pattern.text);
    flow.patterns.iter().filter(|pattern| !is_gone(pattern)).cloned().chain(moved).collect()
}

fn takes_moved(source: &SourceUse, moved: &Move) -> bool {
    match source {
        SourceUse::Builder { path, .. } => moved.origin_of(path).is_some(),
        SourceUse::Ancestor { below, .. } => below.iter().any(|path| moved.origin_of(path).is_some()),
        SourceUse::Context | SourceUse::Unclear(_) => false,
    }
}

/// Whether the Dockerfile takes some of the files of a flow, from where they were or from where they were moved to.
fn takes_from(repository: &dyn Repository, build: &ImageBuild, flow: &Flow, moves: &[Move]) -> bool {
    let is_anywhere = flow.is_unbounded || flow.patterns.iter().any(PathPattern::is_unbounded);
    if is_anywhere && build.copies_something_untracked(repository) {
        return true;
    }
    let patterns: Vec<_> =
        with_moves(flow, moves).into_iter().filter(|pattern| pattern.is_known && !pattern.is_unbounded()).collect();
    // A cached folder whose name begins with a dot is where tools keep what they need themselves: an image takes it
    // only by its name.
    let is_for_images = |path: &str| flow.via == Via::Artifacts || !path.starts_with('.');
    let is_used = |copy: &CopyUse, source: &SourceUse| match source {
        SourceUse::Context => false,
        SourceUse::Builder { .. } => true,
        SourceUse::Unclear(_) => patterns.iter().any(|pattern| is_for_images(&pattern.text)),
        SourceUse::Ancestor { below, .. } => below.iter().any(|path| {
            let is_of_the_image = flow.via == Via::Cache && is_filled_behind(build, &copy.copy, path);
            is_for_images(path) && !is_of_the_image
        }),
    };
    let is_mounted = !mounts::mounts(&build.dockerfile, &build.context, &patterns, &flow.exclude).is_empty();
    let uses = build.uses_of(&patterns, &flow.exclude);
    flow.via == Via::Artifacts && is_mounted
        || uses.iter().any(|copy| copy.sources.iter().any(|source| is_used(copy, source)))
}
