//! Whether what differs of a file is what two builds of the old way differ in.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use similar::{Algorithm, DiffOp, capture_diff_slices_deadline};

/// How long it is looked for what two texts have in common. Where that is not enough, nothing is excused.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether a text that is `after` differs from `before` only where `again` does.
///
/// Lines of `before` that are gone or replaced must be among those that `again` does not have there; those that nothing stands in
/// the place of, among those that are gone without a trace in `again` too. What is added must stand at such a place. Where `again`
/// holds the lines of `before` in another order, `after` may as well.
pub(super) fn excuses(before: &str, after: &str, again: &str) -> bool {
    if after == again {
        return true;
    }
    let [old, new, second] = [before, after, again].map(|text| text.split('\n').collect::<Vec<_>>());
    let sorted = |lines: &[&str]| {
        let mut lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        lines.sort_unstable();
        lines
    };
    let is_as_long = old.len() == second.len() && old.len() == new.len() && old != second;
    if is_as_long && sorted(&old) == sorted(&second) && sorted(&old) == sorted(&new) {
        return true;
    }
    let places = hunks(&old, &second).map(|hunks| Places::of(&hunks));
    places.zip(hunks(&old, &new)).is_some_and(|(places, hunks)| hunks.iter().all(|hunk| places.hold(hunk)))
}

/// Whether bytes of which only the size is told are other ones each time: a file that is of one size in both builds of the old way
/// stays of that size, and one that has something in it is not empty.
pub(super) const fn excuses_size(before: u64, after: u64, again: u64) -> bool {
    if before == again { after == before } else { after != 0 || again == 0 }
}

/// Lines that have others in their place: from the first one to the one behind the last.
#[derive(Clone, Copy)]
struct Hunk {
    from: usize,
    to: usize,
    /// How many lines stand in their place.
    new: usize,
}

/// Where two texts differ; nothing where it takes too long to tell.
///
/// Lines that only one of them has cannot be the same, and are left out of the search: that makes it quick.
fn hunks(old: &[&str], new: &[&str]) -> Option<Vec<Hunk>> {
    let (olds, news): (BTreeSet<_>, BTreeSet<_>) = (old.iter().collect(), new.iter().collect());
    let (old_common, new_common) = (common(old, &news), common(new, &olds));
    let lines = |common: &[(usize, &str)]| common.iter().map(|(_, line)| (*line).to_owned()).collect::<Vec<_>>();
    let deadline = Instant::now() + PATIENCE;
    let ops = capture_diff_slices_deadline(Algorithm::Myers, &lines(&old_common), &lines(&new_common), Some(deadline));
    if Instant::now() > deadline {
        return None;
    }
    let same = ops.iter().filter_map(|op| match *op {
        DiffOp::Equal { old_index, new_index, len } => Some((0..len).map(move |at| (old_index + at, new_index + at))),
        _ => None,
    });
    let (mut hunks, mut at) = (Vec::new(), (0, 0));
    for (old_index, new_index) in same.flatten() {
        let (from, to) = (old_common.get(old_index)?.0, new_common.get(new_index)?.0);
        hunks.push(Hunk { from: at.0, to: from, new: to - at.1 });
        at = (from + 1, to + 1);
    }
    hunks.push(Hunk { from: at.0, to: old.len(), new: new.len() - at.1 });
    hunks.retain(|hunk| hunk.from < hunk.to || hunk.new > 0);
    Some(hunks)
}

/// The lines that the other text has too, with their numbers.
fn common<'a>(lines: &[&'a str], other: &BTreeSet<&&str>) -> Vec<(usize, &'a str)> {
    lines.iter().copied().enumerate().filter(|(_, line)| other.contains(line)).collect()
}

/// The places of a text that differ in another build of it.
#[derive(Default)]
struct Places {
    /// Lines that have others in their place, or none.
    lines: BTreeSet<usize>,
    /// Those of them that have none.
    gone: BTreeSet<usize>,
    /// Lines in front of which others were added.
    added: BTreeSet<usize>,
}

