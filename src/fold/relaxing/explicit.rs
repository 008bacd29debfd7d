//! What a copy of a whole folder took of the context, by name.

use std::collections::{BTreeMap, BTreeSet};

use crate::docker::BuildContext;
use crate::fold::unpacked::is_archive;
use crate::gitlab::{is_glob, may_take};
use crate::handoff::ImageBuild;
use crate::source::{FileKind, Repository};
use crate::text::RepositoryPath;

/// The most copies that one turns into: more would be no Dockerfile that people read.
const MOST: usize = 12;

/// Files of one folder, or a folder with all that is in it, that a copy of a folder above took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::fold) struct Named {
    /// The paths in the context.
    pub(in crate::fold) sources: Vec<String>,
    /// Where they go, below the destination of the whole.
    pub(in crate::fold) below: String,
}

/// For every folder that a copy takes more of through `relaxed` than before: what it took before.
///
/// # Errors
/// Why that cannot be written, as a whole sentence without a full stop.
pub(super) fn named(
    repository: &dyn Repository,
    build: &ImageBuild,
    relaxed: &BuildContext,
) -> Result<Vec<(RepositoryPath, Vec<Named>)>, String> {
    let before = &build.context;
    let is_new = |path: &RepositoryPath| before.leaves_out(path) && !relaxed.leaves_out(path);
    let mut found: Vec<(RepositoryPath, Vec<Named>)> = Vec::new();
    let copies = build.stages.copies.iter().filter(|copy| copy.from.is_none());
    let sources = copies.flat_map(|copy| copy.sources.iter().map(move |source| (copy.is_add, source)));
    let places = sources.filter_map(|(is_add, source)| Some((is_add, before.folder.join(source.path.as_deref()?)?)));
    for (is_add, place) in places {
        let takes = |path: &RepositoryPath| may_take(place.as_str(), path.as_str());
        if found.iter().any(|(known, _)| *known == place)
            || !repository.tracked().keys().any(|path| takes(path) && is_new(path))
        {
            continue;
        }
        if is_glob(place.as_str()) {
            return Err(format!("{place} would take more than before"));
        }
        let mut parts = parts(repository, before, &place)?;
        if place.is_root() && !takes_no_history(before) {
            parts.push(Named { sources: vec![".git".to_owned()], below: ".git".to_owned() });
        }
        let archive = parts.iter().flat_map(|part| &part.sources).find(|path| is_add && is_archive(path));
        if let Some(archive) = archive {
            return Err(format!("ADD would unpack {archive}, which it copied along with its folder"));
        }
        found.push((place, parts));
    }
    Ok(found)
}

fn takes_no_history(context: &BuildContext) -> bool {
    context.ignore.as_ref().is_some_and(|(_, ignore)| ignore.excludes_all_below(".git"))
}

/// What reached the build of the folder at `place`: folders that did as a whole, and files beside each other.
fn parts(repository: &dyn Repository, before: &BuildContext, place: &RepositoryPath) -> Result<Vec<Named>, String> {
    let mut whole: BTreeSet<String> = BTreeSet::new();
    let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, kind) in repository.tracked_within(place).filter(|(path, _)| !before.leaves_out(path)) {
        let is_there =
            |folder: &RepositoryPath| repository.tracked_within(folder).all(|(path, _)| !before.leaves_out(path));
        let folders = folders_between(place, path);
        match folders.iter().find(|folder| is_there(folder)) {
            Some(folder) => drop(whole.insert(folder.as_str().to_owned())),
            None if kind == FileKind::SymbolicLink => {
                return Err(format!("a copy that names the link {path} takes what it leads to"));
            }
            None => {
                let parent = folders.last().map_or(place.as_str(), RepositoryPath::as_str);
                files.entry(parent.to_owned()).or_default().push(path.as_str().to_owned());
            }
        }
    }
    if whole.len() + files.len() > MOST {
        let count = whole.len() + files.len();
        return Err(format!("what the image copies of {} would take {count} copies to name", told(place)));
    }
    let all = whole.iter().chain(files.values().flatten());
    // What holds a blank stands in the JSON form, which takes no other letter that means something to the builder either.
    let is_plain = |path: &&String| RepositoryPath::new(&path.replace(' ', "")).is_some_and(|path| path.is_plain());
    if let Some(path) = all.into_iter().find(|path| !is_plain(path)) {
        return Err(format!("the name {path} has letters that mean something else in a Dockerfile"));
    }
    let below = |path: &str| RepositoryPath::new(path).and_then(|path| Some(path.relative_to(place)?.to_owned()));
    let of_files = files.iter().map(|(folder, sources)| Named {
        sources: sources.clone(),
        below: below(folder).filter(|below| !below.is_empty()).map(|below| format!("{below}/")).unwrap_or_default(),
    });
    let of_folders =
        whole.iter().map(|folder| Named { sources: vec![folder.clone()], below: below(folder).unwrap_or_default() });
    Ok(of_files.chain(of_folders).collect())
}

fn told(place: &RepositoryPath) -> &str {
    if place.is_root() { "the project" } else { place.as_str() }
}

/// The folders strictly below `place` that `path` lies in, the highest first.
fn folders_between(place: &RepositoryPath, path: &RepositoryPath) -> Vec<RepositoryPath> {
    let below = path.relative_to(place).unwrap_or_default();
    let cuts = below.match_indices('/').map(|(at, _)| below.get(..at).unwrap_or_default());
    cuts.filter_map(|folder| place.join(folder)).collect()
}
