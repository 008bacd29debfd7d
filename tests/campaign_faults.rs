//! Repositories that bring down whoever looks at them: each is told with its reason, and all others are folded as ever.
//!
//! The program has no such faults to offer, so this one is the program with a fold that has them, its workers included. That is
//! why it has a `main` of its own: a worker is the program that runs, started again.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops where something is not as it must be"
)]

use std::hint::black_box;
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs, process};

use clap::Parser;
use serde_json::Value;
use stagefold::cli::{Arguments, Streams, run};
use stagefold::source::Repository;
use stagefold::text::RepositoryPath;
use stagefold::{Outcome, Policy};
use tempfile::TempDir;

/// What a pipeline asks for, and what must be told of it: a part of the message, and the code.
const FAULTS: [(&str, &str, &str); 6] = [
    ("panic", "the worker panics (tests/campaign_faults.rs:", "internal-error"),
    ("abort", "ended by signal 6", "internal-error"),
    ("overflow", "stack overflow, aborting", "internal-error"),
    ("exit", "exit status 7", "internal-error"),
    ("hang", "it was given up after 6 s", "limit-exceeded"),
    ("hoard", "it asked for more than 600 MiB of memory", "limit-exceeded"),
];

/// How many repositories have no fault.
const SOUND: usize = 40;

fn faulty(repository: &dyn Repository, pipeline: &RepositoryPath, policy: &Policy) -> Outcome {
    let text = repository.read(pipeline).map(|file| file.text().to_owned()).unwrap_or_default();
    match text.lines().next().and_then(|line| line.strip_prefix("# ")) {
        Some("panic") => panic!("the worker panics"),
        Some("abort") => process::abort(),
        Some("overflow") => drop(black_box(deeper(0))),
        Some("exit") => process::exit(7),
        Some("hang") => thread::sleep(Duration::from_secs(600)),
        Some("hoard") => drop(black_box(hoard())),
        _ => {}
    }
    stagefold::fold(repository, pipeline, policy)
}

#[allow(unconditional_recursion, reason = "that is the fault")]
fn deeper(depth: usize) -> usize {
    let room = black_box([depth; 1000]);
    deeper(depth + 1) + room.iter().sum::<usize>()
}

fn hoard() -> Vec<Vec<u8>> {
    (0..100).map(|_| black_box(vec![1; 64 << 20])).collect()
}

fn main() -> ExitCode {
    let words: Vec<_> = env::args().collect();
    match words.get(1).map(String::as_str) {
        Some("campaign") => ExitCode::from(campaign(&words, &mut io::stdout(), &mut io::stderr())),
        // What cargo-nextest asks a program of tests.
        Some("--list") => {
            println!("each_fault_is_told_and_stops_no_other: test");
            ExitCode::SUCCESS
        }
        _ => {
            each_fault_is_told_and_stops_no_other();
            println!("each_fault_is_told_and_stops_no_other ... ok");
            ExitCode::SUCCESS
        }
    }
}

fn campaign(words: &[String], out: &mut (dyn io::Write + Send), err: &mut dyn io::Write) -> u8 {
    let arguments = Arguments::parse_from(words);
    let mut streams = Streams { out, err, color_out: false, color_err: false, is_terminal: false };
    run(&arguments, &faulty, &mut streams).unwrap().code()
}

fn each_fault_is_told_and_stops_no_other() {
    let root = TempDir::new().unwrap();
    let before = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/artifacts-npm/before");
    for index in 0..SOUND {
        copy(&before, &root.path().join(format!("sound-{index:02}")));
    }
    for (fault, _, _) in FAULTS {
        let folder = root.path().join(fault);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join(".gitlab-ci.yml"), format!("# {fault}\nbuild:\n  script: make\n")).unwrap();
    }
    let (folder, dir) = (root.path().display().to_string(), root.path().join("campaign").display().to_string());
    let limits = ["--time-limit", "6", "--memory-limit", "600", "--git-time-limit", "10", "--jobs", "3"];
    let words = ["stagefold", "campaign", "run", &folder, "file:///no/such/repository.git", "--dir", &dir];
    let words: Vec<_> = words.into_iter().chain(limits).map(str::to_owned).collect();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let started = Instant::now();
    assert_eq!(campaign(&words, &mut out, &mut err), 2, "{}", String::from_utf8_lossy(&err));
    assert!(started.elapsed() < Duration::from_secs(120), "{:?}", started.elapsed());
    let words = ["stagefold", "campaign", "report", "--dir", &dir, "--format", "json"].map(str::to_owned);
    out.clear();
    campaign(&words, &mut out, &mut err);
    check(&serde_json::from_slice(&out).unwrap());
}

fn check(report: &Value) {
    let repositories = report["repositories"].as_array().unwrap();
    assert_eq!(repositories.len(), SOUND + FAULTS.len() + 1, "{report:#}");
    let named = |name: &str| {
        let is_named = |repository: &&Value| repository["path"].as_str().unwrap().ends_with(name);
        repositories.iter().find(is_named).unwrap_or_else(|| panic!("{name} is not told of"))
    };
    for index in 0..SOUND {
        assert_eq!(named(&format!("sound-{index:02}"))["verdict"], "folded");
    }
    let unreachable = [("no/such/repository", "", "repository-not-fetched")];
    for (name, message, code) in FAULTS.iter().chain(&unreachable) {
        let told = named(name);
        assert_eq!(told["verdict"], "failed", "{name}");
        assert_eq!(told["findings"][0]["code"], *code, "{told:#}");
        assert!(told["findings"][0]["message"].as_str().unwrap().contains(message), "{told:#}");
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let place = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &place)
        } else {
            drop(fs::copy(entry.path(), place))
        }
    }
}
