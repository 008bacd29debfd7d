//! The proof of a fold: the image is built the old way and the new way by a real engine, and both are compared.
//!
//! ```text
//! checkout -> old way: the build jobs, what they hand on, the image job up to its build ->|
//!          -> new way: the folded files, the image job up to its build                  ->| engine -> compare -> Proof
//! ```
//!
//! The old way is what GitLab Runner does, without a runner: a clean clone with the runner's modes, each build job in a
//! container of its image, its artifacts or caches collected by GitLab's globs. The image job's lines run in a container
//! too, where the programs that build, log in, push or deploy are stand-ins: they tell which image is to be built, and the
//! engine builds it outside. So both ways end in the same command, and what the image job would publish stays here.

mod archive;
mod call;
mod changed_line;
mod checkout;
mod compare;
mod course;
mod difference;
mod engine;
mod environment;
mod handed_on;
mod image_job;
mod job_shell;
mod outcome;
mod pairs;
mod run;
mod scratch;
mod session;
#[cfg(test)]
mod tests;
mod trial;
mod variables;
mod way;

pub use difference::{Aspect, Change, Comparison, Detail, Difference, Member, Reason, Subject, Weight};
pub use engine::EngineName;
pub use outcome::{BuildFigures, Failure, ImageProof, Proof, ProofVerdict, Way};
pub use run::{Fold, ProveError, Proving, Request, prove};
