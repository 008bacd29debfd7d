//! Where references lead, case by case.

use crate::finding::Code;
use crate::gitlab::Value;
use crate::gitlab::tests::{job_script, pipeline, read, script};

#[test]
fn references_see_extended_jobs_and_lie_flat() {
    let text = ".base: {script: [a, b]}\n.node: {extends: .base}\njob:\n  script:\n    - !reference [.node, script]\n    - [c, [d]]\n";
    assert_eq!(job_script(text, "job"), ["a", "b", "c", "d"]);
    let circle = "a: {script: !reference [b, script]}\nb: {script: !reference [a, script]}\n";
    assert_eq!(read(&[(".gitlab-ci.yml", circle)]).err(), Some(Code::ReferenceUnresolved));
}

#[test]
fn references_stand_anywhere_and_name_anything() {
    let text = "stages: [!reference [.names, stages]]\nvariables: {V: !reference [.vars, V], W: !reference [variables, V]}\ndefault: {image: !reference [.vars, image]}\n.names: {stages: [one, two]}\n.vars: {V: v, image: i, rules: [{if: $A}, {if: $B}]}\n.lines: [a, b]\n.whole: {X: 1}\njob:\n  variables: !reference [.whole]\n  stage: two\n  script: [!reference [.lines], [c, [!reference [other, script]]]]\n  rules: [!reference [.vars, rules], {if: $C}]\nother: {script: d}\n";
    let pipeline = pipeline(text);
    let job = pipeline.job("job").unwrap();
    assert_eq!(script(job), ["a", "b", "c", "d"]);
    assert_eq!(&*job.image().unwrap().written, "i");
    let value = |name: &str| job.variables.value(name);
    assert_eq!(
        (value("V").as_deref(), value("W").as_deref(), value("X").as_deref()),
        (Some("v"), Some("v"), Some("1"))
    );
    assert_eq!(job.get("rules").map(Value::one_or_many).map(<[Value]>::len), Some(3));
}

#[test]
fn references_lead_to_one_another_as_far_as_they_go() {
    let level = |level: usize| format!(".j{level}: {{script: [!reference [.j{}, script], l{level}]}}\n", level - 1);
    let levels: String = (1..40).map(level).collect();
    let text = format!(".j0: {{script: [l0]}}\n{levels}job: {{script: !reference [.j39, script]}}\n");
    let expected: Vec<_> = (0..40).map(|level| format!("l{level}")).collect();
    assert_eq!(job_script(&text, "job"), expected);
}

#[test]
fn references_that_lead_nowhere_or_to_too_much_are_refused() {
    let level = |level: usize| {
        let references = vec![format!("!reference [.j{}, script]", level - 1); 20].join(", ");
        format!(".j{level}: {{script: [{references}]}}\n")
    };
    let bomb: String = (1..9).map(level).collect();
    let bomb = format!(".j0: {{script: [x]}}\n{bomb}job: {{script: !reference [.j8, script]}}\n");
    let refused = |text: &str| read(&[(".gitlab-ci.yml", text)]).err();
    for text in [
        &bomb,
        "job: {script: !reference [.gone, script]}\n",
        ".t: {script: null}\njob: {script: !reference [.t, script]}\n",
        "job: {script: [!reference [job, script]]}\n",
        "job: {script: !reference []}\n",
    ] {
        assert_eq!(refused(text), Some(Code::ReferenceUnresolved), "{}", text.get(..60).unwrap_or(text));
    }
}
