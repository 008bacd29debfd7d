//! Docker, and podman, whose commands are the same (podman docs: "podman-docker").

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::found::{is_there, numbers_of_images, version};
use super::layers::Layers;
use super::pulled::pulled;
use super::{Build, Container, ContainerSpec, Engine, MARK, in_words, next_name, not_pulled, renamed, unseen};
use crate::process::{Interrupt, Invocation, Log, Trouble};

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Docker,
    Podman,
}

impl Kind {
    const fn program(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
        }
    }

    /// How to ask for the version of what does the work.
    const fn version_format(self) -> &'static str {
        match self {
            Self::Docker => "{{.Server.Version}}",
            Self::Podman => "{{.Client.Version}}",
        }
    }
}

/// How both say that nothing lies at a path of a container.
const NOTHING_THERE: [&str; 3] = ["could not find the file", "could not be found", "no such file or directory"];

/// An engine behind one of these programs.
pub(super) struct Daemon {
    kind: Kind,
    version: String,
    id: String,
    interrupt: Interrupt,
    /// How many containers were made.
    containers: Cell<usize>,
    /// The names of the images that were built, and of those that were not there before.
    images: RefCell<BTreeSet<String>>,
    /// For temporary files, its own and those of the engine's programs.
    folder: PathBuf,
    /// The images without a name that builds without BuildKit leave.
    layers: Layers,
    /// Whether builds are BuildKit's where nothing else is asked for.
    has_buildkit: bool,
}

impl Daemon {
    /// Asks the engine who it is.
    pub(super) fn open(kind: Kind, id: &str, folder: &Path, interrupt: &Interrupt) -> Result<Self, Trouble> {
        let ask = |arguments: &[&str]| Invocation::new(kind.program()).arguments(arguments);
        let version = version(ask(&["version", "--format", kind.version_format()]), interrupt)?;
        let has_buildkit = kind == Kind::Docker && ask(&["buildx", "version"]).ask(Some(interrupt))?.status.success();
        Ok(Self {
            kind,
            version,
            id: id.to_owned(),
            interrupt: interrupt.clone(),
            containers: Cell::default(),
            images: RefCell::default(),
            folder: folder.to_owned(),
            layers: Layers::default(),
            has_buildkit,
        })
    }

    fn call(&self, arguments: &[&str]) -> Invocation<'_> {
        let call = Invocation::new(self.kind.program()).arguments(arguments);
        // podman leaves what it unpacks from its input in the folder for temporary files.
        if self.kind == Kind::Podman { call.variable("TMPDIR", &self.folder) } else { call }
    }

    fn label(&self) -> String {
        format!("{MARK}={}", self.id)
    }

    fn has_image(&self, image: &str) -> Result<bool, Trouble> {
        is_there(&self.call(&["image", "inspect", image]), &self.interrupt)
    }

    fn configuration(&self, image: &str) -> Result<Value, Trouble> {
        let told = self.call(&["image", "inspect", image]).ask_for_success(&self.interrupt)?;
        let told: Value = serde_json::from_str(&told)
            .map_err(|error| Trouble::Error(format!("{} image inspect {image}: {error}", self.kind.program())))?;
        let mut configuration = told.pointer("/0/Config").cloned().unwrap_or_default();
        // podman tells of the check of an image's health beside its configuration.
        if let (Some(fields), Some(check)) = (configuration.as_object_mut(), told.pointer("/0/Healthcheck")) {
            fields.entry("Healthcheck").or_insert_with(|| check.clone());
        }
        Ok(configuration)
    }

    /// The names of all images, a line each.
    fn names(&self) -> Result<String, Trouble> {
        self.call(&["images", "--format", "{{.Repository}}:{{.Tag}}"]).ask_for_success(&self.interrupt)
    }

    fn uses_buildkit(&self, build: &Build) -> bool {
        self.has_buildkit && !build.is_legacy
    }

    /// Removes the images without a name that are left.
    fn remove_layers(&self) {
        for layer in self.layers.take() {
            let names = self.call(&["image", "inspect", "--format", "{{len .RepoTags}}", &layer]).ask(None);
            if names.is_ok_and(|answer| answer.status.success() && answer.text.trim() == "0") {
                let _ = self.call(&["image", "rm", &layer]).run_to_the_end();
            }
        }
    }
}

