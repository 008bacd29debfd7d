//! One line of one source file is changed, to see what a build costs that finds everything else in its caches.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::archive::Packer;
use super::checkout::Checkout;
use crate::process::Trouble;
use crate::source::{FileKind, Repository};

/// Source files by their endings, and how a comment begins in them.
const COMMENTS: [(&str, &str); 24] = [
    ("c", "//"),
    ("cc", "//"),
    ("clj", ";"),
    ("cpp", "//"),
    ("cs", "//"),
    ("dart", "//"),
    ("ex", "#"),
    ("fs", "//"),
    ("go", "//"),
    ("hs", "--"),
    ("java", "//"),
    ("js", "//"),
    ("jsx", "//"),
    ("kt", "//"),
    ("mjs", "//"),
    ("php", "//"),
    ("py", "#"),
    ("rb", "#"),
    ("rs", "//"),
    ("scala", "//"),
    ("swift", "//"),
    ("ts", "//"),
    ("tsx", "//"),
    ("sh", "#"),
];

/// Folders in which sources lie that a build reads, the likeliest first.
const LIKELY: [&str; 6] = ["src", "app", "lib", "cmd", "pkg", "internal"];

/// The source file that is changed, and the comment that it gets: the first by its name of those that lie in the likeliest
/// folder.
fn choose(repository: &dyn Repository) -> Option<(PathBuf, &'static str)> {
    let comment = |path: &Path| {
        let ending = path.extension()?.to_str()?;
        COMMENTS.iter().find(|(own, _)| *own == ending).map(|(_, comment)| *comment)
    };
    let likelihood = |path: &Path| {
        let first = path.components().next().and_then(|part| part.as_os_str().to_str()).unwrap_or_default();
        let is_test =
            path.to_string_lossy().to_lowercase().contains("test") || path.to_string_lossy().contains(".config.");
        (is_test, LIKELY.iter().position(|folder| *folder == first).unwrap_or(LIKELY.len()))
    };
    let plain = repository.tracked().iter().filter(|(_, kind)| **kind == FileKind::Regular);
    let sources = plain.filter_map(|(path, _)| {
        let path = PathBuf::from(path.as_str());
        comment(&path).map(|comment| (path, comment))
    });
    sources.min_by_key(|(path, _)| (likelihood(path), path.clone()))
}

/// An archive that lays one changed source file over a clone at `place`, and the file; nothing where there is none.
pub(super) fn changed_line(
    repository: &dyn Repository,
    checkout: &Checkout,
    place: &str,
    archive: &Path,
) -> Result<Option<PathBuf>, Trouble> {
    let Some((path, comment)) = choose(repository) else { return Ok(None) };
    let own = checkout.folder.join(&path);
    let unreadable = |error: std::io::Error| Trouble::of_file(&own, &error);
    let is_program = fs::metadata(&own).map_err(unreadable)?.permissions().mode() & 0o100 != 0;
    let mut text = fs::read(&own).map_err(unreadable)?;
    if !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    text.extend_from_slice(format!("{comment} changed to see what a rebuild costs\n").as_bytes());
    let mut packer = Packer::create(archive)?;
    packer.text(&format!("{place}/{}", path.display()), if is_program { 0o777 } else { 0o666 }, &text)?;
    packer.finish()?;
    Ok(Some(path))
}

#[cfg(test)]
mod tests {
    use super::choose;
    use crate::source::MemoryRepository;

    #[test]
    fn a_source_that_the_build_reads_is_chosen() {
        let chosen = |files: &[&str]| {
            let repository = MemoryRepository::new(files.iter().map(|file| (*file, "")));
            choose(&repository).map(|(path, comment)| format!("{} {comment}", path.display()))
        };
        assert_eq!(chosen(&["a.js", "src/b.ts", "src/app.test.ts", "README.md"]).as_deref(), Some("src/b.ts //"));
        assert_eq!(chosen(&["webpack.config.js", "main.py"]).as_deref(), Some("main.py #"));
        assert_eq!(chosen(&["README.md", "Dockerfile"]), None);
    }
}
