//! Pipelines that cannot be read: each is named with its place, nothing is written, and nothing panics.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where something is not as it must be")]
#![cfg(unix)]

#[path = "harness/case.rs"]
#[allow(dead_code, reason = "the harness has more than this file needs")]
mod case;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use case::{Printed, commit, stagefold, tree};
use tempfile::TempDir;

const PIPELINE: &str = ".gitlab-ci.yml";

/// A job that hands a file on and one that takes it into an image, so that a half-read pipeline would fold.
const FOLDABLE: &str = "\
build:
  stage: build
  image: node:22
  script: npm run build
  artifacts:
    paths: [dist]
package:
  stage: deploy
  image: docker:27
  script: docker build .
";

/// Runs `apply` on what `prepare` makes of an empty folder, which must stay as it is.
#[track_caller]
fn run(prepare: impl FnOnce(&Path)) -> Printed {
    let root = TempDir::new().unwrap();
    prepare(root.path());
    commit(root.path());
    let before = tree(root.path());
    let printed = stagefold(root.path(), &["apply"]);
    assert!(before == tree(root.path()), "something was written: {}", printed.err);
    let diff = stagefold(root.path(), &["diff"]);
    assert_eq!((diff.code, &diff.err, diff.out.as_str()), (printed.code, &printed.err, ""), "diff differs from apply");
    let panicked = ["panicked", "internal-error", "RUST_BACKTRACE"].iter().any(|word| printed.err.contains(word));
    assert!(!panicked && printed.err.len() < 4096, "{}", printed.err);
    printed
}

/// What is said about a pipeline that `prepare` makes and that cannot be read.
#[track_caller]
fn assert_fails(prepare: impl FnOnce(&Path), expected: &[&str]) {
    let printed = run(prepare);
    assert_eq!((printed.code, printed.out.as_str()), (2, ""), "{}", printed.err);
    for words in expected {
        assert!(printed.err.contains(words), "'{words}' is not in:\n{}", printed.err);
    }
}

/// What is said about a pipeline of these bytes.
#[track_caller]
fn assert_text_fails(text: impl AsRef<[u8]>, expected: &[&str]) {
    assert_fails(|root| fs::write(root.join(PIPELINE), text).unwrap(), expected);
}

#[test]
fn an_empty_file() {
    for text in ["", "\n\n", "# nothing yet\n", "---\n", "\u{feff}"] {
        assert_text_fails(text, &["error[pipeline-empty]", "--> .gitlab-ci.yml:1:1"]);
    }
}

#[test]
fn no_yaml() {
    assert_text_fails("a: [unclosed\nb: }\n", &["error[yaml-syntax]", "--> .gitlab-ci.yml:2:2"]);
    assert_text_fails([0; 4096], &["error[yaml-syntax]", "--> .gitlab-ci.yml:1:1"]);
}

#[test]
fn no_utf8() {
    assert_text_fails(b"build:\n  script: \xff\xfe\n", &["error[file-unreadable]: .gitlab-ci.yml", "byte 17"]);
    let wide: Vec<u8> = FOLDABLE.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_text_fails([b"\xff\xfe", wide.as_slice()].concat(), &["error[file-unreadable]: .gitlab-ci.yml"]);
}

#[test]
fn a_list_or_a_word_at_the_top() {
    assert_text_fails("# jobs\n- build\n- test\n", &["error[pipeline-not-a-mapping]", "--> .gitlab-ci.yml:2:1"]);
    assert_text_fails("hello\n", &["error[pipeline-not-a-mapping]", "--> .gitlab-ci.yml:1:1"]);
}

#[test]
fn a_folder_in_the_place_of_the_file() {
    let prepare = |root: &Path| {
        fs::create_dir(root.join(PIPELINE)).unwrap();
        fs::write(root.join(PIPELINE).join("kept"), "").unwrap();
    };
    assert_fails(prepare, &["error[file-unreadable]: .gitlab-ci.yml: it is not a regular file"]);
}

