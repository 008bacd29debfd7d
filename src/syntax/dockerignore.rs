//! Ignore files of the build context: `.dockerignore`, `Dockerfile.dockerignore`.
//!
//! The rules are those of `moby/patternmatcher` (`ignorefile.ReadAll`, `PatternMatcher.MatchesOrParentMatches`):
//! the last pattern that matches a path, or a folder above it, decides. They are not those of git: a pattern
//! without a `/` matches at the root only.

mod pattern;

pub use pattern::IgnorePattern;

use crate::text::Span;

/// An ignore file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DockerIgnore {
    /// Its patterns, in order.
    pub patterns: Vec<IgnorePattern>,
    /// What the builder would refuse; such a line ignores nothing here.
    pub problems: Vec<IgnoreProblem>,
}

/// A line that the builder would refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IgnoreProblem {
    /// The pattern.
    pub span: Span,
    /// What is wrong, without a full stop.
    pub message: &'static str,
}

impl DockerIgnore {
    /// Reads `text`, whatever it holds.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut file = Self { patterns: Vec::new(), problems: Vec::new() };
        let mut start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        for line in text.get(start..).unwrap_or_default().split_inclusive('\n') {
            file.read_line(line, start);
            start += line.len();
        }
        file
    }

    /// Reads the line that stands at `start`. A `#` makes it a comment in the first column only.
    fn read_line(&mut self, line: &str, start: usize) {
        let pattern = line.trim();
        if line.starts_with('#') || pattern.is_empty() {
            return;
        }
        let start = start + line.len() - line.trim_start().len();
        let span = Span::new(start, start + pattern.len());
        match IgnorePattern::parse(pattern, span) {
            Ok(pattern) => self.patterns.push(pattern),
            Err(message) => self.problems.push(IgnoreProblem { span, message }),
        }
    }

    /// Whether `path`, relative to the context, is kept out of it. The context itself never is.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        self.deciding_pattern(path).is_some_and(|pattern| !pattern.negated)
    }

    /// The pattern that decides over `path`: the last one that matches it or a folder above it.
    #[must_use]
    pub fn deciding_pattern(&self, path: &str) -> Option<&IgnorePattern> {
        let path = pattern::clean(path);
        if path.is_empty() {
            return None;
        }
        self.patterns.iter().rev().find(|pattern| pattern.matches_or_above(&path))
    }

    /// Whether everything below `folder` is in the context for certain, whatever a pattern says of the folder itself.
    #[must_use]
    pub fn includes_all_below(&self, folder: &str) -> bool {
        let folder = pattern::clean(folder);
        self.patterns.iter().fold(true, |included, pattern| match pattern.negated {
            true => included || pattern.matches_all_below(&folder),
            false => included && !pattern.may_match_below(&folder),
        })
    }

    /// Whether some path at or below `folder` could be left out.
    #[must_use]
    pub fn may_exclude_below(&self, folder: &str) -> bool {
        let folder = pattern::clean(folder);
        self.patterns.iter().any(|pattern| !pattern.negated && pattern.may_match_below(&folder))
    }

    /// Whether nothing below `folder` can be in the context: all of it is ignored, and no later `!` pattern could
    /// bring a path below it back. `""` or `.` is the context itself.
    ///
    /// A `false` does not say that anything is there.
    #[must_use]
    pub fn excludes_all_below(&self, folder: &str) -> bool {
        let folder = pattern::clean(folder);
        let mut excluded = false;
        for pattern in &self.patterns {
            if pattern.negated {
                excluded &= !pattern.may_match_below(&folder);
            } else {
                excluded |= pattern.matches_all_below(&folder);
            }
        }
        excluded
    }
}

#[cfg(test)]
mod tests {
    use super::DockerIgnore;
    use proptest::prelude::*;

    fn ignores(text: &str, path: &str) -> bool {
        DockerIgnore::parse(text).matches(path)
    }

