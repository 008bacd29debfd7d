//! What the build command passes on to the builder stage.

use super::Situation;
use super::buildkit;
use crate::docker::{Builder, BuilderTraits, SecretMounts, Step, compose_with_passed, image_builds};
use crate::fold::environment::{BuildEnvironment, PassedVariable, Sources, Way, has_same_value, may_pass_argument};
use crate::gitlab::Job;
use crate::handoff::{Handoff, ImageBuild, JobScript};
use crate::outcome::ToldBuilder;
use crate::syntax::dockerfile::DirectiveKind;

impl Situation<'_> {
    /// The variables that the build command passes on and that a `RUN` of the builder stage reads.
    pub(in crate::fold) fn passed(&self) -> impl Iterator<Item = &PassedVariable> {
        let scripts: Vec<_> = self.script.statements().collect();
        self.environment.passed.iter().filter(move |variable| {
            let is_part = |whole: &PassedVariable| {
                matches!(&whole.way, Way::Composed(value) if value.contains(&format!("${{{}}}", variable.name)))
            };
            variable.is_read_by(&scripts, true) || self.environment.passed.iter().any(is_part)
        })
    }

    /// The options that the build command needs for them, without those that it has.
    pub(in crate::fold) fn options_to_add(&self) -> Vec<String> {
        let command = &self.build().command;
        let passed = self.passed().filter_map(|variable| Some((variable, variable.option()?)));
        let is_missing = |(variable, option): &(&PassedVariable, String)| match variable.is_secret() {
            true => command.passes_secret(&variable.name, option).is_none(),
            false => command.passes_argument(&variable.name).is_none(),
        };
        let mut options: Vec<_> = passed.filter(is_missing).collect();
        options.sort_by_key(|(variable, _)| variable.is_secret());
        options.into_iter().map(|(_, option)| command.as_written(&option)).collect()
    }

    /// The text of the Compose file that describes the build, with what these options pass that it does not pass yet; `None` where
    /// that cannot be written there.
    pub(in crate::fold) fn compose_text(&self, text: &str, options: &[String]) -> Option<String> {
        let description = self.build().command.described_in.as_ref()?;
        if options.is_empty() {
            return Some(text.to_owned());
        }
        let arguments: Vec<_> = options.iter().filter_map(|option| option.strip_prefix("--build-arg ")).collect();
        let secrets = options.iter().filter_map(|option| option.strip_prefix("--secret ")).map(|secret| {
            let name = secret.strip_prefix("id=")?.split(',').next()?;
            (secret == format!("id={name},env={name}")).then_some(name)
        });
        let secrets: Vec<_> = secrets.collect::<Option<_>>()?;
        compose_with_passed(text, &description.name, &arguments, &secrets)
    }

    /// Whether the Compose file that describes the build can pass on what the command does not.
    pub(in crate::fold) fn is_passed_by_compose(&self) -> bool {
        let command = &self.build().command;
        let description = command.described_in.as_ref().filter(|_| command.builder == Builder::Compose);
        let source = description.and_then(|description| self.repository.read(&description.file).ok());
        source.is_some_and(|source| self.compose_text(source.text(), &self.options_to_add()).is_some())
    }

    /// Whether the command itself can pass what the build needs more. Compose passes an argument by its name to all that it
    /// builds, and a secret not at all.
    pub(in crate::fold) fn is_passed_by_command(&self) -> bool {
        let command = &self.build().command;
        if command.builder != Builder::Compose {
            return true;
        }
        let (all, _) = image_builds(self.repository, &self.handoff.script.walk);
        let is_alone = all.iter().filter(|other| other.step == command.step).count() == 1;
        is_alone && self.passed().all(|variable| !variable.is_secret())
    }

    /// Whether the builder is BuildKit for certain.
    pub(in crate::fold) fn has_buildkit(&self) -> bool {
        self.secret_mounts != SecretMounts::None
    }

    /// Whether the image job has the same value under `name` as the build job, as far as the YAML and its script tell.
    pub(in crate::fold) fn has_same_in_consumer(&self, name: &str) -> bool {
        has_same_value(self.producer, self.consumer, &self.handoff.script, name)
    }

    /// Whether the command may pass a build argument of this name without changing another stage.
    pub(in crate::fold) fn may_pass_argument(&self, name: &str) -> bool {
        may_pass_argument(self.build(), name)
    }
}

/// How the builder behind the build command gives secrets to a `RUN`.
pub(in crate::fold) fn secret_mounts(
    consumer: &Job,
    script: &JobScript,
    build: &ImageBuild,
    told: Option<ToldBuilder>,
) -> SecretMounts {
    mounts_of(consumer, (script, build), told, None)
}

/// What a builder stage gets from around it, and how.
pub(super) struct Surroundings {
    pub(super) secret_mounts: SecretMounts,
    pub(super) turns_on_buildkit: bool,
    pub(super) environment: BuildEnvironment,
}

impl Surroundings {
    /// With BuildKit where a secret needs it, nothing asks for either builder yet, and both make the same of the image.
    pub(super) fn of(sources: Sources<'_>, handoff: &Handoff) -> Self {
        let as_it_is = Self {
            secret_mounts: sources.mounts,
            turns_on_buildkit: false,
            environment: BuildEnvironment::new(&sources),
        };
        let lacks_mounts = sources.mounts == SecretMounts::None
            && as_it_is.environment.passed.iter().any(PassedVariable::is_secret)
            && sources.policy.builder.is_none();
        let mounts = mounts_of(sources.consumer, (&handoff.script, &handoff.build), None, Some("1"));
        if !lacks_mounts || mounts == SecretMounts::None || !buildkit::may_be_turned_on(sources.consumer, handoff) {
            return as_it_is;
        }
        let environment = BuildEnvironment::new(&Sources { mounts, ..sources });
        Self { secret_mounts: mounts, turns_on_buildkit: true, environment }
    }
}

/// The same with this value for `DOCKER_BUILDKIT`, or with the one that the job gives it.
fn mounts_of(
    consumer: &Job,
    (script, build): (&JobScript, &ImageBuild),
    told: Option<ToldBuilder>,
    buildkit: Option<&str>,
) -> SecretMounts {
    let image = consumer.image().and_then(|image| image.name);
    let services: Vec<_> = consumer.services().into_iter().map(|(name, _)| name).collect();
    let walk = &script.walk;
    let command = &build.command;
    // The old program of Compose takes no secrets from variables.
    let has_no_secrets = command.builder == Builder::Img || command.program.starts_with("docker-compose");
    if has_no_secrets || !command.builder.has_engine() && !command.builder.is_buildkit() {
        return SecretMounts::None;
    }
    let buildkit = buildkit.map(str::to_owned).or_else(|| buildkit::asked_for(consumer, script, build));
    let creates = |step: &Step| {
        let words: Vec<_> = step.words.iter().filter_map(|word| word.text()).collect();
        words.contains(&"buildx") && words.contains(&"create")
    };
    let directives = build.dockerfile.directives.iter();
    let mut frontend =
        directives.filter(|directive| directive.kind == DirectiveKind::Syntax).map(|it| it.value.as_str());
    SecretMounts::of_builder(BuilderTraits {
        image: image.as_deref(),
        services: &services,
        buildkit: buildkit.as_deref(),
        is_buildkit: command.builder.is_buildkit(),
        told: told.filter(|_| command.builder.has_engine()),
        has_own_builder: !command.builder.has_engine()
            || walk.steps.iter().any(creates)
            || command.has_option("--builder"),
        frontend: frontend.next_back(),
    })
}
