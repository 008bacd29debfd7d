//! `only` and `except` (GitLab docs: ci/yaml/deprecated_keywords; `lib/gitlab/ci/build/policy`).

use std::rc::Rc;

use super::expression::{Expression, Pattern};
use super::start::spelled;
use super::test::{Kind, Test};
use crate::gitlab::value::{Kind as ValueKind, Value};

/// One item of a list of refs.
#[derive(Clone, Debug)]
pub(super) struct RefPattern {
    /// As it is written.
    pub(super) written: Rc<str>,
    /// What it asks of the ref or of what started the pipeline.
    pub(super) asks: RefTest,
    /// The project that it is limited to (`main@group/project`).
    pub(super) project: Option<Rc<str>>,
}

/// What an item of a list of refs asks.
#[derive(Clone, Debug)]
pub(super) enum RefTest {
    /// `branches`.
    Branches,
    /// `tags`.
    Tags,
    /// What started the pipeline, by the value of `CI_PIPELINE_SOURCE`.
    Source(&'static str),
    /// A branch or a tag of this name. One that has the name of a keyword is left out of account.
    Name(Rc<str>),
    /// A branch or a tag whose name matches.
    Matching(Pattern),
}

/// Sources of pipelines, and the words for them in `only` and `except`.
const SOURCES: [(&str, [&str; 2]); 12] = [
    ("api", ["api", "apis"]),
    ("chat", ["chat", "chats"]),
    ("external", ["external", "externals"]),
    ("external_pull_request_event", ["external_pull_request", "external_pull_requests"]),
    ("merge_request_event", ["merge_request", "merge_requests"]),
    ("parent_pipeline", ["parent_pipeline", "parent_pipelines"]),
    ("pipeline", ["pipeline", "pipelines"]),
    ("push", ["push", "pushes"]),
    ("schedule", ["schedule", "schedules"]),
    ("trigger", ["trigger", "triggers"]),
    ("web", ["web", "webs"]),
    ("webide", ["webide", "webides"]),
];

/// What `only` asks for where it does not name refs (GitLab: `entry/policy.rb`).
const DEFAULT_REFS: [&str; 2] = ["branches", "tags"];

/// A reading of `only` or `except`: the conditions, all of which `only` asks for, and any of which `except` excludes.
#[derive(Clone, Debug)]
pub(super) struct Policy {
    pub(super) refs: Option<Vec<RefPattern>>,
    pub(super) others: Vec<PolicyTest>,
}

/// A condition of the mapping form besides `refs`.
#[derive(Clone, Debug)]
pub(super) enum PolicyTest {
    /// `variables`: one of the expressions holds.
    Variables(Vec<(Rc<str>, Expression)>),
    /// `changes` or `kubernetes`, in one spelling.
    Fact(Rc<str>),
}

impl Policy {
    /// What a job that says nothing gets.
    pub(super) fn default_only() -> Self {
        Self { refs: Some(DEFAULT_REFS.iter().map(|name| RefPattern::read(name)).collect()), others: Vec::new() }
    }

    /// Reads `only`. `None` where it is not understood.
    pub(super) fn only(value: &Value) -> Option<Self> {
        let mut policy = Self::read(value)?;
        policy.refs = policy.refs.or_else(|| Self::default_only().refs);
        Some(policy)
    }

    /// Reads `except`. `None` where it is not understood.
    pub(super) fn read(value: &Value) -> Option<Self> {
        let Some(mapping) = value.mapping() else {
            return Some(Self { refs: Some(refs(value)?), others: Vec::new() });
        };
        let mut policy = Self { refs: None, others: Vec::new() };
        for field in mapping.fields().iter().filter(|field| !field.value.is_null()) {
            match &*field.key {
                "refs" => policy.refs = Some(refs(&field.value)?),
                "variables" => policy.others.push(PolicyTest::Variables(expressions(&field.value)?)),
                "changes" | "kubernetes" => {
                    let fact = format!("only {} {}", field.key, spelled(&field.value));
                    policy.others.push(PolicyTest::Fact(Rc::from(fact)));
                }
                _ => return None,
            }
        }
        Some(policy)
    }

    /// The conditions, one for each kind.
    pub(super) fn tests(&self) -> Vec<Test> {
        let refs = self.refs.iter().map(|refs| Test::Any(refs.iter().map(RefPattern::test).collect()));
        refs.chain(self.others.iter().map(PolicyTest::test)).collect()
    }
}

impl PolicyTest {
    fn test(&self) -> Test {
        match self {
            Self::Variables(all) => Test::Any(all.iter().map(|(_, one)| Test::If(one.clone())).collect()),
            Self::Fact(fact) => Test::Fact(Rc::clone(fact)),
        }
    }
}

impl RefPattern {
    pub(super) fn read(written: &str) -> Self {
        let (pattern, project) = match written.split_once('@') {
            Some((pattern, project)) => (pattern, Some(Rc::from(project))),
            None => (written, None),
        };
        let source = SOURCES.iter().find(|(_, words)| words.contains(&pattern)).map(|(source, _)| *source);
        let asks = match (pattern, source) {
            ("branches", _) => RefTest::Branches,
            ("tags", _) => RefTest::Tags,
            (_, Some(source)) => RefTest::Source(source),
            (pattern, None) => match Pattern::read(pattern) {
                Some(pattern) => RefTest::Matching(pattern),
                None => RefTest::Name(Rc::from(pattern)),
            },
        };
        Self { written: Rc::from(written), asks, project }
    }

    /// Whether it can never hold, as it is limited to what is no path of a project.
    pub(super) fn is_void(&self) -> bool {
        let is_part =
            |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || "$*()".contains(c));
        self.project.as_deref().is_some_and(|path| !path.contains('/') || !path.split('/').all(is_part))
    }

    pub(super) fn test(&self) -> Test {
        if self.is_void() {
            return Test::Any(Vec::new());
        }
        let branch_or_tag = Test::Any(vec![Test::Kind(Kind::Branch), Test::Kind(Kind::Tag)]);
        let asks = match &self.asks {
            RefTest::Branches => Test::Kind(Kind::Branch),
            RefTest::Tags => Test::Kind(Kind::Tag),
            RefTest::Source(source) => Test::Source(source),
            RefTest::Name(name) => Test::All(vec![branch_or_tag, Test::Name(Rc::clone(name))]),
            RefTest::Matching(pattern) => Test::All(vec![branch_or_tag, Test::Matching(pattern.clone())]),
        };
        match &self.project {
            Some(path) => Test::All(vec![asks, Test::Fact(Rc::from(format!("the project is {path}")))]),
            None => asks,
        }
    }
}

fn refs(value: &Value) -> Option<Vec<RefPattern>> {
    let is_list = matches!(value.kind, ValueKind::Sequence(_) | ValueKind::Text(_) | ValueKind::Number(_));
    let items = value.one_or_many().iter().map(|item| Some(RefPattern::read(&item.text()?)));
    if is_list { items.collect() } else { None }
}

fn expressions(value: &Value) -> Option<Vec<(Rc<str>, Expression)>> {
    let read = |item: &Value| item.text().map(|text| (Rc::clone(&text), Expression::parse(&text)));
    value.one_or_many().iter().map(read).collect()
}
