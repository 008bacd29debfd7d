//! `stagefold campaign land`, `status` and `close` with remotes on this machine, whose hook keeps what was pushed to them and how.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where something is not as it must be")]
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tempfile::TempDir;

const BRANCH: &str = "stagefold/multistage";

const PIPELINE: &str = "\
stages: [build, package]
build:
  stage: build
  image: node:20
  script:
    - npm ci
    - npm run build
  artifacts: {paths: [dist]}
package:
  stage: package
  image: docker:27
  script: [docker build -t shop .]
";

const FILES: [(&str, &str); 6] = [
    (".gitlab-ci.yml", PIPELINE),
    ("Dockerfile", "FROM nginx:1.27\nCOPY dist /usr/share/nginx/html\n"),
    ("package.json", "{\"scripts\": {\"build\": \"tsc\"}}\n"),
    ("package-lock.json", "{}\n"),
    ("src/index.ts", "export {};\n"),
    ("run.sh", "#!/bin/sh\n"),
];

/// Keeps each push, and does what files beside it say: `fail`, `slow`, or `busy` as often as it says.
const HOOK: &str = r#"#!/bin/sh
{
  while read -r old new ref; do echo "push $old $new $ref"; done
  i=0
  while [ "$i" -lt "${GIT_PUSH_OPTION_COUNT:-0}" ]; do
    eval "printf 'option %s\n' \"\$GIT_PUSH_OPTION_$i\""
    i=$((i + 1))
  done
} >>record
if [ -e fail ]; then echo 'the hook says no' >&2; exit 1; fi
if [ -e slow ]; then sleep 100; fi
busy=$(cat busy 2>/dev/null || echo 0)
if [ "$busy" -gt 0 ]; then
  echo $((busy - 1)) >busy
  echo '429 Too Many Requests; retry after 1' >&2
  exit 1
fi
echo "View merge request for $0:" >&2
echo "  https://gitlab.example.org/$(basename "$PWD")/-/merge_requests/7" >&2
"#;

/// A folder of repositories, each with a remote.
struct Group {
    root: TempDir,
    names: Vec<String>,
}

impl Group {
    /// `count` repositories, all with the same first commit.
    fn new(count: usize) -> Self {
        let group =
            Self { root: TempDir::new().unwrap(), names: (0..count).map(|index| format!("app-{index:03}")).collect() };
        let (work, bare) = (group.root.path().join("template"), group.root.path().join("template.git"));
        for (path, text) in FILES {
            let place = work.join(path);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, text).unwrap();
        }
        fs::set_permissions(work.join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
        git(&work, &["init", "-q", "-b", "main"]);
        git(&work, &["add", "."]);
        git(&work, &["commit", "-q", "-m", "first"]);
        git(group.root.path(), &["clone", "-q", "--bare", "template", "template.git"]);
        git(&bare, &["config", "receive.advertisePushOptions", "true"]);
        git(&bare, &["remote", "remove", "origin"]);
        fs::remove_dir_all(bare.join("hooks")).unwrap();
        fs::create_dir(bare.join("hooks")).unwrap();
        fs::write(bare.join("hooks/pre-receive"), HOOK).unwrap();
        fs::set_permissions(bare.join("hooks/pre-receive"), fs::Permissions::from_mode(0o755)).unwrap();
        fs::remove_dir_all(work.join(".git/hooks")).unwrap();
        for name in &group.names {
            let (copy, remote) = (group.root.path().join("work").join(name), group.remote(name));
            copy_all(&work, &copy);
            copy_all(&bare, &remote);
            let config = fs::read_to_string(copy.join(".git/config")).unwrap();
            let origin = format!("{config}[remote \"origin\"]\n\turl = file://{}\n", remote.display());
            fs::write(copy.join(".git/config"), origin).unwrap();
        }
        group
    }

    fn remote(&self, name: &str) -> PathBuf {
        self.root.path().join("remotes").join(format!("{name}.git"))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stagefold"));
        identify(&mut command);
        command.current_dir(self.root.path()).arg("campaign").args(arguments).stdin(Stdio::null());
        command
    }

