use crate::text::Span;

/// A compound command that decides whether the commands in it run, how often, and in which shell (POSIX shell, 2.9.4 and 2.9.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compound {
    /// The bytes of it, from its first word to its last.
    pub span: Span,
    /// What it is.
    pub kind: CompoundKind,
}

/// What a compound command is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompoundKind {
    /// `if` or `case`.
    Choice {
        /// What it chooses from, in source order.
        branches: Vec<Span>,
        /// Whether it always takes one of them.
        is_complete: bool,
    },
    /// `for NAME in …`.
    For {
        /// The variable that it sets.
        variable: String,
        /// Whether it has a word to run for that is written out, so that it runs at least once.
        runs: bool,
    },
    /// `while`, `until`, the `for` of arithmetic, and a `case` whose branches go on in others.
    While,
    /// The definition of the function of this name.
    Function(String),
    /// `( … )`
    Subshell,
}

impl Compound {
    /// Whether it decides over what stands at `span`, and if it chooses, the number of the branch.
    #[must_use]
    pub fn holds(&self, span: Span) -> Option<usize> {
        match &self.kind {
            CompoundKind::Choice { branches, .. } => branches.iter().position(|branch| branch.covers(span)),
            _ => self.span.covers(span).then_some(0),
        }
    }
}
