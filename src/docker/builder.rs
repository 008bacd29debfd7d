//! The programs that build an image of a Dockerfile, one file for each, and in what they differ.

mod buildah;
mod buildctl;
mod docker;
mod img;
mod kaniko;
mod nerdctl;

use super::bake;
use super::build_command::CommandContext;
use super::build_options::BuildOptions;
use super::compose;
use super::image::ImageName;
use super::step::{Step, StepWord};
use crate::text::RepositoryPath;

/// A program that builds an image of a Dockerfile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Builder {
    /// `docker build`, by whichever builder the engine has.
    Docker,
    /// `docker buildx build`, which asks for BuildKit by name.
    Buildx,
    /// kaniko's executor.
    Kaniko,
    /// `buildah build`, or `buildah bud` by its old name.
    Buildah,
    /// `podman build`, which is buildah inside.
    Podman,
    /// `buildctl build`, BuildKit's own client.
    Buildctl,
    /// `docker compose build`, for a service of a Compose file.
    Compose,
    /// `nerdctl build`, which hands the work to BuildKit.
    Nerdctl,
    /// `docker buildx bake`, for a target of a file.
    Bake,
    /// `img build`, which holds BuildKit.
    Img,
}

/// How the command line of a builder is read.
pub(super) struct Grammar {
    /// Options that take a value.
    pub(super) with_value: &'static [&'static str],
    /// Those that take none, or only behind a `=`.
    pub(super) without_value: &'static [&'static str],
    /// Those that say where the image goes, what it is called, or what is told of it.
    pub(super) of_result: &'static [&'static str],
    /// The context that a command names which runs in this folder.
    pub(super) context: fn(&BuildOptions, &RepositoryPath) -> Result<CommandContext, String>,
    /// Where the builder looks for the Dockerfile of a command that runs in this folder, the first place first.
    pub(super) dockerfiles: fn(&BuildOptions, &RepositoryPath, &RepositoryPath) -> Result<Vec<RepositoryPath>, String>,
}

impl Builder {
    /// The builder that `step` runs, and the words behind its name.
    #[must_use]
    pub fn of(step: &Step) -> Option<(Self, &[StepWord])> {
        let (program, rest) = step.words.split_first()?;
        match program.text()?.rsplit('/').next()? {
            "docker" => docker::options(rest),
            "executor" => kaniko::options(rest).map(|rest| (Self::Kaniko, rest)),
            "buildah" => buildah::options(rest).map(|rest| (Self::Buildah, rest)),
            "podman" => buildah::options(rest).map(|rest| (Self::Podman, rest)),
            "buildctl" | "buildctl-daemonless.sh" => buildctl::options(rest).map(|rest| (Self::Buildctl, rest)),
            "img" => img::options(rest).map(|rest| (Self::Img, rest)),
            "nerdctl" => nerdctl::options(rest).map(|rest| (Self::Nerdctl, rest)),
            _ => None,
        }
    }

    /// Tells the words of a command apart, by the names that its options have in `docker build`.
    pub(super) fn options(self, words: &[StepWord]) -> Result<BuildOptions, String> {
        let options = BuildOptions::read(words, self.grammar())?;
        if self == Self::Buildctl { buildctl::translated(options) } else { Ok(options) }
    }

    /// Whether `--build-arg NAME` passes the variable of that name.
    #[must_use]
    pub const fn passes_variables(self) -> bool {
        !matches!(self, Self::Buildctl | Self::Img)
    }

