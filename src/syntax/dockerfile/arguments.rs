//! What follows keyword and flags, per keyword (BuildKit: the dispatch table of `parser/parser.go`).

use super::joined::Part;
use super::json::{self, JsonForm};
use super::split;
use super::{Arguments, HealthCheck, KeyValue, Keyword, Word};

/// Reads `rest` as the arguments of `keyword`. The instruction behind an `ONBUILD` is not read here.
pub(super) fn parse(keyword: Keyword, rest: Part<'_>, escape: char) -> Arguments {
    if rest.text().is_empty() {
        return Arguments::None;
    }
    match keyword {
        Keyword::Add | Keyword::Copy | Keyword::Volume => json_or(rest, words),
        Keyword::Run | Keyword::Cmd | Keyword::Entrypoint | Keyword::Shell => json_or(rest, shell),
        Keyword::From | Keyword::Expose => words(rest),
        Keyword::Workdir | Keyword::User | Keyword::Stopsignal | Keyword::Maintainer => {
            Arguments::Words(vec![Word::new(rest)])
        }
        Keyword::Env | Keyword::Label => Arguments::KeyValues(pairs(rest, escape)),
        Keyword::Arg => Arguments::KeyValues(split::quoted_words(rest, escape).iter().map(pair).collect()),
        Keyword::Healthcheck => health(rest),
        Keyword::Onbuild => Arguments::None,
        Keyword::Unknown => shell(rest),
    }
}

fn json_or(rest: Part<'_>, plain: fn(Part<'_>) -> Arguments) -> Arguments {
    match json::parse(rest) {
        JsonForm::Strings(words) => Arguments::Json(words),
        JsonForm::Other | JsonForm::Invalid => plain(rest),
    }
}

fn words(rest: Part<'_>) -> Arguments {
    Arguments::Words(split::words(rest))
}

fn shell(rest: Part<'_>) -> Arguments {
    Arguments::Shell(Word::new(rest))
}

/// `ENV a=b c=d`, or the old `ENV a b c`, which shows in a first word without `=`.
fn pairs(rest: Part<'_>, escape: char) -> Vec<KeyValue> {
    let words = split::quoted_words(rest, escape);
    if words.first().is_some_and(|first| first.text().contains('=')) {
        return words.iter().map(pair).collect();
    }
    let (name, value) = split::first_word(rest);
    let value = Some(Word::new(value)).filter(|value| !value.text().is_empty());
    let legacy = value.is_some();
    vec![KeyValue { span: rest.span(), name: Word::new(name), value, legacy }]
}

fn pair(word: &Word) -> KeyValue {
    let length = word.text().len();
    let (name, value) = match word.text().find('=') {
        Some(at) => (word.part(0..at), Some(word.part(at + 1..length))),
        None => (word.clone(), None),
    };
    KeyValue { span: word.span, name, value, legacy: false }
}

fn health(rest: Part<'_>) -> Arguments {
    let (kind, command) = split::first_word(rest);
    let command = if command.text().is_empty() { Arguments::None } else { json_or(command, shell) };
    Arguments::Health(Box::new(HealthCheck { kind: Word::new(kind), command }))
}
