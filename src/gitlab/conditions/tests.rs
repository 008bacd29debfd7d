//! Which conditions are the same, and how the rest is written, case by case.

use std::collections::BTreeSet;

use super::{AllowFailure, Comparison, Complement, Start, When, WrittenRule};
use crate::gitlab::Pipeline;
use crate::source::MemoryRepository;
use crate::text::RepositoryPath;

fn pipeline(text: &str) -> Pipeline {
    let repository = MemoryRepository::new([(".gitlab-ci.yml", text)]);
    Pipeline::read(&repository, &RepositoryPath::new(".gitlab-ci.yml").unwrap()).unwrap()
}

/// The jobs `b` and `c`, each with a script and these lines; `rest` stands at the top.
pub(super) fn jobs(b: &str, c: &str, rest: &str) -> String {
    let job = |lines: &str| lines.lines().map(|line| format!("  {line}\n")).collect::<String>();
    format!("{rest}\nb:\n  script: [x]\n{}c:\n  script: [x]\n{}", job(b), job(c))
}

pub(super) fn compared(text: &str) -> Result<Comparison, String> {
    let pipeline = pipeline(text);
    Comparison::new(&pipeline, pipeline.job("b").unwrap(), pipeline.job("c").unwrap()).map_err(|unclear| unclear.0)
}

/// How the jobs meet: `b c` for both by themselves, `b -` for the first alone, `b manual` and so on.
fn meetings(b: &str, c: &str, rest: &str) -> BTreeSet<String> {
    let name = |start: &Option<Start>, own: &str| match start {
        None => "-".to_owned(),
        Some(start) if start.when == When::OnSuccess => own.to_owned(),
        Some(start) => start.when.name().to_owned(),
    };
    let meetings = compared(&jobs(b, c, rest)).unwrap().meetings().unwrap();
    meetings.iter().map(|meeting| format!("{} {}", name(&meeting.first, "b"), name(&meeting.second, "c"))).collect()
}

pub(super) fn covers(_: &Start, image: &Start) -> bool {
    image.when == When::OnSuccess
}

fn written(b: &str, c: &str, rest: &str) -> Option<String> {
    let complement = compared(&jobs(b, c, rest)).unwrap().complement(&covers)?;
    Some(match complement {
        Complement::Own => "own".to_owned(),
        Complement::Except(refs) => format!("except {}", refs.join(", ")),
        Complement::Rules(rules) => rules.iter().map(rule_text).collect::<Vec<_>>().join("; "),
    })
}

fn rule_text(rule: &WrittenRule) -> String {
    let condition = rule.condition.as_ref().map(ToString::to_string);
    let changes = rule.changes.as_ref().map(|_| "changes".to_owned());
    let exists = rule.exists.as_ref().map(|_| "exists".to_owned());
    let parts: Vec<_> = [condition, changes, exists].into_iter().flatten().collect();
    format!("{}{}", parts.join(" + "), if rule.is_never { " -> never" } else { "" })
}

fn set(of: &[&str]) -> BTreeSet<String> {
    of.iter().map(ToString::to_string).collect()
}

const ON_MAIN: &str = "rules:\n  - if: $CI_COMMIT_BRANCH == \"main\"";

#[test]
fn the_same_in_other_words_is_the_same() {
    assert_eq!(meetings("only: [main]", "only: main", ""), set(&["b c"]));
    assert_eq!(meetings("only: [branches, tags]", "", ""), set(&["b c"]));
    let (tags, tag) = ("only: [tags]", "rules:\n  - if: $CI_COMMIT_TAG");
    assert_eq!(meetings(tags, tag, ""), set(&["b c"]));
    let apart = "rules:\n  - if: $CI_COMMIT_TAG\n    when: never\n  - if: $CI_PIPELINE_SOURCE == \"merge_request_event\"\n    when: never\n  - when: on_success";
    assert_eq!(meetings("rules:\n  - if: $CI_COMMIT_BRANCH", apart, ""), set(&["b c"]));
    let pattern = "rules:\n  - if: $CI_COMMIT_BRANCH =~ /^main$/";
    assert!(meetings(pattern, ON_MAIN, "").contains("b -"), "another name is not known to match or not");
}

#[test]
fn a_tag_may_have_the_name_of_a_branch() {
    assert_eq!(meetings("only: [main]", ON_MAIN, ""), set(&["b c", "b -"]));
    let both = "rules:\n  - if: $CI_COMMIT_BRANCH == \"main\" || $CI_COMMIT_TAG == \"main\"";
    assert_eq!(meetings("only: [main]", both, ""), set(&["b c"]));
}

#[test]
fn names_kinds_and_sources_exclude_each_other() {
    let develop = "rules:\n  - if: $CI_COMMIT_BRANCH == \"develop\"";
    assert_eq!(meetings(develop, ON_MAIN, ""), set(&["b -", "- c"]));
    let impossible = "rules:\n  - if: $CI_COMMIT_TAG && $CI_COMMIT_BRANCH";
    assert_eq!(meetings(impossible, ON_MAIN, ""), set(&["- c"]));
    let merge_request = "rules:\n  - if: $CI_MERGE_REQUEST_IID";
    assert_eq!(meetings("only: [merge_requests]", merge_request, ""), set(&["b c"]));
    assert_eq!(meetings("only: [schedules]", "only: [web]", ""), set(&["b -", "- c"]));
    let version = "rules:\n  - if: $CI_COMMIT_TAG =~ /^v\\d+/";
    assert_eq!(meetings("only: [tags]", version, ""), set(&["b c", "b -"]), "no branch has a tag");
}

