use std::collections::BTreeMap;
use std::rc::Rc;

use super::inherit;
use super::value::{Field, Mapping, Origin, Value};

/// How often a variable may lead to another one.
const MOST_LEVELS: usize = 10;

/// The variables that the YAML gives to a job.
///
/// Each is only a default: a variable of the project, of the group or of a manual run wins over it.
#[derive(Clone, Debug, Default)]
pub struct Variables {
    by_name: BTreeMap<Rc<str>, Variable>,
}

/// One variable of the YAML.
#[derive(Clone, Debug)]
struct Variable {
    value: Rc<str>,
    /// `expand: false` keeps `$` signs as they are.
    expand: bool,
    origin: Origin,
}

impl Variables {
    /// The variables of a job: those at the top of the pipeline that it inherits, and its own over them.
    pub(super) fn of_job(top: &Mapping, job: &Mapping) -> Self {
        let mut variables = Self::default();
        let fields = |mapping: &Mapping| mapping.get("variables").and_then(Value::mapping).cloned().unwrap_or_default();
        for field in fields(top).fields().iter().filter(|field| inherit::admits(job, "variables", &field.key)) {
            variables.set(field);
        }
        for field in fields(job).fields() {
            variables.set(field);
        }
        variables
    }

    /// The value as it was written, and where.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<(&str, Origin)> {
        self.by_name.get(name).map(|variable| (&*variable.value, variable.origin))
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(|name| &**name)
    }

    /// The value of `name` with the variables in it expanded; `None` where the YAML does not define it, or
    /// where it leads to a variable that the YAML does not define.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<String> {
        let variable = self.by_name.get(name)?;
        if variable.expand { self.expand(&variable.value) } else { Some(variable.value.to_string()) }
    }

    /// `text` with `$NAME` and `${NAME}` expanded as GitLab does in keywords, `$$` being a `$`; `None` where
    /// a variable is not the YAML's own, so that its value is not known here.
    #[must_use]
    pub fn expand(&self, text: &str) -> Option<String> {
        self.expand_level(text, None, 0)
    }

    /// As [`Self::expand`], with `project` for the folder that GitLab Runner clones into.
    #[must_use]
    pub fn expand_within(&self, text: &str, project: &str) -> Option<String> {
        self.expand_level(text, Some(project), 0)
    }

    fn expand_level(&self, text: &str, project: Option<&str>, depth: usize) -> Option<String> {
        if depth > MOST_LEVELS {
            return None;
        }
        let mut expanded = String::new();
        for piece in (Pieces { rest: text }) {
            match piece {
                Piece::Text(text) => expanded.push_str(text),
                Piece::Variable(name) => {
                    let value = match self.by_name.get(name) {
                        Some(variable) if variable.expand => self.expand_level(&variable.value, project, depth + 1)?,
                        Some(variable) => variable.value.to_string(),
                        None => project.filter(|_| name == "CI_PROJECT_DIR")?.to_owned(),
                    };
                    expanded.push_str(&value);
                }
            }
        }
        Some(expanded)
    }

    fn set(&mut self, field: &Field) {
        let (value, expand) = match field.value.mapping() {
            Some(fields) => {
                let expand = fields.get("expand").and_then(Value::text).as_deref() != Some("false");
                (fields.get("value").and_then(Value::text), expand)
            }
            None => (field.value.text(), true),
        };
        let variable = Variable { value: value.unwrap_or_default(), expand, origin: field.value.origin };
        self.by_name.insert(Rc::clone(&field.key), variable);
    }
}

/// The names that `text` expands, in their order.
#[must_use]
pub fn names_in(text: &str) -> Vec<&str> {
    let name = |piece| match piece {
        Piece::Variable(name) => Some(name),
        Piece::Text(_) => None,
    };
    Pieces { rest: text }.filter_map(name).collect()
}

enum Piece<'a> {
    Text(&'a str),
    Variable(&'a str),
}

/// Cuts a text at its variables.
struct Pieces<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        let rest = self.rest;
        let Some(after) = rest.strip_prefix('$') else {
            let end = rest.find('$').unwrap_or(rest.len());
            let (text, rest) = rest.split_at(end);
            self.rest = rest;
            return (!text.is_empty()).then_some(Piece::Text(text));
        };
        if let Some(rest) = after.strip_prefix('$') {
            self.rest = rest;
            return Some(Piece::Text("$"));
        }
        let braced = after.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let (name, rest) = braced.unwrap_or_else(|| after.split_at(name_length(after)));
        if name.is_empty() || name_length(name) < name.len() {
            self.rest = after;
            return Some(Piece::Text("$"));
        }
        self.rest = rest;
        Some(Piece::Variable(name))
    }
}

fn name_length(text: &str) -> usize {
    text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count()
}
