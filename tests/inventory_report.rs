//! What an inventory looks like in every format, from reports made by hand: no repository takes part.
//!
//! What people see of each stands in `snapshots/inventory`; `STAGEFOLD_BLESS=1 cargo test --test inventory_report` writes
//! these files anew.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where something is not as it must be")]

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use stagefold::finding::{Code, Severity};
use stagefold::report::{
    ChangeKind, ChangeReport, Detail, FindingReport, HandoffReport, Inventory, InventoryFormat, RepositoryReport,
    Savings, Terminal, write_inventory,
};
use stagefold::{Applicability, Fallback, Verdict, Via};

fn report(path: &str, verdict: Verdict) -> RepositoryReport {
    RepositoryReport {
        path: path.to_owned(),
        pipeline: None,
        verdict,
        applicability: None,
        handoffs: Vec::new(),
        findings: Vec::new(),
        changes: Vec::new(),
        patch: String::new(),
        savings: None,
        folded_by_accepting: Vec::new(),
        proof: None,
    }
}

fn handoff(via: Via) -> HandoffReport {
    HandoffReport {
        via,
        producers: vec!["build".to_owned()],
        consumer: "containerize".to_owned(),
        paths: vec!["dist/".to_owned()],
        dockerfile: "Dockerfile".to_owned(),
        producer_kept: false,
        fallback: None,
    }
}

fn finding(code: Code) -> FindingReport {
    FindingReport {
        code,
        severity: code.severity(),
        message: format!("{}, in job 'build'", code.title()),
        file: ".gitlab-ci.yml".to_owned(),
        line: Some(12),
        column: Some(5),
        help: Some("see 'stagefold explain'".to_owned()),
        accept: code.severity() == Severity::Review,
        accepted: false,
    }
}

fn folded(path: &str, via: Via, savings: Savings) -> RepositoryReport {
    let change = |path: &str, kind| ChangeReport { path: path.to_owned(), kind };
    RepositoryReport {
        applicability: Some(Applicability::Safe),
        handoffs: vec![handoff(via)],
        changes: vec![
            change(".dockerignore", ChangeKind::Create),
            change(".gitlab-ci.yml", ChangeKind::Edit),
            change("Dockerfile", ChangeKind::Edit),
        ],
        patch: "diff --git a/Dockerfile b/Dockerfile\n--- a/Dockerfile\n+++ b/Dockerfile\n@@ -1 +1 @@\n-a\n+b\n"
            .to_owned(),
        savings: Some(savings),
        ..report(path, Verdict::Folded)
    }
}

fn refused(path: &str, via: Via, codes: &[Code], folded_by_accepting: &[Code]) -> RepositoryReport {
    RepositoryReport {
        handoffs: vec![handoff(via)],
        findings: codes.iter().map(|code| finding(*code)).collect(),
        folded_by_accepting: folded_by_accepting.to_vec(),
        ..report(path, Verdict::Refused)
    }
}

