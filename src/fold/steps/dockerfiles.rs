//! Two Dockerfiles become one: the stages of the first stand in front of those of the second.

use super::copies::{Origin, renumber, take_from};
use super::{Edits, builder_stage};
use crate::docker::{Copy, CopySource};
use crate::finding::Location;
use crate::fold::joined::{Joined, Joining, is_one_file};
use crate::fold::widening::source_below;
use crate::fold::{edit_failed, run_lines};
use crate::gitlab::Pipeline;
use crate::handoff::{DockerCp, ImageBuild};
use crate::source::Repository;
use crate::syntax::dockerfile::{Dockerfile, Keyword};
use crate::text::{RepositoryPath, TextEdit};

pub(super) fn join(repository: &dyn Repository, joining: &Joining<'_>) -> Edits {
    let found = joining.found;
    let second = &found.second;
    let path = second.source.path().clone();
    let joined = Joined::of(joining).ok_or_else(|| {
        edit_failed(Location::File(found.first.source.path().clone()), "the stages of this file cannot be moved")
    })?;
    let place = |local: &str| found.place_inside(local);
    let landing = |copy: &Copy, source: &CopySource, path: &str| found.landing(copy, source, path);
    let origin = Origin {
        stage: &|_| joined.name.clone(),
        place: &place,
        landing: &landing,
        stays: &|_| false,
        is_tracked_too: &|path| second.takes_tracked(repository, path),
        unpacked: &|_| None,
        named: &|_| None,
        below: &|written| match joining.contexts.as_ref().ok().and_then(|contexts| contexts.second.as_ref()) {
            Some((folder, _)) => source_below(folder, written),
            None => written.to_owned(),
        },
        may_be_owned: may_change_owners(&found.first.dockerfile)
            || may_change_owners(&Dockerfile::parse(&joined.stages)),
    };
    let mut edits = vec![(path.clone(), take_from(second, &found.uses, &origin)?)];
    for reference in &found.references {
        edits.push((path.clone(), TextEdit::replace(reference.span, joined.name.clone())));
    }
    if !joined.stages.is_empty() {
        edits.push((path.clone(), renumber(second, joined.count)));
        edits.extend(in_front(second, &joined).into_iter().map(|edit| (path.clone(), edit)));
    }
    Ok(edits)
}

/// The stages in front of the first `FROM`, and the parser directives in the first lines.
fn in_front(second: &ImageBuild, joined: &Joined) -> Vec<TextEdit> {
    let stages = builder_stage::in_front(&second.dockerfile, &joined.stages);
    if joined.directives.is_empty() {
        return vec![stages];
    }
    let text = second.source.text();
    let top = text.len() - text.trim_start_matches('\u{feff}').len();
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let directives = joined.directives.replace('\n', newline);
    let is_at_top = stages.replacements().first().is_some_and(|first| first.span.start() == top);
    if is_at_top {
        return vec![builder_stage::in_front(&second.dockerfile, &format!("{}{}", joined.directives, joined.stages))];
    }
    vec![TextEdit::insert(top, directives), stages]
}

/// Whether nothing else in the repository names the first Dockerfile.
pub(super) fn is_unused(repository: &dyn Repository, pipeline: &Pipeline, found: &DockerCp) -> bool {
    let path = found.first.source.path();
    let name = path.file_name();
    let in_pipeline: usize = pipeline.files().iter().map(|file| file.source.text().matches(name).count()).sum();
    let is_pipeline = |other: &RepositoryPath| pipeline.files().iter().any(|file| file.source.path() == other);
    let others = repository.tracked().keys().filter(|other| *other != path && !is_pipeline(other));
    !is_one_file(found)
        && !found.is_made_in_place()
        && in_pipeline == 1
        && !others.filter_map(|other| repository.read(other).ok()).any(|file| file.text().contains(name))
}

/// Whether files of the first image may belong to somebody else than root.
fn may_change_owners(dockerfile: &Dockerfile) -> bool {
    dockerfile.instructions.iter().any(|instruction| {
        instruction.keyword == Keyword::User
            || instruction.has_flag("chown")
            || instruction.shell_text().is_some_and(run_lines::names_owner_change)
    })
}
