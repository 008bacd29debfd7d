use serde::Serialize;

use super::entry::Entry;
use super::proof::ProofReport;
use crate::finding::{Finding, Location, Severity};
use crate::outcome::HandoffSummary;
use crate::text::{FileVersions, RepositoryPath};

/// The number of the shape that is printed. It changes where a reader of the old shape would be misled.
const VERSION: u32 = 1;

/// What comes before the first repository. The whole is printed in pieces, so that many repositories are
/// reported as they are done.
#[must_use]
pub fn json_start() -> String {
    format!("{{\"version\":{VERSION},\"repositories\":[")
}

/// One repository on a line of its own; `index` counts them from 0.
///
/// # Errors
/// Never for the types that are written here; the error is `serde_json`'s.
pub fn json_entry(entry: &Entry, index: usize) -> Result<String, serde_json::Error> {
    let separator = if index == 0 { "\n" } else { ",\n" };
    Ok(separator.to_owned() + &serde_json::to_string(&RepositoryReport::new(entry))?)
}

/// What comes after the last repository.
#[must_use]
pub const fn json_end() -> &'static str {
    "\n]}\n"
}

/// One repository. Paths in it start at the repository, whatever else is reported in the same run.
#[derive(Serialize)]
struct RepositoryReport<'a> {
    path: &'a str,
    verdict: &'static str,
    applicability: Option<&'static str>,
    handoffs: Vec<HandoffReport<'a>>,
    findings: Vec<FindingReport<'a>>,
    changes: Vec<ChangeReport<'a>>,
    patch: &'a str,
    /// What came of building its images both ways, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<ProofReport<'a>>,
}

#[derive(Serialize)]
struct HandoffReport<'a> {
    via: &'static str,
    producers: &'a [String],
    consumer: &'a str,
    paths: &'a [String],
    dockerfile: &'a str,
    producer_kept: bool,
    fallback: Option<&'static str>,
}

#[derive(Serialize)]
struct FindingReport<'a> {
    code: &'static str,
    severity: &'static str,
    message: &'a str,
    file: &'a str,
    line: Option<usize>,
    column: Option<usize>,
    help: Option<&'a str>,
    /// Whether `--accept` takes the finding out of the way.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    accept: bool,
}

#[derive(Serialize)]
struct ChangeReport<'a> {
    path: &'a str,
    kind: &'static str,
}

impl<'a> RepositoryReport<'a> {
    fn new(Entry { name, outcome, patch, proof }: &'a Entry) -> Self {
        Self {
            path: name,
            verdict: outcome.verdict.name(),
            applicability: outcome.applicability.map(crate::outcome::Applicability::name),
            handoffs: outcome.handoffs.iter().map(HandoffReport::new).collect(),
            findings: outcome.findings.iter().map(FindingReport::new).collect(),
            changes: outcome.files.iter().map(ChangeReport::new).collect(),
            patch,
            proof: proof.as_ref().map(ProofReport::new),
        }
    }
}

impl<'a> HandoffReport<'a> {
    fn new(handoff: &'a HandoffSummary) -> Self {
        Self {
            via: handoff.via.name(),
            producers: &handoff.producers,
            consumer: &handoff.consumer,
            paths: &handoff.paths,
            dockerfile: handoff.dockerfile.as_str(),
            producer_kept: !handoff.kept.is_empty(),
            fallback: handoff.fallback.map(crate::outcome::Fallback::name),
        }
    }
}

impl<'a> FindingReport<'a> {
    fn new(finding: &'a Finding) -> Self {
        let place = match &finding.location {
            Location::File(_) => None,
            Location::Span { file, span } => Some(file.line_column(*span)),
        };
        Self {
            code: finding.code.name(),
            severity: finding.severity().name(),
            message: &finding.message,
            file: finding.location.path().as_str(),
            line: place.map(|place| place.line),
            column: place.map(|place| place.column),
            help: finding.help.as_deref(),
            accept: finding.severity() == Severity::Review,
        }
    }
}

