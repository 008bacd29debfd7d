//! Builds that a file describes, where the command only names them: the services of a Compose file, and the targets of bake.

mod wider;

use super::build_command::{
    BuildCommand, BuildProblem, CommandContext, build_commands, removed_before, steps_before, why_not_there, written,
};
use super::builder::Builder;
use super::script_walk::ScriptWalk;
use super::step::{Step, StepWord};
use super::{bake, compose};
use crate::source::Repository;
use crate::text::{RepositoryPath, Span};

/// Where a build is described.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The file.
    pub file: RepositoryPath,
    /// The name of the service or the target in it.
    pub name: String,
    /// Whether another target is made of it.
    pub is_inherited: bool,
}

/// What a file says of a build.
pub(super) struct DescribedBuild {
    pub(super) description: Description,
    pub(super) context: RepositoryPath,
    pub(super) dockerfile: RepositoryPath,
    pub(super) target: Option<String>,
    pub(super) arguments: Vec<(String, Option<String>)>,
    /// The tags, as they are written.
    pub(super) tags: Vec<String>,
    /// What it says besides, as options of `docker build`.
    pub(super) options: Vec<(String, Option<String>)>,
}

impl DescribedBuild {
    /// One of which nothing is read yet.
    pub(super) fn new(description: Description) -> Self {
        Self {
            description,
            context: RepositoryPath::root(),
            dockerfile: RepositoryPath::root(),
            target: None,
            arguments: Vec::new(),
            tags: Vec::new(),
            options: Vec::new(),
        }
    }

    /// Gives a build argument a value, in the place of the one that it has.
    pub(super) fn add_argument(&mut self, name: &str, written: String, value: Option<String>) {
        let is_same = |option: &(String, Option<String>)| {
            let given = option.1.as_deref().filter(|_| option.0 == "--build-arg");
            given.and_then(|given| given.split('=').next()) == Some(name)
        };
        self.options.retain(|option| !is_same(option));
        self.arguments.retain(|(other, _)| other != name);
        self.options.push(("--build-arg".to_owned(), Some(written)));
        self.arguments.push((name.to_owned(), value));
    }
}

/// A command that asks for such builds.
pub(super) struct Asking<'a> {
    pub(super) builder: Builder,
    /// The index of its step in the walk.
    pub(super) index: usize,
    /// Its name and the words in front of its options.
    pub(super) program: &'a [StepWord],
    /// Its options and the words that are none, as they are written.
    pub(super) options: Vec<(String, Option<String>)>,
    pub(super) operands: Vec<String>,
    /// The folder that it runs in.
    pub(super) folder: &'a RepositoryPath,
}

impl Asking<'_> {
    /// The build command that one of the builds comes to.
    pub(super) fn command(&self, walk: &ScriptWalk, step: &Step, build: DescribedBuild) -> BuildCommand {
        BuildCommand {
            step: self.index,
            item: step.item,
            span: step.span,
            options_at: self.program.last().map_or(step.span.start(), |word| word.span.end()),
            builder: self.builder,
            program: written(self.program).join(" "),
            folder: self.folder.clone(),
            context: CommandContext::Folder(build.context),
            context_word: None,
            dockerfile_word: None,
            dockerfile: build.dockerfile,
            other_dockerfile: None,
            target: build.target,
            build_arguments: build.arguments,
            tags: build.tags,
            options: self.options.iter().cloned().chain(build.options).collect(),
            operands: self.operands.clone(),
            environment: step.environment.clone(),
            turns: step.turns.clone(),
            caller: step.caller,
            steps_before: steps_before(walk, self.index, &step.turns),
            removed: removed_before(walk, self.index),
            described_in: Some(build.description),
        }
    }
}

/// The build commands of a script and the builds of files that it asks for, and those that cannot be followed.
#[must_use]
pub fn image_builds(repository: &dyn Repository, walk: &ScriptWalk) -> (Vec<BuildCommand>, Vec<BuildProblem>) {
    let (mut commands, mut problems) = build_commands(walk);
    for (index, step) in walk.steps.iter().enumerate() {
        let Some(builder) = builder_of(step) else {
            continue;
        };
        match read(repository, walk, index, builder) {
            Ok(found) => commands.extend(found),
            Err(what) => problems.push(BuildProblem { item: step.item, span: step.span, what }),
        }
    }
    commands.sort_by_key(|command| command.step);
    problems.sort_by_key(|problem| (problem.item, problem.span.start()));
    (commands, problems)
}

fn read(
    repository: &dyn Repository,
    walk: &ScriptWalk,
    index: usize,
    builder: Builder,
) -> Result<Vec<BuildCommand>, String> {
    let step = walk.steps.get(index).ok_or("cannot be found again")?;
    if let Some(reason) = why_not_there(step, builder) {
        return Err(reason.to_owned());
    }
    let folder = step.folder.as_ref().ok_or("runs in a folder that is not known")?;
    match builder {
        Builder::Bake => bake::read(repository, walk, index, step, folder),
        _ => compose::read(repository, walk, index, step, folder),
    }
}

/// Whether a step has images built as a file says, and does nothing else.
#[must_use]
pub fn is_described_build(step: &Step) -> bool {
    builder_of(step).is_some()
}

fn builder_of(step: &Step) -> Option<Builder> {
    let is_compose = || compose::build_words(step).map(|_| Builder::Compose);
    bake::build_words(step).map(|_| Builder::Bake).or_else(is_compose)
}

/// The file and the line of a place in it, as messages name it.
pub(super) fn line_of(file: &RepositoryPath, text: &str, span: Span) -> String {
    let before = text.get(..span.start()).unwrap_or(text);
    format!("{file}:{}", before.matches('\n').count() + 1)
}
