//! `artifacts:reports:dotenv`: variables that a job hands to later ones (GitLab docs: ci/yaml/artifacts_reports).

use std::rc::Rc;

use super::artifacts::of_use;
use super::mentions::{Asked, file_that, holds_name};
use crate::docker::{Step, StepWord};
use crate::finding::{Code, Finding, Location};
use crate::fold::situation::Situation;
use crate::gitlab::{Field, Job, PipelineFile, Value, VariableKind, kind_of_variable, names_in};

/// Who reads a variable, where somebody does.
struct Reader {
    message: String,
    location: Option<Location>,
}

pub(super) fn check(situation: &Situation<'_>, report: &Field) -> Vec<Finding> {
    let files: Vec<_> = report.value.one_or_many().iter().filter_map(Value::text).collect();
    let Some(names) = names_written(situation, &files) else {
        let reason = "it is not clear which variables it sets, and later jobs may read them";
        return vec![of_use(situation, report, "reports:dotenv", reason)];
    };
    let reader = names.iter().find_map(|name| reader(situation, name));
    let finding = reader.map(|reader| {
        let finding = of_use(situation, report, "reports:dotenv", &reader.message);
        match reader.location {
            Some(location) => finding.with_related(location, "it is named here"),
            None => finding,
        }
    });
    finding.into_iter().collect()
}

/// A build job that stays hands the variables to the image job no more, for they come with the files.
pub(super) fn read_by_image_job(situation: &Situation<'_>) -> Option<Finding> {
    let artifacts = situation.producer.artifacts();
    let reports = artifacts.fields.get("reports").and_then(Value::mapping)?;
    let report = reports.field("dotenv").filter(|report| situation.fate.is_to_stay() && !report.value.is_null())?;
    let files: Vec<_> = report.value.one_or_many().iter().filter_map(Value::text).collect();
    let consumer = situation.consumer;
    let texts: Vec<_> = consumer.fields.fields().iter().map(|field| field.value.written()).collect();
    let name = match names_written(situation, &files) {
        Some(names) => names.into_iter().find(|name| texts.iter().any(|text| holds_name(text, name))),
        None => texts.iter().flat_map(|text| names_in(text)).find(|name| is_open(consumer, name)).map(str::to_owned),
    }?;
    let message =
        format!("the image job may read {name} of 'artifacts:reports:dotenv', which comes with the files alone");
    let finding = Finding::new(Code::KeywordNotFoldable, situation.pipeline.location(report.key_origin), message)
        .with_related(situation.consumer_location("script"), "the image job")
        .with_help(format!("let the image job find {name} by itself"));
    Some(finding)
}

/// Whether neither the pipeline nor GitLab gives the variable.
fn is_open(job: &Job, name: &str) -> bool {
    let is_of_gitlab = name.starts_with("CI_") || name.starts_with("GITLAB_");
    !is_of_gitlab && job.variables.get(name).is_none() && kind_of_variable(name) == VariableKind::Secret
}

/// The variables that the script writes into the files; `None` where it does not write them itself, in plain sight.
fn names_written(situation: &Situation<'_>, files: &[Rc<str>]) -> Option<Vec<String>> {
    let script = &situation.producer_script;
    let texts = script.items.iter().filter_map(|item| item.text.as_deref());
    let mentions: usize = texts.map(|text| files.iter().map(|file| text.matches(&**file).count()).sum::<usize>()).sum();
    let writing: Vec<_> = script.walk.steps.iter().filter(|step| writes(step, files)).collect();
    if writing.is_empty() || writing.len() != mentions {
        return None;
    }
    let names: Option<Vec<_>> = writing.into_iter().map(names_told).collect();
    names.map(|names| names.concat())
}

fn writes(step: &Step, files: &[Rc<str>]) -> bool {
    let is_file = |word: &StepWord| files.iter().any(|file| word.raw.trim_matches(['"', '\'']) == &**file);
    step.redirections.iter().any(|(target, writes)| *writes && is_file(target))
}

/// The names that an `echo` tells, one at the beginning of its words.
fn names_told(step: &Step) -> Option<Vec<String>> {
    let (_, words) = step.words.split_first().filter(|_| step.program() == Some("echo"))?;
    let text = words.iter().map(|word| word.raw.trim_matches(['"', '\''])).collect::<Vec<_>>().join(" ");
    let (name, _) = text.split_once('=')?;
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (is_name && !text.contains('\\') && !text.contains('\n')).then(|| vec![name.to_owned()])
}

fn reader(situation: &Situation<'_>, name: &str) -> Option<Reader> {
    let in_pipeline = situation.pipeline.files().iter().find_map(|file| used_in(situation, file, name));
    if let Some(location) = in_pipeline {
        return Some(Reader {
            message: format!("the pipeline names {name} in another place"),
            location: Some(location),
        });
    }
    let path = file_that(situation, Asked::All, &|text| holds_name(text, name))?;
    let what = if path.is_root() { "a file of the repository".to_owned() } else { path.to_string() };
    Some(Reader { message: format!("{what} speaks of {name}, which a later job may read"), location: None })
}

/// The first place outside of the build job that names the variable.
fn used_in(situation: &Situation<'_>, file: &PipelineFile, name: &str) -> Option<Location> {
    let tree = &file.tree;
    let own = situation.producer.definitions.iter().filter(|definition| {
        situation.pipeline.file(definition.file).is_some_and(|of| of.source.path() == file.source.path())
    });
    let own: Vec<_> = own.map(|definition| definition.value).collect();
    let mut nodes = tree.nodes().filter(|(_, node)| node.scalar().is_some_and(|text| holds_name(text, name)));
    nodes.find(|(id, _)| !own.iter().any(|value| tree.is_within(*id, *value))).map(|(id, _)| file.location(id))
}
