//! Other jobs that share the script, or use the first image.

use super::Check;
use super::dockerfiles::has_engine;
use crate::docker::{BuildCommand, build_commands};
use crate::finding::{Code, Finding, Location};
use crate::fold::joined::is_one_file;
use crate::gitlab::{Job, Origin, Relation, Value, relation_of_paths};
use crate::handoff::{ImageBuild, JobScript, is_same_image, takes_image};
use crate::source::Repository;
use crate::text::RepositoryPath;

impl Check<'_> {
    /// The first use of the first image in another job, where that may run on the same engine.
    pub(super) fn used_elsewhere(&self, repository: &dyn Repository) -> Option<Finding> {
        if self.found.keeps_first() || self.found.is_made_in_place() {
            return None;
        }
        let tags = self.found.tags_of_first();
        let others = self.pipeline.jobs().iter().filter(|job| job.name != self.job.name);
        let services = |job: &Job| job.services().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        let mut shared = others.filter(|job| self.shares_engine() || !has_engine(&services(job)));
        let (job, location) = shared.find_map(|job| Some((job, self.use_in(repository, job, &tags)?)))?;
        let message = format!(
            "'{}' uses the first image, which would not be built any more, and may run on the same engine",
            job.name
        );
        Some(
            Finding::new(Code::HandoffUsedOutsideBuild, location, message)
                .with_help("give each job an engine of its own (the service docker:dind), or build the image there"),
        )
    }

    /// Where a job uses an image with one of these tags that it has not made itself.
    fn use_in(&self, repository: &dyn Repository, job: &Job, tags: &[String]) -> Option<Location> {
        let is_first = |name: &str| tags.iter().any(|tag| is_same_image(tag, name));
        if let Some(image) =
            job.image().and_then(|image| image.name).filter(|name| self.shares_engine() && is_first(name))
        {
            let field = job.fields.field("image").map(|field| field.value.origin);
            return is_first(&image).then(|| {
                field.map_or_else(|| self.pipeline.job_location(job), |origin| self.pipeline.location(origin))
            });
        }
        let script = JobScript::new(job);
        let commands = build_commands(&script.walk).0;
        let makes = |command: &BuildCommand| command.tags.iter().any(|tag| is_first(tag));
        let made_at = commands.iter().find(|command| makes(command)).map_or(usize::MAX, |command| command.step);
        let starts_from_it = |index: usize| {
            let build = commands.iter().find(|command| command.step == index);
            let build = build.and_then(|command| ImageBuild::read(repository, command).ok());
            build.is_some_and(|build| {
                let stages = &build.stages;
                let is_used = |name: &String| stages.find_by_name(name).is_none() && is_first(name);
                stages.taken_names().any(|name| is_used(&name))
            })
        };
        let steps = script.walk.steps.iter().enumerate().take(made_at.saturating_add(1));
        let mut uses =
            steps.filter(|(index, step)| *index < made_at && takes_image(step, tags) || starts_from_it(*index));
        let at = |step| script.step_location(self.pipeline, step).unwrap_or_else(|| self.pipeline.job_location(job));
        let found = uses.next().map(|(_, step)| at(step));
        found.or_else(|| {
            let after = JobScript::of_keyword(job, "after_script");
            let step = after.walk.steps.iter().find(|step| made_at == usize::MAX && takes_image(step, tags))?;
            Some(after.step_location(self.pipeline, step).unwrap_or_else(|| self.pipeline.job_location(job)))
        })
    }

    /// Rules that watch the first Dockerfile, and not the one that its stages go to.
    pub(super) fn watched(&self) -> Vec<Finding> {
        let (first, second) = (&self.found.first, &self.found.second);
        if self.found.is_made_in_place() || is_one_file(self.found) {
            return Vec::new();
        }
        let watches = |changes: &Value, path: &RepositoryPath| {
            let paths = changes.get("paths").unwrap_or(changes).one_or_many();
            let mut patterns = paths.iter().filter_map(Value::text);
            patterns.any(|pattern| relation_of_paths(&pattern, path.as_str()) != Relation::Apart)
        };
        let is_left =
            |changes: &&Value| watches(changes, first.source.path()) && !watches(changes, second.source.path());
        let mut found: Vec<&Value> = Vec::new();
        for changes in self.pipeline.jobs().iter().flat_map(watching).filter(is_left) {
            if !found.iter().any(|known| known.origin == changes.origin) {
                found.push(changes);
            }
        }
        let finding = |changes: &Value| {
            let (old, new) = (first.source.path(), second.source.path());
            let message = format!("this watches {old}, whose stages go to {new}: it would not see when they change");
            Finding::new(Code::ChangesOfOldDockerfile, self.pipeline.location(changes.origin), message)
                .with_help(format!("watch {new} as well"))
        };
        found.into_iter().map(finding).collect()
    }

    /// Another job that has lines of this one's script by `extends` or `!reference`: they would change for it as well.
    pub(super) fn shared_with_jobs(&self) -> Option<Finding> {
        let own: Vec<Origin> = self.found.script.items.iter().map(|item| item.origin).collect();
        let keywords = ["before_script", "script", "after_script"];
        let shares = |job: &&Job| {
            job.name != self.job.name
                && keywords.iter().flat_map(|keyword| job.script_of(keyword)).any(|item| own.contains(&item.origin))
        };
        let other = self.pipeline.jobs().iter().find(shares)?;
        let message = format!("'{}' has lines of this script too, and they would change for it as well", other.name);
        let help = "write the script of each job by itself, or keep what they share in a hidden job of its own";
        let location = own.first().map(|origin| self.pipeline.location(*origin))?;
        Some(Finding::new(Code::JobDefinitionShared, location, message).with_help(help))
    }
}

/// What the rules of a job watch (GitLab docs: ci/yaml, `rules:changes` and `only:changes`).
fn watching(job: &Job) -> impl Iterator<Item = &Value> {
    let rules = job.fields.field("rules").map(|field| field.value.one_or_many()).unwrap_or_default();
    let older =
        ["only", "except"].into_iter().filter_map(|keyword| job.fields.field(keyword)).map(|field| &field.value);
    rules.iter().chain(older).filter_map(|rule| rule.get("changes"))
}
