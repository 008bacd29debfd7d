/// The name of an image, taken apart (`host:port/path/name:tag@digest`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageName<'a> {
    /// The registry; `None` for Docker Hub, where it is left out.
    pub registry: Option<&'a str>,
    /// The last part of the path: `docker` for `docker.io/library/docker:27`.
    pub name: &'a str,
    /// The whole path without the registry.
    pub path: &'a str,
    /// The tag.
    pub tag: Option<&'a str>,
}

/// Registries that anybody may pull from without a login.
const PUBLIC: [&str; 10] = [
    "docker.io",
    "index.docker.io",
    "registry-1.docker.io",
    "ghcr.io",
    "quay.io",
    "gcr.io",
    "mcr.microsoft.com",
    "public.ecr.aws",
    "registry.access.redhat.com",
    "registry.k8s.io",
];

/// Images, or the beginnings of their paths, whose user is not root.
const NOT_ROOT: [&str; 9] =
    ["cimg/", "circleci/", "bitnami/", "ubi8/", "ubi9/", "ubi7/", "cypress/included", "jenkins/", "sonarsource/"];

impl<'a> ImageName<'a> {
    /// Takes `text` apart.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        let without_digest = text.split('@').next().unwrap_or_default();
        let (path, tag) = match without_digest.rsplit_once(':') {
            Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
            _ => (without_digest, None),
        };
        let is_host = |part: &str| part.contains(['.', ':']) || part == "localhost";
        let (registry, path) = match path.split_once('/') {
            Some((host, rest)) if is_host(host) => (Some(host), rest),
            _ => (None, path),
        };
        let name = path.rsplit('/').next().unwrap_or_default();
        Self { registry, name, path, tag }
    }

    /// Whether it lies in a registry that may ask for a login.
    #[must_use]
    pub fn may_need_login(&self) -> bool {
        self.registry.is_some_and(|registry| !PUBLIC.contains(&registry))
    }

    /// Whether it is one of Docker's official images (Docker docs: "Docker Official Images").
    #[must_use]
    pub fn is_official(&self) -> bool {
        let path = self.path.strip_prefix("library/").unwrap_or(self.path);
        self.registry.is_none_or(|registry| registry == "docker.io") && !path.is_empty() && !path.contains('/')
    }

    /// Whether it is a Docker Engine that runs as a service (Docker docs: docker image, `dind`).
    #[must_use]
    pub fn is_engine(&self) -> bool {
        self.name == "docker" && self.tag.is_some_and(|tag| tag.contains("dind"))
    }

    /// Whether it is known to run as somebody other than root.
    #[must_use]
    pub fn is_known_not_root(&self) -> bool {
        let is_old_gradle = || self.is_official() && self.name == "gradle" && self.tag.is_some_and(is_of_old_gradle);
        NOT_ROOT.iter().any(|prefix| self.path.starts_with(prefix)) || is_old_gradle()
    }

    /// The user that it runs as, where that is known to be somebody other than root.
    #[must_use]
    pub fn default_user(&self) -> Option<&'static str> {
        let is_convenience = ["cimg/", "circleci/"].iter().any(|prefix| self.path.starts_with(prefix));
        let is_old_gradle = self.is_official() && self.name == "gradle" && self.is_known_not_root();
        if is_convenience { Some("circleci") } else { is_old_gradle.then_some("gradle") }
    }

    /// Whether it is an image for Windows containers.
    #[must_use]
    pub fn is_windows(&self) -> bool {
        ["windows", "nanoserver", "servercore"]
            .iter()
            .any(|word| self.path.contains(word) || self.tag.is_some_and(|tag| tag.contains(word)))
    }

    /// Whether it is known to have bash, so that the runner takes that as its shell: an official image that
    /// is built on Debian, Ubuntu or Red Hat. An official image on Alpine has `sh` alone.
    #[must_use]
    pub fn has_bash(&self) -> Option<bool> {
        let tag = self.tag.unwrap_or_default();
        if tag.contains("alpine") || self.path == "alpine" || self.path == "busybox" {
            return Some(false);
        }
        let official = self.path.strip_prefix("library/").unwrap_or(self.path);
        DEBIAN_BASED.contains(&official).then_some(true)
    }

    /// Whether it is known to have bzip2 and xz: an official image that is built on all of `buildpack-deps`, whose
    /// Dockerfile installs both.
    #[must_use]
    pub fn has_compressors(&self) -> bool {
        let official = self.path.strip_prefix("library/").unwrap_or(self.path);
        let is_less = |part: &str| ["alpine", "curl", "scm", "slim", "windowsservercore", "nanoserver"].contains(&part);
        let mut parts = self.tag.unwrap_or_default().split('-');
        self.is_official()
            && ON_BUILDPACK_DEPS.contains(&official)
            && !parts.any(|part| is_less(part.trim_end_matches(|last: char| last.is_ascii_digit() || last == '.')))
    }
}

