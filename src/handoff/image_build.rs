//! The container builds of a job: those that can be followed, and those of other builders.

use std::sync::Arc;

use super::copies::{CopyUse, SourceUse, classify};
use super::job_script::JobScript;
use crate::docker::{
    BuildCommand, BuildContext, Builder, Stages, Step, StepWord, asks_bake, builds_of_up, is_described_build,
};
use crate::gitlab::{PathPattern, Relation, folder_before_glob, may_take};
use crate::source::{ReadError, Repository, SourceFile};
use crate::syntax::dockerfile::{Dockerfile, Instruction};
use crate::text::RepositoryPath;

/// A build command together with the files that it reads.
pub struct ImageBuild {
    /// The command.
    pub command: BuildCommand,
    /// The Dockerfile.
    pub source: Arc<SourceFile>,
    /// Its instructions.
    pub dockerfile: Dockerfile,
    /// Its stages.
    pub stages: Stages,
    /// The stage that is built; `None` where the Dockerfile has none of that name.
    pub target: Option<usize>,
    /// What is sent to the engine.
    pub context: BuildContext,
}

/// A command that builds images by means that are not folded.
#[derive(Clone, Debug)]
pub struct OtherBuilder {
    /// Its name.
    pub name: &'static str,
    /// The index of its step.
    pub step: usize,
}

impl ImageBuild {
    /// How the copies of the stages that take part lie to `patterns`.
    pub(super) fn uses_of(&self, patterns: &[PathPattern], exclude: &[PathPattern]) -> Vec<CopyUse> {
        let Some(target) = self.target else {
            return Vec::new();
        };
        classify(&self.stages, &self.stages.reachable(target), &self.context, patterns, exclude)
    }

    /// As [`ImageBuild::uses_of`], and the plain copies of the stages that do not take part: the legacy builder makes these too.
    pub(super) fn uses_of_all_stages(&self, patterns: &[PathPattern], exclude: &[PathPattern]) -> Vec<CopyUse> {
        let mut uses = self.uses_of(patterns, exclude);
        let known: Vec<_> = uses.iter().map(|found| found.copy.instruction).collect();
        let all = (0..self.stages.stages.len()).collect();
        let is_plain = |source: &SourceUse| matches!(source, SourceUse::Builder { .. } | SourceUse::Context);
        let others = classify(&self.stages, &all, &self.context, patterns, exclude);
        uses.extend(
            others
                .into_iter()
                .filter(|found| !known.contains(&found.copy.instruction) && found.sources.iter().all(is_plain)),
        );
        uses
    }

    /// Whether the context holds files strictly below `path`, or files that its glob fits, which git tracks.
    #[must_use]
    pub fn takes_tracked(&self, repository: &dyn Repository, path: &str) -> bool {
        let fits = |tracked: &RepositoryPath| tracked.as_str() != path && may_take(path, tracked.as_str());
        repository.tracked().keys().any(|tracked| fits(tracked) && !self.context.leaves_out(tracked))
    }

    /// Whether the script removes this file in front of the build, and it only says what that leaves out.
    #[must_use]
    pub fn goes_without(&self, path: &RepositoryPath) -> bool {
        let ignore_files = BuildContext::ignore_files(&self.context.folder, &self.command.dockerfile);
        self.command.removed.contains(path) && ignore_files.contains(path)
    }

    /// Reads what `command` reads.
    ///
    /// # Errors
    /// The file that cannot be read, and why.
    pub fn read(repository: &dyn Repository, command: &BuildCommand) -> Result<Self, (RepositoryPath, ReadError)> {
        let (path, source) = dockerfile(repository, command)?;
        let mut command = command.clone();
        command.dockerfile = path;
        let dockerfile = Dockerfile::parse(source.text());
        let stages = Stages::new(&dockerfile, &command.build_arguments);
        let target = stages.target(command.target.as_deref());
        let context = BuildContext::read(repository, command.context.folder(), &command.dockerfile, &command.removed)?;
        Ok(Self { command, source, dockerfile, stages, target, context })
    }

    /// Whether `command` may take some of the files of `patterns` into its image, as far as can be told.
    #[must_use]
    pub fn may_take(repository: &dyn Repository, command: &BuildCommand, patterns: &[PathPattern]) -> bool {
        let Ok(build) = Self::read(repository, command) else {
            return true;
        };
        let is_mounted = build.dockerfile.instructions.iter().any(Instruction::mounts_context);
        let all = (0..build.stages.stages.len()).collect();
        let names = |value: &str| patterns.iter().any(|pattern| value.contains(pattern.text.as_str()));
        let is_named = command.options.iter().filter_map(|(_, value)| value.as_deref()).any(names);
        let has_more = command.has_option("--build-context") || build.stages.has_onbuild_base();
        is_mounted || is_named || has_more || !classify(&build.stages, &all, &build.context, patterns, &[]).is_empty()
    }

