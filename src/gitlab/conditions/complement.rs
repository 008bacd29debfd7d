//! Writes down where one job runs and another does not.
//!
//! Every form is a proposal only: it is taken where going through all pipelines shows that it is exact.

#[cfg(test)]
mod tests;

use std::rc::Rc;

use super::policy::{Policy, PolicyTest, RefPattern, RefTest};
use super::rule::{Clause, Rule};
use super::start::Start;
use super::{Comparison, Conditions, Form};
use crate::gitlab::value::Value;

/// Conditions in GitLab's words.
#[derive(Clone, Debug)]
pub enum Complement {
    /// The first job's own, unchanged.
    Own,
    /// The first job's own, with these among what `except` lists.
    Except(Vec<Rc<str>>),
    /// These rules.
    Rules(Vec<WrittenRule>),
}

/// One rule in GitLab's words.
#[derive(Clone, Debug)]
pub struct WrittenRule {
    /// `if`.
    pub condition: Option<Rc<str>>,
    /// `changes`.
    pub changes: Option<Value>,
    /// `exists`.
    pub exists: Option<Value>,
    /// Whether it is `when: never`.
    pub is_never: bool,
    /// The rule of the first job whose other keywords it takes over.
    pub outcome: Option<Value>,
}

/// The most rules that are tried: more would not be read by anybody.
const MOST_RULES: usize = 24;

type Covers<'a> = &'a dyn Fn(&Start, &Start) -> bool;

impl Comparison {
    /// Where the first job runs and the second does not cover it; `None` where that cannot be written exactly.
    #[must_use]
    pub fn complement(&self, covers: Covers<'_>) -> Option<Complement> {
        if self.is_complement(&self.first, covers) {
            return Some(Complement::Own);
        }
        self.by_except(covers).or_else(|| self.by_rules(covers))
    }

    /// What the second job is limited to is what the first one leaves out.
    fn by_except(&self, covers: Covers<'_>) -> Option<Complement> {
        let Form::Policies { only: Some(taken), .. } = &self.second.form else {
            return None;
        };
        let Form::Policies { only, except } = &self.first.form else {
            return None;
        };
        let own = except.clone().unwrap_or(Policy { refs: None, others: Vec::new() });
        let refs = taken.refs.clone().filter(|_| own.others.is_empty())?;
        let added = refs.iter().map(|pattern| Rc::clone(&pattern.written)).collect();
        let mut left_out = own;
        left_out.refs.get_or_insert_default().extend(refs);
        let clause = Clause::of_policies(only.as_ref(), Some(&left_out));
        let rule = Rule { clause, start: self.first.rules.first()?.start.clone(), written: None };
        self.is_complement(&Conditions::of_rules(vec![rule]), covers).then_some(Complement::Except(added))
    }

    /// The rules of the second job, turned round, before those of the first.
    fn by_rules(&self, covers: Covers<'_>) -> Option<Complement> {
        let (build, image) = (self.first.as_rules()?, self.second.as_rules()?);
        if (build.len() + 1) * image.len() > MOST_RULES {
            return None;
        }
        let mut drafts = turned_round(&build, &image, covers)?;
        if !self.is_exact(&drafts, covers) {
            return None;
        }
        self.shorten(&mut drafts, covers);
        self.simplify(&mut drafts, covers);
        self.shorten(&mut drafts, covers);
        Some(Complement::Rules(drafts.iter().map(|draft| WrittenRule::of(&draft.rule)).collect()))
    }

    fn is_exact(&self, drafts: &[Draft], covers: Covers<'_>) -> bool {
        let rules = drafts.iter().map(|draft| draft.rule.clone()).collect();
        self.is_complement(&Conditions::of_rules(rules), covers)
    }

