//! GitLab's scanners, whose templates are known and not read: they look at all texts of the tree.

use crate::finding::{Code, Finding};
use crate::fold::situation::Situation;
use crate::gitlab::{Known, PathPattern, Reads, Template, UnreadInclude};
use crate::handoff::downloads_artifacts;
use crate::outcome::Via;

/// Files that no scanner of texts looks into.
const PACKED: [&str; 20] = [
    "7z", "apk", "bin", "bz2", "class", "deb", "dll", "ear", "exe", "gz", "jar", "nupkg", "rpm", "so", "tar", "tgz",
    "war", "whl", "xz", "zip",
];

pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let Some(pattern) = handed_on(situation).into_iter().find(|pattern| !is_packed(pattern)) else {
        return Vec::new();
    };
    let finding = |unread: &UnreadInclude| {
        let Known::Template(template) = unread.known else { return None };
        (template.reads == Reads::Texts && sees(situation, template)).then(|| {
            let message =
                format!("the jobs of {} scan {} too, and would no longer see it", unread.what, pattern.written);
            Finding::new(Code::ScannerSeesLess, unread.location.clone(), message)
                .with_help("if their report may be about the sources alone: --accept scanner-sees-less")
        })
    };
    situation.pipeline.unread().iter().filter_map(finding).collect()
}

/// What the producer uploads for later jobs: scanners have no cache.
fn handed_on(situation: &Situation<'_>) -> Vec<PathPattern> {
    let is_uploaded = situation.handoff.flows.iter().any(|flow| flow.via == Via::Artifacts);
    if is_uploaded { situation.producer.artifacts().paths } else { Vec::new() }
}

fn is_packed(pattern: &PathPattern) -> bool {
    let name = pattern.text.rsplit('/').next().unwrap_or_default();
    name.rsplit_once('.').is_some_and(|(_, extension)| PACKED.contains(&extension))
}

/// Whether a job of the template runs in a later stage than the producer, or is written over here so that it downloads
/// what the producer uploads.
fn sees(situation: &Situation<'_>, template: &Template) -> bool {
    let pipeline = situation.pipeline;
    let index = |stage: &&str| pipeline.stages().iter().position(|name| &**name == *stage);
    let own = pipeline.stage_index(situation.producer);
    let mut jobs = pipeline.jobs().iter().filter(|job| template.may_define(&job.name));
    template.stages.iter().filter_map(index).any(|stage| own.is_none_or(|own| own < stage))
        || jobs.any(|job| downloads_artifacts(pipeline, job, situation.producer))
}
