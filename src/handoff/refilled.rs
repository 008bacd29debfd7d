//! Cached folders that only save a download: where a command fills them anew, nobody relies on the cache.

use crate::syntax::dockerfile::{Arguments, Instruction, Keyword};
use crate::syntax::shell::Script;

/// The folders, and the programs that fill them.
const REFILLED: [(&str, &[&str]); 6] = [
    ("node_modules", &["npm", "yarn", "pnpm"]),
    ("vendor", &["composer", "bundle", "go"]),
    ("bower_components", &["bower"]),
    ("venv", &["pip", "python", "python3"]),
    ("target", &["mvn", "./mvnw", "cargo", "sbt"]),
    ("build", &["gradle", "./gradlew"]),
];

/// Whether a command of these words fills the folder at `path`.
#[must_use]
pub fn refills(words: &[&str], path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let Some((_, programs)) = REFILLED.iter().find(|(folder, _)| *folder == name) else {
        return false;
    };
    let is_program = words.first().is_some_and(|program| programs.contains(program));
    let is_install =
        name != "node_modules" || words.len() == 1 || words.iter().any(|word| matches!(*word, "install" | "i" | "ci"));
    is_program && is_install
}

/// Whether one of these instructions is a `RUN` that fills the folder at `path`.
pub(super) fn is_refilled_by(instructions: &[Instruction], path: &str) -> bool {
    let runs = instructions.iter().filter(|instruction| instruction.keyword == Keyword::Run);
    let scripts = runs.filter_map(|run| match &run.arguments {
        Arguments::Shell(word) => Some(word.text().to_owned()),
        // The script of `RUN ["/bin/sh", "-c", "npm ci"]`.
        Arguments::Json(words) => words.last().map(|word| word.value.clone()),
        _ => None,
    });
    let fills = |text: String| {
        Script::parse(&text).commands.iter().any(|command| {
            let words: Vec<_> = command.words.iter().filter_map(|word| word.literal()).collect();
            refills(&words.iter().map(String::as_str).collect::<Vec<_>>(), path)
        })
    };
    scripts.into_iter().any(fills)
}

#[cfg(test)]
mod tests {
    use super::{is_refilled_by, refills};
    use crate::syntax::dockerfile::Dockerfile;

    #[test]
    fn an_install_fills_its_own_folder() {
        assert!(refills(&["npm", "ci"], "web/node_modules"));
        assert!(refills(&["yarn"], "node_modules"));
        assert!(!refills(&["npm", "run", "build"], "node_modules"));
        assert!(!refills(&["npm", "ci"], "dist"));
    }

    #[test]
    fn a_run_fills_it_in_either_form() {
        let is_filled = |run: &str| {
            let instructions = Dockerfile::parse(&format!("FROM node\n{run}\n")).instructions;
            is_refilled_by(&instructions, "node_modules")
        };
        assert!(is_filled("RUN set -e; \\\n    npm ci"));
        assert!(is_filled(r#"RUN ["/bin/sh", "-c", "cd web\nnpm ci"]"#));
        assert!(!is_filled("RUN npm run build"));
        assert!(!is_filled("CMD npm ci"));
    }
}
