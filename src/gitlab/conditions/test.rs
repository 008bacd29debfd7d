use std::rc::Rc;

use super::expression::{Expression, Pattern};
use super::world::{Content, World};

/// What a pipeline runs for: exactly one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A branch: `CI_COMMIT_BRANCH` is set.
    Branch,
    /// A tag: `CI_COMMIT_TAG` is set.
    Tag,
    /// A merge request: `CI_MERGE_REQUEST_IID` is set, and neither of the two.
    MergeRequest,
}

/// A condition that holds in a pipeline or does not.
#[derive(Clone, Debug)]
pub(super) enum Test {
    /// All hold; nothing at all holds always.
    All(Vec<Test>),
    /// One holds; nothing at all never holds.
    Any(Vec<Test>),
    /// It does not hold.
    Not(Box<Test>),
    /// The expression comes to something.
    If(Expression),
    /// The pipeline is of that kind.
    Kind(Kind),
    /// This started it.
    Source(&'static str),
    /// The ref has that name.
    Name(Rc<str>),
    /// The name of the ref matches.
    Matching(Pattern),
    /// Something that the YAML alone does not tell, such as which files changed.
    Fact(Rc<str>),
}

impl Test {
    pub(super) fn holds(&self, world: &mut World<'_>) -> bool {
        match self {
            Self::All(tests) => tests.iter().all(|test| test.holds(world)),
            Self::Any(tests) => tests.iter().any(|test| test.holds(world)),
            Self::Not(test) => !test.holds(world),
            Self::If(expression) => expression.evaluate(world).is_present(),
            Self::Kind(kind) => world.kind() == *kind,
            Self::Source(source) => world.source() == Content::Text(Rc::from(*source)),
            Self::Name(name) => world.name() == Content::Text(Rc::clone(name)),
            Self::Matching(pattern) => {
                let name = world.name();
                pattern.matches("the ref", &name, world)
            }
            Self::Fact(fact) => world.fact(fact),
        }
    }

    /// What it asks for besides an expression, in the clause of a rule.
    pub(super) fn facts(&self) -> Vec<Self> {
        match self {
            Self::All(tests) => tests.iter().flat_map(Self::facts).collect(),
            Self::Fact(_) => vec![self.clone()],
            _ => Vec::new(),
        }
    }

    /// Every expression in it.
    pub(super) fn expressions<'a>(&'a self, found: &mut Vec<&'a Expression>) {
        match self {
            Self::All(tests) | Self::Any(tests) => tests.iter().for_each(|test| test.expressions(found)),
            Self::Not(test) => test.expressions(found),
            Self::If(expression) => found.push(expression),
            Self::Kind(_) | Self::Source(_) | Self::Name(_) | Self::Matching(_) | Self::Fact(_) => {}
        }
    }

    /// The names that it compares that of the ref with.
    pub(super) fn names<'a>(&'a self, found: &mut Vec<&'a Rc<str>>) {
        match self {
            Self::All(tests) | Self::Any(tests) => tests.iter().for_each(|test| test.names(found)),
            Self::Not(test) => test.names(found),
            Self::Name(name) => found.push(name),
            Self::If(_) | Self::Kind(_) | Self::Source(_) | Self::Matching(_) | Self::Fact(_) => {}
        }
    }
}

/// What an expression comes to, as Ruby has it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Evaluated {
    Boolean(bool),
    Content(Content),
}

impl Evaluated {
    /// Ruby's truth: everything but `nil` and `false`, the empty text included.
    fn is_truthy(&self) -> bool {
        !matches!(self, Self::Boolean(false) | Self::Content(Content::Unset))
    }

    /// Rails' `present?`, by which GitLab judges the whole: an empty text is not present.
    pub(super) fn is_present(&self) -> bool {
        match self {
            Self::Boolean(value) => *value,
            Self::Content(Content::Unset) => false,
            Self::Content(Content::Text(text)) => !text.trim().is_empty(),
            Self::Content(Content::Other(_)) => true,
        }
    }
}

impl Expression {
    /// What it comes to: `&&` and `||` answer with one of their sides, as they do in Ruby.
    pub(super) fn evaluate(&self, world: &mut World<'_>) -> Evaluated {
        match self {
            Self::Null => Evaluated::Content(Content::Unset),
            Self::Text(text) => Evaluated::Content(Content::Text(Rc::clone(text))),
            Self::Variable(name) => Evaluated::Content(world.variable(name)),
            Self::Compare(left, right, is_equal) => Evaluated::Boolean(same(left, right, world) == *is_equal),
            Self::Match(left, pattern, is_match) => {
                let name = if let Self::Variable(name) = &**left { Rc::clone(name) } else { Rc::from("") };
                let matches = match left.evaluate(world) {
                    Evaluated::Content(content) => pattern.matches(&name, &content, world),
                    Evaluated::Boolean(value) => value,
                };
                Evaluated::Boolean(matches == *is_match)
            }
            Self::And(left, right) => match left.evaluate(world) {
                left if left.is_truthy() => right.evaluate(world),
                left => left,
            },
            Self::Or(left, right) => match left.evaluate(world) {
                left if left.is_truthy() => left,
                _ => right.evaluate(world),
            },
            Self::Opaque(text) => Evaluated::Boolean(world.fact(text)),
        }
    }
}

/// Two variables whose values are not of one family may be the same or not, whatever else is known of them.
fn same(left: &Expression, right: &Expression, world: &mut World<'_>) -> bool {
    if let (Expression::Variable(one), Expression::Variable(other)) = (left, right)
        && !(World::is_name(one) && World::is_name(other))
    {
        let (one, other) = if one <= other { (one, other) } else { (other, one) };
        return one == other || world.fact(&Rc::from(format!("${one} == ${other}")));
    }
    left.evaluate(world) == right.evaluate(world)
}

impl Pattern {
    /// Whether the value of `owner` matches. A variable that is not set is matched as an empty text.
    fn matches(&self, owner: &str, content: &Content, world: &mut World<'_>) -> bool {
        let text = match content {
            Content::Text(text) => Some(&**text),
            Content::Unset => Some(""),
            Content::Other(_) => None,
        };
        match (&self.regex, text) {
            (Some(regex), Some(text)) => regex.is_match(text),
            (_, text) => {
                // All variables that hold the name of the ref hold the same.
                let is_ref = *content == Content::Other(World::REF);
                let what = text.unwrap_or(if is_ref { "the ref" } else { owner });
                world.fact(&Rc::from(format!("{what} =~ {}", self.written)))
            }
        }
    }
}
