use std::fmt;

/// A half-open range of bytes, `start..end`, in one text.
///
/// `start` never exceeds `end`. A span says nothing of the text it belongs to; whoever hands one on
/// says which file is meant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    start: usize,
    end: usize,
}

impl Span {
    /// The span from `start` to `end`, in bytes; the two are swapped where they are the wrong way round.
    #[must_use]
    pub const fn new(start: usize, end: usize) -> Self {
        if start <= end { Self { start, end } } else { Self { start: end, end: start } }
    }

    /// The empty span at `offset`: a place to insert.
    #[must_use]
    pub const fn at(offset: usize) -> Self {
        Self { start: offset, end: offset }
    }

    /// The first byte.
    #[must_use]
    pub const fn start(self) -> usize {
        self.start
    }

    /// The first byte that no longer belongs to the span.
    #[must_use]
    pub const fn end(self) -> usize {
        self.end
    }

    /// The number of bytes.
    #[must_use]
    pub const fn len(self) -> usize {
        self.end - self.start
    }

    /// Whether there are no bytes in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// Whether the byte at `offset` belongs to it.
    #[must_use]
    pub const fn contains(self, offset: usize) -> bool {
        self.start <= offset && offset < self.end
    }

    /// Whether all of `other` lies within it.
    #[must_use]
    pub const fn covers(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// Whether a replacement of `self` and one of `other` cannot both be made: they share a byte, one is
    /// an insertion strictly inside the other, or both insert at the same place, which leaves their order open.
    #[must_use]
    pub const fn conflicts_with(self, other: Self) -> bool {
        if self.is_empty() && other.is_empty() {
            return self.start == other.start;
        }
        self.start < other.end && other.start < self.end
    }

    /// The smallest span that covers both.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The same span, `offset` bytes further on.
    #[must_use]
    pub const fn shifted(self, offset: usize) -> Self {
        Self { start: self.start + offset, end: self.end + offset }
    }

    /// The bytes it names in `text`; empty where it does not fit that text.
    #[must_use]
    pub fn slice(self, text: &str) -> &str {
        text.get(self.start..self.end).unwrap_or_default()
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

#[cfg(test)]
mod tests {
    use super::Span;

    #[test]
    fn neighbours_do_not_conflict_and_shared_bytes_do() {
        assert!(!Span::new(0, 3).conflicts_with(Span::new(3, 5)));
        assert!(!Span::at(3).conflicts_with(Span::new(3, 5)));
        assert!(!Span::at(5).conflicts_with(Span::new(3, 5)));
        assert!(Span::at(4).conflicts_with(Span::new(3, 5)));
        assert!(Span::at(4).conflicts_with(Span::at(4)));
        assert!(Span::new(0, 4).conflicts_with(Span::new(3, 5)));
    }

    #[test]
    fn a_span_that_does_not_fit_its_text_is_empty() {
        assert_eq!(Span::new(1, 9).slice("short"), "");
        assert_eq!(Span::new(1, 2).slice("é"), "");
    }
}
