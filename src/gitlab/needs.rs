use std::rc::Rc;

use super::value::{Origin, Value};

/// One entry of a job's `needs`.
#[derive(Clone, Debug)]
pub struct Need {
    /// What is needed.
    pub source: NeedSource,
    /// Whether its artifacts are downloaded.
    pub artifacts: bool,
    /// Whether the pipeline is made without it.
    pub optional: bool,
    /// Whether it names some runs of a matrix (GitLab docs: ci/yaml#needsparallelmatrix).
    pub is_of_matrix: bool,
    /// The item of the list.
    pub origin: Origin,
}

/// What an entry of `needs` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NeedSource {
    /// A job of this pipeline.
    Job(Rc<str>),
    /// A job of another pipeline or project.
    Elsewhere,
}

impl Need {
    /// Reads the value of `needs`.
    pub(super) fn read(value: &Value) -> Vec<Self> {
        value.one_or_many().iter().map(Self::item).collect()
    }

    /// Whether it names this job of the pipeline.
    #[must_use]
    pub fn is_job(&self, name: &str) -> bool {
        matches!(&self.source, NeedSource::Job(job) if &**job == name)
    }

    fn item(value: &Value) -> Self {
        let flag = |key: &str, otherwise: bool| {
            value.get(key).and_then(Value::text).map_or(otherwise, |text| &*text == "true")
        };
        let elsewhere = ["project", "pipeline"].iter().any(|key| value.get(key).is_some());
        let name = value.text().or_else(|| value.get("job").and_then(Value::text));
        let source = match name {
            Some(name) if !elsewhere => NeedSource::Job(name),
            _ => NeedSource::Elsewhere,
        };
        Self {
            source,
            artifacts: flag("artifacts", true),
            optional: flag("optional", false),
            is_of_matrix: value.get("parallel").is_some(),
            origin: value.origin,
        }
    }
}
