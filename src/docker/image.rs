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

    /// Whether it is known to run as somebody other than root.
    #[must_use]
    pub fn is_known_not_root(&self) -> bool {
        NOT_ROOT.iter().any(|prefix| self.path.starts_with(prefix))
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
    fn the_shell_of_official_images_is_known() {
        assert_eq!(ImageName::new("node:8").has_bash(), Some(true));
        assert_eq!(ImageName::new("node:20-alpine").has_bash(), Some(false));
        assert_eq!(ImageName::new("jojomi/hugo").has_bash(), None);
    }
}
