//! The program as it is started: help, usage errors, and what it does when nobody listens.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where something is not as it must be")]

#[path = "harness/case.rs"]
#[allow(dead_code, reason = "the harness has more than this file needs")]
mod case;

use std::fs;
use std::io::Read;
use std::process::{Command, Stdio};

use case::stagefold;
use tempfile::TempDir;

#[test]
fn help_is_short_and_has_examples() {
    let here = TempDir::new().unwrap();
    let printed = stagefold(here.path(), &["-h"]);
    assert_eq!((printed.code, printed.err.as_str()), (0, ""));
    assert!(printed.out.contains("stagefold | git apply") && printed.out.contains("Exit status"), "{}", printed.out);
    assert!(printed.out.lines().count() <= 48, "{}", printed.out);
    assert!(stagefold(here.path(), &["apply", "--help"]).out.contains("--allow-dirty"));
    assert!(stagefold(here.path(), &["--version"]).out.starts_with("stagefold 0."));
}

#[test]
fn usage_errors_say_what_is_wrong() {
    let here = TempDir::new().unwrap();
    for (words, expected) in [
        (&["--accept", "nul-script-item"][..], "did you mean null-script-item"),
        (&["explain", "nul-script-item"], "did you mean null-script-item"),
        (&["--format", "xml"], "[possible values: text, json, markdown, csv, html]"),
        (&["missing"], "error: missing: there is no such file or folder"),
        (&["--include-dir", "gone"], "error: gone: there is no such file or folder"),
        (&["--merged-yaml", "gone.yml"], "error: gone.yml: there is no such file or folder"),
        (&[], "error: .: there is no .gitlab-ci.yml here or below"),
    ] {
        let printed = stagefold(here.path(), words);
        assert_eq!((printed.code, printed.out.as_str()), (2, ""), "{words:?}");
        assert!(printed.err.contains(expected), "{words:?}: {}", printed.err);
    }
}

#[test]
fn a_merged_pipeline_is_about_one_repository() {
    let here = TempDir::new().unwrap();
    for name in ["one", "two"] {
        fs::create_dir(here.path().join(name)).unwrap();
        fs::write(here.path().join(name).join(".gitlab-ci.yml"), "build:\n  script: make\n").unwrap();
    }
    fs::write(here.path().join("merged.yml"), "build:\n  script: make\n").unwrap();
    let printed = stagefold(here.path(), &["--merged-yaml", "merged.yml", "one", "two"]);
    assert_eq!((printed.code, printed.out.as_str()), (2, ""));
    assert!(printed.err.contains("several are found here"), "{}", printed.err);
    assert_eq!(stagefold(here.path(), &["--merged-yaml", "merged.yml", "one"]).code, 0);
}

#[test]
fn explain_prints_the_page() {
    let here = TempDir::new().unwrap();
    let printed = stagefold(here.path(), &["explain", "null-script-item"]);
    assert!(printed.code == 0 && printed.out.starts_with("# null-script-item\n"));
    assert!(stagefold(here.path(), &["explain"]).out.contains("uncommitted-changes"));
}

#[test]
fn the_folder_here_is_the_default_and_diff_the_default_command() {
    let here = TempDir::new().unwrap();
    fs::write(here.path().join(".gitlab-ci.yml"), "build:\n  script: make\n").unwrap();
    let printed = stagefold(here.path(), &[]);
    for words in [&["."][..], &["diff"], &["diff", "."], &[".gitlab-ci.yml"], &["diff", "./.gitlab-ci.yml"]] {
        let same = stagefold(here.path(), words);
        assert_eq!(
            (same.out, same.err, same.code),
            (printed.out.clone(), printed.err.clone(), printed.code),
            "{words:?}"
        );
    }
}

#[test]
fn colours_are_for_terminals_unless_asked_for() {
    let here = TempDir::new().unwrap();
    fs::create_dir(here.path().join(".gitlab-ci.yml")).unwrap();
    assert!(!stagefold(here.path(), &[]).err.contains('\u{1b}'));
    assert!(stagefold(here.path(), &["--color", "always"]).err.contains('\u{1b}'));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stagefold"));
    let mut child = command.arg("explain").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!((child.wait().unwrap().code(), err.as_str()), (Some(0), ""));
}
