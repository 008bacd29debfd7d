//! What the job uploads or caches of the files would no longer be in its folder.

use super::Check;
use crate::finding::{Code, Finding};
use crate::fold::container_caches;
use crate::gitlab::{Cache, PathPattern, Relation};
use crate::handoff::downloads_artifacts;

impl Check<'_> {
    /// The uploads and caches that would get less than they got.
    pub(super) fn handed_on(&self) -> Vec<Finding> {
        let places = self.patterns();
        let is_met = |pattern: &PathPattern| {
            pattern.is_unbounded() || places.iter().any(|place| pattern.relation(&place.text) != Relation::Apart)
        };
        let is_taken = |pattern: &PathPattern| self.found.is_made_in_place() || is_met(pattern);
        let uploads = self.job.artifacts().paths.into_iter().filter(is_taken);
        let uploads = uploads.map(|path| if is_met(&path) { self.upload(&path) } else { self.kept(&path) });
        let goes = container_caches::going(self.pipeline, self.job, self.found).is_some();
        let caches = self.job.caches().into_iter().filter(|cache| Cache::saves(cache) && !goes);
        let saved = caches.flat_map(|cache| cache.paths).filter(is_taken);
        uploads.chain(saved.map(|path| self.kept(&path))).collect()
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
