//! An engine beside the job is talked to by TLS (GitLab docs: ci/docker/using_docker_build, "Docker-in-Docker with TLS
//! enabled in the Docker executor").
//!
//! ```yaml
//! variables:
//!   DOCKER_HOST: tcp://docker:2375
//!   DOCKER_TLS_CERTDIR: ""
//! ```
//! becomes
//! ```yaml
//! variables:
//!   DOCKER_HOST: tcp://docker:2376
//!   DOCKER_TLS_CERTDIR: "/certs"
//!   DOCKER_TLS_VERIFY: "1"
//!   DOCKER_CERT_PATH: $DOCKER_TLS_CERTDIR/client
//! ```
//! The client finds the certificates in a volume that the runner must mount into both containers. Where the job names no
//! `DOCKER_HOST`, the client's image looks there by itself.

use super::{Edit, Proposal, Subject, Target};
use crate::docker::{Engine, ImageName};
use crate::finding::Code;
use crate::gitlab::{Job, Origin, Value};

/// The folder of the certificates, as GitLab's documentation has it.
const CERTIFICATES: &str = "/certs";

/// What the client reads where `DOCKER_HOST` is set.
const OF_CLIENT: [(&str, &str); 2] = [("DOCKER_TLS_VERIFY", "1"), ("DOCKER_CERT_PATH", "$DOCKER_TLS_CERTDIR/client")];

/// The first engine that makes its certificates (Docker docs: docker image, "TLS").
const OLDEST: (u32, u32) = (18, 9);

/// What the runner must have.
const HELP: &str = "the runner's config.toml must say 'volumes = [\"/certs/client\", \"/cache\"]' in [runners.docker]";

pub(super) fn engine(subject: &Subject<'_>) -> Vec<Proposal> {
    let job = subject.job;
    let services = job.get("services").map(Value::one_or_many).unwrap_or_default();
    let Some((service, name)) = services.iter().find_map(|service| Some((service, engine_of(job, service)?))) else {
        return Vec::new();
    };
    let host = plain(job, "DOCKER_HOST", |value| value.trim_end_matches('/').ends_with(":2375"));
    let folder = plain(job, "DOCKER_TLS_CERTDIR", str::is_empty);
    if host.is_none() && folder.is_none() {
        return Vec::new();
    }
    let message = "the engine of this job is talked to without TLS";
    let proposal = match edits(subject, service, &name, host, folder) {
        Ok(edits) => Proposal {
            at: Target::Keyword("variables"),
            edits,
            code: Code::EngineByTls,
            message: format!(
                "{message}; with it, the runner must mount '/certs/client' into both containers, and whether it does, no file here tells"
            ),
            help: Some(HELP.to_owned()),
        },
        Err(why) => Proposal::left(
            Target::Keyword("variables"),
            format!("{message}, and is left so: {why}"),
            "where the runner mounts '/certs/client': DOCKER_HOST 'tcp://docker:2376', DOCKER_TLS_CERTDIR '/certs', \
             DOCKER_TLS_VERIFY '1', DOCKER_CERT_PATH '$DOCKER_TLS_CERTDIR/client'",
        ),
    };
    vec![proposal]
}

/// The image of a service that is a Docker Engine.
fn engine_of(job: &Job, service: &Value) -> Option<String> {
    let written = service.text().or_else(|| service.get("name").and_then(Value::text))?;
    let name = job.variables.expand(&written).unwrap_or_else(|| written.to_string());
    ImageName::new(&name).is_engine().then_some(name)
}

/// Where a variable has a value that says so, and the value as it is written.
fn plain(job: &Job, name: &str, is_off: fn(&str) -> bool) -> Option<(Origin, String)> {
    let (written, origin) = job.variables.get(name)?;
    job.variables.value(name).is_some_and(|value| is_off(&value)).then(|| (origin, written.to_owned()))
}

