//! What a subshell does to itself: where it goes and what it sets ends with it.

use std::collections::{HashMap, HashSet};

use super::Walker;
use crate::syntax::shell::{Command, CompoundKind, Script};
use crate::text::{RepositoryPath, Span};

/// The subshells that a walk is in, from the outside in, each with what the shell around it was like.
#[derive(Default)]
pub(super) struct Subshells(Vec<(Span, Around)>);

/// What a shell is like.
struct Around {
    assigned: HashMap<String, Option<String>>,
    exported: HashSet<String>,
    folder: Option<RepositoryPath>,
    left: Option<RepositoryPath>,
    pushed: Vec<Option<RepositoryPath>>,
    own_folder: Option<RepositoryPath>,
}

impl Walker<'_> {
    /// Leaves the subshells that do not hold the next command, and enters those that do; without one it leaves all.
    pub(super) fn follow_subshells(&mut self, script: &Script, next: Option<&Command>, subshells: &mut Subshells) {
        let holds = |span: Span| next.is_some_and(|next| span.covers(next.span));
        while let Some((_, around)) = subshells.0.pop_if(|(span, _)| !holds(*span)) {
            self.note_variables();
            self.assigned = around.assigned;
            self.exported = around.exported;
            self.folder = around.folder;
            self.left = around.left;
            self.pushed = around.pushed;
            self.own_folder = around.own_folder;
        }
        let found = script.compounds.iter().filter(|compound| compound.kind == CompoundKind::Subshell);
        let mut entered: Vec<_> = found.map(|compound| compound.span).filter(|span| holds(*span)).collect();
        entered.retain(|span| !subshells.0.iter().any(|(known, _)| known == span));
        entered.sort_by_key(|span| span.start());
        for span in entered {
            let around = Around {
                assigned: self.assigned.clone(),
                exported: self.exported.clone(),
                folder: self.folder.clone(),
                left: self.left.clone(),
                pushed: self.pushed.clone(),
                own_folder: self.own_folder.clone(),
            };
            subshells.0.push((span, around));
        }
        self.subshell = subshells.0.last().map(|(span, _)| *span);
    }
}
