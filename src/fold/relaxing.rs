//! An ignore file that keeps sources from the build context lets them through, for the builder stage copies these, and what
//! the image copied of a whole folder is copied by name, so that the image takes no more than before.
//!
//! ```text
//! *
//! !dist
//! ```
//! becomes `.git`, and with it `COPY . /srv` becomes `COPY --from=builder /src/dist /srv/dist`, for `dist` is all that it took
//! (Docker docs: build context, ".dockerignore files").

mod explicit;
mod lines;

use std::sync::Arc;

use crate::docker::BuildContext;
use crate::gitlab::Pipeline;
use crate::handoff::{Handoff, ImageBuild};
use crate::source::{Repository, SourceFile};
use crate::syntax::dockerfile::Instruction;
use crate::syntax::dockerignore::DockerIgnore;
use crate::text::{ChangeError, ChangeSet, RepositoryPath, Span, TextEdit};

use super::widening::{is_only_dockerfile, is_used_elsewhere};

pub(super) use explicit::Named;

/// How an ignore file lets the sources through.
pub(super) struct Relaxing {
    /// The context that the builder stage copies from.
    pub(super) context: BuildContext,
    /// The first line that goes.
    pub(super) line: Span,
    /// Whether other Dockerfiles of the repository may be built with this ignore file by hand.
    pub(super) is_shared: bool,
    /// The ignore file.
    file: Arc<SourceFile>,
    /// Its text then.
    text: String,
    /// The file that is written.
    path: RepositoryPath,
    /// What the copies of whole folders take, by the folder.
    named: Vec<(RepositoryPath, Vec<Named>)>,
}

impl Relaxing {
    /// The relaxing of the ignore file of a build, where it hides sources.
    ///
    /// # Errors
    /// Why it cannot be relaxed, as a whole sentence without a full stop.
    pub(super) fn of(
        repository: &dyn Repository,
        pipeline: &Pipeline,
        handoff: &Handoff,
        has_buildkit: bool,
    ) -> Option<Result<Self, String>> {
        let build = &handoff.build;
        let context = &build.context;
        let is_hidden = context.folder.is_root() && !hidden(repository, context, &context.folder).is_empty();
        is_hidden.then(|| Self::new(repository, pipeline, build, has_buildkit))
    }

    fn new(
        repository: &dyn Repository,
        pipeline: &Pipeline,
        build: &ImageBuild,
        has_buildkit: bool,
    ) -> Result<Self, String> {
        let Some((file, ignore)) = &build.context.ignore else {
            return Err("there is no ignore file".to_owned());
        };
        let dockerfile = &build.command.dockerfile;
        let own = BuildContext::own_ignore_file(dockerfile);
        let is_own = *file.path() == own;
        let is_alone = is_own || is_only_dockerfile(repository, dockerfile);
        let is_used = !is_own && is_used_elsewhere(repository, pipeline, build);
        let path = match (is_used || !is_alone, has_buildkit) {
            (true, true) => own.clone(),
            (true, false) if is_used => {
                let is_open = build.command.builder.has_engine();
                let way = if is_open { " (if it is BuildKit, say so with '--builder buildkit')" } else { "" };
                return Err(format!(
                    "another build of the pipeline may read {}, and it is not certain that the builder reads {own}{way}",
                    file.path()
                ));
            }
            _ => file.path().clone(),
        };
        let is_shared = !is_alone && path == *file.path();
        if let Some(reason) = why_not_by_name(build) {
            return Err(reason);
        }
        let needed: Vec<_> = hidden(repository, &build.context, &build.context.folder);
        let (gone, line) = lines::that_hide(ignore, &needed).ok_or("no line of it alone keeps them away")?;
        let text = lines::without(file.text(), ignore, &gone, if path == own { Some(&own) } else { None });
        let mut relaxed = DockerIgnore::parse(&text);
        for pattern in &mut relaxed.patterns {
            let old = ignore.patterns.iter().find(|old| old.path == pattern.path && old.negated == pattern.negated);
            pattern.span = old.map_or(line, |old| old.span);
        }
        let context = BuildContext { folder: build.context.folder.clone(), ignore: Some((Arc::clone(file), relaxed)) };
        let named = explicit::named(repository, build, &context)?;
        Ok(Self { context, line, is_shared, file: Arc::clone(file), text, path, named })
    }

