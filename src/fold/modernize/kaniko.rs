//! kaniko is told and left alone: what takes its place needs a runner that allows it (GitLab docs: ci/docker/using_kaniko,
//! "removed"), which no file here tells.

use super::{Proposal, Subject, Target};
use crate::docker::{Builder, build_commands};
use crate::finding::Code;

pub(super) fn builder(subject: &Subject<'_>) -> Vec<Proposal> {
    let commands = build_commands(&subject.script.walk).0.into_iter();
    let told = commands.filter(|command| command.builder == Builder::Kaniko).map(|command| Proposal {
        target: Target::Item(command.item, command.span),
        new: None,
        code: Code::NotModernized,
        message: "kaniko is not developed any more; GitLab names Docker, Buildah, Podman and rootless BuildKit in its place, and \
                  which of them the runner allows, no file here tells"
            .to_owned(),
    });
    told.collect()
}
