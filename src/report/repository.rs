use serde::{Deserialize, Serialize};

use super::entry::Entry;
use super::proof::proof_value;
use super::sentence::visible;
use crate::finding::{Code, Finding, Location, Severity};
use crate::outcome::{Applicability, Fallback, HandoffSummary, Verdict, Via};
use crate::text::{FileVersions, RepositoryPath};

/// One pipeline of a repository, as reports and journals hold it; `docs/report.schema.json` describes it.
///
/// Paths in it start at the repository, whatever else is reported in the same run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RepositoryReport {
    /// The repository, as the user would write its path or address.
    pub path: String,
    /// The pipeline in it, where it has another name than usual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<String>,
    /// What became of it.
    pub verdict: Verdict,
    /// How far the fold can be trusted; `None` where nothing was folded.
    pub applicability: Option<Applicability>,
    /// The hand-offs that were found, folded or not.
    pub handoffs: Vec<HandoffReport>,
    /// All findings, sorted by file and place.
    pub findings: Vec<FindingReport>,
    /// The files that change.
    pub changes: Vec<ChangeReport>,
    /// The change as a git-style patch that starts at the repository, empty where there is none.
    pub patch: String,
    /// What the fold saves in each pipeline, where that was counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub savings: Option<Savings>,
    /// The codes that fold a refused repository once they are accepted: it was folded with them to see.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub folded_by_accepting: Vec<Code>,
    /// What came of building its images both ways, where that was asked for; `docs/proof.schema.json` describes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<serde_json::Value>,
}

/// What each run of a folded pipeline no longer does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Savings {
    /// Jobs that are gone.
    pub jobs: usize,
    /// Uploads and downloads of artifacts and caches that are gone.
    pub transfers: usize,
}

/// One hand-off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandoffReport {
    /// The way the files take.
    pub via: Via,
    /// The jobs that make the files; for `docker cp` the Dockerfile that makes them.
    pub producers: Vec<String>,
    /// The job that builds the image.
    pub consumer: String,
    /// The files, as the pipeline writes them.
    pub paths: Vec<String>,
    /// The Dockerfile that copies them; empty where it is not known.
    pub dockerfile: String,
    /// Whether a producer stays, for the sake of others.
    pub producer_kept: bool,
    /// What is offered in the place of a refused fold.
    pub fallback: Option<Fallback>,
}

/// One finding and its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingReport {
    /// What kind of thing it is.
    pub code: Code,
    /// How much weight it has.
    pub severity: Severity,
    /// What was found, in one sentence.
    pub message: String,
    /// The file.
    pub file: String,
    /// The line, from 1; `None` where the file is meant as a whole.
    pub line: Option<usize>,
    /// The column in characters, from 1.
    pub column: Option<usize>,
    /// What the user can do.
    pub help: Option<String>,
    /// Whether `--accept` takes the finding out of the way.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub accept: bool,
    /// Whether the user has accepted it, in a report on many repositories.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub accepted: bool,
}

/// One file that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeReport {
    /// Where it stands.
    pub path: String,
    /// What happens to it.
    pub kind: ChangeKind,
}

/// What happens to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// It is made.
    Create,
    /// It goes.
    Delete,
    /// Some of it changes.
    Edit,
}

impl RepositoryReport {
    /// The report of one entry.
    #[must_use]
    pub fn new(Entry { name, outcome, patch, proof }: &Entry) -> Self {
        Self {
            path: name.clone(),
            pipeline: None,
            verdict: outcome.verdict,
            applicability: outcome.applicability,
            handoffs: outcome.handoffs.iter().map(HandoffReport::new).collect(),
            findings: outcome.findings.iter().map(FindingReport::new).collect(),
            changes: outcome.files.iter().map(ChangeReport::new).collect(),
            patch: patch.clone(),
            savings: None,
            folded_by_accepting: Vec::new(),
            proof: proof.as_ref().map(proof_value),
        }
    }

    /// What a list calls it: the repository, and its pipeline where that has another name than usual.
    #[must_use]
    pub fn label(&self) -> String {
        match (self.path.as_str(), &self.pipeline) {
            (path, None) => path.to_owned(),
            (".", Some(pipeline)) => pipeline.clone(),
            (path, Some(pipeline)) => format!("{path}/{pipeline}"),
        }
    }
}

impl HandoffReport {
    fn new(handoff: &HandoffSummary) -> Self {
        Self {
            via: handoff.via,
            producers: handoff.producers.clone(),
            consumer: handoff.consumer.clone(),
            paths: handoff.paths.clone(),
            dockerfile: handoff.dockerfile.as_str().to_owned(),
            producer_kept: !handoff.kept.is_empty(),
            fallback: handoff.fallback,
        }
    }
}

impl FindingReport {
    fn new(finding: &Finding) -> Self {
        let place = match &finding.location {
            Location::File(_) => None,
            Location::Span { file, span } => Some(file.line_column(*span)),
        };
        Self {
            code: finding.code,
            severity: finding.severity(),
            message: finding.message.clone(),
            file: finding.location.path().as_str().to_owned(),
            line: place.map(|place| place.line),
            column: place.map(|place| place.column),
            help: finding.help.clone(),
            accept: finding.severity() == Severity::Review,
            accepted: false,
        }
    }
}

impl ChangeReport {
    fn new((path, versions): (&RepositoryPath, &FileVersions)) -> Self {
        let kind = match (&versions.before, &versions.after) {
            (None, _) => ChangeKind::Create,
            (_, None) => ChangeKind::Delete,
            _ => ChangeKind::Edit,
        };
        Self { path: path.as_str().to_owned(), kind }
    }
}

/// What became of a pipeline, in one line without a line break: its name, the verdict, and what changes or what stands in the way.
#[must_use]
pub fn report_line(report: &RepositoryReport) -> String {
    let blocking = report.blocking().iter().map(|code| code.name()).collect::<Vec<_>>().join(", ");
    let accepted = report.folded_by_accepting.iter().map(|code| format!(" --accept {code}")).collect::<String>();
    let rest = match report.verdict {
        Verdict::Folded => {
            format!(": {}", report.changes.iter().map(|change| change.path.as_str()).collect::<Vec<_>>().join(", "))
        }
        Verdict::Refused if !accepted.is_empty() => format!(": {blocking}; folded with{accepted}"),
        Verdict::Refused | Verdict::Failed => format!(": {blocking}"),
        Verdict::NothingToFold => String::new(),
    };
    visible(&format!("{}: {}{rest}", report.label(), report.verdict.name()))
}
