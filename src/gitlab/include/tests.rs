//! What a pipeline takes in, case by case (GitLab docs: ci/yaml/includes, ci/inputs).

use crate::finding::Code;
use crate::gitlab::{Job, Known, Pipeline, Value};
use crate::source::MemoryRepository;
use crate::text::RepositoryPath;

const MAIN: &str = ".gitlab-ci.yml";

fn of(repository: &MemoryRepository) -> Result<Pipeline, Code> {
    Pipeline::read(repository, &RepositoryPath::new(MAIN).unwrap()).map_err(|finding| finding.code)
}

fn read(files: &[(&str, &str)]) -> Pipeline {
    of(&MemoryRepository::new(files.iter().copied())).unwrap()
}

fn image(pipeline: &Pipeline, job: &str) -> String {
    pipeline.job(job).and_then(Job::image).map_or_else(String::new, |image| image.written.to_string())
}

fn names(pipeline: &Pipeline) -> Vec<&str> {
    pipeline.jobs().iter().map(|job| &*job.name).collect()
}

#[test]
fn nested_files_come_first_and_the_pipeline_file_last() {
    let files = [
        (MAIN, "include: [a.yml, b.yml]\njob: {script: x}\n"),
        ("a.yml", "include: c.yml\njob: {image: a, stage: build}\n"),
        ("b.yml", "job: {stage: deploy}\n"),
        ("c.yml", "job: {image: c, tags: [c]}\n"),
    ];
    let pipeline = read(&files);
    let job = pipeline.job("job").unwrap();
    assert_eq!((image(&pipeline, "job").as_str(), &*job.stage(), job.tags().len()), ("a", "deploy", 1));
    let paths: Vec<_> = pipeline.files().iter().map(|file| file.source.path().as_str()).collect();
    assert_eq!(paths, [MAIN, "a.yml", "c.yml", "b.yml"]);
}

#[test]
fn a_file_that_is_taken_in_twice_is_one_place() {
    let files = [(MAIN, "include: [a.yml, b.yml]\n"), ("a.yml", "job: {script: x}\n"), ("b.yml", "include: a.yml\n")];
    assert_eq!(read(&files).job("job").unwrap().definitions.len(), 1);
}

#[test]
fn a_file_that_takes_itself_in_is_no_pipeline() {
    let repository = MemoryRepository::new([(MAIN, "include: a.yml\n"), ("a.yml", "include: /.gitlab-ci.yml\n")]);
    assert_eq!(of(&repository).err(), Some(Code::FileUnreadable));
}

#[test]
fn files_beyond_the_limit_are_not_read() {
    let names: Vec<_> = (0..200).map(|number| format!("ci/{number}.yml")).collect();
    let files = names.iter().map(|name| (name.as_str(), "x: {script: x}\n"));
    let pipeline = of(&MemoryRepository::new(files.chain([(MAIN, "include: ci/*.yml\n")]))).unwrap();
    assert_eq!(pipeline.files().len(), 151);
    assert_eq!(pipeline.unread().len(), 50);
}

#[test]
fn rules_are_decided_by_the_files_where_they_can_be() {
    let include = |rules: &str| format!("include:\n  - {{local: a.yml, rules: [{rules}]}}\njob: {{script: x}}\n");
    let cases = [
        ("{exists: [package.json]}", true, 0),
        ("{exists: ['**/*.js']}", true, 0),
        ("{exists: [pom.xml]}", false, 0),
        ("{exists: [package.json], when: never}", false, 0),
        ("{exists: [pom.xml], if: $X}, {when: always}", true, 0),
        ("{if: $X}", true, 1),
        ("{if: $X, when: never}, {when: never}", false, 0),
        ("{changes: [src/*]}", true, 1),
        ("{exists: {paths: [pom.xml]}}", false, 0),
        ("{exists: {paths: [pom.xml], project: a/b}}", true, 1),
        ("{exists: ['$FILE']}", true, 1),
    ];
    for (rules, is_taken, open) in cases {
        let main = include(rules);
        let files = [(MAIN, main.as_str()), ("a.yml", "a: {script: x}\n"), ("package.json", ""), ("src/a.js", "")];
        let pipeline = read(&files);
        assert_eq!(pipeline.job("a").is_some(), is_taken, "{rules}");
        assert_eq!(pipeline.conditional().len(), open, "{rules}");
    }
}

#[test]
fn an_open_include_says_what_it_changes_and_what_it_adds() {
    let main = "include:\n  - {local: a.yml, rules: [{if: $X}]}\njob: {script: x}\nother: {script: x, image: o}\n";
    let changes = |text: &str| {
        let pipeline = read(&[(MAIN, main), ("a.yml", text)]);
        let include = &pipeline.conditional()[0];
        let words = |names: &[std::rc::Rc<str>]| names.join(" ");
        (words(&include.changes), words(&include.adds))
    };
    let told = |changes: &str, adds: &str| (changes.to_owned(), adds.to_owned());
    assert_eq!(changes("more: {script: x}\n"), told("", "more"));
    assert_eq!(changes("image: i\n"), told("job", ""));
    assert_eq!(changes("variables: {A: b}\n"), told("job other", ""));
    assert_eq!(changes("stages: [a]\n"), told("stages", ""));
    assert_eq!(changes("job: {script: y}\n"), told("", ""), "the pipeline file has the last word");
}

