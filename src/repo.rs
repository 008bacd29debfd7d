//! The user's repositories on a disk: found, read, and written, all files of one or none.
//!
//! Nothing else in the program touches the user's files. Reading is lazy and happens once
//! ([`DiskRepository`], and [`CommittedRepository`] for a commit without a work tree); no symbolic link is
//! followed, so that nothing outside a repository is read or written. [`discover`] and [`search`] find the
//! repositories that the user means, [`write()`] puts a fold in place and takes it back where any part of it fails, and
//! [`guard`] keeps it from files that version control could not give back.

mod committed;
mod discover;
mod disk;
mod elsewhere;
mod folders;
mod git;
mod git_folder;
mod guard;
mod holding;
mod index;
mod objects;
mod read_once;
mod search;
mod stage;
mod tracked;
mod transaction;
mod variables;
mod walk;

pub use committed::{CommitError, CommittedRepository, head_of};
pub use discover::{Discovery, DiscoveryError, Found, PIPELINE, discover};
pub use disk::{DiskRepository, SIZE_LIMIT};
pub use elsewhere::Elsewhere;
pub use folders::common_folder;
pub use git::REDIRECTIONS;
pub use guard::{Allowed, GuardError, guard};
pub use holding::{Holding, has_moved, holding, mode_of, put_back, sweep};
pub use search::{Searched, Site, SiteKind, search};
pub use transaction::{WriteError, write};
pub use variables::read_variables;
