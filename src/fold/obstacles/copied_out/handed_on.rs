//! What the job uploads or caches of the files would no longer be in its folder.

use super::Check;
use crate::finding::{Code, Finding};
use crate::fold::container_caches;
use crate::gitlab::{Cache, PathPattern, Relation, Value};
use crate::handoff::{JobScript, TreeUse, downloads_artifacts, takes_image, tree_use};

impl Check<'_> {
    /// The uploads and caches that would get less than they got.
    pub(super) fn handed_on(&self) -> Vec<Finding> {
        let places = self.patterns();
        let is_met = |pattern: &PathPattern| {
            pattern.is_unbounded()
                || !pattern.is_known
                || places.iter().any(|place| pattern.relation(&place.text) != Relation::Apart)
        };
        let is_taken = |pattern: &PathPattern| self.found.is_made_in_place() || is_met(pattern);
        let uploads = self.job.artifacts().paths.into_iter().filter(is_taken);
        let uploads = uploads.map(|path| if is_met(&path) { self.upload(&path) } else { self.kept(&path) });
        let goes = container_caches::going(self.pipeline, self.job, self.found).is_some();
        let caches = self.job.caches().into_iter().filter(|cache| Cache::saves(cache) && !goes);
        let saved = caches.flat_map(|cache| cache.paths).filter(is_taken);
        let reports = self.job.artifacts().reports.into_iter().filter(is_taken).map(|path| self.kept(&path));
        let kept = saved.map(|path| self.kept(&path));
        uploads.chain(kept).chain(reports).chain(self.untracked()).chain(self.used_behind()).collect()
    }

    /// `artifacts:untracked` takes all files that git does not track, and so these.
    fn untracked(&self) -> Option<Finding> {
        let artifacts = self.job.artifacts();
        let value = artifacts.fields.get("untracked").filter(|_| artifacts.untracked)?;
        let is_excluded = |place: &PathPattern| {
            artifacts.exclude.iter().any(|pattern| pattern.relation(&place.text) == Relation::Covers)
        };
        let places = self.patterns();
        let is_known = !self.found.is_made_in_place() && !places.is_empty();
        (!is_known || !places.iter().all(is_excluded)).then(|| self.upload(&told(value)))
    }

    /// What runs behind the script finds neither the files nor the first image.
    fn used_behind(&self) -> Vec<Finding> {
        let (script, places) = (JobScript::of_keyword(self.job, "after_script"), self.patterns());
        let tags = if self.found.keeps_first() { Vec::new() } else { self.found.tags_of_first() };
        let uses = script.walk.steps.iter().filter_map(|step| {
            let message = match tree_use(step, &places) {
                _ if takes_image(step, &tags) => {
                    "this uses the first image, which would not be built any more".to_owned()
                }
                // What is not there needs no removal, and GitLab does not ask how `after_script` ends.
                _ if step.program() == Some("rm") => return None,
                TreeUse::None => return None,
                TreeUse::Touches(word) => format!("{word} would no longer be in the job's folder"),
                TreeUse::Unknown(program) => {
                    format!("{program} may read the files, which would no longer be in the job's folder")
                }
            };
            let location = script.step_location(self.pipeline, step);
            let location = location.unwrap_or_else(|| self.pipeline.job_location(self.job));
            let finding = Finding::new(Code::HandoffUsedOutsideBuild, location, message);
            Some(finding.with_help("let a job of its own do this, or leave the two builds apart"))
        });
        uses.collect()
    }

    /// What nobody but a person downloads may be missed by nobody.
    fn upload(&self, path: &PathPattern) -> Finding {
        let mut others = self.pipeline.jobs().iter().filter(|job| job.name != self.job.name);
        if others.any(|job| downloads_artifacts(self.pipeline, job, self.job)) {
            return self.kept(path);
        }
        let message = format!(
            "the job uploads {} as well, and has none of it to upload any more: people who download it get nothing",
            path.written
        );
        Finding::new(Code::UploadLeftEmpty, self.pipeline.location(path.origin), message).with_help(
            "if nobody downloads the files, accept it with '--accept upload-left-empty', and take them out of these artifacts",
        )
    }

    fn kept(&self, path: &PathPattern) -> Finding {
        let message = format!("this keeps {}, which would no longer be in the job's folder", path.written);
        let finding = Finding::new(Code::HandoffUsedOutsideBuild, self.pipeline.location(path.origin), message);
        finding.with_help("take the path out, if nobody needs the files; else leave the two builds apart")
    }
}

/// Everything that git does not track, as a path that is told.
fn told(value: &Value) -> PathPattern {
    PathPattern {
        text: String::new(),
        written: "all that git does not track".into(),
        origin: value.origin,
        is_known: false,
    }
}
