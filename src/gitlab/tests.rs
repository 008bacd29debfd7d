//! How pipelines resolve, case by case (semantics: GitLab's `lib/gitlab/ci/config`, and Psych).

use super::{Job, Pipeline, Value};
use crate::finding::Code;
use crate::source::MemoryRepository;
use crate::text::RepositoryPath;

pub(super) fn read(files: &[(&str, &str)]) -> Result<Pipeline, Code> {
    let repository = MemoryRepository::new(files.iter().copied());
    Pipeline::read(&repository, &RepositoryPath::new(".gitlab-ci.yml").unwrap()).map_err(|finding| finding.code)
}

pub(super) fn pipeline(text: &str) -> Pipeline {
    read(&[(".gitlab-ci.yml", text)]).unwrap()
}

pub(super) fn script(job: &Job) -> Vec<String> {
    job.script().into_iter().map(|item| item.text.map_or("null".to_owned(), |text| text.to_string())).collect()
}

pub(super) fn job_script(text: &str, name: &str) -> Vec<String> {
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
fn a_quoted_merge_key_merges_and_one_with_a_tag_or_a_list_behind_an_alias_does_not() {
    let keys = |job: &str| {
        let pipeline = pipeline(&format!(".t: &t {{stage: a}}\n.l: &l [*t]\njob: {{script: x, {job}}}\n"));
        let job = pipeline.job("job").unwrap();
        job.fields.fields().iter().map(|field| field.key.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(keys("\"<<\": *t"), ["script", "stage"]);
    assert_eq!(keys("'<<': [*t]"), ["script", "stage"]);
    assert_eq!(keys("<<: []"), ["script"]);
    for unusual in ["!!str <<: *t", "<<: *l", "<<: [*t, text]", "<<: ~", "<<: text"] {
        assert_eq!(keys(unusual), ["script", "<<"], "{unusual}");
    }
}

#[test]
fn a_merge_is_shallow_and_an_extension_is_deep() {
    let text = ".t: &t {variables: {A: 1}, script: x}\nmerged: {<<: *t, variables: {B: 2}}\nextended: {extends: .t, variables: {B: 2}}\n";
    let names = |name: &str| pipeline(text).job(name).unwrap().variables.names().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(names("merged"), ["B"]);
    assert_eq!(names("extended"), ["A", "B"]);
}

#[test]
fn an_alias_follows_the_latest_anchor_of_its_name_before_it() {
    let text = ".a: &x [one]\nfirst: {script: *x}\n.b: &x [two]\nsecond: {script: *x}\n";
    assert_eq!(job_script(text, "first"), ["one"]);
    assert_eq!(job_script(text, "second"), ["two"]);
}

#[test]
fn a_key_that_psych_reads_as_something_else_is_found_under_what_it_reads() {
    let pipeline = pipeline("variables: {on: 1, 0755: 2, 3.10: 3, 12:30: 4}\njob: {script: x}\n");
    let names: Vec<_> = pipeline.job("job").unwrap().variables.names().map(str::to_owned).collect();
    assert_eq!(names, ["3.1", "45000", "493", "true"]);
}

#[test]
fn parents_merge_from_left_to_right_and_a_shared_one_twice() {
    let text = ".root: {image: root, script: [root], stage: a}\n.left: {extends: .root, image: left}\n.right: {extends: .root, script: [right]}\njob: {extends: [.left, .right]}\n";
    let pipeline = pipeline(text);
    let job = pipeline.job("job").unwrap();
    // The right parent brings the image of their common parent along.
    assert_eq!(job.image().unwrap().written.as_ref(), "root");
    assert_eq!((script(job), &*job.stage()), (vec!["right".to_owned()], "a"));
}

#[test]
fn a_null_of_a_parent_is_inherited_like_any_other_value() {
    let text = "default: {image: default}\n.a: {image: a, script: x}\n.b: {extends: .a, image: null}\nlist: {extends: [.a, .b]}\nback: {extends: [.b, .a]}\n";
    let pipeline = pipeline(text);
    let image = |name: &str| pipeline.job(name).unwrap().image().unwrap().written;
    assert_eq!(&*image("list"), "default");
    assert_eq!(&*image("back"), "a");
}

#[test]
fn a_null_within_a_mapping_takes_the_place_of_what_was_inherited() {
    let text = ".t: {variables: {A: 1, B: 2}, artifacts: {paths: [x], expire_in: 1 day}, script: x}\njob: {extends: .t, variables: {A: null}, artifacts: {paths: null}}\nall: {extends: .t, variables: null}\nkept: {extends: .t, variables: {}}\n";
    let pipeline = pipeline(text);
    let job = pipeline.job("job").unwrap();
    assert_eq!((job.variables.value("A").as_deref(), job.variables.value("B").as_deref()), (Some(""), Some("2")));
    assert!(job.artifacts().paths.is_empty());
    assert_eq!(pipeline.job("all").unwrap().variables.names().count(), 0);
    assert_eq!(pipeline.job("kept").unwrap().variables.names().count(), 2);
}

/// Jobs that extend one another, `count` of them with `extends`, below one without.
fn chain(count: usize) -> String {
    let job = |level: usize| format!(".j{level}: {{extends: .j{}}}\n", level - 1);
    let levels: String = (1..count).map(job).collect();
    format!(".j0: {{script: [deep]}}\n{levels}job: {{extends: .j{}}}\n", count - 1)
}

#[test]
fn a_job_has_ten_ancestors_that_extend_and_no_more() {
    assert_eq!(job_script(&chain(11), "job"), ["deep"]);
    assert_eq!(read(&[(".gitlab-ci.yml", &chain(12))]).err(), Some(Code::ExtendsUnresolved));
}

#[test]
fn parents_that_multiply_are_merged_once() {
    let level =
        |level: usize| format!(".j{level}: {{extends: [{}]}}\n", vec![format!(".j{}", level - 1); 30].join(", "));
    let levels: String = (1..10).map(level).collect();
    assert_eq!(job_script(&format!(".j0: {{script: [x]}}\n{levels}job: {{extends: .j9}}\n"), "job"), ["x"]);
}

#[test]
fn a_parent_must_be_a_mapping() {
    let refused = |text: &str| read(&[(".gitlab-ci.yml", text)]).err();
    assert_eq!(refused(".t: [a]\njob: {extends: .t, script: x}\n"), Some(Code::ExtendsUnresolved));
    assert_eq!(refused("job: {extends: [], script: x}\n"), None);
    assert_eq!(refused("job: {extends: null, script: x}\n"), None);
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
fn a_legacy_global_stands_where_the_default_is_null() {
    let text = "image: top\ndefault: {image: null}\ncache: {paths: [x]}\njob: {script: x, cache: {}}\n";
    let pipeline = pipeline(text);
    let job = pipeline.job("job").unwrap();
    assert_eq!(&*job.image().unwrap().written, "top");
    assert!(job.caches().iter().all(|cache| cache.paths.is_empty()));
}

#[test]
fn inherit_takes_booleans_and_lists() {
    let job = |inherit: &str| {
        let text = format!(
            "default: {{image: i, tags: [t]}}\nvariables: {{A: 1, B: 2}}\njob: {{script: x, inherit: {inherit}}}\n"
        );
        let pipeline = pipeline(&text);
        let job = pipeline.job("job").unwrap().clone();
        (job.image().is_some(), job.tags().len(), job.variables.names().map(str::to_owned).collect::<Vec<_>>().join(""))
    };
    assert_eq!(job("{default: [image]}"), (true, 0, "AB".to_owned()));
    assert_eq!(job("{default: true, variables: false}"), (true, 1, String::new()));
    assert_eq!(job("{default: no, variables: yes}"), (false, 0, "AB".to_owned()));
    assert_eq!(job("{variables: [B, C]}"), (true, 1, "B".to_owned()));
    assert_eq!(job("{}"), (true, 1, "AB".to_owned()));
}

#[test]
fn what_a_rule_may_set_has_no_certain_value() {
    let text = "workflow: {rules: [{if: $X, variables: {W: w, J: j, N: n}}, {when: never, variables: {K: k}}]}\nvariables: {W: top, K: top, C: \"$W\"}\njob: {script: x, variables: {J: own, R: own}, rules: [{if: $Y, variables: {R: r}}]}\nshut: {script: x, inherit: {variables: [K]}}\n";
    let pipeline = pipeline(text);
    let variables = &pipeline.job("job").unwrap().variables;
    let certain: Vec<_> = variables.names().filter(|name| variables.value(name).is_some()).collect();
    assert_eq!(certain, ["J", "K"]);
    assert_eq!(variables.names().collect::<Vec<_>>(), ["C", "J", "K", "N", "R", "W"]);
    assert_eq!(variables.expand("$J-$W"), None);
    assert!(variables.is_conditional("W") && !variables.is_conditional("C") && !variables.is_conditional("Z"));
    assert_eq!(pipeline.job("shut").unwrap().variables.names().collect::<Vec<_>>(), ["K"]);
}

#[test]
fn types_is_a_job_where_it_is_a_mapping_and_lists_stages_where_it_is_a_list() {
    assert_eq!(job_script("types: {script: x}\n", "types"), ["x"]);
    assert_eq!(pipeline("types: [one]\njob: {script: x}\n").stages().len(), 3);
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
fn a_script_item_that_yaml_makes_a_mapping_of_is_odd() {
    let items = pipeline("job:\n  script:\n    - echo version: 1\n    - # nothing\n    - 'echo version: 1'\n")
        .job("job")
        .unwrap()
        .script();
    assert_eq!(items.iter().map(|item| item.is_odd).collect::<Vec<_>>(), [true, false, false]);
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
