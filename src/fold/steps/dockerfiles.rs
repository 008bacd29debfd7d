//! Two Dockerfiles become one: the stages of the first stand in front of those of the second.

use super::copies::{Origin, renumber, take_from};
use super::{Edits, builder_stage};
use crate::docker::{Copy, CopySource};
use crate::fold::{run_lines, stage_names};
use crate::gitlab::Pipeline;
use crate::handoff::{DockerCp, ImageBuild};
use crate::source::Repository;
use crate::syntax::dockerfile::Keyword;
use crate::text::{RepositoryPath, TextEdit};

pub(super) fn join(repository: &dyn Repository, found: &DockerCp) -> Edits {
    let second = &found.second;
    let (first_stages, name) = named_stages(&found.first, second);
    let path = second.source.path().clone();
    let place = |local: &str| found.place_inside(local);
    let landing = |copy: &Copy, source: &CopySource, path: &str| found.landing(copy, source, path);
    let origin = Origin {
        stage: &|_| name.clone(),
        place: &place,
        landing: &landing,
        stays: &|_| false,
        is_tracked_too: &|path| second.takes_tracked(repository, path),
        unpacked: &|_| None,
        named: &|_| None,
        below: &|written| written.to_owned(),
        may_be_owned: may_change_owners(&found.first),
    };
    let count = found.first.stages.stages.len();
    Ok(vec![
        (path.clone(), builder_stage::in_front(&second.dockerfile, &first_stages)),
        (path.clone(), take_from(second, &found.uses, &origin)?),
        (path, renumber(second, count)),
    ])
}

/// Whether nothing else in the repository names the first Dockerfile.
pub(super) fn is_unused(repository: &dyn Repository, pipeline: &Pipeline, found: &DockerCp) -> bool {
    let path = found.first.source.path();
    let name = path.file_name();
    let in_pipeline: usize = pipeline.files().iter().map(|file| file.source.text().matches(name).count()).sum();
    let is_pipeline = |other: &RepositoryPath| pipeline.files().iter().any(|file| file.source.path() == other);
    let others = repository.tracked().keys().filter(|other| *other != path && !is_pipeline(other));
    in_pipeline == 1 && !others.filter_map(|other| repository.read(other).ok()).any(|file| file.text().contains(name))
}

/// The text of the first Dockerfile's stages with a name for the last one, and that name.
fn named_stages(first: &ImageBuild, second: &ImageBuild) -> (String, String) {
    let text = first.source.text();
    let target = first.target.and_then(|target| first.stages.stages.get(target));
    let own = target.and_then(|stage| stage.name.clone());
    let name = own.clone().unwrap_or_else(|| stage_names::alone(&second.stages));
    let from = target.and_then(|stage| first.dockerfile.instructions.get(stage.from));
    let named = match (own, from) {
        (None, Some(from)) => {
            TextEdit::insert(from.span.end(), format!(" {} {name}", as_like(from.keyword_span.slice(text)))).apply(text)
        }
        _ => None,
    };
    let stages = named.unwrap_or_else(|| text.to_owned());
    let stages = stages.trim_start_matches('\u{feff}').trim_end().replace("\r\n", "\n");
    (stages, name)
}

/// `AS` in the letters of `FROM`.
fn as_like(from: &str) -> &'static str {
    if from.bytes().all(|byte| byte.is_ascii_lowercase()) { "as" } else { "AS" }
}

/// Whether files of the first image may belong to somebody else than root.
fn may_change_owners(first: &ImageBuild) -> bool {
    first.dockerfile.instructions.iter().any(|instruction| {
        instruction.keyword == Keyword::User
            || instruction.has_flag("chown")
            || instruction.shell_text().is_some_and(run_lines::names_owner_change)
    })
}