    /// Whether a `COPY` names something that git does not track: then a job makes it.
    #[must_use]
    pub fn copies_something_untracked(&self, repository: &dyn Repository) -> bool {
        let sources = self.stages.copies.iter().filter(|copy| copy.from.is_none()).flat_map(|copy| &copy.sources);
        let mut places = sources.map(|source| self.context.folder.join(source.path.as_deref()?));
        places.any(|place| {
            // What a variable names, whose value is not known, may be anything.
            let Some(place) = place else { return true };
            RepositoryPath::new(folder_before_glob(place.as_str()))
                .is_some_and(|folder| !folder.is_root() && !repository.tracks(&folder))
        })
    }
}

/// The Dockerfile that is there, of the places where the builder looks for it.
fn dockerfile(
    repository: &dyn Repository,
    command: &BuildCommand,
) -> Result<(RepositoryPath, Arc<SourceFile>), (RepositoryPath, ReadError)> {
    let first = &command.dockerfile;
    match (repository.read(first), &command.other_dockerfile) {
        (Ok(source), _) => Ok((first.clone(), source)),
        (Err(ReadError::Missing), Some(other)) => {
            let source = repository.read(other).map_err(|error| (other.clone(), error))?;
            Ok((other.clone(), source))
        }
        (Err(error), _) => Err((first.clone(), error)),
    }
}

impl OtherBuilder {
    /// Whether its images may take some of these files, as far as can be told: `compose up` builds what the Compose file
    /// describes, often nothing at all.
    #[must_use]
    pub fn may_take(&self, repository: &dyn Repository, script: &JobScript, patterns: &[PathPattern]) -> bool {
        let is_named = script.walk.changed.iter().any(|name| name == "COMPOSE_FILE");
        let Some((file, commands)) = builds_of_up(repository, &script.walk, self.step).ok().filter(|_| !is_named)
        else {
            return true;
        };
        // The files may be the Compose file itself, or one that Compose reads on top of it.
        let describes = |pattern: &PathPattern| {
            let is_beside = pattern.text.contains("compose") || !pattern.is_known || pattern.is_unbounded();
            is_beside || pattern.relation(file.as_str()) != Relation::Apart
        };
        patterns.iter().any(describes)
            || commands.iter().any(|command| ImageBuild::may_take(repository, command, patterns))
    }
}

/// The commands of a script that build images by means that are not folded.
#[must_use]
pub fn other_builders(script: &JobScript) -> Vec<OtherBuilder> {
    let builder = |(step, found): (usize, &Step)| Some(OtherBuilder { name: builder_name(found)?, step });
    script.walk.steps.iter().enumerate().filter_map(builder).collect()
}

fn builder_name(step: &Step) -> Option<&'static str> {
    if Builder::of(step).is_some() || is_described_build(step) || asks_bake(step) {
        return None;
    }
    let program = step.program()?.rsplit('/').next()?;
    let has = |words: &[&str]| step.words.iter().skip(1).filter_map(StepWord::text).any(|word| words.contains(&word));
    match program {
        "kaniko" => Some("a program called kaniko"),
        "buildah" if has(&["commit"]) => Some("buildah without a Dockerfile"),
        "buildah" if has(&["bud", "build"]) => Some("buildah with options that are not known"),
        "podman" if has(&["build"]) => Some("podman with options that are not known"),
        "podman" if has(&["commit"]) => Some("podman commit"),
        "podman" if has(&["compose"]) && has(&["build", "up"]) => Some("podman compose"),
        "podman-compose" if has(&["build", "up"]) => Some("podman compose"),
        "nerdctl" if has(&["build"]) => Some("nerdctl with options that are not known"),
        "img" if has(&["build"]) => Some("img with options that are not known"),
        "buildctl" | "buildctl-daemonless.sh" if has(&["build"]) => Some("buildctl with options that are not known"),
        "docker-compose" if has(&["build", "up"]) => Some("docker compose"),
        "docker" if has(&["compose"]) && has(&["build", "up"]) => Some("docker compose"),
        "docker" if has(&["buildx"]) && has(&["bake"]) => Some("docker buildx bake with options that are not known"),
        "docker" if has(&["commit"]) => Some("docker commit"),
        "oc" if has(&["start-build", "new-build"]) => Some("OpenShift"),
        _ => None,
    }
}
