//! Container builds that files flow to, or may flow to, and that cannot be followed.

use std::rc::Rc;
use std::sync::Arc;

use super::command_use::{TreeUse, tree_use, writes};
use super::container::{Container, copy_words};
use super::docker_cp::DockerCp;
use super::find::Flow;
use super::image_build::{ImageBuild, OtherBuilder};
use super::job_script::JobScript;
use crate::docker::{BuildCommand, BuildProblem, Copy, Step, StepWord, build_commands, place_in_repository};
use crate::gitlab::{Job, Known, NeedSource, Origin, Pipeline, Reads, Relation, UnreadInclude, relation_of_paths};
use crate::source::{ReadError, Repository, SourceFile};
use crate::text::{RepositoryPath, Span};

/// A container build that files flow to, and that cannot be followed.
pub struct UnclearBuild {
    /// The job that builds.
    pub consumer: Rc<str>,
    /// Its script.
    pub script: JobScript,
    /// What flows to it.
    pub flows: Vec<Flow>,
    /// Why it cannot be followed.
    pub reason: UnclearReason,
}

/// Why a container build cannot be followed.
pub enum UnclearReason {
    /// The command is not understood.
    Command(BuildProblem),
    /// An item of the script cannot be read, and it speaks of a build.
    Script(usize, String),
    /// The Dockerfile or the ignore file cannot be read.
    File(Box<BuildCommand>, RepositoryPath, ReadError),
    /// The image is built by other means.
    Builder(OtherBuilder),
    /// The step of this index lets a container make the files, or copies them out of one.
    Container(usize, Handover),
    /// The step of this index lays files of the flows where the Dockerfile takes them, and is not followed.
    Laid(usize),
    /// The job that may make the files is in no file that can be read.
    Producer(AbsentProducer),
    /// The Dockerfile copies out of an image that another build of the pipeline makes.
    Image(Box<ImageOfOtherBuild>),
}

/// An image that the pipeline builds, and that a Dockerfile copies from by its name.
pub struct ImageOfOtherBuild {
    /// The job that builds it.
    pub producer: Rc<str>,
    /// Its name, as the Dockerfile has it.
    pub image: String,
    /// The Dockerfile that copies from it.
    pub source: Arc<SourceFile>,
    /// The copy.
    pub span: Span,
}

/// A job that another one takes files from, and that an include must bring in which cannot be read here.
pub struct AbsentProducer {
    /// Its name.
    pub name: Rc<str>,
    /// Where it is named.
    pub named: Origin,
    /// What is built with its files.
    pub dockerfile: RepositoryPath,
    /// The include that may bring it in.
    pub include: UnreadInclude,
}

/// How a step lets a container or another image make the files that a build takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handover {
    /// `docker cp`, out of a container that is not known, or in a way that is not followed.
    Copied,
    /// `docker cp` out of an image that comes from elsewhere: it was pulled or loaded.
    CopiedFromElsewhere,
    /// `docker cp` out of a container that this job makes, of an image or for a build that are not followed.
    CopiedUnfollowed,
    /// A container works on a folder of the project.
    Mounted,
    /// What a container prints is a file.
    Printed,
    /// A service of a compose file makes them.
    Composed,
    /// The file system of a container is mounted into the job.
    OpenedUp,
    /// A build writes them.
    WrittenOut,
}

/// The first step that hands the files of a container over to a build of the same job, in a way that is not followed.
pub(super) fn container(
    repository: &dyn Repository,
    script: &JobScript,
    commands: &[BuildCommand],
) -> Option<UnclearReason> {
    let reason = |command: &BuildCommand| {
        let steps = &script.walk.steps;
        let mut before = steps.iter().enumerate().take(command.steps_before);
        let (step, how) = before.find_map(|(index, step)| {
            Some((index, handed_over(script, step).or_else(|| written_out(commands, index))?))
        })?;
        let is_elsewhere = steps.iter().take(step).any(fetches_image);
        let how = match how {
            Handover::Copied if is_elsewhere => Handover::CopiedFromElsewhere,
            Handover::Copied if is_of_own_container(script, step) => Handover::CopiedUnfollowed,
            how => how,
        };
        let build = ImageBuild::read(repository, command).ok()?;
        let printed = steps.get(step).filter(|_| how == Handover::Printed);
        let is_taken = printed.is_none_or(|step| is_unpacked(script, step) || takes_written(&build, step));
        let is_handed_over = is_taken && build.copies_something_untracked(repository);
        is_handed_over.then_some(UnclearReason::Container(step, how))
    };
    commands.iter().find_map(reason)
}

