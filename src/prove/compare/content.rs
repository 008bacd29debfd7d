//! Two files of the same name whose bytes are not the same: in what, and whether that counts.

use std::collections::{BTreeMap, BTreeSet};

use super::super::difference::{Aspect, Change, Detail, Member, Reason, Weight};
use super::again::Again;
use super::archive::{self, Archive};
use super::aspects::{self, OWN_TIME};
use super::tree::Node;
use super::{lines, noise, runner, time};

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
    pub(super) again: Again<&'a [u8]>,
}

/// What holds for all that is looked at of two files.
struct Terms<'a> {
    /// How many bytes archives may still be unpacked to.
    budget: u64,
    /// The folders that the runner made in the old way, by their last name.
    runner_made: &'a BTreeSet<String>,
}

/// What is seen of two files.
enum Seen {
    Members(BTreeMap<Weight, Vec<Member>>),
    Lines(Weight),
    Nothing(Weight),
}

/// A closer look at two files. `runner_made` are the folders that the runner made in the old way, by their last name.
pub(super) fn look(versions: Versions<'_>, runner_made: &BTreeSet<String>) -> Look {
    match see(versions, &mut Terms { budget: BUDGET, runner_made }, 0) {
        Seen::Members(members) => members.into_iter().map(|(weight, members)| (weight, Some(told(members)))).collect(),
        Seen::Lines(weight) => {
            let texts = text(versions.before).zip(text(versions.after));
            Look::from([(weight, texts.map(|(before, after)| Detail::Lines(lines::diff(before, after))))])
        }
        Seen::Nothing(weight) => Look::from([(weight, None)]),
    }
}

/// What two files come to of which nothing is known but that they differ, and their sizes.
pub(super) const fn unread(before: Option<u64>, after: Option<u64>, again: Again<Option<u64>>) -> Weight {
    match (before, after, again) {
        (Some(before), Some(after), Again::Says(Some(again))) => unseen(noise::excuses_size(before, after, again)),
        _ => Weight::Counts,
    }
}

/// What a part comes to that nothing more is known of.
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

fn see(versions: Versions<'_>, terms: &mut Terms<'_>, depth: usize) -> Seen {
    if depth < DEEPEST
        && let Some(before) = archive::open(versions.before, &mut terms.budget)
        && let Some(after) = archive::open(versions.after, &mut terms.budget)
    {
        let again = versions.again.map(|again| archive::open(again, &mut terms.budget));
        return Seen::Members(Pair { before, after, again, terms, depth }.members());
    }
    let is_text = text(versions.before).and(text(versions.after)).is_some();
    if is_text { Seen::Lines(weigh(versions)) } else { Seen::Nothing(weigh(versions)) }
}

/// Points in time are an excuse only as long as no second build tells that they are always the same, and noise that is nothing but
/// points in time excuses no more than these.
fn weigh(versions: Versions<'_>) -> Weight {
    let only_times = |other| differ_only_in_time(versions.before, other);
    match versions.again {
        Again::NotBuilt if only_times(versions.after) => Weight::Harmless(Reason::Timestamps),
        Again::NotBuilt | Again::Silent => Weight::Counts,
        Again::Says(again) if only_times(again) => unseen(only_times(versions.after)),
        Again::Says(again) => unseen(is_noise(versions.before, versions.after, again)),
    }
}

/// Texts are weighed line by line, and other bytes by what they are and by their size.
fn is_noise(before: &[u8], after: &[u8], again: &[u8]) -> bool {
    if let (Some(before), Some(after), Some(again)) = (text(before), text(after), text(again)) {
        return noise::excuses(before, after, again);
    }
    let form = |bytes| (text(bytes).is_some(), archive::is_one(bytes));
    let is_of_their_form = form(before) != form(again) || form(after) == form(before);
    is_of_their_form && noise::excuses_size(before.len() as u64, after.len() as u64, again.len() as u64)
}

