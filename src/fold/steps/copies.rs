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
use crate::fold::collected;
use crate::fold::edit_failed;
use crate::fold::fate::Fate;
use crate::fold::relaxing::Named;
use crate::fold::situation::Situation;
use crate::fold::unpacked;
use crate::fold::variable_source;
use crate::gitlab::{is_glob, is_to_be_collected};
use crate::handoff::{CopyUse, ImageBuild, Landing, MountUse, SourceUse};
use crate::syntax::dockerfile::{CopyPart, CopyView};
use crate::text::TextEdit;

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
    /// Whether the context holds files below a path, or files that its glob fits, which git tracks.
    pub(super) is_tracked_too: &'a dyn Fn(&str) -> bool,
    /// What a source of the context takes by name, from its path, where it would take more than before as it is.
    pub(super) named: &'a dyn Fn(&str) -> Option<Vec<Named>>,
    /// A source of the context as it must be written, from its words.
    pub(super) below: &'a dyn Fn(&str) -> String,
    /// The folder of the stage that an archive is unpacked to, where `ADD` takes it from this path.
    pub(super) unpacked: &'a dyn Fn(&str) -> Option<String>,
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
    let archives = unpacked::archives(first.handoff);
    let origin = Origin {
        stage: &|path| maker(path).stage.clone(),
        place: &|path| maker(path).in_builder(&first.handoff.origin_of(path)),
        landing: &|copy, source, path| first.handoff.landing(copy, source, path),
        stays: &|path| maker(path).is_build_input(&first.handoff.origin_of(path)),
        is_tracked_too: &|path| build.takes_tracked(first.repository, path),
        named: &|path| {
            let place = build.context.folder.join(path)?;
            first.relaxed()?.named(&place).map(<[Named]>::to_vec)
        },
        below: &|written| first.wider().map_or_else(|| written.to_owned(), |wider| wider.source(written)),
        unpacked: &|path| Some(archives.iter().find(|archive| archive.path == path)?.folder.clone()),
        may_be_owned: situations.iter().any(|own| own.script.may_change_owners() || own.user.is_some())
            && !build.command.builder.keeps_owners_of_context(),
    };
    let mut edit = take_from(build, &first.handoff.uses, &origin)?;
    let mounted = mount_from(build, &first.handoff.mounts, &origin)?;
    let location = Location::File(build.source.path().clone());
    edit.union(mounted).map_err(|overlap| edit_failed(location, &overlap.to_string()))?;
    let exports = situations.iter().filter(|situation| situation.fate == Fate::IsExported).count();
    let path = build.source.path();
    Ok(vec![(path.clone(), edit), (path.clone(), renumber(build, situations.len() + exports))])
}

/// Makes the copies in `uses` take their files from a stage.
pub(super) fn take_from(build: &ImageBuild, uses: &[CopyUse], origin: &Origin<'_>) -> Result<TextEdit, Box<Finding>> {
    let mut edit = TextEdit::default();
    for copy in build.stages.copies.iter().filter(|copy| copy.from.is_none()) {
        let found = uses.iter().find(|found| found.copy.instruction == copy.instruction);
        let Some((instruction, view)) = build
            .dockerfile
            .instructions
            .get(copy.instruction)
            .and_then(|instruction| Some((instruction, instruction.copy()?)))
        else {
            continue;
        };
        let parts = Parts { build, copy, found, view: &view, origin }.all();
        let written = build.dockerfile.write_copy(instruction, &parts);
        let location = Location::new(&build.source, instruction.span);
        let written = written.ok_or_else(|| edit_failed(location.clone(), "this copy cannot be written in parts"))?;
        edit.union(written).map_err(|overlap| edit_failed(location, &overlap.to_string()))?;
    }
    Ok(edit)
}

/// Makes the bind mounts in `uses` take their files from a stage.
fn mount_from(build: &ImageBuild, uses: &[MountUse], origin: &Origin<'_>) -> Result<TextEdit, Box<Finding>> {
    let mut edit = TextEdit::default();
    for found in uses {
        let Some((instruction, path)) = build.dockerfile.instructions.get(found.instruction).zip(found.path.as_ref())
        else {
            continue;
        };
        let failed =
            || edit_failed(Location::new(&build.source, instruction.span), "this mount cannot be taken from a stage");
        let mounts = instruction.mounts();
        let mount = mounts.get(found.mount).ok_or_else(failed)?;
        let key = if mount.value("src").is_some() { "src" } else { "source" };
        for (key, value) in [(key, (origin.place)(path)), ("from", (origin.stage)(path))] {
            let written = build.dockerfile.set_mount_field(mount, key, &value).ok_or_else(failed)?;
            edit.union(written).map_err(|_| failed())?;
        }
    }
    Ok(edit)
}

/// One `COPY` or `ADD` of the context, and how its sources lie to the hand-off.
struct Parts<'a> {
    build: &'a ImageBuild,
    copy: &'a Copy,
    found: Option<&'a CopyUse>,
    view: &'a CopyView<'a>,
    origin: &'a Origin<'a>,
}

