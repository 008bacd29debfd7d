//! What `--modernize` changes in an image job whose hand-off was folded: what GitLab's documentation recommends now.
//!
//! Each step is a file, looks at one habit, and proposes changes; the pipeline is read anew for the next. A step that
//! cannot make its change surely proposes none and says so.

mod kaniko;
mod legacy;
mod login;
mod pins;
mod tls;

use std::collections::BTreeSet;

use crate::finding::{Code, Finding, Location, Severity};
use crate::gitlab::{Job, Origin, Pipeline};
use crate::handoff::JobScript;
use crate::syntax::yaml::edit;
use crate::text::{ChangeSet, RepositoryPath, Span, TextEdit};

/// One habit that is looked at, in the order of how little each changes.
type Step = fn(&Subject<'_>) -> Vec<Proposal>;

/// All steps.
const STEPS: [Step; 5] = [login::by_stdin, legacy::renamed, pins::engine, tls::engine, kaniko::builder];

/// How many passes over the pipeline there are.
pub const PASSES: usize = STEPS.len();

/// What one pass changes.
#[derive(Default)]
pub struct Modernization {
    /// The change.
    pub changes: ChangeSet,
    /// What it does, and what it leaves alone.
    pub findings: Vec<Finding>,
    /// The scalars that it rewrites: the job, the text before and the text after.
    pub rewritten: Vec<(String, String, String)>,
}

impl Modernization {
    /// Whether something of it may make a difference that the user asked for by the flag.
    #[must_use]
    pub fn makes_difference(&self) -> bool {
        !self.changes.is_empty() && self.findings.iter().any(|finding| finding.severity() == Severity::Warning)
    }
}

/// An image job, as a step sees it.
struct Subject<'a> {
    job: &'a Job,
    script: JobScript,
}

/// What a step proposes, or why it proposes nothing.
struct Proposal {
    target: Target,
    /// What is written there; `None` where the place is left alone.
    new: Option<String>,
    code: Code,
    message: String,
}

/// A place of the job.
enum Target {
    /// Some bytes of an item of its script.
    Item(usize, Span),
    /// A scalar under one of its keywords, with its text.
    Scalar(&'static str, Origin, String),
}

/// Takes the pass `number` over these image jobs. Locations are those of `original`, the pipeline before any change.
///
/// # Errors
/// A finding for edits that meet.
pub fn modernize(
    number: usize,
    original: &Pipeline,
    pipeline: &Pipeline,
    jobs: &BTreeSet<String>,
) -> Result<Modernization, Box<Finding>> {
    let mut made = Modernization::default();
    let Some(step) = STEPS.get(number) else {
        return Ok(made);
    };
    for job in jobs.iter().filter_map(|name| pipeline.job(name)) {
        let subject = Subject { job, script: JobScript::new(job) };
        let mut texts: Vec<(Origin, Rewrite<'_>)> = Vec::new();
        let proposals = step(&subject);
        for proposal in &proposals {
            match subject.scalar(&proposal.target) {
                Some((origin, text, span)) if proposal.new.is_some() => {
                    match texts.iter_mut().find(|(known, _)| *known == origin) {
                        Some((_, rewrite)) => rewrite.parts.push((span, proposal)),
                        None => texts.push((origin, Rewrite { text, parts: vec![(span, proposal)] })),
                    }
                }
                _ => made.findings.push(subject.finding(original, proposal)),
            }
        }
        for (origin, rewrite) in texts {
            subject.rewrite(original, pipeline, origin, rewrite, &mut made)?;
        }
    }
    Ok(made)
}

/// A scalar, and what is to be put into it.
struct Rewrite<'a> {
    text: String,
    parts: Vec<(Span, &'a Proposal)>,
}

impl Rewrite<'_> {
    /// The bytes from the first part to the last, and what they become.
    fn joined(&self) -> Option<(Span, String)> {
        let (first, last) = self.parts.first().zip(self.parts.last())?;
        let (mut at, mut new) = (first.0.start(), String::new());
        for (span, proposal) in &self.parts {
            new.push_str(self.text.get(at..span.start())?);
            new.push_str(proposal.new.as_deref()?);
            at = span.end();
        }
        Some((Span::new(first.0.start(), last.0.end()), new))
    }
}

impl Subject<'_> {
    fn scalar(&self, target: &Target) -> Option<(Origin, String, Span)> {
        match target {
            Target::Item(item, span) => {
                let item = self.script.items.get(*item)?;
                Some((item.origin, item.text.as_deref()?.to_owned(), *span))
            }
            Target::Scalar(_, origin, text) => Some((*origin, text.clone(), Span::new(0, text.len()))),
        }
    }