impl Engine for Daemon {
    fn describe(&self) -> String {
        let builder = if self.has_buildkit { " (BuildKit)" } else { "" };
        format!("{} {}{builder}", self.kind.program(), self.version)
    }

    fn fetch(&self, image: &str, log: &Log) -> Result<Value, Trouble> {
        if !self.has_image(image)? {
            self.images.borrow_mut().insert(image.to_owned());
            if !self.call(&["pull", image]).log(log).run(&self.interrupt)?.success() {
                return Err(not_pulled(image, log));
            }
        }
        self.configuration(image)
    }

    fn create(&self, spec: ContainerSpec) -> Result<Container, Trouble> {
        let name = next_name(&self.id, &self.containers);
        let create = self.call(&["create", "--name", &name, "--label", &self.label()]).arguments(create_options(&spec));
        let create = unseen(&spec.environment).fold(create, |create, (name, value)| create.variable(name, value));
        create.ask_for_success(&self.interrupt)?;
        Ok(Container { name, spec })
    }

    fn copy_in(&self, container: &Container, archive: &Path) -> Result<(), Trouble> {
        let copy = self.call(&["cp", "-", &format!("{}:/", container.name)]);
        copy.input(archive).ask_for_success(&self.interrupt).map(drop)
    }

    fn start(&self, container: &Container, log: &Log, printed: Option<&Path>) -> Result<i32, Trouble> {
        let call = self.call(&["start", "--attach", &container.name]).log(log);
        let call = match printed {
            Some(file) => call.output(file),
            None => call,
        };
        let ended = call.run(&self.interrupt)?;
        let format = "{{.State.ExitCode}} {{.State.Error}}";
        let told = self.call(&["inspect", "--format", format, &container.name]).ask_for_success(&self.interrupt)?;
        let (status, error) = told.trim().split_once(' ').unwrap_or((told.trim(), ""));
        let error = if error.trim().is_empty() { log.last_lines(1).concat() } else { error.trim().to_owned() };
        match status.parse() {
            // Where the engine fails and the container does not, it was not started.
            Ok(status) if ended.success() || status != 0 => Ok(status),
            _ => Err(Trouble::Failed(format!("a container of {} does not start: {error}", container.spec.image))),
        }
    }

    fn copy_out(&self, container: &Container, path: &str, archive: &Path) -> Result<bool, Trouble> {
        let copy = self.call(&["cp", &format!("{}:{path}", container.name), "-"]);
        let log = Log::new(self.folder.join("copy.log"));
        let from = log.length();
        if copy.output(archive).log(&log).run(&self.interrupt)?.success() {
            return Ok(true);
        }
        let why = log.text_from(from);
        let why_plain = why.to_lowercase();
        match NOTHING_THERE.iter().any(|words| why_plain.contains(words)) {
            true => Ok(false),
            false => Err(Trouble::Error(format!("{path} cannot be copied out of a container: {}", why.trim()))),
        }
    }

    fn remove(&self, container: &Container) {
        let _ = self.call(&["rm", "--force", "--volumes", &container.name]).run_to_the_end();
    }

    fn build(&self, build: &Build, log: &Log) -> Result<(), Trouble> {
        self.images.borrow_mut().insert(build.image.clone());
        let is_buildkit = self.uses_buildkit(build);
        let from = log.length();
        let mut words = own_options(build, is_buildkit);
        let build = if is_buildkit { build.clone() } else { renamed(build, &self.folder)? };
        for (name, image) in build.named.iter().filter(|_| is_buildkit) {
            words.push(format!("--build-context={name}=docker-image://{image}"));
        }
        let call = self.call(&["build"]).arguments(build.words(&words)).log(log);
        let call = unseen(&build.arguments).fold(call, |call, (name, value)| call.variable(name, value));
        let call = match (self.kind, self.has_buildkit) {
            (Kind::Docker, true) => call.variable("DOCKER_BUILDKIT", if is_buildkit { "1" } else { "0" }),
            _ => call,
        };
        let before = if is_buildkit {
            String::new()
        } else {
            let numbers = self.call(&["images", "--all", "--quiet", "--no-trunc"]);
            self.layers.know(|| numbers_of_images(&numbers, &self.interrupt))?;
            self.names()?
        };
        let ended = call.run(&self.interrupt);
        if !is_buildkit {
            self.layers.note(&log.text_from(from));
            self.images.borrow_mut().extend(pulled(&before, &self.names().unwrap_or_default(), &build.dockerfile));
        }
        if ended?.success() { Ok(()) } else { Err(Trouble::Failed("the image does not build".to_owned())) }
    }

