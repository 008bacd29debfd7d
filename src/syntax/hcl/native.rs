//! HCL in its own form, as `hcl-edit` reads it.

use std::ops::Range;

use hcl_edit::expr::{Expression, ObjectKey};
use hcl_edit::structure::{Block as HclBlock, Body, Structure};
use hcl_edit::template::{Element, Template};
use hcl_edit::{Span as _, parser};

use super::{Attribute, Block, Document, Part, SyntaxError, Value, ValueKind};
use crate::text::Span;

pub(super) fn parse(text: &str) -> Result<Document, SyntaxError> {
    let body = parser::parse_body(text)
        .map_err(|error| SyntaxError { message: error.message().to_owned(), at: error.location().offset() })?;
    let blocks = body.blocks().map(block).collect();
    let attributes = body.attributes().map(|attribute| attribute.key.to_string()).collect();
    Ok(Document { blocks, attributes })
}

fn block(block: &HclBlock) -> Block {
    Block {
        kind: block.ident.to_string(),
        labels: block.labels.iter().map(|label| label.as_str().to_owned()).collect(),
        span: span(block.span()),
        attributes: attributes(&block.body),
    }
}

fn attributes(body: &Body) -> Vec<Attribute> {
    let attribute = |structure: &Structure| match structure {
        Structure::Attribute(attribute) => {
            Attribute { name: attribute.key.to_string(), span: span(attribute.span()), value: value(&attribute.value) }
        }
        Structure::Block(inner) => Attribute {
            name: inner.ident.to_string(),
            span: span(inner.span()),
            value: Value { span: span(inner.span()), kind: ValueKind::NotPlain },
        },
    };
    body.iter().map(attribute).collect()
}

fn value(expression: &Expression) -> Value {
    Value { span: span(expression.span()), kind: kind(expression).unwrap_or(ValueKind::NotPlain) }
}

/// What an expression is, where it is plain.
fn kind(expression: &Expression) -> Option<ValueKind> {
    let text = |text: String| Some(ValueKind::Text(vec![Part::Text(text)]));
    match expression {
        Expression::Null(_) => Some(ValueKind::Null),
        Expression::Bool(value) => text(value.value().to_string()),
        Expression::Number(value) => text(value.value().to_string()),
        Expression::String(value) => text(value.value().clone()),
        Expression::Variable(name) => Some(ValueKind::Text(vec![Part::Variable(name.to_string())])),
        Expression::StringTemplate(template) => parts(template).map(ValueKind::Text),
        Expression::Parenthesis(inner) => kind(inner.inner()),
        Expression::Array(items) => Some(ValueKind::List(items.iter().map(value).collect())),
        Expression::Object(entries) => {
            let entry =
                |(key, entry): (&ObjectKey, &hcl_edit::expr::ObjectValue)| Some((name(key)?, value(entry.expr())));
            entries.iter().map(entry).collect::<Option<_>>().map(ValueKind::Map)
        }
        _ => None,
    }
}

/// The name of an entry of a map.
fn name(key: &ObjectKey) -> Option<String> {
    match key {
        ObjectKey::Ident(name) => Some(name.to_string()),
        ObjectKey::Expression(Expression::String(name)) => Some(name.value().clone()),
        ObjectKey::Expression(_) => None,
    }
}

/// The parts of a text that holds variables; `None` where it holds more.
pub(super) fn parts(template: &Template) -> Option<Vec<Part>> {
    let part = |element: &Element| match element {
        Element::Literal(text) => Some(Part::Text(text.value().clone())),
        Element::Interpolation(inner) if inner.strip == hcl_edit::template::Strip::None => match &inner.expr {
            Expression::Variable(name) => Some(Part::Variable(name.to_string())),
            _ => None,
        },
        Element::Interpolation(_) | Element::Directive(_) => None,
    };
    template.iter().map(part).collect()
}

fn span(range: Option<Range<usize>>) -> Span {
    range.map_or(Span::at(0), |range| Span::new(range.start, range.end))
}
