use std::fmt;

use serde::{Deserialize, Serialize};

use crate::text::RepositoryPath;

/// A file that a pipeline includes and that lies in no folder of its repository (GitLab docs: ci/yaml/includes).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForeignFile {
    /// `include:project`: a file of another project.
    Project {
        /// The full path of the project.
        project: String,
        /// Its branch, tag or commit; `None` where the include names none.
        reference: Option<String>,
        /// The path of the file in it.
        file: String,
    },
    /// `include:remote`: an address.
    Remote(String),
    /// `include:template`: one of GitLab's own files.
    Template(String),
    /// `include:component`: the address of a component, with its version.
    Component(String),
}

impl ForeignFile {
    /// Where it lies in the folder that `--include-dir` names; `None` where its name cannot be a path there.
    ///
    /// `project/<project>/<ref or HEAD>/<file>`, `remote/<host>/<path>`, `template/<name>`, and
    /// `component/<host>/<path>@<version>.yml`.
    #[must_use]
    pub fn place(&self) -> Option<RepositoryPath> {
        let (kind, below) = match self {
            Self::Project { project, reference, file } => {
                ("project", format!("{project}/{}/{file}", reference.as_deref().unwrap_or("HEAD")))
            }
            Self::Remote(address) => ("remote", without_scheme(address).to_owned()),
            Self::Template(name) => ("template", name.clone()),
            Self::Component(address) => ("component", format!("{}.yml", address.trim_start_matches('$'))),
        };
        let is_plain = !below.contains(['$', '*', '\\', '\0']) && below.split('/').all(|part| part != "..");
        RepositoryPath::new(kind)?.join(&below).filter(|place| is_plain && place.parts().count() > 1)
    }

    /// The file that `include:local` of `path` in this one means: the same project; `None` where there is no such thing.
    #[must_use]
    pub fn neighbour(&self, path: &str) -> Option<Self> {
        match self {
            Self::Project { project, reference, .. } => Some(Self::Project {
                project: project.clone(),
                reference: reference.clone(),
                file: path.trim_start_matches('/').to_owned(),
            }),
            Self::Remote(_) | Self::Template(_) | Self::Component(_) => None,
        }
    }
}

/// An address without `https://`, and without what stands behind a `?` or `#`.
fn without_scheme(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.split(['?', '#']).next().unwrap_or_default()
}

impl fmt::Display for ForeignFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Project { project, file, .. } => write!(f, "the file {file} of the project {project}"),
            Self::Remote(address) => write!(f, "the remote file {address}"),
            Self::Template(name) => write!(f, "GitLab's template {name}"),
            Self::Component(address) => write!(f, "the component {address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ForeignFile;

    fn place(file: &ForeignFile) -> Option<String> {
        file.place().map(|place| place.as_str().to_owned())
    }

    #[test]
    fn each_kind_has_a_folder_of_its_own() {
        let of_project = |reference: Option<&str>| ForeignFile::Project {
            project: "a/b".into(),
            reference: reference.map(str::to_owned),
            file: "/ci/x.yml".into(),
        };
        assert_eq!(place(&of_project(None)).as_deref(), Some("project/a/b/HEAD/ci/x.yml"));
        assert_eq!(place(&of_project(Some("v1"))).as_deref(), Some("project/a/b/v1/ci/x.yml"));
        let remote = ForeignFile::Remote("https://example.com/ci/x.yml?token=1".into());
        assert_eq!(place(&remote).as_deref(), Some("remote/example.com/ci/x.yml"));
        let template = ForeignFile::Template("Jobs/SAST.gitlab-ci.yml".into());
        assert_eq!(place(&template).as_deref(), Some("template/Jobs/SAST.gitlab-ci.yml"));
        let component = ForeignFile::Component("$CI_SERVER_FQDN/a/b/build@1.0".into());
        assert_eq!(place(&component).as_deref(), Some("component/CI_SERVER_FQDN/a/b/build@1.0.yml"));
    }

    #[test]
    fn no_name_leads_out_of_the_folder_or_holds_a_variable() {
        for name in ["../../x.yml", "a/../../../x.yml", "$X.yml", ""] {
            assert_eq!(place(&ForeignFile::Template(name.into())), None, "{name}");
        }
    }
}
