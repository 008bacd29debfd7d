//! Where an item of a script stood before it was changed.

use super::Rewritten;
use crate::gitlab::{Job, Origin, ScriptItem};

/// The item of `job`, as it was before any change, that has become `text`. The fold may have put options or a context into
/// it, so where none is the same, the one that is most alike counts.
pub(super) fn of_item(job: &Job, text: &str, earlier: &[Rewritten]) -> Option<Origin> {
    let own = |rewritten: &&Rewritten| *rewritten.job == *job.name;
    let before = earlier.iter().rev().filter(own).fold(text, |text, rewritten| match rewritten.after == text {
        true => &rewritten.before,
        false => text,
    });
    let items = job.script();
    let likeness = |item: &ScriptItem| item.text.as_deref().map_or(0, |text| alike(text, before));
    let same = items.iter().find(|item| item.text.as_deref() == Some(before));
    let nearest = || items.iter().max_by_key(|item| likeness(item)).filter(|item| likeness(item) * 2 > before.len());
    same.or_else(nearest).map(|item| item.origin)
}

/// How many bytes two texts have in common at their beginning and at their end.
fn alike(one: &str, other: &str) -> usize {
    let head = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
    let rest = one.len().min(other.len()) - head;
    let tail = one.bytes().rev().zip(other.bytes().rev()).take_while(|(one, other)| one == other).count();
    head + tail.min(rest)
}

#[cfg(test)]
mod tests {
    use super::alike;

    #[test]
    fn an_option_in_the_middle_leaves_most_of_a_line() {
        assert_eq!(alike("docker build -t a .", "docker build --build-arg B -t a ."), 19);
        assert_eq!(alike("aaa", "aa"), 2);
        assert_eq!(alike("", "b"), 0);
    }
}