    /// Leaves out every rule without which the rest says the same.
    fn shorten(&self, drafts: &mut Vec<Draft>, covers: Covers<'_>) {
        let mut at = 0;
        while at < drafts.len() {
            let mut fewer = drafts.clone();
            fewer.remove(at);
            match self.is_exact(&fewer, covers) {
                true => *drafts = fewer,
                false => at += 1,
            }
        }
    }

    /// Takes a shorter clause wherever the whole says the same with it.
    fn simplify(&self, drafts: &mut Vec<Draft>, covers: Covers<'_>) {
        for at in 0..drafts.len() {
            let simpler = drafts.get(at).map(|draft| draft.simpler.clone()).unwrap_or_default();
            let with = |clause: Clause| {
                let mut changed = drafts.clone();
                changed.get_mut(at)?.rule.clause = clause;
                self.is_exact(&changed, covers).then_some(changed)
            };
            if let Some(changed) = simpler.into_iter().find_map(with) {
                *drafts = changed;
            }
        }
    }
}

/// A rule, and clauses that may do in the place of its own.
#[derive(Clone)]
struct Draft {
    rule: Rule,
    simpler: Vec<Clause>,
}

impl From<Rule> for Draft {
    fn from(rule: Rule) -> Self {
        Self { rule, simpler: Vec::new() }
    }
}

/// For each rule of the image job: nothing where it covers the build job, else what the build job's rules say there.
/// Behind them all, the rules of the build job.
fn turned_round(build: &[Rule], image: &[Rule], covers: Covers<'_>) -> Option<Vec<Draft>> {
    let mut rules = Vec::new();
    for taken in image {
        let mut is_open = true;
        for own in build {
            let is_covered = match (&own.start, &taken.start) {
                (Some(own), Some(taken)) => covers(own, taken),
                (None, _) => true,
                (Some(_), None) => false,
            };
            let start = own.start.clone().filter(|_| !is_covered);
            let clause = taken.clause.and(&own.clause)?;
            is_open = clause.is_narrower_than(&taken.clause);
            let simpler = vec![own.clause.clone(), taken.clause.clone()];
            let written = own.written.clone().filter(|_| start.is_some());
            rules.push(Draft { rule: Rule { clause, start, written }, simpler });
            if !is_open {
                break;
            }
        }
        if is_open {
            rules.push(Rule { clause: taken.clause.clone(), start: None, written: None }.into());
        }
    }
    rules.extend(build.iter().cloned().map(Draft::from));
    Some(rules)
}

impl Conditions {
    pub(super) fn of_rules(rules: Vec<Rule>) -> Self {
        Self { form: Form::Rules, rules }
    }

    /// The conditions in the form of rules; `None` where `only` or `except` say what a rule cannot.
    fn as_rules(&self) -> Option<Vec<Rule>> {
        let Form::Policies { only, except } = &self.form else {
            return Some(self.rules.clone());
        };
        let start = self.rules.first()?.start.clone();
        let mut rules = Vec::new();
        if let Some(except) = except {
            let refs = except.refs.iter().map(|refs| condition_of_refs(refs));
            let others = except.others.iter().map(condition_of_test);
            for condition in refs.chain(others).collect::<Option<Vec<_>>>()?.into_iter().flatten() {
                rules.push(Rule { clause: Clause::of_condition(&condition), start: None, written: None });
            }
        }
        rules.push(Rule { clause: clause_of_only(only.as_ref())?, start, written: None });
        Some(rules)
    }
}

fn clause_of_only(only: Option<&Policy>) -> Option<Clause> {
    let Some(only) = only else {
        return Some(Clause::always());
    };
    let refs = only.refs.iter().map(|refs| condition_of_refs(refs));
    let parts: Vec<_> = refs.chain(only.others.iter().map(condition_of_test)).collect::<Option<_>>()?;
    // A list that nothing can be on asks for what never holds.
    let parts: Vec<_> = parts.into_iter().collect::<Option<_>>()?;
    let joined = parts.into_iter().reduce(|left, right| conjunction(&left, &right))?;
    Some(Clause::of_condition(&joined))
}