/// What is to be written.
///
/// # Errors
/// Why nothing is.
fn edits(
    subject: &Subject<'_>,
    service: &Value,
    name: &str,
    host: Option<(Origin, String)>,
    folder: Option<(Origin, String)>,
) -> Result<Vec<Edit>, &'static str> {
    let job = subject.job;
    let is_told = |keyword: &str| service.get(keyword).is_some();
    if ["command", "entrypoint", "variables"].into_iter().any(is_told) {
        return Err("the service is started in a way of its own");
    }
    let alias = service.get("alias").and_then(Value::text);
    if !alias.map_or_else(|| ImageName::new(name).is_official(), |alias| &*alias == "docker") {
        return Err("its certificate is for the name 'docker', and the job may call it by another");
    }
    if Engine::of_images([name]).version.is_some_and(|version| version < OLDEST) {
        return Err("an engine as old as this makes no certificates");
    }
    let words = ["DOCKER_HOST", "DOCKER_TLS", "DOCKER_CERT_PATH", "2375", "--host", " -H "];
    let scripts = job.script().into_iter().chain(job.script_of("after_script"));
    if scripts.filter_map(|item| item.text).any(|text| words.iter().any(|word| text.contains(word))) {
        return Err("the script names the engine as well");
    }
    let is_set = |name: &&(&'static str, &'static str)| job.variables.get(name.0).is_some();
    if job.variables.get("DOCKER_TLS_CERTDIR").is_some() && folder.is_none()
        || OF_CLIENT.iter().any(|name| is_set(&name))
    {
        return Err("a part of the settings is there already");
    }
    if host.is_none() && (job.variables.get("DOCKER_HOST").is_some() || !finds_certificates(job)) {
        return Err("the client is not known to find the engine by itself");
    }
    is_of_this_job_alone(subject, host.iter().chain(&folder))?;
    let beside = host.as_ref().or(folder.as_ref()).map(|(origin, _)| *origin);
    let mut edits = Vec::new();
    match folder {
        Some((origin, written)) => edits.push(Edit::Scalar(origin, written, CERTIFICATES.to_owned())),
        None => edits.push(Edit::Variable(beside, "DOCKER_TLS_CERTDIR", CERTIFICATES)),
    }
    if let Some((origin, written)) = host {
        if written.trim_end_matches('/') != "tcp://docker:2375" {
            return Err("its certificate is for the name 'docker', and the job calls it by another");
        }
        edits.push(Edit::Scalar(origin, written, "tcp://docker:2376".to_owned()));
        edits.extend(OF_CLIENT.iter().map(|(name, value)| Edit::Variable(beside, name, value)));
    }
    Ok(edits)
}

/// Whether the client's image looks for the certificates when it starts (docker image: `docker-entrypoint.sh`).
fn finds_certificates(job: &Job) -> bool {
    job.image().is_some_and(|image| {
        let name = image.name.unwrap_or_default();
        let image_name = ImageName::new(&name);
        image_name.name == "docker" && image_name.is_official() && image.value.get("entrypoint").is_none()
    })
}

/// Whether the variables are the job's own, or those of a pipeline in which no other job has to do with Docker.
///
/// # Errors
/// Why they may be of use to others.
fn is_of_this_job_alone<'a>(
    subject: &Subject<'_>,
    mut variables: impl Iterator<Item = &'a (Origin, String)>,
) -> Result<(), &'static str> {
    let pipeline = subject.all.pipeline;
    let has_engine = |job: &Job| {
        let is_docker = |name: &str| ImageName::new(name).name.contains("docker") || name.contains('$');
        let image = job.image().and_then(|image| image.name).is_some_and(|name| is_docker(&name));
        let scripts = job.script().into_iter().chain(job.script_of("after_script"));
        // A child pipeline gets these variables as well.
        image
            || job.get("trigger").is_some()
            || job.services().iter().any(|(name, _)| is_docker(name))
            || scripts.filter_map(|item| item.text).any(|text| text.to_ascii_lowercase().contains("docker"))
    };
    let others = || pipeline.jobs().iter().filter(|other| other.name != subject.job.name);
    let is_of_top = |origin: Origin| {
        let file = pipeline.file(origin.file);
        let variables = file.and_then(|file| Some((file, file.tree.entry(file.root, "variables")?)));
        variables.is_some_and(|(file, entry)| file.tree.is_within(origin.node, entry.value))
    };
    let goes_to_others =
        variables.any(|(origin, _)| is_of_top(*origin)) && (others().any(has_engine) || !pipeline.unread().is_empty());
    if goes_to_others {
        Err("other jobs of the pipeline have these variables and may need them as they are")
    } else {
        Ok(())
    }
}