    fn stagefold(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Looks at all of them.
    fn look(&self) {
        self.look_at(&["work"]);
    }

    fn look_at(&self, sources: &[&str]) {
        let output = self.stagefold(&[&["run"], sources].concat());
        assert_eq!(output.status.code(), Some(0), "{}", words(&output));
    }

    /// Lands with more words, and says what was told and with which status.
    fn land(&self, more: &[&str]) -> (Option<i32>, String) {
        let output = self.stagefold(&[&["land"], more].concat());
        (output.status.code(), words(&output))
    }

    /// What the hook has kept.
    fn record(&self, name: &str) -> String {
        fs::read_to_string(self.remote(name).join("record")).unwrap_or_default()
    }

    fn records(&self) -> Vec<String> {
        self.names.iter().map(|name| self.record(name)).collect()
    }

    /// How often something was pushed.
    fn pushes(&self, name: &str) -> usize {
        self.record(name).lines().filter(|line| line.starts_with("push ")).count()
    }

    /// Where a branch of a remote is.
    fn at(&self, name: &str, branch: &str) -> Option<String> {
        let output = plain_git(&self.remote(name), &["rev-parse", "-q", "--verify", &format!("refs/heads/{branch}")]);
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap().trim().to_owned())
    }

    /// Commits a file to a branch of a remote, as somebody else would.
    fn commit_to(&self, name: &str, branch: &str, file: &str, text: &str) {
        let other = TempDir::new().unwrap();
        git(other.path(), &["clone", "-q", self.remote(name).to_str().unwrap(), "clone"]);
        let clone = other.path().join("clone");
        git(
            &clone,
            &[
                "checkout",
                "-q",
                "-B",
                branch,
                &format!("origin/{}", if self.at(name, branch).is_some() { branch } else { "main" }),
            ],
        );
        fs::write(clone.join(file), text).unwrap();
        git(&clone, &["add", "."]);
        git(&clone, &["commit", "-q", "-m", "another"]);
        let record = self.record(name);
        git(&clone, &["push", "-q", "origin", branch]);
        fs::write(self.remote(name).join("record"), record).unwrap();
    }

    /// The files that the last look at a project would change, and how.
    fn looked(&self, name: &str) -> BTreeMap<String, Value> {
        let journal = fs::read_to_string(self.root.path().join("stagefold-campaign/journal.jsonl")).unwrap();
        let steps = journal.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let mut looks =
            steps.filter(|step| step["step"] == "looked" && step["project"]["name"] == format!("work/{name}"));
        serde_json::from_value(looks.next_back().unwrap()["files"].clone()).unwrap()
    }

    /// The branch is one commit on top of the target, which changes what the look says and nothing else.
    fn assert_landed(&self, name: &str) {
        let remote = self.remote(name);
        let ask = |arguments: &[&str]| git(&remote, arguments);
        let (main, branch) = (self.at(name, "main").unwrap(), self.at(name, BRANCH).unwrap());
        assert_eq!(ask(&["rev-list", "--parents", "-1", &branch]), format!("{branch} {main}"));
        let files = self.looked(name);
        let changed = ask(&["diff-tree", "-r", "--name-only", "--no-renames", &main, &branch]);
        assert_eq!(changed.lines().collect::<Vec<_>>(), files.keys().map(String::as_str).collect::<Vec<_>>());
        for (path, versions) in &files {
            let shown = plain_git(&remote, &["cat-file", "blob", &format!("{branch}:{path}")]);
            assert_eq!(String::from_utf8(shown.stdout).unwrap(), versions["after"].as_str().unwrap());
        }
        assert!(ask(&["ls-tree", &branch, "run.sh"]).starts_with("100755"), "a mode stays");
    }

    fn status(&self, more: &[&str]) -> BTreeMap<String, String> {
        let output = self.stagefold(&[&["status", "--format", "json"], more].concat());
        assert_eq!(output.status.code(), Some(0), "{}", words(&output));
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        let projects = document["projects"].as_array().unwrap().iter();
        let state = |project: &Value| {
            let name = project["project"].as_str().unwrap().trim_start_matches("work/").to_owned();
            (name, project["state"].as_str().unwrap().to_owned())
        };
        projects.map(state).collect()
    }
}

fn identify(command: &mut Command) {
    for (name, value) in [
        ("GIT_AUTHOR_NAME", "Ada"),
        ("GIT_AUTHOR_EMAIL", "ada@example.org"),
        ("GIT_COMMITTER_NAME", "Ada"),
        ("GIT_COMMITTER_EMAIL", "ada@example.org"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_CONFIG_SYSTEM", "/dev/null"),
    ] {
        command.env(name, value);
    }
}

fn plain_git(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new("git");
    identify(&mut command);
    command.env("GIT_AUTHOR_DATE", "1700000000 +0100").env("GIT_COMMITTER_DATE", "1700000000 +0100");
    command.current_dir(folder).args(arguments).output().unwrap()
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = plain_git(folder, arguments);
    assert!(output.status.success(), "git {arguments:?}: {}", words(&output));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn words(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let place = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_all(&entry.path(), &place);
        } else {
            fs::copy(entry.path(), place).unwrap();
        }
    }
}

