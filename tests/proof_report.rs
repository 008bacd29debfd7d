//! What a proof looks like, from proofs made by hand: no engine takes part.
//!
//! What people see of each stands in `snapshots/proof`, as text and as Markdown; `STAGEFOLD_BLESS=1 cargo test --test
//! proof_report` writes these files anew.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where something is not as it must be")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use stagefold::prove::{
    Aspect, BuildFigures, Change, Comparison, Detail, Difference, Failure, ImageProof, Member, Proof, ProofVerdict,
    Reason, Subject, Way, Weight,
};
use stagefold::report::{Detail as Amount, proof_json, proof_markdown, proof_text};
use stagefold::text::RepositoryPath;

fn proof(images: Vec<ImageProof>) -> Proof {
    Proof {
        engine: "docker 28.5.2 (BuildKit)".to_owned(),
        commit: "0123456789abcdef0123456789abcdef01234567".to_owned(),
        images,
    }
}

fn image(job: &str, verdict: ProofVerdict, differences: Vec<Difference>) -> ImageProof {
    let figures = |size, cold, changed| {
        let changed = Some(Duration::from_millis(changed));
        Some(BuildFigures { size, cold: Duration::from_millis(cold), changed })
    };
    ImageProof {
        job: job.to_owned(),
        dockerfile: RepositoryPath::new("Dockerfile").unwrap(),
        tags: vec!["registry.example.com/group/app:latest".to_owned()],
        verdict,
        comparison: Comparison { entries_before: 4312, entries_after: 4312, differences },
        before: figures(85_144_371, 200_432, 184_000),
        after: figures(85_144_371, 125_007, 12_040),
        failure: None,
    }
}

fn failed(verdict: ProofVerdict, failure: Failure) -> ImageProof {
    ImageProof {
        comparison: Comparison::default(),
        tags: Vec::new(),
        before: None,
        after: None,
        failure: Some(failure),
        ..image("containerize", verdict, Vec::new())
    }
}

fn aspect(name: &'static str, before: &str, after: &str) -> Aspect {
    Aspect { name, before: before.to_owned(), after: after.to_owned() }
}

fn file(path: &str, change: Change) -> Difference {
    Difference { subject: Subject::File(path.to_owned()), change, weight: Weight::Counts, detail: None }
}

fn changed(path: &str, aspects: &[Aspect]) -> Difference {
    file(path, Change::Aspects(aspects.to_vec()))
}

fn configuration(key: &str, before: &str, after: &str) -> Difference {
    let subject = Subject::Configuration(key.to_owned());
    Difference { subject, ..changed("", &[aspect("value", before, after)]) }
}

fn harmless(reason: Reason, difference: Difference) -> Difference {
    Difference { weight: Weight::Harmless(reason), ..difference }
}

fn with_lines(lines: &str, difference: Difference) -> Difference {
    Difference { detail: Some(Detail::Lines(lines.to_owned())), ..difference }
}

fn with_members(members: Vec<(&str, Change)>, difference: Difference) -> Difference {
    let members = members.into_iter().map(|(name, change)| Member { name: name.to_owned(), change }).collect();
    Difference { detail: Some(Detail::Members(members)), ..difference }
}

fn bytes(before: &str, after: &str) -> Aspect {
    let told = |digest: &str| format!("1234 bytes, sha256:{}…", digest.repeat(6));
    aspect("bytes", &told(before), &told(after))
}

fn same() -> ImageProof {
    image("containerize", ProofVerdict::Same, Vec::new())
}

fn same_but_for() -> ImageProof {
    let stamp = Change::Aspects(vec![aspect("time", "2026-11-28 10:00:02", "2026-11-28 10:02:14")]);
    let differences = vec![
        harmless(Reason::RunnerUmask, changed("/app/assets", &[aspect("mode", "0777", "0755")])),
        harmless(Reason::RunnerUmask, changed("/app/public", &[aspect("mode", "0777", "0755")])),
        harmless(
            Reason::Timestamps,
            with_members(vec![("META-INF/MANIFEST.MF", stamp)], changed("/app/app.jar", &[bytes("ab", "cd")])),
        ),
        harmless(
            Reason::NotReproducible,
            with_lines("@@ -1 +1 @@\n-build 1f3a\n+build 77c0\n", changed("/app/build.id", &[bytes("12", "34")])),
        ),
    ];
    image("containerize", ProofVerdict::SameButFor, differences)
}

