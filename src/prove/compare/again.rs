//! What a second build of the old way says of a part of an image.

use super::aspects;
use super::tree::Node;

/// Whether a part was built a second time, and what it was then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again<T> {
    /// There is no second build.
    NotBuilt,
    /// There is one, and it excuses nothing: it has the part as the first one has it, or has no such part to look at.
    Silent,
    /// It is this one's word.
    Says(T),
}

impl<T> Again<T> {
    pub(super) fn map<U>(self, change: impl FnOnce(T) -> U) -> Again<U> {
        match self {
            Self::NotBuilt => Again::NotBuilt,
            Self::Silent => Again::Silent,
            Self::Says(word) => Again::Says(change(word)),
        }
    }
}

impl<'a> Again<Option<&'a Node>> {
    /// The entry of the second build, where it differs from the first one in this aspect.
    pub(super) fn of_aspect(self, before: &Node, name: &str, has_time: bool) -> Again<&'a Node> {
        match self {
            Self::NotBuilt => Again::NotBuilt,
            Self::Says(Some(again)) if aspects::names(before, again, has_time).contains(name) => Again::Says(again),
            Self::Says(_) | Self::Silent => Again::Silent,
        }
    }
}
