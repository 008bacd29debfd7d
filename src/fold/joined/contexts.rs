//! The one build context of two Dockerfiles that become one.
//!
//! Where the two builds have different folders, the joined Dockerfile is built from the one that holds both, and each source
//! gets the folder in front of it that it was named from: `COPY conf /etc/` of `docker build build/` is `COPY build/conf /etc/`
//! from the project's folder. That takes the same files if the ignore file in force leaves out the same of them. Where the
//! one that is read by itself does not, one of the Dockerfile's own says below each folder what its ignore file said (Docker
//! docs: build context, "Filename and location").

use super::super::widening::{from_context, ignore_lines_below, why_not_below};
use crate::docker::{BuildContext, WiderCommand};
use crate::finding::{Finding, Location};
use crate::fold::edit_failed;
use crate::gitlab::{folder_before_glob, may_take};
use crate::handoff::{CopyUse, DockerCp, ImageBuild};
use crate::source::{FileKind, Repository};
use crate::syntax::dockerfile::Instruction;
use crate::syntax::dockerignore::DockerIgnore;
use crate::text::{ChangeSet, RepositoryPath, Span, TextEdit};

/// What the one context asks for.
pub(in crate::fold) struct Contexts {
    /// The folder that each source of the first Dockerfile gets in front of it; the root where it gets none.
    pub(in crate::fold) first: RepositoryPath,
    /// The folder that each source of the second gets, and its build command with the wider context.
    pub(in crate::fold) second: Option<(RepositoryPath, WiderCommand)>,
    /// What becomes of the ignore file of the second Dockerfile itself.
    ignore: Option<OwnIgnoreFile>,
}

/// What becomes of the ignore file that only one Dockerfile has.
enum OwnIgnoreFile {
    /// It has this text.
    Written(RepositoryPath, String),
    /// It goes, so that the one of the folder is read.
    Goes(RepositoryPath),
}

/// One of the two builds: its context, and the places that it copies out of it.
struct Side<'a> {
    context: &'a BuildContext,
    places: Vec<RepositoryPath>,
}

impl Contexts {
    /// The context of both.
    ///
    /// # Errors
    /// Why there is none, as a sentence without a full stop.
    pub(super) fn of(repository: &dyn Repository, found: &DockerCp, has_buildkit: bool) -> Result<Self, String> {
        let (one, two) = (&found.first.context, &found.second.context);
        let kept = Self { first: RepositoryPath::root(), second: None, ignore: None };
        if one.folder == two.folder && ignore_path(one) == ignore_path(two) {
            return Ok(kept);
        }
        if found.is_made_in_place() || super::is_one_file(found) {
            return Err("the two builds have different contexts or ignore files".to_owned());
        }
        let both = if one.folder.is_within(&two.folder) { two.folder.clone() } else { RepositoryPath::root() };
        let below =
            |folder: &RepositoryPath| folder.relative_to(&both).and_then(RepositoryPath::new).unwrap_or_default();
        let first = below(&one.folder);
        if !first.is_root() {
            can_go_below(repository, &found.first, &first)?;
        }
        let second = if two.folder == both {
            None
        } else {
            can_go_below(repository, &found.second, &two.folder)?;
            if found.second.dockerfile.instructions.iter().any(Instruction::mounts_context) {
                return Err("a RUN of the second Dockerfile mounts files of the context".to_owned());
            }
            let command = &found.second.command;
            let text = found.script.items.get(command.item).and_then(|item| item.text.as_deref());
            Some((two.folder.clone(), command.with_project_as_context(text.unwrap_or_default())?))
        };
        let sides = [Side::of(&found.first, &[]), Side::of(&found.second, &found.uses)];
        let ignore = own_ignore_file(repository, found, &both, &sides, has_buildkit)?;
        Ok(Self { first, second, ignore })
    }

    /// Whether the two builds had one context and one ignore file already.
    pub(in crate::fold) fn is_unchanged(&self) -> bool {
        self.first.is_root() && self.second.is_none() && self.ignore.is_none()
    }

