use crate::syntax::dockerfile::wildcard::{Class, Progress, Step, is_valid_pattern, matches};
use crate::text::Span;

/// One line of an ignore file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IgnorePattern {
    /// The line without the white space around it.
    pub span: Span,
    /// Whether it brings paths back: it starts with `!`.
    pub negated: bool,
    /// What it matches: relative to the context, without `.`, `..` and empty parts as far as they can go.
    pub path: String,
    matcher: Matcher,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Matcher {
    /// A leading `**` and nothing special behind it matches any path that ends so, in the middle of a name too.
    Suffix(String),
    Steps(Vec<Step>),
}

impl IgnorePattern {
    /// Reads a trimmed line that is neither empty nor a comment.
    pub(super) fn parse(line: &str, span: Span) -> Result<Self, &'static str> {
        let (negated, written) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest.trim()));
        if written.is_empty() {
            return Err("a lone ! is no pattern");
        }
        let path = clean(written);
        if !is_valid_pattern(&path) {
            return Err("the pattern is not well formed");
        }
        let matcher = compile(&path).ok_or("the pattern means something else in a regular expression")?;
        Ok(Self { span, negated, path, matcher })
    }

    /// Whether it matches `path`, which is clean, or a folder above it.
    pub(super) fn matches_or_above(&self, path: &str) -> bool {
        let folders = path.match_indices('/').filter_map(|(at, _)| path.get(..at));
        folders.chain([path]).any(|path| self.matches(path))
    }

    fn matches(&self, path: &str) -> bool {
        match &self.matcher {
            Matcher::Steps(steps) => matches(steps, path),
            Matcher::Suffix(suffix) => path.ends_with(suffix) || suffix.strip_prefix('/') == Some(path),
        }
    }

    /// Whether it surely matches every path below `folder`, or a folder above that path.
    pub(super) fn matches_all_below(&self, folder: &str) -> bool {
        if !folder.is_empty() && self.matches_or_above(folder) {
            return true;
        }
        match &self.matcher {
            Matcher::Suffix(suffix) => suffix.is_empty(),
            Matcher::Steps(steps) => Progress::new(steps).read(&below(folder)).takes_any_name(),
        }
    }

    /// Whether it could match a path below `folder`, or a folder above one.
    pub(super) fn may_match_below(&self, folder: &str) -> bool {
        if !folder.is_empty() && self.matches_or_above(folder) {
            return true;
        }
        match &self.matcher {
            Matcher::Suffix(_) => true,
            Matcher::Steps(steps) => Progress::new(steps).read(&below(folder)).may_go_on(),
        }
    }
}

/// What every path below `folder` starts with.
fn below(folder: &str) -> String {
    if folder.is_empty() { String::new() } else { format!("{folder}/") }
}

/// The shortest path that means the same, from the root of the context (Go: `filepath.Clean`, and one leading `/`
/// dropped); `""` for the context itself.
pub(super) fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The matcher of a valid pattern; `None` where the builder's regular expression would read it otherwise: a range
/// that runs backwards, or a letter or digit behind a `\`.
fn compile(pattern: &str) -> Option<Matcher> {
    if let Some(suffix) = pattern.strip_prefix("**").filter(|suffix| !suffix.contains(['*', '?', '[', ']', '\\'])) {
        return Some(Matcher::Suffix(suffix.to_owned()));
    }
    let mut steps = Vec::new();
    let mut characters = pattern.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '*' if characters.next_if_eq(&'*').is_some() => {
                characters.next_if_eq(&'/');
                let ends = characters.peek().is_none();
                steps.extend(if ends { vec![Step::Everything] } else { vec![Step::Folders, Step::InFolders] });
            }
            '*' => steps.push(Step::Segment),
            '?' => steps.push(Step::One),
            '[' => steps.push(Step::Class(Class::parse(&mut characters).filter(|class| !class.runs_backwards())?)),
            '\\' => steps.push(Step::Is(characters.next().filter(|escaped| !escaped.is_ascii_alphanumeric())?)),
            character => steps.push(Step::Is(character)),
        }
    }
    Some(Matcher::Steps(steps))
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn paths_are_cleaned_as_in_go() {
        for (path, expected) in [
            ("a//b/./c/", "a/b/c"),
            ("/a/../b", "b"),
            ("/../a", "a"),
            ("../a", "../a"),
            ("a/../../b", "../b"),
            (".", ""),
            ("/", ""),
        ] {
            assert_eq!(clean(path), expected, "{path}");
        }
    }
}
