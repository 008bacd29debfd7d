//! Folders that the runner makes where it unpacks what jobs hand on.

use std::collections::BTreeSet;

use super::tree::{Kind, Node};

/// The mode that the runner gives them, for it unpacks with the umask 0000, and the one that a script or `COPY` gives them.
const OF_THE_RUNNER: u32 = 0o777;
const OF_THE_IMAGE: u32 = 0o755;

/// Whether an entry is a folder that the runner made in the old way, by its last name, and that something else made in the new way.
/// All else has the same modes in the clones of both ways, and so differs in them by what was done to it.
pub(super) fn is_made(runner_made: &BTreeSet<String>, name: &[u8], before: &Node, after: &Node) -> bool {
    let last = name.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let is_named = std::str::from_utf8(last).is_ok_and(|last| runner_made.contains(last));
    is_named
        && [before.kind, after.kind] == [Kind::Folder; 2]
        && (before.mode, after.mode) == (OF_THE_RUNNER, OF_THE_IMAGE)
}
