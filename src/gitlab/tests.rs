//! How pipelines resolve, case by case (semantics: GitLab's `lib/gitlab/ci/config`, and Psych).

use super::{Job, Pipeline, Value};
use crate::finding::Code;
use crate::source::MemoryRepository;
use crate::text::RepositoryPath;

fn read(files: &[(&str, &str)]) -> Result<Pipeline, Code> {
    let repository = MemoryRepository::new(files.iter().copied());
    Pipeline::read(&repository, &RepositoryPath::new(".gitlab-ci.yml").unwrap()).map_err(|finding| finding.code)
}

fn pipeline(text: &str) -> Pipeline {
    read(&[(".gitlab-ci.yml", text)]).unwrap()
}

fn script(job: &Job) -> Vec<String> {
    job.script().into_iter().map(|item| item.text.map_or("null".to_owned(), |text| text.to_string())).collect()
}

fn job_script(text: &str, name: &str) -> Vec<String> {
    script(pipeline(text).job(name).unwrap())
}

#[test]
fn merge_keys_apply_where_they_stand() {
    let text = ".t: &t {script: theirs, stage: a}\n.u: &u {script: others}\nlast: {script: mine, <<: *t}\nfirst: {<<: *t, script: mine}\nboth:\n  <<: *t\n  <<: *u\nlist:\n  <<: [*t, *u]\n";
    assert_eq!(job_script(text, "last"), ["theirs"]);
    assert_eq!(job_script(text, "first"), ["mine"]);
    assert_eq!(job_script(text, "both"), ["others"]);
    assert_eq!(job_script(text, "list"), ["theirs"]);
    assert_eq!(&*pipeline(text).job("both").unwrap().stage(), "a");
}

#[test]
fn extends_merges_maps_and_replaces_lists() {
    let text = ".a: {script: [a], variables: {X: 1, Y: 1}}\n.b: {script: [b], variables: {Y: 2}}\njob: {extends: [.a, .b], variables: {Z: 3}}\n";
    let pipeline = pipeline(text);
    let job = pipeline.job("job").unwrap();
    assert_eq!(script(job), ["b"]);
    let values: Vec<_> = job.variables.names().map(|name| job.variables.value(name).unwrap()).collect();
    assert_eq!(values, ["1", "2", "3"]);
}

#[test]
fn null_deletes_what_was_inherited_and_an_empty_list_does_not() {
    let text = "default: {before_script: [default]}\n.t: {before_script: [template], script: [x]}\nnone: {extends: .t, before_script: null}\nempty: {extends: .t, before_script: []}\nplain: {script: [x], before_script: null}\n";
    assert_eq!(job_script(text, "none"), ["default", "x"]);
    assert_eq!(job_script(text, "empty"), ["x"]);
    assert_eq!(job_script(text, "plain"), ["default", "x"]);
}

#[test]
fn references_see_extended_jobs_and_lie_flat() {
    let text = ".base: {script: [a, b]}\n.node: {extends: .base}\njob:\n  script:\n    - !reference [.node, script]\n    - [c, [d]]\n";
    assert_eq!(job_script(text, "job"), ["a", "b", "c", "d"]);
    let circle = "a: {script: !reference [b, script]}\nb: {script: !reference [a, script]}\n";
    assert_eq!(read(&[(".gitlab-ci.yml", circle)]).err(), Some(Code::ReferenceUnresolved));
}

#[test]
fn legacy_globals_are_defaults_and_inherit_shuts_them_out() {
    let text = "image: top\nvariables: {A: 1, B: 2}\njob: {script: x}\nshut: {script: x, inherit: {default: false, variables: [B]}}\n";
    let pipeline = pipeline(text);
    assert_eq!(pipeline.job("job").unwrap().image().unwrap().name.as_deref(), Some("top"));
    let shut = pipeline.job("shut").unwrap();
    assert!(shut.image().is_none());
    assert_eq!(shut.variables.names().collect::<Vec<_>>(), ["B"]);
}

#[test]
fn scalars_are_those_of_psych() {
    let text = "variables: {V: 3.10, W: 0755, X: 1_000, Y: yes}\njob: {script: x, image: \"python:$V\"}\n";
    let pipeline = pipeline(text);
    let job = pipeline.job("job").unwrap();
    let values: Vec<_> = job.variables.names().map(|name| job.variables.value(name).unwrap()).collect();
    assert_eq!(values, ["3.1", "493", "1000", "true"]);
    assert_eq!(job.image().unwrap().name.as_deref(), Some("python:3.1"));
}

#[test]
fn variables_expand_through_one_another_and_stop_at_what_is_unknown() {
    let text = "variables: {A: a, B: \"$A-${A}\", C: \"$UNKNOWN\", D: {value: \"$A\", expand: false}, E: \"$$A\", F: \"$F\"}\njob: {script: x}\n";
    let pipeline = pipeline(text);
    let value = |name: &str| pipeline.job("job").unwrap().variables.value(name);
    assert_eq!(value("B").as_deref(), Some("a-a"));
    assert_eq!(value("C"), None);
    assert_eq!(value("D").as_deref(), Some("$A"));
    assert_eq!(value("E").as_deref(), Some("$A"));
    assert_eq!(value("F"), None);
}

