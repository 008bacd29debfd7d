use super::engine::Release;
use super::frontend;
use super::image::ImageName;
use crate::outcome::ToldBuilder;

/// How a builder gives a secret to a `RUN` (Dockerfile reference: `RUN --mount=type=secret`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretMounts {
    /// As a variable of the command: `--mount=type=secret,id=X,env=X`.
    Variable,
    /// As a file below `/run/secrets` and no other way.
    File,
    /// Not at all, or it cannot be told.
    None,
}

/// What tells which builder a build command asks for.
#[derive(Clone, Copy, Debug, Default)]
pub struct BuilderTraits<'a> {
    /// The image of the job, which holds the client.
    pub image: Option<&'a str>,
    /// The images of its services, one of which may be the engine.
    pub services: &'a [String],
    /// The value of `DOCKER_BUILDKIT` where the command runs.
    pub buildkit: Option<&'a str>,
    /// Whether the command asks for BuildKit by its name, as `docker buildx build` does.
    pub is_buildkit: bool,
    /// What the user says of the builder.
    pub told: Option<ToldBuilder>,
    /// Whether the builder is one of its own (`docker buildx create`, containerd's), whose version nothing tells.
    pub has_own_builder: bool,
    /// The image of the frontend that the Dockerfile asks for (`# syntax=`).
    pub frontend: Option<&'a str>,
}

/// The first release whose client takes BuildKit unless told otherwise (Docker Engine release notes, 23.0).
const FIRST_WITH_BUILDKIT: Release = Release::new(23, 0);

/// The first release whose client takes `--secret id=X,env=X` and whose engine knows the mount without a
/// `# syntax=` line (Docker Engine release notes, 20.10).
const FIRST_WITH_MOUNTS: Release = Release::new(20, 10);

/// The first release with BuildKit 0.16, whose Dockerfile 1.10 knows `env=` (Docker Engine release notes, 27.3.0).
const FIRST_WITH_VARIABLES: Release = Release::new(27, 3);

/// The same as versions of the frontend (`docker/dockerfile`, release notes 1.2 and 1.10).
const FRONTEND_WITH_MOUNTS: Release = Release::new(1, 2);
const FRONTEND_WITH_VARIABLES: Release = Release::new(1, 10);

impl SecretMounts {
    /// What the builder behind a command can do.
    #[must_use]
    pub fn of_builder(traits: BuilderTraits<'_>) -> Self {
        let docker = |image: &&str| ImageName::new(image).name == "docker";
        let release = |image: &str| Release::of_tag(ImageName::new(image).tag);
        let client = traits.image.filter(docker).and_then(release);
        let services: Vec<_> = traits.services.iter().map(String::as_str).filter(docker).collect();
        let engine = services.iter().filter_map(|image| release(image)).min();
        let is_refused = matches!(traits.buildkit, Some("0" | "false" | "False" | "FALSE"));
        let is_asked_for = traits.buildkit.is_some() && !is_refused;
        let is_default = client.is_some_and(|client| client >= FIRST_WITH_BUILDKIT) && !is_refused;
        let is_too_old = [client, engine].into_iter().flatten().any(|release| release < FIRST_WITH_MOUNTS);
        let has_mounts = match traits.told {
            // A client that is known to be older has no such option, whatever builds.
            Some(told) => told == ToldBuilder::BuildKit && client.is_none_or(|client| client >= FIRST_WITH_MOUNTS),
            None => (traits.is_buildkit || is_asked_for || is_default) && !is_too_old,
        };
        let frontend = frontend::release(traits.frontend);
        if !has_mounts || frontend.is_some_and(|frontend| frontend < FRONTEND_WITH_MOUNTS) {
            return Self::None;
        }
        let knows_variables = engine.is_some_and(|engine| engine >= FIRST_WITH_VARIABLES)
            && frontend.is_none_or(|frontend| frontend >= FRONTEND_WITH_VARIABLES)
            && !traits.has_own_builder;
        if knows_variables { Self::Variable } else { Self::File }
    }
}

#[cfg(test)]
mod tests {
    use super::{BuilderTraits, SecretMounts};

    fn mounts(image: &str, services: &[&str], buildkit: Option<&str>) -> SecretMounts {
        let services: Vec<_> = services.iter().map(|image| (*image).to_owned()).collect();
        let traits = BuilderTraits { image: Some(image), services: &services, buildkit, ..BuilderTraits::default() };
        SecretMounts::of_builder(traits)
    }

    #[test]
    fn variables_came_with_the_engine_27_3() {
        assert_eq!(mounts("docker:27.3", &["docker:27.3-dind"], None), SecretMounts::Variable);
        assert_eq!(mounts("docker", &["docker:dind"], None), SecretMounts::Variable);
        assert_eq!(mounts("docker:27", &["docker:27-dind"], None), SecretMounts::Variable);
        assert_eq!(mounts("docker:28", &["docker:27.2.1-dind"], None), SecretMounts::File);
        assert_eq!(mounts("docker:28", &[], None), SecretMounts::File);
    }

    #[test]
    fn the_legacy_builder_knows_no_secrets() {
        assert_eq!(mounts("docker:20.10", &["docker:20.10-dind"], None), SecretMounts::None);
        assert_eq!(mounts("docker:28", &["docker:dind"], Some("0")), SecretMounts::None);
        assert_eq!(mounts("docker:stable", &["docker:dind"], Some("1")), SecretMounts::None);
        assert_eq!(mounts("alpine", &["docker:dind"], None), SecretMounts::None);
        assert_eq!(mounts("docker:20.10", &["docker:20.10-dind"], Some("1")), SecretMounts::File);
        assert_eq!(mounts("docker:git", &["docker:dind"], None), SecretMounts::Variable);
        assert_eq!(mounts("docker:edge", &["docker:dind"], None), SecretMounts::None);
    }

    #[test]
    fn a_frontend_of_its_own_decides_too() {
        let services = ["docker:dind".to_owned()];
        let with = |frontend| {
            let traits = BuilderTraits {
                image: Some("docker"),
                services: &services,
                frontend: Some(frontend),
                ..BuilderTraits::default()
            };
            SecretMounts::of_builder(traits)
        };
        assert_eq!(with("docker/dockerfile:1"), SecretMounts::Variable);
        assert_eq!(with("docker/dockerfile:1.10"), SecretMounts::Variable);
        assert_eq!(with("docker/dockerfile:1.4"), SecretMounts::File);
        assert_eq!(with("docker/dockerfile:1.1"), SecretMounts::None);
        assert_eq!(with("example.org/frontend:1"), SecretMounts::None);
    }
}
