//! Two hundred repositories at once, ten of them broken in different ways: each gets its own verdict, and none
//! stops the others.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where something is not as it must be")]
#![cfg(unix)]

#[path = "harness/case.rs"]
#[allow(dead_code, reason = "the harness has more than this file needs")]
mod case;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use case::{Case, Tree, commit, stagefold, tree};
use serde_json::Value;
use tempfile::TempDir;

const COUNT: usize = 200;

/// Ways in which a pipeline can be broken: each makes the file at the path that it is given.
const BROKEN: [fn(&Path); 10] = [
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
struct Group {
    root: TempDir,
    cases: Vec<Case>,
}

impl Group {
    fn new() -> Self {
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

    fn name(index: usize) -> String {
        format!("group-{}/app-{index:03}", index % 3)
    }

    fn case(&self, index: usize) -> Option<&Case> {
        let count = self.cases.len();
        let place = if count > COUNT { index * count / COUNT } else { index.checked_rem(count)? };
        self.cases.get(place)
    }

    fn broken(index: usize) -> Option<fn(&Path)> {
        (index % (COUNT / BROKEN.len()) == 7).then(|| BROKEN[index / (COUNT / BROKEN.len())])
    }

    /// What must stand in the folder of each repository that is not broken, once all are folded.
    fn expected(&self) -> impl Iterator<Item = (String, &Case, Tree)> {
        let whole = (0..COUNT).filter(|index| Self::broken(*index).is_none());
        whole.filter_map(|index| self.case(index).map(|case| (Self::name(index), case, case.after())))
    }
}

/// What the program says about all of them, which must not depend on how many work at it, nor on chance.
fn report(group: &Group) -> Value {
    let run = |words: &[&str]| stagefold(group.root.path(), &[&["--format", "json"], words].concat());
    let printed = run(&[]);
    assert_eq!((printed.code, printed.err.as_str()), (2, ""));
    for words in [&[][..], &["--jobs", "1"], &["--jobs", "4"]] {
        assert!(run(words).out == printed.out, "the report differs with {words:?}");
    }
    serde_json::from_str(&printed.out).unwrap()
}

#[test]
fn each_of_many_gets_its_own_verdict() {
    let group = Group::new();
    let report = report(&group);
    let repositories = report["repositories"].as_array().unwrap();
    let names: Vec<_> = repositories.iter().map(|repository| repository["path"].as_str().unwrap()).collect();
    assert!(names.is_sorted() && names.len() == COUNT, "{names:?}");
    let named = |name: &str| repositories.iter().find(|repository| repository["path"] == name).unwrap();
    for (name, case, _) in group.expected() {
        assert_eq!(named(&name)["verdict"], case.verdict, "{name} ({})", case.name);
    }
    for index in (0..COUNT).filter(|index| Group::broken(*index).is_some()) {
        let repository = named(&Group::name(index));
        assert_eq!(repository["verdict"], "failed", "{repository:#}");
        assert!(!repository.to_string().contains("internal-error"), "{repository:#}");
    }
}

/// The lines on the terminal that close a repository, and the one that closes them all.
#[test]
fn each_of_many_is_named_and_the_last_line_counts_them() {
    let group = Group::new();
    let printed = stagefold(group.root.path(), &["apply"]);
    assert_eq!(printed.out, "");
    for index in (0..COUNT).filter(|index| Group::broken(*index).is_some()) {
        assert!(printed.err.contains(&format!("{}: failed: ", Group::name(index))), "{}", printed.err);
    }
    let count = |verdict: &str| group.expected().filter(|(_, case, _)| case.verdict == verdict).count();
    assert!(count("folded") > 0 && count("refused") > 0 && count("nothing-to-fold") > 0, "the crowd has no variety");
    let last = printed.err.lines().last().unwrap();
    assert!(last.contains(&format!("{COUNT} repositories")), "{last}");
    for (verdict, words) in [("folded", "folded"), ("refused", "refused"), ("nothing-to-fold", "nothing to fold")] {
        assert!(last.contains(&format!("{} {words}", count(verdict))), "{words}: {last}");
    }
    assert!(last.contains(&format!("{} failed", BROKEN.len() + count("failed"))), "{last}");
}

#[test]
fn one_patch_for_all_makes_what_apply_makes() {
    let group = Group::new();
    let before = tree(group.root.path());
    let patch = stagefold(group.root.path(), &["-q"]).out;
    assert!(tree(group.root.path()) == before, "a dry run wrote something");
    if !patch.is_empty() {
        case::git(group.root.path(), &["apply", "--whitespace=nowarn"], &patch);
    }
    let patched = tree(group.root.path());
    case::git(group.root.path(), &["checkout", "-q", "."], "");
    case::git(group.root.path(), &["clean", "-q", "-f", "-d", "-x"], "");
    stagefold(group.root.path(), &["apply", "-q"]);
    let applied = tree(group.root.path());
    assert!(patched == applied, "the two differ");
    for (name, case, expected) in group.expected() {
        assert!(below(&applied, &name) == expected, "{name} ({})", case.name);
    }
    for index in (0..COUNT).filter(|index| Group::broken(*index).is_some()) {
        let name = Group::name(index);
        assert!(below(&applied, &name) == below(&before, &name), "{name} is broken, and was written to");
    }
}

/// What stands in the folder `name` of `tree`.
fn below(tree: &Tree, name: &str) -> Tree {
    let inside = |path: &str| path.strip_prefix(name)?.strip_prefix('/').map(str::to_owned);
    tree.iter().filter_map(|(path, contents)| Some((inside(path)?, contents.clone()))).collect()
}
