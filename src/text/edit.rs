use std::fmt;

use super::Span;

/// New text for the bytes of a span: an insertion where the span is empty, a deletion where the text is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Replacement {
    /// The bytes of the original text that go.
    pub span: Span,
    /// What stands there instead.
    pub text: String,
}

/// Replacements in one text, sorted and disjoint; all spans speak of the text before any of them is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextEdit {
    replacements: Vec<Replacement>,
}

/// Two replacements that cannot both be made, told by their spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overlap {
    /// The one that stands first in the text.
    pub first: Span,
    /// The one that reaches into it.
    pub second: Span,
}

impl TextEdit {
    /// An edit that changes nothing.
    #[must_use]
    pub const fn none() -> Self {
        Self { replacements: Vec::new() }
    }

    /// Puts `text` in the place of `span`.
    #[must_use]
    pub fn replace(span: Span, text: impl Into<String>) -> Self {
        Self { replacements: vec![Replacement { span, text: text.into() }] }
    }

    /// Makes `after` of `before` in one piece: what stands between the first byte and the last that differ.
    #[must_use]
    pub fn between(before: &str, after: &str) -> Self {
        let is_start = |at: &usize| before.is_char_boundary(*at) && after.is_char_boundary(*at);
        let same = before.bytes().zip(after.bytes()).take_while(|(one, other)| one == other).count();
        let start = (0..=same).rev().find(is_start).unwrap_or_default();
        let (old, new) = (before.get(start..).unwrap_or_default(), after.get(start..).unwrap_or_default());
        let same = old.bytes().rev().zip(new.bytes().rev()).take_while(|(one, other)| one == other).count();
        let is_end =
            |length: &usize| old.is_char_boundary(old.len() - length) && new.is_char_boundary(new.len() - length);
        let end = (0..=same).rev().find(is_end).unwrap_or_default();
        let written = new.get(..new.len() - end).unwrap_or_default();
        Self::replace(Span::new(start, before.len() - end), written)
    }

    /// Puts `text` before the byte at `offset`.
    #[must_use]
    pub fn insert(offset: usize, text: impl Into<String>) -> Self {
        Self::replace(Span::at(offset), text)
    }

    /// Takes the bytes of `span` away.
    #[must_use]
    pub fn delete(span: Span) -> Self {
        Self::replace(span, "")
    }

    /// Collects several replacements in any order.
    #[must_use]
    pub fn builder() -> TextEditBuilder {
        TextEditBuilder::default()
    }

    /// The replacements, in the order of the text.
    #[must_use]
    pub fn replacements(&self) -> &[Replacement] {
        &self.replacements
    }

    /// Whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.replacements.is_empty()
    }

    /// Takes in all replacements of `other`. One that both hold, letter for letter, counts once, insertions too.
    ///
    /// # Errors
    /// Where two replacements conflict; `self` is then what it was.
    pub fn union(&mut self, other: Self) -> Result<(), Overlap> {
        let mut builder = TextEditBuilder { replacements: self.replacements.clone() };
        builder.replacements.extend(other.replacements);
        *self = builder.finish()?;
        Ok(())
    }

    /// The text with every replacement made; `None` where one lies outside `text` or cuts a character in two.
    #[must_use]
    pub fn apply(&self, text: &str) -> Option<String> {
        let mut result = String::with_capacity(text.len());
        let mut done = 0;
        for Replacement { span, text: new } in &self.replacements {
            result.push_str(text.get(done..span.start())?);
            result.push_str(new);
            done = span.end();
        }
        result.push_str(text.get(done..)?);
        Some(result)
    }
}

/// Collects replacements; [`TextEditBuilder::finish`] sorts them and refuses those that conflict.
#[derive(Clone, Debug, Default)]
pub struct TextEditBuilder {
    replacements: Vec<Replacement>,
}

impl TextEditBuilder {
    /// Puts `text` in the place of `span`.
    pub fn replace(&mut self, span: Span, text: impl Into<String>) {
        self.replacements.push(Replacement { span, text: text.into() });
    }

    /// Puts `text` before the byte at `offset`.
    pub fn insert(&mut self, offset: usize, text: impl Into<String>) {
        self.replace(Span::at(offset), text);
    }

    /// Takes the bytes of `span` away.
    pub fn delete(&mut self, span: Span) {
        self.replace(span, "");
    }

    /// Takes in every replacement of `edit`.
    pub fn extend(&mut self, edit: TextEdit) {
        self.replacements.extend(edit.replacements);
    }

