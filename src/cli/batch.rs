use std::collections::BTreeMap;
use std::io;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, Builder};

/// The stack of a worker, in bytes. Memory is taken only for what is used.
const STACK: usize = 16 * 1024 * 1024;

/// Does `work` for each index below `count`, several at a time, and hands the results to `sink` in order,
/// each as soon as those before it are done. `jobs` says how many at a time; by default one for each processor.
///
/// Indices are begun in order, so that little waits to be handed on. Once `sink` fails, no new one is begun.
pub(super) fn in_order<T: Send>(
    count: usize,
    jobs: Option<NonZeroUsize>,
    work: &(dyn Fn(usize) -> T + Sync),
    sink: &mut dyn FnMut(T) -> io::Result<()>,
) -> io::Result<()> {
    let jobs = jobs.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let (sender, results) = mpsc::channel();
        for _ in 0..jobs.min(count) {
            let (sender, next) = (sender.clone(), &next);
            let worker = move || {
                let indices = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
                for index in indices.take_while(|index| *index < count) {
                    if sender.send((index, work(index))).is_err() {
                        return;
                    }
                }
            };
            Builder::new().stack_size(STACK).spawn_scoped(scope, worker)?;
        }
        drop(sender);
        hand_on(results, sink)
    })
}

/// Takes the receiver by value: when it returns, workers find nobody listening and stop.
fn hand_on<T>(results: Receiver<(usize, T)>, sink: &mut dyn FnMut(T) -> io::Result<()>) -> io::Result<()> {
    let mut waiting = BTreeMap::new();
    let mut due = 0;
    for (index, result) in results {
        waiting.insert(index, result);
        while let Some(result) = waiting.remove(&due) {
            sink(result)?;
            due += 1;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::num::NonZeroUsize;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::in_order;

    #[test]
    fn results_come_in_order_whoever_is_first() {
        for jobs in [1, 2, 7, 300] {
            let mut seen = Vec::new();
            let work = |index: usize| {
                (0..(index * 7) % 5).for_each(|_| thread::yield_now());
                index
            };
            let mut sink = |index| {
                seen.push(index);
                Ok(())
            };
            in_order(200, NonZeroUsize::new(jobs), &work, &mut sink).unwrap();
            assert!(seen.iter().copied().eq(0..200), "{jobs}: {seen:?}");
        }
    }

    #[test]
    fn a_sink_that_fails_stops_the_work() {
        let begun = AtomicUsize::new(0);
        let work = |index: usize| {
            begun.fetch_add(1, Ordering::Relaxed);
            index
        };
        let mut sink = |index| if index < 3 { Ok(()) } else { Err(io::Error::from(io::ErrorKind::BrokenPipe)) };
        let error = in_order(usize::MAX, NonZeroUsize::new(2), &work, &mut sink).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        assert!(begun.into_inner() >= 4);
    }

    #[test]
    fn nothing_to_do_is_nothing() {
        in_order(0, None, &|index| index, &mut |_| panic!("there was something")).unwrap();
    }
}
