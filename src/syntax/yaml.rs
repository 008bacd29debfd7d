//! YAML: a lossless tree with byte spans, edits that leave every other byte alone, the values as GitLab reads
//! them, and a second opinion on what is written.
//!
//! [`Tree::parse`] reads a whole file, all its documents and comments. It never expands an alias, so a file
//! costs what its bytes cost. The functions of [`edit`] answer with a [`TextEdit`](crate::text::TextEdit), or with
//! `None` where an edit cannot be made exactly; each of them reads its own result again before it hands it out.
//! [`psych`] says what a scalar means to GitLab, [`confirm`] compares our reading with that of another parser.

mod build;
mod comment;
mod decode;
mod lex;
mod node;
mod place;
mod tree;

pub mod confirm;
pub mod edit;
pub mod psych;

pub use comment::Comment;
pub use node::{Anchor, CollectionStyle, Entry, Node, NodeId, NodeKind, ScalarStyle, Tag};
pub use tree::{Document, DuplicateKey, SyntaxError, Tree};