/// Every verdict, every way, reasons of every kind.
fn mixed() -> Vec<RepositoryReport> {
    use Code::{
        BuildJobKept, BuildPerhapsSkipped, BuildReliesOnCache, DockerfileShared, NullScriptItem, RulesDiffer,
        SecretKindUnclear, YamlSyntax,
    };
    let mut accepted = folded("group/accepted", Via::Cache, Savings { jobs: 1, transfers: 2 });
    accepted.applicability = Some(Applicability::Review);
    accepted.findings = vec![FindingReport { accepted: true, ..finding(SecretKindUnclear) }, finding(NullScriptItem)];
    let mut kept = folded("group/kept", Via::Artifacts, Savings { jobs: 0, transfers: 1 });
    kept.handoffs[0].producer_kept = true;
    kept.findings = vec![finding(BuildJobKept)];
    let mut proven = folded("group/proven", Via::Artifacts, Savings { jobs: 1, transfers: 2 });
    proven.handoffs.push(handoff(Via::DockerCp));
    proven.proof =
        Some(json!({"version": 1, "engine": "docker", "commit": "", "verdict": "same-but-for", "images": []}));
    let mut rerouted = folded("group/rerouted", Via::Cache, Savings::default());
    rerouted.handoffs[0].fallback = Some(Fallback::Artifacts);
    rerouted.changes.truncate(1);
    let mut failed = report("group/unreadable", Verdict::Failed);
    failed.findings = vec![FindingReport { line: None, column: None, help: None, ..finding(YamlSyntax) }];
    let second = RepositoryReport {
        pipeline: Some("web/.gitlab-ci.yml".to_owned()),
        ..refused("group/two", Via::DockerCp, &[BuildReliesOnCache, DockerfileShared], &[])
    };
    let four = [BuildPerhapsSkipped, BuildReliesOnCache, SecretKindUnclear, Code::BuildImageLoginMissing];
    vec![
        accepted,
        kept,
        report("group/library", Verdict::NothingToFold),
        report("group/much-longer-than-all-the-others/and-nothing-to-fold", Verdict::NothingToFold),
        proven,
        refused("group/one-reason", Via::Artifacts, &[BuildReliesOnCache], &[BuildReliesOnCache]),
        rerouted,
        refused("group/shared", Via::Artifacts, &[DockerfileShared], &[]),
        refused("group/several", Via::Cache, &four, &four),
        refused(
            "group/two",
            Via::Artifacts,
            &[BuildReliesOnCache, BuildPerhapsSkipped],
            &[BuildPerhapsSkipped, BuildReliesOnCache],
        ),
        second,
        failed,
        refused("group/way", Via::Cache, &[RulesDiffer], &[]),
    ]
}

/// What a spreadsheet, a terminal, Markdown or a page would obey.
const HOSTILE: [&str; 14] = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "two\r\nlines",
    "\u{2028}\u{2029}\u{85}\u{1b}[2J\u{9b}31m\u{202e}",
    "a|b`c``d\\|e",
    "=cmd|' /C calc'!A0",
    "+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "quoted \"name\", and more; 'x'",
    "Closes #1, @all <img src=x onerror=alert(1)> [a](javascript:b) ~bug",
    "/close",
    "{{data}}{{script}}&lt;&amp;",
];

fn hostile() -> Vec<RepositoryReport> {
    let verdicts = [Verdict::Folded, Verdict::Refused, Verdict::NothingToFold, Verdict::Failed];
    let mut reports = Vec::new();
    for (index, text) in HOSTILE.iter().enumerate() {
        let mut odd = folded(text, Via::Cache, Savings::default());
        odd.verdict = verdicts[index % verdicts.len()];
        odd.findings = vec![FindingReport {
            message: (*text).to_owned(),
            file: (*text).to_owned(),
            help: Some((*text).to_owned()),
            ..finding(if odd.verdict == Verdict::Failed { Code::YamlSyntax } else { Code::DockerfileShared })
        }];
        odd.handoffs[0].producers = vec![(*text).to_owned()];
        odd.handoffs[0].paths = vec![(*text).to_owned()];
        odd.changes[0].path = (*text).to_owned();
        odd.patch = format!("+{text}\n");
        reports.push(odd);
    }
    reports
}

fn only_nothing() -> Vec<RepositoryReport> {
    vec![report("a", Verdict::NothingToFold)]
}

fn cases() -> Vec<(&'static str, Vec<RepositoryReport>)> {
    vec![("empty", Vec::new()), ("hostile", hostile()), ("mixed", mixed()), ("only-nothing", only_nothing())]
}

fn counted(reports: &[RepositoryReport]) -> Inventory {
    let mut inventory = Inventory::default();
    reports.iter().for_each(|report| inventory.count(report));
    inventory
}

