//! stagefold folds a GitLab CI build job into a multistage Dockerfile.

pub mod finding;
pub mod source;
pub mod syntax;
pub mod text;
