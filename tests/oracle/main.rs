//! How a pipeline resolves, against gitlab-ci-local: every pipeline of `tests/fixtures`, keyword by keyword.
//!
//! What `gitlab-ci-local --preview` makes of the cases stands in `tests/oracle/previews`, one file for each case, and
//! `tests/oracle/record [CASE…]` writes them anew; `.ci/run` does, so that no recording stays that is no longer the answer.
//! Where both differ, [`reasons`] names why, by the keyword and by the shape of the difference. A difference
//! without a reason fails, and so does a reason that explains none.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where something is not as it must be")]

#[path = "../harness/case.rs"]
#[allow(dead_code, reason = "the harness has more than this file needs")]
mod case;
mod ours;
mod reasons;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use case::package;
use ours::{Answer, Keyword};
use reasons::{OUR_REFUSALS, READINGS, REASONS, REFUSALS, Refusal};
use serde_json::{Map, Value};

const SIDES: [&str; 2] = ["before", "after"];

fn recording(name: &str) -> PathBuf {
    package().join("tests/oracle/previews").join(name).with_added_extension("json")
}

fn recorded(name: &str) -> Option<Map<String, Value>> {
    let text = fs::read_to_string(recording(name)).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

/// What differs, and the names of the reasons that explained something.
#[derive(Default)]
struct Comparison {
    differences: Vec<String>,
    used: BTreeSet<&'static str>,
}

impl Comparison {
    fn case(&mut self, name: &str) {
        let Some(recorded) = recorded(name) else {
            return self.differ(name, &["there is no recording"]);
        };
        for side in SIDES {
            let folder = package().join("tests/fixtures").join(name).join(side);
            let place = format!("{name}/{side}");
            match (ours::read(&folder), recorded.get(side)) {
                (None, None) => {}
                (Some(ours), Some(theirs)) => self.pipelines(&place, ours, theirs),
                (ours, _) => self.differ(&place, &["recorded:", if ours.is_some() { "no" } else { "yes" }]),
            }
        }
    }

    fn pipelines(&mut self, place: &str, ours: Answer, theirs: &Value) {
        let refusal = theirs.get("refused").and_then(Value::as_str);
        match (ours, refusal) {
            (Ok(_), Some(words)) => self.refusal(REFUSALS, place, "only gitlab-ci-local refuses it", words),
            (Ok(ours), None) => self.keywords(place, &ours, theirs),
            (Err(code), None) => self.refusal(OUR_REFUSALS, place, "only we refuse it", &code),
            (Err(_), Some(_)) => {}
        }
    }

    fn refusal(&mut self, known: &[Refusal], place: &str, who: &str, words: &str) {
        let line = format!("{place}: {words}");
        match known.iter().find(|refusal| line.contains(refusal.words)) {
            Some(refusal) => drop(self.used.insert(refusal.name)),
            None => self.differ(place, &[&format!("{who}:"), words]),
        }
    }

    fn keywords(&mut self, place: &str, ours: &ours::Pipeline, theirs: &Value) {
        for keyword in ours.keywords(theirs) {
            let place = format!("{place}: {}", keyword.place);
            self.keyword(&place, &keyword);
        }
    }

    /// Turns our value into theirs, one reason after the other, until both are equal.
    fn keyword(&mut self, place: &str, keyword: &Keyword) {
        if let Some(reading) = READINGS.iter().find(|reading| reading.place == place) {
            let json = |text: &str| (text != reasons::NOTHING).then(|| serde_json::from_str(text).unwrap());
            if keyword.ours == json(reading.ours) && keyword.theirs == json(reading.theirs) {
                self.used.insert(reading.name);
                return;
            }
        }
        let mut ours = keyword.ours.clone();
        for reason in REASONS.iter().filter(|reason| reason.keywords.contains(&keyword.name.as_str())) {
            if ours == keyword.theirs {
                return;
            }
            let turned = (reason.turn)(keyword, ours.clone());
            if turned != ours {
                self.used.insert(reason.name);
                ours = turned;
            }
        }
        if ours != keyword.theirs {
            let text = |value: &Option<Value>| value.as_ref().map_or("nothing".to_owned(), Value::to_string);
            let [ours, theirs] = [&keyword.ours, &keyword.theirs].map(text);
            self.differ(place, &[&format!("\n  ours   {ours}\n  theirs {theirs}")]);
        }
    }

    fn differ(&mut self, place: &str, words: &[&str]) {
        self.differences.push(format!("{place}: {}", words.join(" ")));
    }
}

#[test]
fn jobs_are_what_gitlab_ci_local_makes_of_them() {
    let mut comparison = Comparison::default();
    for case in case::all() {
        comparison.case(&case.name);
    }
    let Comparison { differences, used } = comparison;
    let help = "after a look at each: tests/oracle/record CASE…, or a reason in tests/oracle/reasons.rs";
    assert!(differences.is_empty(), "{} differences ({help}):\n{}", differences.len(), differences.join("\n"));
    let refusals = REFUSALS.iter().chain(OUR_REFUSALS).map(|refusal| refusal.name);
    let names = REASONS.iter().map(|reason| reason.name).chain(refusals);
    let names = names.chain(READINGS.iter().map(|reading| reading.name));
    let unused: Vec<_> = names.filter(|name| !used.contains(name)).collect();
    assert!(unused.is_empty(), "these reasons explain nothing any more: {unused:#?}");
}

#[test]
fn no_recording_outlives_its_case() {
    let known: Vec<_> = case::all().iter().map(|case| recording(&case.name)).collect();
    let entries = fs::read_dir(package().join("tests/oracle/previews")).unwrap();
    let orphans: Vec<_> = entries.map(|entry| entry.unwrap().path()).filter(|path| !known.contains(path)).collect();
    assert!(orphans.is_empty(), "{orphans:?}");
}
