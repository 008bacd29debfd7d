//! What all steps of one proof share: the engine, the folder for temporary files, the project and its variables.

use std::collections::BTreeMap;

use serde_json::Value;

use super::archive::Packer;
use super::engine::{ContainerSpec, Engine};
use super::environment::{JobEnvironment, ProjectFacts};
use super::scratch::Scratch;
use crate::gitlab::Job;
use crate::outcome::Pass;
use crate::process::{Log, Trouble};

/// What all steps of one proof share.
pub(super) struct Session<'a> {
    pub(super) engine: &'a dyn Engine,
    pub(super) scratch: &'a Scratch,
    pub(super) facts: ProjectFacts,
    /// When both clones were made, as far as their files tell: in seconds since 1970.
    pub(super) cloned_at: u64,
    /// The variables of the project, as the user gives them.
    pub(super) given: BTreeMap<String, String>,
    /// How the fold is told to pass variables; those of files are given as files.
    pub(super) passed: BTreeMap<String, Pass>,
    /// Whether the lines of image jobs may reach other machines.
    pub(super) has_network: bool,
    /// Tells the user what is being done.
    pub(super) progress: &'a dyn Fn(&str),
}

impl<'a> Session<'a> {
    /// A new log, whose last lines are told while something runs.
    pub(super) fn log(&self, name: &str, file: &str) -> Log<'a> {
        self.scratch.log(file).told_to(name, self.progress)
    }

    pub(super) fn say(&self, what: &str) {
        (self.progress)(what);
    }

    /// The name of all images of this proof, without a tag.
    pub(super) fn image_name(&self) -> String {
        format!("stagefold-prove/{}", self.scratch.id())
    }

    /// The variables of a job; one of the type "file" holds the path of its file (GitLab docs: ci/variables, "Use file type
    /// CI/CD variables").
    pub(super) fn environment(&self, job: &Job) -> JobEnvironment {
        let mut environment = JobEnvironment::of(job, &self.facts, &self.given);
        for (name, _) in self.files() {
            environment.set(name, &format!("{}/{name}", self.facts.files_folder()));
        }
        environment
    }

    fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        let is_file = |name: &str| self.passed.get(name) == Some(&Pass::File);
        let given = self.given.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        given.filter(move |(name, _)| is_file(name))
    }

    /// Adds the files of variables to an archive that is laid over a job's container.
    pub(super) fn variable_files(&self, packer: &mut Packer) -> Result<(), Trouble> {
        let folder = self.facts.files_folder();
        self.files().try_for_each(|(name, value)| {
            packer.text(&format!("{}/{name}", folder.trim_start_matches('/')), 0o666, value.as_bytes())
        })
    }

    /// A container of a job's image, without a command; the image is pulled where it is not there.
    pub(super) fn container_of(&self, job: &Job, environment: &JobEnvironment) -> Result<ContainerSpec, Trouble> {
        let Some(image) = job.image() else {
            let what = format!("job '{}' names no image, so that its runner chooses one", job.name);
            return Err(Trouble::Error(format!("{what}; write 'image:' into the pipeline")));
        };
        let name = environment.expand(&image.written);
        self.fetch(&name)?;
        Ok(ContainerSpec {
            image: name,
            entrypoint: image.value.get("entrypoint").map(|words| {
                let words = words.one_or_many();
                let words = words.iter().filter_map(crate::gitlab::Value::text).filter(|word| !word.is_empty());
                words.map(|word| environment.expand(&word)).collect()
            }),
            user: image.user().map(|user| environment.expand(&user)),
            ..ContainerSpec::default()
        })
    }

    /// The configuration of an image, which is pulled where it is not there.
    pub(super) fn fetch(&self, image: &str) -> Result<Value, Trouble> {
        self.engine.fetch(image, &self.log("the engine", "pull"))
    }

    /// The names that an image sets for all that runs in it.
    pub(super) fn names_of_image(&self, image: &str) -> Result<Vec<String>, Trouble> {
        let configuration = self.fetch(image)?;
        let pairs = configuration.get("Env").and_then(Value::as_array).into_iter().flatten();
        let name = |pair: &Value| pair.as_str()?.split_once('=').map(|(name, _)| name.to_owned());
        Ok(pairs.filter_map(name).collect())
    }
}
