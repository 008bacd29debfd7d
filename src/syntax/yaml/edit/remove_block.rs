use super::children::Child;
use super::lines;
use crate::syntax::yaml::{NodeId, Tree};
use crate::text::{Span, TextEdit};

/// The edits that could take the children away whose place in `goes` is true, best first; `None` where none of
/// the children would be left, or where they do not stand on lines of their own.
pub(super) fn candidates(tree: &Tree, children: &[Child], goes: &[bool]) -> Option<Vec<TextEdit>> {
    let text = tree.text();
    if goes.iter().all(|goes| *goes) {
        return None;
    }
    let first = children.first()?;
    let is_compact = !lines::is_blank(lines::prefix(text, first.head));
    let regions = regions(tree, children, goes);
    let spans = |widened: &dyn Fn(&Region) -> Span| {
        let span = |region: &Region| match region.head == first.head && is_compact {
            true => Span::new(first.head, next_content(text, region.lines.end())),
            false => widened(region),
        };
        regions.iter().map(span).collect::<Vec<Span>>()
    };
    // A block scalar before the region that keeps its blank lines must not win those behind it.
    let behind = spans(&|region| region.lines.join(lines::blank_after(text, region.lines.end())));
    let tidy = spans(&|region| lines::with_separator(text, region.lines, region.before, region.has_after));
    Some([edits(text, &tidy), edits(text, &behind)].concat())
}

/// Lines that go as one.
struct Region {
    lines: Span,
    /// Where the first child in them begins.
    head: usize,
    /// The end of the child before them that stays.
    before: Option<usize>,
    /// Whether a child behind them stays.
    has_after: bool,
}

/// The lines of the children that go; neighbours with nothing but blank lines between them are one region.
fn regions(tree: &Tree, children: &[Child], goes: &[bool]) -> Vec<Region> {
    let last_to_stay = goes.iter().rposition(|goes| !goes);
    let mut regions: Vec<Region> = Vec::new();
    let mut before = None;
    for (place, (child, goes)) in children.iter().zip(goes).enumerate() {
        if !goes {
            before = Some(child.end);
            continue;
        }
        let lines = own_lines(tree, child);
        match regions.last_mut() {
            Some(last) if lines::blank_after(tree.text(), last.lines.end()).end() >= lines.start() => {
                last.lines = last.lines.join(lines);
            }
            _ => {
                let has_after = last_to_stay.is_some_and(|last| last > place);
                regions.push(Region { lines, head: child.head, before, has_after });
            }
        }
    }
    regions
}

/// The lines of a child and its own comments.
pub(super) fn own_lines(tree: &Tree, child: &Child) -> Span {
    let text = tree.text();
    let start = lines::line_start(text, first_own_comment(tree, child.id, child.head).unwrap_or(child.head));
    let last_byte = if child.end > child.head { child.end - 1 } else { child.end };
    let end = lines::line_end(text, last_byte);
    Span::new(start, deeper_comments(text, end, lines::prefix(text, child.head).len()))
}

/// Where the comment block above a child begins.
pub(super) fn first_own_comment(tree: &Tree, owner: NodeId, head: usize) -> Option<usize> {
    let comments = tree.comments();
    let above = comments.get(..comments.partition_point(|comment| comment.span.start() < head))?;
    let is_above = |at: usize| lines::is_blank(lines::prefix(tree.text(), at));
    let own = above.iter().rev().take_while(|comment| comment.owner == Some(owner) && is_above(comment.span.start()));
    own.last().map(|comment| comment.span.start())
}

/// The end of the comments from the line start `end` on that are indented by more than `column`.
fn deeper_comments(text: &str, mut end: usize, column: usize) -> usize {
    let mut at = end;
    while at < text.len() {
        let line_end = lines::line_end(text, at);
        let line = text.get(at..line_end).unwrap_or_default();
        let content = line.trim_start_matches([' ', '\t']);
        if content.starts_with('#') && line.len() - content.len() > column {
            end = line_end;
        } else if !lines::is_blank(line) {
            break;
        }
        at = line_end;
    }
    end
}

/// The first character that is no white space from `at` on.
fn next_content(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    text.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len()
}

/// A file that ends without a line break keeps that end where its values allow.
fn edits(text: &str, spans: &[Span]) -> Vec<TextEdit> {
    let whole: Option<TextEdit> = delete(spans);
    let open_end = spans.last().filter(|last| last.end() == text.len() && !text.ends_with('\n'));
    let trimmed = open_end.and_then(|last| {
        let mut spans = spans.to_vec();
        spans.pop();
        spans.push(Span::new(lines::before_line_break(text, last.start()), last.end()));
        delete(&spans)
    });
    trimmed.into_iter().chain(whole).collect()
}

fn delete(spans: &[Span]) -> Option<TextEdit> {
    let mut builder = TextEdit::builder();
    for span in spans {
        builder.delete(*span);
    }
    builder.finish().ok()
}
