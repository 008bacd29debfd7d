//! The third way: a first image is built, files are copied out of it, and a second image takes them in.

use std::rc::Rc;

use super::container::{
    Container, CopyOut, CopyWords, copy_words, is_of_name, is_same_image, removes_containers, removes_images, spelled,
};
use super::copies::{CopyUse, SourceUse, classify};
use super::image_build::ImageBuild;
use super::image_references::{self, ImageReference};
use super::images_taken::{drop_those_of, images_taken, known_tags, only_reads_images};
use super::job_script::JobScript;
use super::landing::{Landing, landing};
use super::written::{made_folders, operand_places};
use super::written_out;
use crate::docker::{BuildCommand, Builder, Copy, CopySource, Step, StepWord, place_in_repository};
use crate::gitlab::{Job, PathPattern};
use crate::source::Repository;
use crate::syntax::shell::Nesting;
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
    /// Steps that use the container of the first image in some other way.
    pub other_uses: Vec<usize>,
    /// Steps that use the first image itself, or may do so: it has to be built on for them.
    pub image_uses: Vec<usize>,
    /// Where the second Dockerfile takes files out of the first image by its name.
    pub references: Vec<ImageReference>,
    /// How the `COPY`s of the second Dockerfile lie to the files.
    pub uses: Vec<CopyUse>,
}

impl DockerCp {
    /// Whether a container made the files in the job's folder, so that the first image is only thought of.
    #[must_use]
    pub fn is_made_in_place(&self) -> bool {
        self.containers.iter().any(|container| container.mounted.is_some())
    }

    /// The path in the first image of a file that was copied out of it.
    #[must_use]
    pub fn place_inside(&self, local: &str) -> String {
        let local = RepositoryPath::new(local).unwrap_or_default();
        let copied = self.copies.iter().find_map(|copy| {
            let below = local.relative_to(copy.place.as_ref()?)?;
            let inside = copy.inside.trim_end_matches('/');
            Some(if below.is_empty() && !inside.is_empty() { inside.to_owned() } else { format!("{inside}/{below}") })
        });
        copied.unwrap_or_else(|| format!("/{}", local.as_str()))
    }

    /// The tags of the first image, as they are written and as they are known to come out.
    #[must_use]
    pub fn tags_of_first(&self) -> Vec<String> {
        known_tags(&self.script, &self.first.command)
    }

    /// The indices of the steps that a fold takes out of the script.
    #[must_use]
    pub fn steps_that_go(&self) -> Vec<usize> {
        let copies = self.copies.iter().map(|copy| copy.step);
        let first = (!self.keeps_first()).then_some(self.first.command.step);
        copies.chain(self.service_steps.iter().copied()).chain(first).collect()
    }

    /// The paths in the first image that the second one takes.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        let is_named = |copy: &&Copy| self.references.iter().any(|reference| reference.instruction == copy.instruction);
        let named = self.second.stages.copies.iter().filter(is_named).flat_map(|copy| &copy.sources);
        let named = named.map(|source| source.path.clone().unwrap_or_else(|| source.written.clone()));
        self.copies.iter().map(|copy| copy.inside.clone()).chain(named).collect()
    }

    /// Whether the job goes on building the first image, since something uses it.
    #[must_use]
    pub fn keeps_first(&self) -> bool {
        !self.image_uses.is_empty()
    }

    /// Whether this step only starts a container into which no file of the job is laid: what its words name lies in there.
    #[must_use]
    pub fn runs_apart(&self, step: usize) -> bool {
        let reads = |name: &str| matches!(name, "--cidfile" | "--env-file" | "--label-file");
        let is_redirected = self.script.walk.steps.get(step).is_none_or(|step| !step.redirections.is_empty());
        Container::of(&self.script, step).is_some_and(|container| {
            !is_redirected && container.mount().is_none() && !container.options.iter().any(|(name, _)| reads(name))
        })
    }

    /// Where a source of a `COPY`, which takes the files at `path`, lands if it takes them from the first image.
    #[must_use]
    pub fn landing(&self, copy: &Copy, source: &CopySource, path: &str) -> Landing {
        landing(copy, &source.written, path, &self.place_inside(path), None)
    }
}

