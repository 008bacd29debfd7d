//! A build job that an included file of another project brings in cannot be taken away: it is switched off where it is
//! included, for the last word is that of the pipeline's own file (GitLab docs: ci/yaml/includes, "Merge method for include").
//!
//! ```yaml
//! build: # the Dockerfile does this now
//!   rules:
//!     - when: never
//! ```

use super::block::Block;
use super::edit_failed;
use super::fate::Fate;
use super::situation::Situation;
use super::template;
use crate::finding::{Finding, Location};
use crate::gitlab::{Job, PipelineFile};
use crate::syntax::yaml::edit;
use crate::text::{RepositoryPath, TextEdit};

/// What a reader of the pipeline would ask why.
const WHY: &str = "# the Dockerfile does this now";

/// Whether the build job is written outside of the repository, and in a way that `rules` beside it switch it off: they do
/// not go with `only` and `except` (GitLab docs: ci/yaml#rules).
pub(super) fn is_possible(situation: &Situation<'_>) -> bool {
    let pipeline = situation.pipeline;
    let [definition] = situation.producer.definitions.as_slice() else {
        return false;
    };
    let is_elsewhere = pipeline.file(definition.file).is_some_and(|file| file.elsewhere().is_some());
    let has_conditions = ["only", "except"].iter().any(|keyword| situation.producer.get(keyword).is_some());
    // Whoever takes its words over would take the rules over too.
    let is_taken_over = !template::mentions(situation).is_empty();
    is_elsewhere && !has_conditions && !is_taken_over && own_file(situation).is_some()
}

/// The pipeline's own file.
fn own_file<'a>(situation: &Situation<'a>) -> Option<&'a PipelineFile> {
    situation.pipeline.files().first().filter(|file| file.is_editable())
}

/// The entries that switch off the build jobs whose fate it is.
pub(super) fn write(situations: &[Situation<'_>]) -> Result<Vec<(RepositoryPath, TextEdit)>, Box<Finding>> {
    let mut jobs: Vec<&Job> = Vec::new();
    let mut edits = Vec::new();
    for situation in situations.iter().filter(|situation| situation.fate == Fate::IsSwitchedOff) {
        if !jobs.iter().any(|job| job.name == situation.producer.name) {
            jobs.push(situation.producer);
            edits.push(entry(situation)?);
        }
    }
    Ok(edits)
}

/// The entry of one of them, in front of the image job.
fn entry(situation: &Situation<'_>) -> Result<(RepositoryPath, TextEdit), Box<Finding>> {
    let failed = || edit_failed(Location::File(RepositoryPath::root()), "the build job cannot be switched off here");
    let file = own_file(situation).ok_or_else(failed)?;
    let entries = file.tree.node(file.root).entries();
    let is_own = |id| situation.pipeline.file(id).is_some_and(|own| std::ptr::eq(own, file));
    let mut own = situation.consumer.definitions.iter().filter(|definition| is_own(definition.file));
    let image_job = own.next().map(|definition| definition.key);
    let place = entries.iter().position(|entry| Some(entry.key) == image_job).unwrap_or(entries.len());
    let like = entries.get(place).or_else(|| entries.last()).map_or(file.root, |entry| entry.value);
    let block = Block::like(situation.pipeline, file, like);
    let rules = block.listed("rules", vec![vec!["when: never".to_owned()]]);
    let lines = rules.iter().map(|line| format!("\n{}{line}", " ".repeat(block.indentation)));
    let value = format!("{WHY}{}", lines.collect::<String>());
    let edit = edit::add_entry(&file.tree, file.root, place, &situation.producer.name, &value).ok_or_else(failed)?;
    Ok((file.source.path().clone(), edit))
}
