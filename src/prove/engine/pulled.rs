//! Base images that a builder without BuildKit pulls into the store of the machine's images.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::names::names_of_images;
use crate::handoff::is_same_image;

/// What registries an engine may write in front of a name that a Dockerfile has without it.
const DEFAULT_REGISTRIES: [&str; 3] = ["docker.io/library/", "docker.io/", "localhost/"];

/// The images of the list `after` that are not in `before` (one name a line), and that the Dockerfile names.
pub(super) fn pulled(before: &str, after: &str, dockerfile: &Path) -> Vec<String> {
    let text = fs::read_to_string(dockerfile).unwrap_or_default();
    let known: BTreeSet<_> = before.lines().map(str::trim).collect();
    let named = names_of_images(&text);
    let is_named = |image: &&str| {
        let short = DEFAULT_REGISTRIES.iter().find_map(|registry| image.strip_prefix(registry)).unwrap_or(image);
        named.iter().any(|name| is_same_image(name, image) || is_same_image(name, short))
    };
    let new = after.lines().map(str::trim).filter(|image| !known.contains(image) && !image.contains("<none>"));
    new.filter(is_named).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::pulled;

    #[test]
    fn only_new_images_that_the_dockerfile_names_were_pulled_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let dockerfile = folder.path().join("Dockerfile");
        std::fs::write(&dockerfile, "FROM node:8\nFROM registry.example.com/base\nWORKDIR /other\n").unwrap();
        let before = "docker.io/library/alpine:3\n";
        let after = "docker.io/library/alpine:3\ndocker.io/library/node:8\nregistry.example.com/base:latest\nother:1\n<none>:<none>\n";
        assert_eq!(
            pulled(before, after, &dockerfile),
            ["docker.io/library/node:8", "registry.example.com/base:latest"]
        );
    }
}
