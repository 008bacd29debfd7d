use std::io;
use std::path::{Path, PathBuf};

use super::apply::apply;
use super::arguments::{Format, Options, ProveChoices};
use super::batch::in_order;
use super::output::{Reporter, Streams};
use super::prove;
use super::status::Status;
use crate::campaign::guarded;
use crate::finding::{Code, Finding, Location};
use crate::outcome::{Outcome, Policy};
use crate::repo::{Allowed, Discovery, DiskRepository, Elsewhere, Found, PIPELINE, common_folder, discover};
use crate::report::{Entry, Tense, patch};
use crate::source::Repository;
use crate::text::RepositoryPath;

/// How one repository is folded: the repository, its pipeline, what the user allows.
pub type Fold = dyn Fn(&dyn Repository, &RepositoryPath, &Policy) -> Outcome + Sync;

/// What is done with the changes.
pub(super) enum Doing<'a> {
    /// They are shown.
    Show,
    /// They are shown and proven.
    Prove(&'a ProveChoices),
    /// They are made.
    Write(Allowed),
}

/// Folds every repository that `paths` name.
pub(super) fn run(
    paths: &[PathBuf],
    doing: &Doing<'_>,
    options: &Options,
    fold: &Fold,
    streams: &mut Streams<'_>,
) -> io::Result<Status> {
    let here = [PathBuf::from(".")];
    let Discovery { found, errors } = discover(if paths.is_empty() { &here } else { paths });
    let (policy, elsewhere) = (options.policy(), options.elsewhere());
    let is_written = matches!(doing, Doing::Write(_));
    let tense = if is_written { Tense::Written } else { Tense::Shown };
    let mut reporter = Reporter::new(streams, options, &policy, tense, found.len() > 1);
    let mut status = if errors.is_empty() { Status::Done } else { Status::Failed };
    errors.iter().try_for_each(|error| reporter.error(error))?;
    if !matches!(options.format, Format::Text | Format::Json) {
        reporter
            .error(&"a change is shown as text or json; 'stagefold audit' and 'stagefold prove' have more formats")?;
        return Ok(Status::Failed);
    }
    if let Some(missing) = elsewhere.missing() {
        reporter.error(&format!("{}: there is no such file or folder", missing.display()))?;
        return Ok(Status::Failed);
    }
    if elsewhere.merged.is_some() && found.len() > 1 {
        reporter.error(&"--merged-yaml is about one pipeline, and several are found here")?;
        return Ok(Status::Failed);
    }
    reporter.start()?;
    // In JSON each repository has its own patch, which starts at its own root.
    let base = (found.len() > 1 && !reporter.is_json()).then(|| common_folder(&found));
    let work = |index: usize| {
        found.get(index).map(|found| (found, fold_one(found, base.as_deref(), &policy, &elsewhere, fold)))
    };
    in_order(found.len(), options.jobs, &work, &mut |folded| {
        let Some((found, mut entry)) = folded else { return Ok(()) };
        match doing {
            Doing::Show => {}
            Doing::Prove(how) => status = status.max(prove::add(how, found, &mut entry, options, fold, &mut reporter)?),
            Doing::Write(allowed) => apply(found, &mut entry, *allowed),
        }
        status = status.max(Status::of(entry.outcome.verdict, options.check, is_written));
        reporter.entry(&entry, &label(found))
    })?;
    reporter.end()?;
    Ok(status)
}

fn fold_one(found: &Found, base: Option<&Path>, policy: &Policy, elsewhere: &Elsewhere, fold: &Fold) -> Entry {
    let work = || {
        let repository = DiskRepository::new(&found.root, found.pipeline.clone()).with_elsewhere(elsewhere.clone());
        let outcome = fold(&repository, &found.pipeline, policy);
        let kind_of = |path: &RepositoryPath| repository.tracked().get(path).copied();
        let folder = base.map(|base| found.path_below(base)).unwrap_or_default();
        let patch = patch(&outcome.files, &folder, &kind_of);
        (outcome, patch)
    };
    let (outcome, patch) =
        guarded(work).unwrap_or_else(|words| (internal_error(&found.pipeline, &words), String::new()));
    Entry { name: found.name.clone(), outcome, patch, proof: None }
}

fn internal_error(pipeline: &RepositoryPath, words: &str) -> Outcome {
    let finding = Finding::new(
        Code::InternalError,
        Location::File(pipeline.clone()),
        format!("stagefold itself failed on this repository: {words}"),
    );
    Outcome::failed(finding.with_help("please report it; the other repositories are not touched by this"))
}

/// What a closing line calls `found`: the repository, or the pipeline where it has another name than usual.
fn label(found: &Found) -> String {
    match (found.name.as_str(), found.pipeline.as_str()) {
        (name, PIPELINE) => name.to_owned(),
        (".", pipeline) => pipeline.to_owned(),
        (name, pipeline) => format!("{name}/{pipeline}"),
    }
}
