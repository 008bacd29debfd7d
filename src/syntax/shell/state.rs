use super::command::{Command, Destination};
use super::{Script, VariableUse};
use crate::text::Span;

/// Something by which a line shares state with the lines after it, or before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateChange {
    /// The bytes that do it.
    pub span: Span,
    /// What it does.
    pub reason: Reason,
}

/// How a line shares state with others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It cannot be read, so that nothing is known.
    Opaque,
    /// It changes the working directory, or the stack of them.
    WorkingDirectory,
    /// It assigns or unsets the variable of this name, or gives it attributes.
    Variable(String),
    /// Its arithmetic assigns, or may.
    Arithmetic,
    /// It defines the function, or the alias, of this name.
    Function(String),
    /// The builtin of this name changes the shell: options, traps, limits, descriptors, positions.
    Shell(String),
    /// It runs other text in this shell: `eval`, `source`, `.`.
    Evaluation,
    /// It may end the script early.
    Exit,
    /// It leaves a job in the background, or waits for one.
    Background,
    /// It uses what an earlier line left in a special parameter: `$?`, `$!`, `$_`, `$$`.
    Parameter(String),
    /// What its command is called is known at run time only.
    DynamicCommand,
}

impl Script {
    /// All by which it shares state with the lines around it, in source order; empty where it shares none.
    ///
    /// What happens in a subshell, in a pipeline, in a substitution or in the body of a function stays there.
    /// That a script which fails ends is not counted as state, as it ends a build step just the same.
    #[must_use]
    pub fn state_changes(&self) -> Vec<StateChange> {
        let mut changes = self.changes.clone();
        if let Some(opaque) = &self.opaque {
            changes.push(StateChange { span: opaque.span, reason: Reason::Opaque });
        }
        for command in &self.commands {
            if !command.place.is_confined() && !command.place.is_in_function() {
                changes.extend(self.changes_by(command));
            }
        }
        let first_command = self.commands.first().map(|command| command.span);
        let earlier = self.special_parameters.iter().filter(|use_| reads_an_earlier_line(use_, first_command));
        let hidden = self.variables.iter().filter(|use_| HIDDEN_STATE.contains(&use_.name.as_str()));
        changes.extend(
            earlier
                .chain(hidden)
                .map(|use_| StateChange { span: use_.span, reason: Reason::Parameter(use_.name.clone()) }),
        );
        changes.sort_by_key(|change| change.span);
        changes
    }

    /// The first thing by which it shares state with the lines around it; `None` proves that it shares none.
    #[must_use]
    pub fn carries_state(&self) -> Option<StateChange> {
        self.state_changes().into_iter().next()
    }

    fn changes_by(&self, command: &Command) -> Vec<StateChange> {
        let change = |reason| StateChange { span: command.span, reason };
        if command.words.is_empty() {
            let names = command.assignments.iter().map(|assignment| assignment.name.clone());
            return names.map(|name| change(Reason::Variable(name))).collect();
        }
        let Some(first) = command.effective_words().first() else { return Vec::new() };
        let Some(name) = first.literal() else { return vec![change(Reason::DynamicCommand)] };
        let declared = || command.declared_names(&self.text);
        match name.as_str() {
            _ if command.change_directory().is_some() => vec![change(Reason::WorkingDirectory)],
            "dirs" => vec![change(Reason::WorkingDirectory)],
            "export" | "readonly" | "declare" | "local" | "typeset" | "unset" | "read" | "let" | "getopts"
            | "mapfile" | "readarray" => named(&name, declared()).into_iter().map(change).collect(),
            "printf" if sets_a_variable(command) => named(&name, Vec::new()).into_iter().map(change).collect(),
            "alias" | "unalias" => vec![change(Reason::Function(declared().into_iter().next().unwrap_or_default()))],
            "eval" | "source" | "." => vec![change(Reason::Evaluation)],
            "exit" | "return" | "logout" => vec![change(Reason::Exit)],
            "wait" | "jobs" | "fg" | "bg" | "disown" => vec![change(Reason::Background)],
            "set" | "shopt" | "trap" | "exec" | "umask" | "ulimit" | "shift" | "enable" | "hash" | "bind"
            | "complete" | "compopt" | "history" | "fc" | "suspend" | "break" | "continue" => {
                vec![change(Reason::Shell(name))]
            }
            _ => Vec::new(),
        }
    }
}

impl Script {
    /// The folders that its commands change to in this shell, in source order: the command, and where it goes.
    pub fn directory_changes(&self) -> impl Iterator<Item = (&Command, Destination<'_>)> {
        let here = self.commands.iter().filter(|command| !command.place.is_confined());
        here.filter_map(|command| Some((command, command.change_directory()?)))
    }
}

/// Variables of bash that hold what an earlier command left.
const HIDDEN_STATE: &[&str] =
    &["_", "OLDPWD", "PIPESTATUS", "DIRSTACK", "BASH_REMATCH", "REPLY", "OPTARG", "OPTIND", "MAPFILE"];

