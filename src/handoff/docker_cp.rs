//! The third way: a first image is built, files are copied out of it, and a second image takes them in.

use std::rc::Rc;

use super::container::{Container, CopyOut, copy_words, is_same_image, removes, spelled};
use super::copies::{CopyUse, SourceUse, classify};
use super::image_build::ImageBuild;
use super::job_script::JobScript;
use super::landing::{Landing, landing};
use crate::docker::{BuildCommand, Copy, CopySource, Step, StepWord, place_in_repository};
use crate::gitlab::{Job, PathPattern};
use crate::source::Repository;
use crate::text::RepositoryPath;

/// Files that are copied out of a first image into the context of a second one, in one job.
pub struct DockerCp {
    /// The job.
    pub consumer: Rc<str>,
    /// Its script.
    pub script: JobScript,
    /// The build of the first image.
    pub first: ImageBuild,
    /// The build of the second one.
    pub second: ImageBuild,
    /// The commands that copy, in order.
    pub copies: Vec<CopyOut>,
    /// The containers of the first image that are copied from.
    pub containers: Vec<Container>,
    /// The steps that only serve the copying: making containers and folders, and removing them.
    pub service_steps: Vec<usize>,
    /// Steps that use the first image or its container in some other way.
    pub other_uses: Vec<usize>,
    /// How the `COPY`s of the second Dockerfile lie to the files.
    pub uses: Vec<CopyUse>,
}

impl DockerCp {
    /// The path in the first image of a file that was copied out of it.
    #[must_use]
    pub fn place_inside(&self, local: &str) -> String {
        let local = RepositoryPath::new(local).unwrap_or_default();
        let copied = self.copies.iter().find_map(|copy| {
            let below = local.relative_to(copy.place.as_ref()?)?;
            let inside = copy.inside.trim_end_matches('/');
            Some(if below.is_empty() { inside.to_owned() } else { format!("{inside}/{below}") })
        });
        copied.unwrap_or_else(|| format!("/{}", local.as_str()))
    }

    /// The indices of the steps that a fold takes out of the script.
    #[must_use]
    pub fn steps_that_go(&self) -> Vec<usize> {
        let copies = self.copies.iter().map(|copy| copy.step);
        copies.chain(self.service_steps.iter().copied()).chain([self.first.command.step]).collect()
    }

    /// Where a source of a `COPY`, which takes the files at `path`, lands if it takes them from the first image.
    #[must_use]
    pub fn landing(&self, copy: &Copy, source: &CopySource, path: &str) -> Landing {
        landing(copy, &source.written, path, &self.place_inside(path), None)
    }
}

/// Finds the hand-offs of this kind in a job with these build commands.
pub(super) fn find(repository: &dyn Repository, job: &Job, commands: &[BuildCommand]) -> Vec<DockerCp> {
    let script = JobScript::new(job);
    let commands: Vec<_> = commands.iter().filter(|command| command.builder.has_engine()).collect();
    let pairs = commands
        .iter()
        .enumerate()
        .flat_map(|(at, first)| commands.iter().skip(at + 1).map(move |second| (first, second)));
    pairs.filter_map(|(first, second)| between(repository, job, &script, first, second)).collect()
}

fn between(
    repository: &dyn Repository,
    job: &Job,
    script: &JobScript,
    first: &BuildCommand,
    second: &BuildCommand,
) -> Option<DockerCp> {
    let pair = Pair { repository, script, first, second };
    let (containers, copies) = pair.copies();
    if copies.is_empty() {
        return None;
    }
    let first = ImageBuild::read(repository, first).ok()?;
    let second = ImageBuild::read(repository, second).ok()?;
    let origin = script.items.first()?.origin;
    let patterns = copies.iter().filter_map(|copy| Some(PathPattern::of_place(copy.place.as_ref()?, origin)));
    let patterns: Vec<_> = patterns.collect();
    let target = second.target?;
    let uses = classify(&second.stages, &second.stages.reachable(target), &second.context, &patterns, &[]);
    let is_used = uses.iter().flat_map(|copy| &copy.sources).any(|source| *source != SourceUse::Context);
    let is_doubtful = copies.iter().any(|copy| copy.place.is_none()) && second.copies_something_untracked(repository);
    let (service_steps, other_uses) = pair.other_steps(&containers, &copies);
    (is_used || is_doubtful).then(|| DockerCp {
        consumer: Rc::clone(&job.name),
        script: JobScript::new(job),
        first,
        second,
        copies,
        containers,
        service_steps,
        other_uses,
        uses,
    })
}

/// Two builds of one script.
struct Pair<'a> {
    repository: &'a dyn Repository,
    script: &'a JobScript,
    first: &'a BuildCommand,
    second: &'a BuildCommand,
}