#[test]
fn what_is_not_here_says_what_is_known_of_it() {
    let text = "include:\n  - template: Jobs/SAST.gitlab-ci.yml\n  - template: Pages/Hugo.gitlab-ci.yml\n  - gone.yml\n  - local: $DIR/x.yml\n  - {project: a/b, file: [x.yml, y.yml]}\njob: {script: x}\n";
    let pipeline = read(&[(MAIN, text)]);
    let known: Vec<_> = pipeline.unread().iter().map(|unread| unread.known).collect();
    assert!(matches!(known[..2], [Known::Template(_), Known::Nothing]));
    assert!(matches!(known[2], Known::Broken));
    assert_eq!(known[3..].iter().filter(|known| matches!(known, Known::Nothing)).count(), 3);
}

#[test]
fn files_of_elsewhere_are_read_and_never_edited() {
    let main = "include: {project: a/b, file: x.yml}\njob: {script: x}\n";
    let repository = MemoryRepository::new([(MAIN, main)]).with_foreign([
        ("project/a/b/HEAD/x.yml", "include: /y.yml\ntheirs: {script: x}\n"),
        ("project/a/b/HEAD/y.yml", "more: {script: x}\n"),
    ]);
    let pipeline = of(&repository).unwrap();
    assert_eq!(names(&pipeline), ["more", "theirs", "job"]);
    let editable: Vec<_> = pipeline.files().iter().map(|file| file.is_editable()).collect();
    assert_eq!(editable, [true, false, false]);
    assert!(pipeline.unread().is_empty());
}

#[test]
fn inputs_are_filled_in_where_they_stand() {
    let main = "include:\n  - local: a.yml\n    inputs: {name: web, tags: [x, y], retry: 2}\n";
    let spec = "spec:\n  inputs: {name: , tags: {type: array}, retry: {type: number}, image: {default: node}}\n---\n";
    let body = "'build-$[[ inputs.name ]]':\n  image: $[[ inputs.image ]]:$[[inputs.retry]]\n  tags: $[[ inputs.tags ]]\n  retry: $[[ inputs.retry ]]\n  script: [\"echo $[[ inputs.name | truncate(0,1) ]]\"]\n";
    let pipeline = read(&[(MAIN, main), ("a.yml", &format!("{spec}{body}"))]);
    let job = pipeline.job("build-web").unwrap();
    assert_eq!(image(&pipeline, "build-web"), "node:2");
    assert_eq!(job.tags().len(), 2);
    assert_eq!(job.get("retry").and_then(Value::text).as_deref(), Some("2"));
    assert_eq!(job.script()[0].text.as_deref(), Some("echo w"));
    assert_eq!(job.definitions.len(), 1);
}

#[test]
fn what_cannot_be_filled_in_stays_as_it_is_written() {
    let main = "include:\n  - local: a.yml\n    inputs: {x: \"a\\nb: c\", quote: 'say \"x\"'}\n";
    let spec = "spec:\n  inputs: {x: , quote: , other: {default: '$V'}}\n---\n";
    let body = "job:\n  script:\n    - $[[ inputs.x ]]\n    - \"$[[ inputs.quote ]]\"\n    - echo $[[ inputs.other | expand_vars ]]\n    - echo $[[ inputs.unknown ]]\n    - echo $[[ matrix.A ]] $[[\n";
    let pipeline = read(&[(MAIN, main), ("a.yml", &format!("{spec}{body}"))]);
    let texts = pipeline.job("job").unwrap().script();
    assert_eq!(texts.iter().filter(|item| item.text.as_ref().is_some_and(|text| text.contains("$[["))).count(), 5);
}

#[test]
fn without_a_header_nothing_is_filled_in() {
    let pipeline = read(&[(MAIN, "job: {script: ['echo $[[ inputs.x ]]']}\n")]);
    assert_eq!(pipeline.job("job").unwrap().script()[0].text.as_deref(), Some("echo $[[ inputs.x ]]"));
}

#[test]
fn an_input_without_a_value_is_missing_but_in_the_pipeline_file() {
    let spec = "spec: {inputs: {x: }}\n---\njob: {script: \"$[[ inputs.x ]]\"}\n";
    let repository = MemoryRepository::new([(MAIN, "include: a.yml\n"), ("a.yml", spec)]);
    assert_eq!(of(&repository).err(), Some(Code::InputMissing));
    assert!(read(&[(MAIN, spec)]).job("job").is_some());
}

#[test]
fn the_merged_pipeline_fills_what_the_files_lack_and_keeps_their_places() {
    let main = "include: {project: a/b, file: x.yml}\nstages: [build]\njob:\n  extends: .theirs\n  stage: build\n  script: [x]\n";
    let merged = "stages: [.pre, build, .post]\nvariables: {MODE: fast}\n.theirs: {image: i, variables: {A: b}}\njob: {image: i, variables: {A: b}, extends: .theirs, stage: build, script: [x]}\nmore: {script: [y]}\n";
    let repository = MemoryRepository::new([(MAIN, main)]).with_merged(merged);
    let pipeline = of(&repository).unwrap();
    assert_eq!(names(&pipeline), ["job", "more"]);
    let job = pipeline.job("job").unwrap();
    assert_eq!(image(&pipeline, "job"), "i");
    assert_eq!(job.variables.names().collect::<Vec<_>>(), ["A", "MODE"]);
    assert_eq!(pipeline.location(job.get("script").unwrap().origin).path().as_str(), MAIN);
    assert!(pipeline.unread().is_empty() && pipeline.disputes().is_empty());
}

#[test]
fn the_merged_pipeline_disputes_what_it_says_otherwise() {
    let main = "job: {script: [x], stage: build}\ngone: {script: [x]}\n";
    let repository = MemoryRepository::new([(MAIN, main)]).with_merged("job: {script: [y], stage: build}\n");
    let pipeline = of(&repository).unwrap();
    let told: Vec<_> = pipeline.disputes().iter().map(|dispute| (&*dispute.job, dispute.keyword.as_deref())).collect();
    assert_eq!(told, [("job", Some("script")), ("gone", None)]);
}
