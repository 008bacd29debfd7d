//! A container that works on the sources: `docker run --rm -v $PWD:/src -w /src image make`, and then an image of what it made.
//!
//! It is told as a first image would be: one that starts from the container's, and holds the sources where they were mounted.
//! Folders that the job caches may be mounted beside them: a cache may be empty at any time (GitLab docs: ci/caching), so the
//! command works without what it finds there.

use std::rc::Rc;

use super::container::{Container, CopyOut};
use super::copies::classify;
use super::docker_cp::DockerCp;
use super::image_build::ImageBuild;
use super::job_script::JobScript;
use super::written::operand_places;
use crate::docker::{BuildCommand, BuildContext, PROJECT_FOLDER, Stages, Step};
use crate::gitlab::{Cache, Job, PathPattern, Relation, is_glob};
use crate::source::{Repository, SourceFile};
use crate::syntax::dockerfile::Dockerfile;
use crate::text::RepositoryPath;

/// What may stand behind a mount and changes nothing about what is there (Docker CLI reference: `docker run --volume`).
const OF_NO_MEANING: [&str; 6] = [":z", ":Z", ":rw", ":cached", ":delegated", ":consistent"];

/// How a script writes the folder that it runs in.
const OWN_FOLDER: [&str; 3] = ["$(pwd)", "`pwd`", "."];

/// What of the job's folder a container has, and where it works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mounted {
    /// The folder in it that the project's is mounted to.
    pub sources: String,
    /// The folder in which its command runs; `None` for the one that the image names.
    pub working_folder: Option<String>,
    /// Folders of the project that the job caches, mounted to places of their own.
    pub caches: Vec<RepositoryPath>,
}

impl DockerCp {
    /// What each container that works on the sources has of the job's folder.
    fn mounted(&self) -> impl Iterator<Item = &Mounted> {
        self.containers.iter().filter_map(|container| container.mounted.as_ref())
    }

    /// The folders of the job's cache that containers had beside the sources.
    #[must_use]
    pub fn mounted_caches(&self) -> Vec<RepositoryPath> {
        let mut found: Vec<_> = self.mounted().flat_map(|mounted| mounted.caches.iter().cloned()).collect();
        found.sort();
        found.dedup();
        found
    }
}

/// Finds the containers that work on the sources in front of each of these builds.
pub(super) fn find(
    repository: &dyn Repository,
    job: &Job,
    script: &JobScript,
    commands: &[BuildCommand],
) -> Vec<DockerCp> {
    let docker = commands.iter().filter(|command| command.builder.has_engine());
    docker.filter_map(|second| in_front_of(repository, job, script, second)).collect()
}

fn in_front_of(repository: &dyn Repository, job: &Job, script: &JobScript, second: &BuildCommand) -> Option<DockerCp> {
    let containers = (0..second.step).filter_map(|index| Container::of(script, index));
    let containers: Vec<_> = containers.filter(|container| container.runs && container.mount().is_some()).collect();
    if containers.is_empty() {
        return None;
    }
    let build = ImageBuild::read(repository, second).ok()?;
    let made = made_places(repository, &build)?;
    let cached = Cached { repository, caches: job.caches(), made: &made };
    let containers: Option<Vec<_>> = containers
        .into_iter()
        .map(|mut container| {
            container.mounted = Some(mounted(script, &container, &cached)?);
            Some(container)
        })
        .collect();
    let containers = containers?;
    let (one, last) = containers.first().zip(containers.last())?;
    let place = |container: &Container| {
        let mounted = container.mounted.as_ref()?;
        Some((mounted.sources.clone(), mounted.working_folder.clone()))
    };
    let is_alike = |other: &Container| other.image == one.image && place(other) == place(one);
    if !containers.iter().all(is_alike) || one.image.contains(['$', '`']) {
        return None;
    }
    let mounted = one.mounted.clone()?;
    let first = like_an_image(script, &build, one, &mounted)?;
    let copy = |place: &RepositoryPath| CopyOut {
        step: last.step,
        inside: format!("{}/{}", mounted.sources.trim_end_matches('/'), place.as_str()),
        place: Some(place.clone()),
        doubt: None,
        options: Vec::new(),
        is_unpacked: false,
    };
    let copies: Vec<_> = made.iter().map(copy).collect();
    let origin = script.items.first()?.origin;
    let patterns: Vec<_> = made.iter().map(|place| PathPattern::of_place(place, origin)).collect();
    let uses = classify(&build.stages, &build.stages.reachable(build.target?), &build.context, &patterns, &[]);
    let mut service_steps: Vec<_> = containers.iter().map(|container| container.step).collect();
    service_steps.extend(folders_for_caches(script, &containers));
    let consumer = Rc::clone(&job.name);
    let (other_uses, image_uses, references, second) = (Vec::new(), Vec::new(), Vec::new(), build);
    Some(DockerCp {
        consumer,
        script: JobScript::new(job),
        first,
        second,
        copies,
        containers,
        service_steps,
        other_uses,
        image_uses,
        references,
        uses,
    })
}

/// The folders of the project that a job caches, and what the containers make there.
struct Cached<'a> {
    repository: &'a dyn Repository,
    caches: Vec<Cache>,
    made: &'a [RepositoryPath],
}

