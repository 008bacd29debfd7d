use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::campaign::git::{Git, GitTrouble};

/// How often the same is tried where the remote asks for time.
const TRIES: u32 = 5;

/// The longest that a remote may ask to wait, all waits together.
const LONGEST: Duration = Duration::from_hours(1);

/// How often a wait looks whether a signal has come.
const PAUSE: Duration = Duration::from_millis(50);

/// From which length on a wait is told.
const TOLD: Duration = Duration::from_secs(5);

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

/// Who is told that something waits, in one line.
pub type Tell = dyn Fn(&str) + Sync;

/// How fast branches are pushed, and how remotes that ask for time get it.
pub(in crate::campaign) struct Pace<'a> {
    /// How long the first wait for a busy remote is; each further one takes twice as long.
    first_wait: Duration,
    /// The least time between two pushes.
    interval: Duration,
    next: Mutex<Instant>,
    tell: &'a Tell,
}

/// How often a project has waited for a busy remote, and how long it may go on.
#[derive(Debug)]
pub(super) struct Patience {
    tries: u32,
    usual: Duration,
    left: Duration,
}

impl Patience {
    /// How long to wait before the same is tried again; `None` where that is no use.
    pub(super) fn wait_for(&mut self, trouble: &GitTrouble) -> Option<Duration> {
        let GitTrouble::Failed { said, .. } = trouble else { return None };
        self.tries = self.tries.checked_sub(1).filter(|_| is_busy(said))?;
        let time = told(said).unwrap_or(self.usual);
        self.usual *= 2;
        self.left = self.left.checked_sub(time)?;
        Some(time)
    }
}

impl<'a> Pace<'a> {
    /// At most `rate` pushes an hour, evenly spread, where the last one was made at `last`, in seconds since 1970.
    pub(in crate::campaign) fn new(rate: Option<u32>, last: Option<u64>, first_wait: Duration, tell: &'a Tell) -> Self {
        let interval = rate.map_or(Duration::ZERO, |rate| Duration::from_hours(1) / rate.max(1));
        let since = last.map(|last| Duration::from_secs(now().saturating_sub(last)));
        let wait = since.map_or(Duration::ZERO, |since| interval.saturating_sub(since));
        Self { first_wait, interval, next: Mutex::new(Instant::now() + wait), tell }
    }

    /// Whether a branch may be pushed at once: then it takes its turn.
    pub(super) fn is_turn(&self) -> bool {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = *next <= Instant::now();
        if is_due {
            *next = Instant::now() + self.interval;
        }
        is_due
    }

    /// Waits until the next branch may be pushed.
    pub(super) fn turn(&self, name: &str, git: &Git) -> Result<(), GitTrouble> {
        let due = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let due = (*next).max(Instant::now());
            *next = due + self.interval;
            due
        };
        self.tell_of(name, "--rate", due.saturating_duration_since(Instant::now()));
        wait(due.saturating_duration_since(Instant::now()), git)
    }

    /// Waits for a remote that asks for time.
    pub(super) fn wait(&self, name: &str, time: Duration, git: &Git) -> Result<(), GitTrouble> {
        self.tell_of(name, "the remote, which asks for time", time);
        wait(time, git)
    }

    fn tell_of(&self, name: &str, what: &str, time: Duration) {
        if time >= TOLD {
            (self.tell)(&format!("{name}: waits {} s for {what}", time.as_secs()));
        }
    }

    pub(super) const fn patience(&self) -> Patience {
        Patience { tries: TRIES - 1, usual: self.first_wait, left: LONGEST }
    }

    /// Does something with the remote of a project, again and later where it asks for that.
    pub(in crate::campaign) fn patiently<T>(
        &self,
        name: &str,
        git: &Git,
        mut step: impl FnMut() -> Result<T, GitTrouble>,
    ) -> Result<T, GitTrouble> {
        let mut patience = self.patience();
        loop {
            let trouble = match step() {
                Ok(done) => return Ok(done),
                Err(trouble) => trouble,
            };
            let Some(time) = patience.wait_for(&trouble) else { return Err(trouble) };
            self.wait(name, time, git)?;
        }
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

/// Whether a remote, or what stands before it, asks for time. A number is a status only behind words that say so: in an address
/// or a name it is none.
fn is_busy(said: &str) -> bool {
    let lines = without_addresses(said).to_ascii_lowercase();
    let is_status = |text: &str| {
        let mut words =
            text.split(|character: char| !character.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        words.next().is_some_and(|word| STATUSES.contains(&word))
    };
    lines.lines().any(|line| {
        let remote = line.strip_prefix("remote:").unwrap_or_default();
        let behind = ["http", "error:"].into_iter().flat_map(|mark| line.split(mark).skip(1));
        BUSY.iter().any(|phrase| line.contains(phrase)) || behind.chain([remote]).any(is_status)
    })
}

/// The same without what stands in addresses.
fn without_addresses(said: &str) -> String {
    let is_kept = |word: &&str| !word.contains("://");
    let line = |line: &str| line.split(' ').filter(is_kept).collect::<Vec<_>>().join(" ");
    said.lines().map(line).collect::<Vec<_>>().join("\n")
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
        for said in [
            "remote: GitLab: You are not allowed to push (4290 bytes)",
            "fatal: unable to access 'https://example.org/team-429/app/': Could not resolve host",
            "fatal: '/srv/429/app.git' does not appear to be a git repository",
            "ssh: connect to host git.example.org port 503: refused",
        ] {
            assert!(!is_busy(said), "{said}");
        }
        assert_eq!(told("remote: Retry-After: 30"), Some(Duration::from_secs(30)));
        assert_eq!(told("Retry after 7 seconds"), Some(Duration::from_secs(7)));
        assert_eq!(told("retry after 999999999"), Some(Duration::from_hours(1)));
        assert_eq!(told("retry after a while"), None);
    }

    #[test]
    fn waits_double_and_end_after_five_tries() {
        let (git, pace) = (git(), Pace::new(None, None, Duration::from_millis(10), &|_| {}));
        let (tries, begun) = (Cell::new(0), Instant::now());
        let step = || {
            tries.set(tries.get() + 1);
            Err::<(), _>(failed("remote: 429"))
        };
        assert!(pace.patiently("a", &git, step).is_err());
        assert_eq!(tries.get(), 5);
        assert!(begun.elapsed() >= Duration::from_millis(150));
        let other = || {
            tries.set(tries.get() + 1);
            Err::<(), _>(failed("denied"))
        };
        assert!(pace.patiently("a", &git, other).is_err());
        assert_eq!(tries.get(), 6, "what is not busy is not tried again");
    }

    #[test]
    fn pushes_are_spread_over_the_hour_and_over_runs() {
        let (git, begun) = (git(), Instant::now());
        let pace = Pace::new(Some(36_000), None, Duration::ZERO, &|_| {});
        (0..3).for_each(|_| pace.turn("a", &git).unwrap());
        assert!(begun.elapsed() >= Duration::from_millis(200));
        let later = Pace::new(Some(1800), Some(super::now()), Duration::ZERO, &|_| {});
        let begun = Instant::now();
        later.turn("a", &git).unwrap();
        assert!(begun.elapsed() >= Duration::from_millis(900));
    }
}
