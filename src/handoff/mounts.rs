//! How each bind mount of a Dockerfile lies to the files that a job hands on (Dockerfile reference: `RUN --mount=type=bind`).

use super::copies::{SourceUse, source_use};
use crate::docker::{BuildContext, CopySource};
use crate::gitlab::PathPattern;
use crate::syntax::dockerfile::Dockerfile;
use crate::text::Span;

/// A `RUN --mount=type=bind` that takes files of the hand-off out of the context.
#[derive(Clone, Debug)]
pub struct MountUse {
    /// The index of the instruction.
    pub instruction: usize,
    /// The index of the mount among those of the instruction.
    pub mount: usize,
    /// The path from the project's folder on, where all that it takes is handed on; `None` where it takes others too, or
    /// that cannot be told.
    pub path: Option<String>,
}

/// Every bind mount of the context that takes some of the files of `patterns`.
pub(super) fn mounts(
    dockerfile: &Dockerfile,
    context: &BuildContext,
    patterns: &[PathPattern],
    exclude: &[PathPattern],
) -> Vec<MountUse> {
    let mut found = Vec::new();
    for (instruction, of) in dockerfile.instructions.iter().enumerate() {
        for (index, mount) in of.mounts().iter().enumerate() {
            if mount.kind() != "bind" || mount.from().is_some() {
                continue;
            }
            let written = mount.source().map_or(".", |source| source.text()).to_owned();
            let path = (!written.contains('$')).then(|| written.clone());
            let source = CopySource { index: 0, span: Span::at(0), written, path };
            let path = match source_use(&source, context, patterns, exclude) {
                SourceUse::Context => continue,
                SourceUse::Builder { path, is_ignored: false } => Some(path),
                SourceUse::Builder { .. } | SourceUse::Ancestor { .. } | SourceUse::Unclear(_) => None,
            };
            found.push(MountUse { instruction, mount: index, path });
        }
    }
    found
}