impl Places {
    fn of(hunks: &[Hunk]) -> Self {
        let mut places = Self::default();
        for hunk in hunks {
            places.lines.extend(hunk.from..hunk.to);
            if hunk.new == 0 {
                places.gone.extend(hunk.from..hunk.to);
            } else if hunk.from == hunk.to {
                places.added.insert(hunk.from);
            }
        }
        places
    }

    fn hold(&self, hunk: &Hunk) -> bool {
        let has = |line: usize| self.lines.contains(&line);
        if hunk.from == hunk.to {
            self.added.contains(&hunk.from) || has(hunk.from) || hunk.from.checked_sub(1).is_some_and(has)
        } else if hunk.new == 0 {
            (hunk.from..hunk.to).all(|line| self.gone.contains(&line))
        } else {
            (hunk.from..hunk.to).all(has)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{excuses, excuses_size};

    #[test]
    fn noise_excuses_its_own_lines_alone() {
        let cases = [
            // The text of the first build, of the second one, of the new way, and whether it is excused.
            ("id 1\nall of it\n", "id 2\nall of it\n", "id 3\nall of it\n", true),
            ("id 1\nall of it\n", "id 2\nall of it\n", "id 3\n", false),
            ("id 1\nall of it\n", "id 2\nall of it\n", "id 3\nless of it\n", false),
            ("a\nid 1\nb\n", "a\nid 2\nb\n", "a\nid 3\nb", false),
            ("a\nid 1\nb\n", "a\nid 2\nb\n", "new\na\nid 1\nb\n", false),
            ("a\nid 1\nb\n", "a\nid 2\nb\n", "a\nid 3\nid 4\nb\n", true),
            // What each build has, and the new way has not, is lost.
            ("a\nid 1\nb\n", "a\nid 2\nb\n", "a\nb\n", false),
            ("id 1", "id 2", "", true),
            ("a\nonce\nb\n", "a\nb\n", "a\nb\n", true),
            ("a\nonce\nb\n", "a\nb\n", "a\nother\nb\n", true),
            ("a\nb\n", "a\nonce\nb\n", "a\nother\nb\n", true),
            ("a\nb\n", "a\nonce\nb\n", "other\na\nb\n", false),
            ("a\nb\n", "a\nonce\nb\n", "b\n", false),
        ];
        for (before, again, after, expected) in cases {
            assert_eq!(excuses(before, after, again), expected, "{before:?} {again:?} {after:?}");
        }
    }

    #[test]
    fn another_order_excuses_another_order() {
        assert!(excuses("a\nb\nc\nd\n", "d\nb\na\nc\n", "b\na\nc\nd\n"));
        assert!(!excuses("a\nb\nc\nd\n", "d\nb\na\n", "b\na\nc\nd\n"));
        assert!(!excuses("a\nb\nc\nd\n", "d\nb\na\nc\nc\n", "b\na\nc\nd\n"));
        assert!(!excuses("a\nb\nc\nd\nid 1\n", "d\nb\na\nc\nid 3\n", "a\nb\nc\nd\nid 2\n"));
    }

    #[test]
    fn bytes_are_told_apart_by_their_size() {
        assert!(excuses_size(5, 5, 5) && excuses_size(5, 7, 6) && excuses_size(5, 0, 0));
        assert!(!excuses_size(5, 6, 5) && !excuses_size(5, 0, 6));
    }

    #[test]
    fn large_texts_of_other_lines_are_quick() {
        let lines = |word: &str| (0..60_000).map(|at| format!("{word} {at}\nsame {at}\n")).collect::<String>();
        let start = std::time::Instant::now();
        assert!(excuses(&lines("a"), &lines("b"), &lines("c")));
        assert!(!excuses(&lines("a"), &lines("b").replace("same 7\n", "other\n"), &lines("c")));
        assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
    }

    proptest! {
        #[test]
        fn what_the_second_build_has_is_excused(before in "[ab\n]{0,12}", after in "[ab\n]{0,12}") {
            prop_assert!(excuses(&before, &after, &after));
            prop_assert_eq!(excuses(&before, &after, &before), before == after);
        }
    }
}
