//! When a job is part of a pipeline, and how it starts there: `rules`, `only`, `except`, `when` and `workflow`.
//!
//! Whatever a job says becomes one list of rules, of which the first that holds decides. Two jobs are compared by going
//! through every pipeline that these rules can tell apart: each distinct `changes`, `exists` or unknown variable may be
//! one thing or another, while what GitLab guarantees holds: a pipeline is for a branch, a tag or a merge request.

mod complement;
mod expression;
mod policy;
mod rule;
mod start;
mod test;
#[cfg(test)]
mod tests;
mod world;

use super::job::Job;
use super::pipeline::Pipeline;
use super::value::Value;
use super::variables::names_in;
use policy::Policy;
use rule::{Clause, Rule, read_rules};
use world::{Vocabulary, World};

pub use complement::{Complement, WrittenRule};
pub use start::{AllowFailure, Start, When};

/// When a job is part of a pipeline, and how it starts there.
#[derive(Clone, Debug)]
pub struct Conditions {
    form: Form,
    /// The first that holds decides; where none does, the job is not there.
    rules: Vec<Rule>,
}

/// The way in which a job writes its conditions.
#[derive(Clone, Debug)]
enum Form {
    /// `rules`.
    Rules,
    /// `only` and `except`, or nothing at all.
    Policies { only: Option<Policy>, except: Option<Policy> },
}

/// Why nothing can be said of some conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unclear(pub String);

impl std::fmt::Display for Unclear {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What becomes of two jobs in the same pipeline; `None` for one that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meeting {
    /// The one.
    pub first: Option<Start>,
    /// The other.
    pub second: Option<Start>,
}

impl Conditions {
    /// The conditions of `job`.
    ///
    /// # Errors
    /// What in them is not understood.
    pub fn of_job(pipeline: &Pipeline, job: &Job) -> Result<Self, Unclear> {
        let start = Start::of_job(&job.fields);
        match job.get("rules") {
            Some(rules) => Ok(Self::of_rules(read_rules(rules, &start).ok_or_else(|| unclear(job, "rules"))?)),
            None => Self::of_policies(pipeline, job, &start),
        }
    }

    /// `only` and `except` as one rule (GitLab docs: ci/yaml/deprecated_keywords#only--except).
    fn of_policies(pipeline: &Pipeline, job: &Job, start: &Start) -> Result<Self, Unclear> {
        let has_workflow = pipeline.top().get("workflow").and_then(|workflow| workflow.get("rules")).is_some();
        let read = |keyword: &str, read: fn(&Value) -> Option<Policy>| match job.get(keyword) {
            Some(value) => read(value).map(Some).ok_or_else(|| unclear(job, keyword)),
            None => Ok(None),
        };
        let only = read("only", Policy::only)?.or_else(|| (!has_workflow).then(Policy::default_only));
        let except = read("except", Policy::read)?;
        let rule = Rule {
            clause: Clause::of_policies(only.as_ref(), except.as_ref()),
            start: Some(start.clone()),
            written: None,
        };
        Ok(Self { form: Form::Policies { only, except }, rules: vec![rule] })
    }

    /// How the job starts in a pipeline; `None` where it is not there.
    fn start(&self, world: &mut World<'_>) -> Option<&Start> {
        self.rules.iter().find(|rule| rule.clause.test.holds(world))?.start.as_ref()
    }

    fn vocabulary(all: &[&Self], workflow: Option<&Self>) -> Vocabulary {
        let mut vocabulary = Vocabulary::default();
        for rule in all.iter().copied().chain(workflow).flat_map(|conditions| &conditions.rules) {
            vocabulary.take(&rule.clause.test);
        }
        vocabulary
    }
}

/// The most rules that are looked at; no pipeline that people read has so many in one job.
const MOST_RULES: usize = 100;

/// The conditions of two jobs of one pipeline.
pub struct Comparison {
    first: Conditions,
    second: Conditions,
    workflow: Option<Conditions>,
}

impl Comparison {
    /// The conditions of two jobs.
    ///
    /// # Errors
    /// What in them is not understood, or a variable that means something else to each of them.
    pub fn new(pipeline: &Pipeline, first: &Job, second: &Job) -> Result<Self, Unclear> {
        let comparison = Self {
            first: Conditions::of_job(pipeline, first)?,
            second: Conditions::of_job(pipeline, second)?,
            workflow: workflow(pipeline)?,
        };
        let all = [&comparison.first, &comparison.second].into_iter().chain(&comparison.workflow);
        if all.into_iter().any(|conditions| conditions.rules.len() > MOST_RULES) {
            return Err(Unclear("they have too many rules".to_owned()));
        }
        mean_the_same(first, second)?;
        Ok(comparison)
    }

