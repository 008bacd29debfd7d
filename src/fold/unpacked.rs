//! Archives that `ADD` unpacks are unpacked in the builder stage, for a copy from a stage does not unpack.
//!
//! ```dockerfile
//! ADD dist.tar.gz /srv
//! ```
//! becomes
//! ```dockerfile
//! RUN mkdir /unpacked && tar --numeric-owner -xpzf dist.tar.gz -C /unpacked
//! …
//! COPY --from=builder /unpacked/ /srv/
//! ```
//! `ADD` keeps the owners and modes of the archive, and so do `tar` and the copy (Dockerfile reference: ADD, "Adding local
//! tar archives"). It looks into the file, `tar` believes its name: where that lies, the build stops.

use super::situation::Situation;
use crate::docker::{ImageName, Step};
use crate::gitlab::is_glob;
use crate::handoff::{Handoff, SourceUse};

/// Endings of files that `ADD` unpacks.
const ARCHIVES: [&str; 10] = ["tar", "gz", "tgz", "bz2", "tbz", "tbz2", "xz", "txz", "zst", "z"];

/// Endings of archives that `tar` unpacks, the option for it, and the program that it needs where not every image has it.
const KINDS: [(&str, &str, Option<&str>); 8] = [
    (".tar", "-xpf", None),
    (".tar.gz", "-xpzf", None),
    (".tgz", "-xpzf", None),
    (".tar.bz2", "-xpjf", Some("bzip2")),
    (".tbz2", "-xpjf", Some("bzip2")),
    (".tbz", "-xpjf", Some("bzip2")),
    (".tar.xz", "-xpJf", Some("xz")),
    (".txz", "-xpJf", Some("xz")),
];

/// An archive that an `ADD` unpacks.
pub(super) struct Archive {
    /// The path that the `ADD` takes, as [`SourceUse::Builder`] has it.
    pub(super) path: String,
    /// The folder of the builder stage that it is unpacked to.
    pub(super) folder: String,
    /// The command that does so, from the project's folder on.
    pub(super) command: String,
}

/// Whether `ADD` unpacks a file of this name, or one that its glob may fit, as far as that tells.
pub(super) fn is_archive(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let may_be = |ending: &str| is_glob(ending) || ARCHIVES.contains(&ending.to_lowercase().as_str());
    name.rsplit_once('.').map_or(is_glob(name), |(_, ending)| may_be(ending))
}

/// Whether the builder stage can unpack it: `tar` does, its name needs no quotes, and it was made under that name.
pub(super) fn can_unpack(path: &str, origin: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./+*?".contains(&byte);
    path == origin && flags(path).is_some() && path.bytes().all(is_plain) && !path.starts_with('-')
}

/// The archives of the hand-off that are unpacked, each path once.
pub(super) fn archives(handoff: &Handoff) -> Vec<Archive> {
    let adds = handoff.uses.iter().filter(|copy| copy.copy.is_add).flat_map(|copy| &copy.sources);
    let mut paths: Vec<&str> = Vec::new();
    for source in adds {
        if let SourceUse::Builder { path, .. } = source
            && is_archive(path)
            && !paths.contains(&path.as_str())
        {
            paths.push(path);
        }
    }
    let is_alone = paths.len() == 1;
    let archive = |(at, path): (usize, &str)| {
        let folder = if is_alone { "/unpacked".to_owned() } else { format!("/unpacked/{}", at + 1) };
        Some(Archive { path: path.to_owned(), command: command(path, &folder)?, folder })
    };
    paths.into_iter().enumerate().filter_map(archive).collect()
}

fn command(path: &str, folder: &str) -> Option<String> {
    let flags = flags(path)?;
    let make = if folder.matches('/').count() > 1 { "mkdir -p" } else { "mkdir" };
    Some(if is_glob(path) {
        format!(
            "{make} {folder} && for archive in {path}; do tar --numeric-owner {flags} \"$archive\" -C {folder} || exit; done"
        )
    } else {
        format!("{make} {folder} && tar --numeric-owner {flags} {path} -C {folder}")
    })
}

fn flags(path: &str) -> Option<&'static str> {
    KINDS.iter().find(|(ending, ..)| path.ends_with(ending)).map(|(_, flags, _)| *flags)
}

/// The program that unpacks the archive, where neither the image of the build job is known to have it nor the script
/// calls it.
pub(super) fn missing_program(situation: &Situation<'_>, path: &str) -> Option<&'static str> {
    let (.., program) = KINDS.iter().find(|(ending, ..)| path.ends_with(ending))?;
    let name = situation.image.as_ref().and_then(|image| image.name.as_deref());
    let is_there = name.is_some_and(|name| ImageName::new(name).has_compressors());
    program.filter(|program| !is_there && !situation.producer_script.walk.steps.iter().any(|step| calls(step, program)))
}

/// Whether a step runs the program, or a `tar` that does.
fn calls(step: &Step, program: &str) -> bool {
    let letter = if program == "xz" { 'J' } else { 'j' };
    let long = format!("--{program}");
    // The first word of `tar` says what it is to do, with a dash or without one.
    let tells = |(at, word): (usize, &str)| {
        word == long || !word.starts_with("--") && (at == 0 || word.starts_with('-')) && word.contains(letter)
    };
    let words = step.words.iter().skip(1).filter_map(|word| word.text());
    step.program() == Some(program) || step.program() == Some("tar") && words.enumerate().any(tells)
}

#[cfg(test)]
mod tests {
    use super::{can_unpack, command, is_archive};

    #[test]
    fn the_name_tells_what_is_unpacked_and_how() {
        assert!(is_archive("a/dist.tar.gz") && is_archive("x.TGZ") && !is_archive("app.jar") && !is_archive("dist"));
        assert!(is_archive("out/*") && is_archive("app*") && is_archive("a.tar*") && !is_archive("out/*.jar"));
        assert_eq!(
            command("out/dist.tgz", "/unpacked").unwrap(),
            "mkdir /unpacked && tar --numeric-owner -xpzf out/dist.tgz -C /unpacked"
        );
        assert_eq!(
            command("*.tar", "/unpacked/2").unwrap(),
            "mkdir -p /unpacked/2 && for archive in *.tar; do tar --numeric-owner -xpf \"$archive\" -C /unpacked/2 || exit; done"
        );
        assert_eq!(
            command("dist.tar.xz", "/unpacked").unwrap(),
            "mkdir /unpacked && tar --numeric-owner -xpJf dist.tar.xz -C /unpacked"
        );
        for path in ["dist.tar.zst", "dist.xz", "dist.gz", "my dist.tar"] {
            assert!(!can_unpack(path, path), "{path}");
        }
        assert!(!can_unpack("dist.tar", "out/dist.tar"));
    }
}