/// The line of what was told that is about a project.
fn line<'a>(told: &'a str, name: &str) -> &'a str {
    let start = format!("work/{name}: ");
    told.lines().find(|line| line.starts_with(&start)).unwrap_or_else(|| panic!("{name} is not told of:\n{told}"))
}

#[test]
fn two_hundred_land_and_each_remote_that_does_not_take_its_branch_is_told() {
    let group = Group::new(200);
    let touch = |name: &str, file: &str, text: &str| fs::write(group.remote(name).join(file), text).unwrap();
    touch("app-003", "fail", "");
    touch("app-005", "slow", "");
    group.commit_to("app-007", BRANCH, "theirs", "1");
    git(&group.remote("app-009"), &["config", "receive.advertisePushOptions", "false"]);
    touch("app-011", "busy", "2");
    group.look();
    let (status, told) = group.land(&["--git-time-limit", "15"]);
    assert_eq!(status, Some(2), "{told}");
    assert!(told.contains("196 branches pushed, 0 there already, 4 not pushed"), "{told}");
    assert!(
        line(&told, "app-003").contains("not pushed: ") && line(&told, "app-003").contains("the hook says no"),
        "{told}"
    );
    assert!(line(&told, "app-005").contains("not pushed: git push took longer than 15 s"), "{told}");
    assert!(line(&told, "app-007").contains("holds commits of others"), "{told}");
    assert!(line(&told, "app-009").contains("--no-merge-request"), "{told}");
    let bad = ["app-003", "app-005", "app-007", "app-009"];
    let good: Vec<_> = group.names.iter().filter(|name| !bad.contains(&name.as_str())).collect();
    for name in &good {
        group.assert_landed(name);
        let address = format!("pushed {BRANCH}, https://gitlab.example.org/{name}.git/-/merge_requests/7");
        assert!(line(&told, name).ends_with(&address), "{told}");
        assert_eq!(group.pushes(name), if *name == "app-011" { 3 } else { 1 }, "{name}");
    }
    assert_eq!(git(&group.remote("app-007"), &["show", &format!("{BRANCH}:theirs")]), "1");

    let records = group.records();
    for file in ["app-003/fail", "app-005/slow"] {
        let (name, file) = file.split_once('/').unwrap();
        fs::remove_file(group.remote(name).join(file)).unwrap();
    }
    let (status, told) = group.land(&["--only-failed", "--no-merge-request"]);
    assert_eq!(status, Some(2), "{told}");
    assert!(told.contains("3 branches pushed, 0 there already, 1 not pushed"), "{told}");
    let (status, told) = group.land(&[]);
    assert_eq!(status, Some(2), "{told}");
    assert!(told.contains("0 branches pushed, 199 there already, 1 not pushed"), "{told}");
    for (name, record) in group.names.iter().zip(records).filter(|(name, _)| !bad.contains(&name.as_str())) {
        assert_eq!(group.record(name), record, "{name} was pushed to again");
    }
}

#[test]
fn the_options_and_the_message_tell_what_was_folded() {
    let group = Group::new(1);
    group.look();
    let more = ["--title", "Fold {jobs}", "--label", "build", "--label", "a::b", "--push-option", "ci.skip", "--draft"];
    let (status, told) = group.land(&more);
    assert_eq!(status, Some(0), "{told}");
    let record = group.record("app-000");
    let options: Vec<_> = record.lines().filter_map(|line| line.strip_prefix("option ")).collect();
    let description = options.iter().find_map(|option| option.strip_prefix("merge_request.description=")).unwrap();
    let named: Vec<_> = options.iter().copied().filter(|option| !option.contains("description=")).collect();
    let expected = [
        "merge_request.create",
        "merge_request.target=main",
        "merge_request.title=Fold `build`, `package`",
        "merge_request.label=build",
        "merge_request.label=a::b",
        "merge_request.draft",
        "ci.skip",
    ];
    assert_eq!(named, expected);
    // What GitLab makes of it.
    let description = description.replace("\\n", "\n");
    for part in [
        "- `build` handed `dist` to `package` by artifacts; now a stage of `Dockerfile` makes them.\n",
        "`.gitlab-ci.yml`, `Dockerfile`.\n",
        "`git diff main...stagefold/multistage`",
    ] {
        assert!(description.contains(part), "{part} is not in\n{description}");
    }
    let message = git(&group.remote("app-000"), &["log", "-1", "--format=%B", BRANCH]);
    assert_eq!(message, format!("Fold `build`, `package`\n\n{}", description.trim_end()));
    let who = git(&group.remote("app-000"), &["log", "-1", "--format=%an <%ae> %ad %cd", "--date=raw", BRANCH]);
    assert_eq!(who, "Ada <ada@example.org> 1700000000 +0100 1700000000 +0100");
}

