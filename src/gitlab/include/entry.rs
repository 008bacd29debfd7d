//! One item of `include:`, in each of its forms (GitLab docs: ci/yaml#include).

use std::rc::Rc;

use crate::gitlab::value::{Kind, Mapping, Origin, Value};
use crate::source::ForeignFile;

/// One file, or one pattern of files, that a pipeline takes in.
pub(super) struct Include {
    pub(super) target: Target,
    /// `rules:`, under which it is taken in.
    pub(super) rules: Option<Value>,
    /// `inputs:`, with which it is filled in.
    pub(super) inputs: Option<Rc<Mapping>>,
    /// Where it is written.
    pub(super) origin: Origin,
}

/// What is taken in.
pub(super) enum Target {
    /// A path, or a pattern of paths, from the root of the project that the file with the include lies in.
    Local(Rc<str>),
    /// A file of elsewhere.
    Foreign(ForeignFile),
    /// Something that no file here can be, in words.
    Unknown(String),
}

/// The files that one item of `include:` names: `file:` of a project may be a list.
pub(super) fn read(item: &Value) -> Vec<Include> {
    let include = |target| Include {
        target,
        rules: item.get("rules").cloned(),
        inputs: item.get("inputs").and_then(Value::mapping).cloned(),
        origin: item.origin,
    };
    match &item.kind {
        Kind::Text(text) if text.contains("://") => vec![include(remote(text))],
        Kind::Text(text) => vec![include(Target::local(text))],
        Kind::Mapping(fields) => targets(fields).into_iter().map(include).collect(),
        _ => vec![include(unknown())],
    }
}

fn targets(fields: &Mapping) -> Vec<Target> {
    let text = |key: &str| fields.get(key).and_then(Value::text);
    if let Some(path) = text("local") {
        return vec![Target::local(&path)];
    }
    if let Some(project) = text("project") {
        let files = fields.get("file").map(Value::one_or_many).unwrap_or_default().iter().filter_map(Value::text);
        let reference = text("ref").map(|reference| reference.to_string());
        let file = |file: Rc<str>| ForeignFile::Project {
            project: project.trim_matches('/').to_owned(),
            reference: reference.clone(),
            file: file.trim_start_matches('/').to_owned(),
        };
        return files.map(|path| Target::Foreign(file(path))).collect();
    }
    let one = text("remote").map(|address| remote(&address));
    let one = one.or_else(|| Some(Target::Foreign(ForeignFile::Template(text("template")?.to_string()))));
    let one = one.or_else(|| Some(Target::Foreign(ForeignFile::Component(text("component")?.to_string()))));
    vec![one.unwrap_or_else(unknown)]
}

impl Target {
    /// GitLab expands variables of the project, of the group and of its own in these paths, and none that the YAML
    /// defines (GitLab docs: ci/yaml/includes, "Use variables with include"): such a path is not known here.
    fn local(path: &Rc<str>) -> Self {
        if path.contains('$') {
            return Self::Unknown(format!("the file {path}, whose name holds a variable"));
        }
        Self::Local(Rc::clone(path))
    }
}

fn remote(address: &str) -> Target {
    Target::Foreign(ForeignFile::Remote(address.to_owned()))
}

fn unknown() -> Target {
    Target::Unknown("an include that GitLab does not know".to_owned())
}
