//! A build as the engine of this machine gets it: what decides about the image stays, where it goes and what it is called
//! does not.

use std::fs;
use std::path::{Path, PathBuf};

use super::{BuiltImage, ImageJob, Workspace};
use crate::docker::{BuildCommand, Builder, PROJECT_FOLDER};
use crate::prove::call::{Call, to_project, unquoted};
use crate::prove::engine::{Build, Container};
use crate::prove::process::Log;
use crate::prove::trouble::Trouble;

/// Options that decide about the image and mean the same to every engine.
const KEPT: [(&str, &str); 9] = [
    ("--add-host", "--add-host"),
    ("--custom-platform", "--platform"),
    ("--customPlatform", "--platform"),
    ("--isolation", "--isolation"),
    ("--label", "--label"),
    ("--network", "--network"),
    ("--platform", "--platform"),
    ("--shm-size", "--shm-size"),
    ("--ulimit", "--ulimit"),
];

/// Options that decide about the image and that no engine here is given.
const NOT_KNOWN: [&str; 6] = ["--arch", "--os", "--squash", "--ssh", "--userns", "--variant"];

impl ImageJob<'_> {
    /// Builds one image, under the name `image`.
    #[expect(clippy::too_many_arguments, reason = "each is a different thing that the build is made of")]
    pub(super) fn build(
        &self,
        image: String,
        command: &BuildCommand,
        call: &Call,
        work: &Workspace,
        container: &Container,
        earlier: &[BuiltImage],
        log: &Log,
    ) -> Result<BuiltImage, Trouble> {
        let project = work.project(self);
        let dockerfile = dockerfile(command, &project);
        self.name_earlier(&dockerfile, earlier)?;
        let build = Build {
            image: image.clone(),
            context: project.join(command.context.folder().as_str()),
            dockerfile,
            target: command.target.clone(),
            arguments: self.arguments(command, call),
            secrets: self.secrets(command, call, container)?,
            options: self.options(command, &project)?,
            is_legacy: command.builder == Builder::Docker
                && call.environment.get("DOCKER_BUILDKIT").is_some_and(|value| value == "0"),
            is_cached: self.is_cached,
        };
        self.session.say(&format!("{}: image of {} is built", self.label, command.dockerfile));
        let built = self.session.engine.build(&build, log);
        built.map_err(|trouble| match trouble {
            Trouble::Failed(_) => Trouble::Failed(format!("the image of {} does not build", command.dockerfile)),
            other => other,
        })?;
        let own = |tag: &String| unquoted(tag);
        Ok(BuiltImage { image, dockerfile: command.dockerfile.clone(), tags: command.tags.iter().map(own).collect() })
    }

    /// Gives images that were built before the names by which this Dockerfile takes them.
    fn name_earlier(&self, dockerfile: &Path, earlier: &[BuiltImage]) -> Result<(), Trouble> {
        let text = fs::read_to_string(dockerfile).unwrap_or_default();
        for (built, tag) in earlier.iter().flat_map(|built| built.tags.iter().map(move |tag| (built, tag))) {
            if text.contains(tag.trim_end_matches(":latest")) {
                self.session.engine.alias(&built.image, tag)?;
            }
        }
        Ok(())
    }

    /// The build arguments with their values; one without a value is the variable of that name, if there is one.
    fn arguments(&self, command: &BuildCommand, call: &Call) -> Vec<(String, String)> {
        let project = self.session.facts.folder();
        let value = |(name, given): &(String, Option<String>)| {
            let given = given.as_ref().map(|given| to_project(given, PROJECT_FOLDER, &project));
            Some((name.clone(), given.or_else(|| call.environment.get(name).cloned())?))
        };
        command.build_arguments.iter().filter_map(value).collect()
    }

    /// The secrets, each in a file of this machine (Docker docs: `docker build --secret`).
    fn secrets(
        &self,
        command: &BuildCommand,
        call: &Call,
        container: &Container,
    ) -> Result<Vec<(String, PathBuf)>, Trouble> {
        let mut secrets = Vec::new();
        for (_, value) in command.options.iter().filter(|(name, _)| name == "--secret") {
            let value = unquoted(value.as_deref().unwrap_or_default());
            let fields: Vec<_> = value.split(',').filter_map(|field| field.split_once('=')).collect();
            let field = |names: &[&str]| fields.iter().find(|(name, _)| names.contains(name)).map(|(_, value)| *value);
            let Some(id) = field(&["id"]) else { continue };
            let source = field(&["src", "source"]);
            let variable = field(&["env"]).or_else(|| source.is_none().then_some(id));
            let file = match variable.and_then(|name| call.environment.get(name)) {
                Some(value) => self.secret_file(value.as_bytes())?,
                None => self.secret_of_job(source.unwrap_or(id), call, container)?,
            };
            secrets.push((id.to_owned(), file));
        }
        Ok(secrets)
    }

    fn secret_file(&self, value: &[u8]) -> Result<PathBuf, Trouble> {
        let path = self.session.scratch.path("secret");
        fs::write(&path, value).map_err(|error| Trouble::of_file(&path, &error))?;
        Ok(path)
    }

    /// A secret that lies in a file of the job.
    fn secret_of_job(&self, path: &str, call: &Call, container: &Container) -> Result<PathBuf, Trouble> {
        let place = call.place(&to_project(path, PROJECT_FOLDER, &self.session.facts.folder()));
        let archive = self.session.scratch.path("secret.tar");
        let mut value = None;
        if self.session.engine.copy_out(container, &place, &archive)? {
            crate::prove::archive::for_each_below(&archive, &mut |entry, _| {
                let mut bytes = Vec::new();
                let read = std::io::Read::read_to_end(entry, &mut bytes);
                read.map_err(|error| Trouble::of_file(&archive, &error))?;
                value = Some(bytes);
                Ok(())
            })?;
        }
        self.session.scratch.discard(&archive);
        let missing = || Trouble::Failed(format!("job '{}' has no secret at {place}", self.job.name));
        self.secret_file(&value.ok_or_else(missing)?)
    }

    /// The other options that decide about the image.
    fn options(&self, command: &BuildCommand, project: &Path) -> Result<Vec<(String, Option<String>)>, Trouble> {
        let mut options = Vec::new();
        for (name, value) in &command.options {
            let value = value.as_deref().map(unquoted);
            if NOT_KNOWN.contains(&name.as_str()) {
                let what =
                    format!("job '{}' builds with {name}, which stagefold cannot do in its place", self.job.name);
                return Err(Trouble::Error(what));
            }
            if name == "--build-context" {
                let value = value.as_deref().map(|value| named_context(value, command, project));
                options.push((name.clone(), value));
            } else if let Some((_, own)) = KEPT.iter().find(|(kept, _)| kept == name) {
                options.push(((*own).to_owned(), value));
            }
        }
        Ok(options)
    }
}

/// The Dockerfile on this machine: the first of the two places that a builder looks at.
fn dockerfile(command: &BuildCommand, project: &Path) -> PathBuf {
    let first = project.join(command.dockerfile.as_str());
    match &command.other_dockerfile {
        Some(other) if !first.exists() => project.join(other.as_str()),
        _ => first,
    }
}

/// `NAME=FOLDER` with the folder on this machine; an image or an address stays.
fn named_context(value: &str, command: &BuildCommand, project: &Path) -> String {
    match value.split_once('=') {
        Some((name, folder)) if !folder.contains("://") => {
            let place = crate::docker::place_in_repository(folder, &command.folder);
            place.map_or_else(|| value.to_owned(), |place| format!("{name}={}", project.join(place.as_str()).display()))
        }
        _ => value.to_owned(),
    }
}
