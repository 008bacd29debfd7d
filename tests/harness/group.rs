//! A folder of two hundred repositories, ten of them broken in different ways.

#![allow(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use tempfile::TempDir;

use crate::case::{self, Case, Tree, commit};

pub(crate) const COUNT: usize = 200;

/// Ways in which a pipeline can be broken: each makes the file at the path that it is given.
pub(crate) const BROKEN: [fn(&Path); 10] = [
    |path| fs::create_dir(path).unwrap(),
    |path| symlink("nowhere", path).unwrap(),
    |path| symlink("/etc/hostname", path).unwrap(),
    |path| fs::write(path, b"build:\n  script: \xff\xfe\n").unwrap(),
    |path| fs::write(path, [0; 4096]).unwrap(),
    |path| fs::write(path, "a: [unclosed\nb: }").unwrap(),
    |path| fs::write(path, "[".repeat(100_000)).unwrap(),
    |path| fs::write(path, "- ".repeat(100_000)).unwrap(),
    |path| fs::write(path, bomb()).unwrap(),
    |path| fs::File::create(path).unwrap().set_len(11 * 1024 * 1024).unwrap(),
];

/// Aliases that stand for a billion scalars.
fn bomb() -> String {
    let line = |level: usize| match level {
        0 => "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned(),
        _ => format!("a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 10].join(", ")),
    };
    (0..9).map(line).collect()
}

/// A folder of repositories: the cases over and over, or spread evenly where there are more; every twentieth is broken.
pub(crate) struct Group {
    pub(crate) root: TempDir,
    cases: Vec<Case>,
}

impl Group {
    pub(crate) fn new() -> Self {
        let root = TempDir::new().unwrap();
        // Arguments speak to one repository; those that need them stay out of the crowd.
        let cases: Vec<_> = case::all().into_iter().filter(|case| case.arguments.is_empty()).collect();
        let group = Self { root, cases };
        for index in 0..COUNT {
            let folder = group.root.path().join(Self::name(index));
            match group.case(index) {
                Some(case) => case.copy(&folder),
                None => fs::create_dir_all(&folder).unwrap(),
            }
            if let Some(broken) = Self::broken(index) {
                let pipeline = folder.join(".gitlab-ci.yml");
                let _ = fs::remove_file(&pipeline);
                broken(&pipeline);
            } else if group.case(index).is_none() {
                fs::write(folder.join(".gitlab-ci.yml"), "build:\n  script: make\n").unwrap();
            }
        }
        commit(group.root.path());
        group
    }

    pub(crate) fn name(index: usize) -> String {
        format!("group-{}/app-{index:03}", index % 3)
    }

    pub(crate) fn case(&self, index: usize) -> Option<&Case> {
        let count = self.cases.len();
        let place = if count > COUNT { index * count / COUNT } else { index.checked_rem(count)? };
        self.cases.get(place)
    }

    pub(crate) fn broken(index: usize) -> Option<fn(&Path)> {
        (index % (COUNT / BROKEN.len()) == 7).then(|| BROKEN[index / (COUNT / BROKEN.len())])
    }

    /// What must stand in the folder of each repository that is not broken, once all are folded.
    pub(crate) fn expected(&self) -> impl Iterator<Item = (String, &Case, Tree)> {
        let whole = (0..COUNT).filter(|index| Self::broken(*index).is_none());
        whole.filter_map(|index| self.case(index).map(|case| (Self::name(index), case, case.after())))
    }
}

/// What stands in the folder `name` of `tree`.
pub(crate) fn below(tree: &Tree, name: &str) -> Tree {
    let inside = |path: &str| path.strip_prefix(name)?.strip_prefix('/').map(str::to_owned);
    tree.iter().filter_map(|(path, contents)| Some((inside(path)?, contents.clone()))).collect()
}
