//! Every pipeline that GitLab may make, as far as some conditions tell them apart.
//!
//! A pipeline is chosen lazily: each question that a condition asks is a choice, and [`every`] goes through all rows of
//! answers. Where two questions hang together in a way that is not modelled, more pipelines are looked at than there
//! can be: what holds in all of these holds in the real ones.

use std::rc::Rc;

use super::expression::Expression;
use super::test::{Kind, Test};

/// The value of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// It is not set.
    Unset,
    /// This text.
    Text(Rc<str>),
    /// A text that is not empty and that no condition names; two of the same number are the same.
    Other(usize),
}

/// What the conditions compare variables with.
#[derive(Debug, Default)]
pub(super) struct Vocabulary {
    /// Names of refs.
    names: Vec<Rc<str>>,
    /// A variable and a text.
    texts: Vec<(Rc<str>, Rc<str>)>,
}

/// One pipeline, of which as much is decided as was asked for.
pub(super) struct World<'a> {
    vocabulary: &'a Vocabulary,
    choices: Vec<Choice>,
}

struct Choice {
    question: Question,
    chosen: usize,
    of: usize,
}

#[derive(Clone, PartialEq)]
enum Question {
    Kind,
    Source,
    Name,
    DefaultBranch,
    Variable(Rc<str>),
    Fact(Rc<str>),
}

/// The most pipelines that are looked at: about twelve questions that have nothing to do with each other.
const MOST_WORLDS: usize = 1 << 14;

/// What starts a pipeline for a branch or a tag, where it is asked for.
const SOURCES: [&str; 11] = [
    "push",
    "web",
    "schedule",
    "api",
    "trigger",
    "pipeline",
    "parent_pipeline",
    "external",
    "external_pull_request_event",
    "chat",
    "webide",
];

/// Variables that hold the name of the ref, or that of the default branch.
const NAMES: [&str; 5] = [
    "CI_COMMIT_BRANCH",
    "CI_COMMIT_TAG",
    "CI_COMMIT_REF_NAME",
    "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME",
    "CI_DEFAULT_BRANCH",
];

/// Variables that hold something in every pipeline for a merge request.
const OF_MERGE_REQUESTS: [&str; 7] =
    ["ID", "IID", "EVENT_TYPE", "TARGET_BRANCH_NAME", "PROJECT_ID", "PROJECT_PATH", "PROJECT_URL"];

/// Variables that hold something in every pipeline.
const ALWAYS_SET: [&str; 12] = [
    "CI",
    "CI_COMMIT_REF_PROTECTED",
    "CI_COMMIT_REF_SLUG",
    "CI_COMMIT_SHA",
    "CI_COMMIT_SHORT_SHA",
    "CI_PIPELINE_ID",
    "CI_PIPELINE_IID",
    "CI_PROJECT_ID",
    "CI_PROJECT_NAME",
    "CI_PROJECT_NAMESPACE",
    "CI_PROJECT_PATH",
    "CI_SERVER_HOST",
];

