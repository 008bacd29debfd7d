//! An engine that is talked to without TLS is told and left alone: with TLS the runner must mount `/certs/client` into both
//! containers (GitLab docs: ci/docker/using_docker_build, "Docker-in-Docker with TLS enabled"), which no file here tells.

use super::{Proposal, Subject, Target};
use crate::docker::ImageName;
use crate::finding::Code;

pub(super) fn engine(subject: &Subject<'_>) -> Vec<Proposal> {
    let services = subject.job.services();
    let has_engine = services.iter().any(|(name, _)| {
        let image = ImageName::new(name);
        image.name == "docker" && image.tag.is_some_and(|tag| tag.contains("dind"))
    });
    let is_plain = |name: &str, is_off: fn(&str) -> bool| {
        let (_, origin) = subject.job.variables.get(name)?;
        subject.job.variables.value(name).is_some_and(|value| is_off(&value)).then_some(origin)
    };
    let host = is_plain("DOCKER_HOST", |value| value.trim_end_matches('/').ends_with(":2375"));
    let off = host.or_else(|| is_plain("DOCKER_TLS_CERTDIR", str::is_empty)).filter(|_| has_engine);
    let message = "the engine of this job is talked to without TLS, and whether the runner mounts '/certs/client', no file here tells; \
                   where it does: DOCKER_HOST 'tcp://docker:2376', DOCKER_TLS_CERTDIR '/certs', DOCKER_TLS_VERIFY '1', \
                   DOCKER_CERT_PATH '$DOCKER_TLS_CERTDIR/client'";
    let told = |origin| Proposal {
        target: Target::Scalar("variables", origin, String::new()),
        new: None,
        code: Code::NotModernized,
        message: message.to_owned(),
    };
    off.into_iter().map(told).collect()
}