/// Whether a build takes a file of the context that a step writes by a redirection.
fn takes_written(build: &ImageBuild, step: &Step) -> bool {
    let written = step.redirections.iter().filter(|(_, is_written)| *is_written);
    let mut places = written.filter_map(|(target, _)| place_in_repository(target.text()?, step.folder.as_ref()?));
    let taken = places_taken(build);
    places.any(|place| taken.iter().any(|from| relation_of_paths(from.as_str(), place.as_str()) != Relation::Apart))
}

/// What a Dockerfile copies from the context, from the project's folder on.
fn places_taken(build: &ImageBuild) -> Vec<RepositoryPath> {
    let sources = build.stages.copies.iter().filter(|copy| copy.from.is_none()).flat_map(|copy| &copy.sources);
    sources.filter_map(|source| build.context.folder.join(source.path.as_deref()?)).collect()
}

/// Whether a step copies out of a container that a step in front of it makes.
fn is_of_own_container(script: &JobScript, step: usize) -> bool {
    let copied = script.walk.steps.get(step).and_then(copy_words);
    copied.is_some_and(|words| {
        let mut made = (0..step).filter_map(|index| Container::of(script, index));
        made.any(|container| container.name == words.container)
    })
}

/// Whether a step brings in an image that was built elsewhere.
fn fetches_image(step: &Step) -> bool {
    let words: Vec<_> = step.words.iter().map(|word| word.raw.as_str()).collect();
    matches!(words.as_slice(), ["docker" | "podman", "pull" | "load" | "import", ..])
        || matches!(words.as_slice(), ["docker" | "podman", "image", "pull" | "load" | "import", ..])
}

/// How a step gets files out of a container or a build.
fn handed_over(script: &JobScript, step: &Step) -> Option<Handover> {
    let words: Vec<_> = step.words.iter().map(|word| word.raw.as_str()).collect();
    let mounts = || {
        words.iter().any(|word| word.starts_with("-v") || word.starts_with("--volume") || word.starts_with("--mount"))
    };
    let prints = || step.redirections.iter().any(|(_, is_written)| *is_written) || is_unpacked(script, step);
    match words.as_slice() {
        ["docker" | "nerdctl" | "podman", "cp", ..] | ["docker" | "nerdctl" | "podman", "container", "cp", ..] => {
            Some(Handover::Copied)
        }
        ["docker" | "podman", "compose", rest @ ..] | ["docker-compose" | "podman-compose", rest @ ..] => {
            rest.iter().any(|word| matches!(*word, "run" | "cp")).then_some(Handover::Composed)
        }
        ["buildah" | "podman", "mount", ..] => Some(Handover::OpenedUp),
        ["docker" | "podman" | "buildah", rest @ ..] if matches!(verb(rest), Some("build" | "bud")) => {
            let writes = |word: &&str| word.starts_with("-o") || word.starts_with("--output");
            rest.iter().any(writes).then_some(Handover::WrittenOut)
        }
        ["docker" | "nerdctl" | "podman", rest @ ..] if verb(rest) == Some("run") && mounts() => {
            Some(Handover::Mounted)
        }
        ["docker" | "nerdctl" | "podman", rest @ ..] if matches!(verb(rest), Some("run" | "exec")) => {
            prints().then_some(Handover::Printed)
        }
        _ => None,
    }
}

/// What the words behind the name of an engine ask for: what a container runs may be called `build` too.
fn verb<'a>(words: &[&'a str]) -> Option<&'a str> {
    words.iter().copied().find(|word| matches!(*word, "build" | "bud" | "run" | "exec"))
}

