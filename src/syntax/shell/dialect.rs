use super::command::Command;
use super::word::Word;
use super::{Script, VariableUse};
use crate::text::Span;

/// Commands that only bash has built in.
const BASH_COMMANDS: &[&str] = &[
    "bind",
    "builtin",
    "caller",
    "compgen",
    "complete",
    "compopt",
    "declare",
    "dirs",
    "disown",
    "enable",
    "help",
    "let",
    "logout",
    "mapfile",
    "popd",
    "pushd",
    "readarray",
    "shopt",
    "source",
    "suspend",
    "typeset",
];

/// Variables that only bash sets.
const BASH_VARIABLES: &[&str] =
    &["BASH", "BASHPID", "DIRSTACK", "EUID", "FUNCNAME", "GROUPS", "PIPESTATUS", "RANDOM", "SECONDS", "UID"];

/// Programs that read other text as a script, with the variables in it.
const SHELLS: &[&str] = &["sh", "bash", "dash", "ash", "zsh", "ksh"];

impl Script {
    /// All that bash understands and a POSIX shell may not, in source order.
    ///
    /// Some of it (`local`, `$RANDOM`, `source`) is understood by some other shells too.
    #[must_use]
    pub fn bashisms(&self) -> Vec<Span> {
        let mut spans = self.bashisms.clone();
        spans.extend(self.commands.iter().filter(|command| is_bash_command(command)).map(|command| command.span));
        let variables = self.variables.iter();
        let of_bash =
            |use_: &&VariableUse| BASH_VARIABLES.contains(&use_.name.as_str()) || use_.name.starts_with("BASH_");
        spans.extend(variables.filter(of_bash).map(|use_| use_.span));
        spans.sort_unstable();
        spans.dedup();
        spans
    }

    /// The places that read variables which the script does not name, in source order: `${!x}`, `env` and `printenv`
    /// alone, `export` and `set` that list, `eval`, `envsubst`, and the scripts of `sh -c`.
    #[must_use]
    pub fn dynamic_variable_access(&self) -> Vec<Span> {
        let indirect = self.variables.iter().filter(|use_| use_.indirect).map(|use_| use_.span);
        let commands = self.commands.iter().filter(|command| reads_any_variable(command)).map(|command| command.span);
        let mut spans: Vec<_> = indirect.chain(commands).collect();
        spans.sort_unstable();
        spans
    }

    /// The variables that it reads by name, in source order, those of `printenv NAME` included.
    #[must_use]
    pub fn read_variables(&self) -> Vec<VariableUse> {
        let mut uses = self.variables.clone();
        for command in self.commands.iter().filter(|command| command.name().as_deref() == Some("printenv")) {
            let names = command.words.iter().skip(1).filter_map(|word| Some((word.literal()?, word.span)));
            uses.extend(names.map(|(name, span)| VariableUse { name, span, indirect: false }));
        }
        uses.sort_by_key(|use_| use_.span);
        uses
    }

    /// The names of its commands that are literal, in source order.
    pub fn command_names(&self) -> impl Iterator<Item = String> {
        self.commands.iter().filter_map(|command| command.effective_words().first()?.literal())
    }
}

fn is_bash_command(command: &Command) -> bool {
    // `builtin` is itself one of them, so the first word is meant.
    let Some(name) = command.name() else { return false };
    let has = |text: &str| command.words.iter().skip(1).any(|word| word.literal().as_deref() == Some(text));
    let has_option = |letter: char| {
        let options = command.words.iter().skip(1).filter_map(Word::literal);
        options.take_while(|option| option.starts_with('-')).any(|option| option.contains(letter))
    };
    match name.as_str() {
        "[" | "test" => has("=="),
        "printf" => has_option('v'),
        "read" => "adnNtpsu".chars().any(has_option),
        "export" => has_option('f') || has_option('n'),
        "trap" => ["ERR", "DEBUG", "RETURN"].into_iter().any(has),
        name => BASH_COMMANDS.contains(&name),
    }
}

