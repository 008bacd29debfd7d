//! The variables that the YAML gives to the build job.

use std::collections::BTreeSet;

use super::quote::{composed, quoted};
use super::search::{Search, is_foreign, is_read_by_tools};
use super::{
    BuildEnvironment, Certainty, PassedVariable, Readers, RefusedReason, Sources, Way, is_given_by_stage,
    is_of_the_pipeline, way_of,
};
use crate::docker::SecretMounts;
use crate::finding::Location;
use crate::gitlab::{Job, ValuePiece, VariableKind, has_secret_name, kind_of_variable};

/// What the value of a variable is made of, once what the builder stage has by itself is put in.
enum Value {
    /// Text alone.
    Literal(String),
    /// Text, and values that GitLab sets for the pipeline.
    OfThePipeline(Vec<ValuePiece>),
    /// What a rule of the pipeline chooses (GitLab docs: ci/yaml#workflowrulesvariables).
    OfTheWorkflow,
    /// A secret, or something with one in it.
    Secret,
    /// Something else.
    Unclear,
}

impl BuildEnvironment {
    /// Finds the way of every variable of the YAML; the script reads those in `named`.
    pub(super) fn note_yaml(&mut self, sources: &Sources<'_>, named: &BTreeSet<&str>) {
        let mut search = Search::new(sources.repository, sources.pipeline);
        let workflow = sources.pipeline.names_set_by_workflow();
        let names: BTreeSet<_> =
            sources.producer.variables.names().chain(workflow.iter().map(String::as_str)).collect();
        for name in names.into_iter().filter(|name| named.contains(name) || !is_foreign(name)) {
            let is_named = named.contains(name);
            let value = match workflow.contains(name) && !sets(sources.producer, name) {
                true if has_secret_name(name) => Value::Secret,
                true => Value::OfTheWorkflow,
                false => value(sources, name),
            };
            let is_known = matches!(value, Value::Literal(_));
            let is_for_others = !sources.policy.passed.contains_key(name)
                && !is_named
                && ((!is_known || has_secret_name(name)) && search.is_for_others(sources.producer, name)
                    || search.only_names_images(name));
            if is_for_others {
                self.left_out.push(name.to_owned());
            } else {
                self.note_yaml_value(sources, name, value);
            }
        }
    }

    fn note_yaml_value(&mut self, sources: &Sources<'_>, name: &str, value: Value) {
        let place = sources.producer.variables.get(name);
        let location = place.map_or_else(
            || sources.pipeline.keyword_location(sources.producer, "variables"),
            |(_, origin)| sources.pipeline.location(origin),
        );
        let is_chosen_for_both = !matches!(value, Value::OfTheWorkflow) || !sets(sources.consumer, name);
        let is_shared = sources.has_same_in_consumer(name) && is_chosen_for_both;
        if let Some(pass) = sources.policy.passed.get(name).filter(|_| is_shared) {
            return self.pass_yaml(name, way_of(*pass), Readers::Everywhere, location);
        }
        match value {
            Value::Literal(text) if is_for_people(sources, name) && is_shared => {
                self.pass_yaml(name, Way::Argument(Some(quoted(&text))), Readers::Everywhere, location);
            }
            Value::Literal(text) if !text.contains(['\n', '\r']) => self.set.push((name.to_owned(), text)),
            Value::Secret if is_shared => self.pass_yaml(name, Way::Secret, Readers::Everywhere, location),
            Value::Secret => self.refuse(name, RefusedReason::SecretOfTheJob, location),
            Value::Literal(_) | Value::OfThePipeline(_) | Value::OfTheWorkflow
                if is_shared && sources.may_pass_argument(name) =>
            {
                self.pass_yaml(name, Way::Argument(None), readers_of(name), location);
            }
            Value::OfThePipeline(pieces) => self.compose(sources, name, &pieces, location),
            Value::Literal(_) | Value::OfTheWorkflow | Value::Unclear => {
                self.refuse(name, RefusedReason::Unclear, location)
            }
        }
    }

    fn pass_yaml(&mut self, name: &str, way: Way, readers: Readers, location: Location) {
        self.pass(PassedVariable { name: name.to_owned(), way, readers, location, certainty: Certainty::Sure });
    }

