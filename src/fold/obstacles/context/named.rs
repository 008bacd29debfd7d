//! A further context (`--build-context NAME=FOLDER`) must not be made of the hand-off, nor take the place of the builder stage.

use crate::docker::{Base, CopySource};
use crate::finding::{Code, Finding};
use crate::fold::situation::Situation;
use crate::gitlab::Relation;
use crate::handoff::relation_to_all;
use crate::text::RepositoryPath;

/// What stands in the way of the contexts that the command names beside its own.
pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let options = situation.build().command.options.iter().filter(|(name, _)| name == "--build-context");
    let values = options.filter_map(|(_, value)| value.as_deref()).map(|value| value.trim_matches(['"', '\'']));
    values
        .filter_map(|value| value.split_once('='))
        .filter_map(|(name, place)| finding(situation, name, place))
        .collect()
}

fn finding(situation: &Situation<'_>, name: &str, place: &str) -> Option<Finding> {
    let (message, help) = if name.eq_ignore_ascii_case(&situation.stage) {
        let message = format!("a context called {name} takes the place of the stage of that name");
        (message, "call the context otherwise, here and in the Dockerfile".to_owned())
    } else {
        let what = why_not(situation, name, place)?;
        let help = format!(
            "take the files out of the build context itself, without '--from={name}', and leave out the option"
        );
        (format!("the context {name} is {place}, and {what}"), help)
    };
    Some(Finding::new(Code::CopyUnclear, situation.command_location(), message).with_help(help))
}

/// Why the context may not be what it was, once the job that hands files on is gone.
fn why_not(situation: &Situation<'_>, name: &str, place: &str) -> Option<&'static str> {
    if place.contains("://") || place.starts_with("git@") {
        return None;
    }
    let Some(folder) = folder(situation, place) else {
        return Some("it cannot be told whether the job hands on files that lie there");
    };
    let patterns = situation.patterns();
    let relations = relation_to_all(&patterns, folder.as_str());
    if relations.covers || relations.overlaps {
        return Some("the build makes it, so it is no longer there");
    }
    let takes = relations.below && takes_of(situation, name, &folder);
    takes.then_some("the image takes what the build makes in it")
}

/// The folder of a context; `None` where it is not known, or lies outside of the project.
fn folder(situation: &Situation<'_>, place: &str) -> Option<RepositoryPath> {
    let of_project = ["$CI_PROJECT_DIR", "${CI_PROJECT_DIR}"].iter().find_map(|name| place.strip_prefix(name));
    let start = match of_project {
        Some(_) => RepositoryPath::root(),
        None => situation.handoff.script.walk.steps.get(situation.build().command.step)?.folder.clone()?,
    };
    let below = of_project.map_or(place, |below| below.trim_start_matches('/'));
    let is_known = !below.contains('$') && !below.starts_with(['/', '~']);
    start.join(below).filter(|_| is_known)
}

/// Whether the Dockerfile may take files of the hand-off out of a context that holds others too.
fn takes_of(situation: &Situation<'_>, name: &str, folder: &RepositoryPath) -> bool {
    let stages = &situation.build().stages;
    let is_base =
        |base: &Base| matches!(base, Base::Image(image) if image.as_deref().is_none_or(|image| image == name));
    let patterns = situation.patterns();
    let may_be_handed_on = |source: &CopySource| {
        let place = source.path.as_deref().and_then(|path| folder.join(path));
        place.is_none_or(|place| patterns.iter().any(|pattern| pattern.relation(place.as_str()) != Relation::Apart))
    };
    let mut copies = stages.copies.iter().filter(|copy| copy.from.as_deref() == Some(name));
    stages.stages.iter().any(|stage| is_base(&stage.base))
        || stages.mounts.iter().any(|mount| mount.from == name)
        || copies.any(|copy| copy.sources.iter().any(may_be_handed_on))
}
