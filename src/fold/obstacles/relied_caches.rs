//! What the build finds in a cache that other jobs fill: its stage gets it of a stage that fills it anew, or there is no
//! telling who fills it.

use crate::finding::{Code, Finding, Location};
use crate::fold::chain::{self, NoFiller, Relied};
use crate::fold::situation::Situation;
use crate::gitlab::Job;
use crate::handoff::JobScript;

pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let relied = chain::relied_on(situation.repository, situation.pipeline, situation.handoff, situation.producer);
    relied.iter().map(|relied| finding(situation, relied)).collect()
}

/// Jobs that find in a cache what the build job put there, and would not once it is gone.
pub(super) fn of_others(situation: &Situation<'_>) -> Vec<Finding> {
    if situation.fate.is_to_stay() {
        return Vec::new();
    }
    let pipeline = situation.pipeline;
    let remain: Vec<_> = pipeline.jobs().iter().filter(|job| !situation.takes_part(job)).collect();
    let handed_on = situation.used_patterns();
    let finding = |job: &&Job| {
        let others: Vec<_> = remain.iter().copied().filter(|other| other.name != job.name).collect();
        let (path, step) = chain::found_in_cache_of(situation.repository, pipeline, job, situation.producer, &others)
            .filter(|(path, _)| !handed_on.iter().any(|used| used.text == path.text))?;
        let message = format!(
            "'{}' finds {} in the cache that '{}' fills, and would not once that is gone",
            job.name, path.written, situation.producer.name
        );
        let script = JobScript::new(job);
        let used = step.and_then(|step| script.walk.steps.get(step));
        let location = used.and_then(|step| script.step_location(pipeline, step));
        let finding =
            Finding::new(Code::ArtifactReadByOtherJob, location.unwrap_or_else(|| pipeline.job_location(job)), message);
        let help = format!(
            "let '{}' fill it itself, or let the build job stay beside the fold: '--on-other-readers keep'",
            job.name
        );
        Some(finding.with_related(pipeline.location(path.origin), "it is cached here").with_help(help))
    };
    remain.iter().filter_map(finding).collect()
}

fn finding(situation: &Situation<'_>, relied: &Relied<'_>) -> Finding {
    match &relied.filler {
        Ok(filler) => filled(situation, relied, filler),
        Err(reason) => unclear(situation, relied, reason),
    }
}

fn filled(situation: &Situation<'_>, relied: &Relied<'_>, filler: &Job) -> Finding {
    let path = &relied.path.written;
    let message = format!(
        "'{}' finds {path} in a cache that '{}' fills; in the image build both run anew, where the cache may have held older files or more",
        situation.producer.name, filler.name
    );
    let fate = if situation.takes_part(filler) { "this job fills it" } else { "this job fills it, and stays" };
    Finding::new(Code::BuildReliesOnCache, use_of(situation, relied), message)
        .with_related(situation.pipeline.job_location(filler), fate)
        .with_help("if the build needs no more than a fresh fill, accept it with '--accept build-relies-on-cache'; else fill the folder in the build job itself")
}

fn unclear(situation: &Situation<'_>, relied: &Relied<'_>, reason: &NoFiller) -> Finding {
    let pipeline = situation.pipeline;
    let path = &relied.path.written;
    let (what, jobs): (String, Vec<&String>) = match reason {
        NoFiller::NoneBefore => ("no job before it can be seen to fill it".to_owned(), Vec::new()),
        NoFiller::Several(names) => {
            (format!("several jobs before it may fill it: {}", names.join(", ")), names.iter().collect())
        }
        NoFiller::NotCertain(name) => (
            format!("'{name}' fills it only under a condition, in part, or by a command that is not known"),
            vec![name],
        ),
        NoFiller::KeyOfFiles => {
            ("its key is made of files, so that the cache may be one of any branch".to_owned(), Vec::new())
        }
        NoFiller::Policy => ("a variable says who restores and who saves it".to_owned(), Vec::new()),
        NoFiller::Downloads => ("it fetches nothing itself of what lies there".to_owned(), Vec::new()),
    };
    let message = format!("'{}' relies on what a cache holds in {path}: {what}", situation.producer.name);
    let finding = Finding::new(Code::CacheFillerUnclear, use_of(situation, relied), message)
        .with_related(pipeline.location(relied.path.origin), "it is cached here")
        .with_help(format!("let '{}' fill {path} itself, whole, before it uses it", situation.producer.name));
    let fillers = jobs.into_iter().filter_map(|name| pipeline.job(name));
    fillers.fold(finding, |finding, job| finding.with_related(pipeline.job_location(job), "this job may fill it"))
}

/// The step of the build that uses the folder, or its artifacts.
fn use_of(situation: &Situation<'_>, relied: &Relied<'_>) -> Location {
    let script = JobScript::new(situation.producer);
    let step = relied.step.and_then(|step| script.walk.steps.get(step));
    let location = step.and_then(|step| script.step_location(situation.pipeline, step));
    location.unwrap_or_else(|| situation.producer_location(if relied.step.is_some() { "script" } else { "artifacts" }))
}
