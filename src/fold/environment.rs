//! The variables that the build job sees, and which of them the builder stage needs.
//!
//! Tools read the environment without being told to, so every variable of the YAML goes into the stage. Left out are
//! those that Docker, git, the runner or a deployment read, and, where the value is not known here or is a secret,
//! those of the whole pipeline that other jobs expand and no other file of the repository names.

use std::collections::BTreeSet;

use crate::docker::PROJECT_FOLDER;
use crate::ecosystem;
use crate::finding::Location;
use crate::gitlab::{Job, Pipeline, Value, VariableKind, has_secret_name, kind_of_variable};
use crate::handoff::JobScript;
use crate::source::{FileKind, Repository};
use crate::syntax::shell::Script;
use crate::text::{RepositoryPath, Span};

/// The environment of the build job.
pub(super) struct BuildEnvironment {
    /// Names and values for the builder stage, in the order of their names.
    pub(super) set: Vec<(String, String)>,
    /// Whether the project's folder is asked for by name.
    pub(super) needs_project_folder: bool,
    /// Variables that the build reads and whose value is not known here, each with its kind and place.
    pub(super) unknown: Vec<UnknownVariable>,
    /// Variables of the YAML that are left out, for nothing in the build names them.
    pub(super) left_out: Vec<String>,
}

/// A variable that the build reads and whose value is not known.
pub(super) struct UnknownVariable {
    pub(super) name: String,
    pub(super) kind: VariableKind,
    pub(super) location: Option<Location>,
}

/// Beginnings of names that only Docker, git, the runner, GitLab's own templates or a deployment read.
const NOT_OF_THE_BUILD: [&str; 13] = [
    "ARTIFACT_",
    "CACHE_",
    "COMPOSE_",
    "DOCKER_",
    "FF_",
    "GET_SOURCES_",
    "GIT_",
    "HELM_",
    "KUBE",
    "RUNNER_",
    "SECURE_",
    "TF_",
    "TRANSFER_",
];

/// Beginnings and endings of names that compilers, package managers and bundlers read without being told to.
const READ_BY_TOOLS: [&str; 34] = [
    "BABEL_",
    "BUILD_PATH",
    "CARGO_",
    "CGO_",
    "FLAGS",
    "GATSBY_",
    "GENERATE_",
    "GO",
    "GRADLE_",
    "INLINE_",
    "JAVA_",
    "LANG",
    "LC_",
    "MAVEN_",
    "NEXT_",
    "NG_",
    "NODE_",
    "NPM_",
    "NUXT_",
    "PIP_",
    "PNPM_",
    "PUBLIC_",
    "PYTHON",
    "REACT_APP_",
    "RUST",
    "SASS_",
    "SBT_",
    "TZ",
    "VITE_",
    "VUE_APP_",
    "YARN_",
    "_ARGS",
    "_OPTIONS",
    "_OPTS",
];

/// The most files that are searched for a name; a larger repository counts as naming it.
const MOST_FILES: usize = 20_000;

/// The largest file that is searched, in bytes; larger ones are data.
const LARGEST_FILE: usize = 1 << 20;

impl BuildEnvironment {
    pub(super) fn new(
        repository: &dyn Repository,
        pipeline: &Pipeline,
        producer: &Job,
        script: &JobScript,
        folder: &str,
    ) -> Self {
        let mut environment =
            Self { set: Vec::new(), needs_project_folder: false, unknown: Vec::new(), left_out: Vec::new() };
        let uses = variable_uses(script);
        environment.note_uses(pipeline, producer, script, &uses);
        environment.note_configuration(repository, producer);
        let named: BTreeSet<_> = uses.iter().map(|(name, ..)| name.as_str()).collect();
        let is_wanted = |name: &&str| named.contains(name) || !is_foreign(name);
        let rest: Vec<_> = producer.variables.names().filter(is_wanted).collect();
        let rest = rest.into_iter().map(|name| (name, named.contains(name)));
        environment.note_yaml(repository, pipeline, producer, rest.collect(), folder);
        environment
    }

    /// What the script reads and the YAML does not give.
    fn note_uses(&mut self, pipeline: &Pipeline, producer: &Job, script: &JobScript, uses: &[(String, usize, Span)]) {
        let own = names_set_by(script);
        for (name, item, span) in uses {
            let is_given = producer.variables.get(name).is_some() || own.contains(name) || is_given_by_stage(name);
            self.needs_project_folder |= name == "CI_PROJECT_DIR";
            let kind = kind_of_variable(name);
            if !is_given && kind != VariableKind::Shell {
                let location = script.location(pipeline, *item, *span);
                self.unknown.push(UnknownVariable { name: name.clone(), kind, location });
            }
        }
    }

    /// What committed configuration files read by themselves, as `.npmrc` does `${NPM_TOKEN}`.
    fn note_configuration(&mut self, repository: &dyn Repository, producer: &Job) {
        for (name, location) in ecosystem::configuration_variables(repository, &RepositoryPath::root()) {
            let kind = kind_of_variable(&name);
            if producer.variables.get(&name).is_none() && !is_given_by_stage(&name) && kind != VariableKind::Shell {
                self.unknown.push(UnknownVariable { name, kind, location: Some(location) });
            }
        }
    }