#[test]
fn a_target_that_has_moved_on_gets_the_fold_that_was_reported_or_none() {
    let group = Group::new(3);
    group.look();
    group.commit_to("app-000", "main", "README.md", "new\n");
    group.commit_to("app-001", "main", "Dockerfile", "FROM nginx:1.28\nCOPY dist /usr/share/nginx/html\n");
    for (path, versions) in group.looked("app-002") {
        group.commit_to("app-002", "main", &path, versions["after"].as_str().unwrap());
    }
    let (status, told) = group.land(&[]);
    assert_eq!(status, Some(2), "{told}");
    group.assert_landed("app-000");
    assert!(
        line(&told, "app-001")
            .contains("the folder did not hold what 'main' of its remote holds: 'Dockerfile' differs"),
        "{told}"
    );
    assert!(line(&told, "app-001").contains("'campaign run --resume' looks again"), "{told}");
    assert!(line(&told, "app-002").contains("the target holds the change already"), "{told}");
    assert_eq!((group.at("app-001", BRANCH), group.at("app-002", BRANCH)), (None, None));
}

#[test]
fn branches_are_told_taken_back_and_pushed_again() {
    let group = Group::new(5);
    group.look();
    let states = |more: &[&str]| group.status(more).into_values().collect::<Vec<_>>().join(" ");
    assert_eq!(states(&[]), "folded folded folded folded folded");
    assert_eq!(group.land(&["--limit", "2"]).0, Some(0));
    assert_eq!(states(&["--offline"]).matches("open").count(), 2);
    let (status, told) = group.land(&[]);
    assert_eq!(status, Some(0), "{told}");
    assert_eq!(states(&["--offline"]), "open open open open open");
    assert_eq!(states(&[]), "open open open open open");
    let landed = group.at("app-001", BRANCH).unwrap();
    group.commit_to("app-000", BRANCH, "theirs", "1");
    git(&group.remote("app-001"), &["update-ref", "refs/heads/main", &landed]);
    git(&group.remote("app-002"), &["update-ref", "-d", &format!("refs/heads/{BRANCH}")]);
    git(&group.remote("app-003"), &["update-ref", "refs/heads/main", &group.at("app-003", BRANCH).unwrap()]);
    git(&group.remote("app-003"), &["update-ref", "-d", &format!("refs/heads/{BRANCH}")]);
    assert_eq!(states(&[]), "changed landed closed landed open");

    let (status, told) = group.land(&[]);
    assert_eq!(status, Some(2), "{told}");
    assert!(line(&told, "app-000").contains("holds commits of others"), "{told}");
    assert!(line(&told, "app-002").contains("somebody has taken the branch"), "{told}");
    assert!(line(&told, "app-003").contains("the target holds the change already"), "{told}");
    assert_eq!(group.at("app-002", BRANCH), None, "what somebody has taken away stays away");

    let output = group.stagefold(&["close"]);
    assert_eq!(output.status.code(), Some(2), "{}", words(&output));
    assert!(words(&output).contains("4 taken back, 1 left alone"), "{}", words(&output));
    assert!(group.at("app-000", BRANCH).is_some(), "the commits of others stay");
    assert_eq!((group.at("app-001", BRANCH), group.at("app-004", BRANCH)), (None, None));
    let (_, told) = group.land(&[]);
    assert!(line(&told, "app-002").contains("pushed stagefold/multistage"), "{told}");
    group.assert_landed("app-004");
}

