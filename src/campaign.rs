//! Many repositories: looked at, folded, landed, resumed and taken back.
//!
//! A campaign lives in a folder of its own. Its [`Journal`] there gets one line for each [`Step`], and is the only state
//! that it has: what a run finds in it is done, and what it does not find is done now. A step that others see (files that
//! are written, a branch that is pushed) has two lines, one before it that says what will be done and one after it, so that
//! a run that was killed in between finds out how far it came, and nothing is done twice.
//!
//! ```text
//! sources -> projects -> pool of workers -> journal -> report
//!                                              |-> apply -> undo
//!                                              '-> land  -> status, close
//! ```
//!
//! A worker is this program again, in a process of its own: one repository can neither stop the others nor take more
//! time and memory than it may.

mod project;
mod step;

pub use project::{Place, Project};
pub use step::{FileRecord, Inputs, Looked, Step};