impl Parts<'_> {
    /// The instructions that it becomes: one for each run of sources from the same place, in their order.
    fn all(&self) -> Vec<CopyPart> {
        let mut parts: Vec<CopyPart> = Vec::new();
        let of_sources = (0..self.view.sources.len()).flat_map(|index| self.of_source(index));
        for part in of_sources {
            match parts.last_mut() {
                Some(last) if last.from == part.from && last.destination.is_none() && part.destination.is_none() => {
                    last.sources.extend(part.sources);
                }
                _ => parts.push(part),
            }
        }
        parts
    }

    /// What becomes of the source at `index`.
    fn of_source(&self, index: usize) -> Vec<CopyPart> {
        let written = self.view.sources.get(index).map_or("", |source| source.operand.text());
        let source = self.copy.sources.iter().enumerate().find(|(_, source)| source.index == index);
        let Some((at, source)) = source else {
            return vec![from_context(written.to_owned())];
        };
        let kept = || match source.path.as_deref().and_then(self.origin.named) {
            Some(named) => named.iter().map(|named| self.by_name(named)).collect(),
            None => vec![from_context((self.origin.below)(written))],
        };
        match self.found.and_then(|found| found.sources.get(at)) {
            Some(SourceUse::Builder { path, .. }) if !(self.origin.stays)(path) => {
                let others = (self.origin.is_tracked_too)(&self.place(source)).then(kept).unwrap_or_default();
                others.into_iter().chain([self.of_builder(source, path)]).collect()
            }
            Some(SourceUse::Ancestor { folder, below }) => {
                let others = folder.is_root() || (self.origin.is_tracked_too)(&self.place(source));
                let others = others.then(kept).unwrap_or_default();
                let single = below.iter().filter(|path| !is_to_be_collected(path));
                let overlays = single.map(|path| self.overlay(folder.as_str(), path));
                others.into_iter().chain(overlays).chain(self.collected(folder.as_str(), below)).collect()
            }
            _ => kept(),
        }
    }

    /// The place in the repository of a source of the context.
    fn place(&self, source: &CopySource) -> String {
        let place = self.build.context.folder.join(source.path.as_deref().unwrap_or_default());
        place.unwrap_or_default().as_str().to_owned()
    }

    /// A source that is taken from a stage.
    fn of_builder(&self, source: &CopySource, path: &str) -> CopyPart {
        if let Some(folder) = (self.origin.unpacked)(path).filter(|_| self.copy.is_add) {
            let destination = Some(behind(self.view.destination.text(), ""));
            return CopyPart { destination, owner: None, ..self.of_stage(path, format!("{folder}/")) };
        }
        let destination = match (self.origin.landing)(self.copy, source, path) {
            Landing::Named(name) => Some(behind(self.view.destination.text(), &name)),
            Landing::AsWritten | Landing::Unclear => None,
        };
        CopyPart { destination, ..self.of_stage(path, rooted(self.build, path, &source.written, self.origin)) }
    }

    /// A part of a folder, which goes where it went with the whole.
    fn by_name(&self, named: &Named) -> CopyPart {
        let destination = Some(behind(self.view.destination.text(), &named.below));
        CopyPart { destination, sources: named.sources.clone(), ..CopyPart::default() }
    }

    /// What the job laid into a folder that is copied whole.
    fn overlay(&self, folder: &str, path: &str) -> CopyPart {
        let below = path.strip_prefix(folder).unwrap_or(path).trim_start_matches('/');
        let target = match below.rsplit_once('/') {
            _ if !is_glob(path) => below.to_owned(),
            Some((parent, _)) => format!("{parent}/"),
            None => String::new(),
        };
        let destination = Some(behind(self.view.destination.text(), &target));
        CopyPart { destination, ..self.of_stage(path, (self.origin.place)(path)) }
    }

    /// What was collected in each stage that makes some of it.
    fn collected(&self, folder: &str, below: &[String]) -> Vec<CopyPart> {
        let mut parts: Vec<CopyPart> = Vec::new();
        for path in below.iter().filter(|path| is_to_be_collected(path)) {
            let destination = Some(behind(self.view.destination.text(), ""));
            let source = format!("{}/{folder}", collected::FOLDER);
            let part = CopyPart { destination, ..self.of_stage(path, format!("{}/", source.trim_end_matches('/'))) };
            if !parts.contains(&part) {
                parts.push(part);
            }
        }
        parts
    }

    fn of_stage(&self, path: &str, source: String) -> CopyPart {
        let owner = self.origin.may_be_owned.then(|| "0:0".to_owned());
        CopyPart { from: Some((self.origin.stage)(path)), owner, sources: vec![source], destination: None }
    }
}

fn from_context(source: String) -> CopyPart {
    CopyPart { sources: vec![source], ..CopyPart::default() }
}

/// A destination with more behind it, in the quotes that it has.
fn behind(destination: &str, more: &str) -> String {
    let quote = destination.get(..1).filter(|first| ["\"", "'"].contains(first)).unwrap_or_default();
    let folder = destination.trim_matches(['"', '\'']).trim_end_matches('/');
    format!("{quote}{folder}/{more}{quote}")
}

/// The source as it is written, rooted in the stage; quotes, variables and globs stay, but for a glob that took more
/// than the hand-off.
fn rooted(build: &ImageBuild, path: &str, written: &str, origin: &Origin<'_>) -> String {
    let (quote, bare) = match written.chars().next() {
        Some(quote @ ('"' | '\'')) => (quote.to_string(), written.trim_matches(quote)),
        _ => (String::new(), written),
    };
    let slash = if bare.ends_with('/') { "/" } else { "" };
    if bare.contains('$') {
        // The variable stays a variable: only what stands in front of it is rooted.
        let relative = bare.trim_start_matches("./").trim_start_matches('/');
        let folder = &build.context.folder;
        let rooted = variable_source::written(path, relative, folder, &(origin.place)(path));
        let rooted = rooted.unwrap_or_else(|| format!("{}/{relative}", (origin.place)(folder.as_str())));
        return format!("{quote}{rooted}{quote}");
    }
    format!("{quote}{}{slash}{quote}", (origin.place)(path))
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
