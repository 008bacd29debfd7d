//! Files that a first build writes into the project by `--output`, in the place of an image: `docker build -o out .`

use super::container::CopyOut;
use super::copies::{CopyUse, SourceUse};
use super::image_build::ImageBuild;
use crate::docker::place_in_repository;
use crate::gitlab::folder_before_glob;
use crate::source::Repository;
use crate::text::RepositoryPath;

/// What a build writes into the project by `--output` in the place of an image: all that its stage holds (Docker docs:
/// local exporter).
pub(super) fn of_build(repository: &dyn Repository, first: &ImageBuild) -> Option<CopyOut> {
    let value = first.command.option("-o").or_else(|| first.command.option("--output"))?;
    let parts: Vec<_> = value.trim_matches(['"', '\'']).split(',').collect();
    let folder = match parts.as_slice() {
        [folder] if !folder.contains('=') => Some(*folder),
        parts if parts.contains(&"type=local") && parts.len() == 2 => {
            parts.iter().find_map(|part| part.strip_prefix("dest="))
        }
        _ => None,
    };
    let known = folder.filter(|folder| !folder.contains(['$', '`']) && *folder != "-");
    let place = known.and_then(|folder| place_in_repository(folder, &first.command.folder));
    let doubt = match &place {
        None if parts.iter().any(|part| part.starts_with("type=")) && !parts.contains(&"type=local") => return None,
        None => Some("it is not known where this writes the files"),
        Some(place) if place.is_root() => Some("this lays the files over the whole project"),
        Some(place) if repository.tracks(place) => Some("git tracks files where this writes its own"),
        Some(_) => None,
    };
    let doubt = doubt.map(str::to_owned);
    let inside = "/".to_owned();
    Some(CopyOut { step: first.command.step, inside, place, doubt, options: Vec::new(), is_unpacked: false })
}

/// A stage that starts from an image holds a whole system, of which the second image must take single files, by their path.
pub(super) fn doubt_whole_systems(first: &ImageBuild, copies: &mut [CopyOut], uses: &[CopyUse]) {
    let stage = first.target.and_then(|target| first.stages.stages.get(target));
    if stage.is_some_and(|stage| stage.base_written == "scratch") {
        return;
    }
    let of_system = copies.iter_mut().filter(|copy| copy.inside == "/" && copy.doubt.is_none());
    for copy in of_system {
        let takes_all = |place: &RepositoryPath| {
            let mut sources = uses.iter().flat_map(|found| &found.sources);
            sources.any(|source| match source {
                SourceUse::Builder { path, .. } => {
                    path.trim_end_matches('/') == place.as_str() || folder_before_glob(path) == place.as_str()
                }
                SourceUse::Ancestor { below, .. } => below.iter().any(|path| path == place.as_str()),
                _ => false,
            })
        };
        if copy.place.as_ref().is_some_and(takes_all) {
            copy.doubt = Some("this writes out a whole system, and not only the files".to_owned());
        }
    }
}
