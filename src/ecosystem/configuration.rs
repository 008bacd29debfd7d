use std::sync::Arc;

use super::folder::Folder;
use crate::finding::Location;
use crate::source::{Repository, SourceFile};
use crate::text::{RepositoryPath, Span};

/// How a file names environment variables: the text in front of a name, and what may stand behind it.
struct Syntax {
    /// The files that are read so, by their names.
    names: &'static [&'static str],
    /// What the names of other files end with, where a command names them.
    endings: &'static [&'static str],
    /// What stands in front of the name of a variable.
    openings: &'static [&'static str],
    /// What stands behind it.
    closing: &'static str,
    /// What starts a line that is a comment.
    comments: &'static [&'static str],
}

/// npm's "npmrc", Yarn's "yarnrc", Maven's "settings reference", Gradle's "build environment", pip's "Requirements File
/// Format", Pipenv's "Environment variables" and NuGet's "nuget.config reference". Gradle does not expand what stands in
/// `gradle.properties`, nor pip in `pip.conf`, nor Composer in `auth.json`.
const SYNTAXES: &[Syntax] = &[
    Syntax {
        names: &[".npmrc", ".yarnrc", ".yarnrc.yml", ".env.yarn"],
        endings: &["npmrc"],
        openings: &["${"],
        closing: "",
        comments: &["#", ";"],
    },
    Syntax {
        names: &["requirements.txt", "Pipfile"],
        endings: &[".txt"],
        openings: &["${"],
        closing: "}",
        comments: &["#"],
    },
    Syntax {
        names: &["nuget.config", "NuGet.config", "NuGet.Config"],
        endings: &["config"],
        openings: &["%"],
        closing: "%",
        comments: &[],
    },
    Syntax {
        names: &[
            "settings.xml",
            ".m2/settings.xml",
            ".mvn/settings.xml",
            "ci_settings.xml",
            "pom.xml",
            ".mvn/maven.config",
        ],
        endings: &[".xml"],
        openings: &["${env."],
        closing: "",
        comments: &[],
    },
    Syntax {
        names: &["build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts", "init.gradle"],
        endings: &[".gradle", ".gradle.kts"],
        openings: &[
            "System.getenv(\"",
            "System.getenv('",
            "System.getenv().",
            "System.getenv()[\"",
            "System.getenv()['",
            "System.env.",
            "System.env['",
            "System.env[\"",
            "environmentVariable(\"",
            "environmentVariable('",
            "getenv(\"",
            "getenv('",
        ],
        closing: "",
        comments: &["//"],
    },
];

/// The environment variables that the committed configuration of npm, yarn, Maven and Gradle in `folder` reads, in
/// the order of the files, each with every place that names it. Files that cannot be read name none.
#[must_use]
pub fn configuration_variables(repository: &dyn Repository, folder: &RepositoryPath) -> Vec<(String, Location)> {
    let folder = Folder { repository, path: folder };
    let names = SYNTAXES.iter().flat_map(|syntax| syntax.names);
    let files = names.filter_map(|name| folder.file(name).ok().flatten());
    files.flat_map(|file| variables_of(&file)).collect()
}

/// The environment variables that the tracked file at `path` reads, for one that a command names, so that it may be
/// called anything: `mvn -s ci/maven.xml`.
#[must_use]
pub fn variables_of_named_file(repository: &dyn Repository, path: &RepositoryPath) -> Vec<(String, Location)> {
    let folder = Folder { repository, path: &RepositoryPath::root() };
    let Some(file) = folder.file(path.as_str()).ok().flatten() else {
        return Vec::new();
    };
    let by_ending = || SYNTAXES.iter().find(|syntax| syntax.endings.iter().any(|end| path.as_str().ends_with(end)));
    let syntax = syntax_of(path).or_else(by_ending);
    syntax.map(|syntax| variables_in(&file, syntax)).unwrap_or_default()
}

/// The environment variables that the file names, in the way of files of its name.
pub(super) fn variables_of(file: &Arc<SourceFile>) -> Vec<(String, Location)> {
    syntax_of(file.path()).map(|syntax| variables_in(file, syntax)).unwrap_or_default()
}

