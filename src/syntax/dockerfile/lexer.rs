//! The builder's own reading of words: quotes, escapes and variables (BuildKit: `frontend/dockerfile/shell/lex.go`).

use std::collections::BTreeSet;
use std::ops::Range;

use super::shell_pattern::{self, Anchor};

/// How deep `${a:-${b:-…}}` may nest.
const MAX_DEPTH: usize = 64;

/// What a lexer keeps, drops and looks up.
pub(super) struct Options<'a> {
    pub(super) escape: char,
    /// Keep quotes.
    pub(super) raw_quotes: bool,
    /// Keep escape characters.
    pub(super) raw_escapes: bool,
    /// Leave variables without a value as they are written; else they are empty.
    pub(super) keep_unset: bool,
    pub(super) lookup: &'a dyn Fn(&str) -> Option<String>,
}

/// What the lexer read.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// All of it as one text.
    pub(super) text: String,
    /// The words in it, with the bytes of the input that each was read from.
    pub(super) words: Vec<(String, Range<usize>)>,
}

pub(super) struct Lexer<'a> {
    options: &'a Options<'a>,
    input: &'a str,
    at: usize,
    depth: usize,
    /// The variables that had no value.
    pub(super) unresolved: BTreeSet<String>,
}

type Result<T> = std::result::Result<T, String>;

impl<'a> Lexer<'a> {
    pub(super) fn new(input: &'a str, options: &'a Options<'a>) -> Self {
        Self { options, input, at: 0, depth: 0, unresolved: BTreeSet::new() }
    }

    /// Reads all of the input.
    pub(super) fn read(&mut self) -> Result<Read> {
        self.read_until(None, self.options.raw_escapes)
    }

