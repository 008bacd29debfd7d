//! Who makes files, who copies them into an image, and who else reads them.
//!
//! A *hand-off* is a flow of files from one job into a container build of another, or out of a first image
//! into a second one (`docker cp`). This layer finds it and says how each `COPY` lies to it; whether it may
//! be folded is `fold`'s matter.

mod command_use;
mod copies;
mod docker_cp;
mod find;
mod image_build;
mod job_script;
mod refilled;
mod visibility;

pub use command_use::{TreeUse, names_beside_commands, tree_use, writes};
pub use copies::{CopyUse, SourceUse, classify, relation_to_all};
pub use docker_cp::{CopyOut, DockerCp};
pub use find::{Flow, Handoff, Search, UnclearBuild, UnclearReason, find, is_dependency_folder, is_download_cache};
pub use image_build::{ImageBuild, OtherBuilder, other_builders};
pub use job_script::JobScript;
pub use refilled::refills;
pub use visibility::{downloads_artifacts, restores_cache_of};