/// Official images that are built on all of `buildpack-deps` unless their tag says otherwise.
const ON_BUILDPACK_DEPS: [&str; 7] = ["buildpack-deps", "gcc", "node", "perl", "python", "ruby", "rust"];

/// Whether a tag of the image `gradle` was built before it ran as root, which it does from 5.4.1 on
/// (docker-gradle, pull request 99). `5` is the newest of its line, `5.4` may be either and counts as old.
fn is_of_old_gradle(tag: &str) -> bool {
    let version = tag.split('-').next().unwrap_or_default();
    let parts: Option<Vec<u32>> = version.split('.').map(|part| part.parse().ok()).collect();
    match parts.as_deref() {
        Some([5]) | None => false,
        Some(parts) => parts < [5, 4, 1].as_slice(),
    }
}

/// Official images that are built on Debian, Ubuntu or Red Hat unless their tag says Alpine.
const DEBIAN_BASED: [&str; 18] = [
    "buildpack-deps",
    "debian",
    "eclipse-temurin",
    "fedora",
    "gcc",
    "golang",
    "gradle",
    "haskell",
    "maven",
    "node",
    "openjdk",
    "perl",
    "php",
    "python",
    "ruby",
    "rust",
    "ubuntu",
    "almalinux",
];

/// Whether this names the user root, with or without a group.
#[must_use]
pub fn is_root(user: &str) -> bool {
    matches!(user, "0" | "0:0" | "root" | "root:root")
}

#[cfg(test)]
mod tests {
    use super::ImageName;

    #[test]
    fn names_are_taken_apart() {
        let image = ImageName::new("repository.example.com:8086/tools/node:14-alpine3.11@sha256:0");
        assert_eq!(
            (image.registry, image.path, image.name, image.tag),
            (Some("repository.example.com:8086"), "tools/node", "node", Some("14-alpine3.11"))
        );
        assert_eq!(ImageName::new("node").tag, None);
        assert_eq!(ImageName::new("localhost/node:8").registry, Some("localhost"));
        assert!(image.may_need_login());
        assert!(!ImageName::new("quay.io/podman/stable").may_need_login());
    }

    #[test]
    fn gradle_ran_as_a_user_of_its_own_before_version_5_4_1() {
        let not_root = |tag: &str| ImageName::new(&format!("gradle:{tag}")).is_known_not_root();
        for old in ["5.1-jdk", "4.10", "4-alpine", "5.4.0-jdk11", "5.4", "3.5.1-jdk8-alpine"] {
            assert!(not_root(old), "{old}");
        }
        for new in ["5.4.1", "5.6.4-jdk8", "5-jdk11", "5", "8.5-jdk17", "jdk17", "latest"] {
            assert!(!not_root(new), "{new}");
        }
        assert!(!ImageName::new("gradle").is_known_not_root());
        assert!(!ImageName::new("registry.example.com/gradle:4.10").is_known_not_root());
    }

    #[test]
    fn the_large_images_have_compressors() {
        for name in ["node", "node:22", "python:3.12-bookworm", "library/ruby:3.3"] {
            assert!(ImageName::new(name).has_compressors(), "{name}");
        }
        for name in
            ["node:22-slim", "python:3.12-alpine3.20", "golang:1.22", "registry.example.com/node:22", "acme/node:22"]
        {
            assert!(!ImageName::new(name).has_compressors(), "{name}");
        }
    }

    #[test]
    fn the_shell_of_official_images_is_known() {
        assert_eq!(ImageName::new("node:8").has_bash(), Some(true));
        assert_eq!(ImageName::new("node:20-alpine").has_bash(), Some(false));
        assert_eq!(ImageName::new("jojomi/hugo").has_bash(), None);
    }
}