    fn rewrite(
        &self,
        original: &Pipeline,
        pipeline: &Pipeline,
        origin: Origin,
        mut rewrite: Rewrite<'_>,
        made: &mut Modernization,
    ) -> Result<(), Box<Finding>> {
        rewrite.parts.sort_by_key(|(span, _)| span.start());
        let edit = rewrite
            .joined()
            .and_then(|(span, new)| Some((self.edit(pipeline, origin, &rewrite, span, &new)?, span, new)));
        let Some(((path, edit), span, new)) = edit else {
            made.findings.extend(rewrite.parts.iter().map(|(_, proposal)| self.left_alone(original, proposal)));
            return Ok(());
        };
        let failed = |_| super::edit_failed(Location::File(path.clone()), "two changes of --modernize meet here");
        made.changes.edit(path.clone(), edit).map_err(failed)?;
        made.findings.extend(rewrite.parts.iter().map(|(_, proposal)| self.finding(original, proposal)));
        let (head, tail) = (rewrite.text.get(..span.start()), rewrite.text.get(span.end()..));
        let after = format!("{}{new}{}", head.unwrap_or_default(), tail.unwrap_or_default());
        made.rewritten.push((self.job.name.to_string(), rewrite.text, after));
        Ok(())
    }

    /// The edit of a scalar that belongs to this job alone and stands in a file of the repository as the job has it.
    fn edit(
        &self,
        pipeline: &Pipeline,
        origin: Origin,
        rewrite: &Rewrite<'_>,
        span: Span,
        new: &str,
    ) -> Option<(RepositoryPath, TextEdit)> {
        let others = pipeline.jobs().iter().filter(|other| other.name != self.job.name);
        let is_shared = others.into_iter().any(|other| other.holds(origin.file, &|node| node == origin.node));
        let file = pipeline.file(origin.file).filter(|file| file.is_editable() && !is_shared)?;
        let is_as_written = file.tree.node(origin.node).scalar() == Some(rewrite.text.as_str());
        let edit = edit::replace_in_scalar(&file.tree, origin.node, span, new).filter(|_| is_as_written)?;
        Some((file.source.path().clone(), edit))
    }

    fn finding(&self, original: &Pipeline, proposal: &Proposal) -> Finding {
        Finding::new(proposal.code, self.location(original, &proposal.target), proposal.message.clone())
    }

    fn left_alone(&self, original: &Pipeline, proposal: &Proposal) -> Finding {
        let message = format!(
            "{}; this is left alone, for other jobs share the line, or it is not written here",
            proposal.message
        );
        Finding::new(Code::NotModernized, self.location(original, &proposal.target), message)
            .with_help("give the job a line of its own, and run stagefold again")
    }

    /// Where the place was before the fold, as near as its text tells.
    fn location(&self, original: &Pipeline, target: &Target) -> Location {
        let Some(job) = original.job(&self.job.name) else {
            return Location::File(RepositoryPath::root());
        };
        match target {
            Target::Scalar(keyword, ..) => original.keyword_location(job, keyword),
            Target::Item(item, _) => {
                let text = self.script.items.get(*item).and_then(|item| item.text.as_deref());
                let same = job.script().into_iter().find(|item| item.text.as_deref() == text);
                same.map_or_else(|| original.keyword_location(job, "script"), |item| original.location(item.origin))
            }
        }
    }
}
