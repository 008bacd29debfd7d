//! The image job takes the files out of the builder stage, and uploads them.
//!
//! ```yaml
//! script:
//!   - docker build -t image .
//! ```
//! becomes
//! ```yaml
//! script:
//!   - docker build -t image .
//!   - docker build --target handoff --output . .
//! artifacts:
//!   paths: [dist]
//! ```

use super::Edits;
use crate::fold::edit_failed;
use crate::fold::export;
use crate::fold::fate::Fate;
use crate::fold::situation::Situation;
use crate::gitlab::PipelineFile;
use crate::syntax::yaml::{NodeId, edit};

pub(super) fn publish(situations: &[&Situation<'_>]) -> Edits {
    let mut edits = Vec::new();
    for situation in situations.iter().filter(|situation| situation.fate == Fate::IsExported) {
        edits.extend(script(situation)?);
        edits.extend(artifacts(situation)?);
    }
    Ok(edits)
}

fn script(situation: &Situation<'_>) -> Edits {
    let failed = || edit_failed(situation.command_location(), "the files cannot be taken out of the builder here");
    let (file, list, place) = export::script_item(situation).ok_or_else(failed)?;
    let command = export::command(situation).ok_or_else(failed)?;
    let edit = edit::add_item(&file.tree, list, place + 1, &command).ok_or_else(failed)?;
    Ok(vec![(file.source.path().clone(), edit)])
}

fn artifacts(situation: &Situation<'_>) -> Edits {
    let failed = || edit_failed(situation.consumer_location("script"), "'artifacts' cannot be written here");
    let (source, key, value) = export::written(situation).ok_or_else(failed)?;
    let text = value_text(source, key, value).ok_or_else(failed)?;
    let definition = situation.consumer.definitions.last().ok_or_else(failed)?;
    let file = situation.pipeline.file(definition.file).ok_or_else(failed)?;
    // Behind the script, unless that gets its new line at its very end.
    let entries = file.tree.node(definition.value).entries();
    let is_last = export::script_item(situation).is_some_and(|(file, list, place)| {
        entries.last().is_some_and(|entry| entry.value == list) && file.tree.node(list).items().len() == place + 1
    });
    let place = if is_last { entries.len() - 1 } else { entries.len() };
    let edit = edit::add_entry(&file.tree, definition.value, place, "artifacts", &text).ok_or_else(failed)?;
    Ok(vec![(file.source.path().clone(), edit)])
}

/// The value of an entry as it is written behind its colon, each further line as far in as it stands below the key.
fn value_text(file: &PipelineFile, key: NodeId, value: NodeId) -> Option<String> {
    let text = file.tree.text();
    let start = file.tree.node(key).full_span;
    let indentation = text.get(..start.start())?.rsplit('\n').next()?;
    let behind = text.get(start.end()..file.tree.node(value).full_span.end())?;
    let written = behind.trim_start().strip_prefix(':')?.trim_end();
    let mut lines = written.split('\n').map(|line| line.trim_end_matches('\r'));
    let first = lines.next()?.trim_start().to_owned();
    let rest = lines.map(|line| line.strip_prefix(indentation).unwrap_or(line).to_owned());
    Some(std::iter::once(first).chain(rest).collect::<Vec<_>>().join("\n"))
}
