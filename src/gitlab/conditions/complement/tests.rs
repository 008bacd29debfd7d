//! Conditions of any kind, against an evaluation in the plainest way of all pipelines of a small world.

use proptest::prelude::*;

use super::Complement;
use crate::gitlab::Value;
use crate::gitlab::conditions::Start;
use crate::gitlab::conditions::tests::{compared, covers, jobs};

/// A pipeline, all of it decided.
#[derive(Clone, Copy, Debug)]
struct Concrete {
    kind: &'static str,
    name: &'static str,
    source: &'static str,
    x: Option<&'static str>,
    y: Option<&'static str>,
    changed: bool,
}

fn all_pipelines() -> Vec<Concrete> {
    let mut all = Vec::new();
    for (kind, source) in [
        ("branch", "push"),
        ("branch", "web"),
        ("branch", "other"),
        ("tag", "push"),
        ("tag", "web"),
        ("request", "merge_request_event"),
    ] {
        for name in ["main", "dev", "else"] {
            for x in [None, Some(""), Some("a"), Some("b")] {
                for y in [None, Some(""), Some("z")] {
                    for changed in [true, false] {
                        all.push(Concrete { kind, name, source, x, y, changed });
                    }
                }
            }
        }
    }
    all
}

/// The value of an expression, read in the plainest way: `None` is nil, `Some("false")` false.
fn naive(text: &str, of: &Concrete) -> Option<String> {
    let text = text.trim();
    let truthy = |value: &Option<String>| value.as_deref().is_some_and(|value| value != "false");
    for operator in [" || ", " && "] {
        if let Some((left, right)) = split_outside(text, operator) {
            let value = naive(left, of);
            return if truthy(&value) == (operator == " || ") { value } else { naive(right, of) };
        }
    }
    if let Some(inner) = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
        return naive(inner, of);
    }
    for (operator, is_equal) in [(" == ", true), (" != ", false)] {
        if let Some((left, right)) = text.split_once(operator) {
            return Some(((naive(left, of) == naive(right, of)) == is_equal).to_string());
        }
    }
    let value = match text {
        "$CI_COMMIT_BRANCH" => (of.kind == "branch").then_some(of.name),
        "$CI_COMMIT_TAG" => (of.kind == "tag").then_some(of.name),
        "$CI_MERGE_REQUEST_IID" => (of.kind == "request").then_some("1"),
        "$CI_PIPELINE_SOURCE" => Some(of.source),
        "$X" => of.x,
        "$Y" => of.y,
        "null" => None,
        text => Some(text.trim_matches('"')),
    };
    value.map(str::to_owned)
}

/// Splits at the last operator that stands in no brackets, so that what comes before it is its left side.
fn split_outside<'a>(text: &'a str, operator: &str) -> Option<(&'a str, &'a str)> {
    let is_outside = |at: &usize| {
        let before = &text[..*at];
        before.matches('(').count() == before.matches(')').count()
    };
    let at = text.match_indices(operator).map(|(at, _)| at).filter(is_outside).last()?;
    Some((&text[..at], &text[at + operator.len()..]))
}

fn holds(text: &str, of: &Concrete) -> bool {
    naive(text, of).is_some_and(|value| value != "false" && !value.is_empty())
}

/// Whether and how a job of the test starts.
fn naive_start(job: &Job, of: &Concrete) -> Option<&'static str> {
    match job {
        Job::Nothing => (of.kind != "request").then_some("on_success"),
        Job::Only { only, except } => {
            let matches = |word: &&str| match *word {
                "branches" => of.kind == "branch",
                "tags" => of.kind == "tag",
                "merge_requests" => of.kind == "request",
                "web" => of.source == "web",
                name => of.kind != "request" && of.name == name,
            };
            (only.iter().any(matches) && !except.iter().any(matches)).then_some("on_success")
        }
        Job::Rules(rules) => {
            let rule = rules
                .iter()
                .find(|rule| rule.condition.is_none_or(|text| holds(text, of)) && (!rule.changes || of.changed))?;
            (rule.when != "never").then_some(rule.when)
        }
    }
}

#[derive(Clone, Debug)]
enum Job {
    Nothing,
    Only { only: Vec<&'static str>, except: Vec<&'static str> },
    Rules(Vec<TestRule>),
}

#[derive(Clone, Debug)]
struct TestRule {
    condition: Option<&'static str>,
    changes: bool,
    when: &'static str,
}

