//! What forbids a fold. One file for each question; each looks, says what it finds, and changes nothing.

mod build_image;
mod build_inputs;
mod build_script;
mod consumer_script;
mod context;
mod copied_out;
mod copies;
mod dockerfile;
mod foreign_files;
mod includes;
mod keywords;
mod notes;
mod other_jobs;
mod references;
mod rules;
mod several;
mod sources;
mod unclear;

use super::situation::Situation;
use crate::finding::Finding;

pub(super) use copied_out::of_docker_cp;
pub(super) use notes::pipeline_notes;
pub(super) use several::several;
pub(super) use unclear::unclear_build;

/// Every obstacle of a hand-off from one job to another, in the order in which people read about them.
const OF_JOBS: [fn(&Situation<'_>) -> Vec<Finding>; 15] = [
    includes::check,
    keywords::check,
    rules::check,
    other_jobs::check,
    references::check,
    build_image::check,
    build_script::check,
    sources::check,
    build_inputs::check,
    foreign_files::check,
    consumer_script::check,
    context::check,
    copies::check,
    dockerfile::check,
    notes::of_fold,
];

/// All findings that speak about the fold of `situation`, those that forbid it among them.
pub(super) fn of_jobs(situation: &Situation<'_>) -> Vec<Finding> {
    OF_JOBS.iter().flat_map(|check| check(situation)).collect()
}
