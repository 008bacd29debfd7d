//! What the frontend can do that a Dockerfile asks for (`# syntax=docker/dockerfile:1.20`).

use super::engine::Release;
use super::image::ImageName;

/// The release that a `# syntax=` line asks for; the oldest of all where nothing tells.
pub(super) fn release(frontend: Option<&str>) -> Option<Release> {
    let image = ImageName::new(frontend?);
    let is_official = image.path == "docker/dockerfile";
    Some(Release::of_tag(image.tag).filter(|_| is_official).unwrap_or(Release::new(0, 0)))
}
