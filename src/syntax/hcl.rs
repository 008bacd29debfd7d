//! The plain part of HCL, HashiCorp's language for configurations: blocks, and values without operators and functions, in
//! its own form or in JSON (hashicorp/hcl: `hclsyntax/spec.md`, `json/spec.md`). All else is kept by its name alone.

mod edit;
mod json;
mod native;

pub use edit::set_texts;

use crate::text::Span;

/// What a file is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// Its blocks, in their order.
    pub blocks: Vec<Block>,
    /// The names of the attributes that stand in no block.
    pub attributes: Vec<String>,
}

/// `kind "label" { … }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What it is called.
    pub kind: String,
    /// Its labels.
    pub labels: Vec<String>,
    /// Its bytes.
    pub span: Span,
    /// What it says; a block within it counts as one whose value is not plain.
    pub attributes: Vec<Attribute>,
}

/// `name = value`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// What it is called.
    pub name: String,
    /// Its bytes.
    pub span: Span,
    /// The value.
    pub value: Value,
}

/// A value, with its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// Its bytes.
    pub span: Span,
    /// What it is.
    pub kind: ValueKind,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// `null`
    Null,
    /// A text; a number and a truth value by the text that is made of them.
    Text(Vec<Part>),
    /// `[…]`
    List(Vec<Value>),
    /// `{…}`, with keys that are plain texts.
    Map(Vec<(String, Value)>),
    /// A function, an operator, or whatever else has to be evaluated.
    NotPlain,
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Letters.
    Text(String),
    /// `${name}`
    Variable(String),
}

/// A text that is not HCL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// What is wrong, in the parser's words.
    pub message: String,
    /// The byte at which it was noticed.
    pub at: usize,
}

impl Document {
    /// Reads HCL in its own form.
    ///
    /// # Errors
    /// Where `text` is none.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        native::parse(text)
    }

    /// Reads HCL in JSON.
    ///
    /// # Errors
    /// Where `text` is no JSON, or has lists in the place of blocks.
    pub fn parse_json(text: &str) -> Result<Self, SyntaxError> {
        json::parse(text)
    }
}

impl Block {
    /// The value of an attribute.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.attributes.iter().find(|attribute| attribute.name == name).map(|attribute| &attribute.value)
    }
}

impl Value {
    /// The items of a list; none for any other value.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match &self.kind {
            ValueKind::List(items) => items,
            _ => &[],
        }
    }

    /// The entries of a map; none for any other value.
    #[must_use]
    pub fn entries(&self) -> &[(String, Self)] {
        match &self.kind {
            ValueKind::Map(entries) => entries,
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Document, Part, ValueKind};

    const NATIVE: &str = "# what is built\nvariable \"TAG\" {\n  default = \"latest\"\n}\ntarget \"web\" {\n  context = \".\"\n  args = { A = \"1\", \"B\" = TAG, C = null }\n  tags = [\"shop:${TAG}\", \"$${x}\"]\n  platforms = concat([\"a\"], [\"b\"])\n}\n";
    const JSON: &str = r#"{"variable": {"TAG": {"default": "latest"}}, "target": {"web": {"context": ".", "args": {"A": "1", "B": "${TAG}", "C": null}, "tags": ["shop:${TAG}", "$${x}"], "platforms": "${concat([\"a\"], [\"b\"])}"}}}"#;

    fn text(text: &str) -> ValueKind {
        ValueKind::Text(vec![Part::Text(text.to_owned())])
    }

    #[test]
    fn both_forms_say_the_same() {
        for document in [Document::parse(NATIVE).unwrap(), Document::parse_json(JSON).unwrap()] {
            let target = document.blocks.iter().find(|block| block.kind == "target").unwrap();
            assert_eq!(target.labels, ["web"]);
            assert_eq!(target.value("context").unwrap().kind, text("."));
            let args: Vec<_> = target.value("args").unwrap().entries().iter().map(|(_, value)| &value.kind).collect();
            let variable = ValueKind::Text(vec![Part::Variable("TAG".to_owned())]);
            assert_eq!(args, [&text("1"), &variable, &ValueKind::Null]);
            let tags: Vec<_> = target.value("tags").unwrap().items().iter().map(|value| &value.kind).collect();
            let parts = vec![Part::Text("shop:".to_owned()), Part::Variable("TAG".to_owned())];
            assert_eq!(tags, [&ValueKind::Text(parts), &text("${x}")]);
            assert_eq!(target.value("platforms").unwrap().kind, ValueKind::NotPlain);
        }
    }

    #[test]
    fn places_are_those_of_the_file() {
        let document = Document::parse(NATIVE).unwrap();
        let target = document.blocks.last().unwrap();
        assert_eq!(target.value("context").unwrap().span.slice(NATIVE), "\".\"");
        assert!(target.span.slice(NATIVE).starts_with("target \"web\""));
        assert!(target.attributes[1].span.slice(NATIVE).starts_with("args"));
    }

    #[test]
    fn what_has_to_be_evaluated_is_not_plain() {
        let text = "a = 1\ntarget \"web\" {\n  context = x ? \"a\" : \"b\"\n  tags = [for a in b : a]\n  dockerfile = target.other.dockerfile\n  args = {(A) = 1}\n  target = \"%{if a}b%{endif}\"\n  inner \"a\" {\n  }\n}\n";
        let document = Document::parse(text).unwrap();
        assert_eq!(document.attributes, ["a"]);
        let attributes = &document.blocks[0].attributes;
        assert_eq!(attributes.len(), 6);
        assert!(attributes.iter().all(|attribute| attribute.value.kind == ValueKind::NotPlain));
    }

    #[test]
    fn what_is_no_hcl_is_an_error() {
        assert!(Document::parse("target \"web\" {").is_err());
        assert!(Document::parse(&"a = [".repeat(10_000)).is_err());
        assert!(Document::parse_json("[1]").is_err());
        assert!(Document::parse_json("{\"target\": [{\"web\": {}}]}").is_err());
    }
}
