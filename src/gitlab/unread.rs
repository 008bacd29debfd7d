use std::rc::Rc;

use super::template::{Reads, Template};
use crate::finding::Location;

/// Something that the pipeline takes in and that cannot be read here.
#[derive(Clone, Debug)]
pub struct UnreadInclude {
    /// Where it is asked for.
    pub location: Location,
    /// What it is.
    pub what: String,
    /// What is known of it all the same.
    pub known: Known,
    /// Whether only some pipelines take it in.
    pub is_conditional: bool,
}

/// What is known of a file that cannot be read.
#[derive(Clone, Copy, Debug)]
pub enum Known {
    /// Nothing: it may define or change whatever it likes.
    Nothing,
    /// It is one of GitLab's own templates.
    Template(&'static Template),
    /// It should be in this repository and is not, so that GitLab makes no pipeline.
    Broken,
}

/// An include that is taken in by some pipelines and not by others.
#[derive(Clone, Debug)]
pub struct ConditionalInclude {
    /// Where it is asked for.
    pub location: Location,
    /// The jobs that are there with and without it and are not the same, and the keys at the top that differ.
    pub changes: Vec<Rc<str>>,
    /// The jobs that it alone brings in.
    pub adds: Vec<Rc<str>>,
    /// The keys at the top that it sets or changes otherwise, whether a job that is there without it minds or not.
    pub touches: Vec<Rc<str>>,
}

/// A job of which GitLab's merged pipeline says something else than the files of the repository.
#[derive(Clone, Debug)]
pub struct DisputedJob {
    /// Its name.
    pub job: Rc<str>,
    /// The keyword that differs; `None` where the merged pipeline has no such job.
    pub keyword: Option<Rc<str>>,
    /// Where the files set it.
    pub local: Option<Location>,
    /// Where the merged pipeline sets it.
    pub merged: Location,
}

impl UnreadInclude {
    /// The template that it is, where its jobs are scanners that hand nothing on.
    pub(super) fn scanner(&self) -> Option<&'static Template> {
        match self.known {
            Known::Template(template) if template.reads != Reads::Anything => Some(template),
            _ => None,
        }
    }

    /// Whether one of its jobs may run in `stage`.
    pub(super) fn may_use_stage(&self, stage: &str) -> bool {
        match self.known {
            Known::Template(template) => template.stages.contains(&stage),
            Known::Nothing | Known::Broken => true,
        }
    }
}
