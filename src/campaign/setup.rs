use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::outcome::Policy;

/// What is the same for all projects of a run, as a worker is told it before the first of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Setup {
    /// What the user allows and wishes.
    pub policy: Policy,
    /// The folder with the files that pipelines include from elsewhere.
    pub include_dir: Option<PathBuf>,
    /// The folder of the campaign, in which clones lie.
    pub folder: PathBuf,
    /// The most seconds that git may take to clone or fetch.
    pub git_time_limit: u64,
    /// The most memory of a worker, in bytes.
    pub memory_limit: u64,
}
