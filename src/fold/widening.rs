//! A build context that is narrower than the sources becomes the whole project, for the builder stage copies these.
//!
//! ```yaml
//! - docker build -t shop frontend/
//! ```
//! becomes
//! ```yaml
//! - docker build -f frontend/Dockerfile -t shop .
//! ```
//! and in the Dockerfile each source that is still taken from the context gets the folder in front of it: `COPY nginx.conf`
//! becomes `COPY frontend/nginx.conf`. The ignore file of the folder goes along as that of the Dockerfile, its patterns
//! below the folder too, so that the image takes no more and no less than before (Docker docs: build context,
//! "Filename and location").

mod ignore;

use crate::docker::{BuildContext, CommandContext, Copy, CopySource, WiderCommand};
use crate::gitlab::Pipeline;
use crate::handoff::{CopyUse, Handoff, ImageBuild, SourceUse};
use crate::source::Repository;
use crate::syntax::dockerfile::Instruction;
use crate::text::RepositoryPath;

pub(super) use ignore::{IgnoreFile, ignore_lines_below, is_only_dockerfile, is_used_elsewhere};

/// How a build gets the whole project for its context.
pub(super) struct Widening {
    /// The folder that was the context.
    folder: RepositoryPath,
    /// The build command.
    pub(super) command: WiderCommand,
    /// The context that it builds from then.
    pub(super) context: BuildContext,
    /// The ignore file that goes along.
    pub(super) ignore: Option<IgnoreFile>,
    /// The file that describes the build, as it is then.
    pub(super) described: Option<(RepositoryPath, String)>,
}

impl Widening {
    /// The widening of a build, where its context is not the whole project.
    ///
    /// # Errors
    /// Why it cannot be widened, as a whole sentence without a full stop.
    pub(super) fn of(
        repository: &dyn Repository,
        pipeline: &Pipeline,
        handoff: &Handoff,
        has_buildkit: bool,
    ) -> Option<Result<Self, String>> {
        let folder = handoff.build.command.context.folder();
        (!folder.is_root()).then(|| Self::new(repository, pipeline, handoff, folder, has_buildkit))
    }

    fn new(
        repository: &dyn Repository,
        pipeline: &Pipeline,
        handoff: &Handoff,
        folder: &RepositoryPath,
        has_buildkit: bool,
    ) -> Result<Self, String> {
        let build = &handoff.build;
        if matches!(build.command.context, CommandContext::Missing(_)) {
            return Err("the command names no context".to_owned());
        }
        if handoff.script.part(build.command.item).is_some_and(|part| part.file().is_none()) {
            return Err("the command stands in the words of another".to_owned());
        }
        if !folder.is_plain() {
            return Err(format!("the name {folder} would have to be quoted in the Dockerfile"));
        }
        if let Some(reason) = why_not_below(build) {
            return Err(reason);
        }
        if build.dockerfile.instructions.iter().any(Instruction::mounts_context) {
            return Err("a RUN mounts files of the context".to_owned());
        }
        let text = handoff.script.items.get(build.command.item).and_then(|item| item.text.as_deref());
        let (command, described) = if build.command.described_in.is_some() {
            let wider = build.command.described_with_project_as_context(repository, &handoff.script.walk);
            wider.map(|(command, file, text)| (command, Some((file, text))))?
        } else {
            (build.command.with_project_as_context(text.unwrap_or_default())?, None)
        };
        let has_buildkit = has_buildkit || build.command.builder.is_buildkit();
        let ignore = ignore::moved(repository, pipeline, handoff, has_buildkit)?;
        let whole = |ignore| BuildContext { folder: RepositoryPath::root(), ignore };
        let (context, ignore) = match ignore {
            Some(ignore) => (whole(Some(ignore.patterns.clone())), Some(ignore)),
            None => match ignore::of_project(repository, handoff) {
                Ok(context) => (context, None),
                Err(_) if has_buildkit => (whole(None), Some(ignore::of_nothing(repository, build)?)),
                Err(reason) => return Err(reason),
            },
        };
        Ok(Self { folder: folder.clone(), command, context, ignore, described })
    }

    /// A source of a `COPY` as it must be written to name the same files.
    pub(super) fn source(&self, written: &str) -> String {
        source_below(&self.folder, written)
    }
}

/// A source of a `COPY` as it must be written to name the same files from above `folder`, which was the context.
pub(super) fn source_below(folder: &RepositoryPath, written: &str) -> String {
    let quote = written.get(..1).filter(|first| ["\"", "'"].contains(first)).unwrap_or_default();
    let mut path = written.trim_matches(['"', '\'']);
    while let Some(rest) = path.strip_prefix("./").or_else(|| path.strip_prefix('/')) {
        path = rest;
    }
    let path = if path == "." { "" } else { path };
    format!("{quote}{folder}/{path}{quote}")
}

/// The sources of the context that stay so: those of which `uses` does not say that a stage gives them.
pub(super) fn from_context<'a>(build: &'a ImageBuild, uses: &'a [CopyUse]) -> impl Iterator<Item = &'a CopySource> {
    let is_taken = |copy: &Copy, at: usize| {
        let found = uses.iter().find(|found| found.copy.instruction == copy.instruction);
        matches!(found.and_then(|found| found.sources.get(at)), Some(SourceUse::Builder { .. }))
    };
    let copies = build.stages.copies.iter().filter(|copy| copy.from.is_none());
    copies.flat_map(move |copy| {
        let staying = copy.sources.iter().enumerate().filter(move |(at, _)| !is_taken(copy, *at));
        staying.map(|(_, source)| source)
    })
}

/// Why the sources of the Dockerfile cannot be written from further up.
pub(super) fn why_not_below(build: &ImageBuild) -> Option<String> {
    let text = build.source.text();
    let own = build.stages.copies.iter().filter(|copy| copy.from.is_none() && !copy.sources.is_empty());
    for copy in own {
        let Some(instruction) = build.dockerfile.instructions.get(copy.instruction) else {
            return Some("a copy cannot be found again".to_owned());
        };
        if let Some(flag) = ["exclude", "parents"].iter().find(|flag| instruction.has_flag(flag)) {
            return Some(format!("a copy has --{flag}, which counts from the context"));
        }
        let strange = copy.sources.iter().find(|source| match &source.path {
            Some(path) => path.split('/').any(|part| part == "..") || is_half_quoted(source.span.slice(text)),
            None => true,
        });
        if let Some(source) = strange {
            return Some(format!("it cannot be told what {} names", source.written));
        }
    }
    None
}

/// Whether some of a word stands in quotes, and not all of it.
fn is_half_quoted(written: &str) -> bool {
    let is_quote = |letter: char| matches!(letter, '"' | '\'');
    let inner = match written.chars().next().filter(|first| is_quote(*first) && written.len() > 1) {
        Some(quote) => written.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)),
        None => Some(written),
    };
    inner.is_none_or(|inner| inner.contains(is_quote))
}
