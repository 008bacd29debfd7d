//! Whether the files of a repository name something.

use std::sync::Arc;

use crate::fold::situation::Situation;
use crate::source::{FileKind, SourceFile};
use crate::text::RepositoryPath;

/// The most files that are searched; a larger repository counts as naming it.
const MOST_FILES: usize = 20_000;

/// The largest file that is searched, in bytes; larger ones are data.
const LARGEST_FILE: usize = 1 << 20;

/// Which files are asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// All but those of the pipeline and the texts for people.
    All,
    /// Of these, those that a build may read: not how containers are put together elsewhere.
    Build,
}

/// The first file whose text `holds` something; the root where there are too many files to tell.
pub(super) fn file_that(
    situation: &Situation<'_>,
    asked: Asked,
    holds: &dyn Fn(&str) -> bool,
) -> Option<RepositoryPath> {
    let tracked = situation.repository.tracked();
    if tracked.len() > MOST_FILES {
        return Some(RepositoryPath::root());
    }
    let is_asked = |path: &RepositoryPath| {
        let is_of_pipeline = situation.pipeline.files().iter().any(|file| file.source.path() == path);
        let name = path.file_name().to_ascii_lowercase();
        !is_of_pipeline && !is_for_people(&name) && (asked == Asked::All || !is_beside_the_build(&name))
    };
    let files = tracked.iter().filter(|(path, kind)| **kind != FileKind::Submodule && is_asked(path));
    let mut read = files.filter_map(|(path, _)| situation.repository.read(path).ok());
    let found = |file: &Arc<SourceFile>| file.text().len() <= LARGEST_FILE && holds(file.text());
    read.find(found).map(|file| file.path().clone())
}

fn is_for_people(name: &str) -> bool {
    name.ends_with(".md") || name.starts_with("license") || name.starts_with("changelog")
}

fn is_beside_the_build(name: &str) -> bool {
    ["dockerfile", "docker-compose", "compose."].iter().any(|beginning| name.starts_with(beginning))
}

/// Whether the variable `name` stands in `text`, in whichever way it is read.
pub(super) fn holds_name(text: &str, name: &str) -> bool {
    let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    text.match_indices(name).any(|(at, found)| {
        let (before, after) = (text.get(..at).unwrap_or_default(), text.get(at + found.len()..).unwrap_or_default());
        !before.ends_with(is_of_name) && !after.starts_with(is_of_name)
    })
}

/// Whether `word` stands in `text` with no letter or digit beside it, in whichever case.
pub(super) fn holds_word(text: &str, word: &str) -> bool {
    let is_apart = |beside: Option<&u8>| beside.is_none_or(|byte| !byte.is_ascii_alphanumeric());
    let (text, word) = (text.as_bytes(), word.as_bytes());
    !word.is_empty()
        && text.windows(word.len()).enumerate().any(|(at, found)| {
            found.eq_ignore_ascii_case(word)
                && is_apart(at.checked_sub(1).and_then(|before| text.get(before)))
                && is_apart(text.get(at + word.len()))
        })
}

#[cfg(test)]
mod tests {
    use super::{holds_name, holds_word};

    #[test]
    fn a_word_stands_by_itself() {
        assert!(holds_word("REDIS_URL=redis://cache", "redis"));
        assert!(holds_word("a REDIS", "redis"));
        assert!(!holds_word("redistribution", "redis"));
        assert!(!holds_word("", "redis"));
    }

    #[test]
    fn a_variable_is_named_with_and_without_a_dollar() {
        assert!(holds_name("--build-arg VERSION", "VERSION") && holds_name("${VERSION}", "VERSION"));
        assert!(!holds_name("NODE_VERSION", "VERSION") && !holds_name("node --version", "VERSION"));
    }
}
