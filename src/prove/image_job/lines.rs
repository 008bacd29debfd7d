//! Which lines of an image job are run: those up to its last build, and none behind.

use std::collections::BTreeSet;

use super::BuiltImage;
use super::programs::{BUILDERS, LEAVING};
use crate::docker::{BuildCommand, Turn, exclude_each_other, image_builds};
use crate::gitlab::Job;
use crate::handoff::JobScript;
use crate::source::Repository;
use crate::text::RepositoryPath;

/// The lines of an image job that are run.
pub(super) struct Lines {
    pub(super) texts: Vec<String>,
    /// How many commands that build are run, where that is the same in every run.
    pub(super) builds: Option<usize>,
    /// The Dockerfiles of these commands.
    dockerfiles: BTreeSet<RepositoryPath>,
    /// Programs with a stand-in that the lines call by an absolute path.
    pub(super) programs: BTreeSet<String>,
}

impl Lines {
    pub(super) fn of(repository: &dyn Repository, job: &Job) -> Self {
        let script = JobScript::of_image_job(repository, job);
        let (commands, _) = image_builds(repository, &script.walk);
        let own = job.script();
        // What another file of the repository builds is not cut: its lines are known by their call alone.
        let last = commands.iter().map(|command| command.item).max().filter(|last| *last < own.len());
        let texts = own.iter().take(last.map_or(own.len(), |last| last + 1));
        let programs = script.walk.steps.iter().filter_map(|step| step.words.first()?.text());
        let has_stand_in = |name: &str| BUILDERS.contains(&name) || LEAVING.contains(&name);
        let is_replaced = |path: &&str| path.starts_with('/') && path.rsplit('/').next().is_some_and(has_stand_in);
        Self {
            texts: texts.filter_map(|item| Some(item.text.as_deref()?.trim().to_owned())).collect(),
            builds: count(&commands),
            dockerfiles: commands.iter().flat_map(places).collect(),
            programs: programs.filter(is_replaced).map(str::to_owned).collect(),
        }
    }
}

impl Lines {
    /// Whether the last image is one of the commands that are counted, and not of a program that the lines call.
    pub(super) fn knows(&self, images: &[BuiltImage]) -> bool {
        images.last().is_some_and(|image| self.dockerfiles.contains(&image.dockerfile))
    }
}

/// The places in which a builder looks for its Dockerfile.
fn places(command: &BuildCommand) -> impl Iterator<Item = RepositoryPath> {
    std::iter::once(command.dockerfile.clone()).chain(command.other_dockerfile.clone())
}

/// How many commands build, where that is the same in every run: nothing decides on the way to them, or they are the branches of
/// one choice, of which one is taken. One command may name several images.
fn count(commands: &[BuildCommand]) -> Option<usize> {
    let is_certain = |command: &BuildCommand| command.turns.is_empty();
    let steps: BTreeSet<_> = commands.iter().map(|command| command.step).collect();
    if commands.iter().all(is_certain) && !steps.is_empty() {
        return Some(steps.len());
    }
    let repeats = |command: &BuildCommand| command.turns.iter().any(Turn::repeats);
    let are_branches = commands
        .iter()
        .enumerate()
        .all(|(index, one)| commands.iter().skip(index + 1).all(|other| exclude_each_other(&one.turns, &other.turns)));
    (!commands.is_empty() && are_branches && !commands.iter().any(repeats)).then_some(1)
}

#[cfg(test)]
mod tests {
    use super::Lines;
    use crate::gitlab::Pipeline;
    use crate::source::MemoryRepository;
    use crate::text::RepositoryPath;

    fn lines(script: &[&str]) -> Lines {
        let items: Vec<_> = script.iter().map(|item| format!("\n    - {item:?}")).collect();
        let yaml = format!("package:\n  script:{}\n", items.join(""));
        let repository = MemoryRepository::new([(".gitlab-ci.yml", yaml.as_str())]);
        let pipeline = Pipeline::read(&repository, &RepositoryPath::new(".gitlab-ci.yml").unwrap()).unwrap();
        Lines::of(&repository, pipeline.job("package").unwrap())
    }

    #[test]
    fn nothing_behind_the_last_build_is_run() {
        let found =
            lines(&["docker login", "docker build -t a .", "docker build -t b . && docker push b", "./deploy.sh"]);
        assert_eq!(found.texts.last().map(String::as_str), Some("docker build -t b . && docker push b"));
        assert_eq!(found.builds, Some(2));
    }

    #[test]
    fn builds_in_a_loop_are_not_counted() {
        let found = lines(&["for x in a b; do docker build -t $x .; done", "./deploy.sh"]);
        assert_eq!((found.texts.len(), found.builds), (1, None));
    }

    #[test]
    fn one_of_two_branches_builds() {
        let item = "if [ -n \"$X\" ]; then docker build -t $X .; else docker build -t app .; fi; ./deploy.sh";
        assert_eq!(lines(&[item]).builds, Some(1));
    }

    #[test]
    fn a_builder_by_its_path_gets_a_stand_in_there() {
        let found = lines(&["/kaniko/executor --context . --destination x"]);
        assert!(found.programs.contains("/kaniko/executor"));
    }
}
