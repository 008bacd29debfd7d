//! A build command without a context gets the one that is meant.
//!
//! ```yaml
//! - docker build -t image
//! ```
//! becomes
//! ```yaml
//! - docker build -t image .
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
    let edit = missing_context(situation.pipeline, &situation.handoff.script, command)?;
    Ok(edit.into_iter().collect())
}

/// The edit that adds the context to `command`, if it has none.
pub(super) fn missing_context(
    pipeline: &Pipeline,
    script: &JobScript,
    command: &BuildCommand,
) -> Result<Option<(RepositoryPath, TextEdit)>, Box<Finding>> {
    if !matches!(command.context, CommandContext::Missing(_)) {
        return Ok(None);
    }
    let failed = |location: Location| edit_failed(location, "the missing build context cannot be written here");
    let Some((item, file)) =
        script.items.get(command.item).and_then(|item| Some((item, pipeline.file(item.origin.file)?)))
    else {
        return Err(failed(Location::File(RepositoryPath::root())));
    };
    let location = file.location(item.origin.node);
    let edit = edit::replace_in_scalar(&file.tree, item.origin.node, Span::at(command.span.end()), " .");
    let edit = edit.ok_or_else(|| failed(location))?;
    Ok(Some((file.source.path().clone(), edit)))
}
