//! Shell scripts, as GitLab jobs and `RUN` instructions hold them.
//!
//! A [`Script`] is one script item, or several joined by line breaks. Its commands stand in one list, each with
//! its words, its place and its bytes; a script that cannot be read in full is [opaque](Script::opaque), and says
//! nothing of its commands. Whoever asks refuses then, and never guesses.
//!
//! The words are read here, so that every piece of them has its bytes; the grammar is that of brush.

mod builder;
mod command;
mod compound;
mod dialect;
mod grammar;
mod lexer;
mod parameters;
mod reader;
mod state;
mod tree;
mod tree_commands;
mod tree_compounds;
mod word;

use crate::text::Span;
use lexer::Lexer;
use tree::Walker;

pub use command::{Assignment, Command, Destination, Heredoc, Nesting, Place, Redirection, RedirectionKind};
pub use compound::{Compound, CompoundKind};
pub use state::{Reason, StateChange};
pub use word::{Operation, Parameter, Piece, PieceKind, Word};

/// The longest script that is read, in bytes; a job's own is rarely longer than a few thousand.
const MAX_LENGTH: usize = 64 * 1024;

/// A script, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    text: String,
    /// Its simple commands in source order, wherever they are nested, those of substitutions included.
    pub commands: Vec<Command>,
    /// The statements that it is made of at the top level, in source order.
    pub statements: Vec<Statement>,
    /// Its choices, loops and functions, wherever they are nested, those that hold others first.
    pub compounds: Vec<Compound>,
    /// Every use of a variable that expands, in source order: in double quotes, defaults, arithmetic, substitutions
    /// and unquoted heredocs, and never in single quotes. Names that only occur in assignments are none.
    pub variables: Vec<VariableUse>,
    /// Every use of a position or a special parameter: `$1`, `$?`, `$@`.
    pub special_parameters: Vec<VariableUse>,
    /// Its comments, without their line breaks.
    pub comments: Vec<Span>,
    /// Why and where it cannot be read. It then has no commands, no statements and no variables.
    pub opaque: Option<Opaque>,
    bashisms: Vec<Span>,
    changes: Vec<StateChange>,
}

/// Why a script cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opaque {
    /// Where it stops making sense.
    pub span: Span,
    /// What stands there, as a phrase: "an unterminated single quote".
    pub message: &'static str,
}

/// One statement at the top level of a script: pipelines joined by `&&` and `||`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The bytes of it, without what separates it from the next one.
    pub span: Span,
    /// The bodies and the last lines of its heredocs, which follow on lines of their own.
    pub heredocs: Vec<Span>,
    /// The `;`, the `&` or the line break behind it.
    pub separator: Option<Span>,
    /// Whether it runs in the background.
    pub background: bool,
}

/// A place where a variable is expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariableUse {
    /// The variable.
    pub name: String,
    /// The bytes of the name, without dollar sign and braces.
    pub span: Span,
    /// Whether the variable names the one that is meant (`${!x}`), or a prefix of many (`${!x*}`).
    pub indirect: bool,
}

impl Opaque {
    const fn new(span: Span, message: &'static str) -> Self {
        Self { span, message }
    }
}