fn differ_only_in_time(before: &[u8], after: &[u8]) -> bool {
    match text(before).zip(text(after)) {
        Some((before, after)) => time::differ_only_in_time(before, after),
        None => time::are_of_the_same_source(before, after),
    }
}

/// The same archive, as it was built each way.
struct Pair<'a, 'b, 'c> {
    before: Archive<'a>,
    after: Archive<'a>,
    /// `Says(None)` where the second build made no archive of it that can be read.
    again: Again<Option<Archive<'a>>>,
    terms: &'b mut Terms<'c>,
    depth: usize,
}

impl Pair<'_, '_, '_> {
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
        let Again::Says(again) = &self.again else { return Weight::Counts };
        let is_same =
            |again: &Archive<'_>| again.around == self.before.around && self.before.around != self.after.around;
        unseen(!again.as_ref().is_some_and(is_same))
    }

    fn member(&mut self, name: &[u8]) -> BTreeMap<Weight, Change> {
        let again = match &self.again {
            Again::NotBuilt => Again::NotBuilt,
            Again::Says(Some(again)) => Again::Says(again.members.get(name).cloned()),
            Again::Says(None) | Again::Silent => Again::Silent,
        };
        match (self.before.members.get(name).cloned(), self.after.members.get(name).cloned()) {
            (Some(before), Some(after)) => {
                let again = match &again {
                    Again::NotBuilt => Again::NotBuilt,
                    Again::Silent => Again::Silent,
                    Again::Says(node) => Again::Says(node.as_ref()),
                };
                self.both(name, &before, &after, again)
            }
            (Some(_), None) => BTreeMap::from([(unseen(again == Again::Says(None)), Change::Missing)]),
            (None, Some(_)) => BTreeMap::from([(unseen(matches!(again, Again::Says(Some(_)))), Change::Extra)]),
            (None, None) => BTreeMap::new(),
        }
    }

    fn both(
        &mut self,
        name: &[u8],
        before: &Node,
        after: &Node,
        again: Again<Option<&Node>>,
    ) -> BTreeMap<Weight, Change> {
        let differing = aspects::differing(before, after, OWN_TIME);
        if differing.is_empty() {
            return BTreeMap::new();
        }
        let is_runners = runner::is_made(self.terms.runner_made, name, before, after);
        let mut changes: BTreeMap<Weight, Vec<Aspect>> = BTreeMap::new();
        for aspect in differing {
            let again = again.of_aspect(before, aspect.name, OWN_TIME);
            let weights = if aspect.name == "bytes" {
                self.bytes(before, after, again)
            } else {
                BTreeSet::from([aspects::weigh(&aspect, before, again, is_runners)])
            };
            for weight in weights {
                changes.entry(weight).or_default().push(aspect.clone());
            }
        }
        changes.into_iter().map(|(weight, aspects)| (weight, Change::Aspects(aspects))).collect()
    }

    /// A member is a file like any other: a text, or an archive.
    fn bytes(&mut self, before: &Node, after: &Node, again: Again<&Node>) -> BTreeSet<Weight> {
        let unread = BTreeSet::from([unread(before.size(), after.size(), again.map(Node::size))]);
        let before = self.before.content(before, LARGEST_MEMBER);
        let after = self.after.content(after, LARGEST_MEMBER);
        let (Some(before), Some(after)) = (before, after) else { return unread };
        let third = match (again, &mut self.again) {
            (Again::Says(node), Again::Says(Some(archive))) => archive.content(node, LARGEST_MEMBER),
            _ => None,
        };
        let again = match (again, third.as_deref()) {
            (Again::Says(_), None) => return unread,
            (Again::Says(_), Some(third)) => Again::Says(third),
            (other, _) => other.map(|_| [].as_slice()),
        };
        match see(Versions { before: &before, after: &after, again }, self.terms, self.depth + 1) {
            Seen::Members(members) => members.into_keys().collect(),
            Seen::Lines(weight) | Seen::Nothing(weight) => BTreeSet::from([weight]),
        }
    }
}
