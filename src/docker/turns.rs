//! The turns that a script must take for a command to run: branches of `if` and `case`, and rounds of loops.

use crate::syntax::shell::{Command, Compound, CompoundKind, Nesting, Script};
use crate::text::Span;

/// Something that a script decides on the way to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The item of the script in which it is decided.
    pub item: usize,
    /// The bytes of what decides it.
    pub span: Span,
    /// What is decided.
    pub kind: TurnKind,
}

/// What a script decides on the way to a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnKind {
    /// It takes one branch of several.
    Branch {
        /// The number of the branch.
        number: usize,
        /// How many there are.
        count: usize,
        /// Whether it always takes one of them.
        is_complete: bool,
    },
    /// It does the same for each word of a list.
    ForEach {
        /// Whether the list certainly holds a word.
        runs: bool,
    },
    /// It does the same as long as something holds.
    While,
    /// It goes on behind `&&` if a test holds.
    Test,
}

impl Turn {
    /// Whether it may be taken again and again.
    #[must_use]
    pub const fn repeats(&self) -> bool {
        matches!(self.kind, TurnKind::ForEach { .. } | TurnKind::While)
    }
}

/// The turns to a command of an item, from the outside in.
pub(super) fn turns_to(item: usize, script: &Script, command: &Command) -> Vec<Turn> {
    let of_compound = |compound: &Compound| {
        let number = compound.holds(command.span)?;
        let kind = match &compound.kind {
            CompoundKind::Choice { branches, is_complete } => {
                TurnKind::Branch { number, count: branches.len(), is_complete: *is_complete }
            }
            CompoundKind::For { runs, .. } => TurnKind::ForEach { runs: *runs },
            CompoundKind::While => TurnKind::While,
            CompoundKind::Function(_) | CompoundKind::Subshell => return None,
        };
        Some(Turn { item, span: compound.span, kind })
    };
    let test = test_before(script, command).map(|span| Turn { item, span, kind: TurnKind::Test });
    script.compounds.iter().filter_map(of_compound).chain(test).collect()
}

/// Programs that stand in front of `&&` to ask something.
const TESTS: [&str; 5] = ["[", "git", "grep", "test", "which"];

/// A test in front of `&&`, in the list whose last part is `command`.
fn test_before(script: &Script, command: &Command) -> Option<Span> {
    let at = command.place.nesting.iter().rposition(|nesting| *nesting == Nesting::And)?;
    let outer = command.place.nesting.get(..at)?;
    let is_test = |other: &&Command| {
        let inner = other.place.nesting.strip_prefix(outer);
        let is_in_list = matches!(inner, Some([Nesting::Tested] | [Nesting::And, Nesting::Tested]));
        is_in_list && other.name().is_some_and(|name| TESTS.contains(&name.as_str()))
    };
    let before = script
        .commands
        .iter()
        .filter(|other| other.statement == command.statement && other.span.start() < command.span.start());
    before.filter(is_test).map(|other| other.span).next_back().or_else(|| extended_test_before(script, command))
}

/// `[[ … ]]` is no command; it stands in the same list where nothing separates the two.
fn extended_test_before(script: &Script, command: &Command) -> Option<Span> {
    let start = script.statements.get(command.statement)?.span.start();
    let before = script.text().get(start..command.span.start())?;
    let list = before.rsplit([';', '\n']).next()?;
    let at = start + before.len() - list.len() + list.find("[[")?;
    Some(Span::new(at, command.span.start()))
}

/// Whether a script takes no more than one of these two ways.
#[must_use]
pub fn exclude_each_other(one: &[Turn], other: &[Turn]) -> bool {
    // In a loop one round may go one way, and the next one the other.
    let mut pairs = one.iter().zip(other).take_while(|(turn, _)| !turn.repeats());
    pairs.any(|(turn, other)| {
        let numbers = match (turn.kind, other.kind) {
            (TurnKind::Branch { number, .. }, TurnKind::Branch { number: other, .. }) => Some((number, other)),
            _ => None,
        };
        (turn.item, turn.span) == (other.item, other.span) && numbers.is_some_and(|(number, other)| number != other)
    })
}

/// Whether a script certainly takes one of these ways.
#[must_use]
pub fn is_certain(ways: &[&[Turn]]) -> bool {
    let behind = |turn: &Turn, number: usize| -> Vec<&[Turn]> {
        let rest = ways.iter().filter_map(|way| way.split_first());
        let rest = rest.filter(|(first, _)| (first.item, first.span) == (turn.item, turn.span));
        let of_branch = rest.filter(|(first, _)| match first.kind {
            TurnKind::Branch { number: own, .. } => own == number,
            _ => true,
        });
        of_branch.map(|(_, rest)| rest).collect()
    };
    ways.iter().any(|way| match way.first() {
        None => true,
        Some(turn) => match turn.kind {
            TurnKind::Branch { count, is_complete, .. } => {
                is_complete && (0..count).all(|number| is_certain(&behind(turn, number)))
            }
            TurnKind::ForEach { runs } => runs && is_certain(&behind(turn, 0)),
            TurnKind::While | TurnKind::Test => false,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::{Turn, exclude_each_other, is_certain, turns_to};
    use crate::syntax::shell::Script;

    /// The turns to each `make` of a script.
    fn turns(text: &str) -> Vec<Vec<Turn>> {
        let script = Script::parse(text);
        let makes = script.commands.iter().filter(|command| command.name().as_deref() == Some("make"));
        makes.map(|command| turns_to(0, &script, command)).collect()
    }

    fn certain(text: &str) -> bool {
        let turns = turns(text);
        is_certain(&turns.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    #[test]
    fn one_of_all_branches_is_certain() {
        assert!(certain("make"));
        assert!(certain("if a; then make; else make x; fi"));
        assert!(certain("if a; then if b; then make; else make c; fi; elif d; then make; else make; fi"));
        assert!(certain("case $a in b) make;; *) make;; esac"));
        assert!(certain("for a in b $c; do make; done"));
        assert!(certain("if a; then make; fi; make"));
        assert!(certain("if [ a ]; then cd b && make; else make; fi"));
        assert!(!certain("if a; then make; fi"));
        assert!(!certain("if a; then make; elif b; then make; fi"));
        assert!(!certain("if a; then make; else b; fi"));
        assert!(!certain("if a; then make; fi; if b; then c; else make; fi"));
        assert!(!certain("case $a in b) make;; c) make;; esac"));
        assert!(!certain("for a in $c; do make; done"));
        assert!(!certain("while a; do make; done"));
        assert!(!certain("[ -n \"$a\" ] && make"));
        assert!(!certain("test -n \"$a\" && cd b && make"));
        assert!(!certain("[[ -n $a ]] && make"));
        assert!(certain("if [[ a ]]; then cd b && make; else make; fi"));
        assert!(!certain("case $a in b) make;& *) make;; esac"));
        assert!(certain("cd b && make"));
    }

    #[test]
    fn two_branches_exclude_each_other_outside_of_loops() {
        let excluded = |text: &str| {
            let turns = turns(text);
            exclude_each_other(&turns[0], &turns[1])
        };
        assert!(excluded("if a; then make; else make; fi"));
        assert!(excluded("if a; then if b; then make; fi; else make; fi"));
        assert!(!excluded("if a; then make; fi; if b; then make; fi"));
        assert!(!excluded("for a in b c; do if a; then make; else make; fi; done"));
        assert!(!excluded("if a; then make; make; fi"));
    }
}
