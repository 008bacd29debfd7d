use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// A text of the user's in which `{word}` stands for something of each project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Word(String),
}

impl Template {
    /// The words that a title may hold.
    pub const TITLE_WORDS: [&'static str; 4] = ["repository", "jobs", "images", "via"];

    /// The words that a message may hold.
    pub const MESSAGE_WORDS: [&'static str; 5] = ["repository", "jobs", "images", "via", "report"];

    /// Reads `text`, in which letters in braces are one of `words`. Other braces are left as they are.
    ///
    /// # Errors
    /// Where they are another word; the message names it and those that there are.
    pub fn parse(text: &str, words: &[&str]) -> Result<Self, String> {
        let mut pieces = vec![Piece::Text(String::new())];
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('{') {
            add(&mut pieces, before);
            let word = behind.split_once('}').map(|(word, _)| word).filter(|word| is_word(word));
            rest = match word {
                Some(word) if words.contains(&word) => {
                    pieces.push(Piece::Word(word.to_owned()));
                    behind.get(word.len() + 1..).unwrap_or_default()
                }
                Some(word) => return Err(format!("there is no {{{word}}}; there is {}", list(words))),
                None => {
                    add(&mut pieces, "{");
                    behind
                }
            };
        }
        add(&mut pieces, rest);
        Ok(Self(pieces))
    }

    /// Reads the message in a file.
    ///
    /// # Errors
    /// Where it cannot be read, or as [`Self::parse`].
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
        Self::parse(&text, &Self::MESSAGE_WORDS)
    }

    /// The text with the words filled in; those that `values` does not hold divide it.
    pub(super) fn fill(&self, values: &BTreeMap<&str, String>) -> Vec<String> {
        let mut parts = vec![String::new()];
        for piece in &self.0 {
            let text = match piece {
                Piece::Text(text) => Some(text),
                Piece::Word(word) => values.get(word.as_str()),
            };
            match (text, parts.last_mut()) {
                (Some(text), Some(last)) => last.push_str(text),
                _ => parts.push(String::new()),
            }
        }
        parts
    }
}

fn add(pieces: &mut Vec<Piece>, text: &str) {
    match pieces.last_mut() {
        Some(Piece::Text(last)) => last.push_str(text),
        _ => pieces.push(Piece::Text(text.to_owned())),
    }
}

fn is_word(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

fn list(words: &[&str]) -> String {
    words.iter().map(|word| format!("{{{word}}}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::Template;

    #[test]
    fn words_are_filled_in_and_unknown_ones_are_named() {
        let template = Template::parse("{jobs}: ${A} {} {jobs {jobs}{report}!", &Template::MESSAGE_WORDS).unwrap();
        let values = BTreeMap::from([("jobs", "a {report}".to_owned())]);
        assert_eq!(template.fill(&values), ["a {report}: ${A} {} {jobs a {report}", "!"]);
        let error = Template::parse("a {job}", &Template::TITLE_WORDS).unwrap_err();
        assert_eq!(error, "there is no {job}; there is {repository}, {jobs}, {images}, {via}");
        assert!(Template::parse("{report}", &Template::TITLE_WORDS).is_err());
    }
}
