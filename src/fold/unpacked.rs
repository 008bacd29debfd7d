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

use crate::gitlab::is_glob;
use crate::handoff::{Handoff, SourceUse};

/// Endings of files that `ADD` unpacks.
const ARCHIVES: [&str; 10] = ["tar", "gz", "tgz", "bz2", "tbz", "tbz2", "xz", "txz", "zst", "z"];

/// Endings of archives that `tar` unpacks without another program but gzip, and the option for it.
const FLAGS: [(&str, &str); 3] = [(".tar", "-xpf"), (".tar.gz", "-xpzf"), (".tgz", "-xpzf")];

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
    FLAGS.iter().find(|(ending, _)| path.ends_with(ending)).map(|(_, flags)| *flags)
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
        for path in ["dist.tar.xz", "dist.gz", "my dist.tar"] {
            assert!(!can_unpack(path, path), "{path}");
        }
        assert!(!can_unpack("dist.tar", "out/dist.tar"));
    }
}
