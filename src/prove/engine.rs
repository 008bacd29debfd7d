//! What builds images and runs containers: one small trait, and a file for each kind of engine.

mod buildah;
mod daemon;
mod found;
mod layers;
mod names;
mod pulled;

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::process::{Log, Trouble};

pub use found::EngineName;
pub(super) use found::find;
pub(super) use names::names_of_images;

/// An engine on this machine. All that it makes or pulls for one proof goes with [`Engine::clean_up`].
pub(super) trait Engine {
    /// Its name and version.
    fn describe(&self) -> String;

    /// The configuration of an image, which is pulled where it is not there (the keys of `docker image inspect`).
    fn fetch(&self, image: &str, log: &Log) -> Result<Value, Trouble>;

    /// Makes a container, which is not started.
    fn create(&self, spec: ContainerSpec) -> Result<Container, Trouble>;

    /// Unpacks a tar archive at the root of a container.
    fn copy_in(&self, container: &Container, archive: &Path) -> Result<(), Trouble>;

    /// Runs a container to its end; its exit status. What it prints goes to the log, or to the new file `printed` where one is
    /// named; errors go to the log.
    fn start(&self, container: &Container, log: &Log, printed: Option<&Path>) -> Result<i32, Trouble>;

    /// Packs what lies at an absolute path of a container, under its own name, into a tar archive; says whether there is
    /// something.
    fn copy_out(&self, container: &Container, path: &str, archive: &Path) -> Result<bool, Trouble>;

    /// Removes a container, with what it left in volumes.
    fn remove(&self, container: &Container);

    /// Builds an image. What does not build is [`Trouble::Failed`].
    fn build(&self, build: &Build, log: &Log) -> Result<(), Trouble>;

    /// Packs the files of an image into a tar archive, all layers in one; its configuration, as [`Engine::fetch`] gives it.
    fn export(&self, image: &str, archive: &Path) -> Result<Value, Trouble>;

    /// Gives an image a further name, which stays.
    fn keep(&self, image: &str, name: &str) -> Result<(), Trouble>;

    /// Removes all that was made and is still there, whatever signals have come.
    fn clean_up(&self);
}

/// A container to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ContainerSpec {
    /// The image that it is made of.
    pub(super) image: String,
    /// What replaces the image's entrypoint, if something does; an empty list replaces it by nothing.
    pub(super) entrypoint: Option<Vec<String>>,
    /// What replaces the image's command, where it is not empty.
    pub(super) command: Vec<String>,
    /// Who runs it, where that is not whom the image names.
    pub(super) user: Option<String>,
    /// Where it runs, where that is not where the image says.
    pub(super) folder: Option<String>,
    /// Variables besides those of the image.
    pub(super) environment: Vec<(String, String)>,
    /// Whether it may reach other machines.
    pub(super) has_network: bool,
}

/// A container that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Container {
    pub(super) name: String,
    pub(super) spec: ContainerSpec,
}

/// An image to be built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Build {
    /// The name that the image gets.
    pub(super) image: String,
    /// The folder that is sent to the engine, on this machine.
    pub(super) context: PathBuf,
    /// The Dockerfile, on this machine.
    pub(super) dockerfile: PathBuf,
    /// The stage to build; the last one without it.
    pub(super) target: Option<String>,
    /// Build arguments.
    pub(super) arguments: Vec<(String, String)>,
    /// Secrets: their id, and the file that holds the value.
    pub(super) secrets: Vec<(String, PathBuf)>,
    /// Names by which the Dockerfile may take images that were built before, each with the image.
    pub(super) named: Vec<(String, String)>,
    /// Further options, by the names that `docker build` has for them.
    pub(super) options: Vec<(String, Option<String>)>,
    /// Whether the builder is to be the one that Docker had before BuildKit.
    pub(super) is_legacy: bool,
    /// Whether layers of earlier builds may be taken.
    pub(super) is_cached: bool,
}

