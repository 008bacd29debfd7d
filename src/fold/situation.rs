use super::environment::{BuildEnvironment, PassedVariable, Sources, Way, has_same_value, may_pass_argument};
use super::evidence;
use super::run_lines::BuildScript;
use crate::docker::{BuilderTraits, Engine, ImageName, SecretMounts};
use crate::finding::Location;
use crate::gitlab::{Image, Job, Origin, PathPattern, Pipeline, PipelineFile, Relation, Value};
use crate::handoff::{Flow, Handoff, ImageBuild, JobScript, SourceUse};
use crate::outcome::Policy;
use crate::source::Repository;
use crate::syntax::dockerfile::DirectiveKind;
use crate::syntax::yaml::{NodeId, NodeKind};
use crate::text::RepositoryPath;

/// Everything that is known of one hand-off from a job to another: what the obstacles look at and the steps work on.
pub(super) struct Situation<'a> {
    pub(super) repository: &'a dyn Repository,
    pub(super) pipeline: &'a Pipeline,
    pub(super) handoff: &'a Handoff,
    pub(super) producer: &'a Job,
    pub(super) consumer: &'a Job,
    pub(super) producer_script: JobScript,
    /// The image of the build job, where its name is known.
    pub(super) image: Option<Image>,
    /// The folder of the builder stage in which the project lies.
    pub(super) folder: String,
    pub(super) script: BuildScript,
    pub(super) environment: BuildEnvironment,
    /// How the builder of the image job gives secrets to a `RUN`.
    pub(super) secret_mounts: SecretMounts,
}

/// Folders that hold nothing in any base image, so that the project may lie there.
const PROJECT_FOLDERS: [&str; 8] =
    ["/app", "/build", "/code", "/opt/app", "/src", "/usr/src/app", "/usr/src", "/workspace"];

/// Where the project lies if the Dockerfile does not say.
const OTHERWISE: &str = "/src";

impl<'a> Situation<'a> {
    /// The situation of a hand-off with one producer; `None` where one of its jobs is gone.
    pub(super) fn new(
        repository: &'a dyn Repository,
        pipeline: &'a Pipeline,
        policy: &'a Policy,
        handoff: &'a Handoff,
    ) -> Option<Self> {
        let producer = pipeline.job(&handoff.flows.first()?.producer)?;
        let consumer = pipeline.job(&handoff.consumer)?;
        let producer_script = JobScript::new(producer);
        let image = producer.image();
        let folder = project_folder(&handoff.build);
        let has_bash = image.as_ref().and_then(|image| ImageName::new(image.name.as_deref()?).has_bash());
        let mut script = BuildScript::new(repository, policy, &producer_script, has_bash);
        script.take_evidence(|words| evidence::of_dockerfile(repository, &handoff.build, words));
        let secret_mounts = secret_mounts(consumer, handoff);
        let environment = BuildEnvironment::new(&Sources {
            repository,
            pipeline,
            policy,
            producer,
            script: &producer_script,
            consumer,
            consumer_script: &handoff.script,
            build: &handoff.build,
            mounts: secret_mounts,
            folder: &folder,
        });
        let mut situation = Self {
            script,
            environment,
            secret_mounts,
            repository,
            pipeline,
            handoff,
            producer,
            consumer,
            producer_script,
            image,
            folder,
        };
        situation.keep_dependencies_uncovered();
        situation.keep_lock_file_as_installed();
        Some(situation)
    }

    pub(super) fn build(&self) -> &ImageBuild {
        &self.handoff.build
    }

    /// All patterns that the producer hands on, by whichever way.
    pub(super) fn patterns(&self) -> Vec<PathPattern> {
        self.handoff.flows.iter().flat_map(|flow: &Flow| flow.patterns.clone()).collect()
    }

    /// The patterns that the Dockerfile takes something of.
    pub(super) fn used_patterns(&self) -> Vec<PathPattern> {
        let patterns = self.patterns();
        let is_used = |pattern: &PathPattern| {
            self.handoff.uses.iter().flat_map(|copy| &copy.sources).any(|source| match source {
                SourceUse::Builder { path, .. } => pattern.relation(path) != Relation::Apart,
                SourceUse::Ancestor { below, .. } => below.contains(&pattern.text),
                SourceUse::Context | SourceUse::Unclear(_) => false,
            })
        };
        patterns.into_iter().filter(is_used).collect()
    }

