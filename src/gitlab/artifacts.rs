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
    /// The files that `reports` names, whatever GitLab makes of them.
    pub reports: Vec<PathPattern>,
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
            reports: report_paths(value.get("reports"), variables),
            fields: value.mapping().cloned().unwrap_or_default(),
        }
    }

    /// Whether other jobs get files from it; reports alone are not downloaded.
    #[must_use]
    pub fn hands_on_files(&self) -> bool {
        !self.paths.is_empty() || self.untracked
    }
}

/// The paths of reports: a file, several, or a mapping with a `path` (GitLab docs: ci/yaml/artifacts_reports).
fn report_paths(value: Option<&Value>, variables: &Variables) -> Vec<PathPattern> {
    let fields = value.and_then(Value::mapping).map(|reports| reports.fields()).unwrap_or_default();
    let path = |report: &Value| match report.mapping() {
        Some(_) => PathPattern::read(report.get("path"), variables),
        None => PathPattern::read(Some(report), variables),
    };
    fields.iter().flat_map(|field| path(&field.value)).collect()
}
