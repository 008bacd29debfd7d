//! What forbids a fold. One file for each question; each looks, says what it finds, and changes nothing.

mod build_image;
mod build_inputs;
mod build_script;
mod builder;
mod command_elsewhere;
mod consumer_script;
mod context;
mod copied_out;
mod copies;
mod described_build;
mod dockerfile;
mod embedded_paths;
mod faults;
mod foreign_files;
mod includes;
mod keywords;
mod meeting;
mod notes;
mod older_compose;
mod other_jobs;
mod passing;
mod references;
mod relied_caches;
mod rules;
mod secrets;
mod several;
mod shared_dockerfile;
mod skipped_build;
mod sources;
mod swallowed;
mod unclear;

use super::group::Role;
use super::situation::Situation;
use crate::finding::{Finding, Severity};

pub(super) use copied_out::of_docker_cp;
pub(super) use faults::pipeline_faults;
pub(super) use notes::pipeline_notes;
pub(super) use other_jobs::readers;
pub(super) use rules::{is_only_wider, runs_elsewhere};
pub(super) use several::several;
pub(super) use shared_dockerfile::builds_elsewhere;
pub(super) use unclear::{told, unclear_build};

/// Looks at one question.
type Check = fn(&Situation<'_>) -> Vec<Finding>;

/// Every obstacle on the side of a build job, in the order in which people read about them.
const OF_PRODUCER: [Check; 15] = [
    includes::check,
    keywords::check,
    rules::check,
    meeting::check,
    other_jobs::check,
    references::check,
    build_image::check,
    build_script::check,
    embedded_paths::check,
    passing::check,
    secrets::check,
    sources::check,
    build_inputs::check,
    relied_caches::check,
    relied_caches::of_others,
];

/// Those of a job that only fills a cache, and goes on doing so: where it runs and who refers to it stays what it was.
const OF_FILLER: [Check; 9] = [
    includes::check,
    keywords::check,
    build_image::check,
    build_script::check,
    embedded_paths::check,
    passing::check,
    secrets::check,
    build_inputs::check,
    relied_caches::check,
];

/// Every obstacle on the side of the image job, which stand in the way of all its build jobs alike.
const OF_CONSUMER: [Check; 11] = [
    keywords::of_image_job,
    foreign_files::check,
    consumer_script::check,
    swallowed::check,
    skipped_build::check,
    command_elsewhere::check,
    described_build::check,
    context::check,
    copies::check,
    dockerfile::check,
    builder::check,
];

/// What others rely on of a build job, so that it must not go.
const OF_OTHERS: [Check; 4] =
    [keywords::of_use_to_others, other_jobs::check, references::of_others, relied_caches::of_others];

/// All findings that speak about the fold of `situation`, those that forbid it among them.
pub(super) fn of_jobs(situation: &Situation<'_>) -> Vec<Finding> {
    let consumer: &[Check] = if situation.role == Role::ForImage { &OF_CONSUMER } else { &[] };
    let producer: &[Check] = if situation.role == Role::FillsCache { &OF_FILLER } else { &OF_PRODUCER };
    let checks = producer.iter().chain(consumer).chain([&(notes::of_fold as Check)]);
    checks.flat_map(|check| check(situation)).collect()
}

/// The findings that say what others rely on: where there is one, the build job can only stay.
pub(super) fn relied_on(situation: &Situation<'_>) -> Vec<Finding> {
    OF_OTHERS
        .iter()
        .flat_map(|check| check(situation))
        .filter(|finding| finding.severity() >= Severity::Review)
        .collect()
}
