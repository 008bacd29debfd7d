use super::own_programs::{MAKE_FLAGS, program};
use crate::docker::{PROJECT_FOLDER, Part, PartOrigin, Program, ScriptWalk, Step, is_described_build};
use crate::finding::Location;
use crate::gitlab::{Job, Pipeline, ScriptItem};
use crate::source::Repository;
use crate::syntax::yaml::Tree;
use crate::text::Span;

/// Why an item cannot be read that YAML makes a mapping of: `- echo version: 1`.
const NO_TEXT: &str = "YAML makes no text of it, and GitLab refuses such a pipeline; put it in quotes";

/// A job's script, walked: `before_script` and `script` as the one program that they are.
pub struct JobScript {
    /// The items, those without a command included; behind them the texts of other files that they run, each with the
    /// place of the script.
    pub items: Vec<ScriptItem>,
    /// Their commands; a step's `item` is an index into `items`.
    pub walk: ScriptWalk,
}

impl JobScript {
    /// Walks `before_script` and `script` of `job`.
    #[must_use]
    pub fn new(job: &Job) -> Self {
        Self::of_items(job, job.script(), &|_| None)
    }

    /// As [`JobScript::new`], with what the job runs out of the repository's own files to build an image.
    #[must_use]
    pub fn of_image_job(repository: &dyn Repository, job: &Job) -> Self {
        let items = job.script();
        let is_set = |name: &str| {
            let mut texts = items.iter().filter_map(|item| item.text.as_deref());
            job.variables.get(name).is_some() || texts.any(|text| text.contains(name))
        };
        let has_flags = MAKE_FLAGS.into_iter().any(is_set);
        let is_make = |step: &Step| step.program().is_some_and(|name| name.ends_with("make"));
        let follow = |step: &Step| program(repository, step).filter(|_| !has_flags || !is_make(step));
        Self::of_items(job, items, &follow)
    }

    /// The script of `job` without what it runs out of files, as [`JobScript::new`] walks it; `None` where this is it.
    pub(super) fn without_programs(&self, job: &Job) -> Option<Self> {
        (!self.walk.parts.is_empty()).then(|| Self::new(job))
    }

    /// Walks the first `count` items of what [`JobScript::new`] walks.
    #[must_use]
    pub fn beginning(job: &Job, count: usize) -> Self {
        let mut items = job.script();
        items.truncate(count);
        Self::of_items(job, items, &|_| None)
    }

    /// Walks one of the other scripts of `job`, such as `after_script`.
    #[must_use]
    pub fn of_keyword(job: &Job, keyword: &str) -> Self {
        Self::of_items(job, job.script_of(keyword), &|_| None)
    }

    fn of_items(job: &Job, mut items: Vec<ScriptItem>, follow: &dyn Fn(&Step) -> Option<Program>) -> Self {
        let lookup = |name: &str| match name {
            "CI_PROJECT_DIR" => Some(PROJECT_FOLDER.to_owned()),
            name => job
                .variables
                .get(name)
                .and_then(|_| job.variables.expand_within(&format!("${{{name}}}"), PROJECT_FOLDER)),
        };
        let mut walk = ScriptWalk::following(items.iter().map(|item| item.text.as_deref()), &lookup, follow);
        if walk.steps.iter().any(is_described_build) {
            let own = job.variables.names().filter(|name| !walk.variables.contains_key(*name));
            let own: Vec<_> = own.map(|name| (name.to_owned(), lookup(name))).collect();
            walk.variables.extend(own);
        }
        let odd = items.iter().enumerate().filter(|(_, item)| item.is_odd);
        walk.opaque.extend(odd.map(|(index, _)| (index, NO_TEXT.to_owned())));
        let origin = items.first().map(|item| item.origin);
        let own: Vec<_> = items.iter().map(|item| item.origin).collect();
        let origin_of = |part: &Part| match &part.origin {
            PartOrigin::File { .. } => origin,
            PartOrigin::Word { item, .. } => own.get(*item).copied().or(origin),
        };
        let parts = walk.parts.iter().filter_map(|part| Some((part, origin_of(part)?)));
        let texts =
            parts.map(|(part, origin)| ScriptItem { text: Some(part.text.as_str().into()), origin, is_odd: false });
        items.extend(texts.collect::<Vec<_>>());
        Self { items, walk }
    }

    /// The text of another file that is run as the item of this number.
    #[must_use]
    pub fn part(&self, item: usize) -> Option<&Part> {
        self.walk.parts.get(item.checked_sub(self.items.len() - self.walk.parts.len())?)
    }

    /// The place of an item.
    #[must_use]
    pub fn item_location(&self, pipeline: &Pipeline, item: usize) -> Option<Location> {
        if let Some(part) = self.part(item) {
            return self.part_location(pipeline, part, None);
        }
        Some(pipeline.location(self.items.get(item)?.origin))
    }

    /// The place of some bytes of an item's text, as near as the way it is written allows.
    #[must_use]
    pub fn location(&self, pipeline: &Pipeline, item: usize, span: Span) -> Option<Location> {
        if let Some(part) = self.part(item) {
            return self.part_location(pipeline, part, Some(span));
        }
        let ScriptItem { text, origin, .. } = self.items.get(item)?;
        let file = pipeline.file(origin.file)?;
        // Where an input is filled in, the text has other bytes than the file.
        let is_as_written = file.tree.node(origin.node).scalar() == text.as_deref();
        let exact = Tree::source_span(&file.tree, origin.node, span).filter(|_| is_as_written);
        Some(exact.map_or_else(|| file.location(origin.node), |span| Location::new(&file.source, span)))
    }

    /// The place of some bytes of a text that is run as an item, or of all of it.
    fn part_location(&self, pipeline: &Pipeline, part: &Part, span: Option<Span>) -> Option<Location> {
        match &part.origin {
            PartOrigin::File { source, span: all } => {
                Some(Location::new(source, span.map_or(*all, |span| part.place(span))))
            }
            // A word stands in the job's own script.
            PartOrigin::Word { item, .. } if self.part(*item).is_some() => None,
            PartOrigin::Word { item, span: all, .. } => {
                self.location(pipeline, *item, span.map_or(*all, |span| part.place(span)))
            }
        }
    }

    /// The place of a step.
    #[must_use]
    pub fn step_location(&self, pipeline: &Pipeline, step: &Step) -> Option<Location> {
        self.location(pipeline, step.item, step.span)
    }
}
