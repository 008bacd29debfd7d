//! Whether the files of a repository name something.

use std::sync::Arc;

use crate::fold::situation::Situation;
use crate::source::{FileKind, SourceFile};
use crate::text::RepositoryPath;

/// The most files that are searched; a larger repository counts as naming it.
const MOST_FILES: usize = 20_000;

/// The largest file that is searched, in bytes; larger ones are data.
const LARGEST_FILE: usize = 1 << 20;

/// The first file that holds one of `words`; the root where there are too many files to tell.
///
/// Those of the pipeline are not asked, nor texts for people, nor how containers are put together elsewhere.
pub(super) fn file_that_names(situation: &Situation<'_>, words: &[String]) -> Option<RepositoryPath> {
    let tracked = situation.repository.tracked();
    if tracked.len() > MOST_FILES {
        return Some(RepositoryPath::root());
    }
    let is_asked = |path: &RepositoryPath| {
        let is_of_pipeline = situation.pipeline.files().iter().any(|file| file.source.path() == path);
        !is_of_pipeline && !is_beside_the_build(path.file_name())
    };
    let files = tracked.iter().filter(|(path, kind)| **kind != FileKind::Submodule && is_asked(path));
    let mut read = files.filter_map(|(path, _)| situation.repository.read(path).ok());
    let names = |file: &Arc<SourceFile>| {
        file.text().len() <= LARGEST_FILE && words.iter().any(|word| holds_word(file.text(), word))
    };
    read.find(names).map(|file| file.path().clone())
}

fn is_beside_the_build(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let beginnings = ["dockerfile", "docker-compose", "compose.", "license", "changelog"];
    name.ends_with(".md") || beginnings.iter().any(|beginning| name.starts_with(beginning))
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
    use super::holds_word;

    #[test]
    fn a_word_stands_by_itself() {
        assert!(holds_word("REDIS_URL=redis://cache", "redis"));
        assert!(holds_word("a REDIS", "redis"));
        assert!(!holds_word("redistribution", "redis"));
        assert!(!holds_word("", "redis"));
    }
}
