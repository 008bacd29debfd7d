use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

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

/// How many characters of a name a folder keeps: its end, which tells projects apart best.
const KEPT: usize = 60;

impl Project {
    /// The name of its folder in a campaign: what can be read of its own name, and eight bytes of the name's SHA-256. Safe on
    /// any system, and unique even where letters of either case are the same.
    #[must_use]
    pub fn slug(&self) -> String {
        slug(&self.name)
    }
}

/// [`Project::slug`] of the project of this name.
pub(super) fn slug(name: &str) -> String {
    let digest = Sha256::digest(name);
    let hash: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._".contains(&byte);
    let words = name.as_bytes().split(|byte| !is_plain(*byte)).filter(|word| !word.is_empty());
    let plain = words.map(String::from_utf8_lossy).collect::<Vec<_>>().join("-");
    let start = plain.len().saturating_sub(KEPT);
    let end = plain.get(start..).unwrap_or_default().trim_matches(['.', '-']);
    if end.is_empty() { hash } else { format!("{end}-{hash}") }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::slug;

    #[test]
    fn a_slug_can_be_read() {
        assert_eq!(slug("gitlab.com/group/app"), "gitlab.com-group-app-f1dfef23488d86cd");
        assert_eq!(slug(""), "e3b0c44298fc1c14");
    }

    #[test]
    fn a_slug_is_a_safe_name_of_one_folder() {
        let long = "x/".repeat(5000);
        let names = [
            "..",
            ".",
            "/",
            "../../etc/passwd",
            "-rf",
            "a/b",
            "a-b",
            "A/b",
            "ä",
            "a\0b",
            "CON",
            ".git",
            "a.git",
            &long,
        ];
        let slugs: BTreeSet<_> = names.iter().map(|name| slug(name).to_lowercase()).collect();
        assert_eq!(slugs.len(), names.len());
        for slug in slugs {
            assert!(slug.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)), "{slug}");
            assert!(!slug.starts_with(['.', '-']) && slug.len() <= 80, "{slug}");
        }
    }
}
