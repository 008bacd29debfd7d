//! Values as the `ENV` and `ARG` of a Dockerfile read them.

use crate::gitlab::ValuePiece;

/// A value as `ENV` reads it back.
pub(in crate::fold) fn quoted(value: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_./:,@%+=".contains(character);
    if !value.is_empty() && value.chars().all(is_plain) {
        return value.to_owned();
    }
    format!("\"{}\"", escaped(value))
}

/// A value that is made of arguments, in double quotes.
pub(super) fn composed(pieces: &[ValuePiece]) -> String {
    let text: String = pieces
        .iter()
        .map(|piece| match piece {
            ValuePiece::Text(text) => escaped(text),
            ValuePiece::Variable(name) => format!("${{{name}}}"),
        })
        .collect();
    format!("\"{text}\"")
}

/// Text for double quotes.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$")
}

#[cfg(test)]
mod tests {
    use super::{composed, quoted};
    use crate::gitlab::ValuePiece;

    #[test]
    fn values_are_quoted_where_the_builder_would_read_them_otherwise() {
        assert_eq!(quoted("-Dmaven.repo.local=/src/.m2"), "-Dmaven.repo.local=/src/.m2");
        assert_eq!(quoted("a b$c"), "\"a b\\$c\"");
        assert_eq!(quoted(""), "\"\"");
    }

    #[test]
    fn a_composed_value_expands_its_arguments_and_nothing_else() {
        let pieces = [ValuePiece::Text("v$1-".to_owned()), ValuePiece::Variable("CI_COMMIT_SHA".to_owned())];
        assert_eq!(composed(&pieces), "\"v\\$1-${CI_COMMIT_SHA}\"");
    }
}