/// Whether a build of this step writes files, as the file says that describes it (Docker docs: Bake file reference, output).
fn written_out(commands: &[BuildCommand], step: usize) -> Option<Handover> {
    let described = commands.iter().filter(|command| command.step == step && command.described_in.is_some());
    let outputs = described.flat_map(|command| &command.options).filter(|(name, _)| name == "--output");
    let is_file = |output: &str| !["cacheonly", "docker", "image", "registry"].iter().any(|kind| output.contains(kind));
    outputs.filter_map(|(_, value)| value.as_deref()).any(is_file).then_some(Handover::WrittenOut)
}

/// Whether what a step prints goes to a `tar` that unpacks it.
fn is_unpacked(script: &JobScript, step: &Step) -> bool {
    let is_beside = |other: &&Step| other.item == step.item && other.statement == step.statement;
    script.walk.steps.iter().filter(is_beside).any(|other| other.program() == Some("tar"))
}

/// A step that lays files of `flows` where a build takes something from, where the build takes none of them otherwise.
pub(super) fn laid(
    repository: &dyn Repository,
    script: &JobScript,
    commands: &[BuildCommand],
    flows: &[Flow],
) -> Option<UnclearReason> {
    let patterns: Vec<_> = flows.iter().flat_map(|flow| flow.patterns.clone()).collect();
    let is_laid = |step: &Step, build: &ImageBuild| {
        let lays = matches!(step.program(), Some("cp" | "install" | "ln" | "mv" | "rsync" | "tar" | "unzip"));
        let (places, _) = writes(step);
        let taken = places_taken(build);
        let meets = |place: &RepositoryPath| {
            taken.iter().any(|from| relation_of_paths(from.as_str(), place.as_str()) != Relation::Apart)
        };
        lays && matches!(tree_use(step, &patterns), TreeUse::Touches(_)) && places.iter().any(meets)
    };
    let reason = |command: &BuildCommand| {
        let build = ImageBuild::read(repository, command).ok()?;
        let mut before = script.walk.steps.iter().enumerate().take(command.steps_before);
        before.find(|(_, step)| is_laid(step, &build)).map(|(index, _)| UnclearReason::Laid(index))
    };
    commands.iter().find_map(reason)
}

/// The images of other builds of the pipeline that the builds of a job copy from by their names, but for those in `followed`.
pub(super) fn images_of_other_builds(
    pipeline: &Pipeline,
    repository: &dyn Repository,
    commands: &[BuildCommand],
    followed: &[DockerCp],
) -> Vec<UnclearReason> {
    let is_followed = |build: &ImageBuild, copy: &Copy| {
        let mut same = followed.iter().filter(|found| found.second.source.path() == build.source.path());
        same.any(|found| found.references.iter().any(|reference| reference.instruction == copy.instruction))
    };
    let builds: Vec<_> = commands.iter().filter_map(|command| ImageBuild::read(repository, command).ok()).collect();
    let names_images = |build: &ImageBuild| {
        build
            .stages
            .copies
            .iter()
            .any(|copy| copy.from.as_deref().is_some_and(|from| build.stages.find(from).is_none()))
    };
    if !builds.iter().any(names_images) {
        return Vec::new();
    }
    let made = pipeline.jobs().iter().flat_map(|job| {
        let (commands, _) = build_commands(&JobScript::new(job).walk);
        commands.into_iter().flat_map(|command| command.tags).map(|tag| (Rc::clone(&job.name), tag))
    });
    let made: Vec<_> = made.collect();
    let of_build = |build: &ImageBuild| {
        let mut copies = build.stages.copies.iter().filter(|copy| !is_followed(build, copy));
        let found = copies.find_map(|copy| {
            let image = copy.from.as_deref().filter(|from| build.stages.find(from).is_none())?;
            let (producer, _) = made.iter().find(|(_, tag)| may_be_tag(tag, image))?;
            let span = build.dockerfile.instructions.get(copy.instruction)?.span;
            let (producer, source) = (Rc::clone(producer), Arc::clone(&build.source));
            Some(ImageOfOtherBuild { producer, image: image.to_owned(), source, span })
        });
        found.map(|image| UnclearReason::Image(Box::new(image)))
    };
    builds.iter().filter_map(of_build).collect()
}

