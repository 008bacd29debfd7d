//! What in a script means something else, or nothing, in another shell than the runner's.

use crate::syntax::shell::{Command, Nesting, Script, Word};
use crate::text::Span;

/// The first construct whose meaning depends on the shell, and what it is.
pub(in crate::fold) fn shell_construct(script: &Script) -> Option<(Span, &'static str)> {
    let of_bash = script.bashisms().into_iter().map(|span| match span.slice(script.text()) {
        "time" => (span, "'time' is a word of bash"),
        _ => (span, "this is bash's own syntax"),
    });
    let of_commands = script.commands.iter().filter_map(|command| Some((command.span, of_command(script, command)?)));
    of_bash.chain(of_commands).min_by_key(|(span, _)| *span)
}

fn of_command(script: &Script, command: &Command) -> Option<&'static str> {
    if command.place.nesting.contains(&Nesting::Pipeline) {
        return Some("a pipeline fails by its first commands only with bash's 'pipefail'");
    }
    let is_echo = command.name().as_deref() == Some("echo");
    (is_echo && prints_differently(script, command)).then_some("'echo' prints options and backslashes differently")
}

/// Whether shells disagree on what an `echo` prints: on a backslash anywhere, and on options, which stand in front of all else
/// (POSIX shell and utilities: `echo`).
fn prints_differently(script: &Script, command: &Command) -> bool {
    let is_option = |word: &Word| match word.literal() {
        Some(text) => text.starts_with('-'),
        None => {
            let raw = word.raw(script.text());
            raw.trim_start_matches('"').starts_with(['-', '$', '`', '\'']) && raw.contains('-')
        }
    };
    // A variable without quotes may be nothing, and what stands behind it the first word.
    let stays = |word: &Word| !word.splits || word.literal().is_some() || word.pieces.iter().all(|piece| piece.quoted);
    let certain = command.words.iter().skip(1).position(stays);
    let first = command.words.iter().skip(1).take(certain.map_or(usize::MAX, |at| at + 1));
    first.into_iter().any(is_option) || command.span.slice(script.text()).contains('\\')
}

#[cfg(test)]
mod tests {
    use super::shell_construct;
    use crate::syntax::shell::Script;

    fn construct(text: &str) -> Option<&str> {
        shell_construct(&Script::parse(text)).map(|(span, _)| span.slice(text))
    }

    #[test]
    fn what_depends_on_the_shell_is_named() {
        assert_eq!(construct("make\nmake | tee log"), Some("make"));
        assert_eq!(construct("make; time cargo build"), Some("time"));
        assert_eq!(construct("a && [[ -f x ]]"), Some("[[ -f x ]]"));
        assert_eq!(construct("echo -n a"), Some("echo -n a"));
        assert_eq!(construct(r#"echo "a\n""#), Some(r#"echo "a\n""#));
        assert_eq!(construct("echo ${FLAGS:--n} a"), Some("echo ${FLAGS:--n} a"));
        assert_eq!(construct("echo $NAME -n"), Some("echo $NAME -n"));
    }

    #[test]
    fn an_option_of_echo_stands_in_front() {
        for text in ["echo go build -v -o x", "echo \"a -n\"", "echo \"$NAME\" -n", "echo", "export ROOT=$(pwd)"] {
            assert_eq!(construct(text), None, "{text}");
        }
    }
}
