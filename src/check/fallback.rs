//! The last look at files that go by artifacts instead of a cache.

use super::first_difference;
use crate::gitlab::{Cache, Job, PathPattern, Pipeline, Value};
use crate::handoff::{downloads_artifacts, is_dependency_folder, restores_cache_of};
use crate::outcome::HandoffSummary;

/// Whether `after` is `before` with the paths of `handoff` among the artifacts of the producer and in no cache, with
/// the consumer downloading them, and with nothing else changed.
pub(super) fn check(before: &Pipeline, after: &Pipeline, handoff: &HandoffSummary) -> Result<(), String> {
    if before.jobs().len() != after.jobs().len() || before.stages() != after.stages() {
        return Err("the pipeline has other jobs or stages".to_owned());
    }
    for job in before.jobs() {
        let now = after.job(&job.name).ok_or_else(|| format!("the job '{}' is gone", job.name))?;
        let role = Role::of(job, handoff);
        if let Some(keyword) = first_difference(job, now, |keyword| role.may_change(keyword)) {
            return Err(format!("the job '{}' has another '{keyword}'", job.name));
        }
        caches(&job.caches(), &now.caches(), &handoff.paths).map_err(|what| format!("{what} of '{}'", job.name))?;
        match role {
            Role::Producer => artifacts(job, now, handoff)?,
            Role::Consumer => waits_as_before(job, now, handoff)?,
            Role::Other => {}
        }
    }
    flows(after, handoff)
}

#[derive(Clone, Copy)]
enum Role {
    Producer,
    Consumer,
    Other,
}

impl Role {
    fn of(job: &Job, handoff: &HandoffSummary) -> Self {
        if handoff.producers.iter().any(|producer| **producer == *job.name) {
            Self::Producer
        } else if *handoff.consumer == *job.name {
            Self::Consumer
        } else {
            Self::Other
        }
    }

    fn may_change(self, keyword: &str) -> bool {
        match (self, keyword) {
            (_, "cache") | (Self::Producer, "artifacts") | (Self::Consumer, "dependencies" | "needs") => true,
            (Self::Producer | Self::Consumer | Self::Other, _) => false,
        }
    }
}

/// Whether caches lost nothing but `paths`; one that held nothing else is gone.
fn caches(before: &[Cache], after: &[Cache], paths: &[String]) -> Result<(), String> {
    let rest = |cache: &Cache| kept(&cache.paths, paths);
    let mut now = after.iter().peekable();
    for cache in before {
        let is_kept = now.peek().is_some_and(|next| is_same_cache(cache, next, &rest(cache)));
        let is_same = now.peek().is_some_and(|next| cache.value.same(&next.value));
        if is_kept || is_same {
            now.next();
        } else if cache.paths.is_empty() || !rest(cache).is_empty() || cache.untracked {
            return Err("something else than the hand-off left the cache".to_owned());
        }
    }
    if now.next().is_none() { Ok(()) } else { Err("there is something new in the cache".to_owned()) }
}

/// The paths that stay.
fn kept(all: &[PathPattern], gone: &[String]) -> Vec<String> {
    let written = all.iter().map(|path| path.written.to_string());
    written.filter(|path| !gone.contains(path)).collect()
}

fn is_same_cache(before: &Cache, after: &Cache, paths: &[String]) -> bool {
    let keys = |cache: &Cache| cache.value.mapping().map(|mapping| mapping.fields().len());
    let is_same = |field: &crate::gitlab::Field| {
        &*field.key == "paths" || after.value.get(&field.key).is_some_and(|value| value.same(&field.value))
    };
    let mut fields = before.value.mapping().into_iter().flat_map(|mapping| mapping.fields());
    let others_are_same = fields.all(is_same);
    keys(before) == keys(after) && others_are_same && kept(&after.paths, &[]) == paths
}

/// Whether the producer uploads what it did, and paths of the hand-off behind that.
fn artifacts(before: &Job, after: &Job, handoff: &HandoffSummary) -> Result<(), String> {
    let failed = |what: &str| Err(format!("the artifacts of '{}' {what}", before.name));
    let paths = |job: &Job| kept(&job.artifacts().paths, &[]);
    let (then, now) = (paths(before), paths(after));
    let Some(new) = now.strip_prefix(then.as_slice()) else {
        return failed("lack paths that they had");
    };
    if new.is_empty() || new.iter().any(|path| !handoff.paths.contains(path)) {
        return failed("do not hold the hand-off, or more than that");
    }
    let is_new = before.get("artifacts").is_none();
    let (then, now) = (before.artifacts().fields, after.artifacts().fields);
    let is_settled = |key: &str| key == "paths" || is_new && key == "expire_in";
    let differs = |field: &crate::gitlab::Field| {
        !is_settled(&field.key) && !then.get(&field.key).is_some_and(|value| value.same(&field.value))
    };
    let is_lost = |field: &crate::gitlab::Field| now.get(&field.key).is_none();
    if now.fields().iter().any(differs) || then.fields().iter().any(is_lost) {
        return failed("changed in more than their paths");
    }
    Ok(())
}

