//! What a job hands on: the files that its artifacts and caches name, collected as GitLab Runner collects them.
//!
//! A path is a glob of doublestar or names a file or a folder, which is taken with all below it; links stay links, and what
//! `exclude` names is left out by itself (GitLab Runner: `commands/helpers/file_archiver.go`).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};

use super::archive::{Packer, for_each_below};
use crate::gitlab::{PathPattern, is_glob};
use crate::process::Trouble;

/// The files that artifacts or a cache take of a project.
pub(super) struct Selection {
    paths: Vec<Matcher>,
    exclude: Vec<Matcher>,
    /// All that git does not track, where `untracked` is set: then these are tracked.
    tracked: Option<BTreeSet<PathBuf>>,
}

/// One path.
enum Matcher {
    Place(PathBuf),
    Glob(GlobMatcher),
}

impl Matcher {
    /// Reads a path; what is no glob that can be read names nothing.
    fn new(path: &str) -> Option<Self> {
        if !is_glob(path) && !path.contains('{') {
            let parts = Path::new(path).components();
            return Some(Self::Place(parts.filter(|part| part.as_os_str() != ".").collect()));
        }
        let glob = GlobBuilder::new(path).literal_separator(true).backslash_escape(true).build().ok()?;
        Some(Self::Glob(glob.compile_matcher()))
    }

    fn names(&self, path: &Path) -> bool {
        match self {
            Self::Place(place) => place == path,
            Self::Glob(glob) => glob.is_match(path),
        }
    }
}

impl Selection {
    /// `expand` gives variables in a path their values; `tracked` are the files that git tracks, where all others are taken.
    pub(super) fn new(
        paths: &[PathPattern],
        exclude: &[PathPattern],
        tracked: Option<BTreeSet<PathBuf>>,
        expand: &dyn Fn(&str) -> String,
    ) -> Self {
        let path = |pattern: &PathPattern| match pattern.is_known {
            true => pattern.text.clone(),
            false => expand(&pattern.written).trim_start_matches("./").trim_end_matches('/').to_owned(),
        };
        let matchers = |patterns: &[PathPattern]| -> Vec<_> {
            patterns.iter().filter_map(|pattern| Matcher::new(&path(pattern))).collect()
        };
        Self { paths: matchers(paths), exclude: matchers(exclude), tracked }
    }

    /// Whether it takes an entry of the project.
    fn takes(&self, path: &Path, is_folder: bool) -> bool {
        let is_git = path.starts_with(".git");
        let is_untracked =
            || self.tracked.as_ref().is_some_and(|tracked| !is_folder && !is_git && !tracked.contains(path));
        let is_named = self.paths.iter().any(|matcher| path.ancestors().any(|part| matcher.names(part)));
        (is_named || is_untracked()) && !self.exclude.iter().any(|matcher| matcher.names(path))
    }

    /// Collects out of an archive of the project's folder, as the engine gives it, into one that can be laid at `place`.
    pub(super) fn collect(&self, project: &Path, place: &Path, into: &Path) -> Result<Collected, Trouble> {
        let mut packer = Packer::create(into)?;
        packer.parents_of(&place.join("_"))?;
        let mut count = 0;
        for_each_below(project, &mut |entry, below| {
            if below.as_os_str().is_empty() || !self.takes(below, entry.header().entry_type().is_dir()) {
                return Ok(());
            }
            count += 1;
            packer.entry(entry, place, below)
        })?;
        let below = packer.made().iter().filter_map(|folder| folder.strip_prefix(place).ok()?.file_name());
        let folders_made = below.map(|name| name.to_string_lossy().into_owned()).collect();
        packer.finish()?;
        Ok(Collected { count, folders_made })
    }
}

/// What was collected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Collected {
    /// How many entries there are.
    pub(super) count: usize,
    /// The names of folders that are not among them, and that the runner makes for those that are.
    pub(super) folders_made: BTreeSet<String>,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::{Matcher, Selection};

    fn selection(paths: &[&str], exclude: &[&str]) -> Selection {
        let matchers = |paths: &[&str]| paths.iter().filter_map(|path| Matcher::new(path)).collect();
        Selection { paths: matchers(paths), exclude: matchers(exclude), tracked: None }
    }

    fn taken<'a>(selection: &Selection, files: &[&'a str]) -> Vec<&'a str> {
        files.iter().copied().filter(|file| selection.takes(Path::new(file), false)).collect()
    }

    #[test]
    fn a_folder_is_taken_whole_and_a_star_stays_in_its_folder() {
        let files = ["dist/a", "dist/b/c", "distant", "x/y.jar", "x/z/y.jar", ".git/x"];
        assert_eq!(taken(&selection(&["dist"], &[]), &files), ["dist/a", "dist/b/c"]);
        assert_eq!(taken(&selection(&["*/*.jar"], &[]), &files), ["x/y.jar"]);
        assert_eq!(taken(&selection(&["**/*.jar"], &[]), &files), ["x/y.jar", "x/z/y.jar"]);
        assert_eq!(taken(&selection(&["{dist,distant}"], &[]), &files), ["dist/a", "dist/b/c", "distant"]);
    }

    #[test]
    fn what_is_excluded_is_left_out_by_itself() {
        let files = ["dist/a.map", "dist/b", "dist/c/d.map"];
        assert_eq!(taken(&selection(&["dist"], &["dist/*.map"]), &files), ["dist/b", "dist/c/d.map"]);
        assert_eq!(taken(&selection(&["dist"], &["dist"]), &files), files);
        assert_eq!(taken(&selection(&["dist"], &["dist/**/*.map"]), &files), ["dist/b"]);
    }

    #[test]
    fn untracked_is_all_that_git_does_not_know() {
        let tracked = BTreeSet::from(["src/a".into()]);
        let all = Selection { tracked: Some(tracked), ..selection(&[], &[]) };
        assert_eq!(taken(&all, &["src/a", "src/b", "out/c", ".git/config"]), ["src/b", "out/c"]);
    }
}
