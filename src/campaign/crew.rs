//! Threads that do the same for many projects.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread::{self, Builder};

use super::error::CampaignError;

/// The stack of each, in bytes. Memory is taken only for what is used.
const STACK: usize = 16 * 1024 * 1024;

/// Does `work` for each index below `count`, `jobs` at a time, and hands over what came of it as it comes. The first error
/// ends it: nothing new is begun then.
pub(super) fn spread<T: Send>(
    count: usize,
    jobs: usize,
    work: &(dyn Fn(usize) -> Result<T, CampaignError> + Sync),
    sink: &mut dyn FnMut(usize, T),
) -> Result<(), CampaignError> {
    let (next, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let (sender, results) = mpsc::channel();
        for _ in 0..jobs.min(count) {
            let (sender, next, is_over) = (sender.clone(), &next, &is_over);
            let worker = move || {
                let indices = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
                for index in indices.take_while(|index| *index < count && !is_over.load(Ordering::Relaxed)) {
                    if sender.send((index, work(index))).is_err() {
                        return;
                    }
                }
            };
            let spawned = Builder::new().stack_size(STACK).spawn_scoped(scope, worker);
            spawned.map_err(|error| CampaignError::Other(format!("a thread could not be started: {error}")))?;
        }
        drop(sender);
        let mut first = Ok(());
        for (index, result) in results {
            match result {
                Ok(done) => sink(index, done),
                Err(error) => {
                    is_over.store(true, Ordering::Relaxed);
                    first = first.and(Err(error));
                }
            }
        }
        first
    })
}