    fn export(&self, image: &str, archive: &Path) -> Result<Value, Trouble> {
        let command = vec!["unused".to_owned()];
        let container = self.create(ContainerSpec { image: image.to_owned(), command, ..ContainerSpec::default() })?;
        let log = Log::new(self.folder.join("export.log"));
        let status = self.call(&["export", &container.name]).output(archive).log(&log).run(&self.interrupt);
        self.remove(&container);
        if !status?.success() {
            let why = log.last_lines(1).concat();
            return Err(Trouble::Error(format!("{} cannot export an image: {why}", self.kind.program())));
        }
        self.configuration(image)
    }

    fn keep(&self, image: &str, name: &str) -> Result<(), Trouble> {
        self.call(&["tag", image, name]).ask_for_success(&self.interrupt).map(drop)
    }

    fn clean_up(&self) {
        let label = format!("label={}", self.label());
        let left = self.call(&["ps", "--all", "--quiet", "--filter", &label]).ask(None);
        let left = left.map(|answer| answer.text).unwrap_or_default();
        for container in left.lines() {
            let _ = self.call(&["rm", "--force", "--volumes", container]).run_to_the_end();
        }
        for image in std::mem::take(&mut *self.images.borrow_mut()) {
            let _ = self.call(&["image", "rm", &image]).run_to_the_end();
        }
        self.remove_layers();
    }
}

/// The options of `docker create`, the image and the command.
fn create_options(spec: &ContainerSpec) -> Vec<String> {
    let mut words = Vec::new();
    let mut option = |name: &str, value: &str| words.extend([name.to_owned(), value.to_owned()]);
    if let Some(user) = &spec.user {
        option("--user", user);
    }
    if let Some(folder) = &spec.folder {
        option("--workdir", folder);
    }
    spec.environment.iter().for_each(|(name, value)| option("--env", &in_words(name, value)));
    if !spec.has_network {
        option("--network", "none");
    }
    let (first, rest) = match spec.entrypoint.as_deref() {
        None => (None, [].as_slice()),
        Some([]) => (Some(""), [].as_slice()),
        Some([first, rest @ ..]) => (Some(first.as_str()), rest),
    };
    if let Some(first) = first {
        option("--entrypoint", first);
    }
    words.push(spec.image.clone());
    words.extend(rest.iter().chain(&spec.command).cloned());
    words
}

/// What `docker build` is told besides what every engine is.
fn own_options(build: &Build, is_buildkit: bool) -> Vec<String> {
    let cold = (!build.is_cached).then_some("--no-cache");
    let own: &[&str] = if is_buildkit { &["--progress=plain", "--load"] } else { &["--force-rm"] };
    cold.into_iter().chain(own.iter().copied()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::{ContainerSpec, create_options};

    #[test]
    fn an_entrypoint_is_the_first_word_and_the_rest_stands_before_the_command() {
        let spec = |entrypoint: Option<Vec<String>>| ContainerSpec {
            image: "node:8".to_owned(),
            entrypoint,
            command: vec!["sh".to_owned()],
            has_network: true,
            ..ContainerSpec::default()
        };
        assert_eq!(create_options(&spec(None)), ["node:8", "sh"]);
        assert_eq!(create_options(&spec(Some(Vec::new()))), ["--entrypoint", "", "node:8", "sh"]);
        let wrapped = Some(vec!["env".to_owned(), "A=1".to_owned()]);
        assert_eq!(create_options(&spec(wrapped)), ["--entrypoint", "env", "node:8", "A=1", "sh"]);
    }
}
