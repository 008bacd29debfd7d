use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::text::RepositoryPath;

/// One repository of a campaign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// What the campaign knows it by, in its journal, its reports and its folders: the path as the user would write it, or
    /// the host and the path of its address (`gitlab.com/group/app`). No two projects of a campaign share it.
    pub name: String,
    /// Where it is.
    pub place: Place,
    /// Its pipelines, the one that GitLab runs by itself first. Files that the first one includes or starts are left out
    /// once it is read.
    pub pipelines: Vec<RepositoryPath>,
    /// The branch that changes go to; `None` where the remote is asked for its default branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
}

/// Where a repository is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// A folder with files in it, absolute and free of symbolic links: a git work tree, or one that git does not know.
    Folder(PathBuf),
    /// A bare repository on this machine, whose `HEAD` is read.
    Bare(PathBuf),
    /// An address that git knows how to clone.
    Remote(String),
}
