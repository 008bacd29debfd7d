use std::collections::{BTreeMap, BTreeSet};
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
    /// A rule of the job or of the workflow may give it another value.
    is_conditional: bool,
    origin: Origin,
}

impl Variables {
    /// The variables of a job: those at the top of the pipeline that it inherits, its own over them, and those that
    /// rules may set over each (GitLab docs: ci/variables, "CI/CD variable precedence").
    pub(super) fn of_job(top: &Mapping, job: &Mapping) -> Self {
        let mut variables = Self::default();
        let is_inherited = |field: &&Field| inherit::admits(job, "variables", &field.key);
        let workflow = top.get("workflow").and_then(Value::mapping).cloned().unwrap_or_default();
        fields(top.get("variables")).filter(is_inherited).for_each(|field| variables.set(field));
        set_by_rules(&workflow).filter(is_inherited).for_each(|field| variables.may_be(field));
        fields(job.get("variables")).for_each(|field| variables.set(field));
        set_by_rules(job).for_each(|field| variables.may_be(field));
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

    /// Whether rules give it another value in some pipelines.
    #[must_use]
    pub fn is_conditional(&self, name: &str) -> bool {
        self.by_name.get(name).is_some_and(|variable| variable.is_conditional)
    }

    /// The value of `name` with the variables in it expanded; `None` where the YAML does not define it, where rules
    /// may give it another value, or where it leads to such a variable.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<String> {
        let variable = self.certain(name)?;
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
        let pieces = self.pieces_level(text, depth)?;
        let text = |piece| match piece {
            ValuePiece::Text(text) => Some(text),
            ValuePiece::Variable(name) => project.filter(|_| name == "CI_PROJECT_DIR").map(str::to_owned),
        };
        pieces.into_iter().map(text).collect()
    }

    /// The value of `name` in pieces: its text with the YAML's own variables expanded, and the names of the
    /// others; `None` where the YAML does not define it, where rules may give it another value, or where it leads to
    /// such a variable or in a circle.
    #[must_use]
    pub fn pieces(&self, name: &str) -> Option<Vec<ValuePiece>> {
        self.pieces_of(self.certain(name)?, 0)
    }

    /// Whether the value of `name` is written down as the whole path of a file: then it is none of what that file holds,
    /// whatever the name tells.
    #[must_use]
    pub fn is_path_of_file(&self, name: &str) -> bool {
        let path = self.certain(name).and_then(|variable| self.pieces_of(variable, 0)).and_then(|pieces| {
            let text = |(at, piece)| match piece {
                ValuePiece::Text(text) => Some(text),
                ValuePiece::Variable(name) => (at == 0 && name == "CI_PROJECT_DIR").then(|| "/project".to_owned()),
            };
            pieces.into_iter().enumerate().map(text).collect::<Option<String>>()
        });
        path.is_some_and(|path| is_path_of_file(&path))
    }

    /// Whether the value of `name` holds that of a variable with a name that `is_meant` accepts, one of the YAML's own
    /// or another one, through any number of variables.
    #[must_use]
    pub fn holds_value_of(&self, name: &str, is_meant: &dyn Fn(&str) -> bool) -> bool {
        let mut seen = BTreeSet::new();
        let mut open = vec![name];
        while let Some(name) = open.pop() {
            let variable = self.by_name.get(name).filter(|variable| variable.expand && seen.insert(name));
            for piece in variable.into_iter().flat_map(|variable| Pieces { rest: &variable.value }) {
                match piece {
                    Piece::Variable(inner) if is_meant(inner) => return true,
                    Piece::Variable(inner) => open.push(inner),
                    Piece::Text(_) => {}
                }
            }
        }
        false
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
                    Some(variable) if variable.is_conditional => return None,
                    Some(variable) => found.extend(self.pieces_of(variable, depth + 1)?),
                    None => found.push(ValuePiece::Variable(name.to_owned())),
                },
            }
        }
        Some(found)
    }

    fn certain(&self, name: &str) -> Option<&Variable> {
        self.by_name.get(name).filter(|variable| !variable.is_conditional)
    }

    fn set(&mut self, field: &Field) {
        self.by_name.insert(Rc::clone(&field.key), Variable::read(&field.value));
    }

    /// Takes in a value that a rule sets. One that stands there already is what it is elsewhere.
    fn may_be(&mut self, field: &Field) {
        let variable = self.by_name.entry(Rc::clone(&field.key)).or_insert_with(|| Variable::read(&field.value));
        variable.is_conditional = true;
    }
}

impl Variable {
    /// A value, or a mapping with `value`, `description`, `options` and `expand`. A `null` is an empty text.
    fn read(value: &Value) -> Self {
        let (text, expand) = match value.mapping() {
            Some(fields) => {
                let expand = fields.get("expand").and_then(Value::text).as_deref() != Some("false");
                (fields.get("value").and_then(Value::text), expand)
            }
            None => (value.text(), true),
        };
        let is_asked_for = ["description", "options"].iter().any(|key| value.get(key).is_some());
        let text = text.unwrap_or_default();
        Self { value: text, expand, is_asked_for, is_conditional: false, origin: value.origin }
    }
}

fn fields(variables: Option<&Value>) -> impl Iterator<Item = &Field> {
    variables.and_then(Value::mapping).into_iter().flat_map(|variables| variables.fields())
}

/// The variables of the `rules:` of a job or of the workflow, but for rules that let nothing run.
fn set_by_rules(of: &Mapping) -> impl Iterator<Item = &Field> {
    let runs = |rule: &&Value| rule.get("when").and_then(Value::text).as_deref() != Some("never");
    let rules = of.get("rules").map(Value::one_or_many).unwrap_or_default().iter();
    rules.filter(runs).flat_map(|rule| fields(rule.get("variables")))
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

/// Whether a text is a whole path of a file, by its ending.
fn is_path_of_file(text: &str) -> bool {
    const MOST_OF_ENDING: usize = 6;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./@".contains(&byte);
    let is_ending = |ending: &str| {
        (2..=MOST_OF_ENDING).contains(&ending.len())
            && ending.starts_with(|first: char| first.is_ascii_lowercase())
            && ending.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let name = text.rsplit('/').next().unwrap_or_default();
    let has_ending = name.rsplit_once('.').is_some_and(|(stem, ending)| !stem.is_empty() && is_ending(ending));
    text.starts_with('/') && has_ending && text.bytes().all(is_plain)
}
