//! Whether a script uses a variable as a value or as the path of a file (GitLab docs: CI/CD variables of the
//! type "file").

use crate::handoff::JobScript;
use crate::syntax::shell::{Command, PieceKind, RedirectionKind, Script, Word};

/// What the uses of a variable tell of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileUse {
    /// Every use takes it for a value.
    Value,
    /// Every use takes it for the path of a file.
    Path,
    /// Some do this, some that.
    Both,
}

/// Programs whose operands are files.
const READERS: [&str; 17] = [
    ".", "base64", "cat", "chmod", "cp", "gpg", "gunzip", "head", "install", "jq", "ln", "mv", "source", "tail", "tar",
    "unzip", "wc",
];

/// Options whose value is a file, as words of their own or with `=` behind them, and the programs that have them;
/// no program stands for all.
const FILE_OPTIONS: [(&str, &[&str]); 11] = [
    ("--cacert", &[]),
    ("--env-file", &[]),
    ("--global-settings", MAVEN),
    ("--globalconfig", &[]),
    ("--init-script", GRADLE),
    ("--netrc-file", &[]),
    ("--settings", MAVEN),
    ("--userconfig", &[]),
    ("-I", GRADLE),
    ("-gs", MAVEN),
    ("-s", MAVEN),
];

const MAVEN: &[&str] = &["mvn", "mvnd", "mvnw"];
const GRADLE: &[&str] = &["gradle", "gradlew"];

/// Variables whose value is the path of a file.
const FILE_VARIABLES: [&str; 7] = [
    "GOOGLE_APPLICATION_CREDENTIALS",
    "KUBECONFIG",
    "NODE_EXTRA_CA_CERTS",
    "NPM_CONFIG_USERCONFIG",
    "PIP_CONFIG_FILE",
    "SSL_CERT_FILE",
    "npm_config_userconfig",
];

/// How `script` uses the variable `name`.
pub(super) fn file_use(script: &JobScript, name: &str) -> FileUse {
    let uses: Vec<bool> = script
        .items
        .iter()
        .flat_map(|item| {
            let parsed = Script::parse(item.text.as_deref().unwrap_or_default());
            parsed.commands.iter().flat_map(|command| uses_of(command, name)).collect::<Vec<_>>()
        })
        .collect();
    match (uses.contains(&true), uses.contains(&false)) {
        (true, false) => FileUse::Path,
        (true, true) => FileUse::Both,
        (false, _) => FileUse::Value,
    }
}

/// For each use of the variable in a command, whether it is one as a path; a test for being empty is neither.
fn uses_of(command: &Command, name: &str) -> Vec<bool> {
    let program = command.name().unwrap_or_default();
    let program = program.rsplit('/').next().unwrap_or_default();
    let mut uses = Vec::new();
    for (at, word) in command.words.iter().enumerate().filter(|(_, word)| names(word, name)) {
        let before = at.checked_sub(1).and_then(|at| command.words.get(at)).and_then(Word::literal).unwrap_or_default();
        match (program, before.as_str()) {
            ("[" | "[[" | "test", "-n" | "-z") => {}
            ("[" | "[[" | "test", "-e" | "-f" | "-r" | "-s") => uses.push(true),
            ("[" | "[[" | "test", _) => uses.push(false),
            _ => uses.push(is_path(word, name, program, &before)),
        }
    }
    let assigned = command.assignments.iter().filter_map(|it| Some((it.name.as_str(), it.value.as_ref()?)));
    uses.extend(assigned.filter(|(_, value)| names(value, name)).map(|(to, _)| FILE_VARIABLES.contains(&to)));
    for redirection in &command.redirections {
        let is_read = redirection.kind == RedirectionKind::Read;
        uses.extend(redirection.target.iter().filter(|word| names(word, name)).map(|_| is_read));
        let text = redirection.heredoc.as_ref().and_then(|heredoc| heredoc.text.as_ref());
        uses.extend(text.filter(|word| names(word, name)).map(|_| false));
    }
    uses
}

/// Whether a word that names the variable is a path: the variable alone where the program expects files, or behind an
/// option or a variable that takes a file.
fn is_path(word: &Word, name: &str, program: &str, before: &str) -> bool {
    let pieces = word.pieces.iter().map(|piece| &piece.kind);
    let pieces: Vec<_> = pieces.filter(|kind| !matches!(kind, PieceKind::Literal(text) if text.is_empty())).collect();
    match pieces.as_slice() {
        [PieceKind::Parameter(_)] => READERS.contains(&program) || takes_file(program, before),
        [PieceKind::Literal(head), PieceKind::Parameter(parameter)] if parameter.name == name => {
            let option = head.strip_suffix('=').unwrap_or_default();
            takes_file(program, option) || FILE_VARIABLES.contains(&option)
        }
        _ => false,
    }
}

fn takes_file(program: &str, option: &str) -> bool {
    let is_one =
        |(name, programs): &(&str, &[&str])| *name == option && (programs.is_empty() || programs.contains(&program));
    FILE_OPTIONS.iter().any(is_one)
}

fn names(word: &Word, name: &str) -> bool {
    word.pieces.iter().any(|piece| matches!(&piece.kind, PieceKind::Parameter(parameter) if parameter.name == name))
}

#[cfg(test)]
mod tests {
    use super::{FileUse, file_use};
    use crate::gitlab::Pipeline;
    use crate::handoff::JobScript;
    use crate::source::MemoryRepository;
    use crate::text::RepositoryPath;

    fn used(line: &str) -> FileUse {
        let text = format!("job:\n  script:\n    - |\n      {line}\n");
        let repository = MemoryRepository::new([(".gitlab-ci.yml", text.as_str())]);
        let pipeline = Pipeline::read(&repository, &RepositoryPath::new(".gitlab-ci.yml").unwrap()).unwrap();
        file_use(&JobScript::new(pipeline.job("job").unwrap()), "X")
    }

    #[test]
    fn paths_are_told_from_values_by_where_they_stand() {
        for line in [
            "cp $X .env",
            "cat \"$X\" > a",
            "mvn -s $X package",
            "base64 -d < $X",
            "npm --userconfig=$X ci",
            "export NPM_CONFIG_USERCONFIG=$X",
            "[ -n \"$X\" ] && cp ${X} a",
            "GOOGLE_APPLICATION_CREDENTIALS=$X make",
        ] {
            assert_eq!(used(line), FileUse::Path, "{line}");
        }
        for line in [
            "echo $X | base64 -d > a",
            "mvn -Dtoken=$X package",
            "make KEY=\"$X\"",
            "curl -s $X",
            "make --key \"$X\"",
            "cp a/$X b",
        ] {
            assert_eq!(used(line), FileUse::Value, "{line}");
        }
        assert_eq!(used("cp $X a; echo $X"), FileUse::Both);
    }
}
