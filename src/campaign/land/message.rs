//! What is told of a fold in its commit and in its merge request.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use serde_json::Value;

use super::template::Template;
use crate::campaign::step::Looked;
use crate::finding::Severity;
use crate::outcome::{Verdict, Via};
use crate::report::{FindingReport, HandoffReport, RepositoryReport, markdown_code};

/// The title where the user gives none.
pub const TITLE: &str = "Build the image in one multistage Dockerfile";

/// What stands in the place of what does not fit.
const LEFT_OUT: &str = "\n\n(The rest does not fit here; `stagefold campaign report --format json` has all of it.)\n";

/// The most characters of one line where not all fits.
const LONGEST_LINE: usize = 4000;

/// The texts of one fold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) title: String,
    blocks: Vec<Block>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Block {
    text: String,
    /// A proof stands in the merge request alone, and whole or not at all.
    is_proof: bool,
}

impl Text {
    /// The texts for a fold that is to be merged into `target` from `branch`.
    pub(super) fn of(looked: &Looked, title: &Template, message: Option<&Template>, branches: (&str, &str)) -> Self {
        let values = values(looked);
        // Other spaces than those of ASCII keep names from being read as commands.
        let title = title.fill(&values).concat();
        let plain_title: String =
            title.chars().filter(|letter| letter.is_ascii_whitespace() || !letter.is_control()).collect();
        let title = plain_title.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        let title = if title.is_empty() { TITLE.to_owned() } else { title };
        let report = report(looked, branches);
        let blocks = match message {
            None => report,
            Some(message) => {
                let parts = message.fill(&values).into_iter().enumerate();
                parts.flat_map(|(index, text)| between(index, &report).into_iter().chain([plain(text)])).collect()
            }
        };
        Self { title, blocks }
    }

    /// The message of the commit.
    pub(super) fn commit_message(&self) -> String {
        let body: String =
            self.blocks.iter().filter(|block| !block.is_proof).map(|block| block.text.as_str()).collect();
        // Git itself takes no NUL, and no line that ends in spaces.
        let lines: Vec<_> = body.lines().map(|line| line.replace('\0', "").trim_end().to_owned()).collect();
        format!("{}\n\n{}\n", self.title, lines.join("\n").trim_matches('\n'))
    }

    /// The description of the merge request in at most `most` bytes, each part of it written by `write`.
    pub(super) fn description(&self, write: &dyn Fn(&str) -> String, most: usize) -> String {
        let whole: String = self.blocks.iter().map(|block| block.text.as_str()).collect();
        let written = write(whole.trim_matches('\n'));
        if written.len() <= most {
            return written;
        }
        let left_out = write(LEFT_OUT);
        let mut description = String::new();
        'blocks: for block in &self.blocks {
            let parts: Vec<_> =
                if block.is_proof { vec![block.text.as_str()] } else { block.text.split_inclusive('\n').collect() };
            for part in parts {
                let part = if block.is_proof { write(part) } else { write(&cut(part)) };
                if description.len() + part.len() + left_out.len() <= most {
                    description.push_str(&part);
                } else if !block.is_proof {
                    break 'blocks;
                }
            }
        }
        description + &left_out
    }
}

/// A line that leaves room for others.
fn cut(line: &str) -> Cow<'_, str> {
    match line.char_indices().nth(LONGEST_LINE) {
        Some((end, _)) => Cow::Owned(format!("{}…\n", line.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(line),
    }
}

/// What stands before the part of a template with this index: the report before all but the first.
fn between(index: usize, report: &[Block]) -> Vec<Block> {
    if index == 0 { Vec::new() } else { report.to_vec() }
}

fn plain(text: String) -> Block {
    Block { text, is_proof: false }
}

/// What the words of a template stand for, but for the report.
fn values(looked: &Looked) -> BTreeMap<&'static str, String> {
    let handoffs: Vec<_> = folded(looked).flat_map(|report| &report.handoffs).collect();
    let jobs = handoffs.iter().flat_map(|handoff| handoff.producers.iter().chain([&handoff.consumer]));
    let images = handoffs.iter().map(|handoff| &handoff.dockerfile).filter(|dockerfile| !dockerfile.is_empty());
    let ways: BTreeSet<_> = handoffs.iter().map(|handoff| handoff.via.name()).collect();
    BTreeMap::from([
        ("repository", markdown_code(&looked.project.name)),
        ("jobs", list(jobs)),
        ("images", list(images)),
        ("via", ways.into_iter().collect::<Vec<_>>().join(", ")),
    ])
}

fn folded(looked: &Looked) -> impl Iterator<Item = &RepositoryReport> {
    looked.reports.iter().filter(|report| report.verdict == Verdict::Folded)
}

