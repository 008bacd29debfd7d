//! Chains through a cache: one job installs the dependencies, and the build finds them in the cache that it saved.
//!
//! ```yaml
//! install: {cache: {paths: [node_modules]}, script: [npm ci]}
//! build: {cache: {paths: [node_modules], policy: pull}, script: [npm run build]}
//! ```
//! The job that fills the cache becomes a stage in front of that of the build, which copies the folder over.

use super::group::{Producer, sources};
use crate::docker::Step;
use crate::gitlab::{Cache, CachePolicy, Job, PathPattern, Pipeline, Relation};
use crate::handoff::{
    Handoff, JobScript, Refill, is_download_cache, is_of_dependencies, made_for_cache, may_make, may_write, refill,
    restores_cache_of, use_of_downloads,
};
use crate::source::Repository;

/// A folder that a build job finds in a cache.
pub(super) struct Relied<'a> {
    pub(super) path: PathPattern,
    /// The step of the build that uses it; `None` where it is only handed on.
    pub(super) step: Option<usize>,
    /// The job whose run fills it, or why there is none.
    pub(super) filler: Result<&'a Job, NoFiller>,
}

/// Why it cannot be told which job fills a folder of a cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoFiller {
    /// No job that runs before the build does.
    NoneBefore,
    /// Several may.
    Several(Vec<String>),
    /// The job of this name does so only under a condition, in part, or by a command that is not known.
    NotCertain(String),
    /// The key depends on the contents of files.
    KeyOfFiles,
    /// A variable says whether a cache is restored and saved.
    Policy,
    /// It holds downloads, of which the build may fetch none itself.
    Downloads,
}

/// The folders that `job` finds in caches and does not make itself.
pub(super) fn relied_on<'a>(
    repository: &dyn Repository,
    pipeline: &'a Pipeline,
    handoff: &Handoff,
    job: &Job,
) -> Vec<Relied<'a>> {
    let chain = Chain { repository, pipeline, job, script: JobScript::new(job) };
    // A script that cannot be read is an obstacle of its own.
    if !chain.script.walk.opaque.is_empty() {
        return Vec::new();
    }
    let handed_on = handoff.used_patterns();
    let is_own_output =
        |path: &PathPattern| !is_of_dependencies(&path.text) && handed_on.iter().any(|used| used.text == path.text);
    let caches = job.caches();
    let restored = caches.iter().filter(|cache| cache.restores());
    let paths = restored.flat_map(|cache| cache.paths.iter().map(move |path| (cache, path)));
    let mut found: Vec<Relied<'a>> = Vec::new();
    for (cache, path) in paths.filter(|(_, path)| !path.text.is_empty() && !is_own_output(path)) {
        let is_new = !found.iter().any(|relied| relied.path.text == path.text);
        if let Some(relied) = Some((cache, path)).filter(|_| is_new).and_then(|(cache, path)| chain.relied(cache, path))
        {
            found.push(relied);
        }
    }
    found
}

/// The folder that `reader` finds in the cache of `filler`, which runs before it, and the step that uses it, where no
/// job in `others` fills it as well.
pub(super) fn found_in_cache_of(
    repository: &dyn Repository,
    pipeline: &Pipeline,
    reader: &Job,
    filler: &Job,
    others: &[&Job],
) -> Option<(PathPattern, Option<usize>)> {
    let chain = Chain { repository, pipeline, job: reader, script: JobScript::new(reader) };
    let is_filled_by = |other: &&&Job, path: &PathPattern| {
        let made = made_for_cache(repository, pipeline, reader, other);
        let refill = refill(repository, other, &JobScript::new(other), path);
        made.iter().any(|made| made.text == path.text) && matches!(refill, Refill::By(_))
    };
    made_for_cache(repository, pipeline, reader, filler).into_iter().find_map(|path| {
        let step = if is_download_cache(&path.text) {
            Some(use_of_downloads(&chain.script, &path)?)
        } else {
            chain.step_that_finds(&path)?
        };
        others.iter().find(|other| is_filled_by(other, &path)).is_none().then_some((path, step))
    })
}

