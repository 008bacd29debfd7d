//! Outputs that hold the path of the folder in which they are built, so that they are other bytes in the builder stage.

mod makefile;

use crate::finding::{Code, Finding, Location};
use crate::fold::situation::Situation;

/// Programs whose outputs hold the path of the project's folder, so that they differ in another folder.
const EMBEDDING: [(&str, &str); 6] = [
    ("cmake", "CMake writes absolute paths"),
    ("cargo", "rustc writes absolute paths into what it builds"),
    ("go", "Go writes absolute paths into binaries, unless it is given -trimpath"),
    ("gcc", "the compiler writes absolute paths"),
    ("python -m venv", "a virtual environment holds absolute paths"),
    ("virtualenv", "a virtual environment holds absolute paths"),
];

/// Files that hold absolute paths whoever makes them.
const EMBEDDED: [(&str, &str); 2] = [
    (".next", "Next.js writes the project's folder into its server files"),
    (".venv", "a virtual environment holds absolute paths"),
];

/// Whether a command of [`EMBEDDING`] only looks, downloads or tests, so that nothing of what it makes is handed on.
fn makes_nothing(words: &[&str]) -> bool {
    let mut rest = words.iter().skip(1).filter(|word| !word.starts_with('+'));
    let subcommand = rest.next().copied().unwrap_or_default();
    match words.first() {
        _ if matches!(subcommand, "--help" | "--version" | "-V" | "help" | "version") => true,
        Some(&"go") => match subcommand {
            "test" => !words.contains(&"-c"),
            "clean" | "env" | "fix" | "fmt" | "generate" | "get" | "list" | "mod" | "vet" | "work" => true,
            _ => false,
        },
        Some(&"cargo") => matches!(
            subcommand,
            "add"
                | "audit"
                | "check"
                | "clean"
                | "clippy"
                | "deny"
                | "fetch"
                | "fmt"
                | "login"
                | "metadata"
                | "search"
                | "tree"
                | "update"
        ),
        _ => false,
    }
}

/// Outputs that hold the path of the folder they were built in are other bytes in another folder.
pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let script = &situation.producer_script;
    let by_program = script.walk.steps.iter().filter_map(|step| {
        let words: Vec<_> = step.words.iter().filter_map(|word| word.text()).collect();
        let reason = embedding(&words).or_else(|| makefile::embedding(situation.repository, step, &words))?;
        Some((script.step_location(situation.pipeline, step)?, reason))
    });
    let by_path = situation.used_patterns().into_iter().filter_map(|pattern| {
        let (_, reason) = EMBEDDED.iter().find(|(path, _)| pattern.text.split('/').any(|part| part == *path))?;
        Some((situation.pipeline.location(pattern.origin), *reason))
    });
    let finding = |(location, reason): (Location, &str)| {
        let message =
            format!("{reason}, and the builder stage works in {} instead of the runner's folder", situation.folder);
        Finding::new(Code::PathEmbeddedInOutput, location, message)
            .with_help("if the path does not matter to the program, accept it with '--accept path-embedded-in-output'")
    };
    by_program.chain(by_path).map(finding).collect()
}

/// Why what a command makes holds the path of its folder, where it does.
fn embedding(words: &[&str]) -> Option<&'static str> {
    let line = words.join(" ");
    let (_, reason) =
        EMBEDDING.iter().find(|(program, _)| line == *program || line.starts_with(&format!("{program} ")))?;
    let is_harmless = words.contains(&"-trimpath") || makes_nothing(words);
    (!is_harmless).then_some(*reason)
}

#[cfg(test)]
mod tests {
    use super::makes_nothing;

    #[test]
    fn a_command_that_only_looks_makes_nothing() {
        let words = |line: &'static str| line.split(' ').collect::<Vec<_>>();
        for line in [
            "go fmt ./...",
            "go list ./...",
            "go test ./...",
            "cargo --version",
            "cargo +nightly clippy",
            "cmake --version",
        ] {
            assert!(makes_nothing(&words(line)), "{line}");
        }
        for line in
            ["go build", "go", "go install ./cmd/app", "go test -c", "cargo build", "cargo test", "cmake .", "gcc a.c"]
        {
            assert!(!makes_nothing(&words(line)), "{line}");
        }
    }
}