fn different() -> ImageProof {
    let members = vec![
        ("BOOT-INF/lib/slf4j-api-2.0.9.jar", Change::Missing),
        ("com/example/Main.class", Change::Aspects(vec![aspect("bytes", "812 bytes", "840 bytes")])),
        ("com/example/New.class", Change::Extra),
        ("… 40 more", Change::Aspects(Vec::new())),
    ];
    let mut differences = vec![
        configuration("Cmd", "[\"node\",\"server.js\"]", "[\"node\",\"dist/server.js\"]"),
        configuration(
            "Env",
            "NODE_ENV=production, PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "PATH=/app/node_modules/.bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        ),
        configuration("User", "node", ""),
        file("/app/.npmrc", Change::Extra),
        with_members(members, changed("/app/app.jar", &[bytes("ab", "cd")])),
        with_lines(
            "@@ -1,3 +1,3 @@\n {\n-\t\"stage\": \"production\"\r\n+\t\"stage\": \"production\"\n }\n",
            changed("/app/config.json", &[aspect("bytes", "31 bytes", "30 bytes"), aspect("mode", "0640", "0644")]),
        ),
        changed("/app/data", &[aspect("owner", "1000:1000", "0:0")]),
        changed("/app/latest", &[aspect("link", "releases/2", "releases/1")]),
    ];
    differences.push(file("/app/node_modules", Change::Missing));
    let below = (0..1204).map(|number| file(&format!("/app/node_modules/m{number:04}"), Change::Missing));
    differences.extend(below);
    differences.push(changed("/app/run.sh", &[aspect("mode", "0755", "0644")]));
    differences.push(file("/app/server.js", Change::Missing));
    differences.push(harmless(Reason::RunnerUmask, changed("/app/views", &[aspect("mode", "0777", "0755")])));
    let mut image = image("containerize", ProofVerdict::Different, differences);
    image.comparison.entries_after = 3106;
    image.after = Some(BuildFigures { size: 61_300_000, cold: Duration::from_millis(260_000), changed: None });
    image
}

/// What `docs/prove.md` shows.
fn example() -> ImageProof {
    let differences = vec![
        configuration("Env", "NODE_ENV=production", "none"),
        with_lines(
            "@@ -1,2 +1,2 @@\n #!/bin/sh\n-exec node server.js\n+exec node dist/server.js\n",
            changed("/app/run.sh", &[aspect("mode", "0755", "0644"), aspect("bytes", "30 bytes", "35 bytes")]),
        ),
        file("/app/server.js", Change::Missing),
        harmless(Reason::RunnerUmask, changed("/app/public", &[aspect("mode", "0777", "0755")])),
    ];
    let mut image = image("containerize", ProofVerdict::Different, differences);
    image.comparison.entries_after = 4311;
    image
}

/// More than is listed, of each kind.
fn many() -> ImageProof {
    let long = (0..40).map(|number| format!("+line {number}\n")).collect::<String>();
    let members = (0..30).map(|_| ("a.class", Change::Extra)).collect();
    let mut differences = vec![
        with_members(members, changed("/srv/a.zip", &[aspect("bytes", "1 byte", "2 bytes")])),
        with_lines(&long, changed("/srv/b.txt", &[aspect("bytes", &"3".repeat(500), "4 bytes")])),
    ];
    differences
        .extend((0..360).map(|number| changed(&format!("/srv/f{number:03}"), &[aspect("mode", "0600", "0644")])));
    let modes = (0..70).map(|number| changed(&format!("/srv/g{number:03}"), &[aspect("mode", "0777", "0755")]));
    differences.extend(modes.map(|difference| harmless(Reason::RunnerUmask, difference)));
    image("containerize", ProofVerdict::Different, differences)
}

fn cannot_build_before() -> ImageProof {
    let failure = Failure {
        way: Way::Old,
        what: "job 'build' ended with exit status 1".to_owned(),
        last_lines: vec![
            "$ npm run build".to_owned(),
            "npm ERR! missing script: build".to_owned(),
            "npm ERR! A complete log of this run can be found in: /root/.npm/_logs".to_owned(),
        ],
        log: Some(PathBuf::from("/tmp/stagefold-prove-1/old.log")),
    };
    failed(ProofVerdict::CannotBuildBefore, failure)
}

fn new_way_broken() -> ImageProof {
    let failure = Failure {
        way: Way::New,
        what: "the build of Dockerfile ended with exit status 1".to_owned(),
        last_lines: (0..30).map(|number| format!("#12 {number}.4 COPY failed")).collect(),
        log: Some(PathBuf::from("/tmp/stagefold-prove-1/new.log")),
    };
    let mut image = failed(ProofVerdict::Different, failure);
    image.before = same().before.map(|figures| BuildFigures { changed: None, ..figures });
    image
}