/// One of the refs, as an expression. The inner `None` stands for one that never holds, the outer one for what no
/// expression says.
#[expect(clippy::option_option, reason = "never and not expressible are two answers")]
fn condition_of_refs(refs: &[RefPattern]) -> Option<Option<String>> {
    let living: Vec<_> = refs.iter().filter(|pattern| !pattern.is_void()).collect();
    let parts: Option<Vec<_>> = living.iter().map(|pattern| condition_of_ref(pattern)).collect();
    let parts = parts?;
    Some((!parts.is_empty()).then(|| parts.join(" || ")))
}

fn condition_of_ref(pattern: &RefPattern) -> Option<String> {
    let of_both = |asked: String| format!("$CI_COMMIT_BRANCH {asked} || $CI_COMMIT_TAG {asked}");
    if pattern.project.is_some() {
        return None;
    }
    Some(match &pattern.asks {
        RefTest::Branches => "$CI_COMMIT_BRANCH".to_owned(),
        RefTest::Tags => "$CI_COMMIT_TAG".to_owned(),
        RefTest::Source(source) => format!("$CI_PIPELINE_SOURCE == \"{source}\""),
        RefTest::Name(name) if name.contains('"') => return None,
        RefTest::Name(name) => of_both(format!("== \"{name}\"")),
        RefTest::Matching(pattern) => of_both(format!("=~ {}", pattern.written)),
    })
}

#[expect(clippy::option_option, reason = "never and not expressible are two answers")]
fn condition_of_test(test: &PolicyTest) -> Option<Option<String>> {
    match test {
        PolicyTest::Fact(_) => None,
        PolicyTest::Variables(all) => {
            let parts: Vec<_> = all.iter().map(|(text, _)| in_brackets(text)).collect();
            Some((!parts.is_empty()).then(|| parts.join(" || ")))
        }
    }
}

impl Clause {
    /// Both at once; `None` where a rule cannot say so.
    fn and(&self, other: &Self) -> Option<Self> {
        let condition = match (&self.condition, &other.condition) {
            (Some(one), Some(other)) if one != other => Some(Rc::from(conjunction(one, other))),
            (one, other) => one.clone().or_else(|| other.clone()),
        };
        let one_of = |one: &Option<Value>, other: &Option<Value>| match (one, other) {
            (Some(one), Some(other)) => one.same(other).then(|| Some(one.clone())),
            (one, other) => Some(one.clone().or_else(|| other.clone())),
        };
        let changes = one_of(&self.changes, &other.changes)?;
        let exists = one_of(&self.exists, &other.exists)?;
        let test = condition.as_deref().map_or_else(Self::always, Self::of_condition).test;
        // Which of two `changes` was meant does not matter to the test: both ask for the same.
        let facts = [&self.test, &other.test].into_iter().flat_map(|test| test.facts());
        let test = super::test::Test::All(std::iter::once(test).chain(facts).collect());
        Some(Self { test, condition, changes, exists })
    }

    /// Whether it asks for more than `other`, as far as the words tell.
    fn is_narrower_than(&self, other: &Self) -> bool {
        self.condition != other.condition
            || self.changes.is_some() != other.changes.is_some()
            || self.exists.is_some() != other.exists.is_some()
    }
}

fn conjunction(one: &str, other: &str) -> String {
    format!("{} && {}", in_brackets(one), in_brackets(other))
}

/// The expression, in brackets where it holds logic of its own.
fn in_brackets(text: &str) -> String {
    let is_simple = !text.contains("&&") && !text.contains("||");
    if is_simple { text.to_owned() } else { format!("({text})") }
}

impl WrittenRule {
    fn of(rule: &Rule) -> Self {
        Self {
            condition: rule.clause.condition.clone(),
            changes: rule.clause.changes.clone(),
            exists: rule.clause.exists.clone(),
            is_never: rule.start.is_none(),
            outcome: rule.written.clone(),
        }
    }
}
