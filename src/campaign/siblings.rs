//! Other pipelines of one repository, which a fold of one of them must leave what they are.

use std::collections::{BTreeMap, BTreeSet};

use crate::docker::image_builds;
use crate::finding::{Code, Finding, Location};
use crate::gitlab::Pipeline;
use crate::handoff::{ImageBuild, JobScript, other_builders};
use crate::outcome::{Outcome, Verdict};
use crate::source::Repository;
use crate::text::{FileVersions, RepositoryPath};

/// How the name of an ignore file ends, which changes what every build of its context gets.
const IGNORE_FILE: &str = ".dockerignore";

/// What a pipeline takes of the repository that a fold of another one may change.
struct Uses {
    /// The files that it is read from, and the Dockerfiles that it builds.
    files: BTreeSet<RepositoryPath>,
    /// Whether it builds images.
    builds: bool,
    /// Whether some build, or some file of it, cannot be followed.
    is_unclear: bool,
}

/// The outcome of a fold of `path`, refused where another pipeline of the repository uses what it changes, or may do so: a fold
/// sees one pipeline alone.
pub(super) fn beside(
    outcome: Outcome,
    path: &RepositoryPath,
    siblings: &[&RepositoryPath],
    repository: &dyn Repository,
) -> Outcome {
    if outcome.verdict != Verdict::Folded {
        return outcome;
    }
    let others = siblings.iter().filter(|sibling| **sibling != path);
    let shared = others.filter_map(|sibling| Some((*sibling, shared(&outcome.files, sibling, repository)?))).next();
    let Some((sibling, file)) = shared else { return outcome };
    let message = format!("the pipeline {sibling} of the same repository builds or reads {file} too, or may do so");
    let finding = Finding::new(Code::DockerfileShared, Location::File(file), message).with_help(
        "give each pipeline files of its own, or fold this one alone with 'stagefold diff' and look at the other",
    );
    let mut findings = outcome.findings;
    findings.push(finding);
    Outcome::unchanged(Verdict::Refused, outcome.handoffs, findings)
}

/// A file that changes and that the pipeline at `path` uses, or may use.
fn shared(
    files: &BTreeMap<RepositoryPath, FileVersions>,
    path: &RepositoryPath,
    repository: &dyn Repository,
) -> Option<RepositoryPath> {
    let uses = uses(path, repository);
    let is_used = |file: &&RepositoryPath| {
        uses.files.contains(*file) || uses.builds && (uses.is_unclear || file.as_str().ends_with(IGNORE_FILE))
    };
    files.keys().find(is_used).cloned()
}

fn uses(path: &RepositoryPath, repository: &dyn Repository) -> Uses {
    let mut uses = Uses { files: BTreeSet::new(), builds: false, is_unclear: false };
    let Ok(pipeline) = Pipeline::read(repository, path) else {
        return Uses { builds: true, is_unclear: true, ..uses };
    };
    uses.files.extend(pipeline.files().iter().map(|file| file.source.path().clone()));
    if !pipeline.unread().is_empty() {
        (uses.builds, uses.is_unclear) = (true, true);
    }
    for job in pipeline.jobs() {
        let script = JobScript::of_image_job(repository, job);
        let (commands, problems) = image_builds(repository, &script.walk);
        uses.is_unclear |= !problems.is_empty() || !other_builders(&script).is_empty();
        uses.builds |= uses.is_unclear || !commands.is_empty();
        uses.files.extend(commands.into_iter().map(|command| {
            ImageBuild::read(repository, &command).map_or(command.dockerfile, |build| build.command.dockerfile)
        }));
    }
    uses
}

#[cfg(test)]
mod tests {
    use super::{Code, Verdict, beside};
    use crate::outcome::Policy;
    use crate::source::MemoryRepository;
    use crate::text::RepositoryPath;

    const FOLDS: &str = "\
stages: [build, package]
build:
  stage: build
  image: node:20
  script: [npm ci, npm run build]
  artifacts: {paths: [dist]}
package:
  stage: package
  image: docker:27
  script: [docker build -t app .]
";

    fn verdict(sibling: &str) -> (Verdict, bool) {
        let repository = MemoryRepository::new([
            (".gitlab-ci.yml", FOLDS),
            ("sub/.gitlab-ci.yml", sibling),
            ("Dockerfile", "FROM node:20\nCOPY dist /app\n"),
            ("sub/Dockerfile", "FROM node:20\n"),
            (".dockerignore", "node_modules\n"),
            ("package.json", "{}"),
            ("src/a.js", ""),
        ]);
        let (path, sub) = (".gitlab-ci.yml", "sub/.gitlab-ci.yml");
        let [path, sub] = [path, sub].map(|path| RepositoryPath::new(path).unwrap());
        let outcome = crate::fold(&repository, &path, &Policy::default());
        assert_eq!(outcome.verdict, Verdict::Folded, "{:?}", outcome.findings);
        let outcome = beside(outcome, &path, &[&path, &sub], &repository);
        let is_told = outcome.findings.iter().any(|finding| finding.code == Code::DockerfileShared);
        (outcome.verdict, is_told)
    }

    #[test]
    fn a_dockerfile_of_two_pipelines_is_left_alone() {
        let job = |line: &str| format!("pack:\n  image: docker:27\n  script:\n    - {line}\n");
        assert_eq!(verdict(&job("docker build -t x .")), (Verdict::Refused, true));
        assert_eq!(verdict(&job("npm run build && docker build -f Dockerfile -t x sub")), (Verdict::Refused, true));
        assert_eq!(verdict(&job("docker build -f \"$WHICH\" .")), (Verdict::Refused, true));
        assert_eq!(verdict("include: {local: /.gitlab-ci.yml}\n"), (Verdict::Refused, true));
        assert_eq!(verdict(&job("docker build -t x sub")), (Verdict::Folded, false));
        assert_eq!(verdict(&job("npm test")), (Verdict::Folded, false));
    }
}
