//! A pipeline as GitLab resolves it: includes, merge keys, `extends`, `!reference`, `default` and `inherit`.
//!
//! The order is GitLab's own (`lib/gitlab/ci/config.rb`): read the files, merge what they include, resolve
//! `extends`, then `!reference`, then apply `default` and the older globals. Every value remembers the node
//! that wrote it, which may lie in another file than the job, so that a finding points at the user's own
//! words and an edit knows whether others share what it would change.

mod artifacts;
mod cache;
mod conditions;
mod extend;
mod file;
mod include;
mod inherit;
mod job;
mod merge;
mod merged;
mod needs;
mod path_pattern;
mod pipeline;
mod predefined;
mod read;
mod reference;
mod resolve;
mod script;
mod template;
#[cfg(test)]
mod tests;
mod unread;
mod value;
mod variables;

pub use artifacts::Artifacts;
pub use cache::{Cache, CachePolicy};
pub use conditions::{AllowFailure, Comparison, Complement, Conditions, Meeting, Start, Unclear, When, WrittenRule};
pub use file::PipelineFile;
pub use job::{Definition, Image, Job};
pub use needs::{Need, NeedSource};
pub use path_pattern::{
    PathPattern, Relation, folder_before_glob, is_glob, is_to_be_collected, may_take, relation_of_paths,
};
pub use pipeline::Pipeline;
pub use predefined::{VariableKind, has_secret_name, kind_of_variable, modern_name};
pub use script::ScriptItem;
pub use template::{Reads, Template};
pub use unread::{ConditionalInclude, DisputedJob, Known, UnreadInclude};
pub use value::{Field, FileId, Kind, Mapping, Origin, Value};
pub use variables::{ValuePiece, Variables, names_in};