#[test]
fn what_cannot_be_pushed_is_told_before_anything_begins() {
    let group = Group::new(1);
    group.look();
    let message = group.root.path().join("message");
    fs::write(&message, "{repository}: {report} {nothing}").unwrap();
    for (more, expected) in [
        (["--title", "{job}"], "there is no {job}"),
        (["--message", "message"], "there is no {nothing}"),
        (["--branch", "a..b"], "cannot be the name of a branch"),
        (["--branch", "HEAD"], "cannot be the name of a branch"),
        (["--branch", "@{-1}"], "cannot be the name of a branch"),
        (["--branch", "refs/heads/x"], "cannot be the name of a branch"),
        (["--branch", "+x"], "cannot be the name of a branch"),
        (["--format", "json"], "what is pushed is told as text"),
        (["--label", "a\nb"], "a push option has one line"),
    ] {
        let (status, told) = group.land(&more);
        assert_eq!(status, Some(2), "{told}");
        assert!(told.contains(expected), "{told}");
    }
    let (status, told) = group.land(&["--branch", "main"]);
    assert_eq!(status, Some(2), "{told}");
    assert!(told.contains("--branch names another"), "{told}");
    assert_eq!(group.records(), [""]);
    fs::write(&message, "For {repository}\n\n{report}\nBye").unwrap();
    assert_eq!(group.land(&["--message", "message"]).0, Some(0));
    let body = git(&group.remote("app-000"), &["log", "-1", "--format=%b", BRANCH]);
    assert!(
        body.starts_with("For `work/app-000`\n\nThe files") && body.ends_with("Made by `stagefold`.\n\nBye"),
        "{body}"
    );
}

#[test]
fn bare_repositories_and_addresses_are_read_and_pushed_to_as_they_are() {
    let group = Group::new(3);
    let (bare, remote) = (group.remote("app-000"), format!("file://{}", group.remote("app-001").display()));
    group.commit_to("app-001", "main", "README.md", "new\n");
    group.look_at(&[bare.to_str().unwrap(), &remote, "work/app-002"]);
    let (status, told) = group.land(&[]);
    assert_eq!(status, Some(0), "{told}");
    for name in &group.names {
        assert_eq!(group.pushes(name), 1, "{told}");
        let (main, branch) = (group.at(name, "main").unwrap(), group.at(name, BRANCH).unwrap());
        let changed = git(&group.remote(name), &["diff-tree", "-r", "--name-only", &main, &branch]);
        assert!(changed.contains(".gitlab-ci.yml\n") && changed.contains("Dockerfile"), "{changed}");
    }
    assert_eq!(group.status(&[]).into_values().collect::<Vec<_>>(), ["open", "open", "open"]);
}

#[test]
fn two_folders_of_one_remote_push_one_branch() {
    let group = Group::new(2);
    copy_all(&group.root.path().join("work/app-000"), &group.root.path().join("work/app-000-again"));
    group.look();
    for pushed in
        ["2 branches pushed, 0 there already, 1 not pushed", "0 branches pushed, 2 there already, 1 not pushed"]
    {
        let (status, told) = group.land(&[]);
        assert_eq!(status, Some(2), "{told}");
        assert!(told.contains(pushed), "{told}");
        assert!(line(&told, "app-000-again").contains("'work/app-000' is pushed to the same branch"), "{told}");
    }
    assert_eq!(group.pushes("app-000"), 1);
}

#[test]
fn a_folder_without_a_remote_or_below_the_top_is_told() {
    let group = Group::new(2);
    git(&group.root.path().join("work/app-000"), &["remote", "remove", "origin"]);
    let above = group.root.path().join("work/app-001");
    copy_all(&group.root.path().join("template/src"), &above.join("part/src"));
    for (path, text) in FILES {
        fs::write(above.join("part").join(path), text).unwrap();
    }
    git(&above, &["add", "."]);
    group.look_at(&["work/app-000", "work/app-001/part"]);
    let (status, told) = group.land(&[]);
    assert_eq!(status, Some(2), "{told}");
    assert!(line(&told, "app-000").contains("git remote add origin ADDRESS"), "{told}");
    assert!(line(&told, "app-001/part").contains("not the top of a git work tree"), "{told}");
    assert_eq!(group.status(&["--offline"])["app-000"], "failed");
}

