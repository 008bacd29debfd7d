use super::path_pattern::PathPattern;
use super::value::{Mapping, Value};
use super::variables::Variables;

/// What a job uploads.
#[derive(Clone, Debug, Default)]
pub struct Artifacts {
    /// The paths.
    pub paths: Vec<PathPattern>,
    /// What is left out of them.
    pub exclude: Vec<PathPattern>,
    /// Everything that git does not track.
    pub untracked: bool,
    /// The keys that are set.
    pub fields: std::rc::Rc<Mapping>,
}

impl Artifacts {
    pub(super) fn read(value: &Value, variables: &Variables) -> Self {
        let patterns = |key: &str| PathPattern::read(value.get(key), variables);
        Self {
            paths: patterns("paths"),
            exclude: patterns("exclude"),
            untracked: value.get("untracked").and_then(Value::text).as_deref() == Some("true"),
            fields: value.mapping().cloned().unwrap_or_default(),
        }
    }

    /// Whether other jobs get files from it; reports alone are not downloaded.
    #[must_use]
    pub fn hands_on_files(&self) -> bool {
        !self.paths.is_empty() || self.untracked
    }
}
