//! A build job that became a check of the builder stage.

use super::Folded;
use crate::gitlab::{Cache, Comparison, Conditions, Job, Pipeline, Unclear};

/// Whether each check runs exactly where the build job ran and the image job does not stand for it, in its stage, and
/// hands nothing on.
pub(super) fn are_exact(before: &Pipeline, after: &Pipeline, folded: Folded<'_>) -> Result<(), String> {
    for name in &folded.intent.replaced {
        let handoff = folded.handoffs.iter().find(|handoff| handoff.producers.contains(name));
        let consumer = handoff.and_then(|handoff| before.job(&handoff.consumer));
        let (Some(build), Some(image), Some(check)) = (before.job(name), consumer, after.job(name)) else {
            return Err(format!("there is no build job '{name}'"));
        };
        let unclear = |unclear: Unclear| format!("the conditions of '{name}': {unclear}");
        let comparison = Comparison::new(before, build, image).map_err(unclear)?;
        let conditions = Conditions::of_job(after, check).map_err(unclear)?;
        if !comparison.is_complement(&conditions, &|build, image| image.covers(build)) {
            return Err(format!("the check '{name}' does not run exactly where no image is built"));
        }
        let hands_on = check.artifacts().hands_on_files() || check.caches().iter().any(Cache::saves);
        if hands_on || check.stage() != build.stage() || !is_cut_from(image, check) {
            return Err(format!("the check '{name}' is more than a check"));
        }
    }
    Ok(())
}

/// Whether the commands of a check are some of the image job's, and one build of a stage at the end.
fn is_cut_from(image: &Job, check: &Job) -> bool {
    let texts = |job: &Job| job.script().into_iter().filter_map(|item| item.text).collect::<Vec<_>>();
    let (all, mut own) = (texts(image), texts(check));
    let is_build = own.pop().is_some_and(|last| last.contains(" --target "));
    is_build && own.iter().all(|line| all.iter().any(|other| other.trim() == line.trim()))
}
