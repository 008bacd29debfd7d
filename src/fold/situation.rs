mod buildkit;
mod layer;
mod passing;
mod place;

use passing::Surroundings;
pub(super) use passing::secret_mounts;
use place::{project_folder, user};

use super::chain;
use super::environment::{BuildEnvironment, Sources};
use super::evidence;
use super::fate::Fate;
use super::group::{self, Group, Producer, Role};
use super::inputs::{self, Input};
use super::relaxing::Relaxing;
use super::run_lines::BuildScript;
use super::stage_names;
use super::widening::Widening;
use crate::docker::{BuildCommand, BuildContext, Engine, ImageName, SecretMounts};
use crate::finding::{Code, Location};
use crate::gitlab::{Image, Job, Origin, PathPattern, Pipeline, PipelineFile, Value};
use crate::handoff::{Flow, Handoff, ImageBuild, JobScript};
use crate::outcome::Policy;
use crate::source::Repository;
use crate::syntax::yaml::{NodeId, NodeKind};
use crate::text::RepositoryPath;

/// Everything that is known of one build job in one hand-off: what the obstacles look at and the steps work on.
pub(super) struct Situation<'a> {
    pub(super) repository: &'a dyn Repository,
    pub(super) pipeline: &'a Pipeline,
    pub(super) policy: &'a Policy,
    /// The jobs that are folded together.
    pub(super) group: &'a Group<'a>,
    pub(super) handoff: &'a Handoff,
    pub(super) producer: &'a Job,
    /// What the build job makes its files for.
    pub(super) role: Role,
    pub(super) consumer: &'a Job,
    /// What becomes of the build job.
    pub(super) fate: Fate,
    /// The name of the builder stage.
    pub(super) stage: String,
    /// What the build job gets from other build jobs of the hand-off.
    pub(super) inputs: Vec<Input>,
    /// What other build jobs of the hand-off get from it.
    pub(super) taken: Vec<PathPattern>,
    pub(super) producer_script: JobScript,
    /// The image of the build job, where its name is known.
    pub(super) image: Option<Image>,
    /// The user that the build job works as, where that is not root.
    pub(super) user: Option<String>,
    /// The folder of the builder stage in which the project lies.
    pub(super) folder: String,
    pub(super) script: BuildScript,
    pub(super) environment: BuildEnvironment,
    /// How the builder of the image job gives secrets to a `RUN`.
    pub(super) secret_mounts: SecretMounts,
    /// Whether the command has to ask for BuildKit, so that there are such mounts.
    pub(super) turns_on_buildkit: bool,
    /// How the build context becomes the whole project, or why it cannot, where it is less.
    pub(super) widening: Option<Result<Widening, String>>,
    /// How the ignore file lets all sources through, or why it cannot, where it hides some.
    pub(super) relaxing: Option<Result<Relaxing, String>>,
}

impl<'a> Situation<'a> {
    /// The situations of the build jobs of a hand-off, in the order of their stages.
    pub(super) fn all(
        repository: &'a dyn Repository,
        pipeline: &'a Pipeline,
        policy: &'a Policy,
        group: &'a Group<'a>,
        handoff: &'a Handoff,
    ) -> Vec<Self> {
        let producers = group::producers(repository, pipeline, handoff);
        let names = stage_names::of(&handoff.build.stages, &producers);
        let stages: Vec<_> = producers.into_iter().zip(names).collect();
        let new = |at: usize| Self::new(repository, pipeline, policy, group, handoff, &stages, at);
        (0..stages.len()).filter_map(new).collect()
    }

