//! Whether `make` builds an image, where a Makefile is not read for what it does.

use super::{NAMES, as_shell_gets_it};
use crate::docker::{StepWord, place_in_repository};
use crate::handoff::own_programs::builds;
use crate::source::Repository;
use crate::text::RepositoryPath;

/// The Makefile that `make` reads, if a recipe that it may run for these goals builds an image, as far as its lines tell.
pub(in crate::handoff) fn building(
    repository: &dyn Repository,
    folder: &RepositoryPath,
    arguments: &[StepWord],
) -> Option<RepositoryPath> {
    let words: Vec<_> = arguments.iter().map(|word| word.text().unwrap_or(&word.raw)).collect();
    let value_of = |names: [&str; 3]| {
        words.iter().enumerate().find_map(|(at, word)| {
            let name = names.into_iter().find(|name| word.starts_with(name))?;
            let joined = word.strip_prefix(name)?.trim_start_matches('=');
            if joined.is_empty() { words.get(at + 1).copied() } else { Some(joined) }
        })
    };
    let folder = match value_of(["-C", "--directory", "--directory"]) {
        Some(path) => place_in_repository(path, folder)?,
        None => folder.clone(),
    };
    let places = match value_of(["-f", "--file", "--makefile"]) {
        Some(file) => vec![place_in_repository(file, &folder)?],
        None => NAMES.iter().filter_map(|name| folder.join(name)).collect(),
    };
    let place = places.into_iter().find(|place| repository.tracked().contains_key(place))?;
    let source = repository.read(&place).ok()?;
    let goals: Vec<_> = words.iter().filter(|word| !word.starts_with('-') && !word.contains('=')).copied().collect();
    runs_build(source.text(), &goals, 0).then_some(place)
}

/// Whether the rules of these targets, or of what they need, hold a line that builds an image.
fn runs_build(text: &str, goals: &[&str], depth: usize) -> bool {
    let mut rules = text.lines().enumerate().filter_map(|(at, line)| {
        let is_rule = !line.starts_with(['\t', '#', ' ', '.']);
        let (targets, needed) = line.split_once(':').filter(|(_, rest)| is_rule && !rest.starts_with('='))?;
        Some((at, targets, needed))
    });
    let is_meant = |targets: &str| goals.is_empty() || targets.split_whitespace().any(|own| goals.contains(&own));
    let found: Vec<_> = match goals {
        [] => rules.next().into_iter().collect(),
        _ => rules.filter(|(_, targets, _)| is_meant(targets)).collect(),
    };
    found.into_iter().any(|(at, _, needed)| {
        let recipe = text.lines().skip(at + 1).take_while(|line| line.starts_with('\t') || line.trim().is_empty());
        let lines: Vec<_> = recipe.collect();
        let called =
            lines.iter().filter_map(|line| line.split_once("$(MAKE)")).flat_map(|(_, rest)| rest.split_whitespace());
        let next: Vec<_> = needed.split_whitespace().chain(called).filter(|word| !word.starts_with('-')).collect();
        let command = |line: &&str| {
            let written = line.trim_start().trim_start_matches(['@', '-', '+']);
            as_shell_gets_it(written).unwrap_or_else(|| written.to_owned())
        };
        lines.iter().any(|line| builds(&command(line)))
            || depth < 4 && !next.is_empty() && runs_build(text, &next, depth + 1)
    })
}

#[cfg(test)]
mod tests {
    use super::runs_build;

    #[test]
    fn a_goal_builds_by_its_own_recipe_and_by_those_of_what_it_needs() {
        let text = "include a.mk\nX := 1\nall: image\nimage: | login\n\t@docker build \\\n\t  -t $(patsubst a,b,c) .\n\nlogin:\n\tdocker login\nagain:\n\t$(MAKE) -s image\ntest:\n\tnpm test # docker build\n";
        for (goals, expected) in [
            (&["image"][..], true),
            (&["all"], true),
            (&["again"], true),
            (&[], true),
            (&["login"], false),
            (&["test"], false),
            (&["gone"], false),
        ] {
            assert_eq!(runs_build(text, goals, 0), expected, "{goals:?}");
        }
    }
}
