//! Whole proofs, with a real git and an engine that only records.

mod recorded;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::checkout::Origin;
use super::outcome::{Proof, ProofVerdict, Way};
use super::run::{Proving, Request, clone_and_prove};
use super::scratch::Scratch;
use super::{Reason, Weight};
use crate::outcome::Policy;
use crate::process::{Interrupt, Trouble};
use crate::repo::Elsewhere;
use crate::text::RepositoryPath;
use recorded::{Recorded, Script};

const PIPELINE: &str = "\
stages: [build, image]
build:
  stage: build
  image: node:20
  script:
    - npm run build
  artifacts:
    paths: [dist]
package:
  stage: image
  image: docker:27
  script:
    - docker login -u x registry
    - docker build --build-arg VERSION -t $CI_REGISTRY_IMAGE .
    - docker push $CI_REGISTRY_IMAGE
";
const DOCKERFILE: &str = "FROM alpine\nARG VERSION\nCOPY dist /dist\n";
const BUILD: &[&str] = &["docker", "build", "--build-arg", "VERSION", "-t", "registry/shop", "."];

/// A repository with these files, committed.
fn repository(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("shop");
    for (path, text) in files {
        let place = root.join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, text).unwrap();
    }
    git(&root, &["init", "--quiet", "--initial-branch=main"]);
    commit(&root);
    folder
}

fn commit(root: &Path) {
    git(root, &["add", "--all"]);
    git(root, &["-c", "user.name=t", "-c", "user.email=t@t", "commit", "--quiet", "--message", "x"]);
}

fn git(root: &Path, arguments: &[&str]) {
    assert!(Command::new("git").current_dir(root).args(arguments).status().unwrap().success(), "{arguments:?}");
}

fn request(folder: &tempfile::TempDir) -> Request {
    Request {
        root: folder.path().join("shop"),
        pipeline: RepositoryPath::new(".gitlab-ci.yml").unwrap(),
        policy: Policy::default(),
        elsewhere: Elsewhere::default(),
        engine: None,
        before: None,
        variables: BTreeMap::from([("VERSION".to_owned(), "7".to_owned())]),
        has_network: false,
        rebuilds: false,
        keeps_images: None,
    }
}

/// What comes of a request with this engine.
fn proving(request: &Request, engine: &Recorded) -> Result<Proving, Trouble> {
    let (scratch, interrupt) = (Scratch::new().unwrap(), Interrupt::default());
    let origin = Origin { root: &request.root, scratch: &scratch, interrupt: &interrupt };
    let said = RefCell::new(Vec::new());
    let progress = |line: &str| said.borrow_mut().push(line.to_owned());
    let done = clone_and_prove(request, &crate::fold, &progress, &origin, engine);
    assert!(engine.containers.borrow().is_empty(), "containers are left: {:?}", said.borrow());
    scratch.close(false);
    done
}

fn proof(request: &Request, engine: &Recorded) -> Proof {
    match proving(request, engine) {
        Ok(Proving::Proven(proof, _)) => proof,
        other => panic!("{other:?}"),
    }
}

