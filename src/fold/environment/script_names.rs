//! The names that a script reads from its environment.

use std::collections::BTreeMap;

use crate::handoff::JobScript;
use crate::syntax::shell::{Command, Reason, Script};
use crate::text::Span;

/// A place in a script: the item, and the byte in its text.
type Position = (usize, usize);

/// A variable that a script reads before it sets it, if it ever does.
pub(in crate::fold) struct VariableRead {
    pub(in crate::fold) name: String,
    /// The item of the script.
    pub(in crate::fold) item: usize,
    /// The bytes of the name in the item's text.
    pub(in crate::fold) span: Span,
}

/// Every place of `script` that reads a variable of its environment.
pub(in crate::fold) fn variables_read(script: &JobScript) -> Vec<VariableRead> {
    reads_of(&texts(script))
}

/// The variables that a script of the repository reads from its environment.
pub(super) fn names_read_by(text: &str) -> impl Iterator<Item = String> + use<> {
    reads_of(&[text]).into_iter().map(|read| read.name)
}

/// The variables that a script sets, on whichever line, each with the end of the first place that does: what
/// stands in `X=${X:-default}` is still read from outside.
pub(in crate::fold) fn first_settings(script: &JobScript) -> BTreeMap<String, Position> {
    settings_of(&texts(script))
}

/// The variables that a script assigns, in its order, each with the text of the assignment.
pub(in crate::fold) fn assignments(script: &JobScript) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for text in texts(script) {
        let parsed = Script::parse(text);
        let assigned = parsed.commands.iter().flat_map(|command| assigned(&parsed, command));
        found.extend(assigned.map(|(name, span)| (name, span.slice(text).to_owned())));
    }
    found
}

fn texts(script: &JobScript) -> Vec<&str> {
    script.items.iter().map(|item| item.text.as_deref().unwrap_or_default()).collect()
}

fn reads_of(texts: &[&str]) -> Vec<VariableRead> {
    let set = settings_of(texts);
    let is_from_outside =
        |read: &VariableRead| set.get(&read.name).is_none_or(|until| (read.item, read.span.start()) < *until);
    let mut reads = Vec::new();
    for (item, text) in texts.iter().enumerate() {
        let uses = Script::parse(text).read_variables().into_iter();
        reads.extend(uses.map(|variable| VariableRead { name: variable.name, item, span: variable.span }));
    }
    reads.retain(is_from_outside);
    reads
}

fn settings_of(texts: &[&str]) -> BTreeMap<String, Position> {
    let mut settings = BTreeMap::new();
    let mut note = |name: String, position: Position| {
        settings.entry(name).or_insert(position);
    };
    for (item, text) in texts.iter().enumerate() {
        let parsed = Script::parse(text);
        for command in &parsed.commands {
            assigned(&parsed, command).for_each(|(name, span)| note(name, (item, span.end())));
        }
        for change in parsed.state_changes() {
            if let Reason::Variable(name) = change.reason {
                note(name, (item, change.span.start()));
            }
        }
    }
    settings
}

/// What a command assigns for the shell itself: `X=1`, `export X=1`.
fn assigned<'a>(script: &'a Script, command: &'a Command) -> impl Iterator<Item = (String, Span)> + 'a {
    let plain = command.assignments.iter().filter(|_| command.words.is_empty());
    let plain = plain.map(|assignment| (assignment.name.clone(), assignment.span));
    let declares = matches!(command.name().as_deref(), Some("export" | "readonly" | "declare" | "local" | "typeset"));
    let words = command.words.iter().skip(1).filter(move |_| declares);
    let declared = words.filter_map(|word| Some((word.raw(script.text()).split_once('=')?.0.to_owned(), word.span)));
    plain.chain(declared)
}

#[cfg(test)]
mod tests {
    use super::variables_read;
    use crate::gitlab::Pipeline;
    use crate::handoff::JobScript;
    use crate::source::MemoryRepository;
    use crate::text::RepositoryPath;

    fn names(items: &str) -> Vec<String> {
        let text = format!("job:\n  script:\n{items}");
        let repository = MemoryRepository::new([(".gitlab-ci.yml", text.as_str())]);
        let pipeline = Pipeline::read(&repository, &RepositoryPath::new(".gitlab-ci.yml").unwrap()).unwrap();
        let script = JobScript::new(pipeline.job("job").unwrap());
        variables_read(&script).into_iter().map(|read| read.name).collect()
    }

    #[test]
    fn what_the_script_sets_itself_is_read_from_outside_only_before() {
        assert_eq!(names("    - echo $X\n    - X=1\n    - echo $X\n"), ["X"]);
        assert_eq!(names("    - X=1\n    - echo $X\n"), Vec::<String>::new());
        assert_eq!(names("    - X=${X:-1}\n"), ["X"]);
        assert_eq!(names("    - export X=${X:-1} Y=2\n    - echo $X $Y\n"), ["X"]);
        assert_eq!(names("    - for f in a b; do echo $f; done\n"), Vec::<String>::new());
    }
}