/// Whether the consumer waits for the same jobs, and its `dependencies` gained the producer at most.
fn waits_as_before(before: &Job, after: &Job, handoff: &HandoffSummary) -> Result<(), String> {
    let needs = |job: &Job| {
        job.needs().map(|needs| needs.into_iter().map(|need| (need.source, need.optional)).collect::<Vec<_>>())
    };
    let names =
        |job: &Job| job.dependencies().map(|names| names.into_iter().map(|(name, _)| name.to_string()).collect());
    let (then, now): (Option<Vec<String>>, Option<Vec<String>>) = (names(before), names(after));
    let is_producer = |name: &String| handoff.producers.contains(name);
    let is_grown = match (&then, &now) {
        (Some(then), Some(now)) => now.strip_prefix(then.as_slice()).is_some_and(|new| new.iter().all(is_producer)),
        (then, now) => then == now,
    };
    let is_elsewhere_same = before.get("needs").map(Value::one_or_many).map(<[Value]>::len)
        == after.get("needs").map(Value::one_or_many).map(<[Value]>::len);
    if needs(before) == needs(after) && is_grown && is_elsewhere_same {
        return Ok(());
    }
    Err(format!("the job '{}' waits for other jobs", before.name))
}

/// Whether the files arrive by the new way and no longer by the old one.
fn flows(after: &Pipeline, handoff: &HandoffSummary) -> Result<(), String> {
    let consumer = after.job(&handoff.consumer);
    for producer in &handoff.producers {
        let Some((producer, consumer)) = after.job(producer).zip(consumer) else {
            return Err("a job of the hand-off is gone".to_owned());
        };
        if !downloads_artifacts(after, consumer, producer) {
            return Err(format!("'{}' does not download the artifacts of '{}'", consumer.name, producer.name));
        }
        let uploaded = producer.artifacts().paths;
        // The cache of a dependency stays, even where the image takes it from the artifacts.
        let is_kept = |path: &PathPattern| {
            is_dependency_folder(&path.text) && uploaded.iter().any(|other| other.text == path.text)
        };
        let cached = restores_cache_of(consumer, producer);
        let is_left = |path: &&PathPattern| handoff.paths.contains(&path.written.to_string()) && !is_kept(path);
        if let Some(path) = cached.iter().find(is_left) {
            return Err(format!("{} still goes through the cache", path.written));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::gitlab::Pipeline;
    use crate::outcome::{Fallback, HandoffSummary, Via};
    use crate::source::MemoryRepository;
    use crate::text::RepositoryPath;

    const BEFORE: &str = "\
stages: [build, image]
cache: {key: k, paths: [dist, node_modules]}
b: {stage: build, script: x}
c: {stage: image, script: x, dependencies: []}
";
    const AFTER: &str = "\
stages: [build, image]
cache: {key: k, paths: [node_modules]}
b: {stage: build, script: x, artifacts: {paths: [dist], expire_in: 1 hour}}
c: {stage: image, script: x, dependencies: [b]}
";

    fn pipeline(text: &str) -> Pipeline {
        let repository = MemoryRepository::new([("p", text)]);
        Pipeline::read(&repository, &RepositoryPath::new("p").unwrap()).unwrap()
    }

    fn checked(after: &str) -> Result<(), String> {
        let handoff = HandoffSummary {
            via: Via::Cache,
            producers: vec!["b".to_owned()],
            consumer: "c".to_owned(),
            paths: vec!["dist".to_owned()],
            dockerfile: RepositoryPath::new("Dockerfile").unwrap(),
            kept: Vec::new(),
            fallback: Some(Fallback::Artifacts),
        };
        check(&pipeline(BEFORE), &pipeline(after), &handoff)
    }

    #[test]
    fn what_is_meant_passes() {
        assert_eq!(checked(AFTER), Ok(()));
    }

    #[test]
    fn everything_else_is_noticed() {
        for (from, to) in [
            ("[node_modules]", "[dist, node_modules]"),
            ("[node_modules]", "[vendor]"),
            ("key: k", "key: l"),
            ("cache: {key: k, paths: [node_modules]}\n", ""),
            ("[dist]", "[dist, src]"),
            ("[dist]", "[src]"),
            ("1 hour", "1 hour, when: always"),
            ("[b]", "[]"),
            ("[b]", "[b, b2]"),
            ("image, script: x", "image, script: y"),
            ("build, script: x", "build, script: x, retry: 1"),
            ("c: {", "d: {script: x}\nc: {"),
        ] {
            assert!(AFTER.contains(from) && checked(&AFTER.replacen(from, to, 1)).is_err(), "{from} as {to}");
        }
    }
}