/// `$?` tells of an earlier line only in the first command; `$!`, `$$` and the positions are of the whole script.
fn reads_an_earlier_line(use_: &VariableUse, first_command: Option<Span>) -> bool {
    match use_.name.as_str() {
        "?" => first_command.is_none_or(|first| use_.span.start() < first.end()),
        "!" | "$" => true,
        name => {
            name.starts_with(|first: char| first.is_ascii_digit()) && name != "0" || matches!(name, "@" | "*" | "#")
        }
    }
}

/// A change of each variable that a builtin declares, or of the shell where it names none.
fn named(builtin: &str, names: Vec<String>) -> Vec<Reason> {
    if names.is_empty() {
        return vec![Reason::Shell(builtin.to_owned())];
    }
    names.into_iter().map(Reason::Variable).collect()
}

fn sets_a_variable(command: &Command) -> bool {
    let option = command.effective_words().get(1).map(super::word::Word::literal);
    option.is_some_and(|option| option.is_none_or(|option| option.starts_with("-v")))
}

#[cfg(test)]
mod tests {
    use super::{Destination, Reason, Script};

    fn reasons(text: &str) -> Vec<Reason> {
        Script::parse(text).state_changes().into_iter().map(|change| change.reason).collect()
    }

    #[test]
    fn lines_that_share_nothing_are_proven_to() {
        for text in [
            "npm ci",
            "CI=false npm run build",
            "( cd web && npm ci )",
            "ls | while read x; do y=$x; done",
            "echo $(cd x; pwd)",
            "a || exit_code",
            "make 2>&1 | tee log",
            "[ -f x ] && make",
            "if [ -d x ]; then make; fi",
            "! grep -q x y",
            "echo $RANDOM $SECONDS $PWD",
            "false || echo $?",
            "echo \"cd x\"",
            "cat <<EOF > f\n$X\nEOF",
            "command -v node",
            "docker run x sh -c 'cd /y && make'",
            "env X=1 make",
            "(exit 1)",
            "printf '%s' x",
            "echo $((1 + 2 == 3))",
            "time make",
        ] {
            assert_eq!(reasons(text), [], "{text}");
        }
    }

    #[test]
    fn what_outlives_a_line_is_named() {
        let variable = |name: &str| vec![Reason::Variable(name.to_owned())];
        let shell = |name: &str| vec![Reason::Shell(name.to_owned())];
        for text in [
            "cd web",
            "make && cd web",
            "{ cd web; }",
            "pushd x",
            "popd",
            "if a; then cd b; fi",
            "command cd x",
            "\"cd\" x",
        ] {
            assert_eq!(reasons(text), [Reason::WorkingDirectory], "{text}");
        }
        for text in [
            "X=1",
            "export X=1",
            "export X",
            "readonly X=$(a)",
            "local X",
            "unset X",
            "read -r X",
            ": ${X:=d}",
            "for X in a; do b; done",
            "X+=(a)",
            "X[1]=a",
            "a && X=1",
        ] {
            assert!(reasons(text).contains(&Reason::Variable("X".to_owned())), "{text}");
        }
        assert_eq!(reasons("export X=1 Y"), [variable("X"), variable("Y")].concat());
        for name in ["set -e", "shopt -s x", "trap a EXIT", "exec >log", "umask 022", "ulimit -n 1", "export -p"] {
            assert_eq!(reasons(name), shell(name.split(' ').next().unwrap()), "{name}");
        }
        for text in ["source x", ". ./x", "eval \"$X\""] {
            assert_eq!(reasons(text), [Reason::Evaluation], "{text}");
        }
        for text in ["exit 0", "[ -f x ] || exit 1", "return"] {
            assert_eq!(reasons(text), [Reason::Exit], "{text}");
        }
        assert_eq!(reasons("f() { cd x; }"), [Reason::Function("f".to_owned())]);
        assert_eq!(reasons("alias ll='ls -l'"), [Reason::Function("ll".to_owned())]);
        assert_eq!(reasons("make &"), [Reason::Background]);
        assert_eq!(reasons("wait"), [Reason::Background]);
        assert_eq!(reasons("((i++))"), [Reason::Arithmetic]);
        assert_eq!(reasons("echo $((i = 1))"), [Reason::Arithmetic]);
        assert_eq!(reasons("$RUN x"), [Reason::DynamicCommand]);
        assert_eq!(reasons("echo $?"), [Reason::Parameter("?".to_owned())]);
        assert_eq!(reasons("kill $!"), [Reason::Parameter("!".to_owned())]);
        assert_eq!(reasons("printf -v X a"), shell("printf"));
        assert_eq!(reasons("if true; then"), [Reason::Opaque]);
    }

    #[test]
    fn directory_changes_tell_where_to() {
        let text = "cd web/app && make; cd; cd -; (cd x); cd -P -- $Y; cd a b";
        let script = Script::parse(text);
        let destinations: Vec<_> = script
            .directory_changes()
            .map(|(_, destination)| match destination {
                Destination::Folder(word) => word.raw(text),
                Destination::Home => "home",
                Destination::Earlier => "earlier",
                Destination::Unclear => "unclear",
            })
            .collect();
        assert_eq!(destinations, ["web/app", "home", "earlier", "$Y", "unclear"]);
    }
}