    /// The variables that the build command passes on and that a `RUN` of the builder stage reads.
    pub(super) fn passed(&self) -> impl Iterator<Item = &PassedVariable> {
        let scripts: Vec<_> = self.script.statements().collect();
        self.environment.passed.iter().filter(move |variable| {
            let is_part = |whole: &PassedVariable| {
                matches!(&whole.way, Way::Composed(value) if value.contains(&format!("${{{}}}", variable.name)))
            };
            variable.is_read_by(&scripts, true) || self.environment.passed.iter().any(is_part)
        })
    }

    /// The options that the build command needs for them, without those that it has.
    pub(super) fn options_to_add(&self) -> Vec<String> {
        let command = &self.build().command;
        let passed = self.passed().filter_map(|variable| Some((variable, variable.option()?)));
        let is_missing = |(variable, option): &(&PassedVariable, String)| match variable.is_secret() {
            true => command.passes_secret(&variable.name, option).is_none(),
            false => command.passes_argument(&variable.name).is_none(),
        };
        let mut options: Vec<_> = passed.filter(is_missing).collect();
        options.sort_by_key(|(variable, _)| variable.is_secret());
        options.into_iter().map(|(_, option)| option).collect()
    }

    /// Whether the image job has the same value under `name` as the build job, as far as the YAML and its script tell.
    pub(super) fn has_same_in_consumer(&self, name: &str) -> bool {
        has_same_value(self.producer, self.consumer, &self.handoff.script, name)
    }

    /// Whether the command may pass a build argument of this name without changing another stage.
    pub(super) fn may_pass_argument(&self, name: &str) -> bool {
        may_pass_argument(self.build(), name)
    }

    /// The engine behind the consumer.
    pub(super) fn engine(&self) -> Engine {
        let image = self.consumer.image().and_then(|image| image.name);
        let services = self.consumer.services();
        Engine::of_images(image.as_deref().into_iter().chain(services.iter().map(|(name, _)| name.as_str())))
    }

    /// Whether the ignore file keeps all that `pattern` names out of the build context.
    pub(super) fn is_left_out(&self, pattern: &PathPattern) -> bool {
        pattern.path().is_some_and(|path| self.build().context.leaves_out(&path))
    }

    /// Whether a cache of the image job brings files into the build context that are neither sources nor the
    /// hand-off. What package managers download, in a folder whose name begins with a dot, changes no build.
    pub(super) fn is_restored_into_context(&self, cached: &PathPattern) -> bool {
        let is_download = cached.text.starts_with('.') && !cached.text.starts_with(".yarn");
        let is_tracked = cached.path().is_some_and(|path| self.repository.tracked().contains_key(&path));
        let is_handed_on = self.used_patterns().iter().any(|used| used.text == cached.text);
        !is_download && !is_tracked && !is_handed_on && !self.is_left_out(cached)
    }

    /// The sources are copied over the dependencies that a layer of their own installed. Where a cache puts
    /// older ones among the sources, these would win, so there is no such layer.
    fn keep_dependencies_uncovered(&mut self) {
        let caches = self.consumer.caches();
        let restored = caches.iter().filter(|cache| cache.restores()).flat_map(|cache| &cache.paths);
        let covering = restored.into_iter().find(|path| self.is_restored_into_context(path));
        if let Some(path) = covering {
            let path = path.written.trim_end_matches('/');
            self.script.keep_whole(format!(
                "the cache of the image job would lay {path} over it; .dockerignore can leave that out"
            ));
        }
    }

    /// An install may write the lock file anew, and the copy of the sources puts the old one back. Where the file
    /// is handed on, the new one is wanted, so there is no layer then.
    fn keep_lock_file_as_installed(&mut self) {
        let layer = self.script.dependency_layer().filter(|layer| layer.may_rewrite_lock_file);
        let Some(lock_file) = layer.and_then(|layer| layer.lock_file.clone()) else {
            return;
        };
        if self.patterns().iter().any(|path| path.relation(lock_file.as_str()) == Relation::Covers) {
            self.script.keep_whole(format!("the install may write {lock_file}, which is handed on"));
        }
    }

