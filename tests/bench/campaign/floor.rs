use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use crate::Figures;
use crate::generate::{Made, Repositories};
use crate::program::{Of, busy};

/// Lists every folder below `root` but those that hold git's own or other people's files, which the program does not
/// look into either, and reads the files that a dry run reads. Several repositories are done at a time.
pub(crate) fn walk_and_read(root: &Path, repositories: &Repositories<'_>, jobs: usize) -> Figures {
    let (start, before) = (Instant::now(), busy(Of::Myself));
    for group in fs::read_dir(root).unwrap() {
        fs::read_dir(group.unwrap().path()).unwrap().for_each(drop);
    }
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(made) = repositories.0.get(next.fetch_add(1, Ordering::Relaxed)) {
            one(&root.join(&made.folder), made);
        }
    };
    thread::scope(|scope| (0..jobs).for_each(|_| drop(scope.spawn(work))));
    Figures { wall: start.elapsed(), busy: busy(Of::Myself) - before, memory: None }
}

fn one(root: &Path, made: &Made<'_>) {
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() && entry.file_name() != ".git" && entry.file_name() != "node_modules"
            {
                folders.push(entry.path());
            }
        }
    }
    for name in &made.kind.read {
        std::hint::black_box(fs::read(root.join(name)).unwrap());
    }
}
