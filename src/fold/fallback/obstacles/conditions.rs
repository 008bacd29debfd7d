//! A cache outlives its pipeline, artifacts do not: wherever a job takes the files, the build job must have run and
//! have succeeded.

use crate::finding::{Code, Finding};
use crate::fold::fallback::Reroute;
use crate::gitlab::{Job, Origin, Pipeline, Value};

pub(super) fn check(reroute: &Reroute<'_>) -> Vec<Finding> {
    of_reader(reroute, reroute.consumer).into_iter().collect()
}

/// Whether `reader` may run without what the producer makes.
pub(super) fn of_reader(reroute: &Reroute<'_>, reader: &Job) -> Option<Finding> {
    let producer = reroute.producer;
    let (origin, reason) = starts_anyway(reader).or_else(|| may_be_left_out(producer)).or_else(|| {
        let is_proven = runs_wherever(reroute.pipeline, producer, reader);
        let reason = "its conditions do not say that the build job runs wherever it does";
        if is_proven { None } else { Some((reader.origin_of(condition_of(reader))?, reason)) }
    })?;
    let message = format!(
        "'{}' may run without what '{}' makes, and find it in an older cache: {reason}",
        reader.name, producer.name
    );
    let conditions = reroute.pipeline.keyword_location(producer, condition_of(producer));
    let finding = Finding::new(Code::BuildMayBeMissing, reroute.pipeline.location(origin), message)
        .with_related(conditions, "the build job runs under these")
        .with_help(format!("let '{}' run in every pipeline in which '{}' runs", producer.name, reader.name));
    Some(finding)
}

/// The keyword under which a job says when it runs.
fn condition_of(job: &Job) -> &'static str {
    ["rules", "only", "except", "when"].into_iter().find(|keyword| job.get(keyword).is_some()).unwrap_or("rules")
}

fn rules(job: &Job) -> &[Value] {
    job.get("rules").map(Value::one_or_many).unwrap_or_default()
}

/// `when` of the job and of its rules.
fn starts(job: &Job) -> impl Iterator<Item = &Value> {
    job.get("when").into_iter().chain(rules(job).iter().filter_map(|rule| rule.get("when")))
}

fn is_one_of(value: &Value, words: &[&str]) -> bool {
    value.text().is_some_and(|text| words.contains(&&*text))
}

/// The image job that does not care whether the build succeeded.
fn starts_anyway(consumer: &Job) -> Option<(Origin, &'static str)> {
    let when = starts(consumer).find(|when| is_one_of(when, &["always", "on_failure"]))?;
    Some((when.origin, "it starts even where the build fails"))
}

/// The build job that nobody waits for: one that may fail, or that a person starts.
fn may_be_left_out(producer: &Job) -> Option<(Origin, &'static str)> {
    let when = producer.get("when").filter(|when| is_one_of(when, &["manual", "delayed", "on_failure"]));
    let may_fail = producer.get("allow_failure").filter(|value| value.text().as_deref() != Some("false"));
    when.map(|when| (when.origin, "the build job does not start by itself"))
        .or_else(|| may_fail.map(|value| (value.origin, "the build job may fail")))
}

/// Whether `producer` is in every pipeline in which `consumer` is, and starts by itself there; `false` where that
/// cannot be told.
fn runs_wherever(pipeline: &Pipeline, producer: &Job, consumer: &Job) -> bool {
    let has = |job: &Job, keywords: &[&str]| keywords.iter().any(|keyword| job.get(keyword).is_some());
    let old = ["only", "except"];
    match (has(producer, &["rules"]), has(producer, &old)) {
        (true, false) => has(consumer, &["rules"]) && rules_cover(rules(producer), rules(consumer)),
        (false, true) => has(consumer, &old) && !has(consumer, &["rules"]) && references_cover(producer, consumer),
        (false, false) => has_workflow_rules(pipeline) || stays_out_of_merge_requests(consumer),
        (true, true) => false,
    }
}

/// Without rules of its own a job is in every pipeline that `workflow:rules` let come about, and else in those of
/// branches and tags (GitLab: `entry/processable.rb`).
fn has_workflow_rules(pipeline: &Pipeline) -> bool {
    pipeline.top().get("workflow").is_some_and(|workflow| workflow.get("rules").is_some())
}

