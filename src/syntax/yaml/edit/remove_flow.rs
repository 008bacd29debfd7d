use super::children::Child;
use super::lines;
use super::remove_block::first_own_comment;
use crate::syntax::yaml::Tree;
use crate::text::{Span, TextEdit, TextEditBuilder};

/// The edit that takes the children away whose place in `goes` is true; `brackets` is the whole collection.
pub(super) fn edit(tree: &Tree, brackets: Span, children: &[Child], goes: &[bool]) -> Option<TextEdit> {
    if goes.iter().all(|goes| *goes) {
        let inner = Span::new(brackets.start() + 1, brackets.end().checked_sub(1)?);
        return Some(TextEdit::delete(inner));
    }
    let mut builder = TextEdit::builder();
    let mut place = 0;
    while place < children.len() {
        let length = goes.iter().skip(place).take_while(|goes| **goes).count();
        if length > 0 {
            let last = place + length - 1;
            let previous = place.checked_sub(1).and_then(|previous| children.get(previous));
            let run = Run {
                tree,
                previous: previous.map(|previous| Item::of(tree, previous, brackets)),
                first: children.get(place)?,
                last: Item::of(tree, children.get(last)?, brackets),
                next: children.get(last + 1),
            };
            run.remove(&mut builder);
        }
        place += length.max(1);
    }
    builder.finish().ok()
}

/// A child and the comma behind it.
#[derive(Clone, Copy)]
pub(super) struct Item<'child> {
    pub(super) child: &'child Child,
    pub(super) comma: Option<usize>,
}

impl<'child> Item<'child> {
    pub(super) fn of(tree: &Tree, child: &'child Child, brackets: Span) -> Self {
        let (mut at, text) = (child.end, tree.text());
        while at < brackets.end() {
            let rest = text.get(at..).unwrap_or_default();
            match rest.bytes().next() {
                Some(b',') => return Self { child, comma: Some(at) },
                Some(b' ' | b'\t' | b'\r' | b'\n') => at += 1,
                Some(b'#') => at = lines::line_end(text, at),
                _ => break,
            }
        }
        Self { child, comma: None }
    }

    /// Behind the comma, or behind the child where it has none.
    pub(super) fn end(&self) -> usize {
        self.comma.map_or(self.child.end, |comma| comma + 1)
    }

    /// Behind the comment of the child, where one follows on the line.
    pub(super) fn end_with_comment(&self, tree: &Tree) -> usize {
        let end = self.end();
        let line_end = lines::line_end(tree.text(), end);
        let comments = tree.comments();
        let next = comments.get(comments.partition_point(|comment| comment.span.start() < end));
        let own = next.filter(|next| next.owner == Some(self.child.id) && next.span.end() <= line_end);
        own.map_or(end, |comment| comment.span.end())
    }
}

/// Neighbours that go together, and the two around them that stay.
struct Run<'tree> {
    tree: &'tree Tree,
    previous: Option<Item<'tree>>,
    first: &'tree Child,
    last: Item<'tree>,
    next: Option<&'tree Child>,
}

impl Run<'_> {
    fn remove(&self, builder: &mut TextEditBuilder) {
        let text = self.tree.text();
        let start = self.first.head;
        if let Some(whole_lines) = self.whole_lines() {
            builder.delete(whole_lines);
            return self.remove_comma_before(builder);
        }
        match (self.previous, self.next) {
            (None, Some(next)) if self.is_free_until(next.head) => builder.delete(Span::new(start, next.head)),
            (_, Some(next)) if lines::line_start(text, next.head) <= start => {
                builder.delete(Span::new(start, next.head));
            }
            (Some(previous), Some(_)) if self.is_on_line_of(previous.end()) => {
                builder.delete(Span::new(previous.end(), self.end_with_comment()));
            }
            (_, Some(_)) => builder.delete(Span::new(start, self.end_with_comment())),
            (Some(previous), None) if self.is_on_line_of(previous.child.end) => {
                builder.delete(Span::new(previous.child.end, self.last.child.end));
            }
            (_, None) => {
                builder.delete(Span::new(start, self.last.end()));
                self.remove_comma_before(builder);
            }
        }
    }

    /// A collection that had no comma at its end has none then.
    fn remove_comma_before(&self, builder: &mut TextEditBuilder) {
        if self.next.is_none()
            && self.last.comma.is_none()
            && let Some(comma) = self.previous.and_then(|previous| previous.comma)
        {
            builder.delete(Span::new(comma, comma + 1));
        }
    }

    /// All lines of the run with its own comments, where nothing else stands on them.
    fn whole_lines(&self) -> Option<Span> {
        let text = self.tree.text();
        let start = first_own_comment(self.tree, self.first.id, self.first.head).unwrap_or(self.first.head);
        let end = self.end_with_comment();
        let rest = text.get(end..lines::line_end(text, end))?;
        let is_alone = lines::is_blank(lines::prefix(text, start)) && lines::is_blank(rest) && rest.ends_with('\n');
        let region = Span::new(lines::line_start(text, start), lines::line_end(text, end));
        let before = self.previous.map(|previous| previous.end_with_comment(self.tree));
        is_alone.then(|| lines::with_separator(text, region, before, self.next.is_some()))
    }

    /// Behind the last child, its comma, and the comment on its line.
    fn end_with_comment(&self) -> usize {
        self.last.end_with_comment(self.tree)
    }

    fn is_on_line_of(&self, at: usize) -> bool {
        lines::line_start(self.tree.text(), self.first.head) <= at
    }

    /// Whether there is nothing but white space between the run and `at`.
    fn is_free_until(&self, at: usize) -> bool {
        lines::is_blank(self.tree.text().get(self.end_with_comment()..at).unwrap_or("-"))
    }
}
