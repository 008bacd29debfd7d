//! What the image takes from the build context: the builder stage needs all of the project, and the other stages must get
//! nothing that they had not.

use std::collections::{BTreeMap, BTreeSet};

use crate::docker::{BuildCommand, Stages, build_commands};
use crate::fold::Intent;
use crate::gitlab::Pipeline;
use crate::handoff::JobScript;
use crate::outcome::{HandoffSummary, Via};
use crate::syntax::dockerfile::Dockerfile;
use crate::text::{FileVersions, RepositoryPath};

/// Whether the image of `handoff` is built from the whole project, and its own stages copy no more of it than before.
pub(super) fn is_kept(
    before: &Pipeline,
    after: &Pipeline,
    intent: &Intent,
    handoff: &HandoffSummary,
    files: &BTreeMap<RepositoryPath, FileVersions>,
) -> Result<(), String> {
    if handoff.via == Via::DockerCp {
        return Ok(());
    }
    let now = builds(after, &handoff.consumer, handoff);
    if now.is_empty() {
        return Err(format!("nothing in '{}' builds {} any more", handoff.consumer, handoff.dockerfile));
    }
    let version = files.get(&handoff.dockerfile);
    let Some((old, new)) = version.and_then(|version| version.before.as_deref().zip(version.after.as_deref())) else {
        return Ok(());
    };
    let checks = intent.replaced.iter().flat_map(|job| builds(after, job, handoff));
    if let Some(command) = now.iter().cloned().chain(checks).find(|command| is_too_narrow(new, command)) {
        return Err(format!("{} is built from {} alone", handoff.dockerfile, command.context.folder()));
    }
    let before = builds(before, &handoff.consumer, handoff);
    // A fold may add builds of stages that are new.
    let old_stages = Stages::new(&Dockerfile::parse(old), &[]);
    let is_known = |command: &&BuildCommand| old_stages.target(command.target.as_deref()).is_some();
    let now: Vec<_> = now.iter().filter(is_known).collect();
    if before.iter().filter(is_known).count() != now.len() {
        return Err(format!("'{}' builds {} more or less often", handoff.consumer, handoff.dockerfile));
    }
    for (then, now) in before.iter().filter(is_known).zip(now) {
        let old_stages = Stages::new(&Dockerfile::parse(old), &then.build_arguments);
        let new_stages = Stages::new(&Dockerfile::parse(new), &now.build_arguments);
        let added = new_stages.stages.len().saturating_sub(old_stages.stages.len());
        let known = taken(&old_stages, 0, then.context.folder());
        let taken = taken(&new_stages, added, now.context.folder());
        if let Some(other) = taken.iter().find(|place| !known.contains(*place)) {
            return Err(format!("{} copies {other} from the context, which it did not", handoff.dockerfile));
        }
    }
    Ok(())
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
fn builds(pipeline: &Pipeline, job: &str, handoff: &HandoffSummary) -> Vec<BuildCommand> {
    let is_own = |command: &BuildCommand| {
        command.dockerfile == handoff.dockerfile || command.other_dockerfile.as_ref() == Some(&handoff.dockerfile)
    };
    let script = pipeline.job(job).map(JobScript::new);
    let commands = script.map(|script| build_commands(&script.walk).0).unwrap_or_default();
    commands.into_iter().filter(is_own).collect()
}

/// What the stages from the one of number `first` on copy from the context, from the project's folder on.
fn taken(stages: &Stages, first: usize, folder: &RepositoryPath) -> BTreeSet<String> {
    let own = stages.copies.iter().filter(|copy| copy.from.is_none() && copy.stage >= first);
    let place = |path: &str| folder.join(path).map(|place| place.as_str().to_owned());
    let sources = own.flat_map(|copy| &copy.sources);
    sources.map(|source| source.path.as_deref().and_then(place).unwrap_or_else(|| source.written.clone())).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::is_kept;
    use crate::fold::Intent;
    use crate::gitlab::Pipeline;
    use crate::outcome::{HandoffSummary, Via};
    use crate::source::MemoryRepository;
    use crate::text::{FileVersions, RepositoryPath};

    fn pipeline(command: &str) -> Pipeline {
        let text = format!("package:\n  script:\n    - {command}\n");
        let repository = MemoryRepository::new([(".gitlab-ci.yml", text.as_str())]);
        Pipeline::read(&repository, &RepositoryPath::new(".gitlab-ci.yml").unwrap()).map_err(|it| it.message).unwrap()
    }

    /// What is wrong about a fold of `web/Dockerfile` from `docker build web` to these.
    fn fault(command: &str, dockerfile: &str) -> Option<String> {
        let path = RepositoryPath::new("web/Dockerfile").unwrap();
        let before = Some("FROM a\nCOPY x.conf dist /\n".to_owned());
        let versions = FileVersions { before, after: Some(dockerfile.to_owned()) };
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
        is_kept(&pipeline("docker build web"), &pipeline(command), &Intent::default(), &handoff, &files).err()
    }

    #[test]
    fn an_image_is_built_from_the_whole_project_and_takes_no_more_of_it() {
        let builder = "FROM b AS builder\nCOPY . .\n\nFROM a\n";
        let whole = "docker build -f web/Dockerfile .";
        assert_eq!(fault(whole, &format!("{builder}COPY web/x.conf /\n")), None);
        for (command, dockerfile, expected) in [
            (whole, format!("{builder}COPY web /\n"), "copies web from the context"),
            (whole, format!("{builder}COPY x.conf /\n"), "copies x.conf from the context"),
            ("docker build web", format!("{builder}COPY web/x.conf /\n"), "is built from web alone"),
            ("docker push a", builder.to_owned(), "nothing in 'package' builds web/Dockerfile any more"),
        ] {
            let found = fault(command, &dockerfile).unwrap_or_default();
            assert!(found.contains(expected), "{command}: {found}");
        }
    }
}
