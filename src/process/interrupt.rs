//! Signals that ask the program to stop: from then on nothing new is begun, and what is there is cleaned up.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::trouble::Trouble;

/// Whether a signal has asked the program to stop.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicUsize>);

impl Interrupt {
    /// Listens from now on. The signals no longer end the process by themselves.
    ///
    /// # Errors
    /// Where the system does not let it.
    pub fn listen() -> io::Result<Self> {
        let interrupt = Self::default();
        for (signal, number) in [(SIGINT, 2), (SIGTERM, 15), (SIGHUP, 1)] {
            signal_hook::flag::register_usize(signal, Arc::clone(&interrupt.0), number)?;
        }
        Ok(interrupt)
    }

    /// The number of the signal that came last, if one did.
    #[must_use]
    pub fn signal(&self) -> Option<i32> {
        let signal = i32::try_from(self.0.load(Ordering::Relaxed)).unwrap_or_default();
        (signal != 0).then_some(signal)
    }

    /// Nothing, or the trouble that a signal has come.
    pub(crate) fn check(&self) -> Result<(), Trouble> {
        self.signal().map_or(Ok(()), |signal| Err(Trouble::Interrupted(signal)))
    }
}
