//! What the frontend can do that a Dockerfile asks for (`# syntax=docker/dockerfile:1.20`).

use super::engine::Release;
use super::image::ImageName;

/// The first release that takes `COPY --parents` without being one of the laboratory, a pivot in its paths included
/// (`docker/dockerfile`, release notes 1.20).
const FIRST_WITH_PARENTS: Release = Release::new(1, 20);

/// The release that a `# syntax=` line asks for; the oldest of all where nothing tells.
pub(super) fn release(frontend: Option<&str>) -> Option<Release> {
    let image = ImageName::new(frontend?);
    let is_official = image.path == "docker/dockerfile";
    Some(Release::of_tag(image.tag).filter(|_| is_official).unwrap_or(Release::new(0, 0)))
}

/// Whether the frontend knows that the folders behind a `/./` in a path are those that `COPY --parents` keeps (Dockerfile
/// reference: COPY --parents), if it knows the flag. Without a `# syntax=` line it is the builder's own, and no such one
/// knows the flag before that release.
#[must_use]
pub fn knows_pivots(frontend: Option<&str>) -> bool {
    release(frontend).is_none_or(|release| release >= FIRST_WITH_PARENTS)
}

#[cfg(test)]
mod tests {
    use super::knows_pivots;

    #[test]
    fn a_pivot_is_known_from_the_first_stable_release_on() {
        for frontend in
            [None, Some("docker/dockerfile:1.20"), Some("docker/dockerfile:1"), Some("docker/dockerfile:1-labs")]
        {
            assert!(knows_pivots(frontend), "{frontend:?}");
        }
        for frontend in ["docker/dockerfile:1.7-labs", "docker/dockerfile:labs", "registry.example.com/dockerfile:1.20"]
        {
            assert!(!knows_pivots(Some(frontend)), "{frontend}");
        }
    }
}