/// The different ones of `names` in code, in their first order.
fn list<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let mut seen = BTreeSet::new();
    names.filter(|name| seen.insert(*name)).map(|name| markdown_code(name)).collect::<Vec<_>>().join(", ")
}

/// What was folded, the proof, what was found, and how to check it. All names and words of the user's files stand in code,
/// where GitLab reads no mention, no reference and no command.
fn report(looked: &Looked, (target, branch): (&str, &str)) -> Vec<Block> {
    let mut text = String::from(
        "The files that one job builds for an image are now built by a stage of the Dockerfile itself: nothing is handed on \
         between jobs any more, and the image is what it was.\n\n",
    );
    let handoffs = folded(looked).flat_map(|report| &report.handoffs);
    handoffs.for_each(|handoff| self::handoff(&mut text, handoff));
    let _ = writeln!(
        text,
        "\nFiles that change: {}.",
        list(looked.files.keys().map(|path| path.as_str().to_owned()).collect::<Vec<_>>().iter())
    );
    let mut blocks = vec![plain(text)];
    blocks.extend(folded(looked).filter_map(|report| report.proof.as_ref()).map(proof));
    let findings: Vec<_> = folded(looked).flat_map(|report| &report.findings).collect();
    if !findings.is_empty() {
        let lines: String = findings.into_iter().map(finding).collect();
        blocks.push(plain(format!("\nWhat was found on the way:\n\n{lines}")));
    }
    let difference = markdown_code(&format!("git diff {target}...{branch}"));
    blocks.push(plain(format!(
        "\nHow to check it: {difference} shows all that changes, `stagefold explain CODE` says what a finding means, and \
         `stagefold prove` builds the image before and after and compares both.\n\nMade by `stagefold`.\n"
    )));
    blocks
}

fn handoff(text: &mut String, handoff: &HandoffReport) {
    let (producers, consumer) = (list(handoff.producers.iter()), markdown_code(&handoff.consumer));
    let paths = list(handoff.paths.iter());
    let way = match handoff.via {
        Via::Cache => "by a cache",
        Via::Artifacts => "by artifacts",
        Via::DockerCp => "by `docker cp`",
    };
    let what = if paths.is_empty() { "files".to_owned() } else { paths };
    let dockerfile = markdown_code(&handoff.dockerfile);
    let kept = if handoff.producer_kept { "; the first job stays for the sake of others" } else { "" };
    let _ = match (handoff.fallback, handoff.via) {
        (Some(fallback), _) => {
            writeln!(text, "- {producers} handed {what} to {consumer} {way}; now {} do it.", fallback.name())
        }
        (None, Via::DockerCp) => {
            writeln!(
                text,
                "- {consumer} took {what} out of the image of {producers}; now a stage of {dockerfile} makes them."
            )
        }
        (None, _) => {
            writeln!(
                text,
                "- {producers} handed {what} to {consumer} {way}; now a stage of {dockerfile} makes them{kept}."
            )
        }
    };
}

fn finding(finding: &FindingReport) -> String {
    let weight = match finding.severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Review => "accepted",
        Severity::Refusal => "left alone",
        Severity::Error => "error",
    };
    let place = match finding.line {
        Some(line) => format!("{}:{line}", finding.file),
        None => finding.file.clone(),
    };
    let (place, message) = (markdown_code(&place), markdown_code(&finding.message));
    let help = finding.help.as_deref().map(|help| format!(" What to do: {}.", markdown_code(help))).unwrap_or_default();
    format!("- {weight} `{}` in {place}: {message}.{help}\n", finding.code)
}

/// What came of building the images of a pipeline both ways, an image on each line (docs/proof.schema.json).
fn proof(proof: &Value) -> Block {
    let images = proof.get("images").and_then(Value::as_array).into_iter().flatten();
    let lines: String = images.map(image).collect();
    let lines = if lines.is_empty() { "- no image is built by the jobs that were folded\n".to_owned() } else { lines };
    let (engine, commit) = (markdown_code(text_of(proof, "engine")), markdown_code(text_of(proof, "commit")));
    let text = format!("\nBuilt before and after with {engine} at commit {commit}, and compared:\n\n{lines}");
    Block { text, is_proof: true }
}

fn image(image: &Value) -> String {
    let (job, dockerfile) = (markdown_code(text_of(image, "job")), markdown_code(text_of(image, "dockerfile")));
    let both = |name: &str, unit: &str| {
        let of = |way: &str| image.get("figures")?.get(way)?.get(name).and_then(Value::as_f64);
        of("old").zip(of("new")).map(|(old, new)| format!(", {old} {unit} before and {new} {unit} after"))
    };
    let figures = [both("size", "bytes"), both("cold", "s")].into_iter().flatten().collect::<String>();
    let differences = image.get("differences").and_then(Value::as_array).map_or(0, Vec::len);
    let differences = match differences {
        0 => String::new(),
        1 => ", 1 difference".to_owned(),
        count => format!(", {count} differences"),
    };
    format!("- job {job}, {dockerfile}: **{}**{differences}{figures}\n", text_of(image, "verdict"))
}

