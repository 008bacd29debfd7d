//! The JSON form of instructions.

use std::ops::Range;

use super::JsonWord;
use super::joined::Part;

/// What a text is where a JSON array may stand.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum JsonForm {
    /// A valid array of strings.
    Strings(Vec<JsonWord>),
    /// A valid array of other things too, which the builder refuses.
    Other,
    /// No valid array: the builder takes it for plain text and says nothing.
    Invalid,
}

/// Reads `part` as a JSON array (BuildKit: `parser.parseJSON`).
pub(super) fn parse(part: Part<'_>) -> JsonForm {
    let part = part.trim();
    if !part.text().starts_with('[') {
        return JsonForm::Invalid;
    }
    if let Some(strings) = strings(part) {
        return JsonForm::Strings(strings);
    }
    match serde_json::from_str::<Vec<serde_json::Value>>(part.text()) {
        Ok(_) => JsonForm::Other,
        Err(_) => JsonForm::Invalid,
    }
}

fn strings(part: Part<'_>) -> Option<Vec<JsonWord>> {
    let text = part.text();
    let mut strings = Vec::new();
    let mut at = skip_blanks(text, 1);
    if text.get(at..)? == "]" {
        return Some(strings);
    }
    loop {
        let range = string_range(text, at)?;
        at = skip_blanks(text, range.end);
        let value = serde_json::from_str(text.get(range.clone())?).ok()?;
        strings.push(JsonWord { span: part.sub(range).span(), value });
        match text.get(at..)? {
            "]" => return Some(strings),
            rest if rest.starts_with(',') => at = skip_blanks(text, at + 1),
            _ => return None,
        }
    }
}

fn skip_blanks(text: &str, from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    from + rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len()
}

/// The string that starts at `from`, with its quotes.
fn string_range(text: &str, from: usize) -> Option<Range<usize>> {
    let inner = text.get(from..)?.strip_prefix('"')?;
    let mut characters = inner.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some(from..from + at + 2),
            '\\' => {
                characters.next()?;
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::joined::Joined;
    use super::{JsonForm, parse};

    fn read(text: &str) -> JsonForm {
        let mut joined = Joined::default();
        joined.push_str(text, 0);
        parse(joined.part())
    }

    #[test]
    fn strings_have_spans_and_values() {
        let text = r#"[ "a\tb" ,"", "]" ]"#;
        let JsonForm::Strings(words) = read(text) else { panic!("not an array") };
        let values: Vec<_> = words.iter().map(|word| (word.span.slice(text), word.value.as_str())).collect();
        assert_eq!(values, [(r#""a\tb""#, "a\tb"), (r#""""#, ""), (r#""]""#, "]")]);
        assert_eq!(read(" [ ] "), JsonForm::Strings(vec![]));
    }

    #[test]
    fn what_is_not_valid_is_text() {
        for text in [r#"["node" "server.js"]"#, "['a']", r#"["a",]"#, r#"["a"] b"#, r#"["a"#, "[", r#"["\x"]"#, "a"] {
            assert_eq!(read(text), JsonForm::Invalid, "{text}");
        }
    }

    #[test]
    fn other_values_are_refused() {
        assert_eq!(read(r#"["a", 1]"#), JsonForm::Other);
        assert_eq!(read("[[]]"), JsonForm::Other);
    }
}
