//! What a loop does to the commands that stand before it does so.

use super::Walker;
use crate::syntax::shell::{Command, CompoundKind, Script};
use crate::text::Span;

impl<'a> Walker<'a> {
    /// What a loop sets, or where it goes, holds for the commands at its beginning too, from the second round on.
    pub(super) fn enter_loops(&mut self, script: &Script, command: &Command, entered: &mut Vec<Span>) {
        for compound in &script.compounds {
            let variable = match &compound.kind {
                CompoundKind::For { variable, .. } => Some(variable),
                CompoundKind::While => None,
                _ => continue,
            };
            if !compound.span.covers(command.span) || entered.contains(&compound.span) {
                continue;
            }
            entered.push(compound.span);
            self.assigned.extend(variable.map(|name| (name.clone(), None)));
            // What happens in a subshell of the loop has no say in the next round.
            let subshells: Vec<_> =
                script.compounds.iter().filter(|inner| inner.kind == CompoundKind::Subshell).collect();
            let is_apart = |inner: &&Command| {
                let mut own = subshells.iter().filter(|subshell| compound.span.covers(subshell.span));
                own.any(|subshell| subshell.span.covers(inner.span))
            };
            let inner = script.commands.iter().filter(|inner| compound.span.covers(inner.span));
            inner.filter(|inner| !is_apart(inner)).for_each(|inner| self.forget(script, inner));
        }
    }

    /// Makes what a command sets, and the folder if it leaves that, unknown; those of a function that it calls as well.
    fn forget(&mut self, script: &Script, command: &Command) {
        let of_shell = command.assignments.iter().map(|assignment| assignment.name.clone());
        let set = of_shell.chain(command.declared_names(script.text()));
        self.assigned.extend(set.map(|name| (name, None)));
        if command.change_directory().is_some() {
            self.folder = None;
        }
        let Some((script, function)) = self.function_called_by(script, command) else {
            return;
        };
        for inner in script.commands.iter().filter(|inner| function.covers(inner.span)) {
            self.forget(script, inner);
        }
    }

    fn function_called_by(&self, script: &Script, command: &Command) -> Option<(&'a Script, Span)> {
        let (item, _) = self.scripts.iter().find(|(_, other)| std::ptr::eq(other, script))?;
        let called = self.called.iter().find(|called| called.called == (*item, command.span))?;
        let (_, definition) = self.scripts.iter().find(|(item, _)| *item == called.defined.0)?;
        Some((definition, called.defined.1))
    }
}
