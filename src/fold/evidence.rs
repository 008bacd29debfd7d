//! What the Dockerfile itself proves about installing dependencies.
//!
//! A repository may be read without its sources, or keep its manifest out of version control; nothing can be
//! proven from the manifest then. But where the Dockerfile copies only manifests and runs the same package
//! manager's install on them, it says that the install needs no more than these.

use crate::ecosystem::DependencyLayer;
use crate::handoff::ImageBuild;
use crate::source::Repository;
use crate::syntax::dockerfile::{Instruction, Keyword};
use crate::text::RepositoryPath;

/// The files that each package manager reads, the manifest first and then those that fix the versions.
const MANIFESTS: [(&str, &[&str]); 3] = [
    ("npm", &["package.json", "package-lock.json", "npm-shrinkwrap.json", ".npmrc"]),
    ("yarn", &["package.json", "yarn.lock", ".yarnrc"]),
    ("pnpm", &["package.json", "pnpm-lock.yaml", ".npmrc"]),
];

/// The layer for an install by `words`, as the Dockerfile of `build` proves it, where the repository has no manifest.
pub(super) fn of_dockerfile(
    repository: &dyn Repository,
    build: &ImageBuild,
    words: &[String],
) -> Option<DependencyLayer> {
    let (ecosystem, known) = MANIFESTS.iter().find(|(program, _)| words.first().is_some_and(|word| word == program))?;
    let manifest = RepositoryPath::new("package.json")?;
    if repository.read(&manifest).is_ok() || !build.context.folder.is_root() {
        return None;
    }
    build.stages.stages.iter().find_map(|stage| {
        let own = build.dockerfile.instructions.get(stage.from + 1..stage.end)?;
        let manifests = copied_before_install(own, ecosystem, known)?;
        let lock_file =
            manifests.iter().find(|path| path.as_str() != "package.json" && !path.as_str().starts_with('.')).cloned();
        Some(DependencyLayer {
            ecosystem,
            manifests,
            lock_file,
            outputs: RepositoryPath::new("node_modules").into_iter().collect(),
            may_rewrite_lock_file: true,
            variables: Vec::new(),
        })
    })
}

/// The manifests that a stage copies before it installs, if it copies nothing else.
fn copied_before_install(instructions: &[Instruction], program: &str, known: &[&str]) -> Option<Vec<RepositoryPath>> {
    let mut manifests = Vec::new();
    for instruction in instructions {
        match instruction.keyword {
            Keyword::Copy | Keyword::Add => {
                let copy = instruction.copy().filter(|copy| copy.from.is_none())?;
                for source in &copy.sources {
                    let path = RepositoryPath::new(source.operand.text())?;
                    known.contains(&path.as_str()).then(|| manifests.push(path))?;
                }
            }
            Keyword::Run if installs(instruction, program) => return (!manifests.is_empty()).then_some(manifests),
            _ => {}
        }
    }
    None
}

fn installs(instruction: &Instruction, program: &str) -> bool {
    let words: Vec<_> = instruction.shell_text().unwrap_or_default().split_whitespace().collect();
    words.first() == Some(&program) && words.iter().skip(1).any(|word| matches!(*word, "install" | "i" | "ci"))
}
