//! Git's list of files under version control, read without git (git docs: gitformat-index).
//!
//! A process for each of thousands of repositories takes longer than all else that is done with them. Whatever is not plain
//! is left to git.

use std::collections::BTreeMap;

use super::tracked::{Files, kind_of_mode};
use crate::text::RepositoryPath;

/// The bytes of an entry before its hash: two times, device, inode, mode, owner, group and size.
const BEFORE_HASH: usize = 40;

/// Where the mode stands in those.
const MODE_AT: usize = 24;

/// The flag by which an entry says that it has more flags.
const EXTENDED: u16 = 0x4000;

/// The flags of the second kind that are known: `intent-to-add` and `skip-worktree`.
const KNOWN_EXTENDED: u16 = 0x6000;

/// A length of a name that is at least this one is not told by the flags.
const LONG_NAME: usize = 0xfff;

/// What the index lists: what `git ls-files -s` lists of it; `None` where git itself had better be asked.
///
/// `hash` is the length of a hash, in bytes: 20 for SHA-1, 32 for SHA-256.
pub(super) fn listed(bytes: &[u8], hash: usize) -> Option<Files> {
    let mut rest = Bytes(bytes.get(..bytes.len().checked_sub(hash)?)?);
    if rest.take(4)? != b"DIRC" {
        return None;
    }
    let version = rest.number()?;
    let count = rest.number()?;
    if !(2..=4).contains(&version) {
        return None;
    }
    let mut files = BTreeMap::new();
    let mut before: Option<(Vec<u8>, u16)> = None;
    for _ in 0..count {
        let previous = before.as_ref().map_or(&[][..], |(name, _)| name);
        let Entry { mode, stage, name } = rest.entry(version, hash, previous)?;
        if before
            .as_ref()
            .is_some_and(|(name_before, stage_before)| !follows((name_before, *stage_before), (&name, stage)))
        {
            return None;
        }
        let path = std::str::from_utf8(&name).ok().and_then(RepositoryPath::new);
        if let Some((path, kind)) = path.zip(kind_of_mode(mode)) {
            files.insert(path, kind);
        }
        before = Some((name, stage));
    }
    rest.has_only_optional_extensions().then_some(files)
}

/// Whether git takes one entry after the other: sorted by name, and several of a name only where they are the sides of a merge.
fn follows((name, stage): (&[u8], u16), next: (&[u8], u16)) -> bool {
    name < next.0 || (name == next.0 && stage != 0 && stage <= next.1)
}

/// An entry.
struct Entry {
    mode: u32,
    /// The side of a merge that it stands for; zero where it is merged.
    stage: u16,
    name: Vec<u8>,
}

/// What is not read yet.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    fn short(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    fn entry(&mut self, version: u32, hash: usize, previous: &[u8]) -> Option<Entry> {
        let before = self.0.len();
        let mode = Bytes(self.take(BEFORE_HASH)?.get(MODE_AT..)?).number()?;
        self.take(hash)?;
        let flags = self.short()?;
        if flags & EXTENDED != 0 && (version == 2 || self.short()? & !KNOWN_EXTENDED != 0) {
            return None;
        }
        let mut name = Vec::new();
        if version == 4 {
            name.extend_from_slice(previous.get(..previous.len().checked_sub(self.variable_width()?)?)?);
        }
        let end = self.0.iter().position(|byte| *byte == 0)?;
        name.extend_from_slice(self.take(end)?);
        self.take(1)?;
        if name.is_empty() || usize::from(flags & 0xfff) != name.len().min(LONG_NAME) {
            return None;
        }
        if version < 4 {
            // Zeros up to a multiple of eight, at least one, which is read already.
            self.take((before - self.0.len()).wrapping_neg() % 8)?;
        }
        Some(Entry { mode, stage: flags >> 12 & 3, name })
    }

    /// A number of as many bytes as it needs (`varint.c` of git: each further byte adds one to what was there).
    fn variable_width(&mut self) -> Option<usize> {
        let mut byte = *self.take(1)?.first()?;
        let mut value = usize::from(byte & 0x7f);
        while byte & 0x80 != 0 {
            byte = *self.take(1)?.first()?;
            value = value.checked_add(1)?.checked_mul(0x80)?.checked_add(usize::from(byte & 0x7f))?;
        }
        Some(value)
    }

    /// Whether all that follows the entries are extensions that may be passed over: their names begin with a capital. The others
    /// say that a part of the list stands elsewhere (`link`), or folders for files (`sdir`).
    fn has_only_optional_extensions(&mut self) -> bool {
        while !self.0.is_empty() {
            let is_optional = self.take(4).and_then(<[u8]>::first).is_some_and(u8::is_ascii_uppercase);
            let length = self.number().and_then(|length| usize::try_from(length).ok());
            if !is_optional || length.and_then(|length| self.take(length)).is_none() {
                return false;
            }
        }
        true
    }
}
