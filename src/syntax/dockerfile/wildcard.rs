//! The wildcards of `COPY` and `ADD` sources: Go's `filepath.Match`.
//!
//! `*` and `?` never match a `/`, `[a-z]` and `[^a-z]` match one character, `\` takes the meaning of the next one
//! away. There are no braces, and `**` is `*`. The same steps with two more make up the patterns of a
//! `.dockerignore`.

use std::iter::Peekable;
use std::str::Chars;

/// One step of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::syntax) enum Step {
    /// This character.
    Is(char),
    /// Any character but `/`.
    One,
    /// Any characters but `/`, or none.
    Segment,
    /// One of a set of characters.
    Class(Class),
    /// Whole folders with the `/` behind them, or nothing. Always followed by [`Step::InFolders`].
    Folders,
    /// Anything up to a `/`, that one included.
    InFolders,
    /// Anything at all, or nothing.
    Everything,
}

/// A set of characters, as in `[^a-c_]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::syntax) struct Class {
    negated: bool,
    ranges: Vec<(char, char)>,
}

impl Class {
    /// The class behind a `[` that is read already; `None` where it is not well formed.
    pub(in crate::syntax) fn parse(characters: &mut Peekable<Chars<'_>>) -> Option<Self> {
        let negated = characters.next_if_eq(&'^').is_some();
        let mut ranges = Vec::new();
        loop {
            if !ranges.is_empty() && characters.next_if_eq(&']').is_some() {
                return Some(Self { negated, ranges });
            }
            let low = class_character(characters)?;
            let high = if characters.next_if_eq(&'-').is_some() { class_character(characters)? } else { low };
            ranges.push((low, high));
        }
    }

    /// Whether a range runs backwards. Go's `filepath.Match` lets it match nothing, a regular expression refuses it.
    pub(in crate::syntax) fn runs_backwards(&self) -> bool {
        self.ranges.iter().any(|(low, high)| low > high)
    }

    fn matches(&self, character: char) -> bool {
        self.ranges.iter().any(|(low, high)| (*low..=*high).contains(&character)) != self.negated
    }
}

fn class_character(characters: &mut Peekable<Chars<'_>>) -> Option<char> {
    let character = match characters.next()? {
        '-' | ']' => return None,
        '\\' => characters.next()?,
        character => character,
    };
    characters.peek().map(|_| character)
}

/// Whether `path` as a whole matches `pattern`; a pattern that is not well formed matches nothing.
#[must_use]
pub fn matches_pattern(pattern: &str, path: &str) -> bool {
    steps(pattern).is_some_and(|steps| matches(&steps, path))
}

/// Whether `pattern` is well formed; the builder stops at one that is not.
#[must_use]
pub fn is_valid_pattern(pattern: &str) -> bool {
    steps(pattern).is_some()
}

/// Whether `text` holds a character that makes a source a pattern.
#[must_use]
pub fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?', '[', '\\'])
}

fn steps(pattern: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut characters = pattern.chars().peekable();
    while let Some(character) = characters.next() {
        steps.push(match character {
            '*' => Step::Segment,
            '?' => Step::One,
            '[' => Step::Class(Class::parse(&mut characters)?),
            '\\' => Step::Is(characters.next()?),
            character => Step::Is(character),
        });
    }
    Some(steps)
}

/// Whether all of `text` matches `steps`.
pub(in crate::syntax) fn matches(steps: &[Step], text: &str) -> bool {
    Progress::new(steps).read(text).is_done()
}

/// How far a pattern has come in a text: every step that may be next, one more for the end.
///
/// The cost is the length of the text times that of the pattern, whatever they hold.
#[derive(Clone, Debug)]
pub(in crate::syntax) struct Progress<'a> {
    steps: &'a [Step],
    states: Vec<bool>,
}

impl<'a> Progress<'a> {
    pub(in crate::syntax) fn new(steps: &'a [Step]) -> Self {
        let mut progress = Self { steps, states: vec![false; steps.len() + 1] };
        mark(&mut progress.states, 0);
        progress.skip();
        progress
    }

    pub(in crate::syntax) fn read(mut self, text: &str) -> Self {
        for character in text.chars() {
            self.advance(character);
        }
        self
    }

    /// Whether what was read matches.
    pub(in crate::syntax) fn is_done(&self) -> bool {
        self.states.last() == Some(&true)
    }