fn several() -> Vec<ImageProof> {
    let mut second = same_but_for();
    second.job = "containerize:worker".to_owned();
    second.dockerfile = RepositoryPath::new("worker/Dockerfile").unwrap();
    second.tags = vec!["worker:1".to_owned(), "worker:latest".to_owned()];
    let mut third = cannot_build_before();
    third.job = "containerize:docs".to_owned();
    third.after = same().after;
    let fourth = image("four", ProofVerdict::Different, vec![file("/app/server.js", Change::Missing)]);
    vec![same(), second, third, fourth, new_way_broken()]
}

/// Names and texts that would like to be more than that.
const HOSTILE: [&str; 13] = [
    "a\n/label ~done\n/close",
    "/approve",
    "`",
    "```\n\n/merge\n\n```",
    "x | y || z \\| w \\",
    "</code></details></summary><script>alert(1)</script>",
    "@all @group/team #1 !1 ~bug %2 $3 &4 [x](https://example.com) ![y](z) <!-- -->",
    "\u{1b}[2J\u{1b}]0;title\u{7}\u{202e}txt",
    "\r\n# Heading\r\n---\r\n> quote\r\n>>>",
    "",
    "    indented\n~~~\n:tada: **bold** _it_ &lt; &#96;",
    "Closes #1\nfix: ABC-12, (resolves  https://gitlab.example.com/g/p/-/issues/1) implementing | group/app#3",
    "a\tb\u{85}\u{2028}/close\u{0}",
];

fn hostile() -> Vec<ImageProof> {
    let per_name = |text: &str| {
        let everywhere = vec![
            Difference {
                subject: Subject::Configuration(text.to_owned()),
                ..changed("", &[aspect("value", text, &text.repeat(80))])
            },
            with_lines(&format!("@@ -1 +1 @@\n-{text}\n {text}\n{text}\n"), changed(text, &[aspect("link", text, "")])),
            with_members(vec![(text, Change::Missing)], file(&format!("/{text}"), Change::Extra)),
            harmless(Reason::NotReproducible, file(text, Change::Missing)),
        ];
        let mut image = image(text, ProofVerdict::Different, everywhere);
        image.dockerfile = RepositoryPath::new(&text.replace("..", "")).unwrap();
        image.tags = vec![text.to_owned(), text.to_owned()];
        let failure = Failure {
            way: Way::New,
            what: text.to_owned(),
            last_lines: vec![text.to_owned(), text.to_owned()],
            log: Some(PathBuf::from(text)),
        };
        let broken = ImageProof { job: text.to_owned(), ..failed(ProofVerdict::Different, failure) };
        [image, broken]
    };
    HOSTILE.iter().flat_map(|text| per_name(text)).collect()
}

fn cases() -> Vec<(&'static str, Proof)> {
    let mut hostile = proof(hostile());
    hostile.engine = HOSTILE.concat();
    hostile.commit = HOSTILE.concat();
    vec![
        ("same", proof(vec![same()])),
        ("example", proof(vec![example()])),
        ("same-but-for", proof(vec![same_but_for()])),
        ("different", proof(vec![different()])),
        ("different-in-much", proof(vec![many()])),
        ("cannot-build-before", proof(vec![cannot_build_before()])),
        ("new-way-does-not-build", proof(vec![new_way_broken()])),
        ("several-images", proof(several())),
        ("hostile-names", hostile),
        ("no-image", proof(Vec::new())),
    ]
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots/proof")
}

#[test]
fn what_people_see_is_what_the_snapshots_say() {
    for (name, proof) in cases() {
        let text = proof_text(&proof, Amount::Normal, false);
        for (ending, shown) in [("txt", text), ("md", proof_markdown(&proof))] {
            let path = folder().join(name).with_extension(ending);
            if std::env::var_os("STAGEFOLD_BLESS").is_some() {
                fs::create_dir_all(folder()).unwrap();
                fs::write(&path, &shown).unwrap();
            }
            let expected = fs::read_to_string(&path).unwrap_or_default();
            assert!(shown == expected, "{}\nexpected:\n{expected}\nshown:\n{shown}", path.display());
        }
    }
}

#[test]
fn the_documentation_shows_what_is_printed() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/prove.md")).unwrap();
    let shown = proof_text(&proof(vec![example()]), Amount::Normal, false);
    assert!(page.contains(&format!("```text\n{shown}```\n")), "{shown}");
}

