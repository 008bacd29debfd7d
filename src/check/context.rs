//! What the image takes from the build context: the builder stage needs all of the project, and the other stages must get
//! nothing that they had not.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::docker::{BuildCommand, Stages, image_builds};
use crate::fold::Intent;
use crate::gitlab::{Pipeline, may_take};
use crate::handoff::{ImageBuild, JobScript};
use crate::outcome::{HandoffSummary, Via};
use crate::source::Repository;
use crate::syntax::dockerfile::Dockerfile;
use crate::text::{FileVersions, RepositoryPath};

/// Whether the image of `handoff` is built from the whole project, and its own stages copy no more of it than before.
pub(super) fn is_kept(
    (repository, before): (&dyn Repository, &Pipeline),
    (overlay, after): (&dyn Repository, &Pipeline),
    intent: &Intent,
    handoff: &HandoffSummary,
    files: &BTreeMap<RepositoryPath, FileVersions>,
) -> Result<(), String> {
    if handoff.via == Via::DockerCp {
        return is_kept_of_both((repository, before), (overlay, after), handoff, files);
    }
    let now = builds(overlay, after, &handoff.consumer, &handoff.dockerfile);
    if now.is_empty() {
        return Err(format!("nothing in '{}' builds {} any more", handoff.consumer, handoff.dockerfile));
    }
    let version = files.get(&handoff.dockerfile);
    let Some((old, new)) = version.and_then(|version| version.before.as_deref().zip(version.after.as_deref())) else {
        return Ok(());
    };
    let checks = intent.replaced.iter().flat_map(|job| builds(overlay, after, job, &handoff.dockerfile));
    if let Some(command) = now.iter().cloned().chain(checks).find(|command| is_too_narrow(new, command)) {
        return Err(format!("{} is built from {} alone", handoff.dockerfile, command.context.folder()));
    }
    let before = builds(repository, before, &handoff.consumer, &handoff.dockerfile);
    // A fold may add builds of stages that are new.
    let old_stages = Stages::new(&Dockerfile::parse(old), &[]);
    let is_known = |command: &&BuildCommand| old_stages.target(command.target.as_deref()).is_some();
    let now: Vec<_> = now.iter().filter(is_known).collect();
    if before.iter().filter(is_known).count() != now.len() {
        return Err(format!("'{}' builds {} more or less often", handoff.consumer, handoff.dockerfile));
    }
    for (then, now) in before.iter().filter(is_known).zip(now) {
        let (Ok(then), Ok(now)) = (ImageBuild::read(repository, then), ImageBuild::read(overlay, now)) else {
            return Err(format!("{} cannot be read any more", handoff.dockerfile));
        };
        let added = now.stages.stages.len().saturating_sub(then.stages.stages.len());
        let known = taken(repository, &then, 0..usize::MAX);
        if let Some(other) = taken(overlay, &now, added..usize::MAX).iter().find(|place| !known.contains(*place)) {
            return Err(format!("{} copies {other} from the context, which it did not", handoff.dockerfile));
        }
    }
    Ok(())
}

/// Whether the stages of the first of two Dockerfiles copy the files of the context that they copied before, and those of the
/// second one no more than that did.
fn is_kept_of_both(
    (repository, before): (&dyn Repository, &Pipeline),
    (overlay, after): (&dyn Repository, &Pipeline),
    handoff: &HandoffSummary,
    files: &BTreeMap<RepositoryPath, FileVersions>,
) -> Result<(), String> {
    let last = |repository, pipeline| {
        let command = builds(repository, pipeline, &handoff.consumer, &handoff.dockerfile).pop();
        command.and_then(|command| ImageBuild::read(repository, &command).ok())
    };
    let Some((then, now)) = last(repository, before).zip(last(overlay, after)) else {
        return Err(format!("{} cannot be read any more", handoff.dockerfile));
    };
    let added = now.stages.stages.len().saturating_sub(then.stages.stages.len());
    let known = taken(repository, &then, 0..usize::MAX);
    if let Some(other) = taken(overlay, &now, added..usize::MAX).iter().find(|place| !known.contains(*place)) {
        return Err(format!("{} copies {other} from the context, which it did not", handoff.dockerfile));
    }
    let first = handoff.producers.iter().filter_map(|path| RepositoryPath::new(path));
    let first = first.filter(|path| *path != handoff.dockerfile);
    for path in first {
        let Some(command) = builds(repository, before, &handoff.consumer, &path).into_iter().next() else {
            continue;
        };
        let Some(first) = ImageBuild::read(repository, &command).ok() else { continue };
        let is_changed = |place: &String| RepositoryPath::new(place).is_some_and(|path| files.contains_key(&path));
        let of_first = taken(repository, &first, 0..added);
        let of_stages = taken(overlay, &now, 0..added);
        if let Some(other) = of_first.symmetric_difference(&of_stages).find(|place| !is_changed(place)) {
            return Err(format!("the stages of {path} copy {other} from the context in one of the two alone"));
        }
    }
    Ok(())
}

