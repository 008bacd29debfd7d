//! Container builds that files flow to, or may flow to, and that cannot be followed.

use std::rc::Rc;

use super::command_use::{TreeUse, tree_use, writes};
use super::find::Flow;
use super::image_build::{ImageBuild, OtherBuilder};
use super::job_script::JobScript;
use crate::docker::{BuildCommand, BuildProblem, Step, StepWord};
use crate::gitlab::{Job, Known, NeedSource, Origin, Pipeline, Reads, Relation, UnreadInclude, relation_of_paths};
use crate::source::{ReadError, Repository};
use crate::text::RepositoryPath;

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
    Container(usize),
    /// The step of this index lays files of the flows where the Dockerfile takes them, and is not followed.
    Laid(usize),
    /// The job that may make the files is in no file that can be read.
    Producer(AbsentProducer),
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

/// The first step that hands the files of a container over to a build of the same job, in a way that is not followed.
pub(super) fn container(
    repository: &dyn Repository,
    script: &JobScript,
    commands: &[BuildCommand],
) -> Option<UnclearReason> {
    let reason = |command: &BuildCommand| {
        let mut before = script.walk.steps.iter().enumerate().take(command.steps_before);
        let (step, _) = before.find(|(_, step)| hands_over(step))?;
        let build = ImageBuild::read(repository, command).ok()?;
        build.copies_something_untracked(repository).then_some(UnclearReason::Container(step))
    };
    commands.iter().find_map(reason)
}

/// Whether a step gets files out of a container: `docker cp`, or `docker run` with a folder mounted.
fn hands_over(step: &Step) -> bool {
    let words: Vec<_> = step.words.iter().map(|word| word.raw.as_str()).collect();
    let mounts =
        words.iter().any(|word| word.starts_with("-v") || word.starts_with("--volume") || word.starts_with("--mount"));
    match words.as_slice() {
        ["docker" | "nerdctl" | "podman", "cp", ..] | ["docker" | "nerdctl" | "podman", "container", "cp", ..] => true,
        ["docker" | "nerdctl" | "podman", rest @ ..] => mounts && rest.contains(&"run"),
        _ => false,
    }
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
        let sources = build.stages.copies.iter().filter(|copy| copy.from.is_none()).flat_map(|copy| &copy.sources);
        let taken: Vec<_> = sources.filter_map(|source| build.context.folder.join(source.path.as_deref()?)).collect();
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
    let found = script.walk.steps.iter().filter(runs_others).filter(builds);
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
    let is_built = ["docker", "buildah", "nerdctl", "podman"].iter().any(|program| text.contains(program));
    is_built && text.contains("build") || text.contains("kaniko") && text.contains("executor")
}
