//! How each `COPY` and `ADD` of a Dockerfile lies to the files that a job hands on.

use std::collections::BTreeSet;
use std::fmt;

use super::landing::is_file;
use crate::docker::{BuildContext, Copy, CopySource, Stages};
use crate::gitlab::{PathPattern, Relation, is_glob, relation_of_paths};
use crate::text::RepositoryPath;

/// How one `COPY` or `ADD` lies to the hand-off.
#[derive(Clone, Debug)]
pub struct CopyUse {
    /// The instruction.
    pub copy: Copy,
    /// One for each of its sources that names files.
    pub sources: Vec<SourceUse>,
}

/// How one source of a `COPY` lies to the hand-off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceUse {
    /// It takes nothing of it.
    Context,
    /// All that it takes of what git does not track is handed on.
    Builder {
        /// The path from the project's folder on, with the globs of the source; or that of the job, where the source
        /// is a glob for more than the job hands on.
        path: String,
        /// Whether the ignore file keeps all of it out of the context, so that the copy cannot have worked.
        is_ignored: bool,
    },
    /// It takes a folder that the files lie below, among others: these are the paths, from the project's folder on.
    Ancestor {
        /// The folder that is copied.
        folder: RepositoryPath,
        /// What lies below it; those that [`is_to_be_collected`](crate::gitlab::is_to_be_collected) tells of are globs.
        below: Vec<String>,
    },
    /// It cannot be told what it takes of it.
    Unclear(Doubt),
}

/// Why it cannot be told what a source takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// The value of this variable is not known.
    Variable(String),
    /// This source takes some of the files that the job hands on, and others.
    Others(String),
    /// `artifacts:exclude` leaves out all of this path.
    Excluded(String),
    /// The ignore file may leave out some of this path, by this pattern.
    Ignored(String, String),
    /// This pattern of the job may match folders.
    Folders(String),
}

impl fmt::Display for Doubt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(source) => write!(formatter, "the value of {source} is not known"),
            Self::Others(source) => {
                write!(formatter, "{source} takes some of the files that the job hands on, and others")
            }
            Self::Excluded(path) => {
                write!(formatter, "artifacts:exclude leaves out {path}")
            }
            Self::Ignored(path, pattern) => {
                write!(formatter, "the ignore file may leave out some of {path} by '{pattern}'")
            }
            Self::Folders(pattern) if pattern.contains("**") => {
                write!(formatter, "{pattern} may match in any folder, and no COPY knows '**'")
            }
            Self::Folders(pattern) => {
                write!(formatter, "{pattern} may match folders, and a COPY would empty these")
            }
        }
    }
}

/// How several patterns together lie to a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Relations {
    /// One of them covers all of it.
    pub covers: bool,
    /// One of them lies below it.
    pub below: bool,
    /// With one of them it cannot be told.
    pub overlaps: bool,
}

impl Relations {
    /// Whether they share some file, or may do so.
    #[must_use]
    pub fn covers_some(self) -> bool {
        self.covers || self.overlaps || self.below
    }
}

/// How `patterns` lie to `path`.
#[must_use]
pub fn relation_to_all(patterns: &[PathPattern], path: &str) -> Relations {
    let mut all = Relations::default();
    for pattern in patterns {
        match pattern.relation(path) {
            Relation::Apart => {}
            Relation::Covers => all.covers = true,
            Relation::Below => all.below = true,
            Relation::Overlaps => all.overlaps = true,
        }
    }
    all
}

/// Every `COPY` and `ADD` of the stages in `reachable` that takes files from the context, and how it lies
/// to `patterns`, less those that lie apart from it.
#[must_use]
pub fn classify(
    stages: &Stages,
    reachable: &BTreeSet<usize>,
    context: &BuildContext,
    patterns: &[PathPattern],
    exclude: &[PathPattern],
) -> Vec<CopyUse> {
    let from_context = stages.copies.iter().filter(|copy| copy.from.is_none() && reachable.contains(&copy.stage));
    let uses = from_context.map(|copy| {
        let sources = copy.sources.iter().map(|source| source_use(source, context, patterns, exclude)).collect();
        CopyUse { copy: copy.clone(), sources }
    });
    uses.filter(|copy| copy.sources.iter().any(|source| *source != SourceUse::Context)).collect()
}

