//! Where no ignore file is there, one is written that keeps from the build what only a developer's machine has: what the build
//! makes, what package managers install, and the history where neither the build nor the image reads it.
//!
//! ```text
//! .git
//! node_modules
//! dist
//! ```
//! In a pipeline these are not there, but for the history, so the image does not change; by hand the same build works as well, and what
//! is left of an older one does not lie over what the builder stage makes.

mod history;

use crate::docker::BuildContext;
use crate::finding::{Code, Finding, Location};
use crate::gitlab::{Job, PathPattern, Relation, folder_before_glob, is_glob, may_take, relation_of_paths};
use crate::handoff::{SourceUse, TreeUse, downloads_artifacts, tree_use};
use crate::outcome::IgnoreFiles;
use crate::source::Repository;
use crate::text::RepositoryPath;

use super::relaxing;
use super::situation::Situation;
use super::widening::{is_only_dockerfile, is_used_elsewhere};

/// An ignore file that is written for a build that has none.
pub(super) struct Proposal {
    /// Its place.
    pub(super) path: RepositoryPath,
    /// Its lines.
    pub(super) lines: Vec<String>,
}

impl Proposal {
    /// The ignore file for a Dockerfile that the build jobs of `situations` get a stage of; `None` where there is one, or nothing to
    /// name in it, and where it might be read for another image too.
    pub(super) fn of(situations: &[&Situation<'_>]) -> Option<Self> {
        let first = situations.first()?;
        let build = first.build();
        let (repository, context) = (first.repository, &build.context);
        let is_wanted = first.policy.ignore_files == IgnoreFiles::Write
            && first.wider().is_none()
            && first.handoff.moves.is_empty();
        if !is_wanted || !context.folder.is_root() || !has_none(repository, context) || !shows_sources(situations) {
            return None;
        }
        let mut lines: Vec<String> = Vec::new();
        for line in situations.iter().flat_map(|situation| made(situation)) {
            let is_within_another = lines.iter().any(|other| relation_of_paths(other, &line) == Relation::Covers);
            if !is_within_another && is_absent_otherwise(first, &line) && !is_copied(first, &line) {
                lines.push(line);
            }
        }
        if history::is_of_no_use(situations) {
            lines.insert(0, ".git".to_owned());
        }
        let dockerfile = &build.command.dockerfile;
        let is_alone =
            is_only_dockerfile(repository, dockerfile) && !is_used_elsewhere(repository, first.pipeline, build);
        let path =
            if is_alone { RepositoryPath::new(".dockerignore")? } else { BuildContext::own_ignore_file(dockerfile) };
        if lines.is_empty() || !is_alone && !first.has_buildkit() {
            return None;
        }
        if takes(first, path.as_str()) {
            // The image has no such file.
            lines.push(path.as_str().to_owned());
        }
        Some(Self { path, lines })
    }

    /// The text of the file.
    pub(super) fn text(&self) -> String {
        self.lines.iter().map(|line| format!("{line}\n")).collect()
    }

    /// The finding that tells of it.
    pub(super) fn finding(&self) -> Finding {
        let message = format!("{} keeps from the build what only a developer's machine has", self.path);
        Finding::new(Code::IgnoreFileWritten, Location::File(self.path.clone()), message)
            .with_help("'--no-dockerignore' leaves it out")
    }
}

/// Whether no builder finds an ignore file for the context.
fn has_none(repository: &dyn Repository, context: &BuildContext) -> bool {
    let others = [".containerignore", ".dockerignore"];
    context.ignore.is_none()
        && others.iter().all(|name| RepositoryPath::new(name).is_some_and(|path| repository.read(&path).is_err()))
}

/// Whether the repository is there as a whole: what is not tracked is no source only then.
fn shows_sources(situations: &[&Situation<'_>]) -> bool {
    let manifests = |situation: &&Situation<'_>| {
        let layer = situation.script.dependency_layer();
        layer.is_none_or(|layer| {
            layer.manifests.iter().all(|manifest| situation.repository.tracked().contains_key(manifest))
        })
    };
    let has_sources = situations
        .first()
        .is_some_and(|first| first.repository.tracked().keys().any(|path| !relaxing::is_of_no_use(path.as_str())));
    has_sources && situations.iter().all(manifests)
}

/// Whether a copy of the context names what lies there, and not the hand-off.
fn is_copied(situation: &Situation<'_>, line: &str) -> bool {
    let build = situation.build();
    let is_taken = |instruction: usize, index: usize| {
        let found = situation.handoff.uses.iter().find(|found| found.copy.instruction == instruction);
        let taken = found.and_then(|found| found.sources.get(index));
        matches!(taken, Some(SourceUse::Builder { .. } | SourceUse::Ancestor { .. }))
    };
    let copies = build.stages.copies.iter().filter(|copy| copy.from.is_none());
    let mut named = copies.flat_map(|copy| {
        let own = copy.sources.iter().enumerate().filter(|(index, _)| !is_taken(copy.instruction, *index));
        own.map(|(_, source)| source.path.as_deref().and_then(|path| build.context.folder.join(path)))
    });
    named.any(|place| place.is_none_or(|place| relation_of_paths(line, place.as_str()) != Relation::Apart))
}

/// What the build makes: what it installs, and the highest folders of the hand-off in which git tracks nothing.
fn made(situation: &Situation<'_>) -> Vec<String> {
    let installed = situation.script.dependency_layer().map(|layer| layer.outputs.as_slice()).unwrap_or_default();
    let installed = installed.iter().map(|path| path.as_str().to_owned());
    let outputs = situation.used_patterns().into_iter().filter_map(|pattern| {
        let folder = folder_before_glob(&pattern.text);
        let path = RepositoryPath::new(folder).filter(|path| !path.is_root())?;
        highest_untracked(situation.repository, &path, is_glob(&pattern.text))
    });
    let is_plain = |line: &String| RepositoryPath::new(line).is_some_and(|path| path.is_plain());
    installed.chain(outputs).filter(is_plain).collect()
}

/// The highest folder on the way to `path`, itself included, in which git tracks nothing.
fn highest_untracked(repository: &dyn Repository, path: &RepositoryPath, is_folder: bool) -> Option<String> {
    let text = path.as_str();
    let cuts = text.match_indices('/').map(|(at, _)| at).chain([text.len()]);
    let mut folders = cuts.filter_map(|at| RepositoryPath::new(text.get(..at)?));
    let found = folders.find(|folder| !repository.tracks(folder))?;
    let is_source = *path == found && !is_folder && repository.tracked().contains_key(path);
    (!is_source).then(|| found.as_str().to_owned())
}

/// Whether nothing else that the image job has lies there: files of other jobs, or of a cache.
fn is_absent_otherwise(situation: &Situation<'_>, line: &str) -> bool {
    let meets = |path: &str| {
        relation_of_paths(line, path) != Relation::Apart || relation_of_paths(path, line) != Relation::Apart
    };
    let others = situation.pipeline.jobs().iter().filter(|job| !situation.takes_part(job));
    let gets = |job: &Job| downloads_artifacts(situation.pipeline, situation.consumer, job);
    let mut artifacts = others.filter(|job| gets(job)).flat_map(|job| job.artifacts().paths);
    let mut caches = situation.consumer.caches().into_iter().flat_map(|cache| cache.paths);
    let handed_on = situation.used_patterns();
    let is_handed_on = |path: &str| handed_on.iter().any(|used| used.text == path);
    let origin = handed_on.first().map(|used| used.origin);
    let here = RepositoryPath::new(line).zip(origin).map(|(place, origin)| PathPattern::of_place(&place, origin));
    let here: Vec<_> = here.into_iter().collect();
    let steps = situation.handoff.script.walk.steps.iter().enumerate();
    let builds = situation.group.handoffs.iter().filter(|handoff| handoff.builds_the_same(situation.handoff));
    let builds: Vec<_> = builds.map(|handoff| handoff.build.command.step).collect();
    let mut users = steps.filter(|(index, step)| !builds.contains(index) && tree_use(step, &here) != TreeUse::None);
    !artifacts.any(|path| meets(&path.text))
        && !caches.any(|path| meets(&path.text) && !is_handed_on(&path.text))
        && users.next().is_none()
}

/// Whether a stage of the Dockerfile's own copies what lies at `path` of the context.
fn takes(situation: &Situation<'_>, path: &str) -> bool {
    let mut sources =
        situation.build().stages.copies.iter().filter(|copy| copy.from.is_none()).flat_map(|it| &it.sources);
    sources.any(|source| match source.path.as_deref().and_then(|path| situation.build().context.folder.join(path)) {
        Some(place) => may_take(place.as_str(), path),
        None => true,
    })
}
