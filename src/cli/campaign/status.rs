use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::Serialize;

use super::failed;
use super::remotes::{LIMIT, remotes};
use crate::campaign::{Campaign, Git, ProjectState, ProjectStatus};
use crate::cli::arguments::{Format, Options};
use crate::cli::fold::Fold;
use crate::cli::output::Streams;
use crate::cli::status::Status;
use crate::process::Interrupt;
use crate::report::visible;

/// The JSON of a status.
#[derive(Serialize)]
struct Document<'a> {
    /// How many projects are how far.
    counts: BTreeMap<&'static str, usize>,
    projects: &'a [ProjectStatus],
}

/// Tells how far each project is.
pub(super) fn run(
    options: &Options,
    folder: &Path,
    offline: bool,
    fold: &Fold,
    streams: &mut Streams<'_>,
) -> io::Result<Status> {
    if !matches!(options.format, Format::Text | Format::Json) {
        return failed(&"a status is told as text or json; 'campaign report' has more formats", streams);
    }
    let interrupt = Interrupt::listen()?;
    let git = Git::new(interrupt.clone(), LIMIT);
    let remotes = match remotes(options, fold, &git) {
        Ok(remotes) => remotes,
        Err(why) => return failed(&why, streams),
    };
    // Another process may be at work on it for hours, and is not disturbed.
    let campaign = match Campaign::read_only(folder) {
        Ok(campaign) => campaign,
        Err(error) => return failed(&error, streams),
    };
    let found = match campaign.status((!offline).then_some(&remotes)) {
        Ok(found) => found,
        Err(error) => return failed(&error, streams),
    };
    let mut counts = BTreeMap::new();
    found.iter().for_each(|project| *counts.entry(project.state.name()).or_default() += 1);
    match options.format {
        Format::Json => {
            let document = Document { counts, projects: &found };
            writeln!(streams.out, "{}", serde_json::to_string_pretty(&document)?)?;
        }
        _ => text(&found, &counts, streams)?,
    }
    streams.out.flush()?;
    Ok(interrupt.signal().map_or(Status::Done, |signal| Status::Interrupted(u8::try_from(signal).unwrap_or_default())))
}

/// A line for each project, and one with the counts.
fn text(found: &[ProjectStatus], counts: &BTreeMap<&'static str, usize>, streams: &mut Streams<'_>) -> io::Result<()> {
    let width = found.iter().map(|project| project.state.name().len()).max().unwrap_or_default();
    for project in found {
        let state = project.state.name();
        let branch = project.branch.as_deref().filter(|_| project.state != ProjectState::Folded);
        let verdict =
            project.verdict.map(|verdict| verdict.name()).filter(|_| project.state == ProjectState::NotFolded);
        let parts = [verdict, branch, project.merge_request.as_deref(), project.why.as_deref()];
        let parts: Vec<_> = parts.into_iter().flatten().map(|part| format!("  {part}")).collect();
        writeln!(streams.out, "{}", visible(&format!("{state:width$}  {}{}", project.project, parts.concat())))?;
    }
    let counts: Vec<_> = counts.iter().map(|(state, count)| format!("{count} {state}")).collect();
    writeln!(streams.out, "{}: {}", repositories(found.len()), counts.join(", "))
}

fn repositories(count: usize) -> String {
    if count == 1 { "1 repository".to_owned() } else { format!("{count} repositories") }
}