impl Script {
    /// Reads `text`. What cannot be read is a script that is opaque.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut lexer = Lexer::new(text);
        let mut script = Self { text: text.to_owned(), ..Self::default() };
        if let Err(opaque) = script.read(&mut lexer) {
            let text = std::mem::take(&mut script.text);
            return Self { text, opaque: Some(opaque), ..Self::default() };
        }
        script.commands.sort_by_key(|command| command.span.start());
        script.compounds.sort_by_key(|compound| (compound.span.start(), usize::MAX - compound.span.end()));
        script.variables.sort_by_key(|use_| use_.span);
        script.special_parameters.sort_by_key(|use_| use_.span);
        script.comments = lexer.comments;
        script.comments.sort_unstable();
        script.bashisms.append(&mut lexer.bashisms);
        script
    }

    fn read(&mut self, lexer: &mut Lexer<'_>) -> Result<(), Opaque> {
        if self.text.len() > MAX_LENGTH {
            return Err(Opaque::new(Span::new(0, self.text.len()), "a script that is too long"));
        }
        if let Some(at) = self.text.find('\0') {
            return Err(Opaque::new(Span::new(at, at + 1), "a null character"));
        }
        let tokens = lexer.nested_tokens(false)?;
        Walker::walk(lexer, &tokens, Vec::new(), self)
    }

    /// The text that was read.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it holds nothing but blanks and comments.
    #[must_use]
    pub const fn is_blank_or_comment(&self) -> bool {
        self.opaque.is_none() && self.statements.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Nesting, RedirectionKind, Script};

    /// The commands of a script as written.
    fn commands(text: &str) -> Vec<&str> {
        let script = Script::parse(text);
        assert_eq!(script.opaque, None, "{text}");
        script.commands.iter().map(|command| command.span.slice(text)).collect()
    }

    fn message(text: &str) -> Option<&'static str> {
        Script::parse(text).opaque.map(|opaque| opaque.message)
    }

    #[test]
    fn commands_stand_in_source_order_wherever_they_are_nested() {
        assert_eq!(commands("make"), ["make"]);
        assert_eq!(commands("a x && b y || c; d & e"), ["a x", "b y", "c", "d", "e"]);
        assert_eq!(
            commands("docker cp $(docker create x):/p ."),
            ["docker cp $(docker create x):/p .", "docker create x"]
        );
        assert_eq!(commands("id=`docker create x`"), ["id=`docker create x`", "docker create x"]);
        let found = commands("if [ -f x ]; then a; elif b; then c; else d; fi 2>&1 >log");
        assert_eq!(found, ["[ -f x ]", "a", "b", "c", "d", ">log"]);
        assert_eq!(commands("for f in a $(b); do c \"$f\"; done | d"), ["b", "c \"$f\"", "d"]);
        assert_eq!(commands("while a; do b; done; until c\ndo d\ndone"), ["a", "b", "c", "d"]);
        assert_eq!(commands("case $x in\n  a|b) c;;\n  (*) d\nesac"), ["c", "d"]);
        assert_eq!(commands("f() { a; }; function g { b; }"), ["a", "b"]);
        assert_eq!(commands("! time -p a"), ["time -p a"]);
        assert_eq!(commands("time -p a | b"), ["a", "b"]);
        assert_eq!(commands("( (cd x) )\n((cd y) && z)"), ["cd x", "cd y", "z"]);
        assert_eq!(commands("a <(b) > >(c)"), ["a <(b) > >(c)", "b", "c"]);
        assert_eq!(commands("{ a; }; [[ $x == y ]] && b"), ["a", "b"]);
    }

    #[test]
    fn spans_are_bytes_behind_other_alphabets_and_continuations() {
        assert_eq!(
            commands("écho 'ü' && docker \\\n   build \\\n\t-t \"ß:$T\" ."),
            ["écho 'ü'", "docker \\\n   build \\\n\t-t \"ß:$T\" ."]
        );
        let text = "# ö\n  docker build \\\n    --pull . # done";
        let script = Script::parse(text);
        let words: Vec<_> = script.commands[0].words.iter().map(|word| word.raw(text)).collect();
        assert_eq!(words, ["docker", "build", "--pull", "."]);
        let comments: Vec<_> = script.comments.iter().map(|span| span.slice(text)).collect();
        assert_eq!(comments, ["# ö", "# done"]);
    }

    #[test]
    fn a_word_broken_by_a_continuation_is_one_word() {
        let script = Script::parse("doc\\\nker bu\"il\\\nd\"");
        assert_eq!(script.commands[0].literal_words().unwrap(), ["docker", "build"]);
    }

    #[test]
    fn places_tell_what_a_command_is_nested_in() {
        let nesting = |text: &str, index: usize| Script::parse(text).commands[index].place.nesting.clone();
        assert_eq!(nesting("a", 0), []);
        assert_eq!(nesting("a && b", 0), [Nesting::Tested]);
        assert_eq!(nesting("a && b || c", 1), [Nesting::And, Nesting::Tested]);
        assert_eq!(nesting("a && b || c", 2), [Nesting::Or]);
        assert_eq!(nesting("! a | b", 1), [Nesting::Negated, Nesting::Pipeline]);
        assert_eq!(nesting("(a) &", 0), [Nesting::Background, Nesting::Subshell]);
        assert_eq!(nesting("if a; then b; fi", 1), [Nesting::Conditional]);
        assert_eq!(nesting("x=${y:-$(a)}", 1), [Nesting::Conditional, Nesting::Substitution]);
        assert_eq!(nesting("f() { a; }", 0), [Nesting::Function("f".to_owned()), Nesting::Group]);
    }

    #[test]
    fn a_chain_runs_once_and_a_branch_does_not() {
        let script = Script::parse("a && b; if c; then d; fi; e || f");
        let once: Vec<_> = script.commands.iter().map(|command| command.place.runs_once()).collect();
        assert_eq!(once, [true, true, true, false, true, false]);
        assert!(!script.commands[1].place.is_unconditional());
    }

    #[test]
    fn assignments_and_redirections_belong_to_their_command() {
        let text = "CI=false X=\"$Y\" npm run build >log 2>&1 </dev/null";
        let script = Script::parse(text);
        let command = &script.commands[0];
        let assignments: Vec<_> =
            command.assignments.iter().map(|it| (it.name.as_str(), it.value.as_ref().unwrap().raw(text))).collect();
        assert_eq!(assignments, [("CI", "false"), ("X", "\"$Y\"")]);
        let redirections: Vec<_> = command.redirections.iter().map(|it| (it.kind, it.span.slice(text))).collect();
        assert_eq!(
            redirections,
            [
                (RedirectionKind::Write, ">log"),
                (RedirectionKind::Duplicate, "2>&1"),
                (RedirectionKind::Read, "</dev/null")
            ]
        );
        assert_eq!(command.literal_words().unwrap(), ["npm", "run", "build"]);
    }

    #[test]
    fn heredocs_are_read_where_they_stand() {
        let text = "cat <<-A >f; b <<'C'\n\tone $X `d`\n\tA\n$Y\nC\ne";
        let script = Script::parse(text);
        assert_eq!(commands(text), ["cat <<-A >f", "b <<'C'", "d", "e"]);
        let heredoc = script.commands[0].redirections[0].heredoc.clone().unwrap();
        assert_eq!((heredoc.body.slice(text), heredoc.end.slice(text)), ("\tone $X `d`\n", "\tA"));
        let quoted = script.commands[1].redirections[0].heredoc.clone().unwrap();
        assert_eq!((quoted.body.slice(text), quoted.text), ("$Y\n", None));
        assert_eq!(script.variables.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["X"]);
        assert_eq!(script.statements[0].heredocs.len(), 2);
    }

    #[test]
    fn statements_have_the_bytes_and_what_separates_them() {
        let text = "if a; then\n b; fi; c && d &\ne";
        let script = Script::parse(text);
        let statements: Vec<_> = script
            .statements
            .iter()
            .map(|it| (it.span.slice(text), it.separator.map(|at| at.slice(text)), it.background))
            .collect();
        assert_eq!(
            statements,
            [("if a; then\n b; fi", Some(";"), false), ("c && d", Some("&"), true), ("e", None, false)]
        );
        assert_eq!(script.commands.iter().map(|it| it.statement).collect::<Vec<_>>(), [0, 0, 1, 1, 2]);
    }

    #[test]
    fn variables_are_found_wherever_they_expand() {
        let text = "a \"$A\" '$no' \\$no ${B:-$C} $((D + 0x1f)) $(e $F) ${!G} ${H//x/$I} \"${J#\"$K\"}\" $? $1";
        let script = Script::parse(text);
        let names: Vec<_> = script.variables.iter().map(|it| (it.name.as_str(), it.span.slice(text))).collect();
        assert_eq!(names.iter().map(|(name, _)| *name).collect::<String>(), "ABCDFGxHIJK".replace('x', ""));
        assert!(names.iter().all(|(name, raw)| name == raw));
        assert_eq!(script.variables.iter().filter(|it| it.indirect).count(), 1);
        assert_eq!(script.special_parameters.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["?", "1"]);
    }

    #[test]
    fn blank_scripts_and_comments_have_no_statements() {
        assert!(Script::parse(" \n\t# only this\n").is_blank_or_comment());
        assert!(!Script::parse("# this\nmake").is_blank_or_comment());
        assert!(!Script::parse("'").is_blank_or_comment());
    }

    #[test]
    fn what_cannot_be_read_is_opaque() {
        assert_eq!(message("echo 'a"), Some("an unterminated single quote"));
        assert_eq!(message("echo \"a"), Some("an unterminated double quote"));
        assert_eq!(message("echo $(a"), Some("an unterminated command substitution"));
        assert_eq!(message("echo ${a"), Some("a parameter expansion of an unknown kind"));
        assert_eq!(message("cat <<A\nb"), Some("a heredoc without an end"));
        assert_eq!(message("if a; then b"), Some("a syntax error"));
        assert_eq!(message("a && "), Some("a syntax error"));
        assert_eq!(message("a )"), Some("a syntax error"));
        assert_eq!(message("echo @(a|b)"), Some("an extended glob pattern"));
        assert_eq!(message("a 99999999999>b"), Some("a descriptor that is not a small number"));
        assert_eq!(message("exec {fd}>b"), Some("a descriptor that is not a small number"));
        assert_eq!(message("echo `a \\`b\\``"), Some("a backslash in backquotes"));
        assert_eq!(message("echo `a \\\\ b`"), Some("a backslash in backquotes"));
        assert_eq!(message("echo \"`a \\\"b\\\"`\""), Some("a backslash in backquotes"));
        assert_eq!(message("echo `sed 's/\\.//'`"), None);
        assert_eq!(message("a= (b)"), Some("a construct that is not understood"));
        assert_eq!(message("cat < (b)"), Some("a construct that is not understood"));
    }

    #[test]
    fn nothing_nests_without_end() {
        let deep = |open: &str, close: &str| format!("{}a{}", open.repeat(2000), close.repeat(2000));
        for (open, close) in [
            ("(", ")"),
            ("( ", " )"),
            ("$(", ")"),
            ("{ ", "; }"),
            ("((", "))"),
            ("if ", "; then b; fi"),
            ("while ", "; do b; done"),
            ("case a in a) ", " esac"),
            ("for x do ", "; done"),
            ("function f { ", "; }"),
            ("function f if ", "; then b; fi"),
            ("time -p { ", "; }"),
            ("[[ ! ", " ]]"),
            ("[[ ( ", " ) ]]"),
            ("${a:-", "}"),
            ("\"$(", ")\""),
            ("$((", "))"),
            ("a <(", ")"),
            ("[[ a && ", " ]]"),
            ("x=(\nfi\n); if ", "; then b; fi"),
            ("coproc ", ""),
            ("a[", "]=1"),
            ("\"${a:-", "}\""),
            ("`", "`"),
            ("<<a $(", ")"),
            ("((a ", ""),
        ] {
            // Most are opaque; what matters is that all of them end.
            let _ = Script::parse(&deep(open, close));
            let _ = Script::parse(&deep(open, ""));
        }
        assert_eq!(message(&deep("( ", " )")), Some("commands nested too deeply"));
        assert_eq!(message(&deep("$(", ")")), Some("expansions nested too deeply"));
        assert_eq!(message(&"a;".repeat(40_000)), Some("a script that is too long"));
    }

    /// What shells care about, apart from letters that stand for themselves, with `§` between.
    const PARTS: &str = "a§docker§ § §\n§;§&§&&§||§|§(§)§{ §; }§$§$X§${X:-§}§$(§`§\"§'§\\§\\\n§#§<<E§\nE\n§>§>&§2§if §; then \
        §; fi§for x in §; do §; done§case § in §;;§esac§((§))§[[ § ]]§=§x=§é§*§[§]§~§!§time §function §0§\t§<(§<<-§'E'\
        §{a,b}§$'§,§!x§//";

    fn shell_like() -> impl Strategy<Value = String> {
        let part = prop::sample::select(PARTS.split('§').collect::<Vec<_>>());
        prop::collection::vec(part, 0..24).prop_map(|parts| parts.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn spans_lie_in_the_text_and_words_read_the_same_again(text in shell_like()) {
            let script = Script::parse(&text);
            let _ = (script.state_changes(), script.bashisms(), script.dynamic_variable_access());
            let inside = |span: crate::text::Span| text.get(span.start()..span.end()).is_some();
            prop_assert!(script.opaque.as_ref().is_none_or(|it| inside(it.span)), "{:?}", script.opaque);
            prop_assert!(script.comments.iter().chain(&script.bashisms()).all(|span| inside(*span)));
            prop_assert!(script.state_changes().iter().all(|it| inside(it.span)));
            for use_ in &script.variables {
                prop_assert_eq!(use_.span.slice(&text), &use_.name);
            }
            for statement in &script.statements {
                prop_assert!(inside(statement.span) && statement.heredocs.iter().all(|span| inside(*span)));
            }
            for command in &script.commands {
                prop_assert!(inside(command.span) && !script.statements[command.statement].span.is_empty());
                for word in &command.words {
                    prop_assert!(command.span.covers(word.span) && word.pieces.iter().all(|it| inside(it.span)));
                    if let Some(literal) = word.literal() {
                        let again = Script::parse(&format!("x {}", word.raw(&text)));
                        prop_assert_eq!(again.commands[0].words[1].literal(), Some(literal));
                    }
                }
            }
        }
    }
}
