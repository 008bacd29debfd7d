//! `rules` (GitLab docs: ci/yaml#rules; `lib/gitlab/ci/build/rules.rb`).

use std::rc::Rc;

use super::expression::Expression;
use super::policy::Policy;
use super::start::{Start, spelled};
use super::test::Test;
use crate::gitlab::value::{Kind, Mapping, Value};

/// How deep lists of rules may nest (GitLab: `entry/processable.rb`).
const MOST_LEVELS: usize = 10;

/// Keywords of a rule that say when it holds.
const CLAUSES: [&str; 3] = ["changes", "exists", "if"];

/// Keywords of a rule that say what it sets.
const OUTCOMES: [&str; 7] = ["allow_failure", "auto_cancel", "interruptible", "needs", "start_in", "variables", "when"];

/// One rule: where its clause holds, the job starts so, or is not there.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) clause: Clause,
    /// `None` for `when: never`.
    pub(super) start: Option<Start>,
    /// The rule as the pipeline has it.
    pub(super) written: Option<Value>,
}

/// What a rule asks for, and how that is written in a rule.
#[derive(Clone, Debug)]
pub(super) struct Clause {
    pub(super) test: Test,
    /// `if`.
    pub(super) condition: Option<Rc<str>>,
    /// `changes`.
    pub(super) changes: Option<Value>,
    /// `exists`.
    pub(super) exists: Option<Value>,
}

impl Clause {
    /// One that always holds.
    pub(super) fn always() -> Self {
        Self { test: Test::All(Vec::new()), condition: None, changes: None, exists: None }
    }

    /// What `only` and `except` ask for; a rule cannot say that in the same words.
    pub(super) fn of_policies(only: Option<&Policy>, except: Option<&Policy>) -> Self {
        let mut tests = only.map(Policy::tests).unwrap_or_default();
        let except = except.map(Policy::tests).unwrap_or_default();
        tests.push(Test::Not(Box::new(Test::Any(except))));
        Self { test: Test::All(tests), ..Self::always() }
    }

    /// The clause of an expression.
    pub(super) fn of_condition(text: &str) -> Self {
        Self { test: Test::If(Expression::parse(text)), condition: Some(Rc::from(text)), ..Self::always() }
    }

    fn of_rule(rule: &Mapping) -> Option<Self> {
        let given = |key: &str| rule.get(key).filter(|value| !value.is_null());
        let condition = match given("if") {
            Some(value) => Some(value.text()?),
            None => None,
        };
        let mut clause = condition.as_deref().map_or_else(Self::always, Self::of_condition);
        let mut tests = vec![clause.test];
        for key in ["changes", "exists"] {
            if let Some(value) = given(key) {
                tests.push(Test::Fact(Rc::from(format!("{key} {}", paths_of(value)))));
            }
        }
        clause.test = Test::All(tests);
        clause.changes = given("changes").cloned();
        clause.exists = given("exists").cloned();
        Some(clause)
    }
}

/// Reads a list of rules for a job that starts as `start` where they do not say. `None` where one is not understood,
/// and for a list of none.
pub(super) fn read_rules(list: &Value, start: &Start) -> Option<Vec<Rule>> {
    let mut rules = Vec::new();
    flatten(list, start, 0, &mut rules)?;
    (!rules.is_empty()).then_some(rules)
}

fn flatten(value: &Value, start: &Start, depth: usize, rules: &mut Vec<Rule>) -> Option<()> {
    match &value.kind {
        Kind::Sequence(items) if depth <= MOST_LEVELS => {
            items.iter().try_for_each(|item| flatten(item, start, depth + 1, rules))
        }
        Kind::Mapping(mapping) => {
            let is_known = |key: &str| CLAUSES.contains(&key) || OUTCOMES.contains(&key);
            let clause =
                mapping.fields().iter().all(|field| is_known(&field.key)).then(|| Clause::of_rule(mapping))??;
            let is_never = mapping.get("when").and_then(Value::text).as_deref() == Some("never");
            let start = (!is_never).then(|| start.of_rule(value));
            rules.push(Rule { clause, start, written: Some(value.clone()) });
            Some(())
        }
        _ => None,
    }
}

/// `changes: [a]` says the same as `changes: {paths: [a]}`.
fn paths_of(value: &Value) -> String {
    match value.mapping() {
        Some(mapping) if mapping.fields().len() == 1 => mapping.get("paths").map_or_else(|| spelled(value), spelled),
        _ => spelled(value),
    }
}
