use crate::finding::{Code, Finding, Location};
use crate::outcome::{Outcome, Verdict};
use crate::repo::{Allowed, Found, GuardError, guard, write};
use crate::report::Entry;
use crate::text::RepositoryPath;

/// Writes the folded files of `entry`. Where that is not allowed or fails, nothing is written and the entry
/// becomes a failure that says why.
pub(super) fn apply(found: &Found, entry: &mut Entry, allowed: Allowed) {
    let outcome = &entry.outcome;
    if outcome.verdict != Verdict::Folded || outcome.files.is_empty() {
        return;
    }
    let guarded = guard(&found.root, outcome.files.keys(), allowed).map_err(|error| forbidden(&error, &found.pipeline));
    let written = guarded.and_then(|()| {
        write(&found.root, &outcome.files).map_err(|error| {
            Finding::new(Code::FilesNotWritten, Location::File(error.path().clone()), error.to_string())
        })
    });
    if let Err(finding) = written {
        let mut findings = std::mem::take(&mut entry.outcome.findings);
        findings.push(finding);
        let handoffs = std::mem::take(&mut entry.outcome.handoffs);
        entry.outcome = Outcome::unchanged(Verdict::Failed, handoffs, findings);
        entry.patch.clear();
    }
}

fn forbidden(error: &GuardError, pipeline: &RepositoryPath) -> Finding {
    match error {
        GuardError::NoVersionControl(_) => {
            Finding::new(Code::NoVersionControl, Location::File(pipeline.clone()), error.to_string())
                .with_help("pass --allow-no-vcs to write it all the same")
        }
        GuardError::Uncommitted(files) => {
            let first = files.first().map_or(pipeline, |(path, _)| path);
            Finding::new(Code::UncommittedChanges, Location::File(first.clone()), error.to_string())
                .with_help("commit or stash them, or pass --allow-dirty to write them all the same")
        }
    }
}
