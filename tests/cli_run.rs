//! The commands, with a fold of our own in their heart: what is printed, what is written, and the exit code.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where something is not as it must be")]
#![cfg(unix)]

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;

use clap::Parser;
use serde_json::Value;
use stagefold::cli::{Arguments, Streams, run};
use stagefold::finding::{Code, Finding, Location};
use stagefold::source::Repository;
use stagefold::text::{FileVersions, RepositoryPath, Span};
use stagefold::{Applicability, HandoffSummary, Outcome, Policy, Verdict, Via};
use tempfile::TempDir;

/// A fold that does what the first word of the pipeline says.
fn fold(repository: &dyn Repository, pipeline: &RepositoryPath, _: &Policy) -> Outcome {
    let file = match repository.read(pipeline) {
        Ok(file) => file,
        Err(error) => {
            let finding = Finding::new(Code::SelfCheckFailed, Location::File(pipeline.clone()), error.to_string());
            return Outcome::failed(finding);
        }
    };
    let warning = Finding::new(Code::NullScriptItem, Location::new(&file, Span::new(0, 4)), "the first word");
    let handoff = HandoffSummary {
        via: Via::Artifacts,
        producers: vec!["build".to_owned()],
        consumer: "containerize".to_owned(),
        paths: vec!["dist/".to_owned()],
        dockerfile: RepositoryPath::new("Dockerfile").unwrap(),
        kept: Vec::new(),
        fallback: None,
    };
    match file.text().split_whitespace().next() {
        Some("fold") => folded(file.text(), pipeline, vec![handoff], vec![warning]),
        Some("refuse") => Outcome::unchanged(Verdict::Refused, vec![handoff], vec![warning]),
        Some("panic") => panic!("the fold fell over"),
        _ => Outcome::unchanged(Verdict::NothingToFold, Vec::new(), Vec::new()),
    }
}

fn folded(text: &str, pipeline: &RepositoryPath, handoffs: Vec<HandoffSummary>, findings: Vec<Finding>) -> Outcome {
    let mut outcome = Outcome::unchanged(Verdict::Folded, handoffs, findings);
    outcome.applicability = Some(Applicability::Safe);
    let edited = FileVersions { before: Some(text.to_owned()), after: Some(text.replacen("fold", "folded", 1)) };
    let made = FileVersions { before: None, after: Some("FROM a\n".to_owned()) };
    outcome.files = [(pipeline.clone(), edited), (pipeline.join("../Dockerfile").unwrap(), made)].into();
    outcome
}

/// Repositories, each a name and the text of its pipeline, all committed in one git repository.
fn group(repositories: &[(&str, &str)]) -> TempDir {
    let root = TempDir::new().unwrap();
    for (name, text) in repositories {
        fs::create_dir_all(root.path().join(name)).unwrap();
        fs::write(root.path().join(name).join(".gitlab-ci.yml"), text).unwrap();
    }
    git(root.path(), &["init", "-q"]);
    git(root.path(), &["add", "."]);
    git(root.path(), &["-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-q", "-m", "first"]);
    root
}