#[test]
fn a_job_without_rules_is_absent_from_merge_requests_unless_workflow_has_rules() {
    let on_requests = "rules:\n  - if: $CI_PIPELINE_SOURCE == \"merge_request_event\"";
    assert_eq!(meetings("", on_requests, ""), set(&["b -", "- c"]));
    let workflow = "workflow:\n  rules:\n    - if: $CI_PIPELINE_SOURCE == \"merge_request_event\"\n    - if: $CI_COMMIT_BRANCH == \"main\"";
    assert_eq!(meetings("", on_requests, workflow), set(&["b c", "b -"]));
}

#[test]
fn the_workflow_takes_pipelines_out_of_account() {
    let workflow = "workflow:\n  rules:\n    - if: $CI_COMMIT_BRANCH == \"main\"";
    assert_eq!(meetings("", "only: [main]", workflow), set(&["b c"]));
}

#[test]
fn starts_are_part_of_the_meeting() {
    assert_eq!(meetings("", "when: manual", ""), set(&["b manual"]));
    let manual = "rules:\n  - if: $CI_COMMIT_TAG\n  - when: manual";
    assert_eq!(meetings("", manual, ""), set(&["b c", "b manual", "- manual"]));
    let comparison = compared(&jobs("when: manual", "rules:\n  - when: manual", "")).unwrap();
    let starts: Vec<_> = comparison.meetings().unwrap().into_iter().filter_map(|meeting| meeting.first).collect();
    assert_eq!(starts.first().map(|start| &start.allow_failure), Some(&AllowFailure::Yes));
}

#[test]
fn an_empty_variable_ends_a_chain_as_in_ruby() {
    let chain = "rules:\n  - if: $X || $CI_COMMIT_BRANCH";
    assert!(meetings("rules:\n  - if: $CI_COMMIT_BRANCH", chain, "").contains("b -"), "an empty $X is what || answers");
}

#[test]
fn an_unlimited_build_before_a_limited_image_is_left_to_except() {
    assert_eq!(written("", "only: [master]", "").as_deref(), Some("except master"));
    assert_eq!(written("", "only: [tags]\nexcept: ['/^(?!master).+@/']", "").as_deref(), Some("except tags"));
    assert_eq!(written("except: [schedules]", "only: [/^v/]", "").as_deref(), Some("except /^v/"));
    assert_eq!(written("", "only: {variables: [$X]}", "").as_deref(), None, "an empty $X cannot be told apart");
}

#[test]
fn rules_are_turned_round() {
    let on_main = "rules:\n  - if: $CI_COMMIT_BRANCH == \"main\"";
    let expected = "$CI_COMMIT_BRANCH == \"main\" -> never; $CI_COMMIT_BRANCH || $CI_COMMIT_TAG";
    assert_eq!(written("", on_main, "").as_deref(), Some(expected));
    let workflow = "workflow:\n  rules:\n    - if: $CI_MERGE_REQUEST_IID\n    - if: $CI_COMMIT_BRANCH";
    assert_eq!(written("", on_main, workflow).as_deref(), Some("$CI_COMMIT_BRANCH == \"main\" -> never; "));
    let requests = "rules:\n  - if: $CI_MERGE_REQUEST_IID\n  - if: $CI_COMMIT_BRANCH";
    assert_eq!(
        written(requests, on_main, "").as_deref(),
        Some("$CI_COMMIT_BRANCH == \"main\" -> never; $CI_MERGE_REQUEST_IID; $CI_COMMIT_BRANCH")
    );
    let limited = "rules:\n  - if: $CI_COMMIT_TAG\n  - if: $CI_COMMIT_BRANCH == \"main\"\n    changes: [src/**/*]";
    assert_eq!(
        written("", limited, "").as_deref(),
        Some(
            "$CI_COMMIT_TAG -> never; $CI_COMMIT_BRANCH == \"main\" + changes -> never; $CI_COMMIT_BRANCH || $CI_COMMIT_TAG"
        )
    );
}

#[test]
fn a_manual_image_leaves_the_build_its_own_conditions() {
    assert_eq!(written("only: [main]", "only: [main]\nwhen: manual", "").as_deref(), Some("own"));
    let manual = "rules:\n  - if: $CI_COMMIT_TAG\n  - if: $CI_COMMIT_BRANCH\n    when: manual";
    let expected = "$CI_COMMIT_TAG -> never; $CI_COMMIT_BRANCH || $CI_COMMIT_TAG";
    assert_eq!(written("", manual, "").as_deref(), Some(expected));
}

#[test]
fn image_jobs_may_cover_a_build_job_together() {
    let covered = |d: &str| {
        let text = format!("{}d:\n  script: [x]\n  {d}\n", jobs("", "only: [tags]", ""));
        let pipeline = pipeline(&text);
        let others = [pipeline.job("d").unwrap()];
        compared(&text).unwrap().is_covered(&pipeline, &others, &covers).unwrap()
    };
    assert!(covered("only: [branches]"));
    assert!(!covered("only: [main]"));
    assert!(!covered("when: manual"));
}

#[test]
fn too_many_questions_and_unknown_words_prove_nothing() {
    let many: Vec<_> = (0..20).map(|at| format!("$V{at} == \"x\"")).collect();
    let rule = format!("rules:\n  - if: {}", many.join(" && "));
    let flipped = format!("rules:\n  - if: {}", many.iter().rev().cloned().collect::<Vec<_>>().join(" || "));
    assert!(compared(&jobs(&rule, &flipped, "")).unwrap().meetings().is_err());
    assert!(compared(&jobs("rules:\n  - surprise: true", "", "")).is_err());
    assert!(compared(&jobs("rules: []", "", "")).is_err());
    let own = "rules:\n  - if: $DEPLOY\nvariables: {DEPLOY: x}";
    assert!(compared(&jobs(own, "rules:\n  - if: $DEPLOY", "")).is_err(), "only one of them sets the variable");
}