fn syntax_of(path: &RepositoryPath) -> Option<&'static Syntax> {
    let path = path.as_str();
    let is_named =
        |name: &str| path.strip_suffix(name).is_some_and(|folder| folder.is_empty() || folder.ends_with('/'));
    SYNTAXES.iter().find(|syntax| syntax.names.iter().any(|name| is_named(name)))
}

fn variables_in(file: &Arc<SourceFile>, syntax: &Syntax) -> Vec<(String, Location)> {
    let mut found = Vec::new();
    for line in 1..=file.lines().line_count() {
        let span = file.lines().line_span(line);
        let text = span.slice(file.text());
        if !syntax.comments.iter().any(|comment| text.trim_start().starts_with(comment)) {
            variables_in_line(text, span.start(), syntax, &mut found);
        }
    }
    found.sort_unstable_by_key(|(_, span)| *span);
    found.dedup();
    found.into_iter().map(|(name, span)| (name, Location::new(file, span))).collect()
}

fn variables_in_line(line: &str, start: usize, syntax: &Syntax, found: &mut Vec<(String, Span)>) {
    for opening in syntax.openings {
        for (at, _) in line.match_indices(opening) {
            let behind = line.get(at + opening.len()..).unwrap_or_default();
            let length = behind.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
            let name = behind.get(..length).unwrap_or_default();
            let is_closed = behind.get(length..).is_some_and(|rest| rest.starts_with(syntax.closing));
            if !name.is_empty() && is_closed {
                let at = start + at + opening.len();
                found.push((name.to_owned(), Span::new(at, at + length)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{configuration_variables, variables_of_named_file};
    use crate::finding::Location;
    use crate::source::MemoryRepository;
    use crate::text::RepositoryPath;

    #[test]
    fn each_file_is_read_in_its_own_way() {
        let repository = MemoryRepository::new([
            ("web/.npmrc", "//h/:_authToken=${NPM_TOKEN}\n# ${NO}\nx=$NO\n"),
            ("web/.yarnrc.yml", "npmAuthToken: \"${YARN_TOKEN:-é}\"\n"),
            ("web/.m2/settings.xml", "<password>é${env.CI_JOB_TOKEN}</password><x>${project.no}</x>\n"),
            ("web/build.gradle", "// System.getenv(\"NO\")\nx = System.getenv('A') ?: System.env.B\n"),
            ("web/build.gradle.kts", "val x = providers.environmentVariable(\"C\")\n"),
            ("web/requirements.txt", "--index-url https://u:${PIP_TOKEN}@h\n# ${NO}\nx==1 ${NO:-1}\n"),
            ("web/NuGet.config", "<add value=\"%NUGET_TOKEN%\" x=\"100% NO\" />\n"),
            ("other/.npmrc", "x=${NO}\n"),
        ]);
        let found = configuration_variables(&repository, &RepositoryPath::new("web").unwrap());
        let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["NPM_TOKEN", "YARN_TOKEN", "PIP_TOKEN", "NUGET_TOKEN", "CI_JOB_TOKEN", "A", "B", "C"]);
        for (name, location) in &found {
            let Location::Span { file, span } = location else { panic!("{location:?}") };
            assert_eq!(span.slice(file.text()), name);
        }
    }

    #[test]
    fn a_file_that_a_command_names_is_told_by_its_ending() {
        let text = "<password>${env.REPO_TOKEN}</password>\n";
        let repository = MemoryRepository::new([("ci/maven.xml", text), ("ci/maven.md", text)]);
        let found = |path| variables_of_named_file(&repository, &RepositoryPath::new(path).unwrap()).len();
        assert_eq!(["ci/maven.xml", "ci/maven.md", "ci"].map(found), [1, 0, 0]);
    }

    #[test]
    fn a_folder_without_configuration_names_none() {
        assert_eq!(configuration_variables(&MemoryRepository::default(), &RepositoryPath::root()), []);
    }
}
