use crate::outcome::Verdict;

/// What a run came to, from the best to the worst; the worst of all repositories counts.
///
/// A refusal stands above changes that are pending: those go away with `stagefold apply`, it does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Done, and nothing is pending that was asked for.
    #[default]
    Done,
    /// There are changes to be made (`--check`), or the images are different.
    Pending,
    /// A hand-off was refused (`--check`), or nothing could be proven.
    Refused,
    /// A repository could not be read or written, or a path not be found.
    Failed,
    /// A signal of this number asked to stop.
    Interrupted(u8),
}

impl Status {
    /// The exit code of the process.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Pending => 1,
            Self::Failed => 2,
            Self::Refused => 3,
            // What a shell tells of a program that a signal has ended.
            Self::Interrupted(signal) => 128 + signal,
        }
    }

    /// What one repository adds; `written` says that its changes are in place already.
    pub(super) const fn of(verdict: Verdict, check: bool, written: bool) -> Self {
        match verdict {
            Verdict::Failed => Self::Failed,
            Verdict::Refused if check => Self::Refused,
            Verdict::Folded if check && !written => Self::Pending,
            _ => Self::Done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Status, Verdict};

    #[test]
    fn the_worst_counts_and_check_makes_it_heard() {
        let all = [Verdict::Folded, Verdict::Refused, Verdict::NothingToFold, Verdict::Failed];
        let codes = |check, written| all.map(|verdict| Status::of(verdict, check, written).code());
        assert_eq!(codes(false, false), [0, 0, 0, 2]);
        assert_eq!(codes(true, false), [1, 3, 0, 2]);
        assert_eq!(codes(true, true), [0, 3, 0, 2]);
        assert!(
            Status::Done < Status::Pending && Status::Pending < Status::Refused && Status::Refused < Status::Failed
        );
    }
}
