use super::image::ImageName;

/// The Docker Engine behind a job, as far as its images tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Engine {
    /// Year and month of the release, or major and minor (`17.05`, `20.10`, `24.0`); `None` where the tag
    /// does not tell, as `latest` does not.
    pub version: Option<(u32, u32)>,
    /// Whether the images are those of Docker at all.
    pub is_known: bool,
}

/// A release, as far as its tag tells. A tag of the first number alone, and one that names no version but a flavour
/// (`dind`, `git`), follow the newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Release(u32, u32);

impl Release {
    pub(super) const fn new(major: u32, minor: u32) -> Self {
        Self(major, minor)
    }

    /// The release behind a tag; `None` where it does not tell, as `edge` does not.
    pub(super) fn of_tag(tag: Option<&str>) -> Option<Self> {
        const FLAVOURS: [&str; 6] = ["alpine", "cli", "dind", "git", "latest", "rootless"];
        let tag = tag.unwrap_or("latest");
        let known = version(tag).map(|(major, minor)| Self(major, minor));
        known.or_else(|| tag.split('-').all(|part| FLAVOURS.contains(&part)).then_some(Self(u32::MAX, u32::MAX)))
    }
}

/// The first release that builds several stages (Docker release notes, 17.05).
const FIRST_WITH_STAGES: (u32, u32) = (17, 5);

/// What `docker:stable` was when it stopped moving.
const STABLE: (u32, u32) = (19, 3);

impl Engine {
    /// The oldest engine among the image of a job and its services, the client included.
    #[must_use]
    pub fn of_images<'a>(images: impl IntoIterator<Item = &'a str>) -> Self {
        let docker: Vec<_> = images.into_iter().map(ImageName::new).filter(|image| image.name == "docker").collect();
        let version = docker.iter().filter_map(|image| version(image.tag?)).min();
        Self { version, is_known: !docker.is_empty() }
    }

    /// Whether it may be too old to build several stages.
    #[must_use]
    pub fn lacks_stages(self) -> bool {
        self.version.is_some_and(|version| version < FIRST_WITH_STAGES)
    }
}

/// The version in a tag such as `19.03.12-dind`. A tag of the year alone stands for its last release.
fn version(tag: &str) -> Option<(u32, u32)> {
    if tag.starts_with("stable") {
        return Some(STABLE);
    }
    let number = |text: &str| text.parse::<u32>().ok();
    let release = tag.split('-').next().unwrap_or_default();
    let mut parts = release.split('.');
    let major = number(parts.next()?)?;
    Some((major, parts.next().map_or(Some(u32::MAX), number)?))
}

#[cfg(test)]
mod tests {
    use super::Engine;

    #[test]
    fn the_oldest_of_client_and_daemon_counts() {
        assert_eq!(Engine::of_images(["docker:24.0.5", "docker:19.03-dind"]).version, Some((19, 3)));
        assert_eq!(Engine::of_images(["docker:latest", "postgres:9"]).version, None);
        assert!(!Engine::of_images(["alpine"]).is_known);
    }

    #[test]
    fn stages_came_with_17_05() {
        assert!(Engine::of_images(["docker:1.12"]).lacks_stages());
        assert!(Engine::of_images(["docker:17.03"]).lacks_stages());
        assert!(!Engine::of_images(["docker:17"]).lacks_stages());
        assert!(!Engine::of_images(["docker:dind"]).lacks_stages());
    }
}
