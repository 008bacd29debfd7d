//! `artifacts:reports:dotenv`: variables that a job hands to later ones (GitLab docs: ci/yaml/artifacts_reports).

use std::rc::Rc;

use super::artifacts::of_use;
use super::mentions::file_that_names;
use crate::docker::{Step, StepWord};
use crate::finding::{Finding, Location};
use crate::fold::situation::Situation;
use crate::gitlab::{Field, PipelineFile, Value};

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
            Some(location) => finding.with_related(location, "it is read here"),
            None => finding,
        }
    });
    finding.into_iter().collect()
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
        return Some(Reader { message: format!("another job reads {name}"), location: Some(location) });
    }
    let path = file_that_names(situation, &[name.to_owned()])?;
    let what = if path.is_root() { "a file of the repository".to_owned() } else { path.to_string() };
    Some(Reader { message: format!("{what} speaks of {name}, which a later job may read"), location: None })
}

/// The first place outside of the build job that expands the variable.
fn used_in(situation: &Situation<'_>, file: &PipelineFile, name: &str) -> Option<Location> {
    let tree = &file.tree;
    let own = situation.producer.definitions.iter().filter(|definition| {
        situation.pipeline.file(definition.file).is_some_and(|of| of.source.path() == file.source.path())
    });
    let own: Vec<_> = own.map(|definition| definition.value).collect();
    let reads = |text: &str| {
        text.match_indices(name).any(|(at, _)| {
            let before = text.get(..at).unwrap_or_default();
            let after = text.get(at + name.len()..).unwrap_or_default();
            (before.ends_with('$') || before.ends_with("${") || before.ends_with("%"))
                && !after.starts_with(|next: char| next.is_ascii_alphanumeric() || next == '_')
        })
    };
    let mut nodes = tree.nodes().filter(|(_, node)| node.scalar().is_some_and(reads));
    nodes.find(|(id, _)| !own.iter().any(|value| tree.is_within(*id, *value))).map(|(id, _)| file.location(id))
}
