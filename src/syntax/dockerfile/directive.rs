use super::Problem;
use crate::text::Span;

/// A parser directive such as `# syntax=docker/dockerfile:1` (Dockerfile reference: parser directives).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// The comment from its `#` to its last visible character.
    pub span: Span,
    /// Which it is.
    pub kind: DirectiveKind,
    /// Its value.
    pub value: String,
    /// Where its value stands.
    pub value_span: Span,
}

/// What a parser directive sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DirectiveKind {
    /// The frontend that reads the file.
    Syntax,
    /// The escape character.
    Escape,
    /// The checks of the build.
    Check,
}

/// Reads the directives off the comments at the top of a file, until one is none.
#[derive(Debug, Default)]
pub(super) struct DirectiveParser {
    done: bool,
}

impl DirectiveParser {
    /// Ends the search: only what stands before everything else is a directive.
    pub(super) const fn close(&mut self) {
        self.done = true;
    }

    /// The directive in `comment`, a trimmed text that stands at `start` and begins with `#`.
    ///
    /// A second one of the same kind is a problem and has no effect.
    pub(super) fn read(
        &mut self,
        comment: &str,
        start: usize,
        seen: &[Directive],
    ) -> Option<Result<Directive, Problem>> {
        let directive = if self.done { None } else { directive(comment, start) };
        let Some(directive) = directive else {
            self.close();
            return None;
        };
        if seen.iter().any(|known| known.kind == directive.kind) {
            return Some(Err(Problem::new(directive.span, "only one parser directive of a kind is allowed")));
        }
        Some(Ok(directive))
    }
}

/// Whether a line that starts with `line` would be a directive at the top of a file.
pub(super) fn is_directive(line: &str) -> bool {
    directive(line, 0).is_some()
}

fn directive(comment: &str, start: usize) -> Option<Directive> {
    let (name, value) = comment.strip_prefix('#')?.split_once('=')?;
    let kind = kind(name.trim())?;
    let trimmed = value.trim();
    if trimmed.is_empty() {
        return None;
    }
    let value_start = start + comment.len() - value.trim_start().len();
    let value_span = Span::new(value_start, value_start + trimmed.len());
    let span = Span::new(start, start + comment.trim_end().len());
    Some(Directive { span, kind, value: trimmed.to_owned(), value_span })
}

fn kind(name: &str) -> Option<DirectiveKind> {
    match name.to_ascii_lowercase().as_str() {
        "syntax" => Some(DirectiveKind::Syntax),
        "escape" => Some(DirectiveKind::Escape),
        "check" => Some(DirectiveKind::Check),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{DirectiveKind, directive};

    #[test]
    fn blanks_and_case_do_not_matter() {
        let read = directive("#  SynTax =  a/b:1  ", 5).unwrap();
        assert_eq!((read.kind, read.value.as_str()), (DirectiveKind::Syntax, "a/b:1"));
        assert_eq!((read.value_span.start(), read.value_span.len()), (18, 5));
    }

    #[test]
    fn other_comments_are_no_directives() {
        for comment in ["# syntax", "# syntax=", "# unknown=1", "# my syntax=1", "#"] {
            assert_eq!(directive(comment, 0), None, "{comment}");
        }
    }
}
