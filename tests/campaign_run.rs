//! Campaigns over two hundred repositories: what is told of them does not depend on who looked at them, when, or how often
//! the program was killed meanwhile.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test stops where something is not as it must be"
)]
#![cfg(unix)]

#[path = "harness/case.rs"]
#[allow(dead_code, reason = "the harness has more than this file needs")]
mod case;
#[path = "harness/group.rs"]
#[allow(dead_code, reason = "the harness has more than this file needs")]
mod group;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use case::{commit, stagefold, tree};
use group::{COUNT, Group, below};
use serde_json::Value;
use tempfile::TempDir;

/// How often a run is killed.
const KILLS: usize = 25;

const FORMATS: [&str; 5] = ["text", "json", "csv", "markdown", "html"];

fn report(group: &Group, dir: &str, format: &str) -> String {
    let printed = stagefold(group.root.path(), &["campaign", "report", "--dir", dir, "--format", format]);
    assert_eq!(printed.err, "");
    printed.out
}

fn start(group: &Group, words: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stagefold"));
    command.current_dir(group.root.path()).args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// Numbers that differ from one run of the tests to the next, and are printed with the seed.
struct Chance(u64);

impl Chance {
    fn new() -> Self {
        let seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos().into();
        eprintln!("the seed is {seed}");
        Self(seed)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// Runs `again` until it comes to its end, and kills it at random moments before, at most [`KILLS`] times. The first run is
/// `first`; a whole one takes about `whole`, and what is killed goes on where it was.
fn with_kills(group: &Group, first: &[&str], again: &[&str], whole: Duration) -> usize {
    let mut chance = Chance::new();
    let mut kills = 0;
    loop {
        let mut child = start(group, if kills == 0 { first } else { again });
        let moment = Duration::from_micros(chance.below(u64::try_from(whole.as_micros()).unwrap() / 15));
        let end = Instant::now() + moment;
        while kills < KILLS && Instant::now() < end && child.try_wait().unwrap().is_none() {
            thread::sleep(Duration::from_millis(1));
        }
        if kills == KILLS || child.try_wait().unwrap().is_some() {
            child.wait().unwrap();
            return kills;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
    }
}

fn timed(work: impl FnOnce()) -> Duration {
    let started = Instant::now();
    work();
    started.elapsed()
}

/// How many lines of the journal are about each project and this step.
fn steps(group: &Group, dir: &str, step: &str) -> BTreeMap<String, usize> {
    let journal = fs::read_to_string(group.root.path().join(dir).join("journal.jsonl")).unwrap();
    let mut counts = BTreeMap::new();
    for line in journal.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        if line["step"] == step {
            let project = line["project"]["name"].as_str().or_else(|| line["project"].as_str()).unwrap();
            *counts.entry(project.to_owned()).or_default() += 1;
        }
    }
    counts
}

#[test]
fn a_campaign_tells_what_diff_tells() {
    let group = Group::new();
    let printed = stagefold(group.root.path(), &["campaign", "run", ".", "--dir", "d"]);
    assert_eq!(printed.code, 2, "{}", printed.err);
    let told: Value = serde_json::from_str(&report(&group, "d", "json")).unwrap();
    let diff: Value = serde_json::from_str(&stagefold(group.root.path(), &["--format", "json"]).out).unwrap();
    let (told, diff) = (told["repositories"].as_array().unwrap(), diff["repositories"].as_array().unwrap());
    assert_eq!(told.len(), COUNT);
    for (told, diff) in told.iter().zip(diff) {
        for key in ["path", "verdict", "applicability", "handoffs", "findings", "changes", "patch"] {
            assert_eq!(told[key], diff[key], "{}", diff["path"]);
        }
    }
    let audit = stagefold(group.root.path(), &["audit", "--format", "json", "-q"]);
    let audit: Value = serde_json::from_str(&audit.out).unwrap();
    assert_eq!(audit["repositories"].as_array().unwrap(), told);
}

#[test]
fn shards_that_are_merged_tell_what_one_process_tells() {
    let group = Group::new();
    stagefold(group.root.path(), &["campaign", "run", ".", "--dir", "whole"]);
    let shards: Vec<_> = (1..=4).map(|index| (format!("{index}/4"), format!("shard-{index}"))).collect();
    let children =
        shards.iter().map(|(shard, dir)| start(&group, &["campaign", "run", ".", "--dir", dir, "--shard", shard]));
    for mut child in children.collect::<Vec<_>>() {
        child.wait().unwrap();
    }
    let counts = shards.iter().map(|(_, dir)| steps(&group, dir, "looked").len()).collect::<Vec<_>>();
    assert!(counts.iter().all(|count| *count > 0) && counts.iter().sum::<usize>() == COUNT, "{counts:?}");
    let dirs = shards.iter().map(|(_, dir)| dir.as_str());
    let words: Vec<_> = ["campaign", "merge", "--dir", "merged"].into_iter().chain(dirs).collect();
    assert_eq!(stagefold(group.root.path(), &words).code, 0);
    for format in FORMATS {
        assert!(report(&group, "merged", format) == report(&group, "whole", format), "{format}");
    }
}

#[test]
fn a_run_that_is_killed_and_resumed_comes_to_the_same() {
    let group = Group::new();
    let whole = timed(|| drop(stagefold(group.root.path(), &["campaign", "run", ".", "--dir", "whole"])));
    let words = ["campaign", "run", ".", "--dir", "killed"];
    // A run that was killed before it wrote a line has left nothing to go on with.
    fs::create_dir(group.root.path().join("killed")).unwrap();
    fs::write(group.root.path().join("killed/journal.jsonl"), "").unwrap();
    let again = ["campaign", "run", ".", "--dir", "killed", "--resume"];
    let kills = with_kills(&group, &again, &again, whole);
    assert!(kills >= 5, "the run was too short to be killed: {kills} times");
    assert_eq!(stagefold(group.root.path(), &words).code, 2, "a second campaign in the same folder is refused");
    for format in FORMATS {
        assert!(report(&group, "killed", format) == report(&group, "whole", format), "{format}");
    }
    let looked = steps(&group, "killed", "looked");
    assert!(looked.len() == COUNT && looked.values().all(|count| *count == 1), "{looked:?}");
    let printed = stagefold(group.root.path(), &again);
    assert!(printed.err.contains(&format!("{COUNT} more have not changed")), "{}", printed.err);
    assert_eq!(steps(&group, "killed", "looked"), looked);
}

#[test]
fn what_has_changed_is_looked_at_again_and_nothing_else() {
    let group = Group::new();
    let run = |words: &[&str]| stagefold(group.root.path(), &[&["campaign", "run", ".", "--dir", "d"], words].concat());
    run(&[]);
    let (index, _) = (0..COUNT)
        .map(|index| (index, group.case(index)))
        .find(|(index, case)| Group::broken(*index).is_none() && case.is_some_and(|case| case.verdict == "folded"))
        .unwrap();
    let pipeline = group.root.path().join(Group::name(index)).join(".gitlab-ci.yml");
    let text = fs::read_to_string(&pipeline).unwrap();
    fs::write(&pipeline, "# changed\n".to_owned() + &text).unwrap();
    fs::write(group.root.path().join(Group::name(index)).join("UNREAD"), "nobody reads this").unwrap();
    run(&["--resume"]);
    let looked = steps(&group, "d", "looked");
    assert!(looked.iter().all(|(name, count)| *count == 1 + usize::from(*name == Group::name(index))), "{looked:?}");
    run(&["--resume", "--accept", "rules-differ"]);
    assert!(steps(&group, "d", "looked").values().sum::<usize>() > 2 * COUNT, "other options are another question");
    let failed = steps(&group, "d", "looked").values().sum::<usize>();
    run(&["--only-failed", "--accept", "rules-differ"]);
    let again = steps(&group, "d", "looked").values().sum::<usize>() - failed;
    assert!(again >= group::BROKEN.len() && again < COUNT / 2, "{again}");
}

#[test]
fn folds_are_applied_and_undone_whatever_kills_the_program() {
    let group = Group::new();
    stagefold(group.root.path(), &["campaign", "run", ".", "--dir", "d"]);
    let before = without_campaign(group.root.path());
    let apply = ["campaign", "apply", "--dir", "d"];
    let undo = ["campaign", "undo", "--dir", "d"];
    let whole = timed(|| drop(stagefold(group.root.path(), &apply)));
    let applied = without_campaign(group.root.path());
    for (name, case, expected) in group.expected() {
        assert!(below(&applied, &name) == expected, "{name} ({})", case.name);
    }
    assert_eq!(stagefold(group.root.path(), &undo).code, 0);
    assert!(without_campaign(group.root.path()) == before, "undo does not put back what was there");
    let kills = with_kills(&group, &apply, &apply, whole);
    assert!(without_campaign(group.root.path()) == applied, "killed {kills} times");
    let kills = kills + with_kills(&group, &undo, &undo, whole);
    assert!(without_campaign(group.root.path()) == before, "killed {kills} times");
    assert!(kills >= 5, "{kills}");
}

/// All files but those of the campaign itself.
fn without_campaign(root: &Path) -> case::Tree {
    tree(root).into_iter().filter(|(path, _)| !path.starts_with("d/")).collect()
}

#[test]
fn a_file_that_somebody_has_changed_since_is_left_alone() {
    let group = Group::new();
    stagefold(group.root.path(), &["campaign", "run", ".", "--dir", "d"]);
    stagefold(group.root.path(), &["campaign", "apply", "--dir", "d"]);
    let (name, _, _) = group.expected().find(|(_, case, _)| case.folds()).unwrap();
    let pipeline = group.root.path().join(&name).join(".gitlab-ci.yml");
    fs::write(&pipeline, "changed: {script: x}\n").unwrap();
    let applied = below(&without_campaign(group.root.path()), &name);
    let printed = stagefold(group.root.path(), &["campaign", "undo", "--dir", "d"]);
    assert_eq!(printed.code, 2);
    assert!(printed.err.contains(&format!("{name}: not done: .gitlab-ci.yml has changed since")), "{}", printed.err);
    assert!(below(&without_campaign(group.root.path()), &name) == applied);
}

/// Neither side may wait for the other for ever: an answer and a request that no pipe holds, one after the other.
#[test]
fn answers_and_requests_may_be_larger_than_a_pipe() {
    let root = TempDir::new().unwrap();
    let (large, many) = (root.path().join("a"), root.path().join("b"));
    case::all().iter().find(|case| case.name == "artifacts-npm").unwrap().copy(&large);
    let pipeline = fs::read_to_string(large.join(".gitlab-ci.yml")).unwrap();
    fs::write(large.join(".gitlab-ci.yml"), pipeline + &"# a comment that takes its room\n".repeat(4000)).unwrap();
    for index in 0..2500 {
        let folder = many.join(format!("a-folder-with-a-name/{index}"));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(".gitlab-ci.yml"), "build:\n  script: make\n").unwrap();
    }
    fs::write(many.join(".gitlab-ci.yml"), "build:\n  script: make\n").unwrap();
    commit(&many);
    for index in 0..5 {
        let folder = root.path().join(format!("c{index}"));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join(".gitlab-ci.yml"), "build:\n  script: make\n").unwrap();
    }
    let run = |words: &[&str]| {
        let words = [&["campaign", "run", ".", "--dir", "d", "--jobs", "1", "--time-limit", "120"], words].concat();
        stagefold(root.path(), &words)
    };
    let printed = run(&[]);
    assert!(printed.code == 0 && printed.err.contains("a: folded"), "{}", printed.err);
    assert!(printed.err.contains("2507 repositories"), "{}", printed.err);
    let printed = run(&["--resume"]);
    assert!(printed.err.contains("7 more have not changed"), "{}", printed.err);
}

#[test]
fn a_campaign_that_goes_on_keeps_to_its_shard() {
    let group = Group::new();
    let run = |words: &[&str]| stagefold(group.root.path(), &[&["campaign", "run", "--dir", "d"], words].concat());
    let printed = run(&[".", "--shard", "1/4"]);
    let looked = steps(&group, "d", "looked");
    assert!(looked.len() < COUNT / 2, "{looked:?}");
    assert_eq!(run(&["--resume"]).code, printed.code, "what failed has failed, whoever looked");
    assert_eq!(steps(&group, "d", "looked"), looked);
    let refused = run(&["--resume", "--shard", "2/4"]);
    assert!(refused.code == 2 && refused.err.contains("is about the shard 1/4"), "{}", refused.err);
}

#[test]
fn a_merge_that_fails_leaves_nothing_and_can_be_made_again() {
    let group = Group::new();
    stagefold(group.root.path(), &["campaign", "run", ".", "--dir", "s1", "--shard", "1/2"]);
    stagefold(group.root.path(), &["campaign", "run", ".", "--dir", "s2", "--shard", "2/2"]);
    let merge = |words: &[&str]| stagefold(group.root.path(), &[&["campaign", "merge", "--dir", "m"], words].concat());
    let printed = merge(&["s1", "typo"]);
    assert!(printed.code == 2 && printed.err.contains("typo: there is no campaign"), "{}", printed.err);
    assert_eq!(merge(&["s1", "s2", "s1/."]).code, 0);
    assert_eq!(steps(&group, "m", "looked").len(), COUNT);
    assert_eq!(merge(&["s1", "s2"]).code, 2);
}

/// One repository with a fold, and a campaign about it in `d`.
fn applied_once() -> TempDir {
    let root = TempDir::new().unwrap();
    case::all().iter().find(|case| case.name == "artifacts-npm").unwrap().copy(&root.path().join("app"));
    commit(&root.path().join("app"));
    assert_eq!(stagefold(root.path(), &["campaign", "run", "app", "--dir", "d"]).code, 0);
    assert_eq!(stagefold(root.path(), &["campaign", "apply", "--dir", "d"]).code, 0);
    root
}

#[test]
fn what_is_not_in_the_files_is_not_said_to_be_written() {
    let root = applied_once();
    let app = root.path().join("app");
    let run = |words: &[&str]| stagefold(root.path(), words);
    assert!(run(&["campaign", "apply", "--dir", "d"]).err.contains("app: written already"));
    let folded = tree(&app);
    case::git(&app, &["checkout", "-q", "."], "");
    let printed = run(&["campaign", "apply", "--dir", "d"]);
    assert!(printed.err.contains("app: 2 files written"), "{}", printed.err);
    assert!(tree(&app) == folded);
    assert_eq!(run(&["campaign", "undo", "--dir", "d"]).code, 0);
    let dockerfile = fs::read_to_string(app.join("Dockerfile")).unwrap();
    fs::write(app.join("Dockerfile"), dockerfile + "# newer\n").unwrap();
    case::git(&app, &["commit", "-q", "-a", "-m", "newer"], "");
    run(&["campaign", "run", "--dir", "d", "--resume"]);
    assert_eq!(run(&["campaign", "apply", "--dir", "d"]).code, 0);
    assert!(fs::read_to_string(app.join("Dockerfile")).unwrap().contains("COPY --from=builder"));
}

#[test]
fn undo_takes_nothing_of_the_user_away_and_follows_no_link() {
    let root = applied_once();
    let app = root.path().join("app");
    fs::write(app.join(".stagefold-config"), "mine").unwrap();
    let elsewhere = root.path().join("elsewhere");
    fs::rename(&app, &elsewhere).unwrap();
    std::os::unix::fs::symlink("elsewhere", &app).unwrap();
    let folded = tree(&elsewhere);
    let printed = stagefold(root.path(), &["campaign", "undo", "--dir", "d"]);
    assert!(printed.code == 2 && printed.err.contains("by now; nothing was written there"), "{}", printed.err);
    assert!(tree(&elsewhere) == folded);
    fs::remove_file(&app).unwrap();
    fs::rename(&elsewhere, &app).unwrap();
    assert_eq!(stagefold(root.path(), &["campaign", "undo", "--dir", "d"]).code, 0);
    assert_eq!(fs::read_to_string(app.join(".stagefold-config")).unwrap(), "mine");
}

#[test]
fn what_the_sources_name_no_more_is_told_no_more() {
    let root = applied_once();
    fs::create_dir(root.path().join("other")).unwrap();
    let run = |folder: &Path, words: &[&str]| stagefold(folder, &[&["campaign", "run", "--dir"], words].concat());
    let dir = root.path().join("g").display().to_string();
    fs::create_dir_all(root.path().join("src")).unwrap();
    fs::rename(root.path().join("app"), root.path().join("src/app")).unwrap();
    fs::create_dir_all(root.path().join("src/b")).unwrap();
    fs::write(root.path().join("src/b/.gitlab-ci.yml"), "build:\n  script: make\n").unwrap();
    let here = root.path().join("src");
    assert_eq!(run(&here, &["d"]).code, 0);
    let again = run(&here, &["d", "--resume"]);
    assert!(again.code == 0 && again.err.contains("2 more have not changed"), "{}", again.err);
    assert_eq!(run(root.path(), &[&dir, "src"]).code, 0);
    let elsewhere = run(&root.path().join("other"), &[&dir, "--resume"]);
    assert!(elsewhere.code == 2 && elsewhere.err.contains("was begun in"), "{}", elsewhere.err);
    fs::remove_dir_all(root.path().join("src/app")).unwrap();
    assert_eq!(run(root.path(), &[&dir, "--resume"]).code, 0);
    let report = stagefold(root.path(), &["campaign", "report", "--dir", &dir, "--format", "csv"]).out;
    assert!(report.contains("src/b") && !report.contains("src/app"), "{report}");
}
