//! Text and the ways to change it: byte spans, line numbers, disjoint edits, and change sets over several files.
//!
//! Nothing here knows of YAML, of Docker or of files on a disk. An edit is made of replacements that are
//! sorted and disjoint by construction, so that applying it never depends on an order; two edits join only
//! if they do not touch the same bytes ([`TextEdit::union`]). A [`ChangeSet`] describes a whole fold, the
//! files it creates and deletes included, and is applied by its caller, whole or not at all.

mod change_set;
mod edit;
mod line_index;
mod path;
mod span;

pub use change_set::{ChangeError, ChangeSet, FileChange, FileVersions, add_later};
pub use edit::{Overlap, Replacement, TextEdit, TextEditBuilder};
pub use line_index::{LineColumn, LineIndex};
pub use path::RepositoryPath;
pub use span::Span;