fn text_of<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{TITLE, Template, Text};
    use crate::campaign::step::Looked;

    /// A look at a project whose names and findings want to be read as commands.
    fn looked(findings: usize) -> Looked {
        let hostile = "x`\n/close Closes #1 @all";
        let finding = json!({
            "code": "legacy-variable-renamed", "severity": "note", "message": hostile, "file": hostile, "line": 3, "column": 1,
            "help": hostile
        });
        let handoff = json!({
            "via": "cache", "producers": [hostile], "consumer": "Fixes #2", "paths": ["a|b"], "dockerfile": "Dockerfile",
            "producer_kept": false, "fallback": null
        });
        let figures = json!({"old": {"size": 12, "cold": 2.5}, "new": {"size": 11, "cold": 2.0}});
        let image = json!({
            "job": hostile, "dockerfile": "Dockerfile", "verdict": "same-but-for", "figures": figures, "differences": [1]
        });
        let report = json!({
            "path": ".", "verdict": "folded", "applicability": "safe", "handoffs": [handoff], "findings": vec![finding; findings],
            "changes": [], "patch": "", "proof": {"engine": "docker", "images": [image]}
        });
        serde_json::from_value(json!({
            "project": {"name": hostile, "place": {"folder": "/x"}, "pipelines": []}, "inputs": {"options": ""},
            "reports": [report], "files": {"Dockerfile": {"before": null, "after": "x"}}
        }))
        .unwrap()
    }

    fn text(looked: &Looked, title: &str, message: Option<&str>) -> Text {
        let message = message.map(|message| Template::parse(message, &Template::MESSAGE_WORDS).unwrap());
        let title = Template::parse(title, &Template::TITLE_WORDS).unwrap();
        Text::of(looked, &title, message.as_ref(), ("main", "branch"))
    }

    #[test]
    fn no_name_closes_an_issue_commands_or_calls_anybody() {
        let text = text(&looked(1), "{repository} {jobs}", None);
        let all = format!("{}\n{}", text.commit_message(), text.description(&str::to_owned, usize::MAX));
        for word in ["Closes #1", "Fixes #2", "\n/close", " @all"] {
            assert!(!all.contains(word), "{word} in\n{all}");
        }
        assert!(!text.title.contains('\n') && text.commit_message().starts_with(&text.title));
    }

    #[test]
    fn a_description_that_is_too_long_is_cut_at_a_line_and_says_so() {
        let text = text(&looked(5_000), TITLE, None);
        let description = text.description(&|part| part.replace('\n', "\\n"), 60_000);
        assert!(description.len() <= 60_000 && description.len() > 59_000, "{}", description.len());
        assert!(
            description.contains(
                "**same-but-for**, 1 difference, 12 bytes before and 11 bytes after, 2.5 s before and 2 s after"
            ),
            "the proof comes before the findings"
        );
        let lines: Vec<_> = description.split("\\n").filter(|line| !line.is_empty()).collect();
        assert!(lines.last().unwrap().starts_with("(The rest does not fit here"), "{lines:?}");
        assert!(lines[lines.len() - 2].ends_with('.'), "{}", lines[lines.len() - 2]);
    }

    #[test]
    fn one_line_that_is_too_long_leaves_the_report_whole() {
        let text = text(&looked(0), TITLE, Some(&format!("{}\n\n{{report}}", "é".repeat(100_000))));
        let description = text.description(&str::to_owned, 60_000);
        assert!(description.len() <= 60_000 && description.contains("é…\n"), "{}", description.len());
        assert!(
            description.contains("Made by `stagefold`.") && description.contains("**same-but-for**"),
            "{description}"
        );
    }

    #[test]
    fn a_proof_stands_in_the_merge_request_alone() {
        let text = text(&looked(0), TITLE, Some("Hello\n\n{report}\n\n{report}"));
        assert!(!text.commit_message().contains(
            "**same-but-for**, 1 difference, 12 bytes before and 11 bytes after, 2.5 s before and 2 s after"
        ));
        assert_eq!(
            text.description(&str::to_owned, usize::MAX)
                .matches(
                    "**same-but-for**, 1 difference, 12 bytes before and 11 bytes after, 2.5 s before and 2 s after"
                )
                .count(),
            2
        );
        assert!(text.commit_message().starts_with(&format!("{TITLE}\n\nHello\n\nThe files")));
    }
}
