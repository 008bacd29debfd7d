use std::collections::HashMap;
use std::rc::Rc;

use crate::syntax::yaml::NodeId;
use crate::syntax::yaml::edit::in_flow;

/// One of the files that a pipeline is read from; an index into [`super::Pipeline::files`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub(super) usize);

impl FileId {
    /// The index of the file in [`super::Pipeline::files`].
    #[must_use]
    pub const fn index(self) -> usize {
        self.0
    }
}

/// The node that wrote a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The file it stands in.
    pub file: FileId,
    /// The node of that file's tree.
    pub node: NodeId,
}

/// A value of a pipeline, as Ruby's Psych reads it, and the node that wrote it.
///
/// Aliases share what they point at, so that a small file that refers to itself a thousand times stays small.
#[derive(Clone, Debug)]
pub struct Value {
    /// What it is.
    pub kind: Kind,
    /// Where it was written.
    pub origin: Origin,
}

/// What a value is.
#[derive(Clone, Debug)]
pub enum Kind {
    /// Nothing: `null`, `~`, or an empty place.
    Null,
    /// `true`, `yes`, `on` and their opposites.
    Boolean(bool),
    /// A number, as Ruby prints it: `3.10` is `3.1`.
    Number(Rc<str>),
    /// Text.
    Text(Rc<str>),
    /// A list.
    Sequence(Rc<Vec<Value>>),
    /// Keys and values, in the order in which they came in.
    Mapping(Rc<Mapping>),
    /// `!reference [job, key, …]`, not looked up yet.
    Reference(Rc<Vec<String>>),
}

/// Keys and values; a key stands once.
#[derive(Clone, Debug, Default)]
pub struct Mapping {
    fields: Vec<Field>,
    /// The place of each key, once there are so many that a search would take long.
    places: HashMap<Rc<str>, usize>,
}

/// The most fields that are searched one by one.
const MOST_SEARCHED: usize = 16;

/// One key and its value.
#[derive(Clone, Debug)]
pub struct Field {
    /// The key, as text: `on` is `true`.
    pub key: Rc<str>,
    /// Where the key was written.
    pub key_origin: Origin,
    /// The value.
    pub value: Value,
}

impl Value {
    /// The text of a text, number or boolean, as GitLab puts it into a variable or a script.
    #[must_use]
    pub fn text(&self) -> Option<Rc<str>> {
        match &self.kind {
            Kind::Text(text) | Kind::Number(text) => Some(Rc::clone(text)),
            Kind::Boolean(value) => Some(Rc::from(if *value { "true" } else { "false" })),
            _ => None,
        }
    }

    /// The fields, where it is a mapping.
    #[must_use]
    pub fn mapping(&self) -> Option<&Rc<Mapping>> {
        match &self.kind {
            Kind::Mapping(mapping) => Some(mapping),
            _ => None,
        }
    }

    /// The items, where it is a list.
    #[must_use]
    pub fn sequence(&self) -> Option<&[Self]> {
        match &self.kind {
            Kind::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// The items of a list, or the value itself where it stands alone, as most keywords allow.
    #[must_use]
    pub fn one_or_many(&self) -> &[Self] {
        match &self.kind {
            Kind::Sequence(items) => items,
            Kind::Null => &[],
            _ => std::slice::from_ref(self),
        }
    }

    /// The value of `key`, where it is a mapping that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.mapping()?.get(key)
    }

    /// It as YAML on one line, in the flow style: what reads as the same value again.
    #[must_use]
    pub fn written(&self) -> String {
        let list = |items: Vec<String>| items.join(", ");
        match &self.kind {
            Kind::Null => "null".to_owned(),
            Kind::Boolean(value) => value.to_string(),
            Kind::Number(number) => number.to_string(),
            Kind::Text(text) => in_flow(text),
            Kind::Sequence(items) => format!("[{}]", list(items.iter().map(Self::written).collect())),
            Kind::Reference(path) => format!("!reference [{}]", list(path.iter().map(|name| in_flow(name)).collect())),
            Kind::Mapping(mapping) => {
                let field = |field: &Field| format!("{}: {}", in_flow(&field.key), field.value.written());
                format!("{{{}}}", list(mapping.fields.iter().map(field).collect()))
            }
        }
    }

    /// Whether it is nothing.
    #[must_use]
    pub const fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Null)
    }

    /// Whether both say the same, wherever they were written; the order of keys does not matter.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        match (&self.kind, &other.kind) {
            (Kind::Null, Kind::Null) => true,
            (Kind::Boolean(left), Kind::Boolean(right)) => left == right,
            (Kind::Number(left), Kind::Number(right)) | (Kind::Text(left), Kind::Text(right)) => left == right,
            (Kind::Sequence(left), Kind::Sequence(right)) => {
                Rc::ptr_eq(left, right)
                    || left.len() == right.len() && left.iter().zip(right.iter()).all(|(one, other)| one.same(other))
            }
            (Kind::Mapping(left), Kind::Mapping(right)) => Rc::ptr_eq(left, right) || left.same(right),
            (Kind::Reference(left), Kind::Reference(right)) => left == right,
            _ => false,
        }
    }
}

impl Mapping {
    /// The fields, in the order in which they came in.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.field(key).map(|field| &field.value)
    }

    /// The field of `key`.
    #[must_use]
    pub fn field(&self, key: &str) -> Option<&Field> {
        self.fields.get(self.place(key)?)
    }

    /// Sets a field; one of the same key keeps its place and takes the new value.
    pub fn set(&mut self, field: Field) {
        match self.place(&field.key).and_then(|place| self.fields.get_mut(place)) {
            Some(present) => *present = field,
            None => self.push_new(field),
        }
    }

    fn place(&self, key: &str) -> Option<usize> {
        if self.fields.len() > MOST_SEARCHED {
            return self.places.get(key).copied();
        }
        self.fields.iter().position(|field| &*field.key == key)
    }

    /// Adds a field whose key is known to be new.
    pub(super) fn push_new(&mut self, field: Field) {
        self.fields.push(field);
        if self.fields.len() == MOST_SEARCHED + 1 {
            self.index();
        } else if let Some(field) = self.fields.last().filter(|_| self.fields.len() > MOST_SEARCHED) {
            self.places.insert(Rc::clone(&field.key), self.fields.len() - 1);
        }
    }

    fn index(&mut self) {
        self.places = self.fields.iter().enumerate().map(|(place, field)| (Rc::clone(&field.key), place)).collect();
    }

    /// Takes the field of `key` away.
    pub fn remove(&mut self, key: &str) {
        let count = self.fields.len();
        self.fields.retain(|field| &*field.key != key);
        if self.fields.len() < count {
            self.index();
        }
    }

    pub(super) fn same(&self, other: &Self) -> bool {
        self.fields.len() == other.fields.len()
            && self.fields.iter().all(|field| other.get(&field.key).is_some_and(|value| value.same(&field.value)))
    }
}
