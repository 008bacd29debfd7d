use crate::text::Span;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// The first byte of the line of `at`, behind a byte order mark.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or_default();
    before
        .rfind(['\n', BYTE_ORDER_MARK])
        .map_or(0, |found| found + before.get(found..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8))
}

/// Behind the line break of the line of `at`, or the end of the text; `at` may lie within a character.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    rest.iter().position(|byte| *byte == b'\n').map_or(text.len(), |found| at + found + 1)
}

/// What stands before `at` on its line.
pub(super) fn prefix(text: &str, at: usize) -> &str {
    text.get(line_start(text, at)..at).unwrap_or_default()
}

/// Whether there is nothing but white space in it.
pub(super) fn is_blank(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
}

/// The blank lines just before the line that starts at `start`, none of them before `floor`.
pub(super) fn blank_before(text: &str, start: usize, floor: usize) -> Span {
    let mut first = start;
    while first > floor {
        let line = line_start(text, first - 1);
        if line < floor || !is_blank(text.get(line..first).unwrap_or("-")) {
            break;
        }
        first = line;
    }
    Span::new(first, start)
}

/// The blank lines from the line start `start` on.
pub(super) fn blank_after(text: &str, start: usize) -> Span {
    let mut last = start;
    while last < text.len() {
        let end = line_end(text, last);
        if !is_blank(text.get(last..end).unwrap_or("-")) {
            break;
        }
        last = end;
    }
    Span::new(start, last)
}

/// The place before the line break that ends just before `at`.
pub(super) fn before_line_break(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or_default();
    let stripped = before.strip_suffix("\r\n").or_else(|| before.strip_suffix('\n'));
    stripped.map_or(at, str::len)
}

/// The lines that go and the blank lines around them that would be one separator too many: those behind the first
/// child, those before the last one, and between two that stay the smaller of the two separators.
///
/// `before` is the end of the child before them that stays, `has_after` says whether one behind them does.
pub(super) fn with_separator(text: &str, region: Span, before: Option<usize>, has_after: bool) -> Span {
    let blank_before = blank_before(text, region.start(), before.unwrap_or(region.start()));
    let blank_after = blank_after(text, region.end());
    match before {
        _ if !has_after => blank_before.join(region),
        None => region.join(blank_after),
        _ if blank_before.is_empty() || blank_after.is_empty() => region,
        _ if blank_before.len() <= blank_after.len() => blank_before.join(region),
        _ => region.join(blank_after),
    }
}
