//! Functions of a script that are defined once and called once: their commands run where the call stands.

use crate::syntax::shell::{Command, CompoundKind, Nesting, Script};
use crate::text::Span;

/// A function that runs once.
pub(super) struct Called {
    /// The item that defines it, and the bytes of the definition.
    pub(super) defined: (usize, Span),
    /// The item that calls it, and the bytes of the call.
    pub(super) called: (usize, Span),
}

/// The functions among `scripts`, each with the number of its item, that are defined once and called once by their name.
pub(super) fn called_once(scripts: &[(usize, Script)]) -> Vec<Called> {
    let definitions = scripts.iter().flat_map(|(item, script)| {
        let functions = script.compounds.iter().filter_map(|compound| match &compound.kind {
            CompoundKind::Function(name) => Some((name.as_str(), compound.span)),
            _ => None,
        });
        functions.map(move |(name, span)| (name, *item, span))
    });
    let definitions: Vec<_> = definitions.collect();
    let is_only = |name: &str| definitions.iter().filter(|(other, ..)| *other == name).count() == 1;
    let own = definitions.iter().filter(|(name, ..)| is_only(name));
    own.filter_map(|(name, item, span)| {
        let called = call_of(scripts, name).filter(|called| *called > (*item, *span))?;
        let is_plain = !returns_early(scripts, name, *item, *span);
        is_plain.then_some(Called { defined: (*item, *span), called })
    })
    .collect()
}

/// The one call of a function; `None` where there are others, or may be.
fn call_of(scripts: &[(usize, Script)], name: &str) -> Option<(usize, Span)> {
    let commands =
        scripts.iter().flat_map(|(item, script)| script.commands.iter().map(move |command| (*item, command)));
    let names = |command: &Command| {
        let is_name = |word: &crate::syntax::shell::Word| word.literal().is_none_or(|text| text == name);
        // `trap f EXIT` and `$F` may call it as well.
        command.words.iter().take(1).any(is_name)
            || command.words.iter().skip(1).any(|word| word.literal().as_deref() == Some(name))
                && command
                    .name()
                    .is_some_and(|name| matches!(name.as_str(), "command" | "eval" | "exec" | "time" | "trap"))
    };
    let mut calls = commands.filter(|(_, command)| names(command));
    let (item, command) = calls.next()?;
    let is_plain = |nesting: &Nesting| {
        matches!(
            nesting,
            Nesting::And | Nesting::Case | Nesting::Conditional | Nesting::Group | Nesting::Loop | Nesting::Subshell
        )
    };
    let is_call = command.name().as_deref() == Some(name)
        && command.assignments.is_empty()
        && command.redirections.is_empty()
        && command.place.nesting.iter().all(is_plain);
    (is_call && calls.next().is_none()).then_some((item, command.span))
}

/// Whether the function stands in something else, or may end before its last command.
fn returns_early(scripts: &[(usize, Script)], name: &str, item: usize, span: Span) -> bool {
    let script = scripts.iter().find(|(other, _)| *other == item).map(|(_, script)| script);
    let mut own = script.iter().flat_map(|script| &script.commands).filter(|command| span.covers(command.span));
    own.any(|command| {
        let is_nested = command.place.nesting.first() != Some(&Nesting::Function(name.to_owned()));
        is_nested || command.name().is_some_and(|name| name == "return")
    })
}
