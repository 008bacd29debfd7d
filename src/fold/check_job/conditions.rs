//! The conditions of the check, in the words of the two jobs as far as these have any.

use crate::fold::block::Block;
use crate::gitlab::{Complement, Job, Value, WrittenRule};

/// Keywords of a rule that say how the job starts, which the check takes over.
const OUTCOMES: [&str; 4] = ["when", "start_in", "allow_failure", "interruptible"];

pub(super) fn lines(block: &Block<'_>, producer: &Job, complement: &Complement) -> Vec<String> {
    let own = |keywords: &[&str]| -> Vec<String> {
        let given = keywords.iter().filter_map(|keyword| Some(block.entry(keyword, producer.get(keyword)?)));
        given.flatten().collect()
    };
    match complement {
        Complement::Own => own(&["rules", "only", "except", "when", "start_in", "allow_failure"]),
        Complement::Except(added) => {
            let mut lines = own(&["only"]);
            lines.extend(except(block, producer, added));
            lines.extend(own(&["when", "start_in", "allow_failure"]));
            lines
        }
        Complement::Rules(rules) => {
            let mut lines = block.listed("rules", rules.iter().map(|written| rule(block, written)).collect());
            lines.extend(own(&["when", "allow_failure"]));
            lines
        }
    }
}

fn except(block: &Block<'_>, producer: &Job, added: &[std::rc::Rc<str>]) -> Vec<String> {
    let value = producer.get("except");
    let refs = value.map(|value| value.get("refs").unwrap_or(value)).map(Value::one_or_many).unwrap_or_default();
    let own = refs.iter().map(|item| block.item(item));
    let is_new = |name: &&std::rc::Rc<str>| !refs.iter().any(|item| item.text().as_ref() == Some(*name));
    let added = added.iter().filter(is_new).map(|name| block.text(name));
    block.listed("except", own.chain(added).collect())
}

fn rule(block: &Block<'_>, rule: &WrittenRule) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(condition) = &rule.condition {
        lines.extend(block.entry_of_text("if", condition));
    }
    for (key, value) in [("changes", &rule.changes), ("exists", &rule.exists)] {
        lines.extend(value.iter().flat_map(|value| block.entry(key, value)));
    }
    if rule.is_never {
        lines.push("when: never".to_owned());
    }
    for key in OUTCOMES.iter().filter(|_| !rule.is_never) {
        let value = rule.outcome.as_ref().and_then(|outcome| outcome.get(key)).filter(|value| !value.is_null());
        lines.extend(value.iter().flat_map(|value| block.entry(key, value)));
    }
    if lines.is_empty() {
        lines.push("when: on_success".to_owned());
    }
    lines
}
