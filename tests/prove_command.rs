//! `stagefold prove` as it is started, with a `docker` that is a shell script: what is told, the exit status, and that nothing is
//! left behind. A real engine is the rig's matter.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where something is not as it must be")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

const PIPELINE: &str = "\
stages: [build, package]
build:
  stage: build
  image: node:20
  script: [npm run build]
  artifacts: {paths: [dist]}
package:
  stage: package
  image: docker:27
  script: [docker build -t shop .]
";

/// Notes what it is asked for in `calls`, and keeps a file for each container and image in `there`. A job ends with the status in
/// `status`, once the file `wait` is gone.
const DOCKER: &str = r#"#!/bin/sh
state=$STAGEFOLD_TEST_STATE
echo "$*" >>"$state/calls"
plain() { echo "$1" | tr '/:' '__'; }
case $1 in
  version) echo 99.0 ;;
  buildx) exit 1 ;;
  images) ;;
  image)
    case $2 in
      inspect)
        [ -e "$state/there/$(plain "$3")" ] || { echo "No such image: $3" >&2; exit 1; }
        echo '[{"Config":{"Env":["PATH=/bin"]}}]'
        ;;
      rm) rm -f "$state/there/$(plain "$3")" ;;
    esac
    ;;
  pull) : >"$state/there/$(plain "$2")" ;;
  create) : >"$state/there/$3" ; echo "$3" ;;
  cp) cat >/dev/null ;;
  start) while [ -e "$state/wait" ]; do sleep 0.05; done ;;
  inspect) echo "$(cat "$state/status") " ;;
  ps) ls "$state/there" | grep stagefold-prove ;;
  rm) rm -f "$state/there/$4" ;;
  *) exit 1 ;;
esac
"#;

/// A machine of its own: a repository, a folder for temporary files, and a `docker` that only plays.
struct Machine {
    folder: TempDir,
}

impl Machine {
    fn new(docker: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let machine = Self { folder };
        for name in ["shop", "bin", "tmp", "state/there"] {
            fs::create_dir_all(machine.path(name)).unwrap();
        }
        fs::write(machine.path("state/status"), "2").unwrap();
        fs::write(machine.path("bin/docker"), docker).unwrap();
        fs::set_permissions(machine.path("bin/docker"), fs::Permissions::from_mode(0o755)).unwrap();
        machine.write(".gitlab-ci.yml", PIPELINE);
        machine.write("Dockerfile", "FROM alpine\nCOPY dist /dist\n");
        machine.git(&["init", "--quiet", "--initial-branch=main"]);
        machine.commit();
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, path: &str, text: &str) {
        fs::write(self.path("shop").join(path), text).unwrap();
    }

    fn git(&self, arguments: &[&str]) {
        assert!(Command::new("git").current_dir(self.path("shop")).args(arguments).status().unwrap().success());
    }

    fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["-c", "user.name=t", "-c", "user.email=t@t", "commit", "--quiet", "--message", "x"]);
    }

    fn start(&self, arguments: &[&str]) -> Child {
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap());
        let mut command = Command::new(env!("CARGO_BIN_EXE_stagefold"));
        command.current_dir(self.path("shop")).args(arguments).env("PATH", path);
        command.env("TMPDIR", self.path("tmp")).env("STAGEFOLD_TEST_STATE", self.path("state"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.start(arguments).wait_with_output().unwrap()
    }

    fn calls(&self) -> String {
        fs::read_to_string(self.path("state/calls")).unwrap_or_default()
    }

    /// What is left of temporary folders, containers and images.
    fn left(&self) -> Vec<String> {
        let names = |folder: &Path| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        let left = names(&self.path("tmp")).chain(names(&self.path("state/there")));
        left.map(|name| name.into_string().unwrap()).collect()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_build_job_that_fails_is_told_and_its_log_stays() {
    let machine = Machine::new(DOCKER);
    let output = machine.run(&["prove", "--engine", "docker"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    let told = text(&output.stdout);
    assert!(told.contains("cannot-build-before") && told.contains("job 'build' ended with exit status 2"), "{told}");
    let left = machine.left();
    assert!(matches!(left.as_slice(), [logs] if logs.starts_with("stagefold-prove-logs-")), "{left:?}");
    assert!(machine.calls().contains("create --name stagefold-prove-"), "{}", machine.calls());
}

#[test]
fn a_signal_in_the_middle_leaves_nothing_behind() {
    for (signal, status) in [("INT", 130), ("TERM", 143)] {
        let machine = Machine::new(DOCKER);
        fs::write(machine.path("state/wait"), "").unwrap();
        let child = machine.start(&["prove", "--engine", "docker"]);
        let begun = Instant::now();
        while !machine.calls().contains("start ") {
            assert!(begun.elapsed() < Duration::from_secs(60), "no job was started: {}", machine.calls());
            thread::sleep(Duration::from_millis(20));
        }
        let sent = Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(status), "{}", text(&output.stderr));
        assert_eq!(machine.left(), Vec::<String>::new(), "{}", machine.calls());
        assert!(text(&output.stderr).ends_with("stopped; nothing is left behind\n"), "{}", text(&output.stderr));
    }
}

#[test]
fn without_an_engine_there_is_an_error() {
    let machine = Machine::new("#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2\nexit 1\n");
    let output = machine.run(&["prove", "--engine", "docker"]);
    assert_eq!(output.status.code(), Some(2));
    let expected = "error: docker version: Cannot connect to the Docker daemon\n";
    assert_eq!(text(&output.stderr), expected);
    assert_eq!(machine.left(), Vec::<String>::new());
}

#[test]
fn where_nothing_is_folded_nothing_is_proven() {
    let machine = Machine::new(DOCKER);
    machine.write("Dockerfile", "FROM alpine\n");
    machine.commit();
    let output = machine.run(&["prove", "--engine", "docker"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stderr).contains("nothing was folded, so that there is nothing to prove"));
    assert_eq!(machine.left(), Vec::<String>::new());
}

#[test]
fn only_what_is_committed_is_proven() {
    let machine = Machine::new(DOCKER);
    machine.write("Dockerfile", "FROM alpine\nCOPY dist /elsewhere\n");
    let output = machine.run(&["prove", "--engine", "docker"]);
    assert!(text(&output.stderr).contains("what is not committed takes no part"), "{}", text(&output.stderr));
    assert_eq!(machine.run(&["prove", "--engine", "docker", "--before", "gone"]).status.code(), Some(2));
    fs::remove_dir_all(machine.path("shop/.git")).unwrap();
    let output = machine.run(&["prove"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("is not under version control"), "{}", text(&output.stderr));
}

#[test]
fn a_missing_variable_is_asked_for_and_a_file_gives_it() {
    let machine = Machine::new(DOCKER);
    machine.write(".gitlab-ci.yml", &PIPELINE.replace("npm run build", "npm run $GOAL"));
    machine.commit();
    let arguments = ["prove", "--engine", "docker", "--pass", "GOAL=arg"];
    let output = machine.run(&arguments);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("the jobs read GOAL, which nobody defines here"), "{}", text(&output.stderr));
    fs::write(machine.path("state/variables"), "# for the proof\n\nGOAL=build\n").unwrap();
    let file = machine.path("state/variables");
    let output = machine.run(&[&arguments[..], &["--env-file", file.to_str().unwrap()]].concat());
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    fs::write(machine.path("state/variables"), "GOAL\n").unwrap();
    let output = machine.run(&[&arguments[..], &["--env-file", file.to_str().unwrap()]].concat());
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("variables:1: write it as NAME=VALUE"), "{}", text(&output.stderr));
}

#[test]
fn a_diff_that_is_proven_says_so() {
    let machine = Machine::new(DOCKER);
    let output = machine.run(&["diff", "--prove", "--engine", "docker"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    assert!(text(&output.stdout).starts_with("diff --git "));
    let told = text(&output.stderr);
    assert!(told.contains("folded: 1 hand-off") && told.contains("cannot-build-before: 1 image"), "{told}");
    let output = machine.run(&["diff", "--prove", "--engine", "docker", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["repositories"][0]["proof"]["verdict"], "cannot-build-before");
    assert_eq!(machine.run(&["diff", "--with-network"]).status.code(), Some(2));
}

/// A folder, and an address whose files nobody has checked out: both are proven once, and the report says what came of it.
#[test]
fn a_campaign_keeps_what_its_proofs_say() {
    let machine = Machine::new(DOCKER);
    machine.git(&["clone", "--quiet", "--bare", ".", "../shop.git"]);
    let address = format!("file://{}", machine.path("shop.git").display());
    let words = ["campaign", "run", ".", &address, "--dir", "../campaign", "--prove", "--engine", "docker"];
    let output = machine.run(&words);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    let report = machine.run(&["campaign", "report", "--dir", "../campaign", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_slice(&report.stdout).unwrap();
    let repositories = report["repositories"].as_array().unwrap();
    assert_eq!(repositories.len(), 2, "{report:#}");
    for repository in repositories {
        assert_eq!(repository["verdict"], "folded");
        assert_eq!(repository["proof"]["verdict"], "cannot-build-before", "{repository:#}");
    }
    let calls = machine.calls();
    assert_eq!(calls.matches("create --name stagefold-prove-").count(), 2, "{calls}");
    assert_eq!(machine.run(&[&words[..], &["--resume"]].concat()).status.code(), Some(0));
    assert_eq!(machine.calls(), calls, "what was proven is not proven again");
    let left = machine.left();
    assert!(left.iter().all(|name| name.starts_with("stagefold-prove-logs-")) && left.len() == 2, "{left:?}");
}
