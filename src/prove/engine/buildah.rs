//! buildah, which needs no service: its working containers are folders, and `buildah run` enters them.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::found::{is_there, numbers_of_images, version};
use super::layers::Layers;
use super::pulled::pulled;
use super::{Build, Container, ContainerSpec, Engine, MARK, next_name, not_pulled, renamed, unseen};
use crate::process::{Interrupt, Invocation, Log, Trouble};
use crate::prove::archive::folders_of_others;

/// Unpacks an archive at the root of a container, unless a link of the container leads out of it. Words: the container, the
/// archive, and the folders that the archive does not make itself.
const COPY_IN: &str = r#"folder=$(buildah mount "$1") && folder=$(cd "$folder" && pwd -P) || exit 1
archive=$2
shift 2
for place; do
  [ -e "$folder/$place" ] || [ -L "$folder/$place" ] || continue
  real=$(cd "$folder/$place" && pwd -P) || exit 1
  case $real/ in "$folder"/*) ;; *) echo "$place leads out of the container" >&2; exit 1 ;; esac
done
exec tar -x -p --numeric-owner -f "$archive" -C "$folder""#;

/// Packs what lies at a path, unless a link of the container leads out of it. Words: the container, the path without its first
/// slash, the archive.
const COPY_OUT: &str = r#"folder=$(buildah mount "$1") && folder=$(cd "$folder" && pwd -P) || exit 1
[ -e "$folder/$2" ] || [ -L "$folder/$2" ] || exit 3
above=$(cd "$(dirname "$folder/$2")" && pwd -P) || exit 1
case $above/ in "$folder"/*) ;; *) echo "a link leads out of the container" >&2; exit 1 ;; esac
exec tar -c --numeric-owner -f "$3" -C "$above" "$(basename "$2")""#;

/// Packs all of a container. Words: the container, the archive.
const EXPORT: &str = r#"folder=$(buildah mount "$1") && exec tar -c --numeric-owner -f "$2" -C "$folder" ."#;

/// The exit status of [`COPY_OUT`] where there is nothing.
const NOTHING_THERE: i32 = 3;

/// An engine behind this program.
pub(super) struct Buildah {
    version: String,
    id: String,
    interrupt: Interrupt,
    /// Whether the files of containers can be had without a name space of one's own.
    is_root: bool,
    containers: Cell<usize>,
    images: RefCell<BTreeSet<String>>,
    /// For temporary files, its own and those of the engine's programs.
    folder: PathBuf,
    layers: Layers,
}

impl Buildah {
    /// Asks for the version.
    pub(super) fn open(id: &str, folder: &Path, interrupt: &Interrupt) -> Result<Self, Trouble> {
        let told = version(Invocation::new("buildah").argument("--version"), interrupt)?;
        let version = told.split_whitespace().nth(2).unwrap_or_default().to_owned();
        Ok(Self {
            version,
            id: id.to_owned(),
            interrupt: interrupt.clone(),
            is_root: rustix::process::geteuid().is_root(),
            containers: Cell::default(),
            images: RefCell::default(),
            folder: folder.to_owned(),
            layers: Layers::default(),
        })
    }

    fn call(&self, arguments: &[&str]) -> Invocation<'_> {
        Invocation::new("buildah").arguments(arguments).variable("TMPDIR", &self.folder)
    }

    /// A shell that sees the files of containers.
    fn shell(&self, script: &str, words: &[&str]) -> Invocation<'_> {
        let shell = if self.is_root { Invocation::new("sh") } else { self.call(&["unshare", "sh"]) };
        shell.arguments(["-c", script, "sh"]).arguments(words)
    }

    /// The names of all images, a line each.
    fn names(&self) -> Result<String, Trouble> {
        let names = ["images", "--noheading", "--format", "{{.Name}}:{{.Tag}}"];
        self.call(&names).ask_for_success(&self.interrupt)
    }

    fn has_image(&self, image: &str) -> Result<bool, Trouble> {
        is_there(&self.call(&["inspect", "--type", "image", image]), &self.interrupt)
    }

    fn configuration(&self, image: &str) -> Result<Value, Trouble> {
        let told = self.call(&["inspect", "--type", "image", image]).ask_for_success(&self.interrupt)?;
        let told: Value =
            serde_json::from_str(&told).map_err(|error| Trouble::Error(format!("buildah inspect {image}: {error}")))?;
        Ok(told.pointer("/Docker/config").cloned().unwrap_or_default())
    }
}

impl Engine for Buildah {
    fn describe(&self) -> String {
        format!("buildah {}", self.version)
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
        self.call(&["from", "--name", &name, &spec.image]).ask_for_success(&self.interrupt)?;
        Ok(Container { name, spec })
    }

    fn copy_in(&self, container: &Container, archive: &Path) -> Result<(), Trouble> {
        let mut words = vec![container.name.clone(), archive.to_string_lossy().into_owned()];
        words.extend(folders_of_others(archive)?);
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        self.shell(COPY_IN, &words).ask_for_success(&self.interrupt).map(drop)
    }

    fn start(&self, container: &Container, log: &Log, printed: Option<&Path>) -> Result<i32, Trouble> {
        let configuration = self.configuration(&container.spec.image)?;
        let call =
            self.call(&["run"]).arguments(run_options(&container.name, &container.spec, &configuration)).log(log);
        let call = match printed {
            Some(file) => call.output(file),
            None => call,
        };
        let status = call.run(&self.interrupt)?;
        Ok(status.code().unwrap_or(-1))
    }

    fn copy_out(&self, container: &Container, path: &str, archive: &Path) -> Result<bool, Trouble> {
        let words = [container.name.as_str(), path.trim_start_matches('/'), &archive.to_string_lossy()];
        let answer = self.shell(COPY_OUT, &words).ask(Some(&self.interrupt))?;
        match answer.status.code() {
            Some(0) => Ok(true),
            Some(NOTHING_THERE) => Ok(false),
            _ => Err(Trouble::Error(format!("{path} cannot be copied out of a container: {}", answer.errors.trim()))),
        }
    }

    fn remove(&self, container: &Container) {
        let _ = self.call(&["rm", &container.name]).run_to_the_end();
    }

    fn build(&self, build: &Build, log: &Log) -> Result<(), Trouble> {
        self.images.borrow_mut().insert(build.image.clone());
        let from = log.length();
        // Docker's format keeps all that a Dockerfile may say (buildah docs: `--format`).
        let own = ["--format=docker", if build.is_cached { "--layers" } else { "--no-cache" }].map(str::to_owned);
        let numbers = self.call(&["images", "--all", "--quiet", "--no-trunc"]);
        self.layers.know(|| numbers_of_images(&numbers, &self.interrupt))?;
        let before = self.names()?;
        let build = renamed(build, &self.folder)?;
        let call = self.call(&["bud"]).arguments(build.words(&own)).log(log);
        let call = unseen(&build.arguments).fold(call, |call, (name, value)| call.variable(name, value));
        let ended = call.run(&self.interrupt);
        self.layers.note(&log.text_from(from));
        self.images.borrow_mut().extend(pulled(&before, &self.names().unwrap_or_default(), &build.dockerfile));
        if ended?.success() { Ok(()) } else { Err(Trouble::Failed("the image does not build".to_owned())) }
    }

    fn export(&self, image: &str, archive: &Path) -> Result<Value, Trouble> {
        let container = self.create(ContainerSpec { image: image.to_owned(), ..ContainerSpec::default() })?;
        let words = [container.name.as_str(), &archive.to_string_lossy()];
        let packed = self.shell(EXPORT, &words).ask_for_success(&self.interrupt);
        self.remove(&container);
        packed?;
        self.configuration(image)
    }

    fn keep(&self, image: &str, name: &str) -> Result<(), Trouble> {
        self.call(&["tag", image, name]).ask_for_success(&self.interrupt).map(drop)
    }

    fn clean_up(&self) {
        let own = format!("{MARK}-{}-", self.id);
        let left = self.call(&["containers", "--noheading", "--format", "{{.ContainerName}}"]).ask(None);
        let left = left.map(|answer| answer.text).unwrap_or_default();
        for container in left.lines().map(str::trim).filter(|name| name.starts_with(&own)) {
            let _ = self.call(&["rm", container]).run_to_the_end();
        }
        for image in std::mem::take(&mut *self.images.borrow_mut()) {
            let _ = self.call(&["rmi", &image]).run_to_the_end();
        }
        let named = ["images", "--all", "--noheading", "--no-trunc", "--format", "{{.ID}} {{.Name}}"];
        let Ok(named) = self.call(&named).ask(None) else { return };
        for layer in self.layers.take() {
            let mut lines = named.text.lines().map(|line| line.trim().trim_start_matches("sha256:"));
            if !lines.any(|line| line.starts_with(&layer) && !line.ends_with("<none>")) {
                let _ = self.call(&["rmi", &layer]).run_to_the_end();
            }
        }
    }
}

/// The options of `buildah run`, the container and the whole command: buildah runs no entrypoint in front of one.
fn run_options(name: &str, spec: &ContainerSpec, configuration: &Value) -> Vec<String> {
    let words_of = |key: &str| -> Vec<String> {
        let words = configuration.get(key).and_then(Value::as_array).into_iter().flatten();
        words.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let mut words = Vec::new();
    let mut option = |name: &str, value: &str| words.extend([name.to_owned(), value.to_owned()]);
    if let Some(user) = &spec.user {
        option("--user", user);
    }
    if let Some(folder) = &spec.folder {
        option("--workingdir", folder);
    }
    spec.environment.iter().for_each(|(name, value)| option("--env", &format!("{name}={value}")));
    if !spec.has_network {
        option("--network", "none");
    }
    words.extend([name.to_owned(), "--".to_owned()]);
    words.extend(spec.entrypoint.clone().unwrap_or_else(|| words_of("Entrypoint")));
    words.extend(if spec.command.is_empty() { words_of("Cmd") } else { spec.command.clone() });
    words
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{ContainerSpec, run_options};

    #[test]
    fn a_command_runs_behind_the_entrypoint_of_the_image_or_that_of_the_job() {
        let configuration = json!({"Entrypoint": ["entry.sh"], "Cmd": ["serve"]});
        let spec = |entrypoint, command: &[&str]| ContainerSpec {
            entrypoint,
            command: command.iter().map(|word| (*word).to_owned()).collect(),
            has_network: true,
            ..ContainerSpec::default()
        };
        assert_eq!(run_options("c", &spec(None, &[]), &configuration), ["c", "--", "entry.sh", "serve"]);
        assert_eq!(run_options("c", &spec(Some(Vec::new()), &["sh"]), &configuration), ["c", "--", "sh"]);
    }
}
