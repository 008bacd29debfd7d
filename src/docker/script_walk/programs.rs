//! The commands of programs that a script runs out of other files.

use std::collections::HashMap;

use super::{Caller, Walker};
use crate::docker::followed::Program;
use crate::docker::functions::called_once;
use crate::docker::script_walk::place_in_repository;
use crate::docker::step::{Step, StepWord};
use crate::syntax::shell::{Nesting, Script};
use crate::text::RepositoryPath;

impl Walker<'_> {
    /// What a step runs out of another file, where it stands so that its failure is that of the script.
    pub(super) fn followed(&self, step: &Step) -> Option<Program> {
        let (follow, _) = self.follow?;
        // Behind `||`, in a test or for what it prints it may run and its failure be lost.
        let is_plain = |nesting: &Nesting| match nesting {
            Nesting::Pipeline | Nesting::Tested => step.caller.is_none(),
            Nesting::And
            | Nesting::Case
            | Nesting::Conditional
            | Nesting::Group
            | Nesting::Loop
            | Nesting::Subshell => true,
            _ => false,
        };
        follow(step).filter(|_| step.place.nesting.iter().all(is_plain))
    }

    /// Walks the commands of a program, which runs in shells of its own.
    pub(super) fn program(&mut self, program: Program, step: &Step) {
        let first = self.follow.map_or(0, |(_, count)| count) + self.walk.parts.len();
        let scripts = program.parts.iter().enumerate();
        let scripts: Vec<_> = scripts.map(|(at, part)| (first + at, Script::parse(&part.text))).collect();
        let caller = Caller {
            nesting: step.place.nesting.clone(),
            turns: step.turns.clone(),
            place: step.caller.or(Some((step.item, step.span))),
            skipped: 0,
        };
        self.walk.parts.extend(program.parts);
        self.walk.changed.extend(program.changed);
        let known = |(name, value): (&String, &Option<String>)| {
            (name.clone(), value.clone().filter(|_| self.exported.contains(name)))
        };
        let mut assigned: HashMap<_, _> = self.assigned.iter().map(known).collect();
        assigned.extend(step.environment.iter().cloned());
        assigned.extend(program.variables);
        for (index, script) in &scripts {
            let own = [(*index, script.clone())];
            let called = called_once(&own);
            let mut inner = Walker {
                walk: std::mem::take(&mut self.walk),
                lookup: self.lookup,
                follow: None,
                assigned: assigned.clone(),
                exported: self.exported.clone(),
                folder: Some(program.folder.clone()),
                left: None,
                pushed: Vec::new(),
                subshell: None,
                own_folder: own_folder(step),
                scripts: &own,
                called: &called,
            };
            inner.item(*index, script, &caller);
            inner.note_variables();
            self.walk = inner.walk;
        }
    }
}

/// The folder of the script that a step runs by its path.
fn own_folder(step: &Step) -> Option<RepositoryPath> {
    let path =
        step.words.iter().filter_map(StepWord::text).find(|text| text.contains('/') && !text.starts_with("/bin/"))?;
    place_in_repository(path, step.folder.as_ref()?)?.join("..")
}

/// The place that `$(dirname "$0")` and what stands behind it names in a script that lies in `folder`.
pub(super) fn below_own_folder(raw: &str, folder: &RepositoryPath) -> Option<RepositoryPath> {
    const BEGINNINGS: [&str; 5] =
        ["$(dirname \"$0\")", "$(dirname $0)", "$(dirname -- \"$0\")", "$(dirname \"${BASH_SOURCE[0]}\")", "${0%/*}"];
    let bare = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')).unwrap_or(raw);
    let rest = BEGINNINGS.iter().find_map(|beginning| bare.strip_prefix(beginning))?.trim_matches('"');
    let is_path = rest.is_empty() || rest.starts_with('/') && !rest.contains(['$', '`', '"', '*']);
    if is_path { folder.join(rest.trim_start_matches('/')) } else { None }
}
