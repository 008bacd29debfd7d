//! What the build command passes on to the builder stage.

use super::Situation;
use crate::docker::{Builder, BuilderTraits, SecretMounts, Step};
use crate::fold::environment::{PassedVariable, Way, has_same_value, may_pass_argument};
use crate::gitlab::Job;
use crate::handoff::{ImageBuild, JobScript};
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
        options.into_iter().map(|(_, option)| option).collect()
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
    let image = consumer.image().and_then(|image| image.name);
    let services: Vec<_> = consumer.services().into_iter().map(|(name, _)| name).collect();
    let walk = &script.walk;
    let command = &build.command;
    // Compose would have to be told of a secret in its own file.
    if command.builder == Builder::Compose || !command.builder.has_engine() && !command.builder.is_buildkit() {
        return SecretMounts::None;
    }
    let exported =
        walk.steps.iter().take(command.step).filter(|step| step.program() == Some("export")).flat_map(|step| {
            step.words.iter().filter_map(|word| word.text()?.strip_prefix("DOCKER_BUILDKIT=")).map(str::to_owned)
        });
    let in_front = command.environment.iter().rev().find(|(name, _)| name == "DOCKER_BUILDKIT");
    let buildkit = in_front
        .map(|(_, value)| value.clone().unwrap_or_default())
        .or_else(|| exported.last())
        .or_else(|| consumer.variables.value("DOCKER_BUILDKIT"));
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