    /// The edit of all that was collected; what was collected twice, letter for letter, counts once.
    ///
    /// # Errors
    /// Where two replacements conflict.
    pub fn finish(mut self) -> Result<TextEdit, Overlap> {
        self.replacements.sort();
        self.replacements.dedup();
        for (first, second) in self.replacements.iter().zip(self.replacements.iter().skip(1)) {
            if first.span.conflicts_with(second.span) {
                return Err(Overlap { first: first.span, second: second.span });
            }
        }
        Ok(TextEdit { replacements: self.replacements })
    }
}

impl fmt::Display for Overlap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "two edits meet: bytes {:?} and {:?}", self.first, self.second)
    }
}

impl std::error::Error for Overlap {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Replacement, Span, TextEdit};

    fn edit(replacements: &[(usize, usize, &str)]) -> TextEdit {
        let mut builder = TextEdit::builder();
        for (start, end, text) in replacements {
            builder.replace(Span::new(*start, *end), *text);
        }
        builder.finish().unwrap()
    }

    #[test]
    fn applies_in_the_order_of_the_text() {
        let edit = edit(&[(4, 7, "2"), (0, 3, "1"), (8, 8, "and ")]);
        assert_eq!(edit.apply("one two three").unwrap(), "1 2 and three");
    }

    #[test]
    fn union_keeps_one_of_identical_replacements() {
        let mut left = edit(&[(0, 3, "1")]);
        left.union(edit(&[(0, 3, "1"), (4, 7, "")])).unwrap();
        assert_eq!(left.replacements().len(), 2);
    }

    #[test]
    fn union_refuses_an_overlap_and_stays_what_it_was() {
        let mut left = edit(&[(7, 11, "")]);
        let before = left.clone();
        assert!(left.union(edit(&[(9, 13, "")])).is_err());
        assert!(left.union(edit(&[(9, 9, "x")])).is_err());
        assert_eq!(left, before);
    }

    #[test]
    fn an_edit_that_does_not_fit_is_not_applied() {
        assert_eq!(TextEdit::delete(Span::new(1, 9)).apply("short"), None);
        assert_eq!(TextEdit::delete(Span::new(0, 1)).apply("é"), None);
    }

    prop_compose! {
        fn any_replacement()(start in 0usize..40, length in 0usize..6, text in "[a-z]{0,4}") -> Replacement {
            Replacement { span: Span::new(start, start + length), text }
        }
    }

    /// The slow and plain way: splice from the back to the front.
    fn splice(text: &str, replacements: &[Replacement]) -> String {
        let mut text = text.to_owned();
        let mut sorted = replacements.to_vec();
        sorted.sort();
        sorted.dedup();
        for Replacement { span, text: new } in sorted.iter().rev() {
            text.replace_range(span.start()..span.end(), new);
        }
        text
    }

    fn share_a_place(left: &Replacement, right: &Replacement) -> bool {
        let (a, b) = (left.span, right.span);
        let bytes = (a.start()..a.end()).any(|byte| b.contains(byte));
        let inside =
            |point: Span, range: Span| point.is_empty() && range.start() < point.start() && point.start() < range.end();
        bytes || inside(a, b) || inside(b, a) || (a.is_empty() && a == b)
    }

    proptest! {
        #[test]
        fn applying_equals_the_naive_splice(text in "[A-Z]{46}", all in prop::collection::vec(any_replacement(), 0..6)) {
            let mut builder = TextEdit::builder();
            for replacement in &all {
                builder.replace(replacement.span, replacement.text.clone());
            }
            if let Ok(edit) = builder.finish() {
                prop_assert_eq!(edit.apply(&text).unwrap(), splice(&text, &all));
            }
        }

        #[test]
        fn union_refuses_every_overlap_and_nothing_else(left in any_replacement(), right in any_replacement()) {
            let mut edit = TextEdit::replace(left.span, left.text.clone());
            let joined = edit.union(TextEdit::replace(right.span, right.text.clone()));
            prop_assert_eq!(joined.is_err(), left != right && share_a_place(&left, &right));
        }

        #[test]
        fn union_does_not_depend_on_the_side(left in any_replacement(), right in any_replacement(), text in "[A-Z]{46}") {
            let one = TextEdit::replace(left.span, left.text);
            let other = TextEdit::replace(right.span, right.text);
            let (mut forth, mut back) = (one.clone(), other.clone());
            prop_assert_eq!(forth.union(other).is_ok(), back.union(one).is_ok());
            if forth.replacements().len() == back.replacements().len() {
                prop_assert_eq!(forth.apply(&text).is_some(), back.apply(&text).is_some());
            }
        }
    }
}
