//! The steps of a fold. Each returns the edits of its own concern; here they are put together.

mod build_command;
mod builder_stage;
mod cache;
mod copies;
mod cut;
mod dockerfiles;
mod export;
mod needs;
mod producer;
mod rewire;
mod script_lines;
mod takeover;
mod template;

use super::edit_failed;
use super::joined::Joining;
use super::proposing::Proposal;
use super::situation::Situation;
use crate::docker::BuildContext;
use crate::finding::{Finding, Location};
use crate::gitlab::Pipeline;
use crate::source::Repository;
use crate::text::{ChangeSet, RepositoryPath, TextEdit};

/// The change, and notes on it.
type Change = Result<(ChangeSet, Vec<Finding>), Box<Finding>>;

/// Edits of one file, or the finding that says why one of them cannot be made.
type Edits = Result<Vec<(RepositoryPath, TextEdit)>, Box<Finding>>;

/// Every step on the jobs at large, with all build jobs that are folded together.
const OF_PIPELINE: [fn(&[Situation<'_>]) -> Edits; 3] = [producer::remove, template::hide, rewire::followers];

/// Every step in a Dockerfile, taken once for each, with all build jobs that it gets a stage of.
const OF_DOCKERFILE: [fn(&[&Situation<'_>]) -> Edits; 2] = [builder_stage::insert, copies::rewrite];

/// Every step in an image job, taken once for each, with all build jobs whose files it took.
const OF_CONSUMER: [fn(&[&Situation<'_>]) -> Edits; 6] =
    [needs::mend, cut::sever, cache::remove, script_lines::moves, export::publish, takeover::write];

/// Moves the build jobs of `situations` into the Dockerfiles of the images.
pub(super) fn fold_jobs(situations: &[Situation<'_>]) -> Change {
    let mut edits = Vec::new();
    for step in OF_PIPELINE {
        edits.extend(step(situations)?);
    }
    for own in by_consumer(situations) {
        for step in OF_CONSUMER {
            edits.extend(step(&own)?);
        }
    }
    let mut proposals = Vec::new();
    let mut dockerfiles: Vec<&RepositoryPath> = Vec::new();
    let command = |situation: &Situation<'_>| (situation.consumer.name.clone(), situation.build().command.step);
    // One command may build several images that a file describes.
    for own in apart(situations, |one, other| command(one) == command(other)) {
        edits.extend(build_command::complete(&own)?);
    }
    for own in apart(situations, |one, other| std::ptr::eq(one.handoff, other.handoff)) {
        let dockerfile = own.first().map(|situation| &situation.build().command.dockerfile);
        let Some(dockerfile) = dockerfile.filter(|path| !dockerfiles.contains(path)) else {
            continue;
        };
        dockerfiles.push(dockerfile);
        for step in OF_DOCKERFILE {
            edits.extend(step(&own)?);
        }
        proposals.extend(Proposal::of(&own));
    }
    let location = situations.first().map_or(Location::File(RepositoryPath::root()), Situation::command_location);
    let mut changes = union(edits, location.clone())?;
    for ignore in situations.iter().filter_map(|situation| situation.wider()?.ignore.as_ref()) {
        ignore.move_along(&mut changes).map_err(|error| edit_failed(location.clone(), &error.to_string()))?;
    }
    for relaxed in situations.iter().filter_map(Situation::relaxed) {
        relaxed.write(&mut changes).map_err(|error| edit_failed(location.clone(), &error.to_string()))?;
    }
    for proposal in &proposals {
        let written = changes.create(proposal.path.clone(), proposal.text());
        written.map_err(|error| edit_failed(location.clone(), &error.to_string()))?;
    }
    Ok((changes, proposals.iter().map(Proposal::finding).collect()))
}

/// The situations of each image job.
pub(super) fn by_consumer<'a, 'b>(situations: &'a [Situation<'b>]) -> Vec<Vec<&'a Situation<'b>>> {
    apart(situations, |one, other| one.consumer.name == other.consumer.name)
}

/// The situations in lots, each of those that go together.
fn apart<'a, 'b: 'a>(
    situations: impl IntoIterator<Item = &'a Situation<'b>>,
    together: impl Fn(&Situation<'b>, &Situation<'b>) -> bool,
) -> Vec<Vec<&'a Situation<'b>>> {
    let mut lots: Vec<Vec<&Situation<'b>>> = Vec::new();
    for situation in situations {
        match lots.iter_mut().find(|lot| lot.iter().any(|other| together(other, situation))) {
            Some(lot) => lot.push(situation),
            None => lots.push(vec![situation]),
        }
    }
    lots
}

/// Joins the two Dockerfiles of `found`.
pub(super) fn fold_docker_cp(repository: &dyn Repository, pipeline: &Pipeline, joining: &Joining<'_>) -> Change {
    let found = joining.found;
    let mut edits = dockerfiles::join(repository, joining)?;
    edits.extend(script_lines::remove(pipeline, joining)?);
    edits.extend(cache::of_containers(pipeline, found)?);
    let location = found
        .script
        .location(pipeline, found.second.command.item, found.second.command.span)
        .unwrap_or(Location::File(RepositoryPath::root()));
    let mut changes = union(edits, location.clone())?;
    if let Ok(contexts) = &joining.contexts {
        contexts.write(repository, &mut changes)?;
    }
    if dockerfiles::is_unused(repository, pipeline, found) {
        let own = BuildContext::own_ignore_file(found.first.source.path());
        let own = Some(own).filter(|own| repository.tracks(own));
        for path in std::iter::once(found.first.source.path().clone()).chain(own) {
            let removed = changes.delete(path);
            removed.map_err(|error| edit_failed(location.clone(), &error.to_string()))?;
        }
    }
    Ok((changes, Vec::new()))
}

fn union(edits: Vec<(RepositoryPath, TextEdit)>, location: Location) -> Result<ChangeSet, Box<Finding>> {
    let mut changes = ChangeSet::default();
    for (path, edit) in edits {
        changes.edit(path, edit).map_err(|error| edit_failed(location.clone(), &error.to_string()))?;
    }
    Ok(changes)
}
