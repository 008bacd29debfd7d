//! Lossless trees with byte spans for the five languages that a containerized pipeline is written in.
//!
//! This layer is the only user of the parser crates. It knows what is written, not what it means: GitLab's
//! reading of a pipeline is `gitlab`'s matter, Docker's reading of a build is `docker`'s.

pub mod dockerfile;
pub mod dockerignore;
pub mod hcl;
pub mod shell;
pub mod yaml;
