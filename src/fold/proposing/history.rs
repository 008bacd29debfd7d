//! Whether a build can do without the folder `.git`.

use super::{is_copied, takes};
use crate::fold::situation::Situation;
use crate::source::Repository;
use crate::syntax::dockerfile::Instruction;
use crate::text::RepositoryPath;

/// Manifests of builds that may ask git by themselves, as `go build` does to stamp a binary (Go command: `-buildvcs`).
const MAY_ASK: [&str; 10] = [
    "Cargo.toml",
    "Makefile",
    "build.gradle",
    "build.gradle.kts",
    "build.sbt",
    "go.mod",
    "mix.exs",
    "pom.xml",
    "pyproject.toml",
    "setup.py",
];

/// Endings of files at the root that configure the build of a package.
const CONFIGURES: [&str; 6] = [".cjs", ".js", ".json", ".mjs", ".mts", ".ts"];

/// Words that hold `git` and speak of something else.
const HARMLESS: [&str; 6] = ["digit", "github", "gitignore", "gitkeep", "gitlab", "legit"];

/// Packages that look for the repository when they are installed or run.
const HOOKS: [&str; 5] = ["husky", "lefthook", "lerna", "lint-staged", "yorkie"];

/// Whether these builds are of npm packages alone, none of whose configuration speaks of git, and no stage of the image
/// copies the folder.
pub(super) fn is_of_no_use(situations: &[&Situation<'_>]) -> bool {
    let Some(first) = situations.first() else {
        return false;
    };
    let repository = first.repository;
    let mut folders = vec![RepositoryPath::root()];
    for situation in situations {
        // Where an install has no layer, it is not known what it reads.
        let manifests = situation.script.dependency_layer().map(|layer| layer.manifests.as_slice()).unwrap_or_default();
        let Some(manifest) = manifests.iter().find(|path| path.file_name() == "package.json") else {
            return false;
        };
        folders.push(manifest.parent());
    }
    let tracks = |folder: &RepositoryPath, name: &str| {
        folder.join(name).is_some_and(|path| repository.tracked().contains_key(&path))
    };
    let may_ask = |folder: &RepositoryPath| MAY_ASK.iter().any(|name| tracks(folder, name));
    !folders.iter().any(may_ask)
        && folders.iter().skip(1).all(|folder| tracks(folder, "package.json"))
        && !takes(first, ".git")
        && !is_copied(first, ".git")
        && !first.build().dockerfile.instructions.iter().any(Instruction::mounts_context)
        && !speaks_of_git(repository, &folders)
}

/// Whether a file that configures the build of a package in one of these folders names git.
fn speaks_of_git(repository: &dyn Repository, folders: &[RepositoryPath]) -> bool {
    let configures = |path: &&RepositoryPath| {
        let name = path.file_name();
        let is_lock = name.contains("lock") || name == "npm-shrinkwrap.json";
        folders.contains(&path.parent()) && !is_lock && CONFIGURES.iter().any(|ending| name.ends_with(ending))
    };
    let mut files = repository.tracked().keys().filter(configures);
    files.any(|path| match repository.read(path) {
        Ok(file) => names_git(file.text()),
        Err(_) => true,
    })
}

fn names_git(text: &str) -> bool {
    let tells_address = |line: &&str| {
        let line = line.trim_start();
        let keys = ["\"url\":", "\"repository\":", "\"homepage\":", "\"bugs\":", "\"type\": \"git\""];
        keys.iter().any(|key| line.starts_with(key))
    };
    let lines = text.lines().filter(|line| !tells_address(line));
    lines.map(str::to_lowercase).any(|line| {
        let rest = HARMLESS.iter().fold(line.clone(), |rest, word| rest.replace(word, ""));
        rest.contains("git") || HOOKS.iter().any(|hook| line.contains(hook))
    })
}

#[cfg(test)]
mod tests {
    use super::names_git;

    #[test]
    fn addresses_and_other_words_are_no_use_of_git() {
        assert!(!names_git(
            "{\n  \"repository\": {\n    \"type\": \"git\",\n    \"url\": \"git+https://h/a.git\"\n  }\n}"
        ));
        assert!(!names_git("// see https://github.com/a/b, two digits"));
        for text in ["execSync('git rev-parse HEAD')", "\"prepare\": \"husky install\"", "\"simple-git\": \"3\""] {
            assert!(names_git(text), "{text}");
        }
    }
}
