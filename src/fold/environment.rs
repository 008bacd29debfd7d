//! The variables that the build job sees, and how each of them gets into the builder stage.
//!
//! Tools read the environment without being told to, so every variable of the YAML goes into the stage. Left out are
//! those that Docker, git, the runner or a deployment read, and, where the value is not known here or is a secret,
//! those of the whole pipeline that other jobs expand and no other file of the repository names. What GitLab sets for
//! the pipeline becomes a build argument, what is or may be a secret a secret mount.

mod file_use;
mod passed;
mod quote;
mod script_names;
mod search;
mod source_names;
mod yaml;

use std::collections::BTreeSet;

use crate::docker::{ImageName, PROJECT_FOLDER, SecretMounts, place_in_repository};
use crate::ecosystem;
use crate::finding::Location;
use crate::gitlab::{Job, Pipeline, ValuePiece, VariableKind, has_secret_name, kind_of_variable};
use crate::handoff::{ImageBuild, JobScript};
use crate::outcome::{Pass, Policy};
use crate::source::Repository;
use crate::text::{RepositoryPath, Span};

use file_use::{FileUse, file_use};
use script_names::{VariableRead, names_read_by, variables_read};
use source_names::names_in_sources;

pub(super) use passed::{Certainty, PassedVariable, Readers, RunPrefix, RunPrefixes, Way, is_named_in};
pub(super) use quote::quoted;
pub(super) use script_names::assignments;
pub(super) use script_names::first_settings;

/// The environment of the build job.
#[derive(Default)]
pub(super) struct BuildEnvironment {
    /// Names and values for the builder stage, in the order of their names.
    pub(super) set: Vec<(String, String)>,
    /// Whether the project's folder is asked for by name.
    pub(super) needs_project_folder: bool,
    /// Variables that the build command passes on.
    pub(super) passed: Vec<PassedVariable>,
    /// Variables that the build reads and that cannot be passed on.
    pub(super) refused: Vec<RefusedVariable>,
    /// Variables of the YAML that are left out, for nothing in the build names them.
    pub(super) left_out: Vec<String>,
    /// The names of GitLab's variables that the sources hold and the builder stage does not have.
    pub(super) missing_in_sources: Vec<(String, Location)>,
}

/// A variable that the build reads and that cannot be passed on.
pub(super) struct RefusedVariable {
    pub(super) name: String,
    pub(super) reason: RefusedReason,
    pub(super) location: Location,
}

/// Why a variable cannot be passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RefusedReason {
    /// Its value is that of the build job, and would be another one.
    OfTheJob,
    /// Its value holds a secret, and the image job does not have the same variable.
    SecretOfTheJob,
    /// Its value depends on what a docker build does not have, or leads in a circle.
    Unclear,
}

/// What the environment is made of.
pub(super) struct Sources<'a> {
    pub(super) repository: &'a dyn Repository,
    pub(super) pipeline: &'a Pipeline,
    pub(super) policy: &'a Policy,
    pub(super) producer: &'a Job,
    pub(super) script: &'a JobScript,
    pub(super) consumer: &'a Job,
    pub(super) consumer_script: &'a JobScript,
    pub(super) build: &'a ImageBuild,
    pub(super) mounts: SecretMounts,
    pub(super) folder: &'a str,
}

/// The most variables that are passed on for the sources' sake alone; more of them tell of deployment scripts.
const MOST_FROM_SOURCES: usize = 4;

impl BuildEnvironment {
    pub(super) fn new(sources: &Sources<'_>) -> Self {
        let mut environment = Self::default();
        let reads = variables_read(sources.script);
        environment.note_reads(sources, &reads);
        environment.note_configuration(sources);
        environment.note_scripts(sources);
        let named: BTreeSet<_> = reads.iter().map(|read| read.name.as_str()).collect();
        environment.note_yaml(sources, &named);
        environment.note_asked_for(sources);
        environment.note_sources(sources);
        environment.set.sort();
        environment
    }

