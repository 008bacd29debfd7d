//! The two build commands must be such that one can do the work of both.

use super::Check;
use crate::docker::{BuildCommand, CommandContext, build_commands};
use crate::finding::{Code, Finding, Location};
use crate::fold::joined::{self, Contexts};
use crate::gitlab::Job;
use crate::handoff::{CopyUse, JobScript};

impl Check<'_> {
    pub(super) fn builds(&self) -> Vec<Finding> {
        let (first, second) = (&self.found.first, &self.found.second);
        let location = self.command_location(&first.command);
        let finding = |code, message: &str| Finding::new(code, location.clone(), message.to_owned());
        let mut findings = Vec::new();
        if matches!(second.command.context, CommandContext::Missing(_)) {
            let message = "this build names no context, so it cannot have worked; the fold adds the missing '.'";
            findings.push(Finding::new(Code::BuildContextMissing, self.command_location(&second.command), message));
        }
        match &self.joining.contexts {
            Ok(contexts) => findings.extend(self.widened(contexts)),
            Err(message) => {
                let help = "build both from one folder, with one ignore file or with none";
                findings.push(finding(Code::ContextNarrowerThanSources, message).with_help(help));
            }
        }
        if joined::is_one_file(self.found) {
            findings.extend(self.order_of_stages());
        }
        if let Err(message) = self.joining.platform {
            let help = "build both for one platform, or leave them apart";
            findings.push(finding(Code::BuildCommandUnclear, message).with_help(help));
        }
        if let Err(message) = self.joining.options_to_add() {
            let help = "give both builds the same options, or leave them apart";
            findings.push(finding(Code::BuildCommandUnclear, &message).with_help(help));
        }
        findings
    }

    /// The second build gets the whole project for its context.
    fn widened(&self, contexts: &Contexts) -> Option<Finding> {
        let (folder, _) = contexts.second.as_ref()?;
        let second = &self.found.second.command;
        let dockerfile = self.found.second.source.path();
        let location = self.command_location(second);
        let is_other = |job: &Job, command: &BuildCommand| {
            let is_own = job.name == self.job.name && command.step == second.step;
            !is_own && (command.dockerfile == *dockerfile || command.other_dockerfile.as_ref() == Some(dockerfile))
        };
        let mut others = self.pipeline.jobs().iter().filter(|job| {
            let script = JobScript::new(job);
            build_commands(&script.walk).0.iter().any(|command| is_other(job, command))
        });
        if let Some(job) = others.next() {
            let message =
                format!("the build context must become the whole project, and '{}' builds {dockerfile} too", job.name);
            let finding = Finding::new(Code::DockerfileShared, location, message);
            return Some(finding.with_help("build both from the project's folder, or from a Dockerfile each"));
        }
        let message = format!(
            "the build context becomes the whole project instead of {folder}, and every other build of {dockerfile} needs that too"
        );
        let finding = Finding::new(Code::ContextWidened, location, message);
        Some(finding.with_help(format!("build it by hand with '-f {dockerfile} .' from the project's folder")))
    }

    /// A stage can take files only of one in front of it.
    fn order_of_stages(&self) -> Vec<Finding> {
        let target = self.found.first.target;
        let early = self.found.uses.iter().filter(|copy| Some(copy.copy.stage) <= target);
        let finding = |copy: &CopyUse| {
            let instruction = self.found.second.dockerfile.instructions.get(copy.copy.instruction)?;
            let message = "this takes files of a stage that stands behind it";
            let location = Location::new(&self.found.second.source, instruction.span);
            let finding = Finding::new(Code::DockerfileUnclear, location, message);
            Some(finding.with_help("move the stage that makes the files in front of this one"))
        };
        early.filter_map(finding).collect()
    }
}
