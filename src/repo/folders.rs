use std::env;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::discover::Found;
use crate::text::RepositoryPath;

/// The folder at which the paths of one patch for all of `found` start: the current one if all lie below it,
/// else the deepest that holds them all.
#[must_use]
pub fn common_folder(found: &[Found]) -> PathBuf {
    let holds_all = |folder: &Path| found.iter().all(|found| found.root.starts_with(folder));
    if let Some(here) = current_folder().ok().filter(|here| holds_all(here)) {
        return here;
    }
    let first = found.first().map_or(Path::new("/"), |found| &found.root);
    first.ancestors().find(|folder| holds_all(folder)).unwrap_or(first).to_owned()
}

impl Found {
    /// Where the repository lies below `base`; the root itself where it lies elsewhere.
    #[must_use]
    pub fn path_below(&self, base: &Path) -> RepositoryPath {
        let below = self.root.strip_prefix(base).ok();
        let parts: Option<Vec<_>> = below.and_then(|below| below.iter().map(|part| part.to_str()).collect());
        parts.and_then(|parts| RepositoryPath::new(&parts.join("/"))).unwrap_or_default()
    }
}

/// The current folder, free of symbolic links.
pub(super) fn current_folder() -> io::Result<PathBuf> {
    env::current_dir().and_then(fs::canonicalize)
}

/// `path` without `.` on the way; `.` where nothing is left.
pub(super) fn tidy(path: &Path) -> PathBuf {
    let parts: PathBuf = path.components().filter(|part| *part != Component::CurDir).collect();
    if parts.as_os_str().is_empty() { PathBuf::from(".") } else { parts }
}

/// The way from the folder `here` to `there`, both absolute: down, or up and then down.
pub(super) fn from(here: &Path, there: &Path) -> PathBuf {
    let Some(common) = here.ancestors().find(|above| there.starts_with(above)) else { return there.to_owned() };
    let up = here.strip_prefix(common).map_or(0, |below| below.components().count());
    let down = there.strip_prefix(common).unwrap_or(there);
    tidy(&std::iter::repeat_n(Path::new(".."), up).collect::<PathBuf>().join(down))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Found, RepositoryPath, common_folder, from, tidy};

    fn found(root: &str) -> Found {
        Found { root: root.into(), pipeline: RepositoryPath::root(), name: String::new() }
    }

    #[test]
    fn the_way_from_one_folder_to_another_goes_up_and_down() {
        let way = |here: &str, there: &str| from(Path::new(here), Path::new(there)).display().to_string();
        assert_eq!(way("/a/b", "/a/b"), ".");
        assert_eq!(way("/a/b", "/a"), "..");
        assert_eq!(way("/a/b", "/a/c/d"), "../c/d");
        assert_eq!(way("/", "/a"), "a");
        assert_eq!(tidy(Path::new("./a/./b/")), Path::new("a/b"));
    }

    #[test]
    fn one_patch_starts_where_all_repositories_lie() {
        let all = [found("/nowhere/a/b"), found("/nowhere/a/c/d")];
        let base = common_folder(&all);
        assert_eq!(base, Path::new("/nowhere/a"));
        assert_eq!(all[1].path_below(&base).as_str(), "c/d");
        assert_eq!(all[1].path_below(Path::new("/elsewhere")), RepositoryPath::root());
    }
}
