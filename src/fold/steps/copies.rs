//! The `COPY`s of the hand-off take their files from the builder stage.
//!
//! ```dockerfile
//! COPY ./dist /usr/src/app/
//! ```
//! becomes
//! ```dockerfile
//! COPY --from=builder /usr/src/app/dist /usr/src/app/
//! ```

use super::Edits;
use crate::docker::{Copy, CopySource};
use crate::finding::{Finding, Location};
use crate::fold::edit_failed;
use crate::fold::fate::Fate;
use crate::fold::situation::Situation;
use crate::gitlab::is_glob;
use crate::handoff::{CopyUse, ImageBuild, Landing, SourceUse};
use crate::syntax::dockerfile::{Instruction, Keyword};
use crate::text::{TextEdit, TextEditBuilder};

/// Where the files of the hand-off lie in the builder stage.
pub(super) struct Origin<'a> {
    /// The name of the stage that a path is taken from.
    pub(super) stage: &'a dyn Fn(&str) -> String,
    /// The path in the stage of a path in the repository.
    pub(super) place: &'a dyn Fn(&str) -> String,
    /// Where a source lands when it is taken from there.
    pub(super) landing: &'a dyn Fn(&Copy, &CopySource, &str) -> Landing,
    /// Whether a path is rather taken from the context.
    pub(super) stays: &'a dyn Fn(&str) -> bool,
    /// A source of the context as it must be written, from its words.
    pub(super) below: &'a dyn Fn(&str) -> String,
    /// Whether the files may belong to somebody else than root there, where from the context they are root's; from
    /// a stage they keep their owner.
    pub(super) may_be_owned: bool,
}