    /// What the script reads and the YAML does not give.
    fn note_reads(&mut self, sources: &Sources<'_>, reads: &[VariableRead]) {
        let workflow = sources.pipeline.names_set_by_workflow();
        for read in reads {
            self.needs_project_folder |= read.name == "CI_PROJECT_DIR";
            if sources.producer.variables.get(&read.name).is_none() && !workflow.contains(&read.name) {
                let location = sources.script.location(sources.pipeline, read.item, read.span);
                let location = location.unwrap_or_else(|| sources.pipeline.job_location(sources.producer));
                self.note(sources, &read.name, Readers::Named, location);
            }
        }
    }

    /// What committed configuration files read by themselves, as `.npmrc` does `${NPM_TOKEN}`: those at the root, those
    /// in every folder that the script names or goes to, and those that the script or a variable names itself.
    fn note_configuration(&mut self, sources: &Sources<'_>) {
        let mut places = BTreeSet::from([RepositoryPath::root()]);
        for step in &sources.script.walk.steps {
            places.extend(step.folder.clone());
            let fields = step.words.iter().flat_map(|word| word.fields.iter().flatten());
            let named = fields.flat_map(|field| [Some(field.as_str()), field.split_once('=').map(|(_, value)| value)]);
            places.extend(named.flatten().filter_map(|path| place_in_repository(path, step.folder.as_ref()?)));
        }
        let variables = &sources.producer.variables;
        let values =
            variables.names().filter_map(|name| variables.expand_within(variables.get(name)?.0, PROJECT_FOLDER));
        let words = values.flat_map(|value| value.split(['=', ' ']).map(str::to_owned).collect::<Vec<_>>());
        places.extend(words.filter_map(|path| place_in_repository(&path, &RepositoryPath::root())));
        for place in &places {
            let of_folder = ecosystem::configuration_variables(sources.repository, place);
            let own = ecosystem::variables_of_named_file(sources.repository, place);
            for (name, location) in of_folder.into_iter().chain(own) {
                if sources.producer.variables.get(&name).is_none() {
                    self.note(sources, &name, Readers::Everywhere, location);
                }
            }
        }
    }

    /// What scripts of the repository read which the build runs: secrets by their names, and whatever else they cannot go without
    /// and nothing here defines.
    fn note_scripts(&mut self, sources: &Sources<'_>) {
        for step in &sources.script.walk.steps {
            let words = step.words.iter().take(2).filter_map(|word| word.text());
            let places = words.filter_map(|word| place_in_repository(word, step.folder.as_ref()?));
            let scripts = places.filter(|place| place.file_name().ends_with(".sh"));
            for file in scripts.filter_map(|place| sources.repository.read(&place).ok()) {
                let names = names_read_by(file.text()).filter(|name| {
                    has_secret_name(name)
                        || kind_of_variable(name) == VariableKind::Secret && is_needed(file.text(), name)
                });
                for name in names.filter(|name| sources.producer.variables.get(name).is_none()) {
                    let at = file.text().find(&name).unwrap_or_default();
                    let location = Location::new(&file, Span::new(at, at + name.len()));
                    self.note(sources, &name, Readers::BehindSources, location);
                }
            }
        }
    }

    /// What the user says is to be passed, though nothing here reads it by its name. What cannot be passed is told already.
    fn note_asked_for(&mut self, sources: &Sources<'_>) {
        for name in sources.policy.passed.keys() {
            let is_settled = self.passed.iter().any(|passed| passed.name == *name)
                || self.refused.iter().any(|refused| refused.name == *name);
            if !is_settled {
                let location = sources.pipeline.keyword_location(sources.producer, "script");
                self.set.retain(|(set, _)| set != name);
                self.note(sources, name, Readers::Everywhere, location);
            }
        }
    }

