//! The lines in which two texts differ.

use std::time::Duration;

use similar::TextDiff;

/// Unchanged lines around a change.
const CONTEXT: usize = 3;

/// Lines that are shown at most.
const MOST_LINES: usize = 40;

/// Characters of a line that are shown at most.
const MOST_CHARACTERS: usize = 200;

/// Characters that are shown of what two long lines have in common before they differ.
const LEAD: usize = 60;

/// How long the shortest diff is looked for; after that, a longer one is taken.
const PATIENCE: Duration = Duration::from_millis(500);

/// Both texts as a unified diff without a heading, cut to what a person reads; its last line says how many lines are left out.
pub(super) fn diff(before: &str, after: &str) -> String {
    let (old, new): (Vec<_>, Vec<_>) = (before.split_inclusive('\n').collect(), after.split_inclusive('\n').collect());
    let mut settings = TextDiff::configure();
    settings.timeout(PATIENCE).newline_terminated(true);
    let whole = settings.diff_slices(&old, &new).unified_diff().context_radius(CONTEXT).to_string();
    let lines: Vec<&str> = whole.split_terminator('\n').collect();
    let cut = |at| readable(lines.get(at).copied().unwrap_or_default(), unchanged_start(&lines, at)) + "\n";
    let mut shown: String = (0..lines.len().min(MOST_LINES)).map(cut).collect();
    match lines.len().saturating_sub(MOST_LINES) {
        0 => {}
        1 => shown.push_str("… 1 more line\n"),
        more => shown.push_str(&format!("… {more} more lines\n")),
    }
    shown
}

/// How many characters a long line of a diff may lose at its start, so that the reader sees where it begins to differ from the line
/// that it becomes: a bundle of scripts is one line.
fn unchanged_start(lines: &[&str], at: usize) -> usize {
    let line = |at: Option<usize>| at.and_then(|at| lines.get(at)).copied().unwrap_or_default();
    let (old, new) = match line(Some(at)).chars().next() {
        Some('-') => (line(Some(at)), line(at.checked_add(1))),
        Some('+') => (line(at.checked_sub(1)), line(Some(at))),
        _ => return 0,
    };
    let pair = old.strip_prefix('-').zip(new.strip_prefix('+'));
    let same = pair.map_or(0, |(old, new)| old.chars().zip(new.chars()).take_while(|(old, new)| old == new).count());
    if same < MOST_CHARACTERS - LEAD { 0 } else { same - LEAD }
}

/// A line without what a terminal would take for a command, and no longer than a person reads.
fn readable(line: &str, skipped: usize) -> String {
    let (mark, line) = line.split_at_checked(1).unwrap_or(("", line));
    let mut readable = mark.to_owned();
    if skipped > 0 {
        readable.push('…');
    }
    let mut characters = line.chars().skip(skipped);
    for character in characters.by_ref().take(MOST_CHARACTERS) {
        if character.is_control() && character != '\t' {
            readable.extend(character.escape_default());
        } else {
            readable.push(character);
        }
    }
    if characters.next().is_some() {
        readable.push('…');
    }
    readable
}

#[cfg(test)]
mod tests {
    use super::diff;

    #[test]
    fn a_change_stands_among_its_neighbours() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let expected = "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n";
        assert_eq!(diff(before, &before.replace('5', "five")), expected);
    }

    #[test]
    fn ends_of_lines_and_control_characters_are_seen() {
        assert_eq!(
            diff("a\r\nb\u{1b}[31m\n", "a\nb"),
            "@@ -1,2 +1,2 @@\n-a\\r\n-b\\u{1b}[31m\n+a\n+b\n\\ No newline at end of file\n"
        );
        assert!(diff("", "\u{2028}é\n").contains("+\u{2028}é\n"));
    }

    #[test]
    fn long_diffs_and_long_lines_are_cut() {
        let lines = |word: &str| (0..100).map(|at| format!("{word}{at}\n")).collect::<String>();
        let shown = diff(&lines("a"), &lines("b"));
        assert_eq!(shown.lines().count(), 41);
        assert!(shown.ends_with("\n… 161 more lines\n"), "{shown}");
        let long = diff(&"ä".repeat(5000), "");
        assert_eq!(long.lines().nth(1), Some(format!("-{}…", "ä".repeat(200)).as_str()));
        let bundle = |end: &str| "ä".repeat(5000) + end;
        let same = "ä".repeat(60);
        let expected = format!("@@ -1 +1 @@\n-…{same}one\n+…{same}two\n");
        assert_eq!(diff(&bundle("one\n"), &bundle("two\n")), expected);
    }

    #[test]
    fn texts_that_have_nothing_in_common_take_no_time() {
        let lines =
            |seed: u64| (0..60_000_u64).map(|at| format!("{}\n", (at * 7919 + seed) % 60_013)).collect::<String>();
        let start = std::time::Instant::now();
        assert!(!diff(&lines(1), &lines(30_000)).is_empty());
        assert!(start.elapsed().as_secs() < 20);
    }
}