#[test]
fn no_snapshot_outlives_its_case() {
    let known: BTreeSet<_> = cases().into_iter().map(|(name, _)| name.to_owned()).collect();
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let orphans: Vec<_> = files.filter(|path| !known.contains(path.file_stem().unwrap().to_str().unwrap())).collect();
    assert!(orphans.is_empty(), "{orphans:?}");
}

fn schema() -> jsonschema::Validator {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/proof.schema.json");
    jsonschema::validator_for(&serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()).unwrap()
}

fn printed(proof: &Proof) -> Value {
    serde_json::from_str(&proof_json(proof).unwrap()).unwrap()
}

#[test]
fn the_json_of_every_case_keeps_to_the_schema() {
    let schema = schema();
    for (name, proof) in cases() {
        let printed = printed(&proof);
        let errors: Vec<_> = schema.iter_errors(&printed).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
        let differences = proof.images.iter().map(|image| image.comparison.differences.len());
        let in_json =
            printed["images"].as_array().unwrap().iter().map(|image| image["differences"].as_array().unwrap().len());
        assert!(differences.eq(in_json), "{name}: some differences are left out");
    }
}

#[test]
fn the_schema_knows_no_other_field_and_no_other_name() {
    let schema = schema();
    let whole = printed(&proof(several()));
    // The third image is the one that failed, the second the one with details, the first difference has a reason.
    let places = [
        "",
        "/images/0",
        "/images/0/entries",
        "/images/0/figures",
        "/images/0/figures/old",
        "/images/2/failure",
        "/images/1/differences/0",
        "/images/1/differences/0/aspects/0",
        "/images/1/differences/2/members/0",
    ];
    for place in places {
        let mut odd = whole.clone();
        odd.pointer_mut(place).unwrap().as_object_mut().unwrap().insert("odd".to_owned(), json!(1));
        assert!(!schema.is_valid(&odd), "a new field of `{place}` is not seen");
    }
    for (place, value) in [
        ("/version", json!(2)),
        ("/verdict", json!("fine")),
        ("/images/0/verdict", json!(null)),
        ("/images/1/differences/0/reason", json!(null)),
        ("/images/1/differences/0/weight", json!("counts")),
        ("/images/1/differences/0/change", json!("aspects")),
        ("/images/2/failure/way", json!("the old way")),
    ] {
        let mut odd = whole.clone();
        *odd.pointer_mut(place).unwrap() = value;
        assert!(!schema.is_valid(&odd), "{place}");
    }
}

#[test]
fn the_json_of_one_image_has_this_shape() {
    let mut image = different();
    image.comparison.differences.retain(|difference| match &difference.subject {
        Subject::Configuration(key) => key == "Cmd",
        Subject::File(path) => ["/app/config.json", "/app/server.js", "/app/views"].contains(&path.as_str()),
    });
    let difference = |subject: &str, name: &str, change: &str, aspects: Value| {
        json!({
            "subject": subject, "name": name, "change": change, "aspects": aspects, "weight": "counts", "reason": null,
            "lines": null, "members": null,
        })
    };
    let mut text = difference(
        "file",
        "/app/config.json",
        "changed",
        json!([
            {"name": "bytes", "old": "31 bytes", "new": "30 bytes"}, {"name": "mode", "old": "0640", "new": "0644"},
        ]),
    );
    text["lines"] = "@@ -1,3 +1,3 @@\n {\n-\t\"stage\": \"production\"\r\n+\t\"stage\": \"production\"\n }\n".into();
    let modes = json!([{"name": "mode", "old": "0777", "new": "0755"}]);
    let mut views = difference("file", "/app/views", "changed", modes);
    views["weight"] = "harmless".into();
    views["reason"] = "runner-umask".into();
    let command = json!([{"name": "value", "old": "[\"node\",\"server.js\"]", "new": "[\"node\",\"dist/server.js\"]"}]);
    let expected = json!({
        "version": 1,
        "engine": "docker 28.5.2 (BuildKit)",
        "commit": "0123456789abcdef0123456789abcdef01234567",
        "verdict": "different",
        "images": [{
            "job": "containerize",
            "dockerfile": "Dockerfile",
            "tags": ["registry.example.com/group/app:latest"],
            "verdict": "different",
            "entries": {"old": 4312, "new": 3106},
            "differences": [
                difference("configuration", "Cmd", "changed", command),
                text,
                difference("file", "/app/server.js", "missing", json!([])),
                views,
            ],
            "figures": {
                "old": {"size": 85_144_371, "cold": 200.432, "changed": 184.0},
                "new": {"size": 61_300_000, "cold": 260.0, "changed": null},
            },
            "failure": null,
        }],
    });
    assert_eq!(printed(&proof(vec![image])), expected);
}