    /// What the sources name: values of the pipeline are passed, as long as they are few and can be.
    fn note_sources(&mut self, sources: &Sources<'_>) {
        let is_passable = |name: &str| {
            kind_of_variable(name) == VariableKind::NameOfTheJob
                || kind_of_variable(name) == VariableKind::Predefined && sources.may_pass_argument(name)
        };
        let names = names_in_sources(sources.repository).into_iter();
        let missing: Vec<_> = names.filter(|(name, _)| !self.has(sources, name)).collect();
        let (passable, others): (Vec<_>, Vec<_>) = missing.into_iter().partition(|(name, _)| is_passable(name));
        self.missing_in_sources = others;
        if passable.len() > MOST_FROM_SOURCES {
            self.missing_in_sources.extend(passable);
            return self.missing_in_sources.sort_by(|(one, _), (other, _)| one.cmp(other));
        }
        for (name, location) in passable {
            self.note(sources, &name, Readers::BehindSources, location);
        }
    }

    /// Whether the builder stage has the variable, or its lack is told elsewhere.
    fn has(&self, sources: &Sources<'_>, name: &str) -> bool {
        self.knows(name) || sources.producer.variables.get(name).is_some() || is_given_by_stage(name)
    }

    /// Whether the variable is one of those that are set, passed or refused.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.set.iter().any(|(set, _)| set == name)
            || self.passed.iter().any(|passed| passed.name == name)
            || self.refused.iter().any(|refused| refused.name == name)
    }

    /// Finds the way of a variable that the YAML does not define.
    fn note(&mut self, sources: &Sources<'_>, name: &str, readers: Readers, location: Location) {
        let kind = kind_of_variable(name);
        let said = sources.policy.passed.get(name);
        if is_given_by_stage(name) || said.is_none() && kind == VariableKind::Shell {
            return;
        }
        let (way, certainty) = match (said, kind) {
            (Some(pass), _) => (way_of(*pass), Certainty::Sure),
            (None, VariableKind::Predefined | VariableKind::Written) => (Way::Argument(None), Certainty::Sure),
            (None, VariableKind::Legacy) if is_of_the_pipeline(name) => (Way::Argument(None), Certainty::Sure),
            (None, VariableKind::NameOfTheJob) => return self.set_name_of_the_job(sources, name, location),
            (None, VariableKind::OfTheJob | VariableKind::Legacy | VariableKind::Shell) => {
                return self.refuse(name, RefusedReason::OfTheJob, location);
            }
            (None, VariableKind::Secret) if readers == Readers::Everywhere && !has_secret_name(name) => {
                (Way::Secret, Certainty::MayBeUnset)
            }
            (None, VariableKind::Secret) => sources.way_of_secret(name),
        };
        self.pass(PassedVariable { name: name.to_owned(), way, readers, location, certainty });
    }

    /// Passes a variable, once, to all `RUN`s that any of its readers needs.
    fn pass(&mut self, variable: PassedVariable) {
        match self.passed.iter_mut().find(|passed| passed.name == variable.name) {
            Some(passed) => passed.readers = passed.readers.max(variable.readers),
            None => self.passed.push(variable),
        }
    }

    fn refuse(&mut self, name: &str, reason: RefusedReason, location: Location) {
        if !self.refused.iter().any(|refused| refused.name == name) {
            self.refused.push(RefusedVariable { name: name.to_owned(), reason, location });
        }
    }

    fn set_name_of_the_job(&mut self, sources: &Sources<'_>, name: &str, location: Location) {
        match sources.name_of_the_job(name) {
            Some(value) if !self.knows(name) => self.set.push((name.to_owned(), value)),
            Some(_) => {}
            None => self.refuse(name, RefusedReason::OfTheJob, location),
        }
    }
}

