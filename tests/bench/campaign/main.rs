//! How long a dry run over many repositories takes, and how much memory, beside the time of only walking and reading the
//! same files. Prints figures and judges nothing: `cargo bench --bench campaign -- 1000 10000`, a number for each
//! measurement. The repositories are made in the folder for temporary files and taken away again.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "this prints figures, and stops where it cannot")]

#[path = "../../harness/case.rs"]
#[allow(dead_code, reason = "the harness has more than this file needs")]
mod case;
mod floor;
mod generate;
mod kind;
mod program;
mod random;

use std::time::{Duration, Instant};

use kind::Kind;
use tempfile::TempDir;

/// What the repositories are made from: the same seed, the same bytes.
const SEED: u64 = 6;

/// What is done at a time, by the floor as by the program.
const JOBS: usize = 2;

/// How often each is measured; the least counts, because others use the machine, too.
const ROUNDS: usize = 3;

fn main() {
    let mut sizes: Vec<usize> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    if sizes.is_empty() {
        sizes.push(1_000);
    }
    let models = TempDir::new().unwrap();
    let kinds = kind::all(models.path(), SEED);
    sizes.into_iter().for_each(|size| measure(&kinds, size));
}

fn measure(kinds: &[Kind], size: usize) {
    let root = TempDir::new().unwrap();
    let start = Instant::now();
    let repositories = generate::repositories(kinds, size, SEED);
    repositories.write(root.path(), JOBS);
    println!("{size} repositories, made in {:.1?}: {}", start.elapsed(), repositories.mix());
    let floor = least(|| floor::walk_and_read(root.path(), &repositories, JOBS));
    print("walking and reading", &floor, size);
    for words in [&["audit", "--format", "json"][..], &["diff", "-q"]] {
        let run = least(|| program::run(root.path(), words, JOBS));
        print(&format!("stagefold {}", words.join(" ")), &run, size);
        let ratio = |ours: Duration, floor: Duration| ours.as_secs_f64() / floor.as_secs_f64();
        let (wall, busy) = (ratio(run.wall, floor.wall), ratio(run.busy, floor.busy));
        println!("{:32} {wall:>8.2} times the floor, {busy:.2} by the processors", "");
    }
}

/// What a measurement says.
struct Figures {
    /// The time that passed.
    wall: Duration,
    /// The time that all processors worked for it.
    busy: Duration,
    /// The most memory that it held, its processes together, in bytes.
    memory: Option<u64>,
}

/// The least of several rounds, each figure by itself. One that goes before brings the files into memory.
fn least(round: impl Fn() -> Figures) -> Figures {
    let _ = round();
    let rounds: Vec<_> = (0..ROUNDS).map(|_| round()).collect();
    Figures {
        wall: rounds.iter().map(|figures| figures.wall).min().unwrap(),
        busy: rounds.iter().map(|figures| figures.busy).min().unwrap(),
        memory: rounds.iter().filter_map(|figures| figures.memory).max(),
    }
}

fn print(what: &str, figures: &Figures, size: usize) {
    let each = figures.wall.as_secs_f64() * 1e6 / size as f64;
    let memory = figures.memory.map(|bytes| format!(", {:.1} MB", bytes as f64 / 1e6)).unwrap_or_default();
    println!("{what:32} {:>8.2?}, {each:.0} µs each, {:.2?} of processors{memory}", figures.wall, figures.busy);
}