fn printed(format: InventoryFormat, reports: &[RepositoryReport], detail: Detail, color: bool) -> String {
    let mut out = Vec::new();
    let mut stream = reports.iter().cloned().map(Ok);
    write_inventory(format, &counted(reports), &mut stream, Terminal { detail, color }, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn plain(format: InventoryFormat, reports: &[RepositoryReport]) -> String {
    printed(format, reports, Detail::Normal, false)
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots/inventory")
}

/// The files of `snapshots/inventory`, and what they hold.
fn snapshots() -> Vec<(String, String)> {
    let mut files = Vec::new();
    for (name, reports) in cases() {
        for (format, extension) in
            [(InventoryFormat::Text, "txt"), (InventoryFormat::Markdown, "md"), (InventoryFormat::Csv, "csv")]
        {
            files.push((format!("{name}.{extension}"), plain(format, &reports)));
        }
    }
    for (name, detail) in [("quiet", Detail::Quiet), ("verbose", Detail::Verbose)] {
        files.push((format!("mixed-{name}.txt"), printed(InventoryFormat::Text, &mixed(), detail, false)));
    }
    files
}

#[test]
fn what_people_see_is_what_the_snapshots_say() {
    for (name, shown) in snapshots() {
        let path = folder().join(&name);
        if std::env::var_os("STAGEFOLD_BLESS").is_some() {
            fs::write(&path, &shown).unwrap();
        }
        let known = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(shown, known, "{} is not what is shown", path.display());
    }
}

#[test]
fn no_snapshot_outlives_its_case() {
    let known: BTreeSet<_> = snapshots().into_iter().map(|(name, _)| name).collect();
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let orphans: Vec<_> = files.filter(|name| !known.contains(name)).collect();
    assert!(orphans.is_empty(), "{orphans:?}");
}

fn schema() -> jsonschema::Validator {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/report.schema.json");
    jsonschema::validator_for(&serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()).unwrap()
}

fn document(reports: &[RepositoryReport]) -> Value {
    serde_json::from_str(&plain(InventoryFormat::Json, reports)).unwrap()
}

#[test]
fn the_json_of_every_case_keeps_to_the_schema_and_can_be_read_again() {
    let schema = schema();
    for (name, reports) in cases() {
        let document = document(&reports);
        let errors: Vec<_> = schema.iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
        let again: Vec<RepositoryReport> = serde_json::from_value(document["repositories"].clone()).unwrap();
        assert_eq!(again, reports, "{name}");
    }
}

#[test]
fn the_schema_knows_no_other_field_of_a_summary() {
    let schema = schema();
    let whole = document(&mixed());
    for place in [
        "/summary",
        "/summary/counts",
        "/summary/handoffs/0",
        "/summary/savings",
        "/summary/proofs",
        "/summary/reasons/0",
        "/summary/together/0",
        "/repositories/0/savings",
    ] {
        let mut odd = whole.clone();
        odd.pointer_mut(place).unwrap().as_object_mut().unwrap().insert("odd".to_owned(), json!(1));
        assert!(!schema.is_valid(&odd), "a new field of `{place}` is not seen");
    }
}

#[test]
fn the_summary_has_this_shape() {
    let summary = document(&mixed())["summary"].clone();
    assert_eq!(summary["counts"], json!({"folded": 4, "refused": 6, "nothing-to-fold": 2, "failed": 1}));
    assert_eq!(
        summary["handoffs"],
        json!([
            {"via": "cache", "folded": 2, "left_alone": 2},
            {"via": "artifacts", "folded": 2, "left_alone": 3},
            {"via": "docker-cp", "folded": 1, "left_alone": 1},
        ])
    );
    assert_eq!(summary["savings"], json!({"jobs": 2, "transfers": 5}));
    assert_eq!(summary["proofs"], json!({"same-but-for": 1}));
    let first = json!({
        "code": "build-relies-on-cache", "title": Code::BuildReliesOnCache.title(), "severity": "review",
        "pipelines": 4, "alone": 1, "folds": 1,
    });
    assert_eq!(summary["reasons"][0], first);
    let pair = json!({"codes": ["build-perhaps-skipped", "build-relies-on-cache"], "folds": 1});
    assert_eq!(summary["together"][0], pair);
    assert_eq!(summary["folded_by_more"], json!(0));
}

#[test]
fn sets_of_codes_are_counted_whatever_their_order_and_size() {
    use Code::{BuildImageLoginMissing, BuildPerhapsSkipped, BuildReliesOnCache, BuilderLayersInRegistry};
    let five = [
        BuildImageLoginMissing,
        BuildPerhapsSkipped,
        BuildReliesOnCache,
        BuilderLayersInRegistry,
        Code::SecretKindUnclear,
    ];
    let pair = [BuildPerhapsSkipped, BuildReliesOnCache];
    let turned = [BuildReliesOnCache, BuildPerhapsSkipped];
    let reports = vec![
        refused("a", Via::Cache, &pair, &pair),
        refused("b", Via::Cache, &turned, &turned),
        refused("c", Via::Cache, &five, &five),
    ];
    let summary = document(&reports)["summary"].clone();
    assert_eq!(summary["together"], json!([{"codes": ["build-perhaps-skipped", "build-relies-on-cache"], "folds": 2}]));
    assert_eq!(summary["folded_by_more"], json!(1));
    let text = plain(InventoryFormat::Text, &reports);
    assert!(text.contains("accepting more than 4 codes at once folds 1 more\n"), "{text}");
}

#[test]
fn a_terminal_gets_the_first_reasons_and_the_number_of_the_others() {
    let refusals = Code::ALL.iter().filter(|code| code.severity() == Severity::Refusal).take(25);
    let reports: Vec<_> = refusals.map(|code| refused(code.name(), Via::Cache, &[*code], &[])).collect();
    let told = |detail| printed(InventoryFormat::Text, &reports, detail, false);
    assert_eq!(told(Detail::Normal).matches("alone in the way of 1").count(), 20);
    assert!(told(Detail::Normal).ends_with("  … and 5 more (-v lists them)\n"), "{}", told(Detail::Normal));
    assert_eq!(told(Detail::Verbose).matches("alone in the way of 1").count(), 25);
}

#[test]
fn colours_are_all_that_colours_add() {
    for (name, reports) in cases() {
        let colored = printed(InventoryFormat::Text, &reports, Detail::Verbose, true);
        let mut uncolored = String::new();
        for (at, part) in colored.split('\u{1b}').enumerate() {
            uncolored += if at == 0 { part } else { part.split_once('m').unwrap().1 };
        }
        assert_eq!(uncolored, printed(InventoryFormat::Text, &reports, Detail::Verbose, false), "{name}");
        assert!(colored.contains('\u{1b}'), "{name}");
    }
}

#[test]
fn nothing_of_the_user_reaches_a_terminal_unseen() {
    let text = printed(InventoryFormat::Text, &hostile(), Detail::Verbose, false);
    let odd: BTreeSet<_> = text.chars().filter(|character| character.is_control() && *character != '\n').collect();
    assert!(odd.is_empty(), "{odd:?}");
    assert!(!text.contains(['\u{202e}', '\u{2028}']), "{text}");
    let starts = [
        "verdict ",
        "folded ",
        "refused ",
        "nothing-to-fold ",
        "failed ",
        "    ",
        "14 repositories: ",
        "4 hand-offs by cache ",
        "10 hand-offs by cache ",
        "What is in the way",
        "  dockerfile-shared: ",
        "  yaml-syntax: ",
    ];
    for line in text.lines().filter(|line| !line.is_empty()) {
        assert!(starts.iter().any(|start| line.starts_with(start)), "{line}");
    }
}

/// Reads lines of RFC 4180, strictly.
fn cells(csv: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut rest) = (Vec::new(), Vec::new(), csv);
    while !rest.is_empty() {
        let (cell, behind) = match rest.strip_prefix('"') {
            Some(quoted) => {
                let ends = |at: &usize| {
                    let is_last = ["\",", "\"\r\n"].iter().any(|end| quoted[*at..].starts_with(end));
                    is_last && quoted[..*at].matches('"').count() % 2 == 0
                };
                let end = quoted.match_indices('"').map(|(at, _)| at).find(ends).unwrap();
                (quoted[..end].replace("\"\"", "\""), &quoted[end + 1..])
            }
            None => {
                let end = rest.find([',', '\r']).unwrap();
                assert!(!rest[..end].contains('"'), "{rest}");
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        row.push(cell);
        rest = match behind.strip_prefix("\r\n") {
            Some(next) => {
                rows.push(std::mem::take(&mut row));
                next
            }
            None => behind.strip_prefix(',').unwrap(),
        };
    }
    rows
}

#[test]
fn a_spreadsheet_gets_the_same_columns_everywhere_and_no_formula() {
    for (name, reports) in cases() {
        let rows = cells(&plain(InventoryFormat::Csv, &reports));
        assert_eq!(rows.len(), reports.len() + 1, "{name}");
        for row in &rows {
            assert_eq!(row.len(), rows[0].len(), "{name}: {row:?}");
            for cell in row {
                assert!(!cell.trim_start().starts_with(['=', '+', '-', '@']), "{cell}");
                assert!(!cell.contains(char::is_control), "{cell:?}");
            }
        }
    }
}

#[test]
fn markdown_says_nothing_of_the_user_outside_of_code() {
    for line in plain(InventoryFormat::Markdown, &hostile()).lines() {
        assert!(!line.starts_with('/'), "GitLab would take this for a command: {line}");
        let mut outside = String::new();
        let mut rest = line;
        while let Some(at) = rest.find(['`', '<']) {
            outside += &rest[..at];
            let (start, end) = if rest[at..].starts_with('`') { ("`", "`") } else { ("<code>", "</code>") };
            let inside = rest[at..].strip_prefix(start).unwrap_or_else(|| panic!("{line}"));
            rest = inside.split_once(end).unwrap().1;
        }
        outside += rest;
        assert!(!outside.contains(['@', '#', '~', '!', '[', '&', '\\']), "{line}");
        assert!([0, 5, 6].contains(&outside.matches('|').count()), "{line}");
    }
}

#[test]
fn a_report_that_cannot_be_read_ends_the_telling() {
    use InventoryFormat::{Csv, Html, Json, Markdown, Text};
    for format in [Text, Json, Csv, Markdown, Html] {
        let broken = || Err(io::Error::other("the disk is gone"));
        let mut stream = mixed().into_iter().take(2).map(Ok).chain(std::iter::once_with(broken));
        let style = Terminal { detail: Detail::Normal, color: false };
        let error = write_inventory(format, &counted(&mixed()), &mut stream, style, &mut Vec::new()).unwrap_err();
        assert_eq!(error.to_string(), "the disk is gone", "{format:?}");
    }
}

/// The JSON that stands in the page, and the page without it.
fn parts_of_page(page: &str) -> (&str, String) {
    let (before, rest) = page.split_once("<script type=\"application/json\" id=\"data\">").unwrap();
    let (data, behind) = rest.split_once("</script>").unwrap();
    (data, format!("{before}{behind}"))
}

#[test]
fn the_page_holds_the_json_and_nothing_else_of_the_user() {
    let nothing = vec![report("x", Verdict::NothingToFold); HOSTILE.len()];
    for (name, reports) in cases() {
        let page = plain(InventoryFormat::Html, &reports);
        let (data, rest) = parts_of_page(&page);
        assert_eq!(serde_json::from_str::<Value>(data).unwrap(), document(&reports), "{name}");
        assert!(!data.contains(['<', '\u{2028}', '\u{2029}']), "{name}");
        assert!(HOSTILE.iter().all(|text| !rest.contains(text)), "{name}");
        assert_eq!(page.matches("<script").count(), 2, "{name}");
    }
    let (hostile, harmless) = (plain(InventoryFormat::Html, &hostile()), plain(InventoryFormat::Html, &nothing));
    let script = |page: &str| page.rsplit_once("<script>").unwrap().1.to_owned();
    assert_eq!(script(&hostile), script(&harmless));
}

#[test]
fn the_page_tells_its_counts_without_a_script() {
    let page = plain(InventoryFormat::Html, &mixed());
    let (_, rest) = page.split_once("<noscript>").unwrap();
    let (told, _) = rest.split_once("</noscript>").unwrap();
    assert!(told.contains("13 repositories: 4 folded, 6 refused, 2 nothing to fold, 1 failed"), "{told}");
    assert!(told.contains("<li>accepting build-relies-on-cache folds 1 more"), "{told}");
}

#[test]
fn the_policy_of_the_page_allows_its_own_script_and_style_alone() {
    let page = plain(InventoryFormat::Html, &mixed());
    let (_, rest) = page.split_once("Content-Security-Policy\" content=\"").unwrap();
    let (policy, _) = rest.split_once('"').unwrap();
    let directives: Vec<_> = policy.split("; ").collect();
    assert!(directives.contains(&"default-src 'none'") && directives.contains(&"base-uri 'none'"), "{policy}");
    for name in ["script-src", "style-src"] {
        let directive = directives.iter().find(|directive| directive.starts_with(name)).unwrap();
        assert!(directive.split(' ').skip(1).all(|source| source.starts_with("'sha256-")), "{directive}");
    }
    for word in [" onclick", " onload", " style=\"", "unsafe-"] {
        assert!(!parts_of_page(&page).1.contains(word), "{word}");
    }
}