impl Sources<'_> {
    /// The value of a variable that tells of the build job itself.
    fn name_of_the_job(&self, name: &str) -> Option<String> {
        match name {
            "CI_JOB_NAME" => Some(self.producer.name.to_string()),
            "CI_JOB_STAGE" => Some(self.producer.stage().to_string()),
            "CI_JOB_IMAGE" => self.producer.image()?.name,
            _ => None,
        }
    }

    fn way_of_secret(&self, name: &str) -> (Way, Certainty) {
        let image = self.producer.image().and_then(|image| image.name).unwrap_or_default();
        match file_use(self.script, name) {
            FileUse::Path => (Way::File, Certainty::MayBeFile),
            FileUse::Both => (Way::Secret, Certainty::MayBeFile),
            FileUse::Value if has_secret_name(name) || ImageName::new(&image).is_official() => {
                (Way::Secret, Certainty::Sure)
            }
            FileUse::Value => (Way::Secret, Certainty::MayBeOfTheImage),
        }
    }

    fn may_pass_argument(&self, name: &str) -> bool {
        may_pass_argument(self.build, name)
    }

    fn has_same_in_consumer(&self, name: &str) -> bool {
        has_same_value(self.producer, self.consumer, self.consumer_script, name)
    }
}

/// Whether the command of `build` may pass a build argument of this name without changing another stage: none of
/// them declares one, or the command passes the same already.
pub(super) fn may_pass_argument(build: &ImageBuild, name: &str) -> bool {
    match build.command.passes_argument(name) {
        Some(is_same) => is_same,
        None => !build.stages.declared.contains(name),
    }
}

/// Whether the image job has the same value under `name` as the build job, as far as the YAML and its script tell.
pub(super) fn has_same_value(producer: &Job, consumer: &Job, consumer_script: &JobScript, name: &str) -> bool {
    let pieces = producer.variables.pieces(name);
    let is_of_the_job = |piece: &ValuePiece| match piece {
        ValuePiece::Text(_) => false,
        ValuePiece::Variable(name) => {
            name == "CI_PROJECT_DIR"
                || matches!(kind_of_variable(name), VariableKind::NameOfTheJob | VariableKind::OfTheJob)
        }
    };
    pieces == consumer.variables.pieces(name)
        && !pieces.iter().flatten().any(is_of_the_job)
        && !first_settings(consumer_script).contains_key(name)
        && !consumer_script.walk.changed.iter().any(|changed| changed == name)
        && !is_set_for_a_command(producer, consumer_script, name)
}

/// Whether a command of the image job, the build among them, gets another value by an assignment in front of it.
fn is_set_for_a_command(producer: &Job, consumer_script: &JobScript, name: &str) -> bool {
    let mut set = consumer_script.walk.steps.iter().flat_map(|step| &step.environment);
    set.any(|(own, value)| own == name && (value.is_none() || *value != producer.variables.value(name)))
}

const fn way_of(pass: Pass) -> Way {
    match pass {
        Pass::Argument => Way::Argument(None),
        Pass::Secret => Way::Secret,
        Pass::File => Way::File,
    }
}

/// Whether a script reads a variable of the environment, by the case of its name, and never says what holds where it is not set.
fn is_needed(script: &str, name: &str) -> bool {
    let is_upper = name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    let has_default = ["-", "+", "="]
        .iter()
        .any(|sign| script.contains(&format!("${{{name}{sign}")) || script.contains(&format!("${{{name}:{sign}")));
    is_upper && !has_default
}

/// Whether the builder stage sets it by itself.
fn is_given_by_stage(name: &str) -> bool {
    matches!(name, "CI" | "GITLAB_CI" | "CI_PROJECT_DIR")
}

/// Whether a variable of old versions of GitLab is the same in every job of the pipeline.
fn is_of_the_pipeline(name: &str) -> bool {
    !matches!(name, "CI_BUILD_ID" | "CI_BUILD_NAME" | "CI_BUILD_STAGE" | "CI_BUILD_MANUAL")
}
