use super::entry::Entry;
use super::repository::RepositoryReport;

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
    json_line(&RepositoryReport::new(entry), index)
}

/// The same of a report that was made earlier.
///
/// # Errors
/// As for [`json_entry`].
pub fn json_line(report: &RepositoryReport, index: usize) -> Result<String, serde_json::Error> {
    let separator = if index == 0 { "\n" } else { ",\n" };
    Ok(separator.to_owned() + &serde_json::to_string(report)?)
}

/// What comes after the last repository.
#[must_use]
pub const fn json_end() -> &'static str {
    "\n]}\n"
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
