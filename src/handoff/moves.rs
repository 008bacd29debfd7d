//! Files of the hand-off that the image job lays where the Dockerfile takes them: `cp bin/app docker/`.

use super::job_script::JobScript;
use crate::docker::{Step, StepWord, place_in_repository};
use crate::gitlab::{PathPattern, Relation, is_glob, may_take, relation_of_paths};
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
    /// Whether it is no longer where it was.
    pub is_gone: bool,
    /// Whether it is a file, where the command tells: `cp` takes no folder without being told to.
    pub is_file: Option<bool>,
}

impl Move {
    /// What is brought where.
    pub(super) const fn places(&self) -> (&RepositoryPath, &RepositoryPath) {
        (&self.from, &self.to)
    }

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
    exclude: &[PathPattern],
) -> Vec<Move> {
    let steps = script.walk.steps.get(..count).unwrap_or_default();
    let made: Vec<_> = steps.iter().flat_map(made_folders).collect();
    let is_folder = |place: &RepositoryPath| {
        let is_file = repository.tracked().contains_key(place);
        place.is_root() || made.contains(place) || repository.tracks(place) && !is_file
    };
    let found = steps.iter().enumerate().filter_map(|(index, step)| {
        let Operands { from, to, is_gone, is_file } = operands(step)?;
        let folder = step.folder.as_ref()?;
        let written = from.pattern.as_deref()?;
        let place = taken(&place_in_repository(written, folder)?, patterns)?;
        // The files that git tracks there, and those that the job left out, do not go the way of the others.
        let is_mixed = exclude.iter().any(|pattern| pattern.relation(place.as_str()) != Relation::Apart)
            || holds_tracked(repository, &place_in_repository(written, folder)?);
        if is_mixed || is_gone && !step.place.is_top_level() {
            return None;
        }
        let named = to.text()?;
        let target = place_in_repository(named, folder)?;
        let goes_into = named.ends_with('/') || is_folder(&target);
        // Where a glob fits one file alone, a path that is no folder is a name for it.
        let names_file = ending(target.as_str()).is_some() && ending(target.as_str()) == ending(place.as_str());
        let goes_into = goes_into || is_glob(place.as_str()) && !names_file;
        let to = match goes_into && !written.ends_with("/.") {
            true => target.join(place.file_name())?,
            false => target,
        };
        let tells_something = place.file_name() != "*" && to != place;
        tells_something.then_some(Move { step: index, from: place, to, is_gone, is_file })
    });
    found.collect()
}

/// Whether git tracks something at or below a place, or something that its glob fits.
fn holds_tracked(repository: &dyn Repository, place: &RepositoryPath) -> bool {
    repository.tracked().keys().any(|path| may_take(place.as_str(), path.as_str()))
}

/// The moves among `found` of which each goes to a place of its own, where none of the files of `patterns` lie: else the
/// order of the commands would matter, or what lies there already. All or none of them.
pub(super) fn that_are_plain(found: Vec<Move>, patterns: &[PathPattern]) -> Vec<Move> {
    let meets = |one: &RepositoryPath, other: &RepositoryPath| one.is_within(other) || other.is_within(one);
    let is_taken = |moved: &Move| patterns.iter().any(|pattern| pattern.relation(moved.to.as_str()) != Relation::Apart);
    let is_entangled = found.iter().enumerate().any(|(at, moved)| {
        let mut others = found.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, other)| other);
        is_taken(moved)
            || others.any(|other| other != moved && (meets(&moved.to, &other.to) || meets(&moved.to, &other.from)))
    });
    if is_entangled { Vec::new() } else { found }
}

/// What a command takes of the files of `patterns` by naming `place`: all that lies there, or the one path of them that a
/// glob fits, where nothing else was handed on.
fn taken(place: &RepositoryPath, patterns: &[PathPattern]) -> Option<RepositoryPath> {
    if patterns.iter().any(|pattern| pattern.relation(place.as_str()) == Relation::Covers) {
        return Some(place.clone());
    }
    let fits = |pattern: &&PathPattern| relation_of_paths(place.as_str(), &pattern.text) == Relation::Covers;
    let mut fitting = patterns.iter().filter(|pattern| pattern.relation(place.as_str()) != Relation::Apart);
    let only = fitting.next().filter(|_| is_glob(place.as_str())).filter(fits)?;
    fitting.next().is_none().then(|| only.path())?
}

fn ending(path: &str) -> Option<&str> {
    path.rsplit('/').next()?.rsplit_once('.').map(|(_, ending)| ending)
}

/// A `cp` or `mv` of one place to another.
struct Operands<'a> {
    from: &'a StepWord,
    to: &'a StepWord,
    is_gone: bool,
    is_file: Option<bool>,
}

/// The two operands of a `cp` or `mv` that brings over whole what it takes.
fn operands(step: &Step) -> Option<Operands<'_>> {
    let (program, words) = step.words.split_first()?;
    matches!(program.text(), Some("cp" | "mv")).then_some(())?;
    let is_flag = |word: &&StepWord| word.raw.starts_with('-');
    let is_plain = |word: &StepWord| {
        let letters = word.raw.trim_start_matches('-');
        matches!(word.raw.as_str(), "--recursive" | "--force" | "--verbose")
            || letters.chars().all(|letter| "rRafpv".contains(letter))
    };
    let (flags, operands): (Vec<_>, Vec<_>) = words.iter().partition(is_flag);
    let is_gone = program.text() == Some("mv");
    let is_short = |flag: &str| !flag.starts_with("--") && flag.contains(['r', 'R', 'a']);
    let is_recursive = flags.iter().any(|flag| flag.raw == "--recursive" || is_short(&flag.raw));
    let is_file = (!is_gone && !is_recursive).then_some(true);
    match operands.as_slice() {
        [from, to] if flags.into_iter().all(is_plain) => Some(Operands { from, to, is_gone, is_file }),
        _ => None,
    }
}

fn made_folders(step: &Step) -> Vec<RepositoryPath> {
    let words = step.words.iter().skip(1).filter_map(StepWord::text).filter(|word| !word.starts_with('-'));
    let places = words.filter_map(|word| place_in_repository(word, step.folder.as_ref()?));
    if step.program() == Some("mkdir") { places.collect() } else { Vec::new() }
}
