//! The statements of a script, each with the folder that it runs in.
//!
//! A `cd` to a folder of the repository cannot fail, and ends as a `WORKDIR`, so that what follows it may have `RUN`s of its own:
//! ```yaml
//! - cd web
//! - npm ci
//! - npm run build
//! ```
//! becomes
//! ```dockerfile
//! WORKDIR /src/web
//! RUN npm ci
//! RUN npm run build
//! ```
//! `cd web && npm ci` is the same, and so is `(cd web && npm ci)`, behind which the folder is the one of before.

use super::stands_alone;
use crate::docker::{PROJECT_FOLDER, place_in_repository};
use crate::source::Repository;
use crate::syntax::shell::{Command, Nesting, Script};
use crate::text::RepositoryPath;

/// One statement of the script.
#[derive(Clone)]
pub(super) struct Statement {
    pub(super) text: String,
    pub(super) script: Script,
    /// The folder of the project that it runs in; of no meaning behind the first statement that needs the shell of others.
    pub(super) folder: RepositoryPath,
    /// Whether it does no more than going to the folder of the next one.
    pub(super) only_enters: bool,
}

impl Statement {
    fn new(text: &str) -> Self {
        let text = text.trim().to_owned();
        Self { script: Script::parse(&text), text, folder: RepositoryPath::root(), only_enters: false }
    }

    /// A part of it as a statement of its own.
    fn part(&self, text: &str) -> Self {
        Self { folder: self.folder.clone(), ..Self::new(text) }
    }

    fn within(mut self, folder: &RepositoryPath) -> Self {
        self.folder.clone_from(folder);
        self
    }
}

/// The statements of these items; `is_set` tells which variables the job's environment has.
pub(super) fn of_items<'a>(
    repository: &dyn Repository,
    items: impl Iterator<Item = &'a str>,
    is_set: &dyn Fn(&str) -> bool,
) -> Vec<Statement> {
    let whole: Vec<_> = items.flat_map(cut).collect();
    // A shell that was never told to go there does not know from where it came.
    const GOING_BACK: [&str; 6] = ["OLDPWD", "cd -", "popd", "pushd", "dirs", "~-"];
    let goes_back = whole.iter().any(|statement| GOING_BACK.iter().any(|word| statement.text.contains(word)));
    if goes_back || is_set("CDPATH") || whole.iter().any(|statement| statement.text.contains("CDPATH")) {
        return whole;
    }
    let last = whole.len().saturating_sub(1);
    let mut folder = RepositoryPath::root();
    let mut found: Vec<Statement> = Vec::new();
    let mut is_alone = true;
    for (at, statement) in whole.into_iter().enumerate() {
        let statement = statement.within(&folder);
        if !is_alone {
            found.push(statement);
            continue;
        }
        let (parts, next) = entering(repository, statement, at == last);
        is_alone = parts.iter().all(|part| part.only_enters || stands_alone(part, at == last));
        folder = next;
        found.extend(parts);
    }
    found
}

/// The statements of an item; one that cannot be cut is a single statement.
fn cut(text: &str) -> Vec<Statement> {
    let script = Script::parse(text);
    let cut = script.statements.iter().map(|statement| statement.span.slice(text).trim());
    let found: Vec<_> = cut.filter(|text| !text.is_empty()).map(Statement::new).collect();
    // What runs in the background is cut off by its `&`, and goes on behind the statement.
    let in_background = script.statements.iter().any(|statement| statement.background);
    let is_faithful = script.opaque.is_none()
        && !in_background
        && found.iter().all(|statement| statement.script.statements.len() == 1);
    if is_faithful { found } else { vec![Statement::new(text)] }
}

