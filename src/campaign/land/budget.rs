use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::campaign::git::{Git, GitTrouble};

/// How often a wait looks whether a signal has come.
const PAUSE: Duration = Duration::from_millis(50);

/// How many branches may still be pushed. One that is not pushed after all leaves its place to another.
#[derive(Debug)]
pub(super) struct Budget {
    places: Mutex<Places>,
    is_given_back: Condvar,
}

#[derive(Debug)]
struct Places {
    free: u32,
    taken: u32,
}

/// A place that was taken.
#[derive(Debug)]
pub(super) struct Place<'a> {
    budget: &'a Budget,
    is_used: bool,
}

impl Budget {
    pub(super) const fn new(limit: u32) -> Self {
        Self { places: Mutex::new(Places { free: limit, taken: 0 }), is_given_back: Condvar::new() }
    }

    /// Takes a place, once it is known whether there is one for this branch; `None` where all are used.
    pub(super) fn take(&self, git: &Git) -> Result<Option<Place<'_>>, GitTrouble> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(free) = places.free.checked_sub(1) {
                (places.free, places.taken) = (free, places.taken + 1);
                return Ok(Some(Place { budget: self, is_used: false }));
            }
            if places.taken == 0 {
                return Ok(None);
            }
            git.interrupt().check()?;
            places = self.is_given_back.wait_timeout(places, PAUSE).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Place<'_> {
    /// The branch was pushed.
    pub(super) fn is_used(&mut self) {
        self.is_used = true;
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut places = self.budget.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.taken -= 1;
        places.free += u32::from(!self.is_used);
        drop(places);
        self.budget.is_given_back.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use super::Budget;
    use crate::campaign::git::Git;
    use crate::process::Interrupt;

    #[test]
    fn a_place_that_is_given_back_goes_to_another() {
        let git = Git::new(Interrupt::default(), Duration::from_secs(5));
        let budget = Budget::new(1);
        let place = budget.take(&git).unwrap().unwrap();
        let taken = thread::scope(|scope| {
            let other = scope.spawn(|| budget.take(&git).unwrap().map(|mut place| place.is_used()).is_some());
            thread::sleep(Duration::from_millis(100));
            drop(place);
            other.join().unwrap()
        });
        assert!(taken);
        assert!(budget.take(&git).unwrap().is_none());
    }
}