impl Cached<'_> {
    /// Whether the image takes something of a folder.
    fn meets_made(&self, place: &RepositoryPath) -> bool {
        self.made.iter().any(|made| made.is_within(place) || place.is_within(made))
    }

    /// Whether a folder holds nothing but what a cache brings.
    fn brings(&self, place: &RepositoryPath) -> bool {
        let within =
            |pattern: &PathPattern| pattern.relation(place.as_str()) == Relation::Covers && !pattern.is_unbounded();
        !self.repository.tracks(place) && self.caches.iter().flat_map(|cache| &cache.paths).any(within)
    }
}

/// What a container has of the job's folder, where that is the whole project and folders of caches, and nothing else.
fn mounted(script: &JobScript, container: &Container, cached: &Cached<'_>) -> Option<Mounted> {
    let step = script.walk.steps.get(container.step)?;
    let values = |names: [&str; 2]| {
        let own = container.options.iter().filter(move |(name, _)| names.contains(&name.as_str()));
        own.filter_map(|(_, value)| value.clone()).collect::<Vec<_>>()
    };
    let others = ["--mount", "--tmpfs", "--volumes-from"];
    if container.options.iter().any(|(name, _)| others.contains(&name.as_str())) {
        return None;
    }
    let (mut sources, mut caches) = (None, Vec::new());
    for volume in values(["-v", "--volume"]) {
        let bare = OF_NO_MEANING.iter().find_map(|ending| volume.strip_suffix(ending)).map(str::to_owned);
        let volume = bare.unwrap_or(volume);
        let (from, inside) = volume.split_once(':')?;
        let place = place_of(step, from).filter(|_| is_plain_folder(inside))?;
        match place.is_root() {
            true if sources.is_none() => sources = Some(inside.to_owned()),
            false if cached.brings(&place) => caches.push((place, inside.to_owned())),
            _ => return None,
        }
    }
    let mut folders = values(["-w", "--workdir"]);
    let working_folder = folders.pop().filter(|_| folders.is_empty());
    let is_known = folders.is_empty() && working_folder.as_deref().is_none_or(is_plain_folder);
    let sources = sources?;
    // What the image takes must lie in the stage where it lay below the sources.
    let own_place = |place: &RepositoryPath| format!("{}/{place}", sources.trim_end_matches('/'));
    let mut elsewhere = caches.iter().filter(|(place, inside)| cached.meets_made(place) && *inside != own_place(place));
    // What git tracks there was hidden by the mount, and a stage has it.
    let hides = |inside: &str| {
        let below = inside.strip_prefix(sources.trim_end_matches('/')).and_then(|below| below.strip_prefix('/'));
        below.and_then(RepositoryPath::new).is_some_and(|place| cached.repository.tracks(&place))
    };
    let hides_some = caches.iter().any(|(_, inside)| hides(inside));
    let is_known = is_known && elsewhere.next().is_none() && !hides_some;
    let caches = caches.into_iter().map(|(place, _)| place).collect();
    is_known.then_some(Mounted { sources, working_folder, caches })
}

/// The place of the project that a mount takes; `None` for one elsewhere.
fn place_of(step: &Step, from: &str) -> Option<RepositoryPath> {
    let is_root = step.folder.as_ref().is_some_and(RepositoryPath::is_root);
    let own = OWN_FOLDER.iter().filter(|_| is_root).find_map(|folder| from.strip_prefix(folder));
    let below = from.strip_prefix(PROJECT_FOLDER).or(own)?;
    match below.strip_prefix('/') {
        None if below.is_empty() => Some(RepositoryPath::root()),
        None => None,
        Some(below) => RepositoryPath::new(below).filter(|_| !below.contains(['$', '`', '*', '?', '['])),
    }
}

fn is_plain_folder(folder: &str) -> bool {
    // The project's own folder is one of the runner, and no folder of an image.
    let is_elsewhere = !folder.starts_with(PROJECT_FOLDER) && folder.len() > 1;
    folder.starts_with('/') && is_elsewhere && !folder.contains([':', '$', '`', ' '])
}

/// The steps that only make the folders of caches, so that they are there to be mounted.
fn folders_for_caches(script: &JobScript, containers: &[Container]) -> Vec<usize> {
    let caches: Vec<_> = containers.iter().filter_map(|container| container.mounted.as_ref()).collect();
    let is_cache = |place: &RepositoryPath| caches.iter().any(|mounted| mounted.caches.contains(place));
    let steps = script.walk.steps.iter().enumerate().filter(|(_, step)| step.program() == Some("mkdir"));
    let makes = steps.filter(|(_, step)| {
        let places = operand_places(step);
        !places.is_empty() && places.iter().all(|place| place.as_ref().is_some_and(is_cache))
    });
    makes.map(|(index, _)| index).collect()
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
fn like_an_image(
    script: &JobScript,
    second: &ImageBuild,
    container: &Container,
    mounted: &Mounted,
) -> Option<ImageBuild> {
    let path = RepositoryPath::new(&container.image)?;
    let (image, sources) = (&container.image, &mounted.sources);
    let text = match &mounted.working_folder {
        Some(folder) if folder == sources => format!("FROM {image}\nWORKDIR {folder}\nCOPY . .\n"),
        Some(folder) => format!("FROM {image}\nCOPY . {sources}\nWORKDIR {folder}\n"),
        None => format!("FROM {image}\nCOPY . {sources}\n"),
    };
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