/// The options that the file which describes a build of the Dockerfile has more than before, as `docker build` has them.
pub(super) fn options_described(
    (repository, before): (&dyn Repository, &Pipeline),
    (overlay, after): (&dyn Repository, &Pipeline),
    handoff: &HandoffSummary,
) -> Vec<String> {
    let options = |builds: Vec<BuildCommand>| {
        let described = builds.into_iter().filter(|command| command.described_in.is_some());
        let passing = described.flat_map(|command| command.options);
        let passing = passing.filter(|(name, _)| matches!(name.as_str(), "--build-arg" | "--secret"));
        passing.filter_map(|(name, value)| Some(format!("{name} {}", value?))).collect::<Vec<_>>()
    };
    let known = options(builds(repository, before, &handoff.consumer, &handoff.dockerfile));
    let now = options(builds(overlay, after, &handoff.consumer, &handoff.dockerfile));
    now.into_iter().filter(|option| !known.contains(option)).collect()
}

/// Whether a build sends less than the project, and copies something of it in the stages that it builds.
fn is_too_narrow(dockerfile: &str, command: &BuildCommand) -> bool {
    let stages = Stages::new(&Dockerfile::parse(dockerfile), &command.build_arguments);
    let reachable = stages.target(command.target.as_deref()).map(|target| stages.reachable(target));
    let mut copies = stages.copies.iter().filter(|copy| copy.from.is_none() && !copy.sources.is_empty());
    let copies_something = copies.any(|copy| reachable.as_ref().is_none_or(|stages| stages.contains(&copy.stage)));
    !command.context.folder().is_root() && copies_something
}

/// The builds of the Dockerfile in a job.
fn builds(
    repository: &dyn Repository,
    pipeline: &Pipeline,
    job: &str,
    dockerfile: &RepositoryPath,
) -> Vec<BuildCommand> {
    let is_own = |command: &BuildCommand| {
        command.dockerfile == *dockerfile || command.other_dockerfile.as_ref() == Some(dockerfile)
    };
    let script = pipeline.job(job).map(|job| JobScript::of_image_job(repository, job));
    let commands = script.map(|script| image_builds(repository, &script.walk).0).unwrap_or_default();
    commands.into_iter().filter(is_own).collect()
}

