//! What the builder would refuse in an instruction (BuildKit: `instructions/parse.go`).
//!
//! Unknown flags are not among it: newer builders know more of them.

use super::joined::Joined;
use super::json::{self, JsonForm};
use super::{Arguments, HealthCheck, Instruction, KeyValue, Keyword, Problem, Word, heredoc};
use crate::text::Span;

/// The problems of `instruction` and of the one it puts off.
pub(super) fn problems(instruction: &Instruction, text: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut report = |span: Span, message: String| problems.push(Problem::new(span, message));
    of_keyword(instruction, text, &mut report);
    of_flags(instruction, &mut report);
    of_arguments(instruction, &mut report);
    of_heredocs(instruction, &mut report);
    if let Some(inner) = &instruction.onbuild {
        of_trigger(inner, &mut report);
        problems.extend(self::problems(inner, text));
    }
    problems
}

type Report<'a> = &'a mut dyn FnMut(Span, String);

fn of_keyword(instruction: &Instruction, text: &str, report: Report<'_>) {
    let Instruction { keyword, keyword_span, onbuild, .. } = instruction;
    match keyword {
        Keyword::Unknown => report(*keyword_span, format!("unknown instruction: {}", keyword_span.slice(text))),
        Keyword::Onbuild if onbuild.is_none() => {
            report(*keyword_span, "ONBUILD requires at least one argument".to_owned());
        }
        _ => {}
    }
}

/// `ARG` and `STOPSIGNAL` let flags pass unread.
fn of_flags(instruction: &Instruction, report: Report<'_>) {
    let keyword = instruction.keyword;
    if keyword.takes_flags() || matches!(keyword, Keyword::Arg | Keyword::Stopsignal | Keyword::Unknown) {
        return;
    }
    if let Some(flag) = instruction.flags.first() {
        report(flag.span, format!("{keyword} takes no flag --{}", flag.name));
    }
}

fn of_trigger(inner: &Instruction, report: Report<'_>) {
    if matches!(inner.keyword, Keyword::Onbuild | Keyword::Maintainer | Keyword::From) {
        report(inner.keyword_span, format!("{} isn't allowed as an ONBUILD trigger", inner.keyword));
    }
}

fn of_arguments(instruction: &Instruction, report: Report<'_>) {
    let keyword = instruction.keyword;
    let at = instruction.keyword_span;
    match (keyword, &instruction.arguments) {
        (Keyword::From, arguments) if !is_from(arguments) => {
            report(at, "FROM requires either one or three arguments".to_owned());
        }
        (Keyword::Copy | Keyword::Add, arguments) if count(arguments) < 2 => {
            report(at, format!("{keyword} requires at least two arguments"));
        }
        (
            Keyword::Env | Keyword::Label | Keyword::Arg | Keyword::Expose | Keyword::Volume | Keyword::Healthcheck,
            Arguments::None,
        ) => report(at, format!("{keyword} requires at least one argument")),
        (Keyword::Workdir | Keyword::User | Keyword::Stopsignal | Keyword::Maintainer, Arguments::None) => {
            report(at, format!("{keyword} requires exactly one argument"));
        }
        (Keyword::Shell, arguments) => of_shell(arguments, at, report),
        (_, Arguments::KeyValues(pairs)) => pairs.iter().for_each(|pair| of_pair(keyword, pair, report)),
        (_, Arguments::Health(check)) => of_health(check, report),
        _ => {}
    }
    of_json(instruction, report);
}

fn is_from(arguments: &Arguments) -> bool {
    let Arguments::Words(words) = arguments else { return false };
    match words.as_slice() {
        [_] => true,
        [_, as_word, _] => as_word.text().eq_ignore_ascii_case("as"),
        _ => false,
    }
}

fn count(arguments: &Arguments) -> usize {
    match arguments {
        Arguments::Words(words) => words.len(),
        Arguments::Json(words) => words.len(),
        _ => 0,
    }
}

fn of_shell(arguments: &Arguments, at: Span, report: Report<'_>) {
    if count(arguments) == 0 {
        report(at, "SHELL requires the arguments to be in JSON form".to_owned());
    }
}

fn of_pair(keyword: Keyword, pair: &KeyValue, report: Report<'_>) {
    if pair.name.text().is_empty() {
        report(pair.span, format!("{keyword} names can not be blank"));
    } else if pair.value.is_none() && keyword != Keyword::Arg {
        report(pair.span, format!("{keyword} needs a value for {}", pair.name.text()));
    }
}

fn of_health(check: &HealthCheck, report: Report<'_>) {
    let kind = check.kind.text();
    match &check.command {
        Arguments::None if kind.eq_ignore_ascii_case("none") => {}
        _ if kind.eq_ignore_ascii_case("none") => {
            report(check.kind.span, "HEALTHCHECK NONE takes no arguments".to_owned());
        }
        Arguments::None if kind.eq_ignore_ascii_case("cmd") => {
            report(check.kind.span, "missing command after HEALTHCHECK CMD".to_owned());
        }
        _ if kind.eq_ignore_ascii_case("cmd") => {}
        _ => report(check.kind.span, format!("unknown type {kind} in HEALTHCHECK")),
    }
}

/// An array of other things than strings is read as plain text here, and stops the builder.
fn of_json(instruction: &Instruction, report: Report<'_>) {
    let plain = match &instruction.arguments {
        Arguments::Shell(shell) if instruction.keyword != Keyword::Unknown => shell.text().to_owned(),
        Arguments::Words(words) if matches!(instruction.keyword, Keyword::Copy | Keyword::Add | Keyword::Volume) => {
            words.iter().map(Word::text).collect::<Vec<_>>().join(" ")
        }
        _ => return,
    };
    let mut joined = Joined::default();
    joined.push_str(&plain, 0);
    if json::parse(joined.part()) == JsonForm::Other {
        let message = "when using JSON array syntax, arrays must be comprised of strings only";
        report(instruction.keyword_span, message.to_owned());
    }
}

fn of_heredocs(instruction: &Instruction, report: Report<'_>) {
    for heredoc in instruction.heredocs.iter().filter(|heredoc| heredoc.terminator.is_none()) {
        report(heredoc.operator, format!("the here-document is not ended by a line {}", heredoc.name));
    }
    let Arguments::Words(words) = &instruction.arguments else { return };
    let destination = words.last().filter(|_| matches!(instruction.keyword, Keyword::Copy | Keyword::Add));
    if let Some(word) = destination.filter(|word| heredoc::announcement(word.text()).is_some()) {
        report(word.span, format!("{} cannot accept a heredoc as a destination", instruction.keyword));
    }
}
