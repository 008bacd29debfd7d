//! Files of the repository that the fold itself has edited, such as the Dockerfile: an image that copies everything holds them, in
//! the old way as they were and in the new way as they are.

use sha2::{Digest, Sha256};

use super::tree::Node;

/// A file that the fold has edited, written or removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::prove) struct EditedFile {
    /// Its name without its folders: an image may have it anywhere.
    name: String,
    /// What it was and what it is; nothing where there was or is none.
    before: Option<[u8; 32]>,
    after: Option<[u8; 32]>,
}

impl EditedFile {
    /// The file of this name with these bytes before and after.
    pub(in crate::prove) fn new(name: &str, before: Option<&[u8]>, after: Option<&[u8]>) -> Self {
        let digest = |bytes: &[u8]| Sha256::digest(bytes).into();
        Self { name: name.to_owned(), before: before.map(digest), after: after.map(digest) }
    }

    fn explains(&self, name: &[u8], before: Option<&Node>, after: Option<&Node>) -> bool {
        let digest = |node: Option<&Node>| node.map(|node| node.content.as_ref().map(|content| content.digest));
        let last = name.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        last == self.name.as_bytes()
            && digest(before) == self.before.map(Some)
            && digest(after) == self.after.map(Some)
            && self.before != self.after
    }
}

/// Whether an entry differs as one of these files does, byte for byte.
pub(super) fn is_edited(edited: &[EditedFile], name: &[u8], before: Option<&Node>, after: Option<&Node>) -> bool {
    edited.iter().any(|file| file.explains(name, before, after))
}