/// The files that git tracks and that the stages of these numbers copy from the context; a source whose path is not known as
/// it is written.
fn taken(repository: &dyn Repository, build: &ImageBuild, stages: Range<usize>) -> BTreeSet<String> {
    let own = build.stages.copies.iter().filter(|copy| copy.from.is_none() && stages.contains(&copy.stage));
    let mut found = BTreeSet::new();
    for source in own.flat_map(|copy| &copy.sources) {
        let Some(place) = source.path.as_deref().and_then(|path| build.context.folder.join(path)) else {
            found.insert(source.written.clone());
            continue;
        };
        let takes = |path: &RepositoryPath| may_take(place.as_str(), path.as_str()) && !build.context.leaves_out(path);
        found.extend(repository.tracked().keys().filter(|path| takes(path)).map(|path| path.as_str().to_owned()));
    }
    found
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::is_kept;
    use crate::fold::Intent;
    use crate::gitlab::Pipeline;
    use crate::outcome::{HandoffSummary, Via};
    use crate::source::{MemoryRepository, Repository};
    use crate::text::{FileVersions, RepositoryPath};

    fn pipeline(repository: &dyn Repository) -> Pipeline {
        Pipeline::read(repository, &RepositoryPath::new(".gitlab-ci.yml").unwrap()).map_err(|it| it.message).unwrap()
    }

    /// What is wrong about a fold of `web/Dockerfile` from `docker build web` to these.
    fn fault(command: &str, dockerfile: &str) -> Option<String> {
        let path = RepositoryPath::new("web/Dockerfile").unwrap();
        let old = "FROM a\nCOPY x.conf dist /\n";
        let texts = |command: &str| format!("package:\n  script:\n    - {command}\n");
        let (then, now) = (texts("docker build web"), texts(command));
        let files = |pipeline| {
            [(".gitlab-ci.yml", pipeline), ("web/x.conf", ""), ("web/y.conf", ""), ("x.conf", ""), ("a.ts", "")]
        };
        let before = MemoryRepository::new(files(then.as_str()).into_iter().chain([("web/Dockerfile", old)]));
        let after = MemoryRepository::new(files(now.as_str()).into_iter().chain([("web/Dockerfile", dockerfile)]));
        let versions = FileVersions { before: Some(old.to_owned()), after: Some(dockerfile.to_owned()) };
        let handoff = HandoffSummary {
            via: Via::Artifacts,
            producers: vec!["build".to_owned()],
            consumer: "package".to_owned(),
            paths: vec!["web/dist".to_owned()],
            dockerfile: path.clone(),
            kept: Vec::new(),
            fallback: None,
        };
        let files = BTreeMap::from([(path, versions)]);
        let (then, now) = (pipeline(&before), pipeline(&after));
        is_kept((&before, &then), (&after, &now), &Intent::default(), &handoff, &files).err()
    }

    #[test]
    fn an_image_is_built_from_the_whole_project_and_takes_no_more_of_it() {
        let builder = "FROM b AS builder\nCOPY . .\n\nFROM a\n";
        let whole = "docker build -f web/Dockerfile .";
        assert_eq!(fault(whole, &format!("{builder}COPY web/x.conf /\n")), None);
        for (command, dockerfile, expected) in [
            (whole, format!("{builder}COPY web /\n"), "copies web/Dockerfile from the context"),
            (whole, format!("{builder}COPY x.conf /\n"), "copies x.conf from the context"),
            ("docker build web", format!("{builder}COPY web/x.conf /\n"), "is built from web alone"),
            ("docker push a", builder.to_owned(), "nothing in 'package' builds web/Dockerfile any more"),
        ] {
            let found = fault(command, &dockerfile).unwrap_or_default();
            assert!(found.contains(expected), "{command}: {found}");
        }
    }

    /// What is wrong about a fold of `build/Dockerfile`, built from its folder, into this `Dockerfile`.
    fn fault_of_joined(dockerfile: &str) -> Option<String> {
        let (first, old) = ("FROM b\nCOPY src /src\n", "FROM a\nCOPY x.conf /\n");
        let first_build = "    - docker build -t b build\n";
        let texts = |first: &str| format!("package:\n  script:\n{first}    - docker build -t a .\n");
        let (then, now) = (texts(first_build), texts(""));
        let files = |pipeline| {
            [
                (".gitlab-ci.yml", pipeline),
                ("build/Dockerfile", first),
                ("build/src/a.ts", ""),
                ("src/b.ts", ""),
                ("x.conf", ""),
            ]
        };
        let before = MemoryRepository::new(files(then.as_str()).into_iter().chain([("Dockerfile", old)]));
        let after = MemoryRepository::new(files(now.as_str()).into_iter().chain([("Dockerfile", dockerfile)]));
        let path = RepositoryPath::new("Dockerfile").unwrap();
        let versions = FileVersions { before: Some(old.to_owned()), after: Some(dockerfile.to_owned()) };
        let handoff = HandoffSummary {
            via: Via::DockerCp,
            producers: vec!["build/Dockerfile".to_owned()],
            consumer: "package".to_owned(),
            paths: vec!["/dist".to_owned()],
            dockerfile: path.clone(),
            kept: Vec::new(),
            fallback: None,
        };
        let files = BTreeMap::from([(path, versions)]);
        let (then, now) = (pipeline(&before), pipeline(&after));
        is_kept((&before, &then), (&after, &now), &Intent::default(), &handoff, &files).err()
    }

    #[test]
    fn the_stages_of_both_dockerfiles_take_what_they_took() {
        assert_eq!(fault_of_joined("FROM b AS builder\nCOPY build/src /src\n\nFROM a\nCOPY x.conf /\n"), None);
        for (dockerfile, expected) in [
            ("FROM b AS builder\nCOPY src /src\n\nFROM a\nCOPY x.conf /\n", "in one of the two alone"),
            ("FROM b AS builder\nRUN true\n\nFROM a\nCOPY x.conf /\n", "copy build/src/a.ts from the context"),
            ("FROM b AS builder\nCOPY build/src /src\n\nFROM a\nCOPY . /\n", "from the context, which it did not"),
        ] {
            let found = fault_of_joined(dockerfile).unwrap_or_default();
            assert!(found.contains(expected), "{dockerfile}: {found}");
        }
    }
}
