//! The program on whole repositories: each folder of `tests/fixtures` is one case, described at `Case`.
//!
//! What the program prints for it stands in `snapshots/<case>.txt`; `STAGEFOLD_BLESS=1 cargo test --test fixtures`
//! writes these files anew.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where something is not as it must be")]

#[path = "harness/case.rs"]
#[allow(dead_code, reason = "the harness has more than this file needs")]
mod case;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex};

use case::{Case, Printed, Tree, each, git, package, tree};
use serde_json::Value;
use stagefold::finding::Code;
use stagefold::syntax::yaml::{NodeId, Tree as Yaml};

fn snapshot(case: &Case) -> PathBuf {
    package().join("snapshots").join(&case.name).with_extension("txt")
}

fn blessing() -> bool {
    std::env::var_os("STAGEFOLD_BLESS").is_some()
}

fn transcript(case: &Case, Printed { out, err, code }: &Printed) -> String {
    let command: Vec<_> = ["stagefold", "diff"].into_iter().chain(case.arguments.iter().map(String::as_str)).collect();
    format!("$ {}\nexit status {code}\n\n--- stderr ---\n{err}\n--- stdout ---\n{out}", command.join(" "))
}

/// What every report must look like.
static SCHEMA: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
    let schema = fs::read_to_string(package().join("docs/report.schema.json")).unwrap();
    jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap()
});

/// The one repository that the program reports on.
fn report(case: &Case, root: &std::path::Path) -> Value {
    let printed = case.run(root, "diff", &["--format", "json"]);
    let report: Value = serde_json::from_str(&printed.out).unwrap();
    let errors: Vec<_> = SCHEMA.iter_errors(&report).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let [repository] = &report["repositories"].as_array().unwrap()[..] else { panic!("not one repository: {report}") };
    repository.clone()
}

#[track_caller]
fn assert_same(left: &Tree, right: &Tree) {
    let names = |tree: &Tree| tree.iter().map(|(name, (kind, _))| format!("{name} ({kind})")).collect::<Vec<_>>();
    assert_eq!(names(left), names(right));
    for (name, (_, bytes)) in left {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(text(bytes), text(&right[name].1), "{name}");
        assert_eq!(*bytes, right[name].1, "{name}: the bytes differ");
    }
}

/// The keys of the jobs of a pipeline; those of `artifacts` and of `image` as `artifacts:KEY` and `image:KEY`.
fn keywords(pipeline: &str) -> Vec<String> {
    let Ok(tree) = Yaml::parse(pipeline) else { return Vec::new() };
    let keys = |mapping: NodeId| {
        let entries = tree.node(mapping).entries().iter();
        entries.filter_map(|entry| Some((tree.node(entry.key).scalar()?.to_owned(), entry.value))).collect::<Vec<_>>()
    };
    let jobs = tree.documents().iter().filter_map(|document| document.root).flat_map(keys);
    let of_jobs = jobs.flat_map(|(_, job)| keys(job));
    let with_keys = of_jobs.flat_map(|(keyword, value)| {
        let deeper = keys(value).into_iter().map(|(key, _)| format!("{keyword}:{key}")).collect::<Vec<_>>();
        std::iter::once(keyword).chain(deeper)
    });
    with_keys.collect()
}

#[test]
fn every_keyword_of_gitlab_stands_in_a_case() {
    let read = |case: Case| String::from_utf8(case.before().remove(".gitlab-ci.yml")?.1).ok();
    let used: BTreeSet<_> = case::all().into_iter().filter_map(read).flat_map(|text| keywords(&text)).collect();
    let schema = fs::read_to_string(package().join("src/fold/obstacles/keywords/schema.txt")).unwrap();
    let names = schema.lines().filter(|line| !line.starts_with('#'));
    let missing: Vec<_> = names.filter(|name| !used.contains(*name)).collect();
    assert!(missing.is_empty(), "no case has {missing:?}");
}

#[test]
fn every_case_is_whole() {
    each(|case| {
        assert!(["folded", "refused", "nothing-to-fold", "failed"].contains(&case.verdict.as_str()), "no verdict");
        assert_eq!(case.verdict == "folded", case.folds(), "a case has an `after` where it folds, and only there");
        assert_eq!(case.before() != case.after(), case.folds(), "`after` is `before`");
    });
}

#[test]
fn the_program_prints_what_the_snapshot_says() {
    each(|case| {
        let root = case.check_out();
        let transcript = transcript(case, &case.run(root.path(), "diff", &[]));
        assert_same(&tree(root.path()), &case.before());
        if blessing() {
            fs::write(snapshot(case), transcript).unwrap();
        } else {
            let expected = fs::read_to_string(snapshot(case)).unwrap_or_default();
            assert!(
                transcript == expected,
                "{}\nexpected:\n{expected}\nprinted:\n{transcript}",
                snapshot(case).display()
            );
        }
    });
}

