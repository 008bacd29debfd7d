//! What a container has that a stage has not: an `ENTRYPOINT` of its image, and folders of the job's cache.

use super::Check;
use crate::docker::Base;
use crate::finding::{Code, Finding};
use crate::fold::container_command::may_have_entrypoint;
use crate::gitlab::Relation;
use crate::handoff::{Container, downloads_artifacts};
use crate::syntax::dockerfile::{Arguments, Keyword};

impl Check<'_> {
    /// An image may start each container by a program of its own; a `RUN` goes without it.
    pub(super) fn entrypoints(&self) -> Option<Finding> {
        let running = |container: &&Container| container.runs && may_have_entrypoint(&self.found.first, container);
        let container = self.found.containers.iter().find(running)?;
        let step = self.found.script.walk.steps.get(container.step)?;
        let image = match container.mounted {
            Some(_) => container.image.clone(),
            None => "the image that it starts from".to_owned(),
        };
        let owners = match container.mounted {
            Some(_) => ", or a USER, who may not write where the sources are root's",
            None => "",
        };
        let message = format!("{image} may have an ENTRYPOINT, which starts the container and no RUN{owners}");
        let help = "see what the image says ('docker inspect'), and accept it where there is none, or one that only starts its \
                    arguments";
        Some(Finding::new(Code::EntrypointUnknown, self.step_location(step), message).with_help(help))
    }

    /// A `RUN` has the `ARG`s of its stage, and a container has not (Dockerfile reference: ARG); an `ENV` of the same name goes
    /// before both.
    pub(super) fn arguments_in_container(&self) -> Option<Finding> {
        let first = &self.found.first;
        let container = self.found.containers.iter().find(|container| container.runs)?;
        let step = self.found.script.walk.steps.get(container.step)?;
        let mut stage = first.target.and_then(|target| first.stages.stages.get(target));
        let mut instructions = Vec::new();
        while let Some(own) = stage {
            instructions.extend(first.dockerfile.instructions.get(own.from..own.end).unwrap_or_default());
            stage = match own.base {
                Base::Stage(base) => first.stages.stages.get(base),
                Base::Image(_) => None,
            };
        }
        let names = |keyword: Keyword| {
            let found = instructions.iter().filter(move |instruction| instruction.keyword == keyword);
            found.flat_map(|instruction| match &instruction.arguments {
                Arguments::KeyValues(pairs) => pairs.iter().map(|pair| pair.name.text()).collect(),
                _ => Vec::new(),
            })
        };
        let name = names(Keyword::Arg).find(|name| !names(Keyword::Env).any(|set| set == *name))?;
        let message =
            format!("the command of the container becomes a RUN, which has the ARG {name} of the stage for a variable");
        let finding = Finding::new(Code::BuilderUnsupported, self.step_location(step), message);
        Some(
            finding
                .with_help("make the files by a RUN of the first Dockerfile, or put the ARG into a stage of its own"),
        )
    }

    /// The folders of caches that were mounted must hold nothing but downloads of this job's own.
    pub(super) fn mounted_caches(&self) -> Vec<Finding> {
        let caches = self.found.mounted_caches();
        let Some(step) = self.found.containers.last().and_then(|last| self.found.script.walk.steps.get(last.step))
        else {
            return Vec::new();
        };
        let others = self.pipeline.jobs().iter().filter(|job| job.name != self.job.name);
        let brings = |place: &str| {
            others.clone().find(|job| {
                let artifacts = job.artifacts();
                let is_met = artifacts.untracked
                    || artifacts
                        .paths
                        .iter()
                        .any(|path| path.is_unbounded() || path.relation(place) != Relation::Apart);
                is_met && downloads_artifacts(self.pipeline, self.job, job)
            })
        };
        let finding =
            |place: &crate::text::RepositoryPath| {
                let job = brings(place.as_str())?;
                let message = format!(
                    "'{}' hands files on that may lie in {place}, which the container has and a stage would not",
                    job.name
                );
                let finding = Finding::new(Code::BuilderUnsupported, self.step_location(step), message);
                Some(finding.with_help(format!(
                    "let no other job hand on {place}, or run the command in a build job of its own"
                )))
            };
        caches.iter().filter_map(finding).collect()
    }
}