fn engine(images: &[&'static str]) -> Recorded {
    let build = Script { makes: vec![("builds/group/shop/dist/app.js", "made")], ..Script::default() };
    let image = Script { calls: vec![BUILD.to_vec()], ..Script::default() };
    let scripts = BTreeMap::from([("node:20", build), ("docker:27", image)]);
    Recorded { scripts, images: images.to_vec(), ..Recorded::default() }
}

#[test]
fn both_ways_end_in_the_same_build_with_other_files() {
    let folder = repository(&[(".gitlab-ci.yml", PIPELINE), ("Dockerfile", DOCKERFILE), ("package.json", "{}")]);
    let engine = engine(&["same"]);
    let proof = proof(&request(&folder), &engine);
    assert_eq!(proof.verdict(), Some(ProofVerdict::Same));
    let image = &proof.images[0];
    assert_eq!((image.job.as_str(), image.tags.as_slice()), ("package", ["registry/shop".to_owned()].as_slice()));
    assert!(image.before.is_some() && image.after.is_some() && image.failure.is_none());
    let asked = engine.asked.borrow();
    let [old, new] = asked.as_slice() else { panic!("{} builds", asked.len()) };
    assert!(old.context.contains(&"dist".to_owned()) && !new.context.contains(&"dist".to_owned()));
    assert!(!old.dockerfile.contains("builder") && new.dockerfile.contains("COPY --from=builder"));
    for asked in [old, new] {
        assert_eq!(asked.build.arguments, [("VERSION".to_owned(), "7".to_owned())]);
        assert!(!asked.build.is_cached);
    }
    let has_network: Vec<_> = engine.specs.borrow().iter().map(|spec| (spec.image.clone(), spec.has_network)).collect();
    let expected = [("node:20", true), ("docker:27", false), ("docker:27", false)];
    assert_eq!(has_network, expected.map(|(image, has)| (image.to_owned(), has)));
}

#[test]
fn what_differs_is_looked_for_in_a_second_build_of_the_old_way() {
    let folder = repository(&[(".gitlab-ci.yml", PIPELINE), ("Dockerfile", DOCKERFILE)]);
    let proof_of = |images: &[&'static str]| proof(&request(&folder), &engine(images));
    let by_chance = proof_of(&["one", "two", "three"]);
    assert_eq!(by_chance.verdict(), Some(ProofVerdict::SameButFor));
    assert_eq!(by_chance.images[0].comparison.differences[0].weight, Weight::Harmless(Reason::NotReproducible));
    let by_the_fold = proof_of(&["one", "two", "one"]);
    assert_eq!(by_the_fold.verdict(), Some(ProofVerdict::Different));
}

#[test]
fn what_does_not_build_before_is_said_and_what_does_not_after_is_different() {
    let folder = repository(&[(".gitlab-ci.yml", PIPELINE), ("Dockerfile", DOCKERFILE)]);
    let mut failing = engine(&["x"]);
    failing.scripts.get_mut("node:20").unwrap().status = 2;
    let before = proof(&request(&folder), &failing);
    let failure = before.images[0].failure.as_ref().unwrap();
    assert_eq!(before.verdict(), Some(ProofVerdict::CannotBuildBefore));
    assert_eq!((failure.way, failure.what.as_str()), (Way::Old, "job 'build' ended with exit status 2"));
    let mut breaking = engine(&["x"]);
    breaking.breaking = vec!["AS builder"];
    let after = proof(&request(&folder), &breaking);
    let failure = after.images[0].failure.as_ref().unwrap();
    assert_eq!(after.verdict(), Some(ProofVerdict::Different));
    assert_eq!((failure.way, failure.what.as_str()), (Way::New, "the image of Dockerfile does not build"));
}

#[test]
fn a_line_that_fails_in_front_of_the_build_is_told() {
    let folder = repository(&[(".gitlab-ci.yml", PIPELINE), ("Dockerfile", DOCKERFILE)]);
    let mut engine = engine(&["x"]);
    *engine.scripts.get_mut("docker:27").unwrap() = Script { status: 127, ..Script::default() };
    let proof = proof(&request(&folder), &engine);
    let failure = proof.images[0].failure.clone().unwrap();
    let expected = "job 'package' ended with exit status 127 in front of its build; its lines have no network without --with-network";
    assert_eq!(failure.what, expected);
}

#[test]
fn files_of_a_first_image_are_copied_out_by_answers() {
    let pipeline = "\
package:
  image: docker:27
  script:
    - docker build -t first -f Dockerfile.build .
    - docker create --name x first
    - docker cp x:/out/dist dist
    - docker rm x
    - docker build -t shop .
";
    let files = [
        (".gitlab-ci.yml", pipeline),
        ("Dockerfile.build", "FROM node:20\nWORKDIR /out\nCOPY . .\nRUN npm run build\n"),
        ("Dockerfile", "FROM alpine\nCOPY dist /dist\n"),
        ("package.json", "{}"),
    ];
    let folder = repository(&files);
    let first = ["docker", "build", "-t", "first", "-f", "Dockerfile.build", "."].to_vec();
    let second = ["docker", "build", "-t", "shop", "."].to_vec();
    let between =
        [["docker", "create", "--name", "x", "first"].to_vec(), ["docker", "cp", "x:/out/dist", "dist"].to_vec()];
    let calls =
        [first, between[0].clone(), between[1].clone(), ["docker", "rm", "x"].to_vec(), second.clone()].to_vec();
    let image = Script { calls, ..Script::default() };
    let engine =
        Recorded { scripts: BTreeMap::from([("docker:27", image)]), images: vec!["same"], ..Recorded::default() };
    let old = Recorded { scripts: engine.scripts.clone(), images: vec!["same"], ..Recorded::default() };
    // The new way has one build, so its recording would be another one: what is looked at is the old way.
    let _ = proving(&request(&folder), &old);
    let asked = old.asked.borrow();
    assert_eq!(asked[0].build.dockerfile.file_name().unwrap(), "Dockerfile.build");
    assert!(!asked[0].context.contains(&"dist".to_owned()));
    assert_eq!(asked[1].build.dockerfile.file_name().unwrap(), "Dockerfile");
    assert!(asked[1].context.contains(&"dist".to_owned()), "{:?}", asked[1].context);
    assert!(old.specs.borrow().iter().any(|spec| spec.image.starts_with("stagefold-prove/")));
}

#[test]
fn a_variable_that_nobody_defines_is_asked_for_by_name() {
    let pipeline = PIPELINE.replace("npm run build", "TOKEN=$NPM_TOKEN OTHER=$OF_IMAGE npm run build");
    let folder = repository(&[(".gitlab-ci.yml", &pipeline), ("Dockerfile", DOCKERFILE)]);
    let mut request = request(&folder);
    request.variables.clear();
    request.policy.passed.insert("NPM_TOKEN".to_owned(), crate::outcome::Pass::Argument);
    request.policy.passed.insert("OF_IMAGE".to_owned(), crate::outcome::Pass::Argument);
    match proving(&request, &engine(&["x"])) {
        Err(Trouble::Error(message)) => assert!(message.starts_with("the jobs read NPM_TOKEN, VERSION,"), "{message}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_commit_is_proven_against_an_earlier_one_without_a_fold() {
    let folder = repository(&[(".gitlab-ci.yml", PIPELINE), ("Dockerfile", DOCKERFILE)]);
    let root = folder.path().join("shop");
    let by_hand = PIPELINE.replace("  artifacts:\n    paths: [dist]\n", "");
    fs::write(root.join(".gitlab-ci.yml"), by_hand).unwrap();
    fs::write(root.join("Dockerfile"), "FROM node:20 AS own\nFROM alpine\nCOPY --from=own /dist /dist\n").unwrap();
    commit(&root);
    let (mut request, engine) = (request(&folder), engine(&["same"]));
    request.before = Some("HEAD~1".to_owned());
    assert_eq!(proof(&request, &engine).verdict(), Some(ProofVerdict::Same));
    let asked = engine.asked.borrow();
    assert!(asked[0].dockerfile.contains("COPY dist") && asked[1].dockerfile.contains("--from=own"));
}

#[test]
fn a_folder_that_is_no_repository_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut request = request(&folder);
    request.root = folder.path().to_owned();
    let (scratch, interrupt) = (Scratch::new().unwrap(), Interrupt::default());
    let origin = Origin { root: &request.root, scratch: &scratch, interrupt: &interrupt };
    assert!(origin.check().unwrap_err().to_string().contains("is not under version control"));
}
