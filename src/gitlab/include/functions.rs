//! The functions that a filled-in input may go through (GitLab docs: ci/inputs, "Specify functions to manipulate input
//! values").

use super::inputs::Input;

/// `input` after one function, as it is called in the file; `None` where the outcome is not known here.
pub(super) fn apply(input: Input, call: &str) -> Option<Input> {
    if !input.is_text {
        return None;
    }
    let (name, arguments) = call.split_once('(').map_or((call, ""), |(name, rest)| (name, rest.trim_end_matches(')')));
    let text = match name.trim() {
        // The values of variables are not known here, and without a variable there is nothing to expand.
        "expand_vars" => (!input.text.contains('$')).then_some(input.text),
        "truncate" => truncated(&input.text, arguments),
        "posix_escape" => Some(escaped(&input.text)),
        _ => None,
    };
    Some(Input { text: text?, is_text: true })
}

fn truncated(text: &str, arguments: &str) -> Option<String> {
    let (offset, length) = arguments.split_once(',')?;
    let (offset, length) = (offset.trim().parse().ok()?, length.trim().parse().ok()?);
    Some(text.chars().skip(offset).take(length).collect())
}

/// As Ruby's `Shellwords.shellescape` does it.
fn escaped(text: &str) -> String {
    if text.is_empty() {
        return "''".to_owned();
    }
    let mut escaped = String::new();
    for character in text.chars() {
        if character == '\n' {
            escaped.push_str("'\n'");
            continue;
        }
        if !character.is_ascii_alphanumeric() && !"_-.,:+/@".contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::{Input, apply};

    fn text(input: &str, call: &str) -> Option<String> {
        apply(Input { text: input.into(), is_text: true }, call).map(|input| input.text)
    }

    #[test]
    fn functions_do_what_gitlab_does() {
        assert_eq!(text("abcdef", "truncate(1, 3)").as_deref(), Some("bcd"));
        assert_eq!(text("a b'c", "posix_escape").as_deref(), Some("a\\ b\\'c"));
        assert_eq!(text("", "posix_escape").as_deref(), Some("''"));
        assert_eq!(text("plain", "expand_vars").as_deref(), Some("plain"));
    }

    #[test]
    fn what_is_not_known_here_is_none() {
        assert_eq!(text("$X", "expand_vars"), None);
        assert_eq!(text("x", "rot13"), None);
        assert_eq!(apply(Input { text: "1".into(), is_text: false }, "posix_escape"), None);
    }
}
