//! What `--modernize` changes in an image job whose hand-off was folded: what GitLab's documentation recommends now.
//!
//! Each step is a file, looks at one habit, and proposes changes; the pipeline is read anew for the next. A change is made
//! whole or not at all. One that asks for something outside of the repository, such as a setting of the runner, is a review:
//! it is told, and made where the user accepts its code. A step that cannot make its change surely says so.

mod edits;
mod exposure;
mod kaniko;
mod layers;
mod legacy;
mod login;
mod pins;
mod place;
mod tls;

use std::collections::BTreeMap;

use crate::finding::{Code, Finding, Location, Severity};
use crate::gitlab::{Job, Origin, Pipeline};
use crate::handoff::JobScript;
use crate::outcome::{HandoffSummary, Policy};
use crate::source::Repository;
use crate::text::{ChangeSet, FileVersions, RepositoryPath, Span};

/// One habit that is looked at, in the order of how little each changes.
type Step = fn(&Subject<'_>) -> Vec<Proposal>;

/// All steps.
const STEPS: [Step; 6] =
    [login::by_stdin, legacy::renamed, pins::engine, tls::engine, layers::in_registry, kaniko::by_buildkit];

/// How many steps there are.
pub const MODERN_STEPS: usize = STEPS.len();

/// What one step looks at.
#[derive(Clone, Copy)]
pub struct Modernizing<'a> {
    /// The repository as it is by now.
    pub repository: &'a dyn Repository,
    /// The pipeline before any change.
    pub original: &'a Pipeline,
    /// The pipeline as it is by now.
    pub pipeline: &'a Pipeline,
    /// What the user allows and wishes.
    pub policy: &'a Policy,
    /// The files that were changed so far.
    pub files: &'a BTreeMap<RepositoryPath, FileVersions>,
    /// The hand-offs that were folded, and what was told of them.
    pub handoffs: &'a [(HandoffSummary, Vec<Finding>)],
    /// The texts that earlier steps have rewritten.
    pub earlier: &'a [Rewritten],
}

/// A text of a job that was rewritten: one of its script, of its image or of its services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewritten {
    /// The job.
    pub job: String,
    /// The text as it was.
    pub before: String,
    /// The text as it is.
    pub after: String,
}

/// What one step changes in one job.
#[derive(Default)]
pub struct Modernization {
    /// The change.
    pub changes: ChangeSet,
    /// What it does, and what it leaves alone.
    pub findings: Vec<Finding>,
    /// The texts that it rewrites.
    pub rewritten: Vec<Rewritten>,
    /// The items that it adds to the script.
    pub added: Vec<String>,
    /// The variables that it sets, and their values.
    pub variables: Vec<(String, String)>,
    /// Whether something of it may make a difference that the user asked for.
    pub makes_difference: bool,
}

/// An image job, as a step sees it.
struct Subject<'a> {
    job: &'a Job,
    script: JobScript,
    all: &'a Modernizing<'a>,
}

/// What a step proposes, or why it proposes nothing.
struct Proposal {
    at: Target,
    /// What is written; nothing where the place is left alone.
    edits: Vec<Edit>,
    code: Code,
    message: String,
    help: Option<String>,
}

/// A place of the job that a finding is about.
enum Target {
    /// An item of its script.
    Item(usize),
    /// One of its keywords.
    Keyword(&'static str),
}

/// One thing to be written.
#[derive(Clone)]
enum Edit {
    /// These bytes of an item of the script become another text.
    Text(usize, Span, String),
    /// A scalar with this text becomes another.
    Scalar(Origin, String, String),
    /// An item of its own, in front of one of the script.
    Line(usize, String),
    /// A variable of its own: beside another one, or among those of the job.
    Variable(Option<Origin>, &'static str, &'static str),
}

/// Takes the step `number` over the image job `name`.
#[must_use]
pub fn modernize(number: usize, name: &str, all: &Modernizing<'_>) -> Modernization {
    let mut made = Modernization::default();
    let (Some(step), Some(job)) = (STEPS.get(number), all.pipeline.job(name)) else {
        return made;
    };
    let subject = Subject { job, script: JobScript::new(job), all };
    let is_open = |proposal: &Proposal| {
        proposal.code.severity() != Severity::Review || all.policy.accepted.contains(&proposal.code)
    };
    let (wanted, told): (Vec<_>, Vec<_>) =
        step(&subject).into_iter().partition(|proposal| !proposal.edits.is_empty() && is_open(proposal));
    made.findings.extend(told.iter().map(|proposal| subject.told(proposal)));
    // Some may stand in places that other jobs share.
    let (possible, alone): (Vec<_>, Vec<_>) =
        wanted.into_iter().partition(|proposal| edits::write(&subject, &[proposal]).is_some());
    made.findings.extend(alone.iter().map(|proposal| subject.left_alone(proposal)));
    let all_of_it: Vec<_> = possible.iter().collect();
    match edits::write(&subject, &all_of_it) {
        Some(written) => {
            made.makes_difference = possible.iter().any(|proposal| proposal.code.severity() >= Severity::Warning);
            made.findings.extend(possible.iter().map(|proposal| subject.finding(proposal)));
            made.changes = written.changes;
            made.rewritten = written.rewritten;
            made.added = written.added;
            made.variables = written.variables;
        }
        None => made.findings.extend(possible.iter().map(|proposal| subject.left_alone(proposal))),
    }
    made
}

impl Subject<'_> {
    fn finding(&self, proposal: &Proposal) -> Finding {
        let finding = Finding::new(proposal.code, self.location(&proposal.at), proposal.message.clone());
        match &proposal.help {
            Some(help) => finding.with_help(help),
            None => finding,
        }
    }

    /// The finding of what is not written, or not yet. One that could not be written is not offered.
    fn told(&self, proposal: &Proposal) -> Finding {
        if proposal.code.severity() != Severity::Review {
            return self.finding(proposal);
        }
        if edits::write(self, &[proposal]).is_none() {
            return self.left_alone(proposal);
        }
        let help = proposal.help.as_deref().map_or(String::new(), |help| format!("{help}; "));
        self.finding(proposal).with_help(format!("{help}'--accept {}' writes it", proposal.code))
    }

    fn left_alone(&self, proposal: &Proposal) -> Finding {
        let message = format!(
            "{}; this is left alone, for other jobs share the line, or it is not written here",
            proposal.message
        );
        Finding::new(Code::NotModernized, self.location(&proposal.at), message)
            .with_help("give the job a line of its own, and run stagefold again")
    }

    /// Where the place was before the fold, as near as its text tells.
    fn location(&self, target: &Target) -> Location {
        let Some(job) = self.all.original.job(&self.job.name) else {
            return Location::File(RepositoryPath::root());
        };
        let keyword = |keyword: &str| self.all.original.keyword_location(job, keyword);
        match target {
            Target::Keyword(name) => keyword(name),
            Target::Item(item) => {
                let text = self.script.items.get(*item).and_then(|item| item.text.as_deref()).unwrap_or_default();
                let origin = place::of_item(job, text, self.all.earlier);
                origin.map_or_else(|| keyword("script"), |origin| self.all.original.location(origin))
            }
        }
    }

    /// The text of an item of the script.
    fn text(&self, item: usize) -> &str {
        self.script.items.get(item).and_then(|item| item.text.as_deref()).unwrap_or_default()
    }
}

impl Proposal {
    /// A place that is left alone, why, and what can be done.
    fn left(at: Target, message: impl Into<String>, help: impl Into<String>) -> Self {
        let code = Code::NotModernized;
        Self { at, edits: Vec::new(), code, message: message.into(), help: Some(help.into()) }
    }
}
