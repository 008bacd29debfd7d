//! A container build as Docker understands it: the command in a job's script, the engine behind it, the
//! build context with its ignore file, and the stages of the Dockerfile.

mod bake;
mod build_command;
mod build_options;
mod builder;
mod compose;
mod context;
mod described;
mod engine;
mod followed;
mod frontend;
mod functions;
mod image;
mod passed_options;
mod script_walk;
mod secret_mounts;
mod stages;
mod step;
mod turns;
mod wider_context;

pub use bake::asks_bake;
pub use build_command::{BuildCommand, BuildProblem, CommandContext, build_commands};
pub use builder::{Builder, SecretSource};
pub use compose::{builds_of_up, compose_with_passed};
pub use context::BuildContext;
pub use described::{Description, image_builds, is_described_build};
pub use engine::Engine;
pub use followed::{Failure, Part, PartOrigin, Program};
pub use image::{ImageName, is_root};
pub use script_walk::{PROJECT_FOLDER, ScriptWalk, place_in_repository};
pub use secret_mounts::{BuilderTraits, SecretMounts};
pub use stages::{Base, Copy, CopySource, MountFrom, Stage, Stages};
pub use step::{Step, StepWord};
pub use turns::{Turn, TurnKind, exclude_each_other, is_certain};
pub use wider_context::WiderCommand;
