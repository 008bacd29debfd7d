//! Where a file that was laid beside the Dockerfile under another name lands, when a `COPY` takes it from a stage where it
//! still has its own: `cp target/shop-1.0.jar app.jar` and `COPY app.jar /opt/`.
//!
//! A folder is copied without its name, and a file to a path of its own, so nothing changes there. Into a folder a file goes
//! by its name, which the destination has to tell then (Dockerfile reference: COPY, "Destination").

use crate::docker::Copy;
use crate::gitlab::is_glob;

/// Where a source lands that is taken from a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Landing {
    /// Where it landed before.
    AsWritten,
    /// Only with this name behind the destination.
    Named(String),
    /// It cannot be told.
    Unclear,
}

/// Endings that only files have.
const OF_FILES: [&str; 28] = [
    "apk", "conf", "css", "deb", "dll", "ear", "exe", "gz", "html", "jar", "js", "json", "map", "mjs", "phar", "php",
    "py", "rpm", "sh", "so", "tar", "tgz", "txt", "war", "wasm", "whl", "xml", "zip",
];

/// Names that only folders have.
const OF_FOLDERS: [&str; 10] =
    ["_site", "assets", "dist", "html", "node_modules", "public", "static", "vendor", "wwwroot", "www"];

/// Folders that base images have, so that a file whose destination ends so may go into one.
const OF_IMAGES: [&str; 13] =
    ["app", "bin", "etc", "home", "lib", "local", "opt", "root", "sbin", "srv", "tmp", "usr", "var"];

/// Where the source of `copy` that is written as `written` lands, if it is taken from `origin` instead of `path`; `is_file`
/// says what it is, where a command tells.
#[must_use]
pub(super) fn landing(copy: &Copy, written: &str, path: &str, origin: &str, is_file: Option<bool>) -> Landing {
    let (name, own) = (last(path), last(origin));
    let kind = is_file.or_else(|| kind_of(own)).or_else(|| kind_of(name));
    let is_folder = written.trim_end_matches(['"', '\'']).ends_with('/') || kind == Some(false);
    if name == own || is_folder {
        return Landing::AsWritten;
    }
    let destination = copy.destination.trim_matches(['"', '\'']);
    let goes_into = copy.source_count > 1 || destination.ends_with('/') || matches!(last(destination), "." | "..");
    let target = last(destination);
    let has_same_ending = ending(name).is_some() && ending(target) == ending(name);
    let is_named = has_same_ending || target == name && !OF_IMAGES.contains(&target);
    match (goes_into, kind) {
        (false, _) if is_named => Landing::AsWritten,
        (true, Some(true)) if !is_glob(name) => Landing::Named(name.to_owned()),
        _ => Landing::Unclear,
    }
}

/// Whether only a file can have this path, by its ending.
pub(super) fn is_file(path: &str) -> bool {
    kind_of(last(path)) == Some(true)
}

/// Whether the name is one of a file; `None` where it may be either.
fn kind_of(name: &str) -> Option<bool> {
    if ending(name).is_some_and(|ending| OF_FILES.contains(&ending)) {
        return Some(true);
    }
    OF_FOLDERS.contains(&name).then_some(false)
}

fn last(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

fn ending(name: &str) -> Option<&str> {
    name.rsplit_once('.').map(|(_, ending)| ending).filter(|ending| !ending.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{Landing, landing};
    use crate::docker::Stages;
    use crate::syntax::dockerfile::Dockerfile;

    fn of(line: &str, origin: &str, is_file: Option<bool>) -> Landing {
        let stages = Stages::new(&Dockerfile::parse(&format!("FROM x\n{line}\n")), &[]);
        let copy = stages.copies.first().unwrap();
        let written = &copy.sources.first().unwrap().written;
        landing(copy, written, written.trim_end_matches('/'), origin, is_file)
    }

    #[test]
    fn a_file_keeps_the_name_that_it_had_beside_the_dockerfile() {
        for (line, origin, expected) in [
            ("COPY app.jar /opt/app.jar", "target/shop-1.0.jar", Landing::AsWritten),
            ("COPY app.jar /opt/shop.jar", "target/*.jar", Landing::AsWritten),
            ("COPY app.jar /opt/", "target/shop-1.0.jar", Landing::Named("app.jar".into())),
            ("COPY app.jar .", "target/shop-1.0.jar", Landing::Named("app.jar".into())),
            ("COPY app.jar x.conf /opt/", "target/shop-1.0.jar", Landing::Named("app.jar".into())),
            ("COPY app.jar /opt", "target/shop-1.0.jar", Landing::Unclear),
            ("COPY bin /usr/bin", "target/server", Landing::Unclear),
            ("COPY server /usr/local/bin/server", "target/out", Landing::AsWritten),
            ("COPY shop-1.0.jar /opt", "target/shop-1.0.jar", Landing::AsWritten),
        ] {
            assert_eq!(of(line, origin, None), expected, "{line}");
        }
    }

    #[test]
    fn a_folder_goes_without_its_name() {
        assert_eq!(of("COPY site/ /srv/", "/src/shop", None), Landing::AsWritten);
        assert_eq!(of("COPY web /srv/", "/src/dist", None), Landing::AsWritten);
        assert_eq!(of("COPY web /srv/", "/src/shop", None), Landing::Unclear);
        assert_eq!(of("COPY web /srv/", "bin/shop", Some(true)), Landing::Named("web".into()));
    }
}