/// A statement cut behind the `cd` that it begins with, and the folder behind it; whole where it begins with none.
fn entering(repository: &dyn Repository, statement: Statement, is_last: bool) -> (Vec<Statement>, RepositoryPath) {
    let before = statement.folder.clone();
    let Some(list) = AndList::of(&statement) else {
        return (vec![statement], before);
    };
    let parts: Vec<_> = list.parts.iter().map(|text| statement.part(text)).collect();
    let Some(inside) = parts.first().and_then(|first| entered(repository, first)) else {
        return (vec![statement], before);
    };
    // What fails in a list of several ends the script only where nothing follows, or where the list is all of a subshell.
    let is_apart = is_last || list.is_confined;
    let rest: Vec<_> = match list.behind_first {
        Some(rest) if !is_apart => vec![statement.part(rest).within(&inside)],
        _ => parts.iter().skip(1).map(|part| statement.part(&part.text).within(&inside)).collect(),
    };
    if list.is_confined && !rest.iter().all(|part| stands_alone(part, false)) {
        return (vec![statement], before);
    }
    let enter = parts.into_iter().take(1).map(|first| Statement { only_enters: true, ..first });
    let after = if list.is_confined { before } else { inside };
    (enter.chain(rest).collect(), after)
}

/// The commands of the last statement as statements of their own, where each needs nothing of the others' shell.
pub(super) fn apart(statements: &[Statement]) -> Option<Vec<Statement>> {
    let (last, before) = statements.split_last()?;
    let list = AndList::of(last).filter(|list| list.parts.len() > 1 && !list.is_confined)?;
    let parts: Vec<_> = list.parts.iter().map(|text| last.part(text)).collect();
    parts.iter().all(|part| stands_alone(part, false)).then(|| before.iter().cloned().chain(parts).collect())
}

/// Commands with nothing but `&&` between them.
struct AndList<'a> {
    parts: Vec<&'a str>,
    /// All from the second command on.
    behind_first: Option<&'a str>,
    /// Whether they stand in `( … )`.
    is_confined: bool,
}

impl<'a> AndList<'a> {
    fn of(statement: &'a Statement) -> Option<Self> {
        let (text, script) = (statement.text.as_str(), &statement.script);
        if script.opaque.is_some() || script.statements.len() != 1 {
            return None;
        }
        let is_in = |command: &Command, what: &Nesting| command.place.nesting.contains(what);
        let is_outer = |command: &&Command| !is_in(command, &Nesting::Substitution);
        let outer: Vec<_> = script.commands.iter().filter(is_outer).collect();
        let (first, last) = outer.first().zip(outer.last())?;
        let around = (text.get(..first.span.start())?.trim(), text.get(last.span.end()..)?.trim());
        let is_confined = match around {
            ("", "") => false,
            ("(", ")") => true,
            _ => return None,
        };
        let gaps = outer.iter().zip(outer.iter().skip(1));
        let is_and = |(one, next): (&&Command, &&Command)| {
            text.get(one.span.end()..next.span.start()).is_some_and(|gap| gap.replace("\\\n", " ").trim() == "&&")
        };
        let known = |command: &&Command| {
            command.place.nesting.iter().all(|it| matches!(it, Nesting::And | Nesting::Tested | Nesting::Subshell))
        };
        if !gaps.into_iter().all(is_and) || !outer.iter().all(known) {
            return None;
        }
        let behind_first = outer.get(1).and_then(|second| text.get(second.span.start()..last.span.end()));
        let parts = outer.iter().map(|command| command.span.slice(text)).collect();
        Some(Self { parts, behind_first, is_confined })
    }
}

/// The folder of the repository that a statement goes to, where it does nothing else.
fn entered(repository: &dyn Repository, statement: &Statement) -> Option<RepositoryPath> {
    let [command] = statement.script.commands.as_slice() else {
        return None;
    };
    let is_bare = command.assignments.is_empty() && command.redirections.is_empty() && command.words.len() == 2;
    if !is_bare || command.name().as_deref() != Some("cd") {
        return None;
    }
    let written = statement.text.strip_prefix("cd")?.trim();
    let bare = written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(written);
    let project = ["$CI_PROJECT_DIR", "${CI_PROJECT_DIR}"];
    let below = project
        .iter()
        .find_map(|name| bare.strip_prefix(name))
        .filter(|below| below.is_empty() || below.starts_with('/'));
    let target = below.map_or_else(|| bare.to_owned(), |below| format!("{PROJECT_FOLDER}{below}"));
    let place = place_in_repository(&target, &statement.folder)?;
    let is_folder = place.is_root() || repository.tracked_within(&place).any(|(path, _)| *path != place);
    (is_folder && place.is_plain() && !target.starts_with('-')).then_some(place)
}