pub(super) fn rewrite(situations: &[&Situation<'_>]) -> Edits {
    let Some(first) = situations.first() else {
        return Ok(Vec::new());
    };
    let build = first.build();
    let maker = |path: &str| {
        let name = first.handoff.flow_of(path).map(|flow| &flow.producer);
        *situations.iter().find(|own| Some(&own.producer.name) == name).unwrap_or(first)
    };
    let origin = Origin {
        stage: &|path| maker(path).stage.clone(),
        place: &|path| maker(path).in_builder(&first.handoff.origin_of(path)),
        landing: &|copy, source, path| first.handoff.landing(copy, source, path),
        stays: &|path| maker(path).is_build_input(&first.handoff.origin_of(path)),
        below: &|written| first.wider().map_or_else(|| written.to_owned(), |wider| wider.source(written)),
        may_be_owned: situations.iter().any(|situation| situation.script.may_change_owners())
            && !build.command.builder.keeps_owners_of_context(),
    };
    let edit = take_from(build, &first.handoff.uses, &origin)?;
    let exports = situations.iter().filter(|situation| situation.fate == Fate::IsExported).count();
    let path = build.source.path();
    Ok(vec![(path.clone(), edit), (path.clone(), renumber(build, situations.len() + exports))])
}

/// Makes the copies in `uses` take their files from a stage.
pub(super) fn take_from(build: &ImageBuild, uses: &[CopyUse], origin: &Origin<'_>) -> Result<TextEdit, Box<Finding>> {
    let mut builder = TextEdit::builder();
    for found in uses {
        let Some(instruction) = build.dockerfile.instructions.get(found.copy.instruction) else {
            continue;
        };
        one(build, found, instruction, origin, &mut builder)?;
    }
    for copy in build.stages.copies.iter().filter(|copy| copy.from.is_none()) {
        let found = uses.iter().find(|found| found.copy.instruction == copy.instruction);
        let is_written =
            found.is_some_and(|found| found.sources.iter().any(|source| stage_of(source, origin).is_some()));
        for source in copy.sources.iter().filter(|_| !is_written) {
            let written = source.span.slice(build.source.text());
            let new = (origin.below)(written);
            if written != new {
                builder.replace(source.span, new);
            }
        }
    }
    builder.finish().map_err(|overlap| edit_failed(Location::File(build.source.path().clone()), &overlap.to_string()))
}

fn one(
    build: &ImageBuild,
    found: &CopyUse,
    instruction: &Instruction,
    origin: &Origin<'_>,
    builder: &mut TextEditBuilder,
) -> Result<(), Box<Finding>> {
    let stage_of = |source: &SourceUse| stage_of(source, origin);
    let names = names(found, origin);
    let is_one = found.copy.source_count == 1 || names.iter().all(Option::is_none);
    let mut stages: Vec<_> = found.sources.iter().filter_map(stage_of).collect();
    let moved = stages.len();
    stages.dedup();
    if let [SourceUse::Ancestor { folder, below }] = found.sources.as_slice() {
        let lines = below.iter().map(|path| overlay(build, &found.copy, instruction, folder.as_str(), path, origin));
        let lines: Vec<_> = lines.collect();
        builder.insert(instruction.span.end(), lines.concat());
    } else if let ([stage], true) = (stages.as_slice(), moved == found.copy.source_count && is_one) {
        whole(build, found, instruction, &origin.flags(instruction, stage), origin, builder);
        if let (Some(Some(name)), Some(view)) = (names.first(), instruction.copy()) {
            let written = view.destination.span();
            builder.replace(written, with_name(written.slice(build.source.text()), name));
        }
    } else if moved > 0 && (found.copy.is_json || !instruction.inner_comments.is_empty()) {
        let location = Location::new(&build.source, instruction.span);
        return Err(edit_failed(location, "this takes files of several stages, in a form that cannot be split"));
    } else if moved > 0 {
        builder.replace(instruction.span, split(build, found, instruction, origin, &stage_of));
    }
    Ok(())
}

/// The names that the destination has to tell for each source.
fn names(found: &CopyUse, origin: &Origin<'_>) -> Vec<Option<String>> {
    let name = |(used, source): (&SourceUse, &CopySource)| match used {
        SourceUse::Builder { path, .. } if !(origin.stays)(path) => match (origin.landing)(&found.copy, source, path) {
            Landing::Named(name) => Some(name),
            Landing::AsWritten | Landing::Unclear => None,
        },
        _ => None,
    };
    found.sources.iter().zip(&found.copy.sources).map(name).collect()
}

/// A destination with a name behind it, in the quotes that it has.
fn with_name(destination: &str, name: &str) -> String {
    let quote = destination.get(..1).filter(|first| ["\"", "'"].contains(first)).unwrap_or_default();
    let folder = destination.trim_matches(['"', '\'']).trim_end_matches('/');
    format!("{quote}{folder}/{name}{quote}")
}

/// The stage that a source is taken from; `None` where that stays the context.
fn stage_of(source: &SourceUse, origin: &Origin<'_>) -> Option<String> {
    match source {
        SourceUse::Builder { path, .. } if !(origin.stays)(path) => Some((origin.stage)(path)),
        _ => None,
    }
}

impl Origin<'_> {
    /// The flags that an instruction gets: the stage, and root as the owner where the builder may have set another.
    fn flags(&self, instruction: &Instruction, stage: &str) -> String {
        let owner = if self.may_be_owned && !instruction.has_flag("chown") { " --chown=0:0" } else { "" };
        format!(" --from={stage}{owner}")
    }
}

/// All sources move: the flag is added and each path is rooted in the stage; all else stays as it is.
fn whole(
    build: &ImageBuild,
    found: &CopyUse,
    instruction: &Instruction,
    flag: &str,
    origin: &Origin<'_>,
    builder: &mut TextEditBuilder,
) {
    if instruction.keyword == Keyword::Add {
        builder.replace(
            instruction.keyword_span,
            format!("{}{flag}", keyword_like(instruction.keyword_span.slice(build.source.text()))),
        );
    } else {
        builder.insert(instruction.keyword_span.end(), flag);
    }
    for (used, source) in found.sources.iter().zip(&found.copy.sources) {
        builder.replace(source.span, rooted(build, used, source, origin));
    }
}

/// `COPY` in the letters of `ADD`.
fn keyword_like(written: &str) -> &'static str {
    if written.bytes().all(|byte| byte.is_ascii_lowercase()) { "copy" } else { "COPY" }
}

