//! Files of the hand-off that the image job lays where the Dockerfile takes them: `cp bin/app docker/`.

use super::job_script::JobScript;
use crate::docker::{Step, StepWord, place_in_repository};
use crate::gitlab::{PathPattern, Relation};
use crate::source::Repository;
use crate::text::RepositoryPath;

/// One `cp` or `mv` of one file, folder or glob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// The index of its step.
    pub step: usize,
    /// What it takes, from the project's folder on.
    pub from: RepositoryPath,
    /// Where that lies afterwards.
    pub to: RepositoryPath,
}

impl Move {
    /// Where the files at `path` came from; `None` where this did not bring them.
    pub(super) fn origin_of(&self, path: &str) -> Option<String> {
        let below = path.strip_prefix(self.to.as_str())?;
        (below.is_empty() || below.starts_with('/')).then(|| format!("{}{below}", self.from.as_str()))
    }
}

/// The moves of files of `patterns` among the first `count` steps of a script.
pub(super) fn moves(
    repository: &dyn Repository,
    script: &JobScript,
    count: usize,
    patterns: &[PathPattern],
) -> Vec<Move> {
    let steps = script.walk.steps.get(..count).unwrap_or_default();
    let made: Vec<_> = steps.iter().flat_map(made_folders).collect();
    let is_folder = |place: &RepositoryPath| {
        let is_file = repository.tracked().contains_key(place);
        place.is_root() || made.contains(place) || repository.tracks(place) && !is_file
    };
    let found = steps.iter().enumerate().filter_map(|(index, step)| {
        let (from, to) = operands(step)?;
        let folder = step.folder.as_ref()?;
        let place = place_in_repository(from.pattern.as_deref()?, folder)?;
        patterns.iter().any(|pattern| pattern.relation(place.as_str()) == Relation::Covers).then_some(())?;
        let named = to.text()?;
        let target = place_in_repository(named, folder)?;
        let goes_into = named.ends_with('/') || is_folder(&target) || is_glob(place.as_str());
        let to = if goes_into { target.join(place.file_name())? } else { target };
        let tells_something = place.file_name() != "*" && to != place;
        tells_something.then_some(Move { step: index, from: place, to })
    });
    found.collect()
}

fn is_glob(path: &str) -> bool {
    path.contains(['*', '?', '['])
}

/// The two operands of a `cp` or `mv` that brings over whole what it takes.
fn operands(step: &Step) -> Option<(&StepWord, &StepWord)> {
    let (program, words) = step.words.split_first()?;
    matches!(program.text(), Some("cp" | "mv")).then_some(())?;
    let is_flag = |word: &&StepWord| word.raw.starts_with('-');
    let is_plain = |word: &StepWord| {
        let letters = word.raw.trim_start_matches('-');
        matches!(word.raw.as_str(), "--recursive" | "--force" | "--verbose")
            || letters.chars().all(|letter| "rRafpv".contains(letter))
    };
    let (flags, operands): (Vec<_>, Vec<_>) = words.iter().partition(is_flag);
    match operands.as_slice() {
        [from, to] if flags.into_iter().all(is_plain) => Some((from, to)),
        _ => None,
    }
}

fn made_folders(step: &Step) -> Vec<RepositoryPath> {
    let words = step.words.iter().skip(1).filter_map(StepWord::text).filter(|word| !word.starts_with('-'));
    let places = words.filter_map(|word| place_in_repository(word, step.folder.as_ref()?));
    if step.program() == Some("mkdir") { places.collect() } else { Vec::new() }
}