fn reads_any_variable(command: &Command) -> bool {
    let words = command.effective_words();
    let Some((first, arguments)) = words.split_first() else { return false };
    let literals: Vec<_> = arguments.iter().map(Word::literal).collect();
    let is_option = |word: &Option<String>| word.as_deref().is_some_and(|text| text.starts_with('-'));
    match first.literal().as_deref() {
        Some("eval" | "envsubst" | "compgen") => true,
        Some("env") => env_lists(&literals),
        Some("printenv") => literals.is_empty() || literals.iter().any(Option::is_none),
        Some("set") => literals.is_empty(),
        Some("export" | "readonly" | "declare" | "typeset") => literals.iter().all(is_option),
        Some(name) => {
            let program = name.rsplit('/').next().unwrap_or(name);
            SHELLS.contains(&program) && literals.iter().any(|word| word.as_deref().is_none_or(is_command_option))
        }
        None => false,
    }
}

/// Whether `env` is left with no command to run, so that it prints all variables.
fn env_lists(arguments: &[Option<String>]) -> bool {
    arguments.iter().all(|word| word.as_deref().is_none_or(|text| text.starts_with('-') || text.contains('=')))
}

/// Whether it is `-c`, alone or with other letters, as in `bash -ec`.
fn is_command_option(text: &str) -> bool {
    text.starts_with('-') && !text.starts_with("--") && text.contains('c')
}

#[cfg(test)]
mod tests {
    use super::Script;

    fn bashisms(text: &str) -> Vec<&str> {
        let script = Script::parse(text);
        assert_eq!(script.opaque, None, "{text}");
        script.bashisms().iter().map(|span| span.slice(text)).collect()
    }

    #[test]
    fn what_only_bash_understands_is_found() {
        for (text, found) in [
            ("[[ -f x ]] && a", "[[ -f x ]]"),
            ("a <<< b", "<<<"),
            ("a <(b)", "<(b)"),
            ("a &> b", "&>"),
            ("a >& b", ">&"),
            ("a |& b", "|&"),
            ("echo ${x//a/b}", "${x//a/b}"),
            ("echo ${x:0:1}", "${x:0:1}"),
            ("echo ${!x}", "${!x}"),
            ("echo ${x^^}", "${x^^}"),
            ("function f { a; }", "function"),
            ("((1))", "((1))"),
            ("echo $'a'", "$'a'"),
            ("echo $\"a\"", "$\""),
            ("cp a.{b,c}", "{b,c}"),
            ("x+=1", "x+=1"),
            ("source a", "source a"),
            ("[ a == b ]", "[ a == b ]"),
            ("echo $RANDOM", "RANDOM"),
            ("for ((i=0;i<3;i++)); do a; done", "for ((i=0;i<3;i++))"),
            ("case a in a) b;;& esac", ";;&"),
            ("time a", "time"),
            ("read -p a b", "read -p a b"),
            ("echo $(( ${x[0]} ))", "${x[0]}"),
        ] {
            assert_eq!(bashisms(text), [found], "{text}");
        }
        assert_eq!(bashisms("a=(b c)").len(), 1);
    }

    #[test]
    fn what_every_shell_understands_is_not() {
        for text in [
            "a 2>&1 >&2 <&-",
            "[ a = b ]",
            "${x:-a} ${x%.*} ${#x}",
            "f() { a; }",
            "echo {} {{.Id}} '{a,b}' \"$'\"",
            "echo $((1 + 2))",
            "( (a) )",
            "read -r x",
            "set -o pipefail",
            "trap a EXIT",
            "cat <<-'E'\n${x//a}\nE",
        ] {
            assert_eq!(bashisms(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn variables_that_are_not_named_are_read_by_these() {
        let dynamic = |text: &str| !Script::parse(text).dynamic_variable_access().is_empty();
        for text in [
            "echo ${!x}",
            "env",
            "env > f",
            "env -0 A=b",
            "printenv",
            "printenv $X",
            "export",
            "export -p",
            "set",
            "eval a",
            "envsubst < a",
            "sh -c 'echo $X'",
            "/bin/bash -ec \"$X\"",
            "declare -x",
            "echo ${!CI_*}",
        ] {
            assert!(dynamic(text), "{text}");
        }
        for text in
            ["env A=b make", "printenv X", "export X", "set -e", "sh script.sh", "bash --version", "environment"]
        {
            assert!(!dynamic(text), "{text}");
        }
        let script = Script::parse("printenv NPM_TOKEN; echo $X");
        let names: Vec<_> = script.read_variables().into_iter().map(|use_| use_.name).collect();
        assert_eq!(names, ["NPM_TOKEN", "X"]);
    }

    #[test]
    fn command_names_are_those_that_run() {
        let script = Script::parse("command docker build . && $X y; builtin cd x");
        assert_eq!(script.command_names().collect::<Vec<_>>(), ["docker", "cd"]);
    }
}
