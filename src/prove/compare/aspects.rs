//! In which aspects two entries of one name differ.

use std::collections::BTreeSet;

use super::super::difference::{Aspect, Reason, Weight};
use super::again::Again;
use super::time;
use super::tree::{Kind, Node, hexadecimal};

/// Digits of a SHA-256 that are shown.
const SHOWN_BYTES: usize = 6;

/// What an aspect that an entry does not have is called.
const NONE: &str = "none";

/// That the time of the last change is an aspect too: that of an archive's member, which is a part of the archive's bytes.
pub(super) const OWN_TIME: bool = true;

/// All aspects that are not the same. Of entries of different types, only what all types have is compared.
pub(super) fn differing(before: &Node, after: &Node, has_time: bool) -> Vec<Aspect> {
    let mut aspects = Vec::new();
    let mut add = |name, before: String, after: String| aspects.push(Aspect { name, before, after });
    let is_same_kind = before.kind == after.kind;
    if !is_same_kind {
        add("type", before.kind.name().to_owned(), after.kind.name().to_owned());
    }
    // The mode of a symbolic link means nothing, and cannot be set.
    if before.mode != after.mode && ![before.kind, after.kind].contains(&Kind::SymbolicLink) {
        add("mode", format!("{:04o}", before.mode), format!("{:04o}", after.mode));
    }
    if before.owner != after.owner {
        add("owner", owner(before), owner(after));
    }
    if is_same_kind && before.link != after.link {
        add("link", link(before), link(after));
    }
    if is_same_kind && before.device != after.device {
        add("device", device(before), device(after));
    }
    if is_same_kind && bytes(before) != bytes(after) {
        add("bytes", content(before), content(after));
    }
    if is_same_kind && before.attributes != after.attributes {
        add("attributes", attributes(before), attributes(after));
    }
    if has_time && before.time != after.time {
        add("time", time::shown(before.time), time::shown(after.time));
    }
    aspects
}

/// The names of the aspects that are not the same.
pub(super) fn names(before: &Node, after: &Node, has_time: bool) -> BTreeSet<&'static str> {
    differing(before, after, has_time).into_iter().map(|aspect| aspect.name).collect()
}

/// Whether an aspect counts, as far as it does not take a look at the bytes. `is_runners` says whether the entry is a folder of the
/// runner.
///
/// A time that is the same in two builds was set, and is no excuse; but the time of a folder is that of what was last laid into it,
/// and `COPY` makes folders anew.
pub(super) fn weigh(aspect: &Aspect, before: &Node, again: Again<&Node>, is_runners: bool) -> Weight {
    match (aspect.name, again) {
        (_, Again::Says(_)) => Weight::Harmless(Reason::NotReproducible),
        ("mode", _) if is_runners => Weight::Harmless(Reason::RunnerUmask),
        ("time", Again::NotBuilt) => Weight::Harmless(Reason::Timestamps),
        ("time", _) if before.kind == Kind::Folder => Weight::Harmless(Reason::Timestamps),
        _ => Weight::Counts,
    }
}

fn bytes(node: &Node) -> Option<(u64, &[u8; 32])> {
    node.content.as_ref().map(|content| (content.size, &content.digest))
}

fn content(node: &Node) -> String {
    let Some((size, digest)) = bytes(node) else { return NONE.to_owned() };
    let unit = if size == 1 { "byte" } else { "bytes" };
    format!("{size} {unit}, sha256:{}…", hexadecimal(digest.get(..SHOWN_BYTES).unwrap_or_default()))
}

fn owner(node: &Node) -> String {
    format!("{}:{}", node.owner.0, node.owner.1)
}

fn link(node: &Node) -> String {
    node.link.as_ref().map_or_else(|| NONE.to_owned(), |link| String::from_utf8_lossy(link).into())
}

fn device(node: &Node) -> String {
    node.device.map_or_else(|| NONE.to_owned(), |(major, minor)| format!("{major}:{minor}"))
}

fn attributes(node: &Node) -> String {
    if node.attributes.is_empty() { NONE.to_owned() } else { node.attributes.to_string() }
}
