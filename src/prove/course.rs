//! Which jobs run in front of an image job for its sake: those whose files it copies into an image, and those whose files these
//! need themselves.

use std::collections::BTreeSet;
use std::rc::Rc;

use crate::gitlab::{Job, Pipeline};
use crate::handoff::{downloads_artifacts, find, is_switched_off, made_for_cache};
use crate::source::Repository;

/// The jobs that make files for `consumer`, each behind those that it needs itself.
pub(super) fn jobs_before(pipeline: &Pipeline, repository: &dyn Repository, consumer: &str) -> Vec<Rc<str>> {
    let search = find(pipeline, repository);
    let own = search.handoffs.iter().filter(|handoff| &*handoff.consumer == consumer);
    let mut producers: Vec<_> = own.flat_map(|handoff| &handoff.flows).map(|flow| Rc::clone(&flow.producer)).collect();
    let place = |name: &Rc<str>| pipeline.jobs().iter().position(|job| job.name == *name);
    producers.sort_by_key(place);
    let mut course = Course { pipeline, repository, seen: BTreeSet::new(), order: Vec::new() };
    producers.iter().for_each(|name| course.add(name));
    course.order
}

struct Course<'a> {
    pipeline: &'a Pipeline,
    repository: &'a dyn Repository,
    seen: BTreeSet<Rc<str>>,
    order: Vec<Rc<str>>,
}

impl Course<'_> {
    fn add(&mut self, name: &Rc<str>) {
        let Some(job) = self.pipeline.job(name).filter(|_| self.seen.insert(Rc::clone(name))) else { return };
        let feeding: Vec<_> = self.pipeline.jobs().iter().filter(|other| self.feeds(other, job)).collect();
        feeding.iter().for_each(|other| self.add(&other.name));
        self.order.push(Rc::clone(name));
    }

    /// Whether `job` finds files of `other`.
    fn feeds(&self, other: &Job, job: &Job) -> bool {
        if other.name == job.name || is_switched_off(other) {
            return false;
        }
        let uploads = other.artifacts().hands_on_files() && downloads_artifacts(self.pipeline, job, other);
        uploads || !made_for_cache(self.repository, self.pipeline, job, other).is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::jobs_before;
    use crate::gitlab::Pipeline;
    use crate::source::MemoryRepository;
    use crate::text::RepositoryPath;

    fn order(yaml: &str) -> Vec<String> {
        let dockerfile = "FROM alpine\nCOPY dist /dist\n";
        let repository = MemoryRepository::new([(".gitlab-ci.yml", yaml), ("Dockerfile", dockerfile)]);
        let pipeline = Pipeline::read(&repository, &RepositoryPath::new(".gitlab-ci.yml").unwrap()).unwrap();
        jobs_before(&pipeline, &repository, "package").iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_job_runs_behind_those_whose_files_it_needs_and_others_do_not_run() {
        let yaml = "stages: [a, b, c]\n\
            lint: {stage: a, script: lint, artifacts: {reports: {junit: x.xml}}}\n\
            fetch: {stage: a, script: make gen, artifacts: {paths: [gen]}}\n\
            build: {stage: b, script: make dist, artifacts: {paths: [dist]}}\n\
            docs: {stage: b, script: make docs, artifacts: {paths: [public]}}\n\
            package: {stage: c, script: docker build .}\n";
        assert_eq!(order(yaml), ["fetch", "build"]);
    }

    #[test]
    fn a_cache_that_an_earlier_job_fills_is_filled() {
        let yaml = "stages: [a, b, c]\ncache: {paths: [node_modules, dist]}\n\
            install: {stage: a, script: npm ci}\nbuild: {stage: b, script: npm run build}\n\
            package: {stage: c, script: docker build .}\n";
        assert_eq!(order(yaml), ["install", "build"]);
    }
}