    /// Adds to `changes` what becomes of the ignore file.
    pub(in crate::fold) fn write(
        &self,
        repository: &dyn Repository,
        changes: &mut ChangeSet,
    ) -> Result<(), Box<Finding>> {
        let (path, written) = match &self.ignore {
            None => return Ok(()),
            Some(OwnIgnoreFile::Goes(path)) => (path, changes.delete(path.clone())),
            Some(OwnIgnoreFile::Written(path, text)) => match repository.read(path) {
                Ok(present) => {
                    let edit = match text.strip_prefix(present.text()) {
                        Some(more) => TextEdit::insert(present.text().len(), more),
                        None => TextEdit::replace(Span::new(0, present.text().len()), text.clone()),
                    };
                    (path, changes.edit(path.clone(), edit))
                }
                Err(_) => (path, changes.create(path.clone(), text.clone())),
            },
        };
        written.map_err(|error| edit_failed(Location::File(path.clone()), &error.to_string()))
    }
}

impl<'a> Side<'a> {
    /// A build, and what it copies of the context; what `uses` says that a stage gives is not among it.
    fn of(build: &'a ImageBuild, uses: &[CopyUse]) -> Self {
        let context = &build.context;
        let place =
            |path: Option<&str>| path.and_then(|path| context.folder.join(path)).unwrap_or(context.folder.clone());
        let mut places: Vec<_> = from_context(build, uses).map(|source| place(source.path.as_deref())).collect();
        if build.dockerfile.instructions.iter().any(Instruction::mounts_context) {
            places.push(context.folder.clone());
        }
        Self { context, places }
    }

    /// Whether it takes the same files with `other` as its context.
    fn agrees(&self, repository: &dyn Repository, other: &BuildContext) -> bool {
        let is_same = self.context.folder == other.folder && ignore_path(self.context) == ignore_path(other);
        let leaves_alone = |place: &RepositoryPath| {
            is_harmless(repository, self.context, place) && is_harmless(repository, other, place)
        };
        is_same || self.places.iter().all(leaves_alone)
    }

    /// Whether it may take something of this folder.
    fn meets(&self, folder: &RepositoryPath) -> bool {
        self.places.iter().any(|place| {
            let place = RepositoryPath::new(folder_before_glob(place.as_str())).unwrap_or_default();
            place.is_within(folder) || folder.is_within(&place)
        })
    }

    /// Whether it takes the same of the files that git tracks with these patterns from `folder` on.
    fn takes_the_same(&self, repository: &dyn Repository, folder: &RepositoryPath, patterns: &DockerIgnore) -> bool {
        let is_taken = |path: &&RepositoryPath| self.places.iter().any(|place| may_take(place.as_str(), path.as_str()));
        let is_left_out = |path: &RepositoryPath| path.relative_to(folder).is_none_or(|below| patterns.matches(below));
        repository.tracked().keys().filter(is_taken).all(|path| self.context.leaves_out(path) == is_left_out(path))
    }

    /// The lines of its ignore file, for patterns that count from `folder` on.
    fn lines(&self, folder: &RepositoryPath) -> Result<String, String> {
        let Some((source, _)) = &self.context.ignore else {
            return Ok(String::new());
        };
        let below = self.context.folder.relative_to(folder).and_then(RepositoryPath::new).unwrap_or_default();
        let text =
            if below.is_root() { Some(source.text().to_owned()) } else { ignore_lines_below(source.text(), &below) };
        let text =
            text.ok_or_else(|| format!("{} has a pattern that cannot be written from further up", source.path()))?;
        Ok(if text.is_empty() || text.ends_with('\n') { text } else { format!("{text}\n") })
    }
}

fn ignore_path(context: &BuildContext) -> Option<&RepositoryPath> {
    context.ignore.as_ref().map(|(file, _)| file.path())
}

/// Whether the ignore file leaves nothing out at this place or below it.
fn is_harmless(repository: &dyn Repository, context: &BuildContext, place: &RepositoryPath) -> bool {
    let Some((_, ignore)) = &context.ignore else {
        return place.is_within(&context.folder);
    };
    let is_file = repository.tracked().contains_key(place);
    let place = if is_file { place.as_str() } else { folder_before_glob(place.as_str()) };
    let place = RepositoryPath::new(place).unwrap_or_default();
    let Some(below) = place.relative_to(&context.folder) else {
        return false;
    };
    if is_file { !ignore.matches(below) } else { !ignore.may_exclude_below(below) }
}

