//! Scalars as GitLab reads them: Psych on libyaml, YAML 1.1 with Ruby's own additions.
//!
//! The rules are those of `Psych::ScalarScanner` and `Psych::Visitors::ToRuby` in Psych 4.0, with the classes
//! that GitLab permits. What is read here is for decisions alone and never written back.

mod float;
mod number;

use super::node::{Node, NodeKind, ScalarStyle};

/// A scalar as a Ruby value.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// `nil`: nothing, `~` or `null`.
    Null,
    /// `true`, `yes`, `on` and their opposites, in any letters.
    Boolean(bool),
    /// A whole number: decimal, `0755`, `0b1`, `0x1f`, `1_000`, and `12:30`, which is in base 60.
    Integer(i128),
    /// A number with a point, `.inf`, `.nan`.
    Float(f64),
    /// Text.
    String(String),
    /// `:name`; the text is without the colon.
    Symbol(String),
    /// A date or a time, which GitLab refuses to load.
    Date,
}

/// Reads a scalar. A collection and an alias are of no value of their own and give [`Scalar::Null`]; what a
/// tag of the application, such as `!reference`, makes of a scalar is the caller's matter.
#[must_use]
pub fn read(node: &Node) -> Scalar {
    let NodeKind::Scalar { style, value } = &node.kind else { return Scalar::Null };
    match node.tag.as_ref().map(|tag| tag.name.as_str()) {
        None if *style == ScalarStyle::Plain => tokenize(value),
        None => Scalar::String(value.clone()),
        Some("tag:yaml.org,2002:str" | "!str" | "!ruby/string" | "tag:yaml.org,2002:binary" | "!binary") => {
            Scalar::String(value.clone())
        }
        Some("tag:yaml.org,2002:float" | "!float") => match tokenize(value) {
            #[expect(clippy::cast_precision_loss, reason = "Ruby's Float() rounds in the same way")]
            Scalar::Integer(integer) => Scalar::Float(integer as f64),
            other => other,
        },
        Some("!ruby/sym" | "!ruby/symbol") => Scalar::Symbol(value.clone()),
        Some(_) => tokenize(value),
    }
}

/// Whether a key asks for a merge: `<<`, plain or quoted, unless a tag makes it text.
#[must_use]
pub fn is_merge_key(key: &Node) -> bool {
    let is_text = key.tag.as_ref().is_some_and(|tag| tag.name == "tag:yaml.org,2002:str");
    key.scalar() == Some("<<") && !is_text
}

impl Scalar {
    /// Ruby's `to_s`, by which GitLab turns the value of a variable into text; `None` for what it refuses to load.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        Some(match self {
            Self::Null => String::new(),
            Self::Boolean(value) => value.to_string(),
            Self::Integer(value) => value.to_string(),
            Self::Float(value) => float::text(*value),
            Self::String(value) | Self::Symbol(value) => value.clone(),
            Self::Date => return None,
        })
    }
}

/// What an unquoted text without a tag is.
#[must_use]
pub(super) fn tokenize(text: &str) -> Scalar {
    if text.is_empty() {
        return Scalar::Null;
    }
    if begins_like_a_word(text) || text.contains('\n') {
        return word(text);
    }
    if number::is_time(text) || number::is_date(text) {
        return Scalar::Date;
    }
    match text.to_ascii_lowercase().as_str() {
        ".inf" | "+.inf" => return Scalar::Float(f64::INFINITY),
        "-.inf" => return Scalar::Float(f64::NEG_INFINITY),
        ".nan" => return Scalar::Float(f64::NAN),
        _ => {}
    }
    if let Some(name) = text.strip_prefix(':').filter(|name| !name.is_empty()) {
        return Scalar::Symbol(unquoted(name).to_owned());
    }
    number::read(text).unwrap_or_else(|| Scalar::String(text.to_owned()))
}

/// `/^[^\d\.:-]?[A-Za-z_\s!@#\$%\^&\*\(\)\{\}\<\>\|\/\\~;=]+/`: one character that begins no number, if any,
/// and then one of a word.
fn begins_like_a_word(text: &str) -> bool {
    let is_of_word = |character: char| {
        character.is_ascii_alphabetic()
            || character.is_ascii_whitespace()
            || "_!@#$%^&*(){}<>|/\\~;=".contains(character)
    };
    let mut characters = text.chars();
    let Some(first) = characters.next() else { return false };
    let begins_number = first.is_ascii_digit() || matches!(first, '.' | ':' | '-');
    is_of_word(first) || !begins_number && characters.next().is_some_and(is_of_word)
}

fn word(text: &str) -> Scalar {
    match text.to_ascii_lowercase().as_str() {
        "null" => Scalar::Null,
        "~" => Scalar::Null,
        "yes" | "true" | "on" => Scalar::Boolean(true),
        "no" | "false" | "off" => Scalar::Boolean(false),
        _ => Scalar::String(text.to_owned()),
    }
}

/// `:"a b"` is the symbol `a b`.
fn unquoted(name: &str) -> &str {
    let quoted = |quote: char| name.strip_prefix(quote).and_then(|name| name.strip_suffix(quote));
    quoted('"').or_else(|| quoted('\'')).unwrap_or(name)
}
