//! A build as the engine of this machine gets it: what decides about the image stays, where it goes and what it is called
//! does not.

use std::fs;
use std::path::{Path, PathBuf};

use super::{BuiltImage, ImageJob, Workspace};
use crate::docker::{BuildCommand, Builder, PROJECT_FOLDER, place_in_repository};
use crate::handoff::is_same_image;
use crate::process::{Log, Trouble};
use crate::prove::archive::{for_each_below, whole};
use crate::prove::call::{Call, to_project, unquoted};
use crate::prove::engine::{Build, Container, names_of_images};
use crate::text::RepositoryPath;

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

/// Where a build was asked for.
pub(super) struct Place<'a> {
    pub(super) call: &'a Call,
    /// The job's folder as it was.
    pub(super) work: &'a Workspace,
    /// The job's container.
    pub(super) container: &'a Container,
}

impl ImageJob<'_> {
    /// Builds one image, under the name `image`; `named` are names of earlier images that the Dockerfile may take.
    pub(super) fn build(
        &self,
        image: String,
        command: &BuildCommand,
        place: &Place<'_>,
        named: Vec<(String, String)>,
        log: &Log,
    ) -> Result<BuiltImage, Trouble> {
        let project = place.work.project(self);
        let call = place.call;
        let build = Build {
            image: image.clone(),
            context: self.within(&project, command.context.folder().as_str())?,
            dockerfile: project.join(dockerfile(command, &project).as_str()),
            target: command.target.clone(),
            arguments: self.arguments(command, call),
            secrets: self.secrets(command, call, place.container)?,
            named,
            options: self.options(command, &project)?,
            is_legacy: command.builder == Builder::Docker
                && call.environment.get("DOCKER_BUILDKIT").is_some_and(|value| value == "0"),
            is_cached: self.is_cached,
        };
        if let Some(folder) = build.dockerfile.parent() {
            self.within(&project, &folder.strip_prefix(&project).unwrap_or(Path::new("")).to_string_lossy())?;
        }
        self.session.say(&format!("{}: image of {} is built", self.label, command.dockerfile));
        let built = self.session.engine.build(&build, log);
        built.map_err(|trouble| match trouble {
            Trouble::Failed(_) => Trouble::Failed(format!("the image of {} does not build", command.dockerfile)),
            other => other,
        })?;
        let tags = command.tags.iter().map(|tag| unquoted(tag)).collect();
        let dockerfile = dockerfile(command, &project).clone();
        Ok(BuiltImage { image, dockerfile, tags, names: Vec::new(), is_used: false })
    }

    /// A folder of the project on this machine. A link of the job that leads out of it would lead somewhere else here.
    fn within(&self, project: &Path, folder: &str) -> Result<PathBuf, Trouble> {
        let place = project.join(folder);
        let (real, top) = (fs::canonicalize(&place), fs::canonicalize(project));
        match (real, top) {
            (Ok(real), Ok(top)) if real.starts_with(&top) => Ok(place),
            _ => Err(self.leads_out(folder)),
        }
    }

    fn leads_out(&self, folder: &str) -> Trouble {
        Trouble::Failed(format!("job '{}' builds from {folder}, which is not a folder of its project", self.job.name))
    }

    /// The names of images that were built before, where this build may take them, each with the image; those are used.
    pub(super) fn names_of_earlier(
        &self,
        command: &BuildCommand,
        call: &Call,
        work: &Workspace,
        earlier: &mut [BuiltImage],
    ) -> Vec<(String, String)> {
        let text = {
            let project = work.project(self);
            fs::read_to_string(project.join(dockerfile(command, &project).as_str())).unwrap_or_default()
        };
        let mut taken = names_of_images(&text);
        taken.extend(self.arguments(command, call).into_iter().map(|(_, value)| value));
        let mut named: Vec<(String, String)> = Vec::new();
        for built in earlier.iter_mut().rev() {
            for name in built.tags.iter().chain(&built.names) {
                if taken.iter().any(|taken| is_same_image(taken, name)) {
                    built.is_used = true;
                    // The last image of a name is the one that has it.
                    if named.iter().all(|(other, _)| other != name) {
                        named.push((name.clone(), built.image.clone()));
                    }
                }
            }
        }
        named
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
            for_each_below(&archive, &mut |entry, _| {
                value = Some(whole(entry, &archive)?);
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
                let value = value.map(|value| self.named_context(&value, command, project)).transpose()?;
                options.push((name.clone(), value));
            } else if let Some((_, own)) = KEPT.iter().find(|(kept, _)| kept == name) {
                options.push(((*own).to_owned(), value));
            }
        }
        Ok(options)
    }

    /// `NAME=FOLDER` with the folder on this machine; an image or an address stays.
    fn named_context(&self, value: &str, command: &BuildCommand, project: &Path) -> Result<String, Trouble> {
        match value.split_once('=') {
            Some((name, folder)) if !folder.contains("://") => {
                let place = place_in_repository(folder, &command.folder);
                let place = place.ok_or_else(|| self.leads_out(folder))?;
                let place = self.within(project, place.as_str())?;
                Ok(format!("{name}={}", place.display()))
            }
            _ => Ok(value.to_owned()),
        }
    }
}

/// The Dockerfile: the first of the two places that a builder looks at, if there is one.
fn dockerfile<'a>(command: &'a BuildCommand, project: &Path) -> &'a RepositoryPath {
    match &command.other_dockerfile {
        Some(other) if !project.join(command.dockerfile.as_str()).exists() => other,
        _ => &command.dockerfile,
    }
}
