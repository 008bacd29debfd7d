use crate::syntax::yaml::psych::{self, Scalar};
use crate::syntax::yaml::{CollectionStyle, NodeId, NodeKind, ScalarStyle, Tree};

/// A text without quotes that GitLab and every other reader take for that text; `None` where it needs quotes.
pub(super) fn plain(value: &str, in_flow: bool) -> Option<String> {
    let first = value.chars().next()?;
    let is_indicator = ",[]{}#&*!|>'\"%@`".contains(first);
    let is_lone_indicator = matches!(first, '-' | '?' | ':')
        && value.chars().nth(1).is_none_or(|second| second == ' ' || in_flow && ",[]{}".contains(second));
    let has_end = value.contains(": ") || value.contains(" #") || value.ends_with(':') || value.contains(":\t");
    let has_flow_end = in_flow && value.contains([',', '[', ']', '{', '}', ':', '?']);
    let is_marker = value.starts_with("---") || value.starts_with("...");
    let is_trimmed = value.trim() == value && !value.contains('\t');
    let is_bare = !(is_indicator || is_lone_indicator || has_end || has_flow_end || is_marker);
    let is_text = psych::tokenize(value) == Scalar::String(value.to_owned()) && !is_core_type(value);
    (is_bare && is_trimmed && is_text && value.chars().all(is_printable)).then(|| value.to_owned())
}

/// What YAML 1.2 and other readers take for something else than text; a leading digit or sign is reason
/// enough, as `0o17`, `1e3` and `08` are numbers to some.
fn is_core_type(value: &str) -> bool {
    let number = value.strip_prefix(['+', '-', '.']).unwrap_or(value);
    let is_number =
        value.parse::<f64>().is_ok() || number.starts_with(|c: char| c.is_ascii_digit()) && is_numeral(number);
    is_number || matches!(value.to_ascii_lowercase().as_str(), "y" | "n" | "=" | "<<")
}

fn is_numeral(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit() || b"_.,:oxOX+-".contains(&byte))
}

/// A text as it may stand between brackets as well as behind a key: without quotes where it needs none.
#[must_use]
pub fn in_flow(value: &str) -> String {
    plain(value, true).unwrap_or_else(|| double_quoted(value))
}

/// `'…'`, for a text on one line that needs no escapes.
pub(super) fn single_quoted(value: &str) -> Option<String> {
    value.chars().all(is_printable).then(|| format!("'{}'", value.replace('\'', "''")))
}

/// `"…"`, for any text.
pub(super) fn double_quoted(value: &str) -> String {
    format!("\"{}\"", escaped(value))
}

/// The text as it stands between double quotes.
pub(super) fn escaped(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '"' => escaped.push_str("\\\""),
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            '\t' => escaped.push_str("\\t"),
            '\r' => escaped.push_str("\\r"),
            _ if is_printable(character) => escaped.push(character),
            _ if u32::from(character) > 0xffff => escaped.push_str(&format!("\\U{:08x}", u32::from(character))),
            _ => escaped.push_str(&format!("\\u{:04x}", u32::from(character))),
        }
    }
    escaped
}

/// A quoted text in the kind of quotes that the file uses more often, double ones where that is open.
pub(super) fn quoted(tree: &Tree, value: &str) -> String {
    let count = |style| tree.nodes().filter(|(_, node)| node.scalar_style() == Some(style)).count();
    let prefers_single = count(ScalarStyle::SingleQuoted) > count(ScalarStyle::DoubleQuoted);
    let single = single_quoted(value).filter(|_| prefers_single);
    single.unwrap_or_else(|| double_quoted(value))
}

/// Whether it can stand in a line as it is: no control character, no break, no byte order mark. YAML 1.2, 5.1.
pub(super) fn is_printable(character: char) -> bool {
    let is_other_break = matches!(character, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}');
    !character.is_control() && !is_other_break && !matches!(character, '\u{fffe}' | '\u{ffff}')
}

/// Whether a node stands in brackets.
pub(super) fn is_in_flow(tree: &Tree, node: NodeId) -> bool {
    let parent = tree.parent(node).map(|parent| &tree.node(parent).kind);
    match parent {
        Some(NodeKind::Sequence { style, .. } | NodeKind::Mapping { style, .. }) => *style != CollectionStyle::Block,
        _ => false,
    }
}
