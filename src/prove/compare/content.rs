//! Two files of the same name whose bytes are not the same: in what, and whether that counts.

use std::collections::{BTreeMap, BTreeSet};

use super::super::difference::{Aspect, Change, Detail, Member, Reason, Weight};
use super::archive::{self, Archive};
use super::aspects::{self, OWN_TIME};
use super::tree::Node;
use super::{lines, time};

/// The largest text that is looked at, in bytes.
pub(super) const LARGEST_TEXT: u64 = 2 * 1024 * 1024;

/// The largest member of an archive that is looked at, in bytes: an archive in an archive.
const LARGEST_MEMBER: u64 = 32 * 1024 * 1024;

/// How many bytes archives may be unpacked to for one comparison of two files.
const BUDGET: u64 = 512 * 1024 * 1024;

/// How many archives in archives are opened: an ear has a war, which has jars.
const DEEPEST: usize = 3;

/// Members that are told at most.
const MOST_MEMBERS: usize = 40;

/// What differs of two files' bytes, by whether it counts; at least one.
pub(super) type Look = BTreeMap<Weight, Option<Detail>>;

/// The bytes of a file, as it was built each way.
#[derive(Clone, Copy)]
pub(super) struct Versions<'a> {
    pub(super) before: &'a [u8],
    pub(super) after: &'a [u8],
    /// Those of the second build of the old way, where they differ from the first ones.
    pub(super) again: Option<&'a [u8]>,
}

/// What is seen of two files.
enum Seen {
    Members(BTreeMap<Weight, Vec<Member>>),
    Lines(Weight),
    Nothing(Weight),
}

/// A closer look at two files.
pub(super) fn look(versions: Versions<'_>) -> Look {
    match see(versions, &mut BUDGET.clone(), 0) {
        Seen::Members(members) => members.into_iter().map(|(weight, members)| (weight, Some(told(members)))).collect(),
        Seen::Lines(weight) => {
            let texts = text(versions.before).zip(text(versions.after));
            Look::from([(weight, texts.map(|(before, after)| Detail::Lines(lines::diff(before, after))))])
        }
        Seen::Nothing(weight) => Look::from([(weight, None)]),
    }
}

/// What bytes come to that nothing more is known of.
pub(super) const fn unseen(is_noisy: bool) -> Weight {
    if is_noisy { Weight::Harmless(Reason::NotReproducible) } else { Weight::Counts }
}

fn told(mut members: Vec<Member>) -> Detail {
    let more = members.len().saturating_sub(MOST_MEMBERS);
    if more > 0 {
        members.truncate(MOST_MEMBERS);
        members.push(Member { name: format!("… {more} more"), change: Change::Aspects(Vec::new()) });
    }
    Detail::Members(members)
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().filter(|text| bytes.len() as u64 <= LARGEST_TEXT && !text.contains('\0'))
}

fn see(versions: Versions<'_>, budget: &mut u64, depth: usize) -> Seen {
    if depth < DEEPEST
        && let Some(before) = archive::open(versions.before, budget)
        && let Some(after) = archive::open(versions.after, budget)
    {
        let again = versions.again.map(|again| archive::open(again, budget));
        return Seen::Members(Pair { before, after, again, budget, depth }.members());
    }
    let is_text = text(versions.before).and(text(versions.after)).is_some();
    if is_text { Seen::Lines(weigh(versions)) } else { Seen::Nothing(weigh(versions)) }
}

/// Noise excuses what differs, but noise that is nothing but points in time excuses no more than these.
fn weigh(versions: Versions<'_>) -> Weight {
    let only_times = |other| differ_only_in_time(versions.before, other);
    match versions.again {
        None if only_times(versions.after) => Weight::Harmless(Reason::Timestamps),
        Some(again) if only_times(again) => unseen(only_times(versions.after)),
        again => unseen(again.is_some()),
    }
}

fn differ_only_in_time(before: &[u8], after: &[u8]) -> bool {
    match text(before).zip(text(after)) {
        Some((before, after)) => time::differ_only_in_time(before, after),
        None => time::are_of_the_same_source(before, after),
    }
}