fn git(folder: &Path, arguments: &[&str]) {
    let output = Command::new("git").current_dir(folder).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// What a run prints on both streams, and its exit code.
struct Printed {
    out: String,
    err: String,
    code: u8,
}

/// Runs with these words and the path of `root`, which is printed as `ROOT`.
fn stagefold(words: &str, root: &TempDir) -> Printed {
    let path = root.path().canonicalize().unwrap().display().to_string();
    let words = std::iter::once("stagefold").chain(words.split_whitespace());
    let arguments = Arguments::parse_from(words.chain([path.as_str()]));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut streams = Streams { out: &mut out, err: &mut err, color_out: false, color_err: false, is_terminal: false };
    let code = run(&arguments, &fold, &mut streams).unwrap().code();
    let text = |bytes| String::from_utf8(bytes).unwrap().replace(&path, "ROOT");
    Printed { out: text(out), err: text(err), code }
}

#[test]
fn diff_shows_a_patch_and_writes_nothing() {
    let root = group(&[(".", "fold this\nlast\n")]);
    let printed = stagefold("", &root);
    let patch = "diff --git a/.gitlab-ci.yml b/.gitlab-ci.yml\n--- a/.gitlab-ci.yml\n+++ b/.gitlab-ci.yml\n\
        @@ -1,2 +1,2 @@\n-fold this\n+folded this\n last\n\
        diff --git a/Dockerfile b/Dockerfile\nnew file mode 100644\n--- /dev/null\n+++ b/Dockerfile\n@@ -0,0 +1 @@\n+FROM a\n";
    assert_eq!(printed.out, patch);
    let err = "warning[null-script-item]: the first word\n --> ROOT/.gitlab-ci.yml:1:1\n  |\n\
        1 | fold this\n  | ^^^^\n\n\
        folded: 1 hand-off (artifacts) from job 'build' into Dockerfile; 2 files change\n";
    assert_eq!(printed.err, err);
    assert_eq!(printed.code, 0);
    assert_eq!(stagefold("diff --check", &root).code, 1);
    assert_eq!(fs::read_to_string(root.path().join(".gitlab-ci.yml")).unwrap(), "fold this\nlast\n");
}

#[test]
fn quiet_says_errors_alone() {
    let root = group(&[(".", "fold")]);
    assert_eq!(stagefold("-q", &root).err, "");
    assert!(!stagefold("-q", &root).out.is_empty());
    let root = group(&[(".", "panic")]);
    let printed = stagefold("-q", &root);
    let expected = "error[internal-error]: stagefold itself failed on this repository: the fold fell over (";
    assert!(printed.err.starts_with(expected), "{}", printed.err);
    assert_eq!((printed.out.as_str(), printed.code), ("", 2));
}

#[test]
fn many_are_told_in_order_and_none_stops_the_others() {
    let root = group(&[("e", "fold"), ("b", "panic"), ("a/x", "fold"), ("c", "refuse"), ("d", "none")]);
    fs::create_dir_all(root.path().join("f/.gitlab-ci.yml")).unwrap();
    let printed = stagefold("--check --jobs 3", &root);
    let closing: Vec<_> = printed.err.lines().filter(|line| line.starts_with("ROOT/")).collect();
    let fold = "folded: 1 hand-off (artifacts) from job 'build' into Dockerfile; 2 files change";
    assert_eq!(closing[0], format!("ROOT/a/x: {fold}"));
    assert_eq!(closing[1], "ROOT/b: failed: internal-error");
    assert!(
        closing[2].starts_with("ROOT/c: refused: 1 hand-off (artifacts) from job 'build' into Dockerfile left alone")
    );
    assert_eq!(closing[3], "ROOT/d: nothing to fold");
    assert_eq!(closing[4], format!("ROOT/e: {fold}"));
    assert_eq!(closing[5], "ROOT/f: failed: self-check-failed");
    let summary = "6 repositories: 2 folded, 1 refused, 1 nothing to fold, 2 failed";
    assert_eq!(printed.err.lines().last(), Some(summary));
    assert_eq!(printed.code, 2);
    assert!(printed.out.contains("+++ b/a/x/.gitlab-ci.yml\n"), "{}", printed.out);
    fs::write(root.path().join("patch"), printed.out).unwrap();
    git(root.path(), &["apply", "patch"]);
    assert_eq!(fs::read_to_string(root.path().join("e/.gitlab-ci.yml")).unwrap(), "folded");
    assert_eq!(fs::read_to_string(root.path().join("a/x/Dockerfile")).unwrap(), "FROM a\n");
}

#[test]
fn a_refusal_is_heard_with_check() {
    let root = group(&[("a", "refuse"), ("b", "fold")]);
    assert_eq!(stagefold("", &root).code, 0);
    assert_eq!(stagefold("--check", &root).code, 3);
}

#[test]
fn json_is_all_of_stdout_and_its_patches_start_at_each_repository() {
    let root = group(&[("a", "fold"), ("b", "refuse")]);
    let printed = stagefold("--format json --check", &root);
    assert_eq!((printed.err.as_str(), printed.code), ("", 3));
    let report: Value = serde_json::from_str(&printed.out).unwrap();
    assert_eq!(report["repositories"][0]["path"], "ROOT/a");
    assert_eq!(report["repositories"][0]["applicability"], "safe");
    assert!(report["repositories"][0]["patch"].as_str().unwrap().starts_with("diff --git a/.gitlab-ci.yml b/"));
    assert_eq!(report["repositories"][1]["verdict"], "refused");
    assert_eq!(report["repositories"][1]["patch"], "");
}

#[test]
fn apply_writes_what_diff_shows() {
    let root = group(&[(".", "fold\r\n")]);
    let printed = stagefold("apply", &root);
    assert_eq!((printed.out.as_str(), printed.code), ("", 0), "{}", printed.err);
    assert!(printed.err.ends_with("into Dockerfile; 2 files written\n"), "{}", printed.err);
    assert_eq!(fs::read_to_string(root.path().join(".gitlab-ci.yml")).unwrap(), "folded\r\n");
    assert_eq!(fs::read_to_string(root.path().join("Dockerfile")).unwrap(), "FROM a\n");
    assert_eq!(stagefold("apply --check", &root).code, 0);
}

#[test]
fn apply_leaves_uncommitted_work_alone_and_names_the_flag() {
    let root = group(&[(".", "none")]);
    fs::write(root.path().join(".gitlab-ci.yml"), "fold").unwrap();
    let printed = stagefold("apply", &root);
    assert_eq!(printed.code, 2);
    assert!(printed.err.contains("error[uncommitted-changes]"), "{}", printed.err);
    assert!(printed.err.contains(".gitlab-ci.yml (changed)") && printed.err.contains("--allow-dirty"));
    assert!(!root.path().join("Dockerfile").exists());
    let report: Value = serde_json::from_str(&stagefold("apply --format json", &root).out).unwrap();
    assert_eq!(report["repositories"][0]["verdict"], "failed");
    assert_eq!(report["repositories"][0]["changes"], Value::Array(Vec::new()));
    assert_eq!(stagefold("apply --allow-dirty", &root).code, 0);
    assert!(root.path().join("Dockerfile").exists());
}

#[test]
fn apply_writes_nothing_where_one_file_cannot_be_written() {
    let root = group(&[(".", "fold")]);
    fs::create_dir(root.path().join("Dockerfile")).unwrap();
    let printed = stagefold("apply", &root);
    assert!(printed.err.contains("error[files-not-written]"), "{}", printed.err);
    assert_eq!(printed.code, 2);
    assert_eq!(fs::read_to_string(root.path().join(".gitlab-ci.yml")).unwrap(), "fold");
}

#[test]
fn apply_outside_version_control_names_the_flag() {
    let root = TempDir::new().unwrap();
    fs::write(root.path().join(".gitlab-ci.yml"), "fold").unwrap();
    let printed = stagefold("apply", &root);
    assert!(printed.err.contains("error[no-version-control]") && printed.err.contains("--allow-no-vcs"));
    assert_eq!((printed.code, root.path().join("Dockerfile").exists()), (2, false));
    assert_eq!(stagefold("apply --allow-no-vcs", &root).code, 0);
    assert!(root.path().join("Dockerfile").exists());
}

#[test]
fn a_path_without_a_pipeline_is_an_error_in_words() {
    let root = TempDir::new().unwrap();
    let printed = stagefold("--format json", &root);
    assert_eq!(printed.err, "error: ROOT: there is no .gitlab-ci.yml here or below\n");
    assert_eq!(serde_json::from_str::<Value>(&printed.out).unwrap()["repositories"], Value::Array(Vec::new()));
    assert_eq!(printed.code, 2);
}

/// A stream whose reader has gone.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_that_has_gone_stops_the_run() {
    let root = group(&[("a", "fold"), ("b", "fold")]);
    let arguments = Arguments::parse_from(["stagefold", root.path().to_str().unwrap()]);
    let mut streams =
        Streams { out: &mut Closed, err: &mut io::sink(), color_out: false, color_err: false, is_terminal: false };
    let error = run(&arguments, &fold, &mut streams).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
}