#[test]
fn a_link_that_leads_nowhere_or_to_itself() {
    for target in ["nowhere.yml", PIPELINE] {
        assert_fails(
            |root| symlink(target, root.join(PIPELINE)).unwrap(),
            &["error[file-unreadable]: .gitlab-ci.yml: the path goes through a symbolic link"],
        );
    }
}

#[test]
fn a_link_out_of_the_repository() {
    let outside = TempDir::new().unwrap();
    let file = outside.path().join("pipeline.yml");
    fs::write(&file, FOLDABLE).unwrap();
    assert_fails(
        |root| symlink(&file, root.join(PIPELINE)).unwrap(),
        &["error[file-unreadable]: .gitlab-ci.yml: the path goes through a symbolic link"],
    );
    assert_eq!(fs::read_to_string(file).unwrap(), FOLDABLE);
}

/// Where the test runs as a user whom permissions do not bind, the file is readable after all.
#[test]
fn a_file_without_permission() {
    let root = TempDir::new().unwrap();
    let file = root.path().join(PIPELINE);
    fs::write(&file, "build:\n  script: make\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o0)).unwrap();
    let is_bound = fs::read(&file).is_err();
    let printed = stagefold(root.path(), &[]);
    assert_eq!(printed.code, if is_bound { 2 } else { 0 }, "{}", printed.err);
    assert_eq!(printed.err.contains("error[file-unreadable]: .gitlab-ci.yml"), is_bound, "{}", printed.err);
}

#[test]
fn fifty_megabytes() {
    let prepare = |root: &Path| {
        fs::write(root.join(PIPELINE), FOLDABLE).unwrap();
        fs::OpenOptions::new().append(true).open(root.join(PIPELINE)).unwrap().set_len(50_000_000).unwrap();
    };
    assert_fails(prepare, &["error[file-unreadable]: .gitlab-ci.yml: it has 50000000 bytes, and at most"]);
}

#[test]
fn aliases_for_a_billion_values() {
    let line = |level: usize| match level {
        0 => "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned(),
        _ => format!("a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 10].join(", ")),
    };
    let bomb: String = (0..9).map(line).collect();
    assert_text_fails(bomb, &["error[yaml-aliases-too-many]", "--> .gitlab-ci.yml:6:5"]);
}

#[test]
fn a_hundred_thousand_levels() {
    for (text, place) in [("[", "1:256"), ("{", "1:256"), ("- ", "1:511"), ("? ", "1:511")] {
        assert_text_fails(text.repeat(100_000), &["error[yaml-syntax]", &format!("--> .gitlab-ci.yml:{place}")]);
    }
    let stairs: String = (0..1000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    assert_text_fails(stairs, &["error[yaml-syntax]", "--> .gitlab-ci.yml:256:256"]);
}

#[test]
fn a_hundred_thousand_dashes() {
    assert_text_fails("-\n".repeat(100_000), &["error[pipeline-not-a-mapping]", "--> .gitlab-ci.yml:1:1"]);
    assert_text_fails("-".repeat(100_000), &["error[pipeline-not-a-mapping]", "--> .gitlab-ci.yml:1:1"]);
}

#[test]
fn an_anchor_that_holds_itself() {
    for (text, place) in [("a: &a [*a]\n", "1:8"), ("a: &a\n  b: *a\n", "2:6"), ("a: &a\n  <<: *a\n", "2:7")] {
        assert_text_fails(text, &["error[yaml-recursive-anchor]", &format!("--> .gitlab-ci.yml:{place}")]);
    }
}

#[test]
fn an_alias_without_an_anchor() {
    assert_text_fails(
        "build:\n  script: *nowhere\n",
        &["error[yaml-syntax]", "anchor", "--> .gitlab-ci.yml:2:11", "script: *nowhere"],
    );
}

#[test]
fn a_tab_for_indentation() {
    assert_text_fails("build:\n\tscript: make\n", &["error[yaml-syntax]: tab", "--> .gitlab-ci.yml:2:2"]);
}

#[test]
fn a_quote_that_does_not_end() {
    for quote in ['"', '\''] {
        let text = format!("build:\n  script: {quote}make\n");
        assert_text_fails(text, &["error[yaml-syntax]: unclosed quote", "--> .gitlab-ci.yml:2:11"]);
    }
}

#[test]
fn a_date() {
    for date in ["2024-01-01", "2024-01-01 10:00:00"] {
        let text = format!("build:\n  variables:\n    RELEASED: {date}\n  script: make\n");
        assert_text_fails(text, &["error[yaml-date]", "--> .gitlab-ci.yml:3:15", "put it in quotes"]);
    }
}

#[test]
fn files_that_include_each_other() {
    let prepare = |root: &Path| {
        fs::write(root.join(PIPELINE), format!("include: ci/jobs.yml\n{FOLDABLE}")).unwrap();
        fs::create_dir(root.join("ci")).unwrap();
        fs::write(root.join("ci/jobs.yml"), "# all jobs\ninclude: .gitlab-ci.yml\n").unwrap();
    };
    assert_fails(prepare, &["error[file-unreadable]", "includes itself", "--> ci/jobs.yml:2:10"]);
}

#[test]
fn an_included_file_that_is_no_yaml() {
    let prepare = |root: &Path| {
        fs::write(root.join(PIPELINE), format!("include: jobs.yml\n{FOLDABLE}")).unwrap();
        fs::write(root.join("jobs.yml"), "a: 1\nb: [\n").unwrap();
    };
    assert_fails(prepare, &["error[yaml-syntax]", "--> jobs.yml:"]);
}

/// A thousand files, each of which takes in all the others.
#[test]
fn files_that_all_include_all() {
    let printed = run(|root| {
        fs::write(root.join(PIPELINE), format!("include: 'ci/*.yml'\n{FOLDABLE}")).unwrap();
        fs::create_dir(root.join("ci")).unwrap();
        for index in 0..1000 {
            fs::write(root.join(format!("ci/{index}.yml")), "include: 'ci/*.yml'\n").unwrap();
        }
    });
    assert_ne!(printed.code, 1, "{}", printed.err);
}

#[test]
fn an_extends_that_leads_nowhere_or_round() {
    let itself = "build:\n  extends: build\n  script: make\n";
    assert_text_fails(itself, &["error[extends-unresolved]: this job extends itself", "--> .gitlab-ci.yml:2:12"]);
    let missing = "build:\n  extends: .none\n  script: make\n";
    assert_text_fails(missing, &["error[extends-unresolved]: this extends '.none'", "--> .gitlab-ci.yml:2:12"]);
}

#[test]
fn a_reference_that_leads_nowhere_or_round() {
    for target in [".none", "build"] {
        let text = format!("build:\n  script: !reference [{target}, script]\n");
        assert_text_fails(text, &["error[reference-unresolved]", "--> .gitlab-ci.yml:2:11"]);
    }
}

/// A Dockerfile that is not there is no fault of the pipeline: a job may make it.
#[test]
fn no_dockerfile() {
    let printed = run(|root| fs::write(root.join(PIPELINE), FOLDABLE).unwrap());
    assert_eq!(printed.code, 0, "{}", printed.err);
    let place = "refusal[dockerfile-missing]: there is no Dockerfile in the repository\n  --> .gitlab-ci.yml:10:11";
    assert!(printed.err.contains(place), "{}", printed.err);
}

/// A binary file for a Dockerfile is one that cannot be read; the pipeline itself can.
#[test]
fn a_dockerfile_that_is_no_text() {
    let printed = run(|root| {
        fs::write(root.join(PIPELINE), FOLDABLE).unwrap();
        fs::write(root.join("Dockerfile"), b"FROM nginx\nCOPY dist /\xff\n").unwrap();
    });
    assert_eq!(printed.code, 0, "{}", printed.err);
    assert!(printed.err.contains("refusal[dockerfile-missing]: Dockerfile: it is not UTF-8 text"), "{}", printed.err);
}