/// Whether a tag of the script, which may begin with a variable, is the image of this name.
fn may_be_tag(tag: &str, image: &str) -> bool {
    let bare = |text: &str| text.trim_matches(['"', '\'']).trim_end_matches(":latest").to_owned();
    let (tag, image) = (bare(tag), bare(image));
    let Some(behind) = tag.strip_prefix('$') else {
        return tag == image;
    };
    let behind = match behind.strip_prefix('{') {
        Some(rest) => rest.split_once('}').map_or("", |(_, behind)| behind),
        None => behind.trim_start_matches(|letter: char| letter.is_ascii_alphanumeric() || letter == '_'),
    };
    behind.len() > 1 && !behind.contains('$') && image.ends_with(behind)
}

/// The job that `reader` asks for files in `needs` or `dependencies`, that no file has, and whose files one of its
/// builds may copy.
pub(super) fn absent_producer(
    pipeline: &Pipeline,
    repository: &dyn Repository,
    reader: &Job,
    commands: &[BuildCommand],
) -> Option<UnclearReason> {
    let (name, named) = asked_for(reader).into_iter().find(|(name, _)| pipeline.job(name).is_none())?;
    let include = pipeline.unread().iter().find(|include| may_bring_in(include, &name))?.clone();
    let copies = |command: &&BuildCommand| {
        ImageBuild::read(repository, command).is_ok_and(|build| build.copies_something_untracked(repository))
    };
    let dockerfile = commands.iter().find(copies)?.dockerfile.clone();
    Some(UnclearReason::Producer(AbsentProducer { name, named, dockerfile, include }))
}

/// The jobs of this pipeline whose artifacts a job asks for by name.
fn asked_for(reader: &Job) -> Vec<(Rc<str>, Origin)> {
    let needed = reader.needs().into_iter().flatten().filter(|need| need.artifacts);
    let needed = needed.filter_map(|need| match need.source {
        NeedSource::Job(name) => Some((name, need.origin)),
        NeedSource::Elsewhere => None,
    });
    needed.chain(reader.dependencies().unwrap_or_default()).collect()
}

fn may_bring_in(include: &UnreadInclude, name: &str) -> bool {
    match include.known {
        Known::Nothing => true,
        Known::Template(template) => template.reads == Reads::Anything && template.may_define(name),
        Known::Broken => false,
    }
}

/// Builds that another command runs, as in `sh -c "docker build ."` and `timeout 600 docker build .`.
pub(super) fn nested(script: &JobScript) -> Vec<BuildProblem> {
    let is_text = |word: &StepWord| {
        word.text().is_some_and(|flag| flag.starts_with('-') && !flag.starts_with("--") && flag.ends_with('c'))
    };
    let runs_others = |step: &&Step| match step.program().and_then(|program| program.rsplit('/').next()) {
        Some("ash" | "bash" | "dash" | "sh" | "zsh") => step.words.iter().any(is_text),
        program => matches!(program, Some("env" | "eval" | "ionice" | "nice" | "stdbuf" | "timeout" | "xargs")),
    };
    let words = |step: &Step| step.words.iter().skip(1).map(|word| word.raw.as_str()).collect::<Vec<_>>().join(" ");
    let builds = |step: &&Step| speaks_of_a_build(&words(step));
    let found = script.walk.steps.iter().filter(|step| !step.is_followed).filter(runs_others).filter(builds);
    let what = "is run by another command";
    found.map(|step| BuildProblem { item: step.item, span: step.span, what: what.to_owned() }).collect()
}

/// The items of a script that cannot be read and that may build an image.
pub(super) fn opaque(script: &JobScript) -> Vec<UnclearReason> {
    let builds =
        |item: &usize| script.items.get(*item).and_then(|item| item.text.as_deref()).is_some_and(speaks_of_a_build);
    let opaque = script.walk.opaque.iter().filter(|(item, _)| builds(item));
    opaque.map(|(item, message)| UnclearReason::Script(*item, message.clone())).collect()
}

/// Whether a text names a builder.
pub(super) fn speaks_of_a_build(text: &str) -> bool {
    let is_built = ["docker", "buildah", "buildctl", "nerdctl", "podman"].iter().any(|program| text.contains(program));
    is_built && (text.contains("build") || text.contains("bake"))
        || text.contains("img build")
        || text.contains("kaniko") && text.contains("executor")
}