    /// Every way in which the two jobs can meet in a pipeline, each once.
    ///
    /// # Errors
    /// Where there are too many different pipelines to look at.
    pub fn meetings(&self) -> Result<Vec<Meeting>, Unclear> {
        let mut meetings: Vec<Meeting> = Vec::new();
        let seen = self.every(&[], |first, second, _| {
            let meeting = Meeting { first: first.cloned(), second: second.cloned() };
            if (meeting.first.is_some() || meeting.second.is_some()) && !meetings.contains(&meeting) {
                meetings.push(meeting);
            }
            Some(())
        });
        seen.map(|()| meetings)
            .ok_or_else(|| Unclear("they ask about too many things that have nothing to do with each other".to_owned()))
    }

    /// Whether in every pipeline in which the first job starts by itself the second job or one of `others` covers it.
    ///
    /// # Errors
    /// What in the conditions of the others is not understood.
    pub fn is_covered(
        &self,
        pipeline: &Pipeline,
        others: &[&Job],
        covers: &dyn Fn(&Start, &Start) -> bool,
    ) -> Result<bool, Unclear> {
        for (at, one) in others.iter().enumerate() {
            others.iter().skip(at + 1).try_for_each(|other| mean_the_same(one, other))?;
        }
        let conditions: Vec<_> =
            others.iter().map(|job| Conditions::of_job(pipeline, job)).collect::<Result<_, _>>()?;
        let holds = self.every(&conditions.iter().collect::<Vec<_>>(), |first, second, others| {
            let Some(first) = first.filter(|first| first.when == When::OnSuccess) else {
                return Some(());
            };
            let mut images = others.iter().copied().chain([second]).flatten();
            images.any(|image| covers(first, image)).then_some(())
        });
        Ok(holds.is_some())
    }

    /// Whether a third job runs exactly where the first one does by itself and the second one does not `cover` it.
    #[must_use]
    pub fn is_complement(&self, third: &Conditions, covers: &dyn Fn(&Start, &Start) -> bool) -> bool {
        let same = self.every(&[third], |first, second, others| {
            let wanted = first.filter(|first| !second.is_some_and(|second| covers(first, second)));
            (wanted == others.first().copied().flatten()).then_some(())
        });
        same.is_some()
    }

    /// Shows `visit` how the jobs, and `others`, start in every pipeline.
    fn every(
        &self,
        others: &[&Conditions],
        mut visit: impl FnMut(Option<&Start>, Option<&Start>, &[Option<&Start>]) -> Option<()>,
    ) -> Option<()> {
        let all: Vec<_> = [&self.first, &self.second].into_iter().chain(others.iter().copied()).collect();
        let vocabulary = Conditions::vocabulary(&all, self.workflow.as_ref());
        world::every(&vocabulary, |world| {
            if self.workflow.as_ref().is_some_and(|workflow| workflow.start(world).is_none()) {
                return Some(());
            }
            let (first, second) = (self.first.start(world), self.second.start(world));
            let others: Vec<_> = others.iter().map(|other| other.start(world)).collect();
            visit(first, second, &others)
        })
    }
}

/// `workflow:rules`, which decide whether there is a pipeline at all (GitLab docs: ci/yaml/workflow).
fn workflow(pipeline: &Pipeline) -> Result<Option<Conditions>, Unclear> {
    let Some(rules) = pipeline.top().get("workflow").and_then(|workflow| workflow.get("rules")) else {
        return Ok(None);
    };
    let start = Start::of_job(&super::value::Mapping::default());
    let rules = read_rules(rules, &start).ok_or_else(|| Unclear("'workflow:rules' is not understood".to_owned()))?;
    Ok(Some(Conditions::of_rules(rules)))
}

fn unclear(job: &Job, keyword: &str) -> Unclear {
    Unclear(format!("'{keyword}' of '{}' is not understood", job.name))
}

/// Whether the variables that the conditions of two jobs name have one value for both.
fn mean_the_same(first: &Job, second: &Job) -> Result<(), Unclear> {
    let mut named = names_of(first);
    named.extend(names_of(second));
    let value = |job: &Job, name: &str| job.variables.get(name).map(|(value, _)| value.to_owned());
    match named.into_iter().find(|name| value(first, name) != value(second, name)) {
        Some(name) => Err(Unclear(format!("the variable {name}, which they name, differs between them"))),
        None => Ok(()),
    }
}

/// The variables that the conditions of a job name.
fn names_of(job: &Job) -> Vec<String> {
    let mut names = Vec::new();
    for value in ["rules", "only", "except"].iter().filter_map(|keyword| job.get(keyword)) {
        gather_names(value, &mut names);
    }
    names
}

/// The variables that the texts of a value name.
fn gather_names(value: &Value, names: &mut Vec<String>) {
    if let Some(text) = value.text() {
        names.extend(names_in(&text).into_iter().map(str::to_owned));
    }
    let fields = value.mapping().map(|mapping| mapping.fields().to_vec()).unwrap_or_default();
    // What a rule gives the job is no part of the question whether it holds.
    let asks = fields.iter().filter(|field| !matches!(&*field.key, "variables" | "needs"));
    asks.for_each(|field| gather_names(&field.value, names));
    value.sequence().unwrap_or_default().iter().for_each(|item| gather_names(item, names));
}