    #[test]
    fn one_pattern_matches_as_in_the_builder() {
        for (pattern, path, expected) in [
            ("**", "file", true),
            ("**/", "dir/file", true),
            ("**/**", "dir/file", true),
            ("dir/**", "dir/dir2/file", true),
            ("**/dir", "dir", true),
            ("**/dir", "dir/file", true),
            ("**/dir2/*", "dir/dir2/file", true),
            ("**/dir2/**", "dir/dir2/dir3/file", true),
            ("**file", "dir/dir/file", true),
            ("**file", "dir/myfile", true),
            ("**/file", "dir/dir/file", true),
            ("**/file", "dir/myfile", false),
            ("**/file*txt", "dir/dir/file.txt", true),
            ("**/file*.txt*", "dir/dir/file.txt", true),
            ("**/**/*.txt", "dir/dir/file.txt", true),
            ("**/**/*.txt2", "dir/dir/file.txt", false),
            ("**/**/*.txt", "file.txt", true),
            ("a**/*.txt", "a/dir/dir/file.txt", true),
            ("a/*.txt", "a/dir/file.txt", false),
            ("a/*.txt**", "a/file.txt", true),
            ("a[b-d]e", "ace", true),
            ("a[b-d]e", "aae", false),
            ("a[^b-d]e", "aze", true),
            (".*", ".foo", true),
            (".*", "foo", false),
            ("abc.def", "abcZdef", false),
            ("abc?def", "abcZdef", true),
            ("abc?def", "abcdef", false),
            ("a\\\\", "a\\", true),
            ("a\\*b", "a*b", true),
            ("**/foo/bar", "dir/dir2/foo/bar", true),
            ("abc/**", "abc", false),
            ("abc/**", "abc/def/ghi", true),
            ("**/.foo", "bar.foo", false),
            ("a(b)c/def", "a(b)c/def", true),
            ("a.|)$(}+{bc", "a.|)$(}+{bc", true),
            ("dist/*.whl", "dist/proxy.py-2.4.0rc3.dev36+g08acad9-py3-none-any.whl", true),
            ("a**b", "axb", false),
            ("a**b", "ax/b", true),
        ] {
            assert_eq!(ignores(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn the_last_match_wins() {
        for (patterns, path, expected) in [
            ("!a.go\n*.go", "a.go", true),
            ("*.go\n!a.go", "a.go", false),
            ("docs\n!docs/README.md", "docs/README.md", false),
            ("docs/*\n!docs/README.md", "docs/x", true),
            ("**\n!util/docker/web", "util/docker/web/foo", false),
            ("**\n!util/docker/web\nutil/docker/web/foo", "util/docker/web/foo", true),
            ("*\n!dist", "dist/js/app.js", false),
            ("*\n!dist", "src/app.js", true),
            ("dist", "sub/dist", false),
        ] {
            assert_eq!(ignores(patterns, path), expected, "{patterns} {path}");
        }
    }

    #[test]
    fn lines_are_cleaned() {
        let text = "\u{feff}/a/./b/\r\n# no\r\n  #yes\r\n\r\n ! /c/../d \r\n./e\r\n";
        let file = DockerIgnore::parse(text);
        let shown: Vec<_> = file.patterns.iter().map(|pattern| (pattern.negated, pattern.path.as_str())).collect();
        assert_eq!(shown, [(false, "a/b"), (false, "#yes"), (true, "d"), (false, "e")]);
        assert_eq!(file.patterns[2].span.slice(text), "! /c/../d");
    }

    #[test]
    fn patterns_that_the_builder_refuses_are_problems() {
        for text in ["!", "! ", "[", "a\\", "[z-a]", "[Local-Only]/"] {
            let file = DockerIgnore::parse(text);
            assert_eq!((file.patterns.len(), file.problems.len()), (0, 1), "{text}");
        }
    }

    #[test]
    fn the_context_itself_is_never_ignored() {
        assert!(!ignores("*", "."));
        assert!(!ignores("**", ""));
    }

    #[test]
    fn a_folder_is_gone_when_nothing_can_come_back() {
        for (patterns, folder, expected) in [
            ("src", "src", true),
            ("src", "src/app", true),
            ("src/*", "src", true),
            ("src/**", "src", true),
            ("*", "", true),
            ("**", "src", true),
            ("**/*", "src", true),
            ("src/*.js", "src", false),
            ("src\n!src/a.js", "src", false),
            ("src\n!src/a.js", "src/b", true),
            ("src\n!src/b/a.js", "src/c", true),
            ("*\n!src", "src/app", false),
            ("*\n!dist", "src", true),
            ("src\n!**/*.md", "src", false),
            ("!src/a\nsrc", "src", true),
            ("**/node_modules", "a/node_modules", true),
            ("*/x", "x", false),
        ] {
            assert_eq!(DockerIgnore::parse(patterns).excludes_all_below(folder), expected, "{patterns} {folder}");
        }
    }

    proptest! {
        #[test]
        fn any_text_can_be_read(text in any::<String>(), path in "[a-c/.]{0,10}") {
            let _ = DockerIgnore::parse(&text).matches(&path);
        }

        #[test]
        fn nothing_is_in_the_context_below_a_folder_that_is_gone(
            lines in prop::collection::vec("!?[ab*?/]{1,6}", 1..5), folder in "[ab](/[ab])?", path in "[ab](/[ab]{1,2}){0,2}",
        ) {
            let file = DockerIgnore::parse(&lines.join("\n"));
            if file.excludes_all_below(&folder) {
                let below = format!("{}/{}", folder, path);
                prop_assert!(file.matches(&below), "{below}");
            }
        }
    }
}