#[test]
fn verbose_lists_all_and_quiet_only_what_is_wrong() {
    let all = proof_text(&proof(vec![many(), different()]), Amount::Verbose, false);
    for last in ["/srv/f359", "/srv/g069", "line 39", "/app/node_modules/m1203"] {
        assert!(all.contains(last), "{last}");
    }
    assert!(!all.contains("--format json") && !all.contains("below it"), "{all}");
    assert_eq!(proof_text(&proof(vec![same(), same_but_for()]), Amount::Quiet, false), "");
    let quiet = proof_text(&proof(several()), Amount::Quiet, false);
    assert_eq!(quiet.matches("image of job").count(), 3, "{quiet}");
    assert!(!quiet.contains("one line changed"), "{quiet}");
}

#[test]
fn colours_are_all_that_colours_add() {
    for (name, proof) in cases() {
        let colored = proof_text(&proof, Amount::Normal, true);
        let mut plain = String::new();
        for (at, part) in colored.split('\u{1b}').enumerate() {
            plain += if at == 0 { part } else { part.split_once('m').unwrap().1 };
        }
        assert_eq!(plain, proof_text(&proof, Amount::Normal, false), "{name}");
        assert_eq!(colored.contains('\u{1b}'), name != "no-image", "{name}");
    }
}

#[test]
fn nothing_of_the_user_reaches_a_terminal_unseen() {
    for amount in [Amount::Quiet, Amount::Normal, Amount::Verbose] {
        let text = proof_text(&proof(hostile()), amount, false);
        let odd: BTreeSet<_> = text.chars().filter(|character| character.is_control()).collect();
        assert!(odd.iter().all(|character| ['\n', '\t'].contains(character)), "{odd:?}");
        assert!(!text.contains(['\u{202e}', '\u{2028}']), "{text}");
    }
}

#[test]
fn markdown_says_nothing_of_the_user_outside_of_code() {
    let (_, proof) = cases().into_iter().find(|(name, _)| *name == "hostile-names").unwrap();
    let markdown = proof_markdown(&proof);
    let mut in_block = false;
    for line in markdown.lines() {
        assert!(!line.trim_start().starts_with('/'), "GitLab would take this for a command: {line}");
        if line.starts_with("```") {
            in_block = !in_block;
        } else if in_block {
            assert!(line.starts_with("    "), "this could end the block: {line}");
        } else {
            let outside = without_code(line);
            let odd = |character: char| "`@#!~%$&[]\\\u{1b}".contains(character);
            assert!(!outside.contains(odd), "{outside}\nof {line}");
            let cells = outside.matches('|').count();
            assert!(cells == 0 || cells == 6, "{outside}\nof {line}");
            for tag in outside.split('<').skip(1) {
                let known = ["details>", "summary>", "/summary>", "/details>"];
                assert!(known.iter().any(|known| tag.starts_with(known)), "{line}");
            }
        }
    }
    assert!(!in_block);
}

#[test]
fn markdown_closes_no_issue() {
    // GitLab's default, which is looked for in the whole text of a description, up to the name of the issue.
    let words = r"\b(?:[Cc]los(?:e[sd]?|ing)|[Ff]ix(?:e[sd]|ing)?|[Rr]esolv(?:e[sd]?|ing)|[Ii]mplement(?:s|ed|ing)?)";
    let closing = regex::Regex::new(&format!("{words}:? +")).unwrap();
    assert!(HOSTILE.iter().any(|text| closing.is_match(text)));
    let markdown = proof_markdown(&proof(hostile()));
    assert!(markdown.contains("Closes\u{a0}#1"), "{markdown}");
    assert_eq!(closing.find(&markdown).map(|found| found.as_str()), None);
}

/// `line` without what stands in backticks or in `<code>`, whose text must not be able to end it.
fn without_code(line: &str) -> String {
    let mut outside = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(['`', '<']) {
        outside += &rest[..at];
        rest = &rest[at..];
        let (start, end) = if rest.starts_with('`') { ("`", "`") } else { ("<code>", "</code>") };
        match rest.strip_prefix(start).and_then(|inside| inside.split_once(end)) {
            Some((_, behind)) => rest = behind,
            None => {
                outside += &rest[..1];
                rest = &rest[1..];
            }
        }
    }
    outside + rest
}