pub(super) fn source_use(
    source: &CopySource,
    context: &BuildContext,
    patterns: &[PathPattern],
    exclude: &[PathPattern],
) -> SourceUse {
    let Some(path) = &source.path else {
        let stem = source.written.split('$').next().unwrap_or_default();
        let folder = stem.rsplit_once('/').map_or("", |(folder, _)| folder);
        let may_touch = context.folder.join(folder).is_none_or(|folder| {
            let relations = relation_to_all(patterns, folder.as_str());
            relations.covers_some()
        });
        let doubt = || Doubt::Variable(source.written.clone());
        return if may_touch { SourceUse::Unclear(doubt()) } else { SourceUse::Context };
    };
    let Some(place) = context.folder.join(path) else {
        return SourceUse::Context;
    };
    let relations = relation_to_all(patterns, place.as_str());
    if relations.covers {
        return covered(&place, context, exclude);
    }
    if let Some(narrower) = narrowed(source, &place, patterns) {
        return covered(&narrower, context, exclude);
    }
    if let Some(several) = several(source, &place, patterns) {
        return below_folder(&several, context, patterns, exclude);
    }
    if relations.overlaps && is_beside_all(&place, patterns) {
        return SourceUse::Context;
    }
    if relations.overlaps {
        return SourceUse::Unclear(Doubt::Others(source.written.clone()));
    }
    if !relations.below {
        return SourceUse::Context;
    }
    below_folder(&place, context, patterns, exclude)
}

/// Whether the place is a file, and neither it nor a folder above it is one that the job hands on: nothing of `**/target`
/// lies in `nginx.conf`.
fn is_beside_all(place: &RepositoryPath, patterns: &[PathPattern]) -> bool {
    is_file(place.as_str()) && !patterns.iter().any(|pattern| !pattern.is_known || pattern.may_name(place.as_str()))
}

/// The one path of the hand-off that a glob takes, where it stands for names beside it: `target/app.jar` for
/// `target/*.jar`. A build may leave more behind that the glob fits, such as `target/original-app.jar`, and none of
/// that was handed on. What a variable stands for is left alone.
fn narrowed(source: &CopySource, place: &RepositoryPath, patterns: &[PathPattern]) -> Option<RepositoryPath> {
    if !is_glob(place.as_str()) {
        return None;
    }
    let mut touched = patterns.iter().filter(|pattern| pattern.relation(place.as_str()) != Relation::Apart);
    let pattern = touched.next()?;
    let is_only = touched.all(|other| other.text == pattern.text);
    let is_beside = pattern.text.split('/').count() == place.as_str().split('/').count();
    let is_within = relation_of_paths(place.as_str(), &pattern.text) == Relation::Covers;
    let is_exact = pattern.copied() == Some(&pattern.text);
    let fits = is_only && is_beside && is_within && is_exact && pattern.is_known && !source.written.contains('$');
    if fits { RepositoryPath::new(&pattern.text) } else { None }
}

/// The folder in which a glob takes several files of the hand-off, each named by itself, and nothing else of it.
fn several(source: &CopySource, place: &RepositoryPath, patterns: &[PathPattern]) -> Option<RepositoryPath> {
    let (folder, name) = place.as_str().rsplit_once('/')?;
    let folder = RepositoryPath::new(folder).filter(|folder| !is_glob(folder.as_str()) && is_glob(name))?;
    let mut within = patterns.iter().filter(|pattern| pattern.relation(folder.as_str()) != Relation::Apart);
    let is_taken = |pattern: &PathPattern| {
        let is_beside = RepositoryPath::new(&pattern.text).is_some_and(|path| path.parent() == folder);
        let is_exact = pattern.is_literal() && pattern.is_known && is_file(&pattern.text);
        is_exact && is_beside && relation_of_paths(place.as_str(), &pattern.text) == Relation::Covers
    };
    let is_plain = !source.written.contains('$') && within.clone().count() > 1;
    (is_plain && within.all(is_taken)).then_some(folder)
}

