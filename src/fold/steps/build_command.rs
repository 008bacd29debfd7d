//! A build command passes on what the builder stage reads, and one without a context gets the one that is meant.
//!
//! ```yaml
//! - docker build -t image
//! ```
//! becomes
//! ```yaml
//! - docker build --build-arg CI_COMMIT_SHA --secret id=NPM_TOKEN,env=NPM_TOKEN -t image .
//! ```

use super::Edits;
use crate::docker::{BuildCommand, CommandContext};
use crate::finding::{Finding, Location};
use crate::fold::edit_failed;
use crate::fold::situation::Situation;
use crate::gitlab::Pipeline;
use crate::handoff::JobScript;
use crate::syntax::yaml::edit;
use crate::text::{RepositoryPath, Span, TextEdit};

pub(super) fn complete(situations: &[&Situation<'_>]) -> Edits {
    let Some(situation) = situations.first() else {
        return Ok(Vec::new());
    };
    let command = &situation.build().command;
    let mut options: Vec<String> = Vec::new();
    for option in situations.iter().flat_map(|situation| situation.options_to_add()) {
        if !options.contains(&option) {
            options.push(option);
        }
    }
    let edit = completed(situation.pipeline, &situation.handoff.script, command, &options)?;
    Ok(edit.into_iter().collect())
}

/// The edit that adds the context to `command`, if it has none.
pub(super) fn missing_context(
    pipeline: &Pipeline,
    script: &JobScript,
    command: &BuildCommand,
) -> Result<Option<(RepositoryPath, TextEdit)>, Box<Finding>> {
    completed(pipeline, script, command, &[])
}

/// The edit that adds options behind the word `build`, and the context if there is none.
fn completed(
    pipeline: &Pipeline,
    script: &JobScript,
    command: &BuildCommand,
    options: &[String],
) -> Result<Option<(RepositoryPath, TextEdit)>, Box<Finding>> {
    let is_complete = !matches!(command.context, CommandContext::Missing(_));
    let (at, end) = (command.options_at, command.span.end());
    let options: String = options.iter().map(|option| format!(" {option}")).collect();
    let failed = |location: Location| edit_failed(location, "the build command cannot be completed here");
    let Some((item, file)) =
        script.items.get(command.item).and_then(|item| Some((item, pipeline.file(item.origin.file)?)))
    else {
        return Err(failed(Location::File(RepositoryPath::root())));
    };
    let rest = item.text.as_deref().and_then(|text| text.get(at..end)).unwrap_or_default();
    let (place, new) = match (is_complete, options.is_empty()) {
        (true, true) => return Ok(None),
        (true, false) => (Span::at(at), options),
        (false, true) => (Span::at(end), " .".to_owned()),
        (false, false) => (Span::new(at, end), format!("{options}{rest} .")),
    };
    let location = file.location(item.origin.node);
    let edit = edit::replace_in_scalar(&file.tree, item.origin.node, place, &new);
    let edit = edit.ok_or_else(|| failed(location))?;
    Ok(Some((file.source.path().clone(), edit)))
}