/// What of the script of `filler` makes the folders of the cache: its beginning, where what comes behind that leaves
/// them alone, else all of it.
pub(super) fn filling_script(
    repository: &dyn Repository,
    pipeline: &Pipeline,
    handoff: &Handoff,
    filler: &Job,
    stages: &[(Producer<'_>, String)],
) -> JobScript {
    let whole = JobScript::new(filler);
    let relied = stages.iter().flat_map(|(other, _)| relied_on(repository, pipeline, handoff, other.job));
    let own = relied.filter(|relied| relied.filler.as_ref().is_ok_and(|job| job.name == filler.name));
    let paths: Vec<_> = own.map(|relied| relied.path).collect();
    let step_of = |path: &PathPattern| match refill(repository, filler, &whole, path) {
        Refill::By(step) => Some(step),
        _ => None,
    };
    let Some(last) = paths.iter().map(step_of).collect::<Option<Vec<_>>>().and_then(|steps| steps.into_iter().max())
    else {
        return whole;
    };
    let item = whole.walk.steps.get(last).map_or(0, |step| step.item);
    let mut rest = whole.walk.steps.iter().skip(last + 1);
    let is_left_alone = |step: &Step| step.item != item && !paths.iter().any(|path| may_write(repository, step, path));
    if rest.all(is_left_alone) { JobScript::beginning(filler, item + 1) } else { whole }
}

struct Chain<'a, 'b> {
    repository: &'b dyn Repository,
    pipeline: &'a Pipeline,
    job: &'b Job,
    script: JobScript,
}

impl<'a> Chain<'a, '_> {
    fn relied(&self, cache: &Cache, path: &PathPattern) -> Option<Relied<'a>> {
        let is_of_others = self.others().any(|other| self.saves(other, path) && may_make(self.repository, other, path));
        // Artifacts are laid over what a cache has brought (GitLab docs: ci/yaml#cache).
        let is_downloaded = sources(self.pipeline, self.job).iter().any(|source| {
            let paths = source.artifacts().paths;
            paths.iter().any(|own| own.relation(&path.text) == Relation::Covers)
        });
        if !is_of_others || is_downloaded {
            return None;
        }
        let (step, filler) = if is_download_cache(&path.text) {
            (Some(use_of_downloads(&self.script, path)?), Err(NoFiller::Downloads))
        } else {
            (self.step_that_finds(path)?, self.filler(cache, path))
        };
        Some(Relied { path: path.clone(), step, filler })
    }

    fn others(&self) -> impl Iterator<Item = &'a Job> {
        self.pipeline.jobs().iter().filter(|other| other.name != self.job.name)
    }

    fn saves(&self, other: &Job, path: &PathPattern) -> bool {
        restores_cache_of(self.job, other).iter().any(|saved| saved.text == path.text)
    }

    /// The step that uses the folder as the cache has brought it, and whether it is used at all.
    #[expect(clippy::option_option, reason = "a folder may be found in a cache and be used by no step")]
    fn step_that_finds(&self, path: &PathPattern) -> Option<Option<usize>> {
        match refill(self.repository, self.job, &self.script, path) {
            Refill::By(_) | Refill::IfMissing(_) | Refill::Removed => None,
            Refill::UsedBy(step) => Some(Some(step)),
            Refill::Unused => {
                let uploaded = self.job.artifacts().paths;
                uploaded.iter().any(|own| own.text == path.text).then_some(None)
            }
        }
    }

    fn filler(&self, cache: &Cache, path: &PathPattern) -> Result<&'a Job, NoFiller> {
        if cache.value.get("key").is_some_and(|key| key.get("files").is_some()) {
            return Err(NoFiller::KeyOfFiles);
        }
        let has_policy =
            |job: &Job| job.caches().iter().any(|own| own.same_key(cache) && own.policy == CachePolicy::Unknown);
        let may_fill = |other: &&Job| {
            let made = made_for_cache(self.repository, self.pipeline, self.job, other);
            made.iter().any(|made| made.text == path.text)
        };
        let candidates: Vec<_> = self.others().filter(may_fill).collect();
        if has_policy(self.job) || candidates.iter().any(|job| has_policy(job)) {
            return Err(NoFiller::Policy);
        }
        match candidates.as_slice() {
            [] => Err(NoFiller::NoneBefore),
            [filler] => match refill(self.repository, filler, &JobScript::new(filler), path) {
                Refill::By(_) => Ok(filler),
                _ => Err(NoFiller::NotCertain(filler.name.to_string())),
            },
            several => Err(NoFiller::Several(several.iter().map(|job| job.name.to_string()).collect())),
        }
    }
}