impl<'a> ChangeReport<'a> {
    fn new((path, versions): (&'a RepositoryPath, &FileVersions)) -> Self {
        let kind = match (&versions.before, &versions.after) {
            (None, _) => "create",
            (_, None) => "delete",
            _ => "edit",
        };
        Self { path: path.as_str(), kind }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::{Entry, json_end, json_entry, json_start};
    use crate::finding::{Code, Finding, Location};
    use crate::outcome::{Applicability, HandoffSummary, Outcome, Verdict, Via};
    use crate::source::SourceFile;
    use crate::text::{FileVersions, RepositoryPath, Span};

    fn path(text: &str) -> RepositoryPath {
        RepositoryPath::new(text).unwrap()
    }

    fn printed(entries: &[Entry]) -> Value {
        let lines = entries.iter().enumerate().map(|(index, entry)| json_entry(entry, index).unwrap());
        let printed = json_start() + &lines.collect::<String>() + json_end();
        serde_json::from_str(&printed).unwrap()
    }

    fn folded() -> Entry {
        let pipeline = Arc::new(SourceFile::new(path(".gitlab-ci.yml"), "a:\n  é: b\n"));
        let handoff = HandoffSummary {
            via: Via::DockerCp,
            producers: vec!["Dockerfile.build".to_owned()],
            consumer: "containerize".to_owned(),
            paths: vec!["dist/".to_owned()],
            dockerfile: path("Dockerfile"),
            kept: vec!["build".to_owned()],
            fallback: None,
        };
        let findings = vec![
            Finding::new(Code::NullScriptItem, Location::new(&pipeline, Span::new(9, 10)), "x").with_help("y"),
            Finding::new(Code::SelfCheckFailed, Location::File(path("z")), "w"),
        ];
        let mut outcome = Outcome::unchanged(Verdict::Folded, vec![handoff], findings);
        outcome.applicability = Some(Applicability::Review);
        let text = |text: &str| Some(text.to_owned());
        outcome.files = [
            (path("edited"), FileVersions { before: text("a"), after: text("b") }),
            (path("gone"), FileVersions { before: text("a"), after: None }),
            (path("made"), FileVersions { before: None, after: text("a") }),
        ]
        .into();
        Entry { name: "group/app".to_owned(), outcome, patch: "diff --git\n".to_owned(), proof: None }
    }

    fn schema() -> Value {
        serde_json::from_str(include_str!("../../docs/report.schema.json")).unwrap()
    }

    #[test]
    fn the_shape_is_what_the_documentation_says() {
        let expected = json!({"version": 1, "repositories": [{
            "path": "group/app", "verdict": "folded", "applicability": "review",
            "handoffs": [{
                "via": "docker-cp", "producers": ["Dockerfile.build"], "consumer": "containerize",
                "paths": ["dist/"], "dockerfile": "Dockerfile", "producer_kept": true, "fallback": null,
            }],
            "findings": [
                {"code": "null-script-item", "severity": "warning", "message": "x", "file": ".gitlab-ci.yml",
                 "line": 2, "column": 6, "help": "y"},
                {"code": "self-check-failed", "severity": "error", "message": "w", "file": "z",
                 "line": null, "column": null, "help": null},
            ],
            "changes": [
                {"path": "edited", "kind": "edit"}, {"path": "gone", "kind": "delete"}, {"path": "made", "kind": "create"},
            ],
            "patch": "diff --git\n",
        }]});
        assert_eq!(printed(&[folded()]), expected);
    }

    #[test]
    fn what_is_printed_keeps_to_the_schema() {
        let schema = jsonschema::validator_for(&schema()).unwrap();
        let nothing = Outcome::unchanged(Verdict::NothingToFold, Vec::new(), Vec::new());
        let nothing = Entry { name: ".".to_owned(), outcome: nothing, patch: String::new(), proof: None };
        for entries in [vec![], vec![folded()], vec![nothing, folded()]] {
            let printed = printed(&entries);
            let errors: Vec<_> = schema.iter_errors(&printed).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{errors:?}\n{printed:#}");
        }
    }

    #[test]
    fn the_schema_knows_every_name_and_no_other_field() {
        let schema = jsonschema::validator_for(&schema()).unwrap();
        let mut odd = printed(&[folded()]);
        for name in ["folded", "refused", "nothing-to-fold", "failed"] {
            odd["repositories"][0]["verdict"] = name.into();
            assert!(schema.is_valid(&odd), "{name}");
        }
        odd["repositories"][0]["verdict"] = "other".into();
        assert!(!schema.is_valid(&odd));
        let mut odd = printed(&[folded()]);
        odd["repositories"][0]["findings"][0]["weight"] = 1.into();
        assert!(!schema.is_valid(&odd));
    }
}
