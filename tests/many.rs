//! Two hundred repositories at once, ten of them broken in different ways: each gets its own verdict, and none
//! stops the others.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where something is not as it must be")]
#![cfg(unix)]

#[path = "harness/case.rs"]
#[allow(dead_code, reason = "the harness has more than this file needs")]
mod case;

#[path = "harness/group.rs"]
mod group;

use case::{stagefold, tree};
use group::{BROKEN, COUNT, Group, below};
use serde_json::Value;

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