/// The same archive, as it was built each way.
struct Pair<'a, 'b> {
    before: Archive<'a>,
    after: Archive<'a>,
    /// `Some(None)` where the second build made no archive of it that can be read.
    again: Option<Option<Archive<'a>>>,
    budget: &'b mut u64,
    depth: usize,
}

impl Pair<'_, '_> {
    /// The members that differ, by whether it counts.
    ///
    /// Where none does, the bytes differ in the order or the compression; where only times do, the order may differ as well.
    fn members(mut self) -> BTreeMap<Weight, Vec<Member>> {
        let mut members: BTreeMap<Weight, Vec<Member>> = BTreeMap::new();
        let names: BTreeSet<_> = self.before.members.keys().chain(self.after.members.keys()).cloned().collect();
        for name in names {
            for (weight, change) in self.member(&name) {
                members.entry(weight).or_default().push(Member { name: String::from_utf8_lossy(&name).into(), change });
            }
        }
        if members.is_empty() || self.before.around != self.after.around {
            members.entry(self.around()).or_default();
        }
        members
    }

    /// Whether it counts that something differs that belongs to no member.
    fn around(&self) -> Weight {
        let Some(again) = &self.again else { return Weight::Counts };
        let is_same =
            |again: &Archive<'_>| again.around == self.before.around && self.before.around != self.after.around;
        unseen(!again.as_ref().is_some_and(is_same))
    }

    fn member(&mut self, name: &[u8]) -> BTreeMap<Weight, Change> {
        let again = self.again.as_ref().and_then(Option::as_ref).map(|again| again.members.get(name).cloned());
        match (self.before.members.get(name).cloned(), self.after.members.get(name).cloned()) {
            (Some(before), Some(after)) => self.both(&before, &after, again.flatten().as_ref()),
            (Some(_), None) => BTreeMap::from([(unseen(again == Some(None)), Change::Missing)]),
            (None, Some(_)) => BTreeMap::from([(unseen(again.flatten().is_some()), Change::Extra)]),
            (None, None) => BTreeMap::new(),
        }
    }

    fn both(&mut self, before: &Node, after: &Node, again: Option<&Node>) -> BTreeMap<Weight, Change> {
        let differing = aspects::differing(before, after, OWN_TIME);
        if differing.is_empty() {
            return BTreeMap::new();
        }
        let noisy = again.map(|again| aspects::names(before, again, OWN_TIME)).unwrap_or_default();
        let mut changes: BTreeMap<Weight, Vec<Aspect>> = BTreeMap::new();
        for aspect in differing {
            let is_noisy = noisy.contains(aspect.name);
            let weights = if aspect.name == "bytes" {
                self.bytes(before, after, again.filter(|_| is_noisy))
            } else {
                BTreeSet::from([aspects::weigh(&aspect, before, after, is_noisy)])
            };
            for weight in weights {
                changes.entry(weight).or_default().push(aspect.clone());
            }
        }
        changes.into_iter().map(|(weight, aspects)| (weight, Change::Aspects(aspects))).collect()
    }

    /// A member is a file like any other: a text, or an archive.
    fn bytes(&mut self, before: &Node, after: &Node, again: Option<&Node>) -> BTreeSet<Weight> {
        let unseen = BTreeSet::from([unseen(again.is_some())]);
        let before = self.before.content(before, LARGEST_MEMBER);
        let after = self.after.content(after, LARGEST_MEMBER);
        let again = again.zip(self.again.as_mut().and_then(Option::as_mut));
        let again = again.map(|(node, archive)| archive.content(node, LARGEST_MEMBER));
        let (Some(before), Some(after)) = (before, after) else { return unseen };
        if again == Some(None) {
            return unseen;
        }
        let versions = Versions { before: &before, after: &after, again: again.as_ref().and_then(Option::as_deref) };
        match see(versions, self.budget, self.depth + 1) {
            Seen::Members(members) => members.into_keys().collect(),
            Seen::Lines(weight) | Seen::Nothing(weight) => BTreeSet::from([weight]),
        }
    }
}
