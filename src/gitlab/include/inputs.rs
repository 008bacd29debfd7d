//! `spec:inputs`: values that are filled in where `$[[ inputs.name ]]` stands (GitLab docs: ci/inputs).
//!
//! GitLab fills them into the text of the file, before it is YAML. Here they are filled into the scalars, so that each
//! value keeps the place where the user wrote it; a value that would be more than a part of its scalar is
//! left as it is written, and with it whatever it decides.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::functions;
use crate::finding::{Code, Finding, Location};
use crate::gitlab::value::{Field, Kind, Mapping, Value};
use crate::syntax::yaml::{NodeId, NodeKind, ScalarStyle, Tree, psych};

/// What a file's header declares, with the values of one include.
#[derive(Default)]
pub(super) struct Inputs {
    /// `None` for an input whose value is not known here.
    values: BTreeMap<Rc<str>, Option<Input>>,
}

/// The value of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Input {
    /// It as text, as GitLab writes it into a file: what is no text is written as JSON.
    pub(super) text: String,
    /// Whether it is a text, which alone the functions take.
    pub(super) is_text: bool,
}

impl Inputs {
    /// The inputs that the header `spec` declares, with the values `given` and else their defaults.
    ///
    /// `given` is `None` for the pipeline file itself, whose inputs a person fills in when the pipeline is run.
    ///
    /// # Errors
    /// A finding at `included_at` where an input has neither value nor default.
    pub(super) fn new(spec: &Value, given: Option<&Mapping>, included_at: &Location) -> Result<Self, Box<Finding>> {
        let declared = spec.get("spec").and_then(|spec| spec.get("inputs")).and_then(Value::mapping);
        let mut inputs = Self::default();
        for field in declared.map(|declared| declared.fields().to_vec()).unwrap_or_default() {
            let value = given.and_then(|given| given.get(&field.key)).or_else(|| field.value.get("default"));
            if value.is_none() && given.is_some() && field.value.get("rules").is_none() {
                return Err(missing(&field.key, included_at));
            }
            inputs.values.insert(Rc::clone(&field.key), value.and_then(Input::read));
        }
        Ok(inputs)
    }

    /// `value` with every input filled in that is known; `tree` is the tree of its file.
    pub(super) fn fill(&self, tree: &Tree, value: &Value) -> Value {
        let kind = match &value.kind {
            Kind::Text(text) if text.contains("$[[") => return self.scalar(tree, value, text),
            Kind::Sequence(items) => Kind::Sequence(Rc::new(items.iter().map(|item| self.fill(tree, item)).collect())),
            Kind::Mapping(mapping) => Kind::Mapping(Rc::new(self.mapping(tree, mapping))),
            Kind::Reference(path) => Kind::Reference(Rc::new(path.iter().map(|part| self.text(part)).collect())),
            kind => kind.clone(),
        };
        Value { kind, origin: value.origin }
    }

    fn mapping(&self, tree: &Tree, mapping: &Mapping) -> Mapping {
        let mut filled = Mapping::default();
        for field in mapping.fields() {
            let key = if field.key.contains("$[[") { Rc::from(self.text(&field.key)) } else { Rc::clone(&field.key) };
            filled.set(Field { key, key_origin: field.key_origin, value: self.fill(tree, &field.value) });
        }
        filled
    }

    fn scalar(&self, tree: &Tree, value: &Value, text: &str) -> Value {
        let filled = self.text(text);
        let style = tree.node(value.origin.node).scalar_style();
        let kind = match style {
            Some(ScalarStyle::Plain) => plain(&filled, value),
            Some(style) => fits(style, text, &filled).then(|| Kind::Text(filled.into())),
            None => None,
        };
        Value { kind: kind.unwrap_or_else(|| value.kind.clone()), origin: value.origin }
    }

    /// `text` with its blocks filled in; one whose value is not known stays.
    fn text(&self, text: &str) -> String {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, block)) = rest.split_once("$[[") {
            filled.push_str(before);
            let Some((inside, after)) = block.split_once("]]") else {
                filled.push_str("$[[");
                rest = block;
                continue;
            };
            match self.block(inside) {
                Some(value) => filled.push_str(&value),
                None => filled.push_str(&format!("$[[{inside}]]")),
            }
            rest = after;
        }
        filled + rest
    }

    /// The value of `inputs.name | function | function`.
    fn block(&self, inside: &str) -> Option<String> {
        let mut parts = inside.split('|').map(str::trim);
        let name = parts.next()?.strip_prefix("inputs.")?;
        let input = self.values.get(name)?.clone()?;
        parts.try_fold(input, functions::apply).map(|input| input.text)
    }
}

impl Input {
    fn read(value: &Value) -> Option<Self> {
        let is_text = matches!(value.kind, Kind::Text(_));
        Some(Self { text: if is_text { value.text()?.to_string() } else { json(value)? }, is_text })
    }
}

/// A value that is no text, as JSON.
fn json(value: &Value) -> Option<String> {
    match &value.kind {
        Kind::Boolean(_) | Kind::Number(_) => value.text().map(|text| text.to_string()),
        Kind::Text(text) if !text.chars().any(|c| c.is_control() || c == '"' || c == '\\') => {
            Some(format!("\"{text}\""))
        }
        Kind::Sequence(items) => {
            let items: Option<Vec<_>> = items.iter().map(json).collect();
            Some(format!("[{}]", items?.join(",")))
        }
        _ => None,
    }
}

/// Whether a value that was filled into a quoted or block scalar stays within it, and means itself there.
fn fits(style: ScalarStyle, written: &str, filled: &str) -> bool {
    let is_new = |c: char| filled.matches(c).count() > written.matches(c).count();
    match style {
        ScalarStyle::SingleQuoted => !is_new('\n') && !is_new('\''),
        ScalarStyle::DoubleQuoted => !is_new('\n') && !is_new('"') && !is_new('\\'),
        _ => !is_new('\n'),
    }
}

/// What an unquoted text is once it is filled in: a list, a number, a text; `None` where it would end early.
fn plain(filled: &str, value: &Value) -> Option<Kind> {
    let tree = Tree::parse(filled).ok()?;
    let root = tree.documents().first()?.root.filter(|_| tree.documents().len() == 1)?;
    let is_all = tree.node(root).full_span.slice(filled).len() == filled.trim().len();
    is_all.then(|| kind_of(&tree, root, value)).flatten()
}

fn kind_of(tree: &Tree, id: NodeId, value: &Value) -> Option<Kind> {
    let node = tree.node(id);
    match &node.kind {
        NodeKind::Scalar { .. } => Some(match psych::read(node) {
            psych::Scalar::Null => Kind::Null,
            psych::Scalar::Boolean(boolean) => Kind::Boolean(boolean),
            number @ (psych::Scalar::Integer(_) | psych::Scalar::Float(_)) => Kind::Number(number.text()?.into()),
            text => Kind::Text(text.text()?.into()),
        }),
        NodeKind::Sequence { items, .. } => {
            let item = |id: &NodeId| Some(Value { kind: kind_of(tree, *id, value)?, origin: value.origin });
            Some(Kind::Sequence(Rc::new(items.iter().map(item).collect::<Option<_>>()?)))
        }
        NodeKind::Mapping { .. } | NodeKind::Alias { .. } => None,
    }
}

fn missing(name: &str, included_at: &Location) -> Box<Finding> {
    let message = format!("the included file asks for the input '{name}', and this gives none");
    let finding = Finding::new(Code::InputMissing, included_at.clone(), message);
    Box::new(finding.with_help(format!("add 'inputs: {{{name}: …}}' here, or a default in the header of that file")))
}