    /// Whether more text could still match.
    pub(in crate::syntax) fn may_go_on(&self) -> bool {
        self.states.iter().rev().skip(1).any(|state| *state)
    }

    /// Whether any text without a `/` would match now.
    pub(in crate::syntax) fn takes_any_name(&self) -> bool {
        let is_open = |step: &Step| matches!(step, Step::Segment | Step::Everything);
        let is_free = |step: &Step| is_open(step) || matches!(step, Step::Folders | Step::InFolders);
        let free = self.steps.iter().rev().take_while(|step| is_free(step)).count();
        let tail = self.steps.len() - free;
        self.steps.iter().zip(&self.states).enumerate().skip(tail).any(|(index, (step, state))| {
            let rest = self.steps.get(index..).unwrap_or_default();
            *state && *step != Step::InFolders && rest.iter().any(is_open)
        })
    }

    fn skip(&mut self) {
        for (index, step) in self.steps.iter().enumerate() {
            if self.states.get(index) != Some(&true) {
                continue;
            }
            match step {
                Step::Segment | Step::Everything => mark(&mut self.states, index + 1),
                Step::Folders => {
                    mark(&mut self.states, index + 1);
                    mark(&mut self.states, index + 2);
                }
                _ => {}
            }
        }
    }

    fn advance(&mut self, character: char) {
        let mut next = vec![false; self.states.len()];
        for (index, (step, state)) in self.steps.iter().zip(&self.states).enumerate() {
            if !*state {
                continue;
            }
            match step {
                Step::Is(expected) if *expected == character => mark(&mut next, index + 1),
                Step::One if character != '/' => mark(&mut next, index + 1),
                Step::Class(class) if class.matches(character) => mark(&mut next, index + 1),
                Step::Segment if character != '/' => mark(&mut next, index),
                Step::Everything => mark(&mut next, index),
                Step::InFolders => {
                    mark(&mut next, index);
                    if character == '/' {
                        mark(&mut next, index + 1);
                    }
                }
                _ => {}
            }
        }
        self.states = next;
        self.skip();
    }
}

fn mark(states: &mut [bool], index: usize) {
    if let Some(state) = states.get_mut(index) {
        *state = true;
    }
}

#[cfg(test)]
mod tests {
    use super::{is_valid_pattern, matches_pattern};
    use proptest::prelude::*;

    #[test]
    fn patterns_match_as_in_go() {
        for (pattern, path, expected) in [
            ("abc", "abc", true),
            ("*", "abc", true),
            ("*", "a/b", false),
            ("*c", "abc", true),
            ("a*/b", "abc/b", true),
            ("a*/b", "a/c/b", false),
            ("a*b*c*d*e*/f", "axbxcxdxexxx/f", true),
            ("a*b*c*d*e*/f", "axbxcxdxexxx/fff", false),
            ("a*b?c*x", "abxbbxdbxebxczzx", true),
            ("a*b?c*x", "abxbbxdbxebxczzy", false),
            ("ab[b-d]", "abc", true),
            ("ab[^b-d]", "abc", false),
            ("ab[!b]", "ab!", true),
            ("a\\*b", "a*b", true),
            ("a\\*b", "ab", false),
            ("a?b", "a☺b", true),
            ("a[^a]b", "a/b", true),
            ("a?b", "a/b", false),
            ("[a-ζ]*", "α", true),
            ("[\\]a]", "]", true),
            ("[x\\-]", "-", true),
            ("a**", "ab/c", false),
            ("{a,b}", "a", false),
            ("*x", "xxx", true),
        ] {
            assert_eq!(matches_pattern(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn what_is_not_well_formed_matches_nothing() {
        for pattern in ["[]a]", "[-]", "[x-]", "[-x]", "\\", "[a-b-c]", "[", "[^", "[^bc", "a["] {
            assert!(!is_valid_pattern(pattern), "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn any_pattern_can_be_tried(pattern in "[\\]a-c*?/^\\\\\\[-]{0,12}", path in "[a-c/]{0,12}") {
            let _ = matches_pattern(&pattern, &path);
        }

        #[test]
        fn a_plain_path_matches_itself_alone(path in "[a-c/.]{0,8}", other in "[a-c/.]{0,8}") {
            prop_assert_eq!(matches_pattern(&path, &other), path == other);
        }
    }
}
