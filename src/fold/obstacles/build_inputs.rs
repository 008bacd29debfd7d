//! What the build job finds in its folder must be there in the builder stage too.

use crate::finding::{Code, Finding};
use crate::fold::inputs::Input;
use crate::fold::situation::Situation;
use crate::gitlab::{Cache, Job, PathPattern};
use crate::handoff::{is_download_cache, refills, restores_cache_of};

pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    artifacts(situation).into_iter().chain(caches(situation)).collect()
}

/// Files that the build itself gets from an earlier job, and that its stage cannot copy from the stage of that.
fn artifacts(situation: &Situation<'_>) -> Vec<Finding> {
    let finding = |input: &Input| {
        let message = format!(
            "'{}' gets {} of '{}', which the builder stage cannot take over: {}",
            situation.producer.name, input.pattern.written, input.producer, input.obstacle?
        );
        let location = situation.pipeline.location(input.pattern.origin);
        let finding = Finding::new(Code::BuildReadsArtifacts, location, message)
            .with_related(situation.pipeline.job_location(situation.producer), "the build gets them here")
            .with_help("if the build does not need them, say so with 'dependencies: []'");
        Some(finding)
    };
    situation.inputs.iter().filter_map(finding).collect()
}

/// Caches that other jobs fill: without its own command for it, the build relies on them.
fn caches(situation: &Situation<'_>) -> Vec<Finding> {
    // An image job fills a cache when the build is done. Another build job has its own stage, which shares no cache.
    let is_other = |job: &&Job| job.name != situation.producer.name && !situation.group.is_consumer(job);
    let others = situation.pipeline.jobs().iter().filter(is_other);
    let filled: Vec<PathPattern> = others.flat_map(|job| restores_cache_of(situation.producer, job)).collect();
    let handed_on = situation.used_patterns();
    let is_needed = |pattern: &&PathPattern| {
        !handed_on.iter().any(|used| used.text == pattern.text)
            && !pattern.text.is_empty()
            && !is_download_cache(&pattern.text)
            && !is_refilled(situation, &pattern.text)
    };
    let mut seen = Vec::new();
    let restored = situation.producer.caches();
    let restored: Vec<_> =
        restored.iter().filter(|cache: &&Cache| cache.restores()).flat_map(|cache| &cache.paths).collect();
    let mut findings = Vec::new();
    for pattern in filled.iter().filter(is_needed).filter(|pattern| restored.iter().any(|own| own.text == pattern.text))
    {
        if seen.contains(&pattern.text) {
            continue;
        }
        seen.push(pattern.text.clone());
        let message =
            format!("the build finds {} in a cache that other jobs fill, and makes it nowhere itself", pattern.written);
        findings.push(
            Finding::new(Code::BuildReliesOnCache, situation.pipeline.location(pattern.origin), message)
                .with_related(situation.producer_location("script"), "the build's script")
                .with_help("install the dependencies in the build job itself"),
        );
    }
    findings
}

fn is_refilled(situation: &Situation<'_>, path: &str) -> bool {
    situation.producer_script.walk.steps.iter().any(|step| {
        let words: Vec<_> = step.words.iter().filter_map(|word| word.text()).collect();
        refills(&words, path)
    })
}
