//! A proof as people and programs read it: on a terminal, in a merge request, as JSON.
//!
//! `words` has the sentences, `figures` the sizes and times, `lines` what differs; a terminal and a merge request show the
//! same lines. All three take the user's names and files for hostile: what a terminal would obey is made visible, and in
//! Markdown they stand in code alone.

mod figures;
mod json;
mod lines;
mod markdown;
mod text;
mod words;

pub use json::{proof_json, proof_value};
pub use markdown::proof_markdown;
pub use text::proof_text;
