//! How long the program takes: to start, to fold one repository, and to fold many. Prints figures and judges
//! nothing: `cargo bench`.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "this prints figures, and stops where it cannot")]

#[path = "../harness/case.rs"]
#[allow(dead_code, reason = "the harness has more than this file needs")]
mod case;

use std::path::Path;
use std::time::{Duration, Instant};

use case::{commit, stagefold};
use stagefold::repo::{DiskRepository, PIPELINE};
use stagefold::text::RepositoryPath;
use stagefold::{Policy, fold};
use tempfile::TempDir;

/// How often each is measured.
const ROUNDS: usize = 40;

/// How many repositories are many.
const MANY: usize = 200;

fn main() {
    let empty = TempDir::new().unwrap();
    measure("start (--version)", || drop(stagefold(empty.path(), &["--version"])));
    let cases = case::all();
    let Some(case) = cases.iter().find(|case| case.folds()).or_else(|| cases.first()) else { return };
    let one = case.check_out();
    measure(&format!("fold one, in process ({})", case.name), || fold_in_process(one.path()));
    measure(&format!("fold one, whole program ({})", case.name), || drop(case.run(one.path(), "diff", &[])));
    let many = TempDir::new().unwrap();
    for (index, case) in cases.iter().cycle().take(MANY).enumerate() {
        case.copy(&many.path().join(format!("{index:04}")));
    }
    commit(many.path());
    let figures = measure(&format!("fold {MANY} repositories"), || drop(stagefold(many.path(), &["-q"])));
    println!("{:42} {:>10.0} repositories a second", "", MANY as f64 / figures.as_secs_f64());
}

fn fold_in_process(root: &Path) {
    let pipeline = RepositoryPath::new(PIPELINE).unwrap();
    let repository = DiskRepository::new(root, pipeline.clone());
    std::hint::black_box(fold(&repository, &pipeline, &Policy::default()));
}

/// Prints the fastest, the middle and the slowest of all rounds, and returns the middle.
fn measure(what: &str, work: impl Fn()) -> Duration {
    let mut times: Vec<_> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .collect();
    times.sort();
    let (first, middle, last) = (times[0], times[ROUNDS / 2], times[ROUNDS - 1]);
    println!("{what:42} {middle:>10.2?}   (from {first:.2?} to {last:.2?})");
    middle
}
