use std::sync::Arc;

use super::folder::Folder;
use crate::finding::Location;
use crate::source::{Repository, SourceFile};
use crate::text::{RepositoryPath, Span};

/// How a file names environment variables: the text in front of a name, and what may stand behind it.
struct Syntax {
    /// The files that are read so, by their names.
    names: &'static [&'static str],
    /// What stands in front of the name of a variable.
    openings: &'static [&'static str],
    /// What starts a line that is a comment.
    comments: &'static [&'static str],
}

/// npm's "npmrc", Yarn's "yarnrc", pip's "Requirements File Format", Maven's "settings reference" and Gradle's "build environment".
const SYNTAXES: &[Syntax] = &[
    Syntax { names: &[".npmrc", ".yarnrc", ".yarnrc.yml", ".env.yarn"], openings: &["${"], comments: &["#", ";"] },
    Syntax {
        names: &["requirements.txt", "requirements/base.txt", "requirements-dev.txt"],
        openings: &["${"],
        comments: &["#"],
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
        openings: &["${env."],
        comments: &[],
    },
    Syntax {
        names: &["build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts", "init.gradle"],
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

/// The environment variables that the file names, in the way of files of its name.
pub(super) fn variables_of(file: &Arc<SourceFile>) -> Vec<(String, Location)> {
    let path = file.path().as_str();
    let is_named =
        |name: &&&str| path == **name || path.strip_suffix(**name).is_some_and(|folder| folder.ends_with('/'));
    let Some(syntax) = SYNTAXES.iter().find(|syntax| syntax.names.iter().any(|name| is_named(&name))) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for line in 1..=file.lines().line_count() {
        let span = file.lines().line_span(line);
        let text = span.slice(file.text());
        if !syntax.comments.iter().any(|comment| text.trim_start().starts_with(comment)) {
            variables_in_line(text, span.start(), syntax.openings, &mut found);
        }
    }
    found.sort_unstable_by_key(|(_, span)| *span);
    found.dedup();
    found.into_iter().map(|(name, span)| (name, Location::new(file, span))).collect()
}

fn variables_in_line(line: &str, start: usize, openings: &[&str], found: &mut Vec<(String, Span)>) {
    for opening in openings {
        for (at, _) in line.match_indices(opening) {
            let behind = line.get(at + opening.len()..).unwrap_or_default();
            let length = behind.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
            let name = behind.get(..length).unwrap_or_default();
            if !name.is_empty() {
                let at = start + at + opening.len();
                found.push((name.to_owned(), Span::new(at, at + length)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::configuration_variables;
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
            ("other/.npmrc", "x=${NO}\n"),
        ]);
        let found = configuration_variables(&repository, &RepositoryPath::new("web").unwrap());
        let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["NPM_TOKEN", "YARN_TOKEN", "CI_JOB_TOKEN", "A", "B", "C"]);
        for (name, location) in &found {
            let Location::Span { file, span } = location else { panic!("{location:?}") };
            assert_eq!(span.slice(file.text()), name);
        }
    }

    #[test]
    fn a_folder_without_configuration_names_none() {
        assert_eq!(configuration_variables(&MemoryRepository::default(), &RepositoryPath::root()), []);
    }
}
