//! The third way: a first image is built, files are copied out of it, and a second image takes them in.

use std::rc::Rc;

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
    /// The steps that only serve the copying: making the container and removing it.
    pub service_steps: Vec<usize>,
    /// A step that uses the first image or its container in some other way.
    pub other_use: Option<usize>,
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

    /// Where a source of a `COPY`, which takes the files at `path`, lands if it takes them from the first image.
    #[must_use]
    pub fn landing(&self, copy: &Copy, source: &CopySource, path: &str) -> Landing {
        landing(copy, &source.written, path, &self.place_inside(path), None)
    }
}

/// One `docker cp container:/path local`.
#[derive(Clone, Debug)]
pub struct CopyOut {
    /// The index of its step.
    pub step: usize,
    /// The path in the container.
    pub inside: String,
    /// Where it lands; `None` where that is not known, or outside the project.
    pub place: Option<RepositoryPath>,
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
    let steps = &script.walk.steps;
    let container = steps
        .iter()
        .skip(first.step)
        .take(second.step - first.step)
        .find_map(|step| container_of(step, &first.tags))?;
    let mut found = Roles::default();
    for (index, step) in steps.iter().enumerate() {
        found.note(index, step, first, second, &container);
    }
    if found.copies.is_empty() || are_entangled(&found.copies) {
        return None;
    }
    let first = ImageBuild::read(repository, first).ok()?;
    let second = ImageBuild::read(repository, second).ok()?;
    let patterns = found
        .copies
        .iter()
        .filter_map(|copy| Some(PathPattern::of_place(copy.place.as_ref()?, script.items.first()?.origin)));
    let patterns: Vec<_> = patterns.collect();
    let target = second.target?;
    let uses = classify(&second.stages, &second.stages.reachable(target), &second.context, &patterns, &[]);
    let is_used = uses.iter().flat_map(|copy| &copy.sources).any(|source| *source != SourceUse::Context);
    is_used.then(|| DockerCp {
        consumer: Rc::clone(&job.name),
        script: JobScript::new(job),
        first,
        second,
        copies: found.copies,
        service_steps: found.service_steps,
        other_use: found.other_use,
        uses,
    })
}

/// Whether one copy lands where another does, or within it, so that the order of the commands matters.
fn are_entangled(copies: &[CopyOut]) -> bool {
    let meets = |one: &RepositoryPath, other: &RepositoryPath| one.is_within(other) || other.is_within(one);
    copies.iter().enumerate().any(|(at, copy)| {
        let mut later = copies.iter().skip(at + 1).filter_map(|other| other.place.as_ref());
        copy.place.as_ref().is_some_and(|place| later.any(|other| meets(place, other)))
    })
}

/// The steps of a script, by what they do with the first image.
#[derive(Default)]
struct Roles {
    copies: Vec<CopyOut>,
    service_steps: Vec<usize>,
    other_use: Option<usize>,
}

impl Roles {
    fn note(&mut self, index: usize, step: &Step, first: &BuildCommand, second: &BuildCommand, container: &str) {
        if index == first.step || index == second.step {
            return;
        }
        if let Some(copy) = copy_out(index, step, container) {
            self.copies.push(copy);
        } else if container_of(step, &first.tags).is_some() || removes(step, container, &first.tags) {
            self.service_steps.push(index);
        } else if names(step, container) || first.tags.iter().any(|tag| names(step, tag)) {
            self.other_use.get_or_insert(index);
        }
    }
}

/// The name that `docker create --name X IMAGE` gives to a container of one of these images.
fn container_of(step: &Step, tags: &[String]) -> Option<String> {
    let words = docker_words(step, "create")?;
    let (image, options) = words.split_last()?;
    if !tags.contains(&image.raw) {
        return None;
    }
    let mut name = None;
    let mut options = options.iter();
    while let Some(option) = options.next() {
        match option.text()?.split_once('=') {
            Some(("--name", value)) => name = Some(value.to_owned()),
            Some(_) => return None,
            None if option.text() == Some("--name") => name = options.next()?.text().map(str::to_owned),
            None => return None,
        }
    }
    name
}

fn copy_out(index: usize, step: &Step, container: &str) -> Option<CopyOut> {
    let words = docker_words(step, "cp")?;
    let [from, to] = words else {
        return None;
    };
    let (name, inside) = from.text()?.split_once(':')?;
    if name != container {
        return None;
    }
    let place = to.text().zip(step.folder.as_ref()).and_then(|(to, folder)| place_in_repository(to, folder));
    Some(CopyOut { step: index, inside: inside.to_owned(), place })
}

/// Whether it removes the container, or the first image, and nothing else.
fn removes(step: &Step, container: &str, tags: &[String]) -> bool {
    let container_gone =
        docker_words(step, "rm").is_some_and(|words| operands_are(words, |word| word.text() == Some(container)));
    container_gone
        || docker_words(step, "rmi").is_some_and(|words| operands_are(words, |word| tags.contains(&word.raw)))
}

fn operands_are(words: &[StepWord], expected: impl Fn(&StepWord) -> bool) -> bool {
    let mut operands = words.iter().filter(|word| !word.raw.starts_with('-')).peekable();
    operands.peek().is_some() && operands.all(expected)
}

/// The words behind `docker SUBCOMMAND` or `docker container SUBCOMMAND`.
fn docker_words<'a>(step: &'a Step, subcommand: &str) -> Option<&'a [StepWord]> {
    let (program, rest) = step.words.split_first()?;
    if program.text() != Some("docker") {
        return None;
    }
    let rest = match rest.split_first() {
        Some((group, rest)) if group.text() == Some("container") => rest,
        _ => rest,
    };
    rest.split_first().filter(|(word, _)| word.text() == Some(subcommand)).map(|(_, rest)| rest)
}

fn names(step: &Step, name: &str) -> bool {
    step.words.iter().any(|word| word.raw == name || word.raw.starts_with(&format!("{name}:")))
}