/// Whether the sources of a Dockerfile can be written with its folder in front of them.
fn can_go_below(repository: &dyn Repository, build: &ImageBuild, below: &RepositoryPath) -> Result<(), String> {
    if !below.is_plain() {
        return Err(format!("the name {below} would have to be quoted in the Dockerfile"));
    }
    if let Some(reason) = why_not_below(build) {
        return Err(reason);
    }
    // A link that leads out of the context is held to it, so it would lead elsewhere.
    let is_link = |path: &RepositoryPath| repository.tracked().get(path) == Some(&FileKind::SymbolicLink);
    let side = Side::of(build, &[]);
    let link = side.places.iter().find_map(|place| {
        let mut above = Some(place.clone()).filter(|place| !place.is_root());
        while let Some(path) = above {
            if is_link(&path) {
                return Some(path);
            }
            above = Some(path.parent()).filter(|parent| !parent.is_root());
        }
        None
    });
    link.map_or(Ok(()), |link| Err(format!("{link} is a link, which may lead elsewhere from another context")))
}

/// What the ignore file of the second Dockerfile itself must say, where the one that is in force from `folder` on does not
/// leave out of both what was left out.
fn own_ignore_file(
    repository: &dyn Repository,
    found: &DockerCp,
    folder: &RepositoryPath,
    [one, two]: &[Side<'_>; 2],
    has_buildkit: bool,
) -> Result<Option<OwnIgnoreFile>, String> {
    let dockerfile = found.second.source.path();
    let present = BuildContext::read(repository, folder, dockerfile, &found.second.command.removed)
        .map_err(|(path, error)| format!("{path}: {error}"))?;
    if one.agrees(repository, &present) && two.agrees(repository, &present) {
        return Ok(None);
    }
    let own = BuildContext::own_ignore_file(dockerfile);
    if one.context.folder == two.context.folder {
        if !two.agrees(repository, one.context) {
            return Err("the two builds have different ignore files, and files that one leaves out the other may take"
                .to_owned());
        }
        let is_of_first = ignore_path(one.context) == Some(&BuildContext::own_ignore_file(found.first.source.path()));
        return Ok(Some(if is_of_first {
            OwnIgnoreFile::Written(own, one.lines(folder)?)
        } else {
            OwnIgnoreFile::Goes(own)
        }));
    }
    if !has_buildkit {
        return Err(format!(
            "it is not certain that the builder reads {own}, where the patterns of both would have to go"
        ));
    }
    let (first, second) = (&one.context.folder, &two.context.folder);
    let (outer, inner) = if second.is_within(first) { (one, two) } else { (two, one) };
    let (around, within) = (outer.lines(folder)?, inner.lines(folder)?);
    let mut text = around;
    if inner.context.folder.is_within(&outer.context.folder) {
        if outer.meets(&inner.context.folder) {
            return Err(format!("both builds may copy files of {}, with different ignore files", inner.context.folder));
        }
        let below = inner.context.folder.relative_to(folder).unwrap_or_default();
        // A line that leaves out all of the folder, and nothing else, has no meaning for the outer build.
        text = text.split_inclusive('\n').filter(|line| line.trim().trim_matches('/') != below).collect();
        if DockerIgnore::parse(&text).may_exclude_below(below) {
            // The last pattern that fits decides, so all of the folder is let through first.
            text.push_str(&format!("!{below}\n"));
        }
    }
    text.push_str(&within);
    if text.is_empty() {
        text.push_str("# Nothing is left out: the .dockerignore of the folder is not for this image.\n");
    }
    let is_new = repository.read(&own).is_err();
    if let Some(below) =
        own.relative_to(folder).filter(|_| is_new && two.places.iter().any(|place| own.is_within(place)))
    {
        // The image had no such file.
        text = format!("{text}{below}\n");
    }
    let patterns = DockerIgnore::parse(&text);
    let is_same = [one, two].iter().all(|side| side.takes_the_same(repository, folder, &patterns));
    if is_same {
        Ok(Some(OwnIgnoreFile::Written(own, text)))
    } else {
        Err(format!("no patterns of {own} leave out the same"))
    }
}
