use std::fmt::Write;

use super::sentence::name;

/// The words by which a description says that a merge closes an issue, without their endings.
const CLOSING: [&str; 4] = ["clos", "fix", "resolv", "implement"];

/// `text` in code, for one line of Markdown and for a cell of a table: GitLab reads no mention, reference or quick action in it.
#[must_use]
pub fn code(text: &str) -> String {
    let shown = name(text);
    // A backtick ends such code, and a `|` the cell; a backslash in front of one is read in more than one way.
    let is_plain = !shown.trim().is_empty() && !shown.contains(['`', '|', '\\']);
    if is_plain { format!("`{}`", closing_nothing(&shown)) } else { html_code(&shown) }
}

/// The same as HTML, where all that Markdown could read is a number.
pub(super) fn html_code(shown: &str) -> String {
    let mut html = String::from("<code>");
    for character in closing_nothing(shown).chars() {
        let _ = match character {
            '-' | '.' | ' ' => write!(html, "{character}"),
            odd if odd.is_ascii_punctuation() => write!(html, "&#{};", u32::from(odd)),
            plain => write!(html, "{plain}"),
        };
    }
    html + "</code>"
}

/// `text` with a space that does not break behind each word that closes an issue: GitLab looks for a plain one there, in all
/// of a description.
pub(super) fn closing_nothing(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    for part in text.split_inclusive(' ') {
        match part.strip_suffix(' ').filter(|word| is_closing(word)) {
            Some(word) => kept.extend([word, "\u{a0}"]),
            None => kept.push_str(part),
        }
    }
    kept
}

fn is_closing(word: &str) -> bool {
    let letters = word.trim_end_matches(':').rsplit(|character: char| !character.is_ascii_alphabetic()).next();
    let letters = letters.unwrap_or_default().to_ascii_lowercase();
    CLOSING.iter().any(|stem| letters.starts_with(stem))
}
