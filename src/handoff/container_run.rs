//! A container that works on the sources: `docker run --rm -v $PWD:/src -w /src image make`, and then an image of what it made.
//!
//! It is told as a first image would be: one that starts from the container's, and holds the sources where they were mounted.

use std::rc::Rc;

use super::container::{Container, CopyOut};
use super::copies::classify;
use super::docker_cp::DockerCp;
use super::image_build::ImageBuild;
use super::job_script::JobScript;
use crate::docker::{BuildCommand, BuildContext, PROJECT_FOLDER, Stages};
use crate::gitlab::{Job, PathPattern, is_glob};
use crate::source::{Repository, SourceFile};
use crate::syntax::dockerfile::Dockerfile;
use crate::text::RepositoryPath;

/// Finds the containers that work on the sources in front of each of these builds.
pub(super) fn find(repository: &dyn Repository, job: &Job, commands: &[BuildCommand]) -> Vec<DockerCp> {
    let docker = commands.iter().filter(|command| command.builder.has_engine());
    docker.filter_map(|second| in_front_of(repository, job, second)).collect()
}

fn in_front_of(repository: &dyn Repository, job: &Job, second: &BuildCommand) -> Option<DockerCp> {
    let script = JobScript::new(job);
    let containers = (0..second.step).filter_map(|index| Container::of(&script, index));
    let containers = containers.filter(|container| container.runs && container.mount().is_some());
    let containers: Option<Vec<_>> = containers.map(|container| on_sources(&script, container)).collect();
    let containers = containers?;
    let (one, last) = containers.first().zip(containers.last())?;
    let is_alike = |other: &Container| other.image == one.image && other.sources_at == one.sources_at;
    if !containers.iter().all(is_alike) || one.image.contains(['$', '`']) {
        return None;
    }
    let folder = one.sources_at.clone()?;
    let second = ImageBuild::read(repository, second).ok()?;
    let places = made_places(repository, &second)?;
    let first = like_an_image(&script, &second, one, &folder)?;
    let copy = |place: &RepositoryPath| CopyOut {
        step: last.step,
        inside: format!("{}/{}", folder.trim_end_matches('/'), place.as_str()),
        place: Some(place.clone()),
        doubt: None,
        options: Vec::new(),
        is_unpacked: false,
    };
    let copies: Vec<_> = places.iter().map(copy).collect();
    let origin = script.items.first()?.origin;
    let patterns: Vec<_> = places.iter().map(|place| PathPattern::of_place(place, origin)).collect();
    let uses = classify(&second.stages, &second.stages.reachable(second.target?), &second.context, &patterns, &[]);
    let service_steps = containers.iter().map(|container| container.step).collect();
    let consumer = Rc::clone(&job.name);
    let (other_uses, image_uses) = (Vec::new(), Vec::new());
    Some(DockerCp { consumer, script, first, second, copies, containers, service_steps, other_uses, image_uses, uses })
}

/// A container whose only mount is the project's folder, in which it works.
fn on_sources(script: &JobScript, mut container: Container) -> Option<Container> {
    let step = script.walk.steps.get(container.step)?;
    let is_root = step.folder.as_ref().is_some_and(RepositoryPath::is_root);
    let values = |names: [&str; 2]| {
        let own = container.options.iter().filter(move |(name, _)| names.contains(&name.as_str()));
        own.filter_map(|(_, value)| value.clone()).collect::<Vec<_>>()
    };
    let others = ["--mount", "--tmpfs", "--volumes-from"];
    let (volumes, folders) = (values(["-v", "--volume"]), values(["-w", "--workdir"]));
    let (source, folder) = volumes.first().filter(|_| volumes.len() == 1)?.split_once(':')?;
    let is_project = source == PROJECT_FOLDER || is_root && matches!(source, "$(pwd)" | "`pwd`" | "." | "./");
    let works_there = folders.first().is_some_and(|own| own == folder) && folders.len() == 1;
    let is_alone = !container.options.iter().any(|(name, _)| others.contains(&name.as_str()));
    let is_plain = folder.starts_with('/') && folder.len() > 1 && !folder.contains([':', '$', '`', ' ']);
    if !(is_project && works_there && is_alone && is_plain) {
        return None;
    }
    container.sources_at = Some(folder.to_owned());
    Some(container)
}

/// The places that the Dockerfile copies and git does not track; `None` where there are none, or where it copies the whole
/// project, so that it is not known what of it the container made.
fn made_places(repository: &dyn Repository, second: &ImageBuild) -> Option<Vec<RepositoryPath>> {
    let reachable = second.stages.reachable(second.target?);
    let copies = second.stages.copies.iter().filter(|copy| copy.from.is_none() && reachable.contains(&copy.stage));
    let mut places = Vec::new();
    for source in copies.flat_map(|copy| &copy.sources) {
        let place = second.context.folder.join(source.path.as_deref()?)?;
        if place.is_root() || is_glob(place.as_str()) {
            return None;
        }
        if !repository.tracks(&place) && !places.contains(&place) {
            places.push(place);
        }
    }
    (!places.is_empty()).then_some(places)
}

/// The build of an image that starts as the container did.
fn like_an_image(script: &JobScript, second: &ImageBuild, container: &Container, folder: &str) -> Option<ImageBuild> {
    let path = RepositoryPath::new(&container.image)?;
    let text = format!("FROM {}\nWORKDIR {folder}\nCOPY . .\n", container.image);
    let dockerfile = Dockerfile::parse(&text);
    let stages = Stages::new(&dockerfile, &[]);
    let target = stages.target(None);
    let mut command = second.command.clone();
    let step = script.walk.steps.get(container.step)?;
    (command.step, command.item, command.span) = (container.step, step.item, step.span);
    command.tags = Vec::new();
    command.options = Vec::new();
    command.build_arguments = Vec::new();
    command.target = None;
    command.dockerfile = path.clone();
    let ignore = second.context.ignore.clone();
    let context = BuildContext { folder: RepositoryPath::root(), ignore };
    Some(ImageBuild { command, source: SourceFile::new(path, text).into(), dockerfile, stages, target, context })
}