fn covered(place: &RepositoryPath, context: &BuildContext, exclude: &[PathPattern]) -> SourceUse {
    if excluded(exclude, place.as_str()) {
        return SourceUse::Unclear(Doubt::Excluded(place.as_str().to_owned()));
    }
    let path = place.as_str().to_owned();
    match ignored(context, place.as_str()) {
        Ignored::No => SourceUse::Builder { path, is_ignored: false },
        Ignored::All => SourceUse::Builder { path, is_ignored: true },
        Ignored::Some(pattern) => SourceUse::Unclear(Doubt::Ignored(path, pattern)),
    }
}

fn below_folder(
    folder: &RepositoryPath,
    context: &BuildContext,
    patterns: &[PathPattern],
    exclude: &[PathPattern],
) -> SourceUse {
    let mut below = Vec::new();
    let is_below = |pattern: &&PathPattern| pattern.relation(folder.as_str()) == Relation::Below;
    let is_within_another = |pattern: &PathPattern| {
        patterns.iter().any(|other| other.text != pattern.text && other.relation(&pattern.text) == Relation::Covers)
    };
    for pattern in patterns.iter().filter(is_below).filter(|pattern| !is_within_another(pattern)) {
        let Some(copied) = pattern.copied_or_collected() else {
            return SourceUse::Unclear(Doubt::Folders(pattern.written.to_string()));
        };
        if below.iter().any(|path| path == copied) {
            continue;
        }
        match ignored(context, &pattern.text) {
            Ignored::All => continue,
            Ignored::Some(ignore) => {
                return SourceUse::Unclear(Doubt::Ignored(pattern.text.clone(), ignore));
            }
            Ignored::No => {}
        }
        if excluded(exclude, &pattern.text) {
            return SourceUse::Unclear(Doubt::Excluded(pattern.text.clone()));
        }
        below.push(copied.to_owned());
    }
    if below.is_empty() { SourceUse::Context } else { SourceUse::Ancestor { folder: folder.clone(), below } }
}

fn excluded(exclude: &[PathPattern], path: &str) -> bool {
    relation_to_all(exclude, path).covers
}

enum Ignored {
    No,
    All,
    Some(String),
}

/// Whether the ignore file leaves out the path, which may hold globs, or some of what lies below it.
fn ignored(context: &BuildContext, path: &str) -> Ignored {
    let Some((_, ignore)) = &context.ignore else {
        return Ignored::No;
    };
    let below_context = match RepositoryPath::new(path) {
        Some(place) => place.relative_to(&context.folder).map(str::to_owned),
        None => None,
    };
    let Some(path) = below_context else {
        return Ignored::No;
    };
    if ignore.matches(&path) && ignore.excludes_all_below(&path) {
        return Ignored::All;
    }
    if !is_glob(&path) && (is_file(&path) && !ignore.matches(&path) || ignore.includes_all_below(&path)) {
        return Ignored::No;
    }
    match ignore.patterns.iter().rev().find(|pattern| may_match_below(&pattern.path, &path)) {
        Some(pattern) => Ignored::Some(pattern.path.clone()),
        None if ignore.matches(&path) => Ignored::All,
        None => Ignored::No,
    }
}

/// Whether an ignore pattern may match something strictly below `path`, but not the path itself.
fn may_match_below(pattern: &str, path: &str) -> bool {
    match relation_of_paths(pattern, path) {
        Relation::Apart | Relation::Covers => false,
        Relation::Below | Relation::Overlaps => true,
    }
}