/// Whether each rule that lets the image job in finds one that lets the build job in, which no rule before takes
/// back for the build job alone.
fn rules_cover(producer: &[Value], consumer: &[Value]) -> bool {
    let covers = |at: usize, rule: &Value| {
        let place = producer
            .iter()
            .position(|other| !takes_back(other) && (same_condition(other, rule) || is_unconditional(other)));
        let before = consumer.get(..at).unwrap_or_default();
        place.is_some_and(|place| {
            let taken_back = producer.iter().take(place).filter(|other| takes_back(other));
            taken_back.into_iter().all(|other| before.iter().any(|own| is_never(own) && same_condition(own, other)))
        })
    };
    consumer.iter().enumerate().all(|(at, rule)| is_never(rule) || covers(at, rule))
}

fn is_never(rule: &Value) -> bool {
    rule.get("when").is_some_and(|when| is_one_of(when, &["never"]))
}

/// Whether a build job in the pipeline by this rule may not have run when the image job starts.
fn takes_back(rule: &Value) -> bool {
    let starts_otherwise = |when: &Value| !is_one_of(when, &["on_success", "always"]);
    rule.mapping().is_none()
        || rule.get("when").is_some_and(starts_otherwise)
        || rule.get("allow_failure").is_some_and(|value| value.text().as_deref() != Some("false"))
}

const CONDITIONS: [&str; 3] = ["if", "changes", "exists"];

fn is_unconditional(rule: &Value) -> bool {
    CONDITIONS.iter().all(|key| rule.get(key).is_none())
}

fn same_condition(one: &Value, other: &Value) -> bool {
    CONDITIONS.iter().all(|key| match (one.get(key), other.get(key)) {
        (None, None) => true,
        (Some(one), Some(other)) => one.same(other),
        (Some(_), None) | (None, Some(_)) => false,
    })
}

/// Whether `only` of the producer lets in at least as much, and `except` keeps out at most as much.
fn references_cover(producer: &Job, consumer: &Job) -> bool {
    let is_within = |narrow: &Value, wide: &Value| {
        narrow.one_or_many().iter().all(|item| wide.one_or_many().iter().any(|other| other.same(item)))
    };
    let is_let_in = match (producer.get("only"), consumer.get("only")) {
        // Without 'only' there are branches and tags, and no merge requests.
        (None, _) => stays_out_of_merge_requests(consumer),
        (Some(_), None) => false,
        (Some(wide), Some(narrow)) => is_within(narrow, wide),
    };
    let is_kept_out =
        producer.get("except").is_some_and(|except| consumer.get("except").is_none_or(|own| !is_within(except, own)));
    is_let_in && !is_kept_out
}

/// Whether a job is in pipelines of branches and tags alone.
fn stays_out_of_merge_requests(job: &Job) -> bool {
    let mut before: Vec<&Value> = Vec::new();
    let by_rules = rules(job).iter().all(|rule| {
        let is_out = is_never(rule) || rule.get("if").and_then(Value::text).is_some_and(|text| is_outside(&text));
        let is_closed = before.iter().any(|rule| keeps_out_merge_requests(rule));
        before.push(rule);
        is_out || is_closed
    });
    let references = |only: &Value| only.get("refs").unwrap_or(only).one_or_many().to_vec();
    let named = job.get("only").map(references).unwrap_or_default();
    by_rules && !named.iter().any(|name| is_one_of(name, &["merge_requests", "external_pull_requests"]))
}

/// `if: $CI_PIPELINE_SOURCE == "merge_request_event"` with `when: never`.
fn keeps_out_merge_requests(rule: &Value) -> bool {
    let text = rule.get("if").and_then(Value::text).unwrap_or_default().replace([' ', '\'', '"'], "");
    let names = ["$CI_PIPELINE_SOURCE==merge_request_event", "$CI_MERGE_REQUEST_ID", "$CI_MERGE_REQUEST_IID"];
    is_never(rule) && names.contains(&&*text) && ["changes", "exists"].iter().all(|key| rule.get(key).is_none())
}

/// Whether a condition can hold only where no merge request is: a merge request's pipeline has neither a branch nor
/// a tag of its own (GitLab docs: ci/variables/predefined_variables).
fn is_outside(condition: &str) -> bool {
    let has_groups = condition.contains(['(', ')']);
    !has_groups && condition.split("||").all(|either| either.split("&&").any(|term| is_of_branch(term.trim())))
}

fn is_of_branch(term: &str) -> bool {
    let text: String = term.chars().filter(|character| !character.is_whitespace()).collect();
    let rest = ["$CI_COMMIT_BRANCH", "$CI_COMMIT_TAG"].iter().find_map(|name| text.strip_prefix(name));
    if let Some(rest) = rest {
        let value = rest.strip_prefix("==").unwrap_or_default();
        let is_literal = value.len() > 2 && value.starts_with(['"', '\'']);
        return rest.is_empty() || rest.starts_with("=~/") || value == "$CI_DEFAULT_BRANCH" || is_literal;
    }
    let source = text.strip_prefix("$CI_PIPELINE_SOURCE==").unwrap_or_default();
    ["push", "schedule", "web", "api", "trigger"].contains(&source.trim_matches(['"', '\'']))
}

