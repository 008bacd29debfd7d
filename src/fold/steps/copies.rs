//! The `COPY`s of the hand-off take their files from the builder stage.
//!
//! ```dockerfile
//! COPY ./dist /usr/src/app/
//! ```
//! becomes
//! ```dockerfile
//! COPY --from=builder /usr/src/app/dist /usr/src/app/
//! ```

use super::{Edits, builder_stage};
use crate::docker::{Copy, CopySource};
use crate::finding::Location;
use crate::fold::edit_failed;
use crate::fold::situation::Situation;
use crate::handoff::{CopyUse, ImageBuild, SourceUse};
use crate::syntax::dockerfile::{Instruction, Keyword};
use crate::text::{TextEdit, TextEditBuilder};

/// Where the files of the hand-off lie in the builder stage.
pub(super) struct Origin<'a> {
    /// The name of the stage.
    pub(super) stage: &'a str,
    /// The path in the stage of a path in the repository.
    pub(super) place: &'a dyn Fn(&str) -> String,
    /// Whether a path is rather taken from the context.
    pub(super) stays: &'a dyn Fn(&str) -> bool,
    /// Whether the files may belong to somebody else than root there, where from the context they are root's; from
    /// a stage they keep their owner.
    pub(super) may_be_owned: bool,
}

pub(super) fn rewrite(situation: &Situation<'_>) -> Edits {
    let build = situation.build();
    let origin = Origin {
        stage: builder_stage::name(&build.stages),
        place: &|path| situation.in_builder(path),
        stays: &|path| situation.is_build_input(path),
        may_be_owned: situation.script.may_change_owners() && !build.command.builder.keeps_owners_of_context(),
    };
    let edit = take_from(build, &situation.handoff.uses, &origin)?;
    Ok(vec![(build.source.path().clone(), edit), (build.source.path().clone(), renumber(build, 1))])
}

/// Makes the copies in `uses` take their files from a stage.
pub(super) fn take_from(
    build: &ImageBuild,
    uses: &[CopyUse],
    origin: &Origin<'_>,
) -> Result<TextEdit, Box<crate::finding::Finding>> {
    let mut builder = TextEdit::builder();
    for found in uses {
        let Some(instruction) = build.dockerfile.instructions.get(found.copy.instruction) else {
            continue;
        };
        one(build, found, instruction, origin, &mut builder);
    }
    builder.finish().map_err(|overlap| edit_failed(Location::File(build.source.path().clone()), &overlap.to_string()))
}

fn one(
    build: &ImageBuild,
    found: &CopyUse,
    instruction: &Instruction,
    origin: &Origin<'_>,
    builder: &mut TextEditBuilder,
) {
    let moves = |source: &SourceUse| matches!(source, SourceUse::Builder { path, .. } if !(origin.stays)(path));
    let moved = found.sources.iter().filter(|source| moves(source)).count();
    if let [SourceUse::Ancestor { folder, below }] = found.sources.as_slice() {
        let lines = below.iter().map(|path| overlay(build, &found.copy, instruction, folder.as_str(), path, origin));
        let lines: Vec<_> = lines.collect();
        builder.insert(instruction.span.end(), lines.concat());
    } else if moved == 0 {
    } else if moved == found.copy.source_count {
        whole(build, found, instruction, origin, builder);
    } else {
        builder.replace(instruction.span, split(build, found, instruction, origin, &moves));
    }
}

impl Origin<'_> {
    /// The flags that an instruction gets: the stage, and root as the owner where the builder may have set another.
    fn flags(&self, instruction: &Instruction) -> String {
        let owner = if self.may_be_owned && !instruction.has_flag("chown") { " --chown=0:0" } else { "" };
        format!(" --from={}{owner}", self.stage)
    }
}

/// All sources move: the flag is added and each path is rooted in the stage; all else stays as it is.
fn whole(
    build: &ImageBuild,
    found: &CopyUse,
    instruction: &Instruction,
    origin: &Origin<'_>,
    builder: &mut TextEditBuilder,
) {
    let flag = origin.flags(instruction);
    if instruction.keyword == Keyword::Add {
        builder.replace(
            instruction.keyword_span,
            format!("{}{flag}", keyword_like(instruction.keyword_span.slice(build.source.text()))),
        );
    } else {
        builder.insert(instruction.keyword_span.end(), flag);
    }
    for source in &found.copy.sources {
        builder.replace(source.span, rooted(build, source, origin));
    }
}

/// `COPY` in the letters of `ADD`.
fn keyword_like(written: &str) -> &'static str {
    if written.bytes().all(|byte| byte.is_ascii_lowercase()) { "copy" } else { "COPY" }
}

/// The source as it is written, rooted in the stage; quotes, variables and globs stay.
fn rooted(build: &ImageBuild, source: &CopySource, origin: &Origin<'_>) -> String {
    let written = source.span.slice(build.source.text());
    let (quote, bare) = match written.chars().next() {
        Some(quote @ ('"' | '\'')) => (quote.to_string(), written.trim_matches(quote)),
        _ => (String::new(), written),
    };
    let path = source.path.clone().unwrap_or_default();
    let place = build.context.folder.join(&path).unwrap_or_default();
    let slash = if bare.ends_with('/') { "/" } else { "" };
    if bare.contains('$') {
        // The variable stays a variable: only what stands in front of it is rooted.
        let relative = bare.trim_start_matches("./").trim_start_matches('/');
        let root = (origin.place)(build.context.folder.as_str());
        return format!("{quote}{root}/{relative}{quote}");
    }
    format!("{quote}{}{slash}{quote}", (origin.place)(place.as_str()))
}

/// Some sources move: one instruction for each run of sources from the same place, in their order.
fn split(
    build: &ImageBuild,
    found: &CopyUse,
    instruction: &Instruction,
    origin: &Origin<'_>,
    moves: &dyn Fn(&SourceUse) -> bool,
) -> String {
    let text = build.source.text();
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let flags: String = instruction.flags.iter().map(|flag| format!(" {}", flag.span.slice(text))).collect();
    let destination = instruction.copy().map_or("", |view| view.destination.span().slice(text));
    let mut runs: Vec<(bool, Vec<String>)> = Vec::new();
    for (used, source) in found.sources.iter().zip(&found.copy.sources) {
        let moved = moves(used);
        let path = if moved { rooted(build, source, origin) } else { source.span.slice(text).to_owned() };
        match runs.last_mut() {
            Some((kind, paths)) if *kind == moved => paths.push(path),
            _ => runs.push((moved, vec![path])),
        }
    }
    let keyword = instruction.keyword_span.slice(text);
    let lines = runs.into_iter().map(|(moved, paths)| {
        let (keyword, from) =
            if moved { (keyword_like(keyword), origin.flags(instruction)) } else { (keyword, String::new()) };
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
    let target = if path.contains(['*', '?', '[']) {
        let parent = below.rsplit_once('/').map_or(String::new(), |(parent, _)| format!("{parent}/"));
        format!("{base}/{parent}")
    } else {
        format!("{base}/{below}")
    };
    format!(
        "{newline}{}{}{flags} {} {target}",
        keyword_like(instruction.keyword_span.slice(text)),
        origin.flags(instruction),
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