    fn peek(&self) -> Option<char> {
        self.input.get(self.at..)?.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn read_until(&mut self, stop: Option<char>, raw_escapes: bool) -> Result<Read> {
        let mut words = Words::default();
        let mut text = String::new();
        while let Some(character) = self.peek() {
            let start = self.at;
            if stop == Some(character) {
                self.next();
                return Ok(Read { text, words: words.finish() });
            }
            let read = self.read_one(character, raw_escapes)?;
            text.push_str(&read);
            let splits = character == '$' || !self.is_special(character);
            words.add(&read, splits, start..self.at);
        }
        match stop {
            Some(stop) => Err(format!("unexpected end of statement while looking for matching {stop}")),
            None => Ok(Read { text, words: words.finish() }),
        }
    }

    /// Whether white space in what `character` starts does not end a word.
    fn is_special(&self, character: char) -> bool {
        matches!(character, '<' | '\'' | '"') || character == self.options.escape
    }

    fn read_one(&mut self, character: char, raw_escapes: bool) -> Result<String> {
        match character {
            '$' => self.dollar(),
            '<' => Ok(self.less_than()),
            '\'' => self.single_quoted(),
            '"' => self.double_quoted(raw_escapes),
            character if character == self.options.escape => Ok(self.escaped(raw_escapes)),
            character => {
                self.next();
                Ok(character.to_string())
            }
        }
    }

    fn escaped(&mut self, raw_escapes: bool) -> String {
        let escape = self.next().filter(|_| raw_escapes);
        escape.into_iter().chain(self.next()).collect()
    }

    fn less_than(&mut self) -> String {
        self.next();
        if self.peek() != Some('<') {
            return "<".to_owned();
        }
        self.next();
        let mut result = "<<".to_owned();
        while let Some(blank) = self.peek().filter(|next| matches!(next, '\t' | '\r' | ' ')) {
            result.push(blank);
            self.next();
        }
        result
    }

    fn single_quoted(&mut self) -> Result<String> {
        let mut result = String::new();
        result.extend(self.next().filter(|_| self.options.raw_quotes));
        loop {
            match self.next() {
                None => return Err("unexpected end of statement while looking for matching single-quote".to_owned()),
                Some('\'') => {
                    result.extend(self.options.raw_quotes.then_some('\''));
                    return Ok(result);
                }
                Some(character) => result.push(character),
            }
        }
    }

    fn double_quoted(&mut self, raw_escapes: bool) -> Result<String> {
        let mut result = String::new();
        result.extend(self.next().filter(|_| self.options.raw_quotes));
        loop {
            match self.peek() {
                None => return Err("unexpected end of statement while looking for matching double-quote".to_owned()),
                Some('"') => {
                    result.extend(self.next().filter(|_| self.options.raw_quotes));
                    return Ok(result);
                }
                Some('$') => result.push_str(&self.dollar()?),
                Some(character) if character == self.options.escape => {
                    result.push_str(&self.escaped_in_quotes(raw_escapes));
                }
                Some(character) => {
                    self.next();
                    result.push(character);
                }
            }
        }
    }

    /// In double quotes an escape is only one before a quote, a dollar or itself.
    fn escaped_in_quotes(&mut self, raw_escapes: bool) -> String {
        let escape = self.options.escape;
        self.next();
        let raw = raw_escapes.then_some(escape);
        match self.peek() {
            None => raw.into_iter().collect(),
            Some(next) if matches!(next, '"' | '$') || next == escape => raw.into_iter().chain(self.next()).collect(),
            Some(_) => raw.into_iter().chain([escape]).collect(),
        }
    }

    fn dollar(&mut self) -> Result<String> {
        self.next();
        if self.peek() == Some('{') {
            self.next();
            self.depth += 1;
            let result = if self.depth > MAX_DEPTH { Err("nested too deep".to_owned()) } else { self.braced() };
            self.depth -= 1;
            return result;
        }
        let name = self.name();
        if name.is_empty() {
            return Ok("$".to_owned());
        }
        match self.value(&name) {
            None if self.options.keep_unset => Ok(format!("${name}")),
            value => Ok(value.unwrap_or_default()),
        }
    }

    fn braced(&mut self) -> Result<String> {
        match self.peek() {
            None => return Err("syntax error: missing '}'".to_owned()),
            Some('{' | '}' | ':') => return Err("syntax error: bad substitution".to_owned()),
            Some(_) => {}
        }
        let name = self.name();
        match self.next() {
            Some('}') => match self.value(&name) {
                None if self.options.keep_unset => Ok(format!("${{{name}}}")),
                value => Ok(value.unwrap_or_default()),
            },
            Some(':') => {
                let modifier = self.next().ok_or("syntax error: missing '}'")?;
                self.modified(&name, modifier, true)
            }
            Some('/') => self.replaced(&name),
            Some(modifier @ ('+' | '-' | '?' | '#' | '%')) => self.modified(&name, modifier, false),
            modifier => Err(unsupported(&modifier.map_or(String::new(), String::from))),
        }
    }

    fn modified(&mut self, name: &str, modifier: char, empty_is_unset: bool) -> Result<String> {
        let written = if empty_is_unset { format!(":{modifier}") } else { modifier.to_string() };
        let raw_escapes = matches!(modifier, '#' | '%');
        if empty_is_unset && raw_escapes {
            return Err(unsupported(&written));
        }
        let word = self.read_until(Some('}'), raw_escapes)?.text;
        let value = self.value(name);
        if value.is_none() && self.options.keep_unset {
            return Ok(format!("${{{name}{written}{word}}}"));
        }
        let present = value.as_ref().filter(|value| !(empty_is_unset && value.is_empty()));
        match (modifier, present) {
            ('-', present) => Ok(present.cloned().unwrap_or(word)),
            ('+', present) => Ok(if present.is_some() { word } else { String::new() }),
            ('?', Some(present)) => Ok(present.clone()),
            ('?', None) if word.is_empty() => Err(format!("{name}: is not allowed to be unset or empty")),
            ('?', None) => Err(format!("{name}: {word}")),
            ('#', _) => trimmed(&value.unwrap_or_default(), &word, '#'),
            ('%', _) => trimmed(&value.unwrap_or_default(), &word, '%'),
            _ => Err(unsupported(&written)),
        }
    }

    /// `${name/pattern/replacement}` and `${name//pattern/replacement}`.
    fn replaced(&mut self, name: &str) -> Result<String> {
        let all = self.peek() == Some('/');
        if all {
            self.next();
        }
        let pattern = self.read_until(Some('/'), true)?.text;
        let replacement = self.read_until(Some('}'), true)?.text;
        match self.value(name) {
            None if self.options.keep_unset => Ok(format!("${{{name}/{pattern}/{replacement}}}")),
            value => shell_pattern::replace(&value.unwrap_or_default(), &pattern, &replacement, all),
        }
    }

    /// A name, the digits of a positional parameter, or one special parameter; `""` where none of them stands.
    fn name(&mut self) -> String {
        let rest = self.input.get(self.at..).unwrap_or_default();
        let end_of = |is_part: fn(char) -> bool| rest.find(|character| !is_part(character)).unwrap_or(rest.len());
        let length = match rest.chars().next() {
            Some(first) if first.is_numeric() => end_of(char::is_numeric),
            Some('@' | '*' | '#' | '?' | '-' | '$' | '!') => 1,
            _ => end_of(|character| character.is_alphanumeric() || character == '_'),
        };
        self.at += length;
        rest.get(..length).unwrap_or_default().to_owned()
    }

    fn value(&mut self, name: &str) -> Option<String> {
        let value = (self.options.lookup)(name);
        if value.is_none() {
            self.unresolved.insert(name.to_owned());
        }
        value
    }
}

fn unsupported(modifier: &str) -> String {
    format!("unsupported modifier ({modifier}) in substitution")
}

/// Without the shortest prefix (`#`) or suffix (`%`) that matches; the longest one where the sign stands twice.
fn trimmed(value: &str, pattern: &str, sign: char) -> Result<String> {
    let (pattern, greedy) = pattern.strip_prefix(sign).map_or((pattern, false), |longest| (longest, true));
    let anchor = if sign == '#' { Anchor::Start } else { Anchor::End };
    shell_pattern::trim(value, pattern, anchor, greedy)
}

#[derive(Debug, Default)]
struct Words {
    words: Vec<(String, Range<usize>)>,
    open: Option<(String, Range<usize>)>,
}

impl Words {
    fn add(&mut self, text: &str, splits: bool, source: Range<usize>) {
        for character in text.chars() {
            if splits && character.is_whitespace() {
                self.words.extend(self.open.take());
            } else {
                let (word, range) = self.open.get_or_insert_with(|| (String::new(), source.clone()));
                word.push(character);
                range.end = source.end;
            }
        }
    }

    fn finish(mut self) -> Vec<(String, Range<usize>)> {
        self.words.extend(self.open.take());
        self.words
    }
}