    fn new(
        repository: &'a dyn Repository,
        pipeline: &'a Pipeline,
        policy: &'a Policy,
        group: &'a Group<'a>,
        handoff: &'a Handoff,
        stages: &[(Producer<'a>, String)],
        at: usize,
    ) -> Option<Self> {
        let (Producer { job: producer, role }, stage) = stages.get(at)?.clone();
        let consumer = pipeline.job(&handoff.consumer)?;
        let inputs = inputs::of(repository, pipeline, handoff, producer, stages);
        let taken = inputs::taken(repository, pipeline, handoff, producer, stages);
        let producer_script = match role {
            Role::FillsCache => chain::filling_script(repository, pipeline, handoff, producer, stages),
            Role::ForImage | Role::ForBuild => JobScript::new(producer),
        };
        let image = producer.image();
        let folder = project_folder(handoff);
        let has_bash = image.as_ref().and_then(|image| ImageName::new(image.name.as_deref()?).has_bash());
        let is_set = |name: &str| producer.variables.get(name).is_some() || policy.passed.contains_key(name);
        let mut script = BuildScript::new(repository, policy, &producer_script, has_bash, &is_set);
        script.take_evidence(repository, |words| evidence::of_dockerfile(repository, &handoff.build, words));
        let sources = Sources {
            repository,
            pipeline,
            policy,
            producer,
            script: &producer_script,
            consumer,
            consumer_script: &handoff.script,
            build: &handoff.build,
            mounts: secret_mounts(consumer, &handoff.script, &handoff.build, policy.builder),
            folder: &folder,
        };
        let Surroundings { secret_mounts, turns_on_buildkit, environment } = Surroundings::of(sources, handoff);
        let widening = Widening::of(repository, pipeline, handoff, secret_mounts != SecretMounts::None);
        let relaxing = Relaxing::of(repository, pipeline, handoff, secret_mounts != SecretMounts::None);
        let mut situation = Self {
            widening,
            relaxing,
            script,
            environment,
            secret_mounts,
            turns_on_buildkit,
            repository,
            pipeline,
            policy,
            group,
            handoff,
            producer,
            role,
            consumer,
            fate: Fate::Goes,
            stage,
            inputs,
            taken,
            producer_script,
            user: user(image.as_ref()),
            image,
            folder,
        };
        situation.keep_whole_where_needed();
        Some(situation)
    }

    pub(super) fn build(&self) -> &ImageBuild {
        &self.handoff.build
    }

    /// The build command, with the context that it has after the fold.
    pub(super) fn command(&self) -> &BuildCommand {
        self.wider().map_or(&self.build().command, |wider| &wider.command.command)
    }

    /// What the builder stage copies its sources from.
    pub(super) fn sources(&self) -> &BuildContext {
        let own = self.relaxed().map_or(&self.build().context, |relaxed| &relaxed.context);
        self.wider().map_or(own, |wider| &wider.context)
    }

    /// How the build context becomes the whole project, where it is less and can.
    pub(super) fn wider(&self) -> Option<&Widening> {
        self.widening.as_ref()?.as_ref().ok()
    }

    /// How the ignore file lets all sources through, where it hides some and can.
    pub(super) fn relaxed(&self) -> Option<&Relaxing> {
        self.relaxing.as_ref()?.as_ref().ok()
    }

    /// All patterns that the producer hands on, by whichever way.
    pub(super) fn patterns(&self) -> Vec<PathPattern> {
        self.handoff.flows.iter().flat_map(|flow: &Flow| flow.patterns.clone()).collect()
    }

    /// The patterns that the Dockerfile takes something of.
    pub(super) fn used_patterns(&self) -> Vec<PathPattern> {
        self.handoff.used_patterns()
    }

    /// These, and where the image job has moved their files.
    pub(super) fn used_places(&self) -> Vec<PathPattern> {
        let used = self.used_patterns();
        let origin = used.first().map(|pattern| pattern.origin);
        let moved = self.handoff.moves.iter().filter_map(|moved| Some(PathPattern::of_place(&moved.to, origin?)));
        moved.collect::<Vec<_>>().into_iter().chain(used).collect()
    }

    /// Whether the image of the build job has the programs of Debian or of Alpine.
    pub(super) fn has_usual_programs(&self) -> bool {
        let name = self.image.as_ref().and_then(|image| image.name.as_deref());
        name.is_some_and(|name| ImageName::new(name).has_bash().is_some())
    }

    /// Whether the image is built for another platform than the build job ran on, as far as the command tells.
    pub(super) fn is_for_other_platform(&self) -> bool {
        let command = &self.build().command;
        let is_set = |name: &str| {
            self.consumer.variables.value(name).is_some() || command.environment.iter().any(|(own, _)| own == name)
        };
        command.builder.platform_options().iter().any(|option| command.has_option(option))
            || command.builder.has_engine() && is_set("DOCKER_DEFAULT_PLATFORM")
    }

    /// The engine behind the consumer.
    pub(super) fn engine(&self) -> Engine {
        let image = self.consumer.image().and_then(|image| image.name);
        let services = self.consumer.services();
        Engine::of_images(image.as_deref().into_iter().chain(services.iter().map(|(name, _)| name.as_str())))
    }

    /// Whether the ignore file keeps all that `pattern` names from the builder stage.
    pub(super) fn is_left_out(&self, pattern: &PathPattern) -> bool {
        pattern.path().is_some_and(|path| self.sources().leaves_out(&path))
    }

    /// Whether a cache of the image job brings files into the build context that are neither sources nor the
    /// hand-off. What package managers download, in a folder whose name begins with a dot, changes no build.
    pub(super) fn is_restored_into_context(&self, cached: &PathPattern) -> bool {
        let is_download = cached.text.starts_with('.') && !cached.text.starts_with(".yarn");
        let is_tracked = cached.path().is_some_and(|path| self.repository.tracked().contains_key(&path));
        let is_handed_on = self.used_patterns().iter().any(|used| used.text == cached.text);
        !is_download && !is_tracked && !is_handed_on && !self.is_left_out(cached)
    }

    /// Whether `path` is copied into the builder stage from the context before the dependencies are
    /// installed: then it is an input of the build, and not one of its outputs.
    pub(super) fn is_build_input(&self, path: &str) -> bool {
        let manifests = self.script.dependency_layer().map(|layer| layer.manifests.as_slice()).unwrap_or_default();
        manifests.iter().any(|manifest| manifest.as_str() == path) && !self.script.writes(path)
    }

    /// Whether a job takes part in this fold, on either side.
    pub(super) fn takes_part(&self, job: &Job) -> bool {
        let producers = &self.group.producers;
        self.group.is_consumer(job) || producers.iter().any(|producer| producer.name == job.name)
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

    /// Whether no job but the image jobs of the group has what stands there, be it by an anchor, by `extends`, by
    /// `!reference` or by `default`.
    pub(super) fn is_consumers_own(&self, origin: Origin) -> bool {
        self.is_own_of(origin, &|job| self.group.is_consumer(job))
    }

    /// Whether no job but those that `is_owner` tells has what stands there.
    pub(super) fn is_own_of(&self, origin: Origin, is_owner: &dyn Fn(&Job) -> bool) -> bool {
        let Some(file) = self.pipeline.file(origin.file) else {
            return false;
        };
        let is_there = |node: NodeId| file.tree.is_within(node, origin.node);
        let mut others = self.pipeline.jobs().iter().filter(|job| !is_owner(job));
        // What an alias in the words of an owner leads to is changed for owners alone.
        let owners: Vec<_> = self.pipeline.jobs().iter().filter(|job| is_owner(job)).collect();
        let is_of_owner = |alias: NodeId| {
            let mut definitions = owners.iter().flat_map(|job| &job.definitions);
            definitions.any(|own| own.file == origin.file && file.tree.is_within(alias, own.value))
        };
        aliases(file, origin.node).into_iter().all(is_of_owner)
            && file.is_editable()
            && !others.any(|job| job.holds(origin.file, &is_there))
    }

    /// Whose a value is that is not the consumer's own, and the code for that.
    pub(super) fn whose(&self, origin: Origin) -> (Code, String) {
        match self.pipeline.file(origin.file).and_then(PipelineFile::elsewhere) {
            Some(file) => (Code::JobDefinedElsewhere, format!("is written in {file}")),
            None => (Code::JobDefinitionShared, "is shared with other jobs".to_owned()),
        }
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

/// Whether an alias leads to the node, or to one that holds it.
pub(super) fn is_shared(file: &PipelineFile, node: NodeId) -> bool {
    !aliases(file, node).is_empty()
}

/// The aliases that lead to the node, or to one that holds it.
fn aliases(file: &PipelineFile, node: NodeId) -> Vec<NodeId> {
    let leads_there = |kind: &NodeKind| match kind {
        NodeKind::Alias { target, .. } => target.is_some_and(|target| file.tree.is_within(node, target)),
        _ => false,
    };
    file.tree.nodes().filter(|(_, node)| leads_there(&node.kind)).map(|(id, _)| id).collect()
}