    /// Adds to `changes` what becomes of the ignore file.
    ///
    /// # Errors
    /// Where these speak of the file already.
    pub(super) fn write(&self, changes: &mut ChangeSet) -> Result<(), ChangeError> {
        if self.path != *self.file.path() {
            return changes.create(self.path.clone(), self.text.clone());
        }
        let mut named = self.named.iter().flat_map(|(_, parts)| parts).flat_map(|part| &part.sources);
        if self.text.trim().is_empty() && !named.any(|source| source == self.path.as_str()) {
            return changes.delete(self.path.clone());
        }
        let whole = Span::new(0, self.file.text().len());
        changes.edit(self.path.clone(), TextEdit::replace(whole, self.text.clone()))
    }

    /// The file that lets the sources through, where the one that hides them stays as it is for other builds.
    pub(super) fn own_file(&self) -> Option<&RepositoryPath> {
        Some(&self.path).filter(|path| *path != self.file.path())
    }

    /// What a copy of this folder takes of the context by name, where it would take more than before.
    pub(super) fn named(&self, place: &RepositoryPath) -> Option<&[Named]> {
        self.named.iter().find(|(folder, _)| folder == place).map(|(_, parts)| parts.as_slice())
    }

    /// The first folder that a copy names, so that it is made anew.
    pub(super) fn first_folder(&self) -> Option<&str> {
        let parts = self.named.iter().flat_map(|(_, parts)| parts);
        parts.map(|part| part.below.trim_end_matches('/')).find(|below| !below.is_empty())
    }

    /// Whether some copy has to name what it takes.
    pub(super) fn names_files(&self) -> bool {
        self.named.iter().any(|(_, parts)| !parts.is_empty())
    }
}

/// Files and folders that no build reads: what an ignore file leaves out of them is no loss.
const OF_NO_USE: [&str; 14] = [
    ".dockerignore",
    ".editorconfig",
    ".gitattributes",
    ".github",
    ".gitignore",
    ".gitlab",
    ".gitlab-ci.yml",
    ".gitmodules",
    ".idea",
    ".vscode",
    "docker-compose.yml",
    "docker-compose.yaml",
    "Jenkinsfile",
    "Makefile.docker",
];

/// Beginnings of the names of such files.
const OF_NO_USE_BEGINNINGS: [&str; 6] =
    ["README", "LICENSE", "CHANGELOG", "CONTRIBUTING", "Dockerfile", "docker-compose."];

/// The tracked files that `context` leaves out and that a build may need; `own` is the folder of the image.
pub(super) fn hidden<'a>(
    repository: &'a dyn Repository,
    context: &BuildContext,
    own: &RepositoryPath,
) -> Vec<&'a RepositoryPath> {
    if context.ignore.is_none() {
        return Vec::new();
    }
    let is_needed = |path: &&RepositoryPath| {
        let is_of_no_use = is_of_no_use(path.as_str()) || path.relative_to(own).is_some_and(is_of_no_use);
        context.leaves_out(path) && !is_of_no_use
    };
    repository.tracked().keys().filter(is_needed).collect()
}

/// Whether no build reads a file, by its name.
pub(super) fn is_of_no_use(path: &str) -> bool {
    let first = path.split('/').next().unwrap_or_default();
    let is_file = first == path;
    OF_NO_USE.contains(&first)
        || is_file && OF_NO_USE_BEGINNINGS.iter().any(|beginning| first.starts_with(beginning))
        || path.rsplit('/').next() == Some(".dockerignore")
}

/// Why the copies of the image cannot be written by name.
fn why_not_by_name(build: &ImageBuild) -> Option<String> {
    let own = build.stages.copies.iter().filter(|copy| copy.from.is_none() && !copy.sources.is_empty());
    for copy in own {
        let instruction = build.dockerfile.instructions.get(copy.instruction)?;
        if let Some(flag) = ["exclude", "parents"].iter().find(|flag| instruction.has_flag(flag)) {
            return Some(format!("a copy has --{flag}, which counts from the context"));
        }
        if let Some(source) = copy.sources.iter().find(|source| source.path.is_none()) {
            return Some(format!("it cannot be told what {} names", source.written));
        }
    }
    let mounts = build.dockerfile.instructions.iter().any(Instruction::mounts_context);
    mounts.then(|| "a RUN mounts files of the context".to_owned())
}
