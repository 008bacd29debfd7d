use std::collections::BTreeMap;
use std::rc::Rc;

use super::inherit;
use super::value::{Field, Mapping, Origin, Value};

/// A part of a variable's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValuePiece {
    /// Text that stands for itself.
    Text(String),
    /// The value of the variable of this name, which the YAML does not define.
    Variable(String),
}

/// How often a variable may lead to another one.
const MOST_LEVELS: usize = 10;

/// The most pieces that a value may come to.
const MOST_PIECES: usize = 1_000;

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
    /// Whether people are asked for it when they start a pipeline.
    is_asked_for: bool,
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

    /// Whether the form for a manual run shows it, so that people are meant to choose its value
    /// (GitLab docs: ci/yaml#variablesdescription).
    #[must_use]
    pub fn is_asked_for(&self, name: &str) -> bool {
        self.by_name.get(name).is_some_and(|variable| variable.is_asked_for)
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
        self.expand_level(text, 0)
    }

    fn expand_level(&self, text: &str, depth: usize) -> Option<String> {
        let pieces = self.pieces_level(text, depth)?;
        let text = |piece| match piece {
            ValuePiece::Text(text) => Some(text),
            ValuePiece::Variable(_) => None,
        };
        pieces.into_iter().map(text).collect()
    }

    /// The value of `name` in pieces: its text with the YAML's own variables expanded, and the names of the
    /// others; `None` where the YAML does not define it, or where it leads in a circle.
    #[must_use]
    pub fn pieces(&self, name: &str) -> Option<Vec<ValuePiece>> {
        self.pieces_of(self.by_name.get(name)?, 0)
    }

    fn pieces_of(&self, variable: &Variable, depth: usize) -> Option<Vec<ValuePiece>> {
        match variable.expand {
            true => self.pieces_level(&variable.value, depth),
            false => Some(vec![ValuePiece::Text(variable.value.to_string())]),
        }
    }

    fn pieces_level(&self, text: &str, depth: usize) -> Option<Vec<ValuePiece>> {
        if depth > MOST_LEVELS {
            return None;
        }
        let mut found = Vec::new();
        for piece in (Pieces { rest: text }) {
            if found.len() > MOST_PIECES {
                return None;
            }
            match piece {
                Piece::Text(text) => found.push(ValuePiece::Text(text.to_owned())),
                Piece::Variable(name) => match self.by_name.get(name) {
                    Some(variable) => found.extend(self.pieces_of(variable, depth + 1)?),
                    None => found.push(ValuePiece::Variable(name.to_owned())),
                },
            }
        }
        Some(found)
    }

    fn set(&mut self, field: &Field) {
        let (value, expand) = match field.value.mapping() {
            Some(fields) => {
                let expand = fields.get("expand").and_then(Value::text).as_deref() != Some("false");
                (fields.get("value").and_then(Value::text), expand)
            }
            None => (field.value.text(), true),
        };
        let is_asked_for = ["description", "options"].iter().any(|key| field.value.get(key).is_some());
        let variable = Variable { value: value.unwrap_or_default(), expand, is_asked_for, origin: field.value.origin };
        self.by_name.insert(Rc::clone(&field.key), variable);
    }
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
