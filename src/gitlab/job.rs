use std::rc::Rc;

use super::artifacts::Artifacts;
use super::cache::Cache;
use super::needs::Need;
use super::script::ScriptItem;
use super::value::{FileId, Mapping, Origin, Value};
use super::variables::Variables;
use crate::syntax::yaml::NodeId;
use crate::text::RepositoryPath;

/// A job with everything that it extends, refers to and inherits.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its name.
    pub name: Rc<str>,
    /// Its keys, resolved.
    pub fields: Rc<Mapping>,
    /// The variables that the YAML gives it.
    pub variables: Variables,
    /// Where it is written, each file's own part; the last one wins.
    pub definitions: Vec<Definition>,
}

/// One place where a job is written: a key of a file's top mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Definition {
    /// The file.
    pub file: FileId,
    /// The key of the job in the top mapping of that file.
    pub key: NodeId,
    /// What stands under the key.
    pub value: NodeId,
}

/// The image that a job runs in.
#[derive(Clone, Debug)]
pub struct Image {
    /// Its name, with the YAML's own variables expanded; `None` where one of them is not known.
    pub name: Option<String>,
    /// Its name as it is written.
    pub written: Rc<str>,
    /// All of it, a text or a mapping.
    pub value: Value,
}

impl Image {
    /// The user that the container runs as, where the job says so (GitLab docs: ci/yaml#imagedocker).
    #[must_use]
    pub fn user(&self) -> Option<Rc<str>> {
        let of = |executor: &str| self.value.get(executor)?.get("user")?.text();
        of("docker").or_else(|| of("kubernetes"))
    }
}

impl Job {
    /// The value of a keyword.
    #[must_use]
    pub fn get(&self, keyword: &str) -> Option<&Value> {
        self.fields.get(keyword).filter(|value| !value.is_null())
    }

    /// The files of the repository that it starts child pipelines from, each with where that is written (GitLab docs:
    /// ci/yaml#triggerinclude).
    pub fn child_pipelines(&self) -> impl Iterator<Item = (RepositoryPath, &Value)> {
        let include = self.get("trigger").and_then(|trigger| trigger.get("include"));
        include.map(Value::one_or_many).unwrap_or_default().iter().filter_map(|value| {
            let written = value.text().or_else(|| value.get("local").and_then(Value::text))?;
            Some((RepositoryPath::new(&written)?, value))
        })
    }

    /// The place of a keyword: its value, or the job's name where it is not set.
    #[must_use]
    pub fn origin_of(&self, keyword: &str) -> Option<Origin> {
        self.fields.field(keyword).map(|field| field.key_origin).or_else(|| self.origin())
    }

    /// The place of its name.
    #[must_use]
    pub fn origin(&self) -> Option<Origin> {
        self.definitions.last().map(|definition| Origin { file: definition.file, node: definition.key })
    }

    /// Its stage; `test` where it names none (GitLab docs: ci/yaml#stage).
    #[must_use]
    pub fn stage(&self) -> Rc<str> {
        let stage = self.get("stage").or_else(|| self.get("type")).and_then(Value::text);
        stage.unwrap_or_else(|| Rc::from("test"))
    }

    /// `before_script` and `script`, which run as one program.
    #[must_use]
    pub fn script(&self) -> Vec<ScriptItem> {
        ["before_script", "script"].iter().flat_map(|keyword| self.script_of(keyword)).collect()
    }

    /// The items of one of its scripts.
    #[must_use]
    pub fn script_of(&self, keyword: &str) -> Vec<ScriptItem> {
        self.get(keyword).map(ScriptItem::read).unwrap_or_default()
    }

    /// The image that it runs in; `None` where the runner chooses.
    #[must_use]
    pub fn image(&self) -> Option<Image> {
        let value = self.get("image")?;
        let written = value.text().or_else(|| value.get("name").and_then(Value::text))?;
        Some(Image { name: self.variables.expand(&written), written, value: value.clone() })
    }

    /// The images of its services, the YAML's own variables expanded where they are known.
    #[must_use]
    pub fn services(&self) -> Vec<(String, Origin)> {
        let name = |service: &Value| {
            let written = service.text().or_else(|| service.get("name").and_then(Value::text))?;
            Some((self.variables.expand(&written).unwrap_or_else(|| written.to_string()), service.origin))
        };
        self.get("services").map(Value::one_or_many).unwrap_or_default().iter().filter_map(name).collect()
    }

    /// What it uploads.
    #[must_use]
    pub fn artifacts(&self) -> Artifacts {
        self.get("artifacts").map(|value| Artifacts::read(value, &self.variables)).unwrap_or_default()
    }

    /// Its caches.
    #[must_use]
    pub fn caches(&self) -> Vec<Cache> {
        self.get("cache").map(|value| Cache::read(value, &self.variables)).unwrap_or_default()
    }

    /// Its `needs`; `None` where it waits for all earlier stages instead.
    #[must_use]
    pub fn needs(&self) -> Option<Vec<Need>> {
        self.get("needs").map(Need::read)
    }

    /// The jobs whose artifacts it downloads, by name; `None` where it does not say.
    #[must_use]
    pub fn dependencies(&self) -> Option<Vec<(Rc<str>, Origin)>> {
        let named = |item: &Value| Some((item.text()?, item.origin));
        Some(self.get("dependencies")?.one_or_many().iter().filter_map(named).collect())
    }

    /// Whether some of its values stand at a place of `file` that `is_there` tells.
    #[must_use]
    pub fn holds(&self, file: FileId, is_there: &dyn Fn(NodeId) -> bool) -> bool {
        self.fields.fields().iter().any(|field| holds(&field.value, file, is_there))
    }

    /// Its runner tags, sorted.
    #[must_use]
    pub fn tags(&self) -> Vec<Rc<str>> {
        let tags = self.get("tags").map(Value::one_or_many).unwrap_or_default();
        let mut tags: Vec<_> = tags.iter().filter_map(Value::text).collect();
        tags.sort();
        tags
    }
}

fn holds(value: &Value, file: FileId, is_there: &dyn Fn(NodeId) -> bool) -> bool {
    let is_own = value.origin.file == file && is_there(value.origin.node);
    is_own
        || value.sequence().unwrap_or_default().iter().any(|item| holds(item, file, is_there))
        || value.mapping().is_some_and(|fields| fields.fields().iter().any(|field| holds(&field.value, file, is_there)))
}
