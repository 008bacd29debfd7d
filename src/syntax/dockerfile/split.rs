//! Cutting a joined line into keyword, flags and words (BuildKit: `parser/split_command.go`, `parser/line_parsers.go`).

use std::ops::Range;

use super::joined::{Joined, Part};
use super::{Flag, Word};
use crate::text::Span;

/// What separates words for the builder; other white space of Unicode does not.
const fn is_separator(character: char) -> bool {
    matches!(character, '\t' | '\u{b}' | '\u{c}' | '\r' | ' ')
}

/// The first word and the rest behind the white space.
pub(super) fn first_word(part: Part<'_>) -> (Part<'_>, Part<'_>) {
    let text = part.text();
    let end = text.find(is_separator).unwrap_or(text.len());
    (part.sub(0..end), part.sub(end..text.len()).trim())
}

/// The words between white space; quotes are of no meaning here, as in `COPY` and `FROM`.
pub(super) fn words(part: Part<'_>) -> Vec<Word> {
    let mut words = Vec::new();
    let mut rest = part.trim();
    while !rest.text().is_empty() {
        let (word, behind) = first_word(rest);
        words.push(Word::new(word));
        rest = behind;
    }
    words
}

/// The words between white space that is neither quoted nor escaped, as in `ENV`, `LABEL` and `ARG`.
pub(super) fn quoted_words(part: Part<'_>, escape: char) -> Vec<Word> {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(range) = next_quoted_word(part.text(), at, escape) {
        at = range.end;
        let word = part.sub(range);
        let dangling = word.text().len() - without_dangling_escape(word.text(), escape).len();
        let word = word.sub(0..word.text().len() - dangling);
        if !word.text().is_empty() {
            words.push(Word::new(word));
        }
    }
    words
}

fn next_quoted_word(text: &str, from: usize, escape: char) -> Option<Range<usize>> {
    let rest = text.get(from..)?;
    let start = from + rest.find(|character: char| !character.is_whitespace())?;
    let mut quote = None;
    let mut characters = text.get(start..)?.char_indices();
    while let Some((at, character)) = characters.next() {
        match quote {
            None if character.is_whitespace() => return Some(start..start + at),
            None if matches!(character, '\'' | '"') => quote = Some(character),
            Some(open) if character == open => quote = None,
            _ if character == escape && quote != Some('\'') => {
                characters.next();
            }
            _ => {}
        }
    }
    Some(start..text.len())
}

/// Without the last character where it is an escape that escapes nothing.
fn without_dangling_escape(word: &str, escape: char) -> &str {
    let escapes = word.chars().rev().take_while(|character| *character == escape).count();
    if escapes % 2 == 1 { word.strip_suffix(escape).unwrap_or(word) } else { word }
}

/// The flags at the start of `part`, and what follows them. A lone `--` ends them.
pub(super) fn flags(part: Part<'_>, escape: char) -> (Vec<Flag>, Part<'_>) {
    let mut flags = Vec::new();
    let mut rest = part.trim();
    while rest.text().starts_with("--") {
        let (read, length) = read_flag(rest, escape);
        let raw = rest.sub(0..length);
        rest = rest.sub(length..rest.text().len()).trim();
        if read.text() == "--" {
            break;
        }
        flags.push(flag(raw, &read));
    }
    (flags, rest)
}

/// The flag that `part` starts with, quotes and escapes taken away, and the number of bytes it is written in.
fn read_flag(part: Part<'_>, escape: char) -> (Joined, usize) {
    let mut read = Joined::default();
    let mut quote = None;
    let mut characters = part.text().char_indices();
    while let Some((at, character)) = characters.next() {
        match quote {
            None if character.is_whitespace() => return (read, at),
            None if matches!(character, '\'' | '"') => quote = Some(character),
            Some(open) if character == open => quote = None,
            _ if character == escape => {
                if let Some((at, escaped)) = characters.next() {
                    read.push(escaped, part.source(at));
                }
            }
            _ => read.push(character, part.source(at)),
        }
    }
    (read, part.text().len())
}

fn flag(raw: Part<'_>, read: &Joined) -> Flag {
    let text = read.text();
    let name_end = text.find('=').unwrap_or(text.len());
    let name = text.get(2..name_end).unwrap_or_default().to_owned();
    let value = text.get(name_end + 1..).map(|_| value(raw, read, name_end + 1));
    Flag { span: raw.span(), name, value }
}

/// The value spans all bytes behind the `=`, quotes included.
fn value(raw: Part<'_>, read: &Joined, start: usize) -> Word {
    let behind_equals = read.source(start - 1) + 1;
    let span = Span::new(behind_equals, raw.span().end().max(behind_equals));
    Word::read(span, read.part().sub(start..read.text().len()).to_joined())
}

#[cfg(test)]
mod tests {
    use super::{Joined, flags, quoted_words, words};
    use crate::syntax::dockerfile::Word;

    fn joined(text: &str) -> Joined {
        let mut joined = Joined::default();
        joined.push_str(text, 0);
        joined
    }

    fn texts(words: &[Word]) -> Vec<&str> {
        words.iter().map(Word::text).collect()
    }

    #[test]
    fn plain_words_do_not_know_quotes() {
        assert_eq!(texts(&words(joined(" \"a b\"\t c ").part())), ["\"a", "b\"", "c"]);
    }

    #[test]
    fn quoted_words_do() {
        let line = joined("a=\"b c\" d='e \\' f=g\\ h i\\");
        assert_eq!(texts(&quoted_words(line.part(), '\\')), ["a=\"b c\"", "d='e \\'", "f=g\\ h", "i"]);
    }

    #[test]
    fn flags_lose_quotes_and_end_at_a_double_dash() {
        let line = joined("--a=\"x y\" --b -- --c d");
        let (flags, rest) = flags(line.part(), '\\');
        let read: Vec<_> = flags.iter().map(|flag| (flag.name.as_str(), flag.value.as_ref().map(Word::text))).collect();
        assert_eq!(read, [("a", Some("x y")), ("b", None)]);
        assert_eq!(flags[0].value.as_ref().unwrap().span.slice(line.text()), "\"x y\"");
        assert_eq!(rest.text(), "--c d");
    }
}
