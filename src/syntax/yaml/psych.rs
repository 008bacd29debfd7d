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

/// The text of a scalar that is seen to be text, since it begins with a letter or a dot and a letter; `None` of all others.
pub(super) fn plain_word(node: &Node) -> Option<&str> {
    let NodeKind::Scalar { style: ScalarStyle::Plain, value } = &node.kind else { return None };
    let name = value.strip_prefix('.').unwrap_or(value);
    let is_special = |special: &&str| name.eq_ignore_ascii_case(special);
    let begins = node.tag.is_none() && name.starts_with(|first: char| first.is_ascii_alphabetic());
    (begins && !SPECIAL_WORDS.iter().any(is_special)).then_some(value)
}

/// The words that are not text, `.inf` and `.nan` without their dots.
const SPECIAL_WORDS: [&str; 9] = ["false", "inf", "nan", "no", "null", "off", "on", "true", "yes"];

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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Scalar, is_merge_key, plain_word, read};
    use crate::syntax::yaml::Tree;

    fn value(text: &str) -> Scalar {
        let tree = Tree::parse(text).unwrap();
        let (_, node) = tree.nodes().last().unwrap();
        read(node)
    }

    fn is_text(text: &str) {
        assert_eq!(value(&format!("- {text}")), Scalar::String(text.to_owned()));
    }

    fn prints(text: &str, expected: &str) {
        assert_eq!(value(&format!("- {text}")).text().as_deref(), Some(expected), "{text}");
        assert!(!matches!(value(&format!("- {text}")), Scalar::String(_)), "{text}");
    }

    #[test]
    fn booleans_are_those_of_yaml_1_1_without_single_letters() {
        for text in ["yes", "on", "true", "Yes", "TRUE"] {
            assert_eq!(value(text), Scalar::Boolean(true));
        }
        for text in ["no", "off", "false", "OFF"] {
            assert_eq!(value(text), Scalar::Boolean(false));
        }
        ["y", "n", "Y", "yess", "truely"].into_iter().for_each(is_text);
        assert_eq!(value("on: x\n---\non"), Scalar::Boolean(true));
    }

    #[test]
    fn null_is_nothing_a_tilde_or_null() {
        for text in ["a:", "~", "null", "Null", "NULL"] {
            assert_eq!(value(text), Scalar::Null);
        }
        is_text("nil");
    }

    #[test]
    fn numbers_are_printed_as_ruby_prints_them() {
        prints("3.10", "3.1");
        prints("1.0", "1.0");
        prints("0755", "493");
        prints("010", "8");
        prints("1_000", "1000");
        prints("1,000", "1000");
        prints("12:30", "45000");
        prints("1:00:05", "3605");
        prints("0b101", "5");
        prints("0x1F", "31");
        prints("-7", "-7");
        prints("+7", "7");
        prints("0", "0");
        prints(".5", "0.5");
        prints("1.", "1.0");
        prints("1_000.5", "1000.5");
        prints("1.5e+3", "1500.0");
        prints("1.0e+16", "1.0e+16");
        prints("1.25e-5", "1.25e-05");
        prints("123456789.123456789", "123456789.12345679");
        prints("-.inf", "-Infinity");
        prints(".NaN", "NaN");
        prints("20231101123456", "20231101123456");
    }

    #[test]
    fn what_looks_like_a_number_elsewhere_is_text() {
        ["0o17", "08", "09", "1e2", "1.2.3", "1.5e3", "12:60", "1:2:3:4", "1__0", "_1", "1.0a", "."]
            .into_iter()
            .for_each(is_text);
        ["0x", "0b2", "v1.0", "18-alpine", "node:18", "--", "3.10-slim", "$CI_X", "99.9.9", "1-2"]
            .into_iter()
            .for_each(is_text);
    }

    #[test]
    fn dates_and_times_are_refused() {
        for text in
            ["2020-01-01", "2020-1-1", "2020-01-01 12:30:00", "2020-01-01T12:30:00.5Z", "2020-01-01 1:30:00 +01:00"]
        {
            assert_eq!(value(text), Scalar::Date, "{text}");
            assert_eq!(value(text).text(), None);
        }
        ["2020-13-01", "2020-01-32", "20-01-01", "2020-01-01-x"].into_iter().for_each(is_text);
    }

    #[test]
    fn symbols_lose_their_colon() {
        assert_eq!(value(":sym"), Scalar::Symbol("sym".to_owned()));
        assert_eq!(value("':sym'"), Scalar::String(":sym".to_owned()));
    }

    #[test]
    fn quotes_blocks_and_tags_make_text() {
        for text in ["'1'", "\"1\"", "!!str 1", "! '1'\n---\n'1'", "|-\n  1"] {
            assert_eq!(value(text), Scalar::String("1".to_owned()), "{text}");
        }
        assert_eq!(value("!!int '1'"), Scalar::Integer(1));
        assert_eq!(value("!!float 1"), Scalar::Float(1.0));
        assert_eq!(value("!!str"), Scalar::String(String::new()));
    }

    #[test]
    fn quotes_do_not_stop_a_merge_and_a_tag_does() {
        let is_merge = |text: &str| is_merge_key(Tree::parse(text).unwrap().nodes().nth(1).unwrap().1);
        assert!(is_merge("<<: {}") && is_merge("\"<<\": {}") && is_merge("'<<': {}"));
        assert!(!is_merge("!!str <<: {}") && !is_merge("<: {}"));
    }

    #[test]
    fn a_number_beyond_all_bounds_prints_as_it_is_written() {
        let digits = "9".repeat(60);
        assert_eq!(value(&digits).text(), Some(digits));
    }

    proptest! {
        #[test]
        fn what_is_seen_to_be_text_is_read_as_text(text in "[.]?[a-fA-FinostyxuUNLTE0-9_:.+-]{1,6}") {
            let Ok(tree) = Tree::parse(&format!("- {text}")) else { return Ok(()) };
            for (_, node) in tree.nodes() {
                if let Some(word) = plain_word(node) {
                    prop_assert_eq!(read(node), Scalar::String(word.to_owned()));
                }
            }
        }
    }
}
