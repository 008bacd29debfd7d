//! Parts of the pipeline that cannot be read here: what the jobs are made of must not lie in them.

use std::rc::Rc;

use crate::finding::{Code, Finding};
use crate::gitlab::{Job, Known, Pipeline, Reads, Template, UnreadInclude};

/// How a file that cannot be read here is made known.
pub(in crate::fold::obstacles) const HELP: &str =
    "give its text with --include-dir, or GitLab's merged pipeline with --merged-yaml";

pub(super) fn check(pipeline: &Pipeline, jobs: &[&Job]) -> Vec<Finding> {
    let names: Vec<&str> = jobs.iter().map(|job| &*job.name).collect();
    let parts = pipeline.ingredients(&names);
    let missing: Vec<_> = parts.iter().filter(|name| pipeline.top().get(name).is_none()).cloned().collect();
    let mut findings: Vec<_> =
        pipeline.unread().iter().filter_map(|unread| finding(pipeline, unread, &names, &parts, &missing)).collect();
    let is_told = findings.iter().any(|finding| finding.code == Code::IncludeNeeded);
    if let Some(job) = jobs.first().filter(|_| !is_told && !missing.is_empty()) {
        let message = format!("there is no '{}' in the files that can be read here", missing.join("' and no '"));
        let finding = Finding::new(Code::IncludeNeeded, pipeline.job_location(job), message);
        findings.push(finding.with_help("write it in this repository"));
    }
    findings
}

fn finding(
    pipeline: &Pipeline,
    unread: &UnreadInclude,
    names: &[&str],
    parts: &[Rc<str>],
    missing: &[Rc<str>],
) -> Option<Finding> {
    let needed = |why: String| {
        let message = format!("the pipeline takes in {}, which cannot be read here, and {why}", unread.what);
        Some(Finding::new(Code::IncludeNeeded, unread.location.clone(), message).with_help(HELP))
    };
    match unread.known {
        Known::Broken => {
            let message = format!("the pipeline takes in {}; GitLab makes no pipeline without it", unread.what);
            let finding = Finding::new(Code::IncludeNeeded, unread.location.clone(), message);
            Some(finding.with_help("mend this include"))
        }
        Known::Template(template) => match parts.iter().find(|name| template.may_define(name)) {
            Some(name) if template.reads != Reads::Anything => {
                let finding = needed(format!("it has a '{name}' of its own"));
                finding.map(|finding| finding.with_help("give the job of this repository another name"))
            }
            Some(name) => needed(format!("it has a '{name}' of its own")),
            None if is_harmless(pipeline, template) => None,
            None => Some(to_vouch_for(unread, names)),
        },
        Known::Nothing => match missing.first() {
            Some(name) => needed(format!("'{name}' is in no file that can")),
            None => Some(to_vouch_for(unread, names)),
        },
    }
}

/// Whether a template adds nothing but scanners and their variables, or conditions that hold for all jobs alike. What
/// it else sets at the top, the pipeline file must set too: that is the last word.
fn is_harmless(pipeline: &Pipeline, template: &Template) -> bool {
    let is_overruled = |key: &str| matches!(key, "variables" | "workflow") || pipeline.sets_last(key);
    template.reads != Reads::Anything && template.globals.iter().all(|key| is_overruled(key))
}

fn to_vouch_for(unread: &UnreadInclude, names: &[&str]) -> Finding {
    let jobs = names.join("' and '");
    let message = format!("the pipeline takes in {}, which cannot be read here and may change '{jobs}'", unread.what);
    Finding::new(Code::IncludeUnread, unread.location.clone(), message).with_help(format!(
        "{HELP}; if you know that it neither changes these jobs nor uses their files: --accept include-unread"
    ))
}
