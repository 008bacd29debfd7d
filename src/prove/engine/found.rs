//! Which engine this machine has.

use super::Engine;
use std::path::Path;

use super::buildah::Buildah;
use super::daemon::{Daemon, Kind};
use crate::process::{Interrupt, Invocation, Trouble};

/// An engine, by the name of its program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EngineName {
    /// Docker Engine, or what answers to `docker`.
    Docker,
    /// podman, with or without a service.
    Podman,
    /// buildah, which needs none.
    Buildah,
}

impl EngineName {
    /// All there are, in the order in which they are looked for.
    pub const ALL: [Self; 3] = [Self::Docker, Self::Podman, Self::Buildah];

    /// The name of its program.
    #[must_use]
    pub const fn program(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
            Self::Buildah => "buildah",
        }
    }
}

/// The engine of this name, or the first of all that answers. `id` marks what it makes, and `folder` is for its temporary files.
pub(in crate::prove) fn find(
    asked_for: Option<EngineName>,
    id: &str,
    folder: &Path,
    interrupt: &Interrupt,
) -> Result<Box<dyn Engine>, Trouble> {
    let open = |name: EngineName| -> Result<Box<dyn Engine>, Trouble> {
        Ok(match name {
            EngineName::Docker => Box::new(Daemon::open(Kind::Docker, id, folder, interrupt)?),
            EngineName::Podman => Box::new(Daemon::open(Kind::Podman, id, folder, interrupt)?),
            EngineName::Buildah => Box::new(Buildah::open(id, folder, interrupt)?),
        })
    };
    if let Some(name) = asked_for {
        return open(name);
    }
    let mut reasons = Vec::new();
    for name in EngineName::ALL {
        match open(name) {
            Err(Trouble::Error(why)) => reasons.push(why),
            other => return other,
        }
    }
    Err(Trouble::Error(format!("no engine answers: {}", reasons.join("; "))))
}

/// What an engine says of its version.
pub(super) fn version(question: Invocation, interrupt: &Interrupt) -> Result<String, Trouble> {
    let version = question.ask_for_success(interrupt)?;
    Ok(version.lines().next().unwrap_or_default().trim().to_owned())
}

/// The numbers of all images, a line each. An image that somebody else removes meanwhile may make the engine fail.
pub(super) fn numbers_of_images(question: &Invocation<'_>, interrupt: &Interrupt) -> Result<String, Trouble> {
    let first = question.ask_for_success(interrupt);
    match first {
        Err(Trouble::Error(_)) => question.ask_for_success(interrupt),
        answer => answer,
    }
}

/// How engines say that an image is not there.
const NOT_THERE: [&str; 3] = ["no such image", "no such object", "image not known"];

/// Whether an image is there that a question is about. Only an engine that says so has none: what is not there before a proof is
/// removed behind it.
pub(super) fn is_there(question: &Invocation<'_>, interrupt: &Interrupt) -> Result<bool, Trouble> {
    let answer = question.ask(Some(interrupt))?;
    let errors = answer.errors.to_lowercase();
    match answer.status.success() {
        true => Ok(true),
        false if NOT_THERE.iter().any(|words| errors.contains(words)) => Ok(false),
        false => Err(Trouble::Error(answer.errors.trim().to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::{Interrupt, Invocation, is_there};

    #[test]
    fn only_an_engine_that_says_so_has_no_image() {
        let ask = |script: &str| is_there(&Invocation::new("sh").arguments(["-c", script]), &Interrupt::default());
        assert!(ask("true").unwrap());
        for words in ["Error: No such image: x", "x: image not known", "No such object: x"] {
            assert!(!ask(&format!("echo '{words}' >&2; exit 1")).unwrap(), "{words}");
        }
        for words in ["cannot connect", "dial unix /x: no such file or directory", "lookup host: no such host"] {
            assert!(ask(&format!("echo '{words}' >&2; exit 1")).is_err(), "{words}");
        }
    }
}