#[test]
fn a_signal_stops_it_and_the_same_command_goes_on() {
    let group = Group::new(3);
    fs::write(group.remote("app-000").join("slow"), "").unwrap();
    group.look();
    let mut child = group.command(&["land", "--jobs", "1"]).stderr(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    while group.record("app-000").is_empty() && begun.elapsed() < Duration::from_secs(60) {
        thread::sleep(Duration::from_millis(20));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(begun.elapsed() < Duration::from_secs(60), "the hook sleeps for longer than that");
    assert_eq!((group.pushes("app-001"), group.at("app-000", BRANCH)), (0, None));
    fs::remove_file(group.remote("app-000").join("slow")).unwrap();
    let (status, told) = group.land(&[]);
    assert_eq!(status, Some(0), "{told}");
    group.names.iter().for_each(|name| group.assert_landed(name));
}

#[test]
fn no_setting_of_the_user_changes_what_is_pushed() {
    let group = Group::new(1);
    let work = group.root.path().join("work/app-000");
    fs::write(work.join("DockerFile"), "FROM scratch\n").unwrap();
    git(&work, &["add", "."]);
    git(&work, &["commit", "-q", "-m", "another"]);
    git(&work, &["push", "-q", "origin", "main"]);
    fs::remove_file(group.remote("app-000").join("record")).unwrap();
    group.look();
    let config = group.root.path().join("config");
    let settings = "[core]\nignoreCase = true\n[push]\ngpgSign = true\npushOption = ci.variable=A=b\n\
        [init]\ndefaultRefFormat = reftable\ndefaultObjectFormat = sha256\n";
    fs::write(&config, settings).unwrap();
    let output = group.command(&["land"]).env("GIT_CONFIG_GLOBAL", &config).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", words(&output));
    group.assert_landed("app-000");
    assert!(!group.record("app-000").contains("ci.variable"), "{}", group.record("app-000"));
}

#[test]
fn what_is_merged_stays_landed_and_what_is_not_is_none() {
    let group = Group::new(3);
    group.look();
    assert_eq!(group.land(&[]).0, Some(0));
    let branch = format!("refs/heads/{BRANCH}");
    let folded = git(&group.remote("app-000"), &["show", &format!("{BRANCH}:Dockerfile")]);
    for name in ["app-000", "app-001"] {
        let commit = group.at(name, BRANCH).unwrap();
        git(&group.remote(name), &["update-ref", "refs/heads/main", &commit]);
        git(&group.remote(name), &["update-ref", "-d", &branch]);
        group.commit_to(name, "main", "Dockerfile", &format!("{folded}\nLABEL edited=1\n"));
    }
    group.commit_to("app-002", "main", ".gitlab-ci.yml", "build: [\n");
    let states = |more: &[&str]| group.status(more).into_values().collect::<Vec<_>>().join(" ");
    assert_eq!(states(&[]), "landed landed open");
    git(&group.remote("app-002"), &["update-ref", "-d", &branch]);
    assert_eq!(states(&[]), "landed landed closed");
    let (status, told) = group.land(&[]);
    assert_eq!(status, Some(2), "{told}");
    assert!(line(&told, "app-000").contains("the target holds the change already"), "{told}");
    assert!(line(&told, "app-002").contains("somebody has taken the branch"), "{told}");
    assert_eq!(states(&["--offline"]), "landed landed failed");
    let (_, told) = group.land(&["--only-failed"]);
    assert!(line(&told, "app-002").contains("somebody has taken the branch") && !told.contains("app-000"), "{told}");
    let output = group.stagefold(&["close"]);
    assert!(words(&output).contains("app-001: stagefold/multistage is merged"), "{}", words(&output));
    assert_eq!(states(&[]), "landed landed closed");
    group.commit_to("app-000", "main", ".gitlab-ci.yml", PIPELINE);
    group.commit_to("app-000", "main", "Dockerfile", FILES[1].1);
    let (_, told) = group.land(&[]);
    assert!(line(&told, "app-000").contains("it was merged, and 'main' does not hold it any more"), "{told}");
}

#[test]
fn a_branch_is_looked_for_where_it_was_pushed() {
    let group = Group::new(4);
    group.look();
    assert_eq!(group.land(&[]).0, Some(0));
    let work = |name: &str| group.root.path().join("work").join(name);
    let other = group.remote("app-003");
    git(&work("app-000"), &["remote", "set-url", "origin", &format!("file://{}", other.display())]);
    fs::remove_dir_all(work("app-001")).unwrap();
    let told = words(&group.stagefold(&["status"]));
    assert_eq!(told.matches("\nopen").count() + usize::from(told.starts_with("open")), 4, "{told}");
    assert!(told.contains("app-000.git; the remote of the project is file://"), "{told}");
    assert!(told.contains("is not there any more"), "{told}");
    // A line that a killed process did not come to write.
    let journal = group.root.path().join("stagefold-campaign/journal.jsonl");
    let lines = fs::read_to_string(&journal).unwrap();
    let lines = lines.lines().filter(|line| !line.starts_with("{\"step\":\"landed\""));
    fs::write(&journal, lines.map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    let (status, told) = group.land(&["--branch", "another"]);
    assert_eq!(status, Some(2), "{told}");
    assert!(line(&told, "app-002").contains("it is on the branch 'stagefold/multistage'"), "{told}");
    assert!(line(&told, "app-001").contains("is not there any more"), "{told}");
    let output = group.stagefold(&["close"]);
    assert_eq!(output.status.code(), Some(0), "{}", words(&output));
    group.names.iter().for_each(|name| assert_eq!((group.at(name, BRANCH), group.at(name, "another")), (None, None)));
}

#[test]
fn a_branch_that_others_stand_on_is_never_touched() {
    let group = Group::new(2);
    group.look();
    git(&group.remote("app-000"), &["symbolic-ref", &format!("refs/heads/{BRANCH}"), "refs/heads/main"]);
    git(&group.remote("app-001"), &["branch", "next", "main"]);
    git(&group.remote("app-001"), &["symbolic-ref", "HEAD", "refs/heads/next"]);
    let (_, told) = group.land(&[]);
    assert!(line(&told, "app-000").contains("stands for another branch"), "{told}");
    let (_, told) = group.land(&["--branch", "main", "--target", "next"]);
    assert!(line(&told, "app-000").contains("is the default branch of the remote"), "{told}");
    git(&group.remote("app-001"), &["symbolic-ref", "HEAD", &format!("refs/heads/{BRANCH}")]);
    let output = group.stagefold(&["close"]);
    assert!(words(&output).contains("is the default branch of the remote"), "{}", words(&output));
    assert!(group.at("app-001", BRANCH).is_some());
}

#[test]
fn a_name_that_another_branch_is_a_folder_of_is_told() {
    let group = Group::new(1);
    group.look();
    git(&group.remote("app-000"), &["branch", "stagefold", "main"]);
    let (status, told) = group.land(&[]);
    assert_eq!(status, Some(2), "{told}");
    assert!(line(&told, "app-000").contains("; --branch names another"), "{told}");
}

#[test]
fn a_signal_to_every_program_of_a_terminal_leaves_no_failure_behind() {
    let group = Group::new(3);
    group.look();
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64 | 1;
    let mut moments = Moments(seed);
    let journal = group.root.path().join("stagefold-campaign/journal.jsonl");
    for moment in 0..20 {
        let mut child = group.command(&["land"]).process_group(0).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(moments.below(Duration::from_millis(400)));
        let whole = format!("-{}", child.id());
        Command::new("kill").args(["-INT", "--", &whole]).stderr(Stdio::null()).status().unwrap();
        child.wait().unwrap();
        let steps = fs::read_to_string(&journal).unwrap();
        assert!(!steps.contains("\"not-landed\""), "moment {moment} of seed {seed}: {steps}");
        for name in &group.names {
            // The remote is a program of this machine here, and is ended with the git that it talks to.
            let remote = group.remote(name);
            for lock in [format!("refs/heads/{BRANCH}.lock"), "packed-refs.lock".to_owned()] {
                let _ = fs::remove_file(remote.join(lock));
            }
            plain_git(&remote, &["update-ref", "-d", &format!("refs/heads/{BRANCH}")]);
        }
        group.stagefold(&["close"]);
    }
    let (status, told) = group.land(&[]);
    assert_eq!(status, Some(0), "seed {seed}: {told}");
    group.names.iter().for_each(|name| group.assert_landed(name));
}

#[test]
fn a_remote_with_longer_names_is_cloned_with_them() {
    let group = Group::new(0);
    let (work, remote) = (group.root.path().join("work/app-000"), group.remote("app-000"));
    copy_all(&group.root.path().join("template"), &work);
    fs::remove_dir_all(work.join(".git")).unwrap();
    git(&work, &["init", "-q", "-b", "main", "--object-format=sha256"]);
    git(&work, &["add", "."]);
    git(&work, &["commit", "-q", "-m", "first"]);
    git(group.root.path(), &["clone", "-q", "--bare", "work/app-000", remote.to_str().unwrap()]);
    let address = format!("file://{}", remote.display());
    group.look_at(&[&address]);
    let (status, told) = group.land(&["--no-merge-request"]);
    assert_eq!(status, Some(0), "{told}");
    assert_eq!(group.at("app-000", BRANCH).unwrap().len(), 64);
    assert_eq!(group.status(&[]).into_values().collect::<Vec<_>>(), ["open"]);
}

#[test]
fn a_campaign_from_another_machine_finds_what_it_has_pushed() {
    let group = Group::new(1);
    group.look();
    assert_eq!(group.land(&[]).0, Some(0));
    fs::remove_dir_all(group.root.path().join("stagefold-campaign/clones")).unwrap();
    group.commit_to("app-000", "main", "README.md", "new\n");
    let (status, told) = group.land(&[]);
    assert_eq!((status, group.pushes("app-000")), (Some(0), 1), "{told}");
    assert!(line(&told, "app-000").contains("is there already"), "{told}");
}

#[test]
fn after_a_wait_the_remote_is_looked_at_again_and_meanwhile_anybody_may_ask() {
    let group = Group::new(2);
    group.look();
    let mut child = group.command(&["land", "--rate", "450", "--jobs", "1"]).stderr(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    while group.at("app-000", BRANCH).is_none() && begun.elapsed() < Duration::from_secs(30) {
        thread::sleep(Duration::from_millis(20));
    }
    thread::sleep(Duration::from_secs(1));
    group.commit_to("app-001", "main", "README.md", "new\n");
    assert_eq!(group.status(&[]).into_values().collect::<Vec<_>>(), ["open", "folded"]);
    assert!(group.at("app-001", BRANCH).is_none(), "it waits still");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let told = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
    assert!(line(&told, "app-001").contains("waits"), "{told}");
    group.assert_landed("app-001");
}

#[test]
fn a_place_below_the_limit_goes_to_one_that_can_be_pushed() {
    let group = Group::new(4);
    for name in ["app-000", "app-001", "app-002"] {
        fs::write(group.remote(name).join("fail"), "").unwrap();
    }
    group.look();
    // Whoever comes first: the one that can be pushed is, and the others fail before it or are left for another time.
    let (_, told) = group.land(&["--limit", "1", "--jobs", "4"]);
    assert!(told.contains("1 branch pushed, 0 there already, "), "{told}");
    assert!(group.at("app-003", BRANCH).is_some(), "{told}");
}

/// Numbers that look as if nobody had chosen them (xorshift).
struct Moments(u64);

impl Moments {
    fn below(&mut self, end: Duration) -> Duration {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        Duration::from_micros(self.0 % u64::try_from(end.as_micros()).unwrap().max(1))
    }
}

#[test]
fn killed_at_any_moment_every_branch_is_pushed_once_and_to_the_same_commit() {
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64 | 1;
    println!("seed {seed}");
    let mut moments = Moments(seed);
    let group = Group::new(4);
    group.look();
    let campaign = group.root.path().join("stagefold-campaign");
    let fresh = group.root.path().join("fresh");
    copy_all(&campaign, &fresh);
    let reset = || {
        fs::remove_dir_all(&campaign).unwrap();
        copy_all(&fresh, &campaign);
        for name in &group.names {
            let _ = fs::remove_file(group.remote(name).join("record"));
            plain_git(&group.remote(name), &["update-ref", "-d", &format!("refs/heads/{BRANCH}")]);
        }
    };
    let commits = || group.names.iter().map(|name| group.at(name, BRANCH)).collect::<Vec<_>>();
    let begun = Instant::now();
    assert_eq!(group.land(&["--jobs", "2"]).0, Some(0));
    let (whole, undisturbed) = (begun.elapsed(), commits());
    assert!(undisturbed.iter().all(Option::is_some));
    for moment in 0..25 {
        reset();
        let mut child = group.command(&["land", "--jobs", "2"]).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(moments.below(whole));
        child.kill().unwrap();
        child.wait().unwrap();
        let (status, told) = group.land(&["--jobs", "2"]);
        assert_eq!(status, Some(0), "moment {moment} of seed {seed}: {told}");
        assert_eq!(commits(), undisturbed, "moment {moment} of seed {seed}");
        for name in &group.names {
            assert_eq!(group.pushes(name), 1, "{name}, moment {moment} of seed {seed}: {told}");
        }
    }
}