impl Job {
    fn yaml(&self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Only { only, except } if except.is_empty() => format!("only: [{}]", only.join(", ")),
            Self::Only { only, except } => format!("only: [{}]\nexcept: [{}]", only.join(", "), except.join(", ")),
            Self::Rules(rules) => {
                let rule = |rule: &TestRule| {
                    let condition = rule.condition.map(|text| format!("if: '{text}', ")).unwrap_or_default();
                    let changes = if rule.changes { "changes: [src], " } else { "" };
                    format!("  - {{{condition}{changes}when: {}}}", rule.when)
                };
                format!("rules:\n{}", rules.iter().map(rule).collect::<Vec<_>>().join("\n"))
            }
        }
    }
}

/// The job that is written down, evaluated naively.
fn naive_complement(complement: &Complement, build: &Job, of: &Concrete) -> Option<&'static str> {
    match (complement, build) {
        (Complement::Own, _) => naive_start(build, of),
        (Complement::Except(added), build) => {
            let added: Vec<&'static str> =
                added.iter().map(|word| &*Box::leak(word.to_string().into_boxed_str())).collect();
            let (only, mut except) = match build {
                Job::Only { only, except } => (only.clone(), except.clone()),
                _ => (vec!["branches", "tags"], Vec::new()),
            };
            except.extend(added);
            naive_start(&Job::Only { only, except }, of)
        }
        (Complement::Rules(rules), _) => {
            let rule = rules.iter().find(|rule| {
                rule.condition.as_deref().is_none_or(|text| holds(text, of)) && (rule.changes.is_none() || of.changed)
            })?;
            let when = rule.outcome.as_ref().and_then(|rule| rule.get("when").and_then(Value::text));
            match when.as_deref() {
                _ if rule.is_never => None,
                Some("manual") => Some("manual"),
                _ => Some("on_success"),
            }
        }
    }
}

fn any_job() -> impl Strategy<Value = Job> {
    let words = prop::sample::select(vec!["branches", "tags", "merge_requests", "web", "main", "dev"]);
    let only = (prop::collection::vec(words.clone(), 1..3), prop::collection::vec(words, 0..2))
        .prop_map(|(only, except)| Job::Only { only, except });
    let conditions = prop::sample::select(vec![
        None,
        Some("$CI_COMMIT_BRANCH"),
        Some("$CI_COMMIT_TAG"),
        Some("$CI_MERGE_REQUEST_IID"),
        Some("$CI_COMMIT_BRANCH == \"main\""),
        Some("$CI_COMMIT_BRANCH != \"dev\""),
        Some("$CI_PIPELINE_SOURCE == \"web\" || $CI_COMMIT_TAG"),
        Some("$X"),
        Some("$X == \"a\" && $CI_COMMIT_BRANCH"),
        Some("$X == null || $Y"),
        Some("$Y != \"\""),
    ]);
    let when = prop::sample::select(vec!["on_success", "on_success", "never", "manual"]);
    let rule = (conditions, prop::bool::weighted(0.2), when).prop_map(|(condition, changes, when)| TestRule {
        condition,
        changes,
        when,
    });
    let rules = prop::collection::vec(rule, 1..4).prop_map(Job::Rules);
    prop_oneof![1 => Just(Job::Nothing), 2 => only, 4 => rules]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_exactly_what_is_left(build in any_job(), image in any_job()) {
        let comparison = compared(&jobs(&build.yaml(), &image.yaml(), "")).unwrap();
        if let Some(complement) = comparison.complement(&covers) {
            for of in all_pipelines() {
                let covered = naive_start(&image, &of) == Some("on_success");
                let wanted = naive_start(&build, &of).filter(|_| !covered);
                prop_assert_eq!(naive_complement(&complement, &build, &of), wanted, "{:?} {:?}", complement, of);
            }
        }
    }

    #[test]
    fn every_meeting_of_a_real_pipeline_is_foreseen(build in any_job(), image in any_job()) {
        let name = |start: &Option<Start>| start.as_ref().map(|start| start.when.name());
        let comparison = compared(&jobs(&build.yaml(), &image.yaml(), "")).unwrap();
        let meetings: Vec<_> =
            comparison.meetings().unwrap().iter().map(|meeting| (name(&meeting.first), name(&meeting.second))).collect();
        for of in all_pipelines() {
            let met = (naive_start(&build, &of), naive_start(&image, &of));
            prop_assert!(met == (None, None) || meetings.contains(&met), "{:?} is not in {:?} for {:?}", met, meetings, of);
        }
    }
}
