//! Who makes files, who copies them into an image, and who else reads them.
//!
//! A *hand-off* is a flow of files from one job into a container build of another, or out of a first image
//! into a second one (`docker cp`). This layer finds it and says how each `COPY` lies to it; whether it may
//! be folded is `fold`'s matter.

mod cache_writers;
mod command_use;
mod container;
mod container_options;
mod container_run;
mod copies;
mod docker_cp;
mod find;
mod image_build;
mod image_references;
mod images_taken;
mod in_image;
mod installs;
mod job_script;
mod landing;
mod makefile;
mod mounts;
mod moves;
mod own_programs;
mod programs;
mod refill;
mod traps;
mod unclear;
mod visibility;
mod written;
mod written_out;

pub use cache_writers::{made_for_cache, may_make, may_write};
pub use command_use::{TreeUse, names_beside_commands, tree_use, writes};
pub use container::{Container, CopyOut, is_same_image};
pub use copies::{CopyUse, Doubt, SourceUse, classify, relation_to_all};
pub use docker_cp::DockerCp;
pub use find::{Flow, Handoff, Search, find};
pub use image_build::{ImageBuild, OtherBuilder, other_builders};
pub use image_references::ImageReference;
pub use images_taken::takes_image;
pub use job_script::JobScript;
pub use landing::Landing;
pub use mounts::MountUse;
pub use moves::Move;
pub use refill::{Refill, is_dependency_folder, is_download_cache, is_of_dependencies, refill, use_of_downloads};
pub use unclear::{AbsentProducer, Handover, ImageOfOtherBuild, UnclearBuild, UnclearReason};
pub use visibility::{downloads_artifacts, is_switched_off, restores_cache_of, waits_for};