    pub(super) const fn grammar(self) -> &'static Grammar {
        match self {
            Self::Docker | Self::Buildx => &docker::GRAMMAR,
            Self::Kaniko => &kaniko::GRAMMAR,
            Self::Buildah | Self::Podman => &buildah::GRAMMAR,
            Self::Buildctl => &buildctl::GRAMMAR,
            Self::Compose => &compose::GRAMMAR,
            Self::Nerdctl => &nerdctl::GRAMMAR,
            Self::Bake => &bake::GRAMMAR,
            Self::Img => &img::GRAMMAR,
        }
    }

    /// Its name, as a sentence has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Docker => "docker build",
            Self::Buildx => "docker buildx build",
            Self::Kaniko => "kaniko",
            Self::Buildah => "buildah",
            Self::Podman => "podman",
            Self::Buildctl => "buildctl",
            Self::Compose => "docker compose",
            Self::Nerdctl => "nerdctl",
            Self::Bake => "docker buildx bake",
            Self::Img => "img",
        }
    }

    /// Whether a Docker Engine does the work, so that its version counts.
    #[must_use]
    pub const fn has_engine(self) -> bool {
        matches!(self, Self::Docker | Self::Buildx | Self::Compose | Self::Bake)
    }

    /// Whether it is BuildKit, whatever else the job says.
    #[must_use]
    pub const fn is_buildkit(self) -> bool {
        matches!(self, Self::Bake | Self::Buildctl | Self::Buildx | Self::Img | Self::Nerdctl)
    }

    /// Whether it takes layers that it has made before: buildah only if `--layers` asks for it (`asks`), and kaniko only
    /// out of a registry.
    #[must_use]
    pub const fn caches_layers(self, asks: bool) -> bool {
        match self {
            Self::Buildah => asks,
            Self::Kaniko => false,
            _ => true,
        }
    }

    /// Whether it honours `RUN --mount`; kaniko reads the flag and mounts nothing
    /// (GoogleContainerTools/kaniko#969 and #1568).
    #[must_use]
    pub const fn takes_mounts(self) -> bool {
        !matches!(self, Self::Kaniko)
    }

    /// How `--secret` may give a secret to the build.
    #[must_use]
    pub const fn secrets(self) -> SecretSource {
        match self {
            Self::Docker | Self::Buildx | Self::Bake | Self::Buildctl | Self::Compose | Self::Nerdctl => {
                SecretSource::Environment
            }
            Self::Img | Self::Kaniko => SecretSource::None,
            Self::Buildah | Self::Podman => SecretSource::File,
        }
    }

    /// Whether files that are copied out of the context keep their owner, as those out of a stage do. Docker and
    /// buildah give them to root (Dockerfile reference: `COPY --chown`); kaniko does not
    /// (GoogleContainerTools/kaniko#2921).
    #[must_use]
    pub const fn keeps_owners_of_context(self) -> bool {
        matches!(self, Self::Kaniko)
    }

    /// Whether it goes on where the ignore file leaves nothing to copy, as kaniko does with a warning
    /// (kaniko: `IsSrcsValid` in `pkg/util/command_util.go`).
    #[must_use]
    pub const fn copies_nothing_silently(self) -> bool {
        matches!(self, Self::Kaniko)
    }

    /// Whether the files of a stage may lie in this folder. What is mounted into the job, and what kaniko keeps
    /// for itself, is no part of a stage, and a copy from there finds nothing (kaniko: `DetectFilesystemIgnoreList`).
    #[must_use]
    pub fn may_build_in(self, folder: &str) -> bool {
        self != Self::Kaniko || kaniko::is_of_a_stage(folder)
    }

    /// Whether a file of the job at this absolute path, outside the project, is still there when the second stage
    /// begins. kaniko works in the job's own file system, and empties it there (kaniko: `DeleteFilesystem` in
    /// `pkg/util/fs_util.go`).
    #[must_use]
    pub fn keeps_between_stages(self, path: &str) -> bool {
        self != Self::Kaniko || kaniko::stays(path)
    }

    /// An image of the pipeline as a `FROM` names it for this builder. buildah and podman look for a name without
    /// a registry in several (containers-registries.conf: `unqualified-search-registries`), a runner on Docker Hub.
    #[must_use]
    pub fn image(self, written: &str) -> String {
        let image = ImageName::new(written);
        match self {
            Self::Buildah | Self::Podman if image.registry.is_none() && written.contains('/') => {
                format!("docker.io/{written}")
            }
            Self::Buildah | Self::Podman if image.registry.is_none() => format!("docker.io/library/{written}"),
            _ => written.to_owned(),
        }
    }

    /// The options that build for another platform than the one it runs on.
    #[must_use]
    pub const fn platform_options(self) -> &'static [&'static str] {
        match self {
            Self::Kaniko => &["--custom-platform", "--customPlatform"],
            Self::Buildah | Self::Podman => &["--all-platforms", "--arch", "--os", "--platform", "--variant"],
            _ => &["--platform"],
        }
    }
}

/// How a builder gets at secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// Not at all.
    None,
    /// Out of a file alone: `--secret id=ID,src=PATH` (podman#24906).
    File,
    /// Out of a file or a variable: `--secret id=ID,env=NAME`.
    Environment,
}

#[cfg(test)]
mod tests {
    use super::Builder;

    #[test]
    fn a_name_without_a_registry_is_one_of_docker_hub() {
        assert_eq!(Builder::Buildah.image("node:22"), "docker.io/library/node:22");
        assert_eq!(Builder::Podman.image("cimg/node:22"), "docker.io/cimg/node:22");
        assert_eq!(Builder::Podman.image("quay.io/a/node:22"), "quay.io/a/node:22");
        assert_eq!(Builder::Docker.image("node:22"), "node:22");
    }

    #[test]
    fn no_stage_lies_where_something_is_mounted() {
        assert!(!Builder::Kaniko.may_build_in("/workspace"));
        assert!(!Builder::Kaniko.may_build_in("/builds/shop"));
        assert!(Builder::Kaniko.may_build_in("/build"));
        assert!(Builder::Docker.may_build_in("/workspace"));
    }

    #[test]
    fn kaniko_empties_all_but_what_is_mounted() {
        assert!(Builder::Kaniko.keeps_between_stages("/kaniko/.docker/config.json"));
        assert!(!Builder::Kaniko.keeps_between_stages("/root/.docker/config.json"));
        assert!(!Builder::Kaniko.keeps_between_stages("/workspace/key.json"));
    }
}
