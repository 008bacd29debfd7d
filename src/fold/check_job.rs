//! A job that builds the builder stage and nothing more, where the build job ran and no image is built.
//!
//! ```yaml
//! build:
//!   stage: build
//!   image: node:20
//!   script: [npm ci, npm run build]
//!   artifacts: {paths: [dist]}
//! ```
//! becomes, beside an image job with `only: [main]`,
//! ```yaml
//! build:
//!   stage: build
//!   image: docker:27
//!   services: [docker:27-dind]
//!   script:
//!     - docker build --target builder .
//!   except:
//!     - main
//! ```

mod conditions;
mod script;

use super::block::Block;
use super::situation::Situation;
use super::takeover::Takeover;
use crate::gitlab::{Comparison, Field, Job, Kind, Mapping, ScriptItem, Start, Value};

/// The body of the job, in lines without indentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CheckJob {
    pub(super) lines: Vec<String>,
}

/// Keywords of the build job that say when and how often the job runs, which the check keeps.
const OF_PRODUCER: [&str; 5] = ["needs", "dependencies", "retry", "timeout", "interruptible"];

/// Keywords of the image job that say where the check runs.
const OF_CONSUMER: [&str; 3] = ["image", "services", "tags"];

/// Keywords of the image job that the check would have to take over and cannot.
const FORBIDDEN: [&str; 6] = ["hooks", "id_tokens", "identity", "inherit", "parallel", "secrets"];

/// Variables that the runner and git read.
const OF_RUNNER: [&str; 3] = ["FF_", "GIT_", "KUBERNETES_"];

impl CheckJob {
    /// The job for the build job of `situation`.
    ///
    /// # Errors
    /// What about it cannot be written, as a whole sentence without a full stop.
    pub(super) fn new(situation: &Situation<'_>) -> Result<Self, String> {
        let (producer, consumer) = (situation.producer, situation.consumer);
        if situation.group.handoffs.len() != 1 || situation.group.producers.len() != 1 {
            return Err("several jobs take part in the hand-off".to_owned());
        }
        let [definition] = producer.definitions.as_slice() else {
            return Err(format!("'{}' is written in several places", producer.name));
        };
        if let Some(keyword) = FORBIDDEN.iter().find(|keyword| consumer.get(keyword).is_some()) {
            return Err(format!("the image job has '{keyword}', which belongs to it alone"));
        }
        let file = situation.pipeline.file(definition.file).ok_or("its file is not there")?;
        let block = Block::like(situation.pipeline, file, definition.value);
        let conditions = complement(situation, &block)?;
        let command = build_command(situation)?;
        let script = script_lines(situation, &block, &command)?;
        let mut lines = Vec::new();
        if let Some(stage) = producer.get("stage").or_else(|| producer.get("type")) {
            lines.extend(block.entry("stage", stage));
        }
        lines.extend(kept(situation, &block, consumer, &OF_CONSUMER));
        let named = format!("{}\n{}\n{}", lines.join("\n"), script.join("\n"), conditions.join("\n"));
        lines.extend(variables(situation, &block, &named));
        lines.extend(kept(situation, &block, producer, &OF_PRODUCER));
        if default(situation, "artifacts").is_some() {
            return Err("the pipeline gives artifacts to every job".to_owned());
        }
        if default(situation, "cache").is_some() {
            lines.push("cache: []".to_owned());
        }
        lines.extend(script);
        lines.extend(conditions);
        Ok(Self { lines })
    }
}

/// Whether the image job does all that the build job did for the pipeline.
pub(super) fn covers(build: &Start, image: &Start) -> bool {
    image.covers(build)
}

fn complement(situation: &Situation<'_>, block: &Block<'_>) -> Result<Vec<String>, String> {
    let comparison = Comparison::new(situation.pipeline, situation.producer, situation.consumer);
    let comparison = comparison.map_err(|unclear| unclear.to_string())?;
    let complement = comparison.complement(&covers);
    let complement = complement.ok_or("where it runs alone cannot be written exactly as 'rules' or 'except'")?;
    Ok(conditions::lines(block, situation.producer, &complement))
}

