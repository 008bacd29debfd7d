//! The patterns of `${name#pattern}`, `${name%pattern}` and `${name/pattern/replacement}`: `*` and `?` without
//! brackets (BuildKit: `shell.convertShellPatternToRegex`).

use std::ops::Range;

/// How many comparisons one substitution may take; beyond that the word is not read.
const BUDGET: usize = 1 << 20;

/// At which end of the value a pattern must match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Any,
    One,
    Is(char),
}

/// `value` without the shortest, or else the longest, match of `pattern` at one end.
pub(super) fn trim(value: &str, pattern: &str, anchor: Anchor, longest: bool) -> Result<String, String> {
    let mut steps = steps(pattern)?;
    let mut characters: Vec<char> = value.chars().collect();
    if anchor == Anchor::End {
        steps.reverse();
        characters.reverse();
    }
    let mut budget = BUDGET;
    let length = match_length(&steps, &characters, longest, &mut budget)?.unwrap_or(0);
    let mut rest = characters.split_off(length);
    if anchor == Anchor::End {
        rest.reverse();
    }
    Ok(rest.into_iter().collect())
}

/// `value` with the first match of `pattern`, or all of them, replaced. An empty match right behind another match
/// is none (Go: `regexp.ReplaceAllString`).
pub(super) fn replace(value: &str, pattern: &str, replacement: &str, all: bool) -> Result<String, String> {
    let steps = steps(pattern)?;
    let characters: Vec<char> = value.chars().collect();
    let mut budget = BUDGET;
    let mut result = String::new();
    let (mut from, mut last_end) = (0, None);
    while let Some(found) = find(&steps, &characters, from, &mut budget)? {
        result.extend(characters.get(from..found.start).unwrap_or_default());
        if !found.is_empty() || last_end != Some(found.start) {
            result.push_str(replacement);
        }
        (from, last_end) = (found.end, Some(found.end));
        if found.is_empty() {
            result.extend(characters.get(from));
            from += 1;
        }
        if !all || from > characters.len() {
            break;
        }
    }
    result.extend(characters.get(from..).unwrap_or_default());
    Ok(result)
}

fn steps(pattern: &str) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    let mut characters = pattern.chars().peekable();
    while let Some(character) = characters.next() {
        steps.push(match character {
            '*' => Step::Any,
            '?' => Step::One,
            '\\' if matches!(characters.peek(), Some('}' | '/')) => continue,
            '\\' => match characters.next() {
                Some(escaped @ ('*' | '?' | '\\')) => Step::Is(escaped),
                _ => return Err(format!("invalid pattern ({pattern}) in substitution")),
            },
            character => Step::Is(character),
        });
    }
    Ok(steps)
}

fn find(steps: &[Step], characters: &[char], from: usize, budget: &mut usize) -> Result<Option<Range<usize>>, String> {
    for start in from..=characters.len() {
        let rest = characters.get(start..).unwrap_or_default();
        if let Some(length) = match_length(steps, rest, true, budget)? {
            return Ok(Some(start..start + length));
        }
    }
    Ok(None)
}

/// How many characters from the first on match: as few as can be, or as many.
fn match_length(
    steps: &[Step],
    characters: &[char],
    longest: bool,
    budget: &mut usize,
) -> Result<Option<usize>, String> {
    let mut states = vec![false; steps.len() + 1];
    if let Some(first) = states.first_mut() {
        *first = true;
    }
    let mut found = None;
    for length in 0..=characters.len() {
        *budget = budget.checked_sub(states.len()).ok_or("a pattern is too costly to match")?;
        skip_stars(steps, &mut states);
        if states.last() == Some(&true) {
            found = Some(length);
            if !longest {
                return Ok(found);
            }
        }
        let Some(character) = characters.get(length) else { break };
        states = advance(steps, &states, *character);
        if !states.contains(&true) {
            break;
        }
    }
    Ok(found)
}

fn skip_stars(steps: &[Step], states: &mut [bool]) {
    for (index, step) in steps.iter().enumerate() {
        if *step == Step::Any && states.get(index) == Some(&true) {
            mark(states, index + 1);
        }
    }
}

fn advance(steps: &[Step], states: &[bool], character: char) -> Vec<bool> {
    let mut next = vec![false; states.len()];
    for (index, step) in steps.iter().enumerate().filter(|(index, _)| states.get(*index) == Some(&true)) {
        match step {
            Step::Any if character != '\n' => mark(&mut next, index),
            Step::One if character != '\n' => mark(&mut next, index + 1),
            Step::Is(expected) if *expected == character => mark(&mut next, index + 1),
            _ => {}
        }
    }
    next
}

fn mark(states: &mut [bool], index: usize) {
    if let Some(state) = states.get_mut(index) {
        *state = true;
    }
}

#[cfg(test)]
mod tests {
    use super::{Anchor, replace, trim};

    #[test]
    fn the_shortest_or_the_longest_prefix_goes() {
        assert_eq!(trim("foobar", "f*o", Anchor::Start, false).unwrap(), "obar");
        assert_eq!(trim("foobar", "f*o", Anchor::Start, true).unwrap(), "bar");
        assert_eq!(trim("foobar", "x", Anchor::Start, true).unwrap(), "foobar");
    }

    #[test]
    fn the_shortest_or_the_longest_suffix_goes() {
        assert_eq!(trim("a.b.c", ".*", Anchor::End, false).unwrap(), "a.b");
        assert_eq!(trim("a.b.c", ".*", Anchor::End, true).unwrap(), "a");
        assert_eq!(trim("a*c", "\\*c", Anchor::End, true).unwrap(), "a");
    }

    #[test]
    fn replacements_take_one_or_all() {
        assert_eq!(replace("xyxy", "y", "a", false).unwrap(), "xaxy");
        assert_eq!(replace("xyxy", "y", "a", true).unwrap(), "xaxa");
        assert_eq!(replace("ab", "", "-", true).unwrap(), "-a-b-");
        assert_eq!(replace("ab", "*", "-", true).unwrap(), "-");
        assert_eq!(replace("a/b", "\\/", "-", true).unwrap(), "a-b");
    }

    #[test]
    fn a_costly_pattern_is_refused() {
        assert!(replace(&"a".repeat(5000), &"*b".repeat(500), "", true).is_err());
    }
}