    /// Whether `path` is copied into the builder stage from the context before the dependencies are
    /// installed: then it is an input of the build, and not one of its outputs.
    pub(super) fn is_build_input(&self, path: &str) -> bool {
        let manifests = self.script.dependency_layer().map(|layer| layer.manifests.as_slice()).unwrap_or_default();
        manifests.iter().any(|manifest| manifest.as_str() == path) && !self.script.writes(path)
    }

    /// The place of a keyword of the producer.
    pub(super) fn producer_location(&self, keyword: &str) -> Location {
        self.pipeline.keyword_location(self.producer, keyword)
    }

    /// The place of a keyword of the consumer.
    pub(super) fn consumer_location(&self, keyword: &str) -> Location {
        self.pipeline.keyword_location(self.consumer, keyword)
    }

    /// The place of the build command.
    pub(super) fn command_location(&self) -> Location {
        let command = &self.build().command;
        let location = self.handoff.script.location(self.pipeline, command.item, command.span);
        location.unwrap_or_else(|| self.consumer_location("script"))
    }

    /// Whether a value stands in the consumer's own words, and nobody shares them by an anchor.
    pub(super) fn is_consumers_own(&self, origin: Origin) -> bool {
        let Some(file) = self.pipeline.file(origin.file) else {
            return false;
        };
        let own = self.consumer.definitions.iter().find(|definition| definition.file == origin.file);
        own.is_some_and(|definition| file.tree.is_within(origin.node, definition.value))
            && !is_shared(file, origin.node)
    }

    pub(super) fn value_location(&self, value: &Value) -> Location {
        self.pipeline.location(value.origin)
    }

    /// The place of a path of the repository in the builder stage.
    pub(super) fn in_builder(&self, path: &str) -> String {
        let place = RepositoryPath::new(path).unwrap_or_default();
        if place.is_root() { self.folder.clone() } else { format!("{}/{}", self.folder, place.as_str()) }
    }
}

/// How the builder behind the build command gives secrets to a `RUN`.
fn secret_mounts(consumer: &Job, handoff: &Handoff) -> SecretMounts {
    let image = consumer.image().and_then(|image| image.name);
    let services: Vec<_> = consumer.services().into_iter().map(|(name, _)| name).collect();
    let walk = &handoff.script.walk;
    let command = &handoff.build.command;
    let exported =
        walk.steps.iter().take(command.step).filter(|step| step.program() == Some("export")).flat_map(|step| {
            step.words.iter().filter_map(|word| word.text()?.strip_prefix("DOCKER_BUILDKIT=")).map(str::to_owned)
        });
    let in_front = command.environment.iter().rev().find(|(name, _)| name == "DOCKER_BUILDKIT");
    let buildkit = in_front
        .map(|(_, value)| value.clone().unwrap_or_default())
        .or_else(|| exported.last())
        .or_else(|| consumer.variables.value("DOCKER_BUILDKIT"));
    let creates = |step: &crate::docker::Step| {
        let words: Vec<_> = step.words.iter().filter_map(|word| word.text()).collect();
        words.contains(&"buildx") && words.contains(&"create")
    };
    let directives = handoff.build.dockerfile.directives.iter();
    let mut frontend =
        directives.filter(|directive| directive.kind == DirectiveKind::Syntax).map(|it| it.value.as_str());
    SecretMounts::of_builder(BuilderTraits {
        image: image.as_deref(),
        services: &services,
        buildkit: buildkit.as_deref(),
        is_buildx: command.is_buildx,
        has_own_builder: walk.steps.iter().any(creates) || command.has_option("--builder"),
        frontend: frontend.next_back(),
    })
}

/// Whether an alias leads to the node, or to one that holds it.
pub(super) fn is_shared(file: &PipelineFile, node: NodeId) -> bool {
    let targets: Vec<_> = file
        .tree
        .nodes()
        .filter_map(|(_, node)| match &node.kind {
            NodeKind::Alias { target, .. } => *target,
            _ => None,
        })
        .collect();
    targets.into_iter().any(|target| file.tree.is_within(node, target))
}

/// The folder of the final stage, where that is one that is empty in every base image; else one of our own.
fn project_folder(build: &ImageBuild) -> String {
    let last = build.target.and_then(|target| build.stages.stages.get(target));
    let folder = last.and_then(|stage| stage.working_directory.as_deref()).map(|folder| folder.trim_end_matches('/'));
    folder.filter(|folder| PROJECT_FOLDERS.contains(folder)).unwrap_or(OTHERWISE).to_owned()
}