/// Calls `visit` for every pipeline; `None` where there are too many, or where `visit` says so.
pub(super) fn every(vocabulary: &Vocabulary, mut visit: impl FnMut(&mut World<'_>) -> Option<()>) -> Option<()> {
    let mut world = World { vocabulary, choices: Vec::new() };
    for _ in 0..MOST_WORLDS {
        visit(&mut world)?;
        if !world.next() {
            return Some(());
        }
    }
    None
}

impl Vocabulary {
    /// Takes up what `test` compares with.
    pub(super) fn take(&mut self, test: &Test) {
        let mut names = Vec::new();
        test.names(&mut names);
        self.names.extend(names.into_iter().cloned());
        let mut expressions = Vec::new();
        test.expressions(&mut expressions);
        expressions.into_iter().for_each(|expression| self.expression(expression));
        self.names.sort();
        self.names.dedup();
        self.texts.sort();
        self.texts.dedup();
    }

    fn expression(&mut self, expression: &Expression) {
        match expression {
            Expression::And(left, right) | Expression::Or(left, right) => {
                self.expression(left);
                self.expression(right);
            }
            Expression::Compare(left, right, _) => match (&**left, &**right) {
                (Expression::Variable(name), Expression::Text(text))
                | (Expression::Text(text), Expression::Variable(name)) => self.compared(name, text),
                _ => {}
            },
            _ => {}
        }
    }

    fn compared(&mut self, name: &Rc<str>, text: &Rc<str>) {
        if text.is_empty() {
            return;
        }
        match World::is_name(name) {
            true => self.names.push(Rc::clone(text)),
            false => self.texts.push((Rc::clone(name), Rc::clone(text))),
        }
    }

    fn of(&self, name: &str) -> Vec<Content> {
        let own = self.texts.iter().filter(|(variable, _)| **variable == *name);
        own.map(|(_, text)| Content::Text(Rc::clone(text))).collect()
    }
}

impl World<'_> {
    /// The number of the name of a ref that no condition names.
    pub(super) const REF: usize = 0;
    /// The number of the name of a default branch that no condition names and that is not the ref.
    const DEFAULT_BRANCH: usize = 1;
    /// The number of any other text.
    const ELSE: usize = 2;

    /// Whether a variable holds the name of a ref.
    pub(super) fn is_name(variable: &str) -> bool {
        NAMES.contains(&variable)
    }

    pub(super) fn kind(&mut self) -> Kind {
        match self.choose(Question::Kind, 3) {
            0 => Kind::Branch,
            1 => Kind::Tag,
            _ => Kind::MergeRequest,
        }
    }

    /// What started the pipeline: one for a merge request has one source.
    pub(super) fn source(&mut self) -> Content {
        if self.kind() == Kind::MergeRequest {
            return Content::Text(Rc::from("merge_request_event"));
        }
        let chosen = self.choose(Question::Source, SOURCES.len() + 1);
        SOURCES.get(chosen).map_or(Content::Other(Self::ELSE), |source| Content::Text(Rc::from(*source)))
    }

    /// The name of the branch or tag; of a merge request, that of its source branch.
    pub(super) fn name(&mut self) -> Content {
        let names = &self.vocabulary.names;
        let chosen = self.choose(Question::Name, names.len() + 1);
        names.get(chosen).map_or(Content::Other(Self::REF), |name| Content::Text(Rc::clone(name)))
    }

    fn default_branch(&mut self) -> Content {
        let names = &self.vocabulary.names;
        let chosen = self.choose(Question::DefaultBranch, names.len() + 2);
        let other = chosen.saturating_sub(names.len());
        let other = if other == 0 { Self::REF } else { Self::DEFAULT_BRANCH };
        names.get(chosen).map_or(Content::Other(other), |name| Content::Text(Rc::clone(name)))
    }

    pub(super) fn variable(&mut self, name: &Rc<str>) -> Content {
        let only = |kind: Kind, world: &mut Self| {
            if world.kind() == kind { world.name() } else { Content::Unset }
        };
        match &**name {
            "CI_PIPELINE_SOURCE" => self.source(),
            "CI_DEFAULT_BRANCH" => self.default_branch(),
            "CI_COMMIT_REF_NAME" => self.name(),
            "CI_COMMIT_BRANCH" => only(Kind::Branch, self),
            "CI_COMMIT_TAG" => only(Kind::Tag, self),
            "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME" => only(Kind::MergeRequest, self),
            other => match other.strip_prefix("CI_MERGE_REQUEST_") {
                Some(_) if self.kind() != Kind::MergeRequest => Content::Unset,
                Some(rest) => self.any(name, OF_MERGE_REQUESTS.contains(&rest)),
                None => self.any(name, ALWAYS_SET.contains(&other)),
            },
        }
    }

    /// A variable that may hold anything: what it is compared with, another text, an empty one, or nothing.
    fn any(&mut self, name: &Rc<str>, is_set: bool) -> Content {
        let mut contents = vec![Content::Other(Self::ELSE)];
        contents.extend(self.vocabulary.of(name));
        if !is_set {
            contents.extend([Content::Text(Rc::from("")), Content::Unset]);
        }
        let chosen = self.choose(Question::Variable(Rc::clone(name)), contents.len());
        contents.get(chosen).cloned().unwrap_or(Content::Unset)
    }

    /// Whether something holds that is known by its words alone.
    pub(super) fn fact(&mut self, fact: &Rc<str>) -> bool {
        self.choose(Question::Fact(Rc::clone(fact)), 2) == 0
    }

    fn choose(&mut self, question: Question, of: usize) -> usize {
        if let Some(choice) = self.choices.iter().find(|choice| choice.question == question) {
            return choice.chosen;
        }
        self.choices.push(Choice { question, chosen: 0, of });
        0
    }

    /// Goes on to the next row of answers; says whether there is one.
    fn next(&mut self) -> bool {
        while let Some(last) = self.choices.last_mut() {
            last.chosen += 1;
            if last.chosen < last.of {
                return true;
            }
            self.choices.pop();
        }
        false
    }
}
