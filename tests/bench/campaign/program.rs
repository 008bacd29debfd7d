use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::Figures;

/// How often the memory is looked at. Linux keeps the most that a process has held, so that nothing is missed between two
/// looks but what a process takes in its last moment.
const LOOK: Duration = Duration::from_millis(50);

/// Runs the program with `words` over the folder `root`, and throws away what it prints.
pub(crate) fn run(root: &Path, words: &[&str], jobs: usize) -> Figures {
    let (start, before) = (Instant::now(), busy(Of::MyChildren));
    let mut command = Command::new(env!("CARGO_BIN_EXE_stagefold"));
    command.args(words).arg("--jobs").arg(jobs.to_string()).arg(root);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let memory = watch(&mut child);
    Figures { wall: start.elapsed(), busy: busy(Of::MyChildren) - before, memory: Some(memory) }
}

/// Waits for `child`, and says how many bytes it and the processes that it started held at most, together.
fn watch(child: &mut Child) -> u64 {
    let id = child.id();
    thread::scope(|scope| {
        let (ended, end) = std::sync::mpsc::channel::<()>();
        let looks = scope.spawn(move || {
            let mut most = 0;
            while end.recv_timeout(LOOK) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                most = most.max(memory(id));
            }
            most
        });
        child.wait().unwrap();
        drop(ended);
        looks.join().unwrap()
    })
}

/// The most that the process `id` and those that it started have held, each by itself, in bytes.
fn memory(id: u32) -> u64 {
    let ids =
        fs::read_dir("/proc").into_iter().flatten().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let parents: HashMap<u32, u32> =
        ids.filter_map(|id: u32| Some((id, field(id, "PPid:")?.try_into().ok()?))).collect();
    let is_own = |of: &&u32| std::iter::successors(Some(**of), |id| parents.get(id).copied()).any(|above| above == id);
    let kilobytes: u64 = parents.keys().filter(is_own).filter_map(|id| field(*id, "VmHWM:")).sum();
    kilobytes * 1024
}

fn field(id: u32, name: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Whose time is meant.
#[derive(Clone, Copy)]
pub(crate) enum Of {
    Myself,
    MyChildren,
}

/// How long the processors have worked so far, for the program and for the system on its behalf (proc_pid_stat(5): utime,
/// stime, cutime and cstime, in hundredths of a second).
pub(crate) fn busy(of: Of) -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let place = match of {
        Of::Myself => 11,
        Of::MyChildren => 13,
    };
    let ticks: u64 = fields.iter().skip(place).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}