impl Pair<'_> {
    /// What is copied out of containers of the first image between the two builds, and the containers.
    fn copies(&self) -> (Vec<Container>, Vec<CopyOut>) {
        let steps = &self.script.walk.steps;
        let all: Vec<_> = (0..steps.len()).filter_map(|index| Container::of(self.script, index)).collect();
        let (mut containers, mut copies, mut folders) = (Vec::<Container>::new(), Vec::<CopyOut>::new(), Vec::new());
        for (index, step) in steps.iter().enumerate().take(self.second.step).skip(self.first.step + 1) {
            folders.extend(made_folders(step));
            let Some(words) = copy_words(step) else { continue };
            let is_within = |container: &&Container| {
                let other = steps.get(container.step);
                other.is_some_and(|other| other.item == step.item && step.span.covers(other.span))
            };
            let mut earlier = all.iter().rev().filter(|container| container.step < index);
            let own = || all.iter().find(is_within).filter(|container| container.name == words.container);
            let container = own().or_else(|| earlier.find(|container| container.name == words.container));
            let is_ours =
                |container: &&Container| container.step > self.first.step && container.is_of(&self.first.tags);
            let Some(container) = container.filter(is_ours) else { continue };
            let mut copy = CopyOut::new(self.repository, index, step, words, &folders);
            if copies.iter().any(|other| meet(other, &copy)) {
                copy.doubt = Some("this lands where another copy does, so their order matters".to_owned());
            }
            folders.extend(copy.place.clone());
            copies.push(copy);
            if !containers.iter().any(|other| other.step == container.step) {
                containers.push(container.clone());
            }
        }
        (containers, copies)
    }

    /// The steps that only serve the copying, and those that use the first image or its container otherwise.
    fn other_steps(&self, containers: &[Container], copies: &[CopyOut]) -> (Vec<usize>, Vec<usize>) {
        let names: Vec<_> = containers.iter().map(|container| container.name.as_str()).collect();
        let (mut service, mut others) = (Vec::new(), Vec::new());
        for (index, step) in self.script.walk.steps.iter().enumerate() {
            let is_copy = copies.iter().any(|copy| copy.step == index);
            if is_copy || index == self.first.step || index == self.second.step {
                continue;
            }
            let makes = containers.iter().any(|container| container.step == index);
            if makes || removes(step, &names, &self.first.tags) || self.clears(index, step, copies) {
                service.push(index);
            } else if self.names(step, &names) {
                others.push(index);
            }
        }
        (service, others)
    }

    /// Whether a step makes the folders that the files land in, or removes them, and nothing else.
    fn clears(&self, index: usize, step: &Step, copies: &[CopyOut]) -> bool {
        let is_between = (self.first.step..self.second.step).contains(&index);
        let before_copies = copies.iter().all(|copy| index < copy.step);
        let is_place = |place: &RepositoryPath, exactly: bool| {
            let fits = |copied: &RepositoryPath| copied == place || !exactly && copied.is_within(place);
            let is_free = !place.is_root() && !self.repository.tracks(place);
            is_free && copies.iter().filter_map(|copy| copy.place.as_ref()).any(fits)
        };
        let all = |exactly: bool| {
            let places = operand_places(step);
            !places.is_empty()
                && places.iter().all(|place| place.as_ref().is_some_and(|place| is_place(place, exactly)))
        };
        match step.program() {
            Some("mkdir") => before_copies && all(false),
            Some("rm") => (before_copies || !is_between && index > self.second.step) && all(true),
            _ => false,
        }
    }

    fn names(&self, step: &Step, names: &[&str]) -> bool {
        step.words.iter().any(|word| {
            let text = spelled(word);
            let is_name =
                |name: &str| text == name || text.strip_prefix(name).is_some_and(|rest| rest.starts_with(':'));
            // The number of a container is what its variable or the command that makes it stands for.
            let is_container = |name: &str| is_name(name) || name.starts_with('$') && text.contains(name);
            let is_image = |tag: &String| is_same_image(tag, &word.raw);
            names.iter().any(|name| is_container(name)) || self.first.tags.iter().any(is_image)
        })
    }
}

/// Whether one copy lands where another does, or within it.
fn meet(one: &CopyOut, other: &CopyOut) -> bool {
    let places = one.place.as_ref().zip(other.place.as_ref());
    places.is_some_and(|(one, other)| one.is_within(other) || other.is_within(one))
}

/// The folders of the project that a step makes.
fn made_folders(step: &Step) -> Vec<RepositoryPath> {
    if step.program() != Some("mkdir") {
        return Vec::new();
    }
    operand_places(step).into_iter().flatten().collect()
}

/// The places that the operands of a step name; `None` for one that is not known, or not in the project.
fn operand_places(step: &Step) -> Vec<Option<RepositoryPath>> {
    let operands = step.words.iter().skip(1).filter(|word| !word.raw.starts_with('-'));
    let place = |word: &StepWord| place_in_repository(word.text()?, step.folder.as_ref()?);
    operands.map(place).collect()
}
