//! Docker's client and engine are of one release that does not change by itself (GitLab docs: ci/docker/using_docker_build,
//! "pin to a specific version").
//!
//! ```yaml
//! image: docker:latest
//! services: ["docker:dind"]
//! ```
//! becomes
//! ```yaml
//! image: docker:28.5.2
//! services: ["docker:28.5.2-dind"]
//! ```

use super::{Edit, Proposal, Subject, Target};
use crate::docker::{Engine, ImageName};
use crate::finding::Code;
use crate::gitlab::{Origin, Value};

/// The release that is taken where the job names none that will do; the rig builds with it.
const RELEASE: &str = "28.5.2";

/// The oldest release that will do for a tag that moves: the fold took that for the newest, whose builder gives secrets to
/// commands as variables (Docker Engine release notes, 27.3).
const OLDEST: (u32, u32) = (27, 3);

pub(super) fn engine(subject: &Subject<'_>) -> Vec<Proposal> {
    let mut written = named(subject.job.get("image")).map(|(name, origin)| ("image", name, origin)).collect::<Vec<_>>();
    let services = subject.job.get("services").map(Value::one_or_many).unwrap_or_default();
    written.extend(
        services.iter().flat_map(|service| named(Some(service))).map(|(name, origin)| ("services", name, origin)),
    );
    let release = written.iter().find_map(|(_, name, _)| release_of(name)).unwrap_or(RELEASE).to_owned();
    written.into_iter().filter_map(|(keyword, name, origin)| proposal(keyword, name, origin, &release)).collect()
}

/// The name of an image as it is written, plain or under `name`.
fn named(value: Option<&Value>) -> impl Iterator<Item = (String, Origin)> {
    let value = value.filter(|value| value.text().is_some()).or_else(|| value?.get("name"));
    value.into_iter().filter_map(|value| Some((value.text()?.to_string(), value.origin)))
}

/// The release that an image of Docker is pinned to, if it is new enough.
fn release_of(name: &str) -> Option<&str> {
    let image = ImageName::new(name);
    let tag = image.tag.filter(|_| is_docker(&image))?;
    let release = tag.split('-').next().unwrap_or_default();
    let is_new_enough = Engine::of_images([name]).version.is_some_and(|version| version >= OLDEST);
    is_new_enough.then_some(release)
}

fn is_docker(image: &ImageName<'_>) -> bool {
    image.is_official() && image.name == "docker"
}

fn proposal(keyword: &'static str, name: String, origin: Origin, release: &str) -> Option<Proposal> {
    let image = ImageName::new(&name);
    let variant = match image.tag {
        None | Some("latest" | "edge") => "",
        Some("cli") => "-cli",
        Some("dind") => "-dind",
        Some(_) => return None,
    };
    if !is_docker(&image) || name.contains(['$', '@']) {
        return None;
    }
    let base = name.strip_suffix(image.tag.map(|tag| format!(":{tag}")).unwrap_or_default().as_str())?.to_owned();
    let message = format!("{name} is another release from day to day; it gets the release {release}");
    let edits = vec![Edit::Scalar(origin, name.clone(), format!("{base}:{release}{variant}"))];
    Some(Proposal { at: Target::Keyword(keyword), edits, code: Code::EnginePinned, message, help: None })
}

#[cfg(test)]
mod tests {
    use super::release_of;

    #[test]
    fn a_release_that_will_do_is_told_from_an_old_one_and_from_a_tag_that_moves() {
        let found =
            ["docker:27.3-cli", "docker:28", "docker:20.10", "docker:dind", "docker", "node:22"].map(release_of);
        assert_eq!(found, [Some("27.3"), Some("28"), None, None, None, None]);
    }
}