/// Beginnings of names that would make a program do other things if it saw them.
const MEANT_FOR_PROGRAMS: [&str; 16] = [
    "BUILD",
    "CONTAINER",
    "DBUS_",
    "DOCKER_",
    "GO",
    "HOME",
    "LANG",
    "LC_",
    "LD_",
    "PATH",
    "REGISTRY_",
    "SSH_",
    "STORAGE_",
    "TMP",
    "XDG_",
    "_",
];

/// Whether a value may be given to a program by a variable of its own, where nobody else sees it.
fn is_passed_unseen(name: &str) -> bool {
    let is_proxy = name.to_ascii_lowercase().ends_with("_proxy");
    !is_proxy && !MEANT_FOR_PROGRAMS.iter().any(|beginning| name.starts_with(beginning))
}

/// `NAME` where the value comes by a variable, else `NAME=VALUE`.
fn in_words(name: &str, value: &str) -> String {
    if is_passed_unseen(name) { name.to_owned() } else { format!("{name}={value}") }
}

/// The variables by which values are given that must not stand among the words of a program, which everybody may see.
fn unseen(values: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    let values = values.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    values.filter(|(name, _)| is_passed_unseen(name))
}

impl Build {
    /// The words behind `build`: the options that all engines have, those of one (`own`), and the context.
    fn words(&self, own: &[String]) -> Vec<String> {
        let mut words = Vec::new();
        let mut option = |name: &str, value: Option<&str>| {
            words.push(name.to_owned());
            words.extend(value.map(str::to_owned));
        };
        option("--tag", Some(&self.image));
        option("--file", Some(&self.dockerfile.to_string_lossy()));
        own.iter().for_each(|word| option(word, None));
        if let Some(target) = &self.target {
            option("--target", Some(target));
        }
        self.arguments.iter().for_each(|(name, value)| option("--build-arg", Some(&in_words(name, value))));
        for (secret, file) in &self.secrets {
            option("--secret", Some(&format!("id={secret},src={}", file.display())));
        }
        self.options.iter().for_each(|(name, value)| option(name, value.as_deref()));
        words.push(self.context.to_string_lossy().into_owned());
        words
    }
}

/// The same build with a Dockerfile in which earlier images have the names of this machine; it lies in `folder`.
fn renamed(build: &Build, folder: &Path) -> Result<Build, Trouble> {
    let text = fs::read_to_string(&build.dockerfile).unwrap_or_default();
    let own = names::with_names(&text, &build.named);
    if own == text {
        return Ok(build.clone());
    }
    let dockerfile = folder.join("Dockerfile");
    fs::write(&dockerfile, own).map_err(|error| Trouble::of_file(&dockerfile, &error))?;
    Ok(Build { dockerfile, ..build.clone() })
}

/// The name of the next container of the proof of this mark; `count` is how many there were.
fn next_name(id: &str, count: &Cell<usize>) -> String {
    format!("{MARK}-{id}-{}", count.replace(count.get() + 1))
}

/// Why there is no image, in the last words of the engine.
fn not_pulled(image: &str, log: &Log) -> Trouble {
    Trouble::Failed(format!("the image {image} cannot be pulled: {}", log.last_lines(1).concat()))
}

/// What stands in front of everything that a proof makes.
const MARK: &str = "stagefold-prove";

#[cfg(test)]
mod tests {
    use super::Build;

    #[test]
    fn options_of_a_build_come_before_its_context() {
        let build = Build {
            image: "x".to_owned(),
            context: "/c".into(),
            dockerfile: "/c/Dockerfile".into(),
            target: Some("app".to_owned()),
            arguments: vec![("A".to_owned(), "1 2".to_owned()), ("PATH".to_owned(), "/x".to_owned())],
            secrets: vec![("TOKEN".to_owned(), "/s/0".into())],
            ..Build::default()
        };
        let expected = [
            "--tag",
            "x",
            "--file",
            "/c/Dockerfile",
            "--force-rm",
            "--target",
            "app",
            "--build-arg",
            "A",
            "--build-arg",
            "PATH=/x",
            "--secret",
            "id=TOKEN,src=/s/0",
            "/c",
        ];
        assert_eq!(build.words(&["--force-rm".to_owned()]), expected);
    }
}
