//! Edits of a block, each leaving every other byte alone.

use super::{Block, Part, ValueKind};
use crate::text::{Span, TextEdit};

/// Gives attributes of `block` other texts: `changed` must be one of its plain texts, and `beside` is written behind it where the
/// block does not have it. Both are a name and a text without anything to escape. `None` where that is not so.
#[must_use]
pub fn set_texts(
    text: &str,
    block: &Block,
    changed: (&str, &str),
    beside: (&str, &str),
    is_json: bool,
) -> Option<TextEdit> {
    let is_plain = |text: &str| !text.contains(['"', '\\', '$', '%', '\n']);
    if !is_plain(changed.1) || !is_plain(beside.1) {
        return None;
    }
    let mut edit = TextEdit::builder();
    edit.replace(plain_text(text, block, changed.0)?, format!("\"{}\"", changed.1));
    if block.value(beside.0).is_some() {
        edit.replace(plain_text(text, block, beside.0)?, format!("\"{}\"", beside.1));
        return edit.finish().ok();
    }
    let first = block.attributes.iter().find(|attribute| attribute.name == changed.0)?;
    let line = text.get(..first.span.start())?.rsplit('\n').next().unwrap_or_default();
    let is_alone = line.trim().is_empty();
    let rest = text.get(first.value.span.end()..)?;
    let end = first.value.span.end() + rest.find(['\r', '\n']).unwrap_or(rest.len());
    match (is_json, is_alone) {
        (true, true) => edit.insert(first.value.span.end(), format!(",\n{line}\"{}\": \"{}\"", beside.0, beside.1)),
        (true, false) => edit.insert(first.value.span.end(), format!(", \"{}\": \"{}\"", beside.0, beside.1)),
        (false, true) => edit.insert(end, format!("\n{line}{} = \"{}\"", beside.0, beside.1)),
        (false, false) => return None,
    }
    edit.finish().ok()
}

/// The place of a text that holds no variable and is written in quotes.
fn plain_text(text: &str, block: &Block, name: &str) -> Option<Span> {
    let value = block.value(name)?;
    let is_plain = matches!(&value.kind, ValueKind::Text(parts) if matches!(parts.as_slice(), [Part::Text(_)]));
    (is_plain && value.span.slice(text).starts_with('"')).then_some(value.span)
}

#[cfg(test)]
mod tests {
    use super::set_texts;
    use crate::syntax::hcl::Document;

    fn set(text: &str, is_json: bool) -> Option<String> {
        let document = if is_json { Document::parse_json(text) } else { Document::parse(text) }.unwrap();
        let (context, dockerfile) = (("context", "."), ("dockerfile", "web/Dockerfile"));
        set_texts(text, &document.blocks[0], context, dockerfile, is_json)?.apply(text)
    }

    #[test]
    fn a_text_takes_the_place_of_another_and_a_new_one_stands_behind_it() {
        assert_eq!(
            set("target \"web\" {\n  context = \"web\" # here\n  args = {}\n}\n", false).as_deref(),
            Some("target \"web\" {\n  context = \".\" # here\n  dockerfile = \"web/Dockerfile\"\n  args = {}\n}\n")
        );
        assert_eq!(
            set("target \"web\" {\n  dockerfile = \"a\"\n  context    = \"web\"\n}\n", false).as_deref(),
            Some("target \"web\" {\n  dockerfile = \"web/Dockerfile\"\n  context    = \".\"\n}\n")
        );
        assert_eq!(
            set("{\"target\": {\"web\": {\n  \"context\": \"web\"\n}}}", true).as_deref(),
            Some("{\"target\": {\"web\": {\n  \"context\": \".\",\n  \"dockerfile\": \"web/Dockerfile\"\n}}}")
        );
        assert_eq!(
            set("{\"target\": {\"web\": {\"context\": \"web\", \"tags\": []}}}", true).as_deref(),
            Some("{\"target\": {\"web\": {\"context\": \".\", \"dockerfile\": \"web/Dockerfile\", \"tags\": []}}}")
        );
    }

    #[test]
    fn what_is_no_plain_text_is_left_alone() {
        assert_eq!(set("target \"web\" {\n  context = FOLDER\n}\n", false), None);
        assert_eq!(set("target \"web\" {\n  context = \"${FOLDER}\"\n}\n", false), None);
        assert_eq!(set("target \"web\" {\n  args = {}\n}\n", false), None);
    }
}