    /// A value of the build job alone: `ENV`, made of arguments.
    fn compose(&mut self, sources: &Sources<'_>, name: &str, pieces: &[ValuePiece], location: Location) {
        let names: Vec<_> = pieces.iter().filter_map(variable_of).collect();
        let has_lines =
            pieces.iter().any(|piece| matches!(piece, ValuePiece::Text(text) if text.contains(['\n', '\r'])));
        if has_lines || !names.iter().all(|name| sources.may_pass_argument(name)) {
            return self.refuse(name, RefusedReason::Unclear, location);
        }
        for part in names {
            self.pass_yaml(part, Way::Argument(None), Readers::Named, location.clone());
        }
        self.pass_yaml(name, Way::Composed(composed(pieces)), readers_of(name), location);
    }
}

/// An install reads what package managers are known to read; everything else comes behind its layer, which a value
/// that differs from pipeline to pipeline would make anew each time.
fn readers_of(name: &str) -> Readers {
    if is_read_by_tools(name) { Readers::Everywhere } else { Readers::BehindSources }
}

/// Whether the job itself sets the variable.
fn sets(job: &Job, name: &str) -> bool {
    job.get("variables").is_some_and(|variables| variables.get(name).is_some())
}

/// Whether people choose the value when they start a pipeline, so that the stage must follow them. Only BuildKit lets
/// an argument win over what the base image sets under the same name.
fn is_for_people(sources: &Sources<'_>, name: &str) -> bool {
    sources.producer.variables.is_asked_for(name)
        && sources.may_pass_argument(name)
        && sources.mounts != SecretMounts::None
}

fn value(sources: &Sources<'_>, name: &str) -> Value {
    let Some(pieces) = sources.producer.variables.pieces(name) else {
        return Value::Unclear;
    };
    let placed: Option<Vec<_>> = pieces.into_iter().map(|piece| placed(sources, piece)).collect();
    let Some(pieces) = placed else {
        return Value::Unclear;
    };
    let kinds: Vec<_> = pieces.iter().filter_map(variable_of).map(kind_of_variable_in_value).collect();
    let variables = &sources.producer.variables;
    let is_secret = |name: &str| has_secret_name(name) && !variables.is_path_of_file(name);
    if is_secret(name) || variables.holds_value_of(name, &is_secret) || kinds.contains(&VariableKind::Secret) {
        return Value::Secret;
    }
    if kinds.is_empty() {
        let text = |piece| match piece {
            ValuePiece::Text(text) | ValuePiece::Variable(text) => text,
        };
        return Value::Literal(pieces.into_iter().map(text).collect());
    }
    let is_of_the_pipeline = |kind: &VariableKind| matches!(kind, VariableKind::Predefined | VariableKind::Written);
    if kinds.iter().all(is_of_the_pipeline) { Value::OfThePipeline(pieces) } else { Value::Unclear }
}

/// The kind of a variable in a value; one of the old GitLab that belongs to the pipeline is as good as today's.
fn kind_of_variable_in_value(name: &str) -> VariableKind {
    match kind_of_variable(name) {
        VariableKind::Legacy if is_of_the_pipeline(name) => VariableKind::Predefined,
        kind => kind,
    }
}

/// A piece with what the builder stage knows by itself put in; `None` for what belongs to the job.
fn placed(sources: &Sources<'_>, piece: ValuePiece) -> Option<ValuePiece> {
    let ValuePiece::Variable(name) = &piece else {
        return Some(piece);
    };
    match name.as_str() {
        "CI_PROJECT_DIR" => Some(ValuePiece::Text(sources.folder.to_owned())),
        name if is_given_by_stage(name) => Some(ValuePiece::Text("true".to_owned())),
        name if kind_of_variable(name) == VariableKind::NameOfTheJob => {
            sources.name_of_the_job(name).map(ValuePiece::Text)
        }
        _ => Some(piece),
    }
}

const fn variable_of(piece: &ValuePiece) -> Option<&str> {
    match piece {
        ValuePiece::Variable(name) => Some(name.as_str()),
        ValuePiece::Text(_) => None,
    }
}
