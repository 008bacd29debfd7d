use std::fmt;

use serde::{Deserialize, Serialize};

/// A path below the root of a repository: normal, relative, with `/` between its parts.
///
/// It never holds `.`, `..`, an empty part or a leading `/`, so two equal paths are equal strings, and
/// none of them leaves the repository. The root itself is the empty path and prints as `.`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct RepositoryPath(String);

impl RepositoryPath {
    /// The root of the repository.
    #[must_use]
    pub const fn root() -> Self {
        Self(String::new())
    }

    /// The path that `text` names from the root, a leading `/` meaning the root too;
    /// `None` where it climbs out of the repository.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        Self::root().join(text)
    }

    /// The path that `relative` names from here; `None` where it climbs out of the repository.
    /// A leading `/` is of no meaning, as in a `COPY` source.
    #[must_use]
    pub fn join(&self, relative: &str) -> Option<Self> {
        let mut parts: Vec<&str> = self.parts().collect();
        for part in relative.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop()?;
                }
                part => parts.push(part),
            }
        }
        Some(Self(parts.join("/")))
    }

    /// The path as text, `""` for the root.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the root.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Its parts, from the root on.
    pub fn parts(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/').filter(|part| !part.is_empty())
    }

    /// The folder it lies in; the root lies in itself.
    #[must_use]
    pub fn parent(&self) -> Self {
        Self(self.0.rsplit_once('/').map_or(String::new(), |(parent, _)| parent.to_owned()))
    }

    /// Its last part, `""` for the root.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&self.0, |(_, name)| name)
    }

    /// Whether it can stand in a shell line and in a Dockerfile as it is, without quotes.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.0.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+@".contains(&byte))
    }

    /// Whether it is `ancestor` or lies below it.
    #[must_use]
    pub fn is_within(&self, ancestor: &Self) -> bool {
        self.relative_to(ancestor).is_some()
    }

    /// What remains of it below `ancestor`, `""` where the two are the same; `None` where it lies elsewhere.
    #[must_use]
    pub fn relative_to(&self, ancestor: &Self) -> Option<&str> {
        if ancestor.is_root() {
            return Some(&self.0);
        }
        let rest = self.0.strip_prefix(&ancestor.0)?;
        if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
    }
}

impl fmt::Display for RepositoryPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_root() { "." } else { &self.0 })
    }
}

impl From<RepositoryPath> for String {
    fn from(path: RepositoryPath) -> Self {
        path.0
    }
}

impl TryFrom<String> for RepositoryPath {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::new(&text).ok_or_else(|| format!("'{text}' leads out of the repository"))
    }
}

#[cfg(test)]
mod tests {
    use super::RepositoryPath;

    fn path(text: &str) -> RepositoryPath {
        RepositoryPath::new(text).unwrap()
    }

    #[test]
    fn paths_are_normal() {
        assert_eq!(path("./a//b/../c/").as_str(), "a/c");
        assert_eq!(path("/dist").as_str(), "dist");
        assert_eq!(path(".").to_string(), ".");
    }

    #[test]
    fn a_path_that_leaves_the_repository_is_none() {
        assert_eq!(RepositoryPath::new("../x"), None);
        assert_eq!(path("a").join("../../x"), None);
        assert_eq!(path("a/b").join("../x"), Some(path("a/x")));
    }

    #[test]
    fn below_means_below_a_whole_part() {
        assert!(path("dist/js/a").is_within(&path("dist")));
        assert!(!path("distribution").is_within(&path("dist")));
        assert_eq!(path("a/b").relative_to(&RepositoryPath::root()), Some("a/b"));
        assert_eq!(path("a").relative_to(&path("a")), Some(""));
    }
}