/// Codes of what no repository by itself can bring about, and the test that does.
const RAISED_ELSEWHERE: [(&str, &str); 7] = [
    ("files-not-written", "tests/cli_run.rs"),
    ("internal-error", "tests/cli_run.rs"),
    ("limit-exceeded", "tests/campaign_faults.rs"),
    ("no-version-control", "tests/cli_run.rs"),
    ("repository-not-fetched", "tests/campaign_faults.rs"),
    ("self-check-failed", "src/report/json.rs"),
    ("uncommitted-changes", "tests/cli_run.rs"),
];

#[test]
fn every_code_is_raised_by_a_case() {
    let raised = Mutex::new(BTreeSet::new());
    each(|case| {
        let root = case.check_out();
        let report = report(case, root.path());
        let codes = report["findings"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap());
        raised.lock().unwrap().extend(codes.map(str::to_owned));
    });
    let raised = raised.into_inner().unwrap();
    for (code, file) in RAISED_ELSEWHERE {
        assert!(!raised.contains(code), "{code} is raised by a case now: take it out of the table");
        let text = fs::read_to_string(package().join(file)).unwrap();
        let name: String = code.split('-').map(|word| word[..1].to_uppercase() + &word[1..]).collect();
        assert!(text.contains(code) || text.contains(&name), "{file} does not speak of {code}");
    }
    let is_raised = |code: &&Code| {
        raised.contains(code.name()) || RAISED_ELSEWHERE.iter().any(|(elsewhere, _)| *elsewhere == code.name())
    };
    let missing: Vec<_> = Code::ALL.iter().filter(|code| !is_raised(code)).map(|code| code.name()).collect();
    assert!(missing.is_empty(), "no case raises {missing:?}");
}

#[test]
fn whatever_stands_in_the_way_has_a_way_out() {
    each(|case| {
        let root = case.check_out();
        for finding in report(case, root.path())["findings"].as_array().unwrap() {
            let stops = ["refusal", "review", "error"].contains(&finding["severity"].as_str().unwrap());
            assert!(!stops || finding["help"].is_string(), "{} has no help", finding["message"]);
        }
    });
}

#[test]
fn no_snapshot_outlives_its_case() {
    let known: Vec<_> = case::all().iter().map(snapshot).collect();
    let Ok(entries) = fs::read_dir(package().join("snapshots")) else { return };
    let orphans = entries.map(|entry| entry.unwrap().path()).filter(|path| !known.contains(path));
    let orphans: Vec<_> = orphans.filter(|path| path.extension().is_some_and(|extension| extension == "txt")).collect();
    assert!(orphans.is_empty(), "{orphans:?}");
}

#[test]
fn git_makes_the_after_of_the_patch() {
    each(|case| {
        let root = case.check_out();
        let patch = case.run(root.path(), "diff", &["-q"]).out;
        assert_eq!(!patch.is_empty(), case.folds(), "a patch is printed where there is a fold");
        if case.folds() {
            git(root.path(), &["apply", "--whitespace=nowarn"], &patch);
        }
        assert_same(&tree(root.path()), &case.after());
    });
}

#[test]
fn apply_makes_the_same_and_then_there_is_nothing_left() {
    each(|case| {
        let root = case.check_out();
        let printed = case.run(root.path(), "apply", &[]);
        assert_eq!(printed.code == 2, case.verdict == "failed", "{}", printed.err);
        assert_same(&tree(root.path()), &case.after());
        if case.folds() {
            let again = report(case, root.path());
            assert_eq!((&again["verdict"], &again["patch"]), (&case.again.as_str().into(), &"".into()), "{again:#}");
        }
    });
}

#[test]
fn the_report_says_what_the_case_says() {
    each(|case| {
        let root = case.check_out();
        let report = report(case, root.path());
        assert_eq!(report["verdict"], case.verdict, "{report:#}");
        let found: Vec<_> = report["findings"].as_array().unwrap().iter().map(|finding| &finding["code"]).collect();
        for code in &case.findings {
            assert!(found.contains(&&Value::from(code.as_str())), "{code} is not among {found:?}");
        }
        assert_eq!(report["path"], ".");
        assert_eq!(!report["changes"].as_array().unwrap().is_empty(), case.folds());
    });
}

#[test]
fn check_turns_the_verdict_into_an_exit_code() {
    each(|case| {
        let root = case.check_out();
        let expected = match case.verdict.as_str() {
            "folded" => 1,
            "refused" => 3,
            "failed" => 2,
            _ => 0,
        };
        assert_eq!(case.run(root.path(), "diff", &["--check", "-q"]).code, expected);
    });
}