    fn note_yaml(
        &mut self,
        repository: &dyn Repository,
        pipeline: &Pipeline,
        producer: &Job,
        names: Vec<(&str, bool)>,
        folder: &str,
    ) {
        let mut search = Search { repository, pipeline, texts: None };
        for (name, is_named) in names {
            let value = value_in_stage(producer, name, folder).filter(|value| !value.contains(['\n', '\r']));
            let is_secret = has_secret_name(name);
            if !is_named && (value.is_none() || is_secret) && search.is_for_others(producer, name) {
                self.left_out.push(name.to_owned());
                continue;
            }
            match value {
                Some(value) if !is_secret => self.set.push((name.to_owned(), value)),
                _ => {
                    let location = producer.variables.get(name).map(|(_, origin)| pipeline.location(origin));
                    let kind = if is_secret { VariableKind::Secret } else { unknown_kind(producer, name) };
                    self.unknown.push(UnknownVariable { name: name.to_owned(), kind, location });
                }
            }
        }
    }
}

/// Whether the builder stage sets it by itself.
fn is_given_by_stage(name: &str) -> bool {
    matches!(name, "CI" | "GITLAB_CI" | "CI_PROJECT_DIR")
}

fn is_foreign(name: &str) -> bool {
    NOT_OF_THE_BUILD.iter().any(|prefix| name.starts_with(prefix))
}

/// The value of a variable of the YAML in the builder stage, where it depends on nothing but the YAML and
/// the project's folder.
fn value_in_stage(producer: &Job, name: &str, folder: &str) -> Option<String> {
    let (written, _) = producer.variables.get(name).filter(|_| !producer.variables.is_conditional(name))?;
    let placed = written.replace("${CI_PROJECT_DIR}", PROJECT_FOLDER).replace("$CI_PROJECT_DIR", PROJECT_FOLDER);
    let value = if placed == written { producer.variables.value(name) } else { producer.variables.expand(&placed) };
    value.map(|value| value.replace(PROJECT_FOLDER, folder))
}

/// The worst kind among the variables that the value of `name` leads to.
fn unknown_kind(producer: &Job, name: &str) -> VariableKind {
    let written = producer.variables.get(name).map_or("", |(written, _)| written);
    let kinds = crate::gitlab::names_in(written).into_iter().map(kind_of_variable);
    if kinds.into_iter().any(|kind| kind == VariableKind::Secret) {
        VariableKind::Secret
    } else {
        VariableKind::Predefined
    }
}

/// Every variable that the script expands, with the item and the bytes where it does.
fn variable_uses(script: &JobScript) -> Vec<(String, usize, Span)> {
    let mut uses = Vec::new();
    for (item, found) in script.items.iter().enumerate() {
        let parsed = Script::parse(found.text.as_deref().unwrap_or_default());
        uses.extend(parsed.variables.into_iter().map(|variable| (variable.name, item, variable.span)));
    }
    uses
}

/// The variables that the script itself sets, on whichever line.
fn names_set_by(script: &JobScript) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for item in &script.items {
        let parsed = Script::parse(item.text.as_deref().unwrap_or_default());
        for command in &parsed.commands {
            names.extend(command.assignments.iter().filter(|_| command.words.is_empty()).map(|set| set.name.clone()));
        }
        names.extend(parsed.state_changes().into_iter().filter_map(|change| match change.reason {
            crate::syntax::shell::Reason::Variable(name) => Some(name),
            _ => None,
        }));
    }
    names
}

/// Looks for names in the pipeline and in the files of the repository, which are read at most once.
struct Search<'a> {
    repository: &'a dyn Repository,
    pipeline: &'a Pipeline,
    texts: Option<Vec<std::sync::Arc<crate::source::SourceFile>>>,
}

impl Search<'_> {
    /// Whether a variable serves other jobs: it stands at the top of the pipeline, somebody expands it there, no
    /// tool is known to read it by its name, and no other file of the repository names it.
    fn is_for_others(&mut self, producer: &Job, name: &str) -> bool {
        let own = producer.get("variables").and_then(Value::mapping).is_some_and(|own| own.get(name).is_some());
        let is_read_by_tools = READ_BY_TOOLS.iter().any(|part| name.starts_with(part) || name.ends_with(part));
        let is_expanded = self.pipeline.files().iter().any(|file| {
            file.source.text().contains(&format!("${name}")) || file.source.text().contains(&format!("${{{name}"))
        });
        (is_expanded || has_secret_name(name)) && !own && !is_read_by_tools && !self.is_named_elsewhere(name)
    }

    fn is_named_elsewhere(&mut self, name: &str) -> bool {
        if self.repository.tracked().len() > MOST_FILES {
            return true;
        }
        let (repository, pipeline) = (self.repository, self.pipeline);
        let texts = self.texts.get_or_insert_with(|| {
            let is_pipeline = |path: &RepositoryPath| pipeline.files().iter().any(|file| file.source.path() == path);
            let files =
                repository.tracked().iter().filter(|(path, kind)| **kind != FileKind::Submodule && !is_pipeline(path));
            let texts = files.filter_map(|(path, _)| repository.read(path).ok());
            texts.filter(|file| file.text().len() <= LARGEST_FILE).collect()
        });
        texts.iter().any(|file| file.text().contains(name))
    }
}
