//! The recipes of `docs/recipes`, letter by letter: their scripts run as they stand there, with this program, on repositories
//! that are made for it.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where something is not as it must be")]

#[path = "harness/case.rs"]
#[allow(dead_code, reason = "the harness has more than this file needs")]
mod case;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use case::{commit, git, package};
use tempfile::TempDir;
use yaml_rust2::{Yaml, YamlLoader};

/// The repositories, and the fixture that each is a copy of.
const REPOSITORIES: [(&str, &str); 6] = [
    ("app", "artifacts-npm"),
    ("frontend/shop", "artifacts-npm"),
    ("frontend/site", "artifacts-npm"),
    ("go", "two-handoffs"),
    ("rules", "refuse-keyword-release"),
    ("tool", "refuse-keyword-release"),
];

/// A machine with a home, programs in a path, and the remotes of a group.
struct Machine {
    root: TempDir,
}

impl Machine {
    fn new() -> Self {
        let machine = Self { root: TempDir::new().unwrap() };
        for folder in ["home", "bin", "remotes"] {
            fs::create_dir(machine.at(folder)).unwrap();
        }
        symlink(env!("CARGO_BIN_EXE_stagefold"), machine.at("bin/stagefold")).unwrap();
        machine
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    /// Puts a program into its path.
    fn add_program(&self, name: &str, text: &str) {
        let path = self.at("bin").join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Runs a script as a runner of GitLab does, which stops at the first line that fails.
    fn run(&self, folder: &Path, script: &str, variables: &BTreeMap<String, String>) -> Output {
        let path = format!("{}:{}", self.at("bin").display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("sh");
        command.args(["-e", "-c", script]).current_dir(folder).stdin(Stdio::null());
        for name in ["CI_NODE_INDEX", "CI_NODE_TOTAL", "GIT_CONFIG_GLOBAL", "XDG_CONFIG_HOME"] {
            command.env_remove(name);
        }
        command.env("PATH", path).env("HOME", self.at("home")).env("GIT_CONFIG_NOSYSTEM", "1").envs(variables);
        command.output().unwrap()
    }

    /// Makes the remotes, and a list of them as GitLab tells it page by page.
    fn add_remotes(&self) {
        let projects: Vec<_> = REPOSITORIES.iter().map(|(name, case)| self.add_remote(name, case)).collect();
        let old = r#"{"path_with_namespace": "old", "http_url_to_repo": "https://gitlab.example.com/old.git", "archived": true}"#;
        let (first, second) = projects.split_at(4);
        let pages = format!("[{}]\n[{},{old}]\n", first.join(","), second.join(","));
        fs::write(self.at("pages.json"), pages).unwrap();
    }

    fn add_remote(&self, name: &str, case: &str) -> String {
        let (work, remote) = (self.at("work").join(name), self.at("remotes").join(format!("{name}.git")));
        copy(&package().join("tests/fixtures").join(case).join("before"), &work);
        commit(&work);
        fs::create_dir_all(&remote).unwrap();
        git(&remote, &["init", "-q", "--bare", "-b", "main", "--template="], "");
        git(&remote, &["config", "receive.advertisePushOptions", "true"], "");
        git(&work, &["push", "-q", remote.to_str().unwrap(), "main"], "");
        format!(
            r#"{{"path_with_namespace": "{name}", "ssh_url_to_repo": "git@gitlab.example.com:{name}.git",
            "http_url_to_repo": "file://{}", "default_branch": "main", "archived": false, "empty_repo": false}}"#,
            remote.display()
        )
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    assert!(Command::new("cp").arg("-R").args([from, to]).status().unwrap().success());
}

fn told(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// One job of the pipeline, as far as the recipe uses what GitLab knows.
struct Job {
    name: String,
    script: String,
    needs: Vec<String>,
    artifacts: Vec<String>,
    cached: Vec<String>,
    variables: BTreeMap<String, String>,
    parallel: i64,
    may_exit: Option<i64>,
}

/// The jobs of the recipe, in the order of the file.
fn jobs() -> Vec<Job> {
    let text = fs::read_to_string(package().join("docs/recipes/gitlab-ci/.gitlab-ci.yml")).unwrap();
    let file = YamlLoader::load_from_str(&text).unwrap().remove(0);
    let variables = strings_of(&file["variables"]);
    let entries = file.as_hash().unwrap().iter();
    let jobs = entries.filter(|(_, job)| !job["script"].is_badvalue());
    jobs.map(|(name, job)| Job {
        name: name.as_str().unwrap().to_owned(),
        script: lines_of(&job["script"]).join("\n"),
        needs: lines_of(&job["needs"]),
        artifacts: lines_of(&job["artifacts"]["paths"]),
        cached: lines_of(&job["cache"]["paths"]),
        variables: variables.clone().into_iter().chain(strings_of(&job["variables"])).collect(),
        parallel: job["parallel"].as_i64().unwrap_or(1),
        may_exit: job["allow_failure"]["exit_codes"].as_i64(),
    })
    .collect()
}

fn strings_of(mapping: &Yaml) -> BTreeMap<String, String> {
    let entries = mapping.as_hash().into_iter().flatten();
    entries.map(|(name, value)| (name.as_str().unwrap().to_owned(), value.as_str().unwrap().to_owned())).collect()
}

/// The lines of a list, and of the lists in it.
fn lines_of(list: &Yaml) -> Vec<String> {
    let items = list.as_vec().into_iter().flatten();
    items.flat_map(|item| item.as_str().map_or_else(|| lines_of(item), |line| vec![line.to_owned()])).collect()
}

/// What GitLab sets in each job, and what the user has set, which wins over the file.
fn predefined(machine: &Machine) -> BTreeMap<String, String> {
    let pages = machine.at("pages.json").display().to_string();
    let pairs = [
        ("CI_SERVER_URL", "https://gitlab.example.com"),
        ("CI_PROJECT_NAMESPACE_ID", "7"),
        ("CI_REGISTRY_IMAGE", "registry.example.com/group/campaign"),
        ("GITLAB_USER_NAME", "Ada"),
        ("GITLAB_USER_EMAIL", "ada@example.com"),
        ("GITLAB_TOKEN", "token-of-the-group"),
        ("MOST_AN_HOUR", "36000"),
        ("PAGES", &pages),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// `text` with the variables in it replaced.
fn expanded(text: &str, variables: &BTreeMap<String, String>) -> String {
    // The longest name first: one may be the beginning of another.
    let mut names: Vec<_> = variables.keys().collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    names.iter().fold(text.to_owned(), |text, name| text.replace(&format!("${name}"), &variables[*name]))
}

/// Runs a job in each of its parallel instances, in a fresh folder that has the artifacts of what it needs and what is cached,
/// and keeps its own. What it told is handed back.
fn run_job(machine: &Machine, job: &Job) -> String {
    let mut all = String::new();
    for index in 1..=job.parallel {
        let mut variables = predefined(machine);
        if job.parallel > 1 {
            variables.insert("CI_NODE_INDEX".to_owned(), index.to_string());
        }
        variables.insert("CI_NODE_TOTAL".to_owned(), job.parallel.to_string());
        let own = job.variables.iter().map(|(name, value)| (name.clone(), expanded(value, &variables)));
        let own: Vec<_> = own.collect();
        variables = own.into_iter().chain(variables).collect();
        let folder = machine.at("builds").join(&job.name).join(index.to_string());
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        for path in job.cached.iter().filter(|path| machine.at("cache").join(path).exists()) {
            copy(&machine.at("cache").join(path), &folder.join(path));
        }
        for needed in &job.needs {
            for artifact in fs::read_dir(machine.at("artifacts").join(needed)).unwrap() {
                let artifact = artifact.unwrap().path();
                copy(&artifact, &folder.join(artifact.file_name().unwrap()));
            }
        }
        let output = machine.run(&folder, &job.script, &variables);
        let code = i64::from(output.status.code().unwrap());
        assert!(code == 0 || Some(code) == job.may_exit, "{} {index}: {code}\n{}", job.name, told(&output));
        all += &told(&output);
        for path in &job.artifacts {
            let path = expanded(path, &variables);
            copy_again(&folder.join(&path), &machine.at("artifacts").join(&job.name).join(&path));
        }
        job.cached.iter().for_each(|path| copy_again(&folder.join(path), &machine.at("cache").join(path)));
    }
    all
}

/// Copies in the place of what is there.
fn copy_again(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    copy(from, to);
}

#[test]
fn the_pipeline_of_gitlab_does_what_one_process_does() {
    let machine = Machine::new();
    machine.add_remotes();
    let glab = "#!/bin/sh\n[ \"$1 $2 $3\" = 'api groups/7/projects?include_subgroups=true&per_page=100 --paginate' ] && cat \"$PAGES\"\n";
    machine.add_program("glab", glab);
    let jobs = jobs();
    let names: Vec<_> = jobs.iter().map(|job| (job.name.as_str(), job.parallel)).collect();
    assert_eq!(names, [("projects", 1), ("look", 4), ("report", 1), ("land", 1)]);
    jobs.iter().for_each(|job| drop(run_job(&machine, job)));

    let alone = "stagefold campaign run --from pages.json --clone-by https --dir alone
        stagefold campaign report --dir alone --format html > alone.html";
    let output = machine.run(machine.root.path(), alone, &BTreeMap::new());
    assert!(output.status.success(), "{}", told(&output));
    let page = fs::read(machine.at("artifacts/report/campaign.html")).unwrap();
    assert_eq!(page, fs::read(machine.at("alone.html")).unwrap());
    let page = String::from_utf8(page).unwrap();
    assert!(REPOSITORIES.iter().all(|(name, _)| page.contains(name)) && !page.contains("gitlab.example.com/old"));

    for (name, case) in REPOSITORIES {
        let branches = machine.run(&machine.at("remotes").join(format!("{name}.git")), "git branch", &BTreeMap::new());
        let is_landed = String::from_utf8_lossy(&branches.stdout).contains("stagefold/multistage");
        assert_eq!(is_landed, !case.starts_with("refuse-"), "{name}");
    }

    // Once more, and in another pipeline, when one of the targets has moved on.
    let (work, remote) = (machine.at("work/app"), machine.at("remotes/app.git"));
    fs::write(work.join("NEWS"), "new\n").unwrap();
    git(&work, &["add", "."], "");
    let ada = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"];
    git(&work, &[&ada[..], &["commit", "-q", "-m", "news"]].concat(), "");
    git(&work, &["push", "-q", remote.to_str().unwrap(), "HEAD:main"], "");
    let told = run_job(&machine, &jobs[3]);
    assert!(told.contains("0 branches pushed, 4 there already, 0 not pushed"), "{told}");
    let told: String = jobs.iter().map(|job| run_job(&machine, job)).collect();
    assert!(told.contains("0 branches pushed, 4 there already, 0 not pushed"), "{told}");
}

#[test]
fn the_login_is_told_to_this_gitlab_alone() {
    let machine = Machine::new();
    let job = jobs().into_iter().find(|job| job.name == "look").unwrap();
    let login = job.script.lines().next().unwrap();
    let ask = |host: &str| {
        let script = format!(
            "{login}\nprintf 'protocol=https\\nhost={host}\\npath=a/b.git\\n\\n' | GIT_TERMINAL_PROMPT=0 git credential fill"
        );
        let output = machine.run(machine.root.path(), &script, &predefined(&machine));
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(ask("gitlab.example.com").contains("\nusername=oauth2\npassword=token-of-the-group\n"));
    assert_eq!(ask("evil.example.com"), "");
    let settings = fs::read_to_string(machine.at("home/.gitconfig")).unwrap();
    assert!(!settings.contains("token-of-the-group"), "{settings}");
}

/// The first block of code in `sh` of a page.
fn block(page: &str) -> String {
    let page = fs::read_to_string(package().join("docs/recipes").join(page)).unwrap();
    let block = page.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next());
    block.unwrap().to_owned()
}

#[test]
fn gnu_parallel_shares_a_folder_of_repositories() {
    let machine = Machine::new();
    // As much of GNU parallel as the recipe uses, on a machine that does not have it.
    let parallel = "#!/bin/sh\n[ \"$1\" = --jobs ] || exit 255\nshift 2\nfailed=0\n\
        while read -r word; do sh -c \"$(printf '%s' \"$*\" | sed \"s/{}/$word/g\")\" || failed=$((failed + 1)); done\nexit $failed\n";
    machine.add_program("parallel", parallel);
    for (name, case) in REPOSITORIES {
        copy(&package().join("tests/fixtures").join(case).join("before"), &machine.at("repositories").join(name));
    }
    let script = format!(
        "{}\nstagefold campaign run repositories --dir alone\n
        stagefold campaign report --dir alone --format html | cmp - campaign.html",
        block("parallel.md")
    );
    let output = machine.run(machine.root.path(), &script, &BTreeMap::new());
    assert!(output.status.success(), "{}", told(&output));
}

#[test]
fn multi_gitter_gets_the_exit_statuses_that_it_needs() {
    let machine = Machine::new();
    machine.add_program("fold.sh", &block("multi-gitter.md"));
    for (name, case) in
        [("folds", Some("artifacts-npm")), ("refused", Some("refuse-keyword-release")), ("empty", None), ("odd", None)]
    {
        let folder = machine.at(name);
        match case {
            Some(case) => copy(&package().join("tests/fixtures").join(case).join("before"), &folder),
            None => fs::create_dir(&folder).unwrap(),
        }
        if name == "odd" {
            fs::write(folder.join(".gitlab-ci.yml"), "build: [\n").unwrap();
        }
        commit(&folder);
        let output = machine.run(&folder, "fold.sh", &BTreeMap::new());
        let changed = machine.run(&folder, "git status --porcelain", &BTreeMap::new()).stdout;
        let expected = (if name == "odd" { 2 } else { 0 }, name == "folds");
        assert_eq!((output.status.code().unwrap(), !changed.is_empty()), expected, "{name}: {}", told(&output));
    }
}
