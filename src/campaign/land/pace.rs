use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::campaign::git::{Git, GitTrouble};

/// How often the same is tried where the remote asks for time.
const TRIES: u32 = 5;

/// The longest that a remote may ask to wait.
const LONGEST: Duration = Duration::from_hours(1);

/// How often a wait looks whether a signal has come.
const PAUSE: Duration = Duration::from_millis(50);

/// Words by which a remote, or what stands before it, asks for time.
const BUSY: [&str; 7] = [
    "too many requests",
    "rate limit",
    "retry after",
    "retry-after",
    "try again later",
    "service unavailable",
    "connection reset",
];

/// The statuses of HTTP that say the same: 429 Too Many Requests, 503 Service Unavailable.
const STATUSES: [&str; 2] = ["429", "503"];

/// How fast branches are pushed.
#[derive(Debug)]
pub(in crate::campaign) struct Pace {
    /// How long the first wait for a busy remote is; each further one takes twice as long.
    first_wait: Duration,
    /// The least time between two pushes.
    interval: Duration,
    next: Mutex<Instant>,
}

impl Pace {
    /// At most `rate` pushes an hour, evenly spread, where the last one was made at `last`, in seconds since 1970.
    pub(in crate::campaign) fn new(rate: Option<u32>, last: Option<u64>, first_wait: Duration) -> Self {
        let interval = rate.map_or(Duration::ZERO, |rate| Duration::from_hours(1) / rate.max(1));
        let since = last.map(|last| Duration::from_secs(now().saturating_sub(last)));
        let wait = since.map_or(Duration::ZERO, |since| interval.saturating_sub(since));
        Self { first_wait, interval, next: Mutex::new(Instant::now() + wait) }
    }

    /// Waits until the next branch may be pushed.
    pub(super) fn turn(&self, git: &Git) -> Result<(), GitTrouble> {
        let due = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let due = (*next).max(Instant::now());
            *next = due + self.interval;
            due
        };
        wait(due.saturating_duration_since(Instant::now()), git)
    }

    /// Does something with a remote, again and later where it asks for that.
    pub(in crate::campaign) fn patiently<T>(
        &self,
        git: &Git,
        mut step: impl FnMut() -> Result<T, GitTrouble>,
    ) -> Result<T, GitTrouble> {
        let mut usual = self.first_wait;
        for _ in 1..TRIES {
            let said = match step() {
                Err(GitTrouble::Failed { said, .. }) if is_busy(&said) => said,
                outcome => return outcome,
            };
            wait(told(&said).unwrap_or(usual), git)?;
            usual *= 2;
        }
        step()
    }
}

/// The seconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn wait(time: Duration, git: &Git) -> Result<(), GitTrouble> {
    let until = Instant::now() + time;
    loop {
        git.interrupt().check()?;
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        thread::sleep(left.min(PAUSE));
    }
}

fn is_busy(said: &str) -> bool {
    let said = said.to_ascii_lowercase();
    let mut words = said.split(|character: char| !character.is_ascii_alphanumeric());
    BUSY.iter().any(|phrase| said.contains(phrase)) || words.any(|word| STATUSES.contains(&word))
}

/// How long a remote asks to wait: the number of seconds behind `retry after`.
fn told(said: &str) -> Option<Duration> {
    let said = said.to_ascii_lowercase().replace("retry-after", "retry after");
    let (_, behind) = said.split_once("retry after")?;
    let digits: String = behind
        .chars()
        .skip_while(|character| matches!(character, ' ' | ':' | '='))
        .take_while(char::is_ascii_digit)
        .collect();
    digits.parse().ok().map(|seconds| Duration::from_secs(seconds).min(LONGEST))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::{Duration, Instant};

    use super::{Git, GitTrouble, Pace, is_busy, told};
    use crate::process::Interrupt;

    fn failed(said: &str) -> GitTrouble {
        GitTrouble::Failed { why: said.to_owned(), said: said.to_owned() }
    }

    fn git() -> Git {
        Git::new(Interrupt::default(), Duration::from_secs(5))
    }

    #[test]
    fn a_remote_that_asks_for_time_is_heard() {
        for said in [
            "error: RPC failed; HTTP 429 curl 22 The requested URL returned error: 429",
            "remote: Rate limit exceeded",
            "fatal: unable to access 'https://x/': The requested URL returned error: 503",
            "remote: GitLab is busy. Please try again later.",
            "kex_exchange_identification: read: Connection reset by peer",
        ] {
            assert!(is_busy(said), "{said}");
        }
        assert!(!is_busy("remote: GitLab: You are not allowed to push (4290 bytes)"));
        assert_eq!(told("remote: Retry-After: 30"), Some(Duration::from_secs(30)));
        assert_eq!(told("Retry after 7 seconds"), Some(Duration::from_secs(7)));
        assert_eq!(told("retry after 999999999"), Some(Duration::from_hours(1)));
        assert_eq!(told("retry after a while"), None);
    }

    #[test]
    fn waits_double_and_end_after_five_tries() {
        let (git, pace) = (git(), Pace::new(None, None, Duration::from_millis(10)));
        let (tries, begun) = (Cell::new(0), Instant::now());
        let step = || {
            tries.set(tries.get() + 1);
            Err::<(), _>(failed("429"))
        };
        assert!(pace.patiently(&git, step).is_err());
        assert_eq!(tries.get(), 5);
        assert!(begun.elapsed() >= Duration::from_millis(150));
        let other = || {
            tries.set(tries.get() + 1);
            Err::<(), _>(failed("denied"))
        };
        assert!(pace.patiently(&git, other).is_err());
        assert_eq!(tries.get(), 6, "what is not busy is not tried again");
    }

    #[test]
    fn pushes_are_spread_over_the_hour_and_over_runs() {
        let (git, begun) = (git(), Instant::now());
        let pace = Pace::new(Some(36_000), None, Duration::ZERO);
        (0..3).for_each(|_| pace.turn(&git).unwrap());
        assert!(begun.elapsed() >= Duration::from_millis(200));
        let later = Pace::new(Some(1800), Some(super::now()), Duration::ZERO);
        let begun = Instant::now();
        later.turn(&git).unwrap();
        assert!(begun.elapsed() >= Duration::from_millis(900));
    }
}
