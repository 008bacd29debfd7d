//! The container builds of a job: those that can be followed, and those of other builders.

use std::sync::Arc;

use super::job_script::JobScript;
use crate::docker::{BuildCommand, BuildContext, Stages, Step, StepWord};
use crate::source::{ReadError, Repository, SourceFile};
use crate::syntax::dockerfile::Dockerfile;
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

/// A command that builds images by other means than `docker build`.
#[derive(Clone, Debug)]
pub struct OtherBuilder {
    /// Its name.
    pub name: &'static str,
    /// The index of its step.
    pub step: usize,
}

impl ImageBuild {
    /// Reads what `command` reads.
    ///
    /// # Errors
    /// The file that cannot be read, and why.
    pub fn read(repository: &dyn Repository, command: &BuildCommand) -> Result<Self, (RepositoryPath, ReadError)> {
        let source = repository.read(&command.dockerfile).map_err(|error| (command.dockerfile.clone(), error))?;
        let dockerfile = Dockerfile::parse(source.text());
        let stages = Stages::new(&dockerfile, &command.build_arguments);
        let target = stages.target(command.target.as_deref());
        let context = BuildContext::read(repository, command.context.folder(), &command.dockerfile)?;
        Ok(Self { command: command.clone(), source, dockerfile, stages, target, context })
    }
}

/// The commands of a script that build images by other means than `docker build`.
#[must_use]
pub fn other_builders(script: &JobScript) -> Vec<OtherBuilder> {
    let builder = |(step, found): (usize, &Step)| Some(OtherBuilder { name: builder_name(found)?, step });
    script.walk.steps.iter().enumerate().filter_map(builder).collect()
}

fn builder_name(step: &Step) -> Option<&'static str> {
    let program = step.program()?.rsplit('/').next()?;
    let has = |words: &[&str]| step.words.iter().skip(1).filter_map(StepWord::text).any(|word| words.contains(&word));
    match program {
        "executor" | "kaniko" => Some("kaniko"),
        "buildah" if has(&["bud", "build", "build-using-dockerfile", "commit"]) => Some("buildah"),
        "podman" if has(&["build"]) => Some("podman"),
        "nerdctl" if has(&["build"]) => Some("nerdctl"),
        "img" if has(&["build"]) => Some("img"),
        "buildctl" | "buildctl-daemonless.sh" => Some("buildctl"),
        "docker-compose" if has(&["build", "up"]) => Some("docker compose"),
        "docker" if has(&["compose"]) && has(&["build", "up"]) => Some("docker compose"),
        "docker" if has(&["buildx"]) && has(&["bake"]) => Some("docker buildx bake"),
        "docker" if has(&["commit"]) => Some("docker commit"),
        "oc" if has(&["start-build", "new-build"]) => Some("OpenShift"),
        _ => None,
    }
}
