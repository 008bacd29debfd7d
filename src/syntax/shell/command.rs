use super::word::{Word, is_name};
use crate::text::Span;

/// One simple command (POSIX shell, 2.9.1), wherever it is nested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The bytes of it, assignments and redirections included, bodies of heredocs not.
    pub span: Span,
    /// The assignments in front: for this command alone where it has words, else for the shell.
    pub assignments: Vec<Assignment>,
    /// The command's name and its arguments.
    pub words: Vec<Word>,
    /// Its redirections.
    pub redirections: Vec<Redirection>,
    /// Where it stands.
    pub place: Place,
    /// The index of the top-level statement that it belongs to, in [`super::Script::statements`].
    pub statement: usize,
}

/// `name=value` in front of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The bytes of it.
    pub span: Span,
    /// The variable.
    pub name: String,
    /// The value; `None` where it is an array or an element of one.
    pub value: Option<Word>,
    /// Whether it reads `+=`.
    pub appends: bool,
}

/// A redirection of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirection {
    /// The bytes of it from its number or operator to its target, a heredoc's body not included.
    pub span: Span,
    /// What it does.
    pub kind: RedirectionKind,
    /// The file, the descriptor, the text of a here-string or a heredoc's delimiter; `None` for a process substitution.
    pub target: Option<Word>,
    /// What a heredoc reads.
    pub heredoc: Option<Heredoc>,
}

/// What a redirection does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedirectionKind {
    /// `<`
    Read,
    /// `>` or `>|`
    Write,
    /// `>>`
    Append,
    /// `<>`
    ReadWrite,
    /// `<&` or `>&` before a descriptor
    Duplicate,
    /// `&>` or `&>>`
    Both,
    /// `<<<`
    HereString,
    /// `<<` or `<<-`
    Heredoc,
}

/// The text that a heredoc feeds to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heredoc {
    /// The lines of the body, leading tabs included.
    pub body: Span,
    /// The line that ends it, without its line break.
    pub end: Span,
    /// What is expanded in the body; `None` where the delimiter is quoted, so that nothing is.
    pub text: Option<Word>,
}

/// Where a command stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// What it is nested in, from the outside in.
    pub nesting: Vec<Nesting>,
}

/// Something that a command is nested in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Nesting {
    /// It stands to the right of `&&`.
    And,
    /// It stands to the right of `||`.
    Or,
    /// Something looks at its exit status, so that a failure does not end the script.
    Tested,
    /// It stands behind `!`.
    Negated,
    /// It is one of several commands of a pipeline.
    Pipeline,
    /// It stands in `( … )`.
    Subshell,
    /// It stands in `{ … }`.
    Group,
    /// It stands in a branch of `if`, or in the default of an expansion.
    Conditional,
    /// It stands in `for`, `while` or `until`, the condition included.
    Loop,
    /// It stands in a branch of `case`.
    Case,
    /// It stands in the body of the function of this name.
    Function(String),
    /// It stands in `$( … )`, `` ` … ` `` or a process substitution.
    Substitution,
    /// It runs in the background.
    Background,
}

impl Place {
    /// Whether it is nested in nothing at all.
    #[must_use]
    pub fn is_top_level(&self) -> bool {
        self.nesting.is_empty()
    }

    /// Whether it runs exactly once whenever its line is reached and nothing before it on that line fails.
    #[must_use]
    pub fn runs_once(&self) -> bool {
        !self.nesting.iter().any(|nesting| {
            matches!(nesting, Nesting::Or | Nesting::Conditional | Nesting::Loop | Nesting::Case | Nesting::Function(_))
        })
    }

    /// Whether it runs exactly once whenever its line is reached, whatever fails before it on that line.
    #[must_use]
    pub fn is_unconditional(&self) -> bool {
        self.runs_once() && !self.nesting.contains(&Nesting::And)
    }

    /// Whether it runs in a shell of its own, so that what it does to the shell ends with it.
    #[must_use]
    pub fn is_confined(&self) -> bool {
        self.nesting.iter().any(|nesting| {
            matches!(nesting, Nesting::Subshell | Nesting::Substitution | Nesting::Pipeline | Nesting::Background)
        })
    }

    /// The part of it that lies within the innermost `( … )`.
    #[must_use]
    pub fn within_subshell(&self) -> Self {
        let inner = self.nesting.rsplit(|nesting| *nesting == Nesting::Subshell).next();
        Self { nesting: inner.unwrap_or_default().to_vec() }
    }

    /// Whether it stands in the body of a function, so that it runs when that is called.
    #[must_use]
    pub fn is_in_function(&self) -> bool {
        self.nesting.iter().any(|nesting| matches!(nesting, Nesting::Function(_)))
    }
}

/// Where a command takes the shell to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination<'a> {
    /// `cd X`, `pushd X`.
    Folder(&'a Word),
    /// `cd` alone.
    Home,
    /// `cd -`, `popd`, `pushd` alone: wherever it was before.
    Earlier,
    /// More arguments than the command is known to take.
    Unclear,
}

impl Command {
    /// Its name, where it is literal.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        self.words.first()?.literal()
    }

    /// All of its words, where they are literal.
    #[must_use]
    pub fn literal_words(&self) -> Option<Vec<String>> {
        self.words.iter().map(Word::literal).collect()
    }

    /// The words of the command that runs in the end, behind `command`, `builtin`, `exec` and their options.
    #[must_use]
    pub fn effective_words(&self) -> &[Word] {
        let mut words = self.words.as_slice();
        while let Some((first, rest)) = words.split_first() {
            let runs_the_rest = first.literal().is_some_and(|name| matches!(name.as_str(), "command" | "builtin"));
            if !runs_the_rest || rest.is_empty() {
                break;
            }
            let options = rest.iter().take_while(|word| word.literal().is_some_and(|text| is_option(&text))).count();
            words = rest.get(options..).unwrap_or_default();
        }
        words
    }

    /// Where it takes the shell to, if it is a command that does so.
    #[must_use]
    pub fn change_directory(&self) -> Option<Destination<'_>> {
        let (name, arguments) = self.effective_words().split_first()?;
        let name = name.literal()?;
        if name == "popd" {
            return Some(Destination::Earlier);
        }
        if name != "cd" && name != "pushd" {
            return None;
        }
        let is_flag =
            |word: &&Word| word.literal().is_some_and(|text| matches!(text.as_str(), "-P" | "-L" | "-e" | "--"));
        let flags = arguments.iter().take_while(is_flag).count();
        Some(match arguments.get(flags..).unwrap_or_default() {
            [] if name == "cd" => Destination::Home,
            [] => Destination::Earlier,
            [folder] if folder.literal().is_some_and(|text| is_option(&text)) => Destination::Earlier,
            [folder] => Destination::Folder(folder),
            _ => Destination::Unclear,
        })
    }

    /// The names that its arguments assign or name, where it is a command like `export X=1 Y`.
    #[must_use]
    pub fn declared_names(&self, text: &str) -> Vec<String> {
        let name_of = |word: &Word| match word.as_assignment(text) {
            Some((name, _)) => Some(name),
            None => word.literal().filter(|name| is_name(name)),
        };
        self.effective_words().iter().skip(1).filter_map(name_of).collect()
    }
}

fn is_option(text: &str) -> bool {
    text.starts_with('-')
}