/// The source as it is written, rooted in the stage; quotes, variables and globs stay, but for a glob that took more
/// than the hand-off.
fn rooted(build: &ImageBuild, used: &SourceUse, source: &CopySource, origin: &Origin<'_>) -> String {
    let written = source.span.slice(build.source.text());
    let (quote, bare) = match written.chars().next() {
        Some(quote @ ('"' | '\'')) => (quote.to_string(), written.trim_matches(quote)),
        _ => (String::new(), written),
    };
    let slash = if bare.ends_with('/') { "/" } else { "" };
    if bare.contains('$') {
        // The variable stays a variable: only what stands in front of it is rooted.
        let relative = bare.trim_start_matches("./").trim_start_matches('/');
        let root = (origin.place)(build.context.folder.as_str());
        return format!("{quote}{root}/{relative}{quote}");
    }
    let place = match used {
        SourceUse::Builder { path, .. } => path.clone(),
        _ => build.context.folder.join(source.path.as_deref().unwrap_or_default()).unwrap_or_default().to_string(),
    };
    format!("{quote}{}{slash}{quote}", (origin.place)(&place))
}

/// The stage that sources are taken from, if any, and the name that the destination has to tell.
type Target = (Option<String>, Option<String>);

/// Some sources move: one instruction for each run of sources from the same place, in their order.
fn split(
    build: &ImageBuild,
    found: &CopyUse,
    instruction: &Instruction,
    origin: &Origin<'_>,
    stage_of: &dyn Fn(&SourceUse) -> Option<String>,
) -> String {
    let text = build.source.text();
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let flags: String = instruction.flags.iter().map(|flag| format!(" {}", flag.span.slice(text))).collect();
    let destination = instruction.copy().map_or("", |view| view.destination.span().slice(text));
    let mut runs: Vec<(Target, Vec<String>)> = Vec::new();
    for ((used, source), name) in found.sources.iter().zip(&found.copy.sources).zip(names(found, origin)) {
        let stage = stage_of(used);
        let path = match stage {
            Some(_) => rooted(build, used, source, origin),
            None => (origin.below)(source.span.slice(text)),
        };
        match runs.last_mut() {
            Some((kind, paths)) if *kind == (stage.clone(), name.clone()) && name.is_none() => paths.push(path),
            _ => runs.push(((stage, name), vec![path])),
        }
    }
    let keyword = instruction.keyword_span.slice(text);
    let lines = runs.into_iter().map(|((stage, name), paths)| {
        let destination = name.map_or_else(|| destination.to_owned(), |name| with_name(destination, &name));
        let (keyword, from) = match stage {
            Some(stage) => (keyword_like(keyword), origin.flags(instruction, &stage)),
            None => (keyword, String::new()),
        };
        format!("{keyword}{from}{flags} {} {destination}", paths.join(" "))
    });
    lines.collect::<Vec<_>>().join(newline)
}

/// One more copy behind that of a whole folder, for what the job laid into it.
fn overlay(
    build: &ImageBuild,
    copy: &Copy,
    instruction: &Instruction,
    folder: &str,
    path: &str,
    origin: &Origin<'_>,
) -> String {
    let text = build.source.text();
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let flags: String = instruction.flags.iter().map(|flag| format!(" {}", flag.span.slice(text))).collect();
    let below = path.strip_prefix(folder).unwrap_or(path).trim_start_matches('/');
    let base = copy.destination.trim_end_matches('/');
    let target = if is_glob(path) {
        let parent = below.rsplit_once('/').map_or(String::new(), |(parent, _)| format!("{parent}/"));
        format!("{base}/{parent}")
    } else {
        format!("{base}/{below}")
    };
    format!(
        "{newline}{}{}{flags} {} {target}",
        keyword_like(instruction.keyword_span.slice(text)),
        origin.flags(instruction, &(origin.stage)(path)),
        (origin.place)(path)
    )
}

/// Shifts the stages that are named by their number, as `by` stages now stand before them.
pub(super) fn renumber(build: &ImageBuild, by: usize) -> TextEdit {
    let mut builder = TextEdit::builder();
    for instruction in &build.dockerfile.instructions {
        let flags = instruction.flags.iter().filter(|flag| flag.name == "from").filter_map(|flag| flag.value.as_ref());
        let words = flags.map(|word| (word.span, word.text().to_owned()));
        let mounts = instruction.mounts();
        let mounted = mounts.iter().filter_map(|mount| mount.from()).map(|word| (word.span, word.text().to_owned()));
        for (span, text) in words.chain(mounted) {
            if let Some(number) = text.parse::<usize>().ok().filter(|number| *number < build.stages.stages.len()) {
                builder.replace(span, (number + by).to_string());
            }
        }
    }
    builder.finish().unwrap_or_default()
}