/// Finds the hand-offs of this kind in a job with this script and these build commands.
pub(super) fn find(
    repository: &dyn Repository,
    job: &Job,
    script: &JobScript,
    commands: &[BuildCommand],
) -> Vec<DockerCp> {
    // The images of one program are not those of another.
    let store = |command: &BuildCommand| (command.builder.has_engine(), command.builder == Builder::Podman);
    let keeps_images = |command: &&BuildCommand| store(command) != (false, false);
    let commands: Vec<_> = commands.iter().filter(keeps_images).collect();
    let pairs = commands
        .iter()
        .enumerate()
        .flat_map(|(at, first)| commands.iter().skip(at + 1).map(move |second| (first, second)));
    let pairs = pairs.filter(|(first, second)| store(first) == store(second));
    pairs.filter_map(|(first, second)| between(repository, job, script, first, second)).collect()
}

fn between(
    repository: &dyn Repository,
    job: &Job,
    script: &JobScript,
    first: &BuildCommand,
    second: &BuildCommand,
) -> Option<DockerCp> {
    let pair = Pair { repository, script, first, second };
    let (containers, mut copies) = pair.copies();
    let first = ImageBuild::read(repository, first).ok()?;
    copies.extend(written_out::of_build(repository, &first));
    let second = ImageBuild::read(repository, second).ok()?;
    let references = image_references::of(&second, &known_tags(script, &first.command));
    if copies.is_empty() && references.is_empty() {
        return None;
    }
    let origin = script.items.first()?.origin;
    let patterns = copies.iter().filter_map(|copy| Some(PathPattern::of_place(copy.place.as_ref()?, origin)));
    let patterns: Vec<_> = patterns.collect();
    let target = second.target?;
    let uses = classify(&second.stages, &second.stages.reachable(target), &second.context, &patterns, &[]);
    written_out::doubt_whole_systems(&first, &mut copies, &uses);
    let is_used = uses.iter().flat_map(|copy| &copy.sources).any(|source| *source != SourceUse::Context);
    let is_doubtful = copies.iter().any(|copy| copy.place.is_none()) && second.copies_something_untracked(repository);
    let Others { service_steps, other_uses, image_uses } = pair.other_steps(&containers, &copies);
    (is_used || is_doubtful || !references.is_empty()).then(|| DockerCp {
        consumer: Rc::clone(&job.name),
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
            let mut copy = match self.unpacks(index, step, &words) {
                Some(unpacked) => unpacked,
                None => CopyOut::new(self.repository, index, step, words, &folders),
            };
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

    /// The files of `docker cp e:/path - | tar x`: the archive holds the last part of the path, and all below it.
    fn unpacks(&self, index: usize, step: &Step, words: &CopyWords<'_>) -> Option<CopyOut> {
        let is_piped = |step: &Step| step.place.nesting == [Nesting::Pipeline];
        let tar = self.script.walk.steps.get(index + 1).filter(|tar| tar.item == step.item)?;
        let is_pair = is_piped(step) && is_piped(tar) && step.statement == tar.statement && words.target.raw == "-";
        let text = tar.known_words().filter(|_| is_pair)?;
        let folder = match text.as_slice() {
            ["tar", flags] | ["tar", flags, "-"] if unpacks_input(flags) => ".",
            ["tar", flags, "-C", folder] | ["tar", flags, "-", "-C", folder] | ["tar", "-C", folder, flags]
                if unpacks_input(flags) =>
            {
                folder
            }
            _ => return None,
        };
        let place = place_in_repository(folder, tar.folder.as_ref()?)?;
        let inside = RepositoryPath::new(words.inside.trim_start_matches('/'))?;
        let is_plain = !words.inside.ends_with("/.") && !inside.is_root() && !words.inside.contains(['$', '`']);
        let place = place.join(inside.file_name()).filter(|_| is_plain)?;
        Some(CopyOut {
            step: index,
            inside: format!("/{}", inside.as_str()),
            place: Some(place),
            doubt: None,
            options: words.options.clone(),
            is_unpacked: true,
        })
    }

    /// What the steps beside the builds and the copies do with the first image and its containers.
    fn other_steps(&self, containers: &[Container], copies: &[CopyOut]) -> Others {
        let names: Vec<_> = containers.iter().map(|container| container.name.as_str()).collect();
        let mut found = Others::default();
        let mut removals = Vec::new();
        for (index, step) in self.script.walk.steps.iter().enumerate() {
            let is_copy = copies.iter().any(|copy| copy.step == index);
            if is_copy || index == self.first.step || index == self.second.step {
                continue;
            }
            let mut tags = known_tags(self.script, self.first);
            if index > self.second.step {
                drop_those_of(&mut tags, &known_tags(self.script, self.second));
            }
            let makes = containers.iter().any(|container| container.step == index);
            let unpacks = index > 0 && copies.iter().any(|copy| copy.step == index - 1 && copy.is_unpacked);
            if makes || unpacks || removes_containers(step, &names) || self.clears(index, step, copies) {
                found.service_steps.push(index);
            } else if removes_images(step, &tags) {
                removals.push(index);
            } else if self.names_container(step, &names) {
                found.other_uses.push(index);
            } else if self.names_image(step, &tags) {
                // What came before the first build is of no meaning for what that made.
                let is_harmless = index < self.first.step || only_reads_images(step, &tags);
                if is_harmless { &mut found.image_uses } else { &mut found.other_uses }.push(index);
            }
        }
        if found.image_uses.is_empty() {
            found.service_steps.extend(removals);
        }
        found
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

    fn names_container(&self, step: &Step, names: &[&str]) -> bool {
        step.words.iter().map(spelled).any(|text| {
            let is_name =
                |name: &str| text == name || text.strip_prefix(name).is_some_and(|rest| rest.starts_with(':'));
            // The number of a container is what its variable or the command that makes it stands for.
            names.iter().any(|name| is_name(name) || name.starts_with('$') && text.contains(name))
        })
    }

    fn names_image(&self, step: &Step, tags: &[String]) -> bool {
        let is_image = |word: &StepWord| {
            tags.iter().any(|tag| is_same_image(tag, &word.raw) || is_same_image(tag, &spelled(word)))
        };
        step.words.iter().any(is_image) || self.may_take(step, tags)
    }

    /// Whether a step takes an image by a variable of which it is not known that it names another than the first.
    fn may_take(&self, step: &Step, tags: &[String]) -> bool {
        let others = known_tags(self.script, self.second);
        let may_be_first = |word: &StepWord| {
            let raw = word.raw.trim_matches(['"', '\'']);
            let (before, behind) = raw.split_once('$').unwrap_or((raw, ""));
            // What GitLab sets names a registry, and the first image is most often one of this job alone.
            let is_of_gitlab = behind.trim_start_matches('{').starts_with("CI_");
            let end = behind.trim_start_matches('{').trim_start_matches(is_of_name).trim_start_matches('}');
            let fits = |tag: &String| tag.starts_with(before) && (end.contains('$') || tag.ends_with(end));
            let is_other = others.iter().any(|tag| is_same_image(tag, raw));
            word.text().is_none() && !is_of_gitlab && !is_other && tags.iter().any(fits)
        };
        images_taken(step).into_iter().any(may_be_first)
    }
}

/// What the steps beside the builds and the copies do.
#[derive(Default)]
struct Others {
    service_steps: Vec<usize>,
    other_uses: Vec<usize>,
    image_uses: Vec<usize>,
}

/// Whether these options of `tar` unpack what it is given on its input, and change nothing of it.
fn unpacks_input(flags: &str) -> bool {
    let letters = flags.trim_start_matches('-');
    letters.contains('x') && letters.chars().all(|letter| "xvfp".contains(letter))
}

/// Whether one copy lands where another does, or within it.
fn meet(one: &CopyOut, other: &CopyOut) -> bool {
    let places = one.place.as_ref().zip(other.place.as_ref());
    places.is_some_and(|(one, other)| one.is_within(other) || other.is_within(one))
}