#[cfg(test)]
mod tests {
    use super::{may_be_left_out, runs_wherever, starts_anyway};
    use crate::gitlab::Pipeline;
    use crate::source::MemoryRepository;
    use crate::text::RepositoryPath;

    /// Whether the job `b` is proven to have run and succeeded where `c` runs.
    fn is_proven(build: &str, image: &str, rest: &str) -> bool {
        let text = format!("b: {{script: x{build}}}\nc: {{script: x{image}}}\n{rest}");
        let repository = MemoryRepository::new([("p", text.as_str())]);
        let pipeline = Pipeline::read(&repository, &RepositoryPath::new("p").unwrap()).unwrap();
        let (build, image) = (pipeline.job("b").unwrap(), pipeline.job("c").unwrap());
        runs_wherever(&pipeline, build, image) && starts_anyway(image).is_none() && may_be_left_out(build).is_none()
    }

    #[test]
    fn a_job_without_conditions_runs_for_branches_and_tags() {
        assert!(is_proven("", "", ""));
        assert!(is_proven("", ", only: [main]", ""));
        assert!(is_proven("", ", only: {refs: [main], changes: [src]}", ""));
        assert!(is_proven("", ", except: [tags]", ""));
        assert!(!is_proven("", ", only: [merge_requests]", ""));
        assert!(!is_proven("", ", only: {refs: [merge_requests]}", ""));
        assert!(is_proven("", ", rules: [{if: '$CI_COMMIT_BRANCH == \"main\" && $X || $CI_COMMIT_TAG =~ /^v/'}]", ""));
        assert!(!is_proven("", ", rules: [{if: '$CI_COMMIT_TAG || $X'}]", ""));
        assert!(!is_proven("", ", rules: [{if: '$CI_COMMIT_BRANCH != \"main\"'}]", ""));
        assert!(!is_proven("", ", rules: [{if: '$CI_COMMIT_BRANCH == null'}]", ""));
        assert!(!is_proven("", ", rules: [{changes: [src]}]", ""));
        let never = "{if: '$CI_PIPELINE_SOURCE == \"merge_request_event\"', when: never}";
        assert!(is_proven("", &format!(", rules: [{never}, {{when: manual}}]"), ""));
        assert!(is_proven("", ", rules: [{when: on_success}]", "workflow: {rules: [{if: $X}]}\n"));
    }

    #[test]
    fn rules_are_covered_by_rules() {
        let main = "{if: '$CI_COMMIT_BRANCH == \"main\"'}";
        let both =
            |build: &str, image: &str| is_proven(&format!(", rules: [{build}]"), &format!(", rules: [{image}]"), "");
        assert!(both(main, main));
        assert!(both(&format!("{{if: $MR}}, {main}"), main));
        assert!(both("{if: $OFF, when: never}, {when: on_success}", &format!("{{if: $OFF, when: never}}, {main}")));
        assert!(!both("{if: $OFF, when: never}, {when: on_success}", main));
        assert!(!both(main, &format!("{main}, {{if: $TAG}}")));
        assert!(!both("{if: $A, when: manual}", "{if: $A}"));
        assert!(!both("{if: $A, allow_failure: true}", "{if: $A}"));
        assert!(!both("{if: $A, changes: [x]}", "{if: $A}"));
        assert!(!is_proven(&format!(", rules: [{main}]"), "", ""));
        assert!(!is_proven(&format!(", rules: [{main}]"), ", only: [main]", ""));
    }

    #[test]
    fn references_are_covered_by_references() {
        assert!(is_proven(", only: [main, tags]", ", only: main", ""));
        assert!(!is_proven(", only: [main]", ", only: [main, tags]", ""));
        assert!(!is_proven(", only: [main]", "", ""));
        assert!(is_proven(", except: [tags]", ", except: [tags, main]", ""));
        assert!(!is_proven(", except: [tags]", "", ""));
        assert!(!is_proven(", except: [tags]", ", only: [main]", ""));
    }

    #[test]
    fn the_build_must_have_succeeded() {
        assert!(!is_proven(", allow_failure: true", "", ""));
        assert!(is_proven(", allow_failure: false", ", when: manual", ""));
        assert!(!is_proven(", when: manual", ", when: manual", ""));
        assert!(!is_proven("", ", when: always", ""));
    }
}