fn build_command(situation: &Situation<'_>) -> Result<String, String> {
    let written = situation.command().of_stage(&situation.stage, &situation.options_to_add());
    written.ok_or_else(|| "the build command is not written in plain words".to_owned())
}

fn script_lines(situation: &Situation<'_>, block: &Block<'_>, command: &str) -> Result<Vec<String>, String> {
    let found = script::lines_before(situation, command)?;
    let item = |item: &&ScriptItem| {
        let text = item.text.clone().unwrap_or_default();
        block.item(&Value { kind: Kind::Text(text), origin: item.origin })
    };
    let mut lines = Vec::new();
    let given = default(situation, "before_script").map(|value| value.origin);
    let is_given = given.is_some() && situation.consumer.get("before_script").map(|value| value.origin) == given;
    if is_given && !found.is_before_limited {
        // The check has it from where the image job has it.
    } else if !found.before.is_empty() {
        lines.extend(block.listed("before_script", found.before.iter().map(item).collect()));
    } else if given.is_some() {
        lines.push("before_script: []".to_owned());
    }
    let own = found.own.iter().map(item).chain([block.text(command)]).collect();
    lines.extend(block.listed("script", own));
    Ok(lines)
}

/// Keywords of `job`, but those that it has from `default`, as the check has them too.
fn kept(situation: &Situation<'_>, block: &Block<'_>, job: &Job, keywords: &[&str]) -> Vec<String> {
    let own = |keyword: &&&str| {
        let value = job.get(keyword)?;
        let is_default = default(situation, keyword).is_some_and(|given| given.origin == value.origin);
        (!is_default).then(|| block.entry(keyword, value))
    };
    keywords.iter().filter_map(|keyword| own(&keyword)).flatten().collect()
}

/// What every job gets for a keyword.
fn default<'a>(situation: &Situation<'a>, keyword: &str) -> Option<&'a Value> {
    let top: &Mapping = situation.pipeline.top();
    let given = top.get("default").and_then(|default| default.get(keyword)).or_else(|| top.get(keyword));
    given.filter(|value| !value.is_null())
}

/// The variables of the image job that docker, git or the runner read, those that `text` names, and those that it takes
/// over from the build job.
fn variables(situation: &Situation<'_>, block: &Block<'_>, text: &str) -> Vec<String> {
    let taken = Takeover::of(&[situation]).taken;
    let taken: Vec<_> = taken.iter().filter_map(|taken| Some((taken.variable.as_deref()?, &taken.written))).collect();
    let is_taken = |name: &str| taken.iter().any(|(own, _)| *own == name);
    let own = read_variables(situation.consumer, text);
    let own = own.iter().filter(|field| !is_taken(&field.key)).flat_map(|field| block.entry(&field.key, &field.value));
    let lines: Vec<_> = own.chain(taken.iter().map(|(name, value)| format!("{name}: {value}"))).collect();
    if lines.is_empty() { lines } else { block.below("variables", block.indentation, lines) }
}

fn read_variables(consumer: &Job, text: &str) -> Vec<Field> {
    let Some(fields) = consumer.get("variables").and_then(Value::mapping) else {
        return Vec::new();
    };
    let mut text = text.to_owned();
    let mut read: Vec<Field> = Vec::new();
    let prefixes: Vec<_> = script::OF_DOCKER.iter().chain(&OF_RUNNER).collect();
    loop {
        // `--build-arg NAME` and `env=NAME` take a variable without a dollar sign.
        let named: Vec<_> = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').collect();
        let is_read = |name: &str| named.contains(&name) || prefixes.iter().any(|prefix| name.starts_with(**prefix));
        let all: Vec<_> = fields.fields().iter().filter(|field| is_read(&field.key)).cloned().collect();
        if all.len() == read.len() {
            return read;
        }
        // Their values may name others.
        text.extend(all.iter().filter_map(|field| field.value.text()).map(|value| format!("\n{value}")));
        read = all;
    }
}