#[test]
fn local_includes_merge_below_the_file_that_names_them() {
    let main = "include: ['ci/*.yml', /more.yml]\njob: {stage: mine}\n";
    let files = [
        (".gitlab-ci.yml", main),
        ("ci/a.yml", "job: {stage: theirs, script: [a]}\n"),
        ("ci/deep/b.yml", "other: {script: [b]}\n"),
        ("more.yml", "include: ci/deep/b.yml\n"),
    ];
    let pipeline = read(&files).unwrap();
    let job = pipeline.job("job").unwrap();
    assert_eq!((&*job.stage(), script(job)), ("mine", vec!["a".to_owned()]));
    assert_eq!(job.definitions.len(), 2);
    assert!(pipeline.job("other").is_some());
    assert!(pipeline.unread().is_empty());
}

#[test]
fn what_lies_elsewhere_is_noted_and_its_templates_are_passed_over() {
    let text = "include:\n  - {project: a/b, file: x.yml}\n  - https://example.com/x.yml\n  - {local: /gone.yml}\n  - {local: /a.yml, rules: [{if: $X}]}\njob: {extends: .theirs, script: [x]}\n";
    let pipeline = pipeline(text);
    assert_eq!(pipeline.unread().len(), 4);
    assert_eq!(script(pipeline.job("job").unwrap()), ["x"]);
}

#[test]
fn the_body_of_a_file_with_inputs_is_its_second_document() {
    let pipeline = pipeline("spec: {inputs: {x: {default: a}}}\n---\njob: {script: \"echo $[[ inputs.x ]]\"}\n");
    assert_eq!(script(pipeline.job("job").unwrap()), ["echo a"]);
}

#[test]
fn the_last_of_two_equal_keys_counts() {
    let pipeline = pipeline("job: {script: [a]}\njob: {script: [b]}\n");
    assert_eq!(script(pipeline.job("job").unwrap()), ["b"]);
    assert_eq!(pipeline.findings().first().map(|finding| finding.code), Some(Code::DuplicateKey));
}

#[test]
fn a_job_without_a_stage_is_a_test_and_hidden_keys_are_no_jobs() {
    let pipeline = pipeline("stages: [build, test]\n.hidden: {script: x}\njob: {script: x}\n");
    assert_eq!(pipeline.jobs().len(), 1);
    let job = pipeline.job("job").unwrap();
    assert_eq!((&*job.stage(), pipeline.stage_index(job)), ("test", Some(2)));
}

#[test]
fn a_comment_for_a_script_item_is_an_item_without_a_command() {
    assert_eq!(job_script("job:\n  script:\n    - # nothing\n    - x\n", "job"), ["null", "x"]);
}

#[test]
fn what_psych_refuses_is_refused() {
    let refused = [
        ("a: 2020-01-01\n", Code::YamlDate),
        ("a: &a [*a]\n", Code::YamlRecursiveAnchor),
        ("- a\n", Code::PipelineNotAMapping),
        ("", Code::PipelineEmpty),
        ("a: [\n", Code::YamlSyntax),
        ("a: {extends: a, script: x}\n", Code::ExtendsUnresolved),
        ("a: {extends: .gone, script: x}\n", Code::ExtendsUnresolved),
    ];
    for (text, code) in refused {
        assert_eq!(read(&[(".gitlab-ci.yml", text)]).err(), Some(code), "{text}");
    }
}

#[test]
fn aliases_that_multiply_are_stopped() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    assert_eq!(read(&[(".gitlab-ci.yml", &text)]).err(), Some(Code::YamlAliasesTooMany));
}

#[test]
fn needs_are_read_in_both_forms() {
    let pipeline =
        pipeline("job:\n  script: x\n  needs: [a, {job: b, artifacts: false, optional: true}, {project: p, job: c}]\n");
    let needs = pipeline.job("job").unwrap().needs().unwrap();
    assert!(needs[0].is_job("a") && needs[0].artifacts && !needs[0].optional);
    assert!(needs[1].is_job("b") && !needs[1].artifacts && needs[1].optional);
    assert!(!needs[2].is_job("c"));
}

#[test]
fn values_are_compared_by_what_they_say() {
    let pipeline = pipeline("a: {x: {p: 1, q: [a]}}\nb: {x: {q: [a], p: 1}}\nc: {x: {q: [b], p: 1}}\n");
    let value = |name: &str| pipeline.job(name).unwrap().get("x").unwrap().clone();
    assert!(Value::same(&value("a"), &value("b")));
    assert!(!Value::same(&value("a"), &value("c")));
}
