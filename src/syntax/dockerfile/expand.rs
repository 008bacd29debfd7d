use std::collections::BTreeSet;
use std::fmt;

use super::lexer::{Lexer, Options};

/// A word once its variables, quotes and escapes are dealt with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expansion {
    /// What the builder goes on with.
    pub value: String,
    /// The variables that were looked up and had no value, the ones that fell back to a default included.
    pub unresolved: BTreeSet<String>,
}

impl Expansion {
    /// Whether every variable had a value.
    #[must_use]
    pub fn is_resolved(&self) -> bool {
        self.unresolved.is_empty()
    }
}

/// Why the builder would stop at a word, in its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpansionError {
    /// What is wrong with the word.
    pub message: String,
}

impl fmt::Display for ExpansionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ExpansionError {}

/// Expands `word` as the builder does before it uses it (BuildKit: `shell.Lex.ProcessWord`).
///
/// Quotes and escapes go; `$x`, `${x}`, `${x:-word}`, `${x:+word}`, `${x:?message}`, the three without the colon,
/// `${x#pattern}`, `${x##pattern}`, `${x%pattern}`, `${x%%pattern}`, `${x/pattern/text}` and `${x//pattern/text}`
/// are replaced. A variable for which `lookup` has nothing is not set, and empty.
///
/// # Errors
/// For an open quote or brace, an unknown modifier, a `?` that is not met, and a pattern that is not valid.
pub fn expand(word: &str, escape: char, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Expansion, ExpansionError> {
    let options = Options { escape, raw_quotes: false, raw_escapes: false, keep_unset: false, lookup };
    let mut lexer = Lexer::new(word, &options);
    let read = lexer.read().map_err(|message| ExpansionError { message })?;
    Ok(Expansion { value: read.text, unresolved: lexer.unresolved })
}

/// `text` written so that [`expand`] gives it back.
#[must_use]
pub fn escape_literal(text: &str, escape: char) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '$' | '"' | '\'') || character == escape {
            escaped.push(escape);
        }
        escaped.push(character);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::{escape_literal, expand};
    use proptest::prelude::*;

    fn lookup(name: &str) -> Option<String> {
        match name {
            "A" => Some("hello".to_owned()),
            "EMPTY" => Some(String::new()),
            "PATH_" => Some("/a/b.tar.gz".to_owned()),
            _ => None,
        }
    }

    fn expanded(word: &str) -> String {
        expand(word, '\\', &lookup).map_or_else(|error| format!("error: {error}"), |expansion| expansion.value)
    }

    #[test]
    fn variables_are_replaced_outside_of_single_quotes() {
        assert_eq!(expanded("$A.x"), "hello.x");
        assert_eq!(expanded("${A}s"), "hellos");
        assert_eq!(expanded("\"$A\"'$A'"), "hello$A");
        assert_eq!(expanded("\\$A \"\\$A\""), "$A $A");
        assert_eq!(expanded("$"), "$");
        assert_eq!(expanded("a$+b"), "a$+b");
        assert_eq!(expanded("$NONE-"), "-");
    }

    #[test]
    fn modifiers_follow_the_builder() {
        for (word, result) in [
            ("${NONE:-d}", "d"),
            ("${NONE-d}", "d"),
            ("${EMPTY:-d}", "d"),
            ("${EMPTY-d}", ""),
            ("${A:+w}", "w"),
            ("${EMPTY:+w}", ""),
            ("${EMPTY+w}", "w"),
            ("${NONE+w}", ""),
            ("${NONE:-${A}-x}", "hello-x"),
            ("${PATH_##*/}", "b.tar.gz"),
            ("${PATH_%%.*}", "/a/b"),
            ("${PATH_%.*}", "/a/b.tar"),
            ("${A/l/L}", "heLlo"),
            ("${A//l/L}", "heLLo"),
            ("${A:?gone}", "hello"),
            ("${NONE:?gone}", "error: NONE: gone"),
        ] {
            assert_eq!(expanded(word), result, "{word}");
        }
    }

    #[test]
    fn patterns_follow_the_builder() {
        for (word, value, other, result) in [
            ("${V#()[]{\\}^$.\\*\\?|\\\\}", "()[]{}^$.*?|\\x", "", "x"),
            ("${V%%\\**}", "xx**", "", "xx"),
            ("${V#*x*y}", "xxyy", "", "y"),
            ("${V#*}", "xxyy", "", "xxyy"),
            ("${V#$W}", "xxyy", "x", "xyy"),
            ("${V##*x}", "xxyy", "", "yy"),
            ("${V#?\\?}", "???y", "", "?y"),
            ("${NONE:-.}${V%x}${NONE:-.}", "xxyy", "", ".xxyy."),
            ("${V%%\\**\\*}", "a***yy*", "", "a"),
            ("${V/$W/.} - ${V//$W/.}", "/foo*/*/*.txt", "\\*/", "/foo.*/*.txt - /foo..*.txt"),
            ("${V/$W/} - ${V//$W/}", "/tmp/tmp/bar.txt", "/tmp", "/tmp/bar.txt - /bar.txt"),
            ("${V//\\//\\/}", "/tmp/foo.txt", "", "\\/tmp\\/foo.txt"),
            ("${V/$W/ww}", "xxyy", "", "wwxxyy"),
        ] {
            let lookup = |name: &str| match name {
                "V" => Some(value.to_owned()),
                "W" => Some(other.to_owned()),
                _ => None,
            };
            assert_eq!(expand(word, '\\', &lookup).unwrap().value, result, "{word}");
        }
    }

    #[test]
    fn quotes_and_escapes_go() {
        assert_eq!(expanded("\"a b\"'c'"), "a bc");
        assert_eq!(expanded("a\\ b\\"), "a b");
        assert_eq!(expanded("\"a\\b\\\\\""), "a\\b\\");
        assert_eq!(expand("a`\"b\\", '`', &lookup).unwrap().value, "a\"b\\");
    }

    #[test]
    fn what_is_wrong_is_an_error() {
        for word in ["\"a", "'a", "${A", "${", "${}", "${:}", "${A^^}", "${A:#x}", "${A/x}"] {
            assert!(expanded(word).starts_with("error"), "{word}");
        }
        assert!(expanded(&"${A:-".repeat(500)).starts_with("error"));
    }

    #[test]
    fn variables_without_a_value_are_named() {
        let expansion = expand("$A/${X:-d}/$Y", '\\', &lookup).unwrap();
        assert_eq!(expansion.unresolved.into_iter().collect::<Vec<_>>(), ["X", "Y"]);
        assert!(expand("$A", '\\', &lookup).unwrap().is_resolved());
    }

    proptest! {
        #[test]
        fn an_escaped_text_comes_back(text in "[ -~]{0,20}") {
            prop_assert_eq!(expand(&escape_literal(&text, '\\'), '\\', &lookup).unwrap().value, text);
        }

        #[test]
        fn any_word_can_be_read(text in "[${}a-c:+?#%/*\\\\'\"<-]{0,30}") {
            let _ = expand(&text, '\\', &lookup);
        }
    }
}
