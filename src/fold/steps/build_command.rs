//! A build command passes on what the builder stage reads, one without a context gets the one that is meant, and one whose
//! context is narrower than the sources gets the whole project.
//!
//! ```yaml
//! - docker build -t image
//! ```
//! becomes
//! ```yaml
//! - docker build --build-arg CI_COMMIT_SHA --secret id=NPM_TOKEN,env=NPM_TOKEN -t image .
//! ```

use super::{Edits, apart};
use crate::docker::{BuildCommand, CommandContext, PartOrigin, WiderCommand};
use crate::finding::{Finding, Location};
use crate::fold::edit_failed;
use crate::fold::situation::Situation;
use crate::gitlab::Pipeline;
use crate::handoff::JobScript;
use crate::syntax::yaml::edit;
use crate::text::{RepositoryPath, Span, TextEdit};

/// What asks an older client for BuildKit.
const BY_BUILDKIT: &str = "DOCKER_BUILDKIT=1";

pub(super) fn complete(situations: &[&Situation<'_>]) -> Edits {
    let Some(situation) = situations.first() else {
        return Ok(Vec::new());
    };
    let command = &situation.build().command;
    let mut options = options_to_add(situations);
    let script = &situation.handoff.script;
    let mut edits = described(situations)?;
    if !situations.iter().all(|situation| situation.is_passed_by_command()) {
        options.clear();
    }
    let edit = match situation.wider() {
        Some(wider) => widened(situation.pipeline, script, &wider.command, &options)?,
        None => completed(situation.pipeline, script, command, &options)?,
    };
    let turns_on = situations.iter().any(|situation| situation.turns_on_buildkit);
    let asking = (Span::at(command.span.start()), format!("{BY_BUILDKIT} "));
    let asking =
        turns_on.then(|| replaced(situation.pipeline, script, command.item, asking.0, &asking.1)).transpose()?;
    match (asking, edit) {
        (Some((path, mut asking)), Some((_, edit))) => {
            let failed = |_| edit_failed(situation.command_location(), "the build command cannot be completed here");
            asking.union(edit).map_err(failed)?;
            edits.push((path, asking));
        }
        (asking, edit) => edits.extend(asking.into_iter().chain(edit)),
    }
    Ok(edits)
}

/// The edits of the files that describe the builds of one command: wider contexts, and what the command cannot pass itself.
fn described(situations: &[&Situation<'_>]) -> Edits {
    let mut texts: Vec<(RepositoryPath, String, String)> = Vec::new();
    let is_same = |one: &Situation<'_>, other: &Situation<'_>| {
        one.build().command.described_in == other.build().command.described_in
    };
    for own in apart(situations.iter().copied(), is_same) {
        let Some((situation, description)) =
            own.first().and_then(|first| Some((first, first.build().command.described_in.as_ref()?)))
        else {
            continue;
        };
        let failed = |what: &str| edit_failed(situation.command_location(), what);
        let at = match texts.iter().position(|(path, ..)| *path == description.file) {
            Some(at) => at,
            None => {
                let source = situation.repository.read(&description.file);
                let source = source.map_err(|error| failed(&error.to_string()))?;
                texts.push((description.file.clone(), source.text().to_owned(), source.text().to_owned()));
                texts.len() - 1
            }
        };
        let Some((_, before, after)) = texts.get_mut(at) else {
            continue;
        };
        if let Some((_, text)) = situation.wider().and_then(|wider| wider.described.as_ref()) {
            if before != after {
                return Err(failed("two builds of one file cannot both get a wider context"));
            }
            after.clone_from(text);
        }
        let passed = if situation.is_passed_by_command() { Vec::new() } else { options_to_add(&own) };
        let text = situation.compose_text(after, &passed);
        *after = text.ok_or_else(|| failed("the file that describes the build cannot pass this on"))?;
    }
    let edits = texts.into_iter().filter(|(_, before, after)| before != after);
    Ok(edits.map(|(path, before, after)| (path, TextEdit::between(&before, &after))).collect())
}

/// What the build jobs of a command need, each once.
fn options_to_add(situations: &[&Situation<'_>]) -> Vec<String> {
    let mut options: Vec<String> = Vec::new();
    for option in situations.iter().flat_map(|situation| situation.options_to_add()) {
        if !options.contains(&option) {
            options.push(option);
        }
    }
    options
}

/// The edit that gives `command` its wider context, and adds options behind the word `build`: each word by itself where
/// that can be, so that a command of several lines keeps them.
pub(super) fn widened(
    pipeline: &Pipeline,
    script: &JobScript,
    command: &WiderCommand,
    options: &[String],
) -> Result<Option<(RepositoryPath, TextEdit)>, Box<Finding>> {
    let item = command.command.item;
    let mut parts = command.changes(options);
    parts.sort_by_key(|(span, _)| span.start());
    let mut apart: Option<(RepositoryPath, TextEdit)> = None;
    for (span, new) in &parts {
        let (path, edit) = replaced(pipeline, script, item, *span, new)?;
        let Some((_, joined)) = &mut apart else {
            apart = Some((path, edit));
            continue;
        };
        if joined.union(edit).is_err() {
            return together(pipeline, script, item, &parts);
        }
    }
    Ok(apart)
}

/// All parts in one edit, with what stands between them.
fn together(
    pipeline: &Pipeline,
    script: &JobScript,
    item: usize,
    parts: &[(Span, String)],
) -> Result<Option<(RepositoryPath, TextEdit)>, Box<Finding>> {
    let text = script.items.get(item).and_then(|item| item.text.as_deref()).unwrap_or_default();
    let Some(((first, _), (last, _))) = parts.first().zip(parts.last()) else {
        return Ok(None);
    };
    let (mut at, mut new) = (first.start(), String::new());
    for (span, part) in parts {
        new.push_str(text.get(at..span.start()).unwrap_or_default());
        new.push_str(part);
        at = span.end();
    }
    replaced(pipeline, script, item, Span::new(first.start(), last.end()), &new).map(Some)
}

/// The edit that adds options behind the word `build`, and the context if there is none.
pub(super) fn completed(
    pipeline: &Pipeline,
    script: &JobScript,
    command: &BuildCommand,
    options: &[String],
) -> Result<Option<(RepositoryPath, TextEdit)>, Box<Finding>> {
    let is_complete = !matches!(command.context, CommandContext::Missing(_));
    let (at, end) = (command.options_at, command.span.end());
    let options: String = options.iter().map(|option| format!(" {option}")).collect();
    let item = script.items.get(command.item);
    let rest = item.and_then(|item| item.text.as_deref()?.get(at..end)).unwrap_or_default();
    let (place, new) = match (is_complete, options.is_empty()) {
        (true, true) => return Ok(None),
        (true, false) => (Span::at(at), options),
        (false, true) => (Span::at(end), " .".to_owned()),
        (false, false) => (Span::new(at, end), format!("{options}{rest} .")),
    };
    replaced(pipeline, script, command.item, place, &new).map(Some)
}

/// The edit that writes `new` in the place of these bytes of a script item.
fn replaced(
    pipeline: &Pipeline,
    script: &JobScript,
    item: usize,
    place: Span,
    new: &str,
) -> Result<(RepositoryPath, TextEdit), Box<Finding>> {
    let failed = |location: Location| edit_failed(location, "the build command cannot be completed here");
    if let Some((part, place)) = script.part(item).and_then(|part| Some((part, part.exact_place(place)?))) {
        let (source, span) = match &part.origin {
            PartOrigin::File { source, span } => (source, *span),
            PartOrigin::Word { item, .. } => return replaced(pipeline, script, *item, place, new),
        };
        let mut edit = TextEdit::builder();
        edit.replace(place, new);
        let edit = edit.finish().map_err(|_| failed(Location::new(source, span)))?;
        return Ok((source.path().clone(), edit));
    }
    let own = script.items.get(item).filter(|_| script.part(item).is_none());
    let found = own.and_then(|item| Some((item, pipeline.file(item.origin.file)?)));
    let Some((item, file)) = found else {
        return Err(failed(Location::File(RepositoryPath::root())));
    };
    let location = file.location(item.origin.node);
    let edit = edit::replace_in_scalar(&file.tree, item.origin.node, place, new);
    let edit = edit.ok_or_else(|| failed(location))?;
    Ok((file.source.path().clone(), edit))
}
