use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::project::Project;
use crate::outcome::Verdict;
use crate::prove::ProofVerdict;
use crate::report::RepositoryReport;
use crate::source::ForeignFile;
use crate::text::{FileVersions, RepositoryPath};

/// One line of the journal. What it is about is told by the name of its project, [`Project::name`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum Step {
    /// The campaign began, or went on, with these words of the command line.
    Begun {
        /// The version of the program.
        version: String,
        /// What it was told: the paths and files in which it looks for projects.
        sources: Vec<String>,
        /// The folder in which it was told, where its paths start.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        here: Option<String>,
        /// The shard, `i/n`, where only a part of the projects is its own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shard: Option<String>,
    },
    /// A project was looked at.
    Looked(Box<Looked>),
    /// A project is named by none of the sources any more.
    Gone {
        /// The name of the project.
        project: String,
    },
    /// The files of a fold are about to be written in its folder.
    Applying {
        /// The name of the project.
        project: String,
        /// Its folder, which another project may be called by later.
        root: PathBuf,
        /// Every touched file.
        files: BTreeMap<RepositoryPath, FileRecord>,
    },
    /// They were written.
    Applied {
        /// The name of the project.
        project: String,
    },
    /// They were not, and all files are what they were.
    NotApplied {
        /// The name of the project.
        project: String,
        /// Why not, and what to do.
        why: String,
    },
    /// The files of a fold are about to be put back.
    Undoing {
        /// The name of the project.
        project: String,
    },
    /// They were put back.
    Undone {
        /// The name of the project.
        project: String,
    },
    /// A branch is about to be pushed.
    Landing {
        /// The name of the project.
        project: String,
        /// The address that it is pushed to.
        remote: String,
        /// The branch.
        branch: String,
        /// The branch that it is to be merged into.
        target: String,
        /// The commit that the fold was made from, the head of `target`.
        base: String,
        /// The commit that is pushed.
        commit: String,
    },
    /// It was pushed, or was found to be there.
    Landed {
        /// The name of the project.
        project: String,
        /// The commit.
        commit: String,
        /// The address of its merge request, where the remote has told it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        merge_request: Option<String>,
        /// When it was pushed, in seconds since 1970; `None` where it was found to be there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<u64>,
    },
    /// It was not pushed.
    NotLanded {
        /// The name of the project.
        project: String,
        /// Why not, and what to do.
        why: String,
    },
    /// The branch that it is to be merged into was found to hold it.
    Merged {
        /// The name of the project.
        project: String,
    },
    /// The branch was taken back.
    Closed {
        /// The name of the project.
        project: String,
    },
}

/// What a look at a project came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Looked {
    /// The project.
    pub project: Project,
    /// What was read.
    pub inputs: Inputs,
    /// What is told of each of its pipelines.
    pub reports: Vec<RepositoryReport>,
    /// Every file that changes, of all pipelines together.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<RepositoryPath, FileVersions>,
}

/// What a look depends on, as hashes: where they are what they were, the outcome is as well.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs {
    /// The program and what the user allows.
    pub options: String,
    /// The commit, where one was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Each file that was asked for, and what it held.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<RepositoryPath, String>,
    /// Each included file of elsewhere that was asked for, and what it held.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub elsewhere: Vec<(ForeignFile, String)>,
    /// The list of files under version control, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracked: Option<String>,
}

/// One file of a fold as it is written in place: enough to put back what was there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Its text before and after.
    #[serde(flatten)]
    pub versions: FileVersions,
    /// Its permissions before, where it was there (`st_mode & 0o7777`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<u32>,
}

impl Step {
    /// The name of the project that it is about.
    #[must_use]
    pub fn project(&self) -> Option<&str> {
        match self {
            Self::Begun { .. } => None,
            Self::Looked(looked) => Some(&looked.project.name),
            Self::Applying { project, .. }
            | Self::Gone { project }
            | Self::Applied { project }
            | Self::NotApplied { project, .. }
            | Self::Undoing { project }
            | Self::Undone { project }
            | Self::Landing { project, .. }
            | Self::Landed { project, .. }
            | Self::NotLanded { project, .. }
            | Self::Merged { project }
            | Self::Closed { project } => Some(project),
        }
    }
}

impl Looked {
    /// What all pipelines of the project came to: a failure counts most, then a fold, then a refusal; `None` where there is no
    /// pipeline.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        let weight = |verdict: &Verdict| match verdict {
            Verdict::Failed => 3,
            Verdict::Folded => 2,
            Verdict::Refused => 1,
            Verdict::NothingToFold => 0,
        };
        self.reports.iter().map(|report| report.verdict).max_by_key(weight)
    }

    /// Whether a proof says that some image is not what it was (docs/proof.schema.json).
    #[must_use]
    pub fn is_disproven(&self) -> bool {
        self.reports.iter().any(|report| report.proof_verdict() == Some(ProofVerdict::Different))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Inputs, Looked};
    use crate::campaign::{Place, Project};

    #[test]
    fn a_proof_of_a_difference_is_seen() {
        let report = |proof| {
            let report = json!({"path": "a", "verdict": "folded", "applicability": "safe", "handoffs": [], "findings": [],
                "changes": [], "patch": "", "proof": proof});
            serde_json::from_value(report).unwrap()
        };
        let project =
            Project { name: "a".to_owned(), place: Place::Folder("/a".into()), pipelines: vec![], branch: None };
        let looked = |proof| Looked {
            project: project.clone(),
            inputs: Inputs::default(),
            reports: vec![report(proof)],
            files: Default::default(),
        };
        assert!(looked(json!({"verdict": "different", "images": []})).is_disproven());
        assert!(!looked(json!({"verdict": "same-but-for"})).is_disproven() && !looked(json!(null)).is_disproven());
    }
}
