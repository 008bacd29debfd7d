use super::Decoded;
use crate::syntax::yaml::node::{Node, ScalarStyle};
use crate::text::Span;

/// What becomes of the line breaks at the end of a block scalar. YAML 1.2, 8.1.1.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Chomping {
    /// `-`: none stays.
    Strip,
    /// The first one stays.
    Clip,
    /// `+`: all stay.
    Keep,
}

/// One line of a block scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct BlockLine {
    /// The whole line with its line break.
    pub(in super::super) span: Span,
    /// What is left without indentation and line break; empty for a blank line.
    pub(in super::super) content: Span,
}

/// A block scalar by its lines; blank lines at its end that are no content are not among them.
#[derive(Clone, Debug)]
pub(in super::super) struct BlockScalar {
    /// `|` or `>` with its indicators.
    pub(in super::super) header: Span,
    pub(in super::super) lines: Vec<BlockLine>,
    /// The white space in front of each line of content; `usize::MAX` where there is none.
    pub(in super::super) indentation: usize,
    pub(in super::super) chomping: Chomping,
    /// The digit by which the header tells the indentation.
    pub(in super::super) told: Option<u8>,
}

/// Where a block scalar ends: behind the last line break of its content, which for `+` includes the blank lines.
/// `node` is not placed yet, its span is the parser's: from the first content to the next token, over blank
/// lines that are no content.
pub(in super::super) fn block_end(text: &str, header: Span, node: &Node) -> usize {
    let scalar = BlockScalar::read(text, header, node.span.end(), node.indentation);
    scalar.lines.last().map_or_else(|| header_line_end(text, header), |line| line.span.end())
}

impl BlockScalar {
    /// The lines of a placed node.
    pub(in super::super) fn of(text: &str, node: &Node) -> Self {
        let is_header = |byte: &u8| matches!(byte, b'|' | b'>' | b'0'..=b'9' | b'+' | b'-');
        let length = node.span.slice(text).bytes().take_while(is_header).count();
        let header = Span::new(node.span.start(), node.span.start() + length);
        Self::read(text, header, node.span.end(), node.indentation)
    }

    fn read(text: &str, header: Span, end: usize, indentation: usize) -> Self {
        let indicators = header.slice(text);
        let chomping = match indicators {
            _ if indicators.contains('-') => Chomping::Strip,
            _ if indicators.contains('+') => Chomping::Keep,
            _ => Chomping::Clip,
        };
        let start = header_line_end(text, header);
        let raw = lines(text, Span::new(start.min(end), end));
        let mut lines: Vec<BlockLine> = raw.into_iter().map(|span| block_line(text, span, indentation)).collect();
        let is_dropped = |line: &BlockLine| {
            line.content.is_empty() && (chomping != Chomping::Keep || line.content.end() == line.span.end())
        };
        while lines.last().is_some_and(is_dropped) {
            lines.pop();
        }
        let told = indicators.bytes().find(u8::is_ascii_digit);
        Self { header, lines, indentation, chomping, told }
    }

    /// Behind the line of the header.
    pub(in super::super) fn header_end(&self, text: &str) -> usize {
        header_line_end(text, self.header)
    }
}

/// Reads a block scalar. YAML 1.2, 8.1.
pub(super) fn decode(text: &str, node: &Node) -> Option<Decoded> {
    let scalar = BlockScalar::of(text, node);
    let folded = node.scalar_style() == Some(ScalarStyle::Folded);
    let mut decoded = Decoded::default();
    let mut previous: Option<(BlockLine, usize)> = None;
    for (index, line) in scalar.lines.iter().enumerate().filter(|(_, line)| !line.content.is_empty()) {
        let breaks = scalar.lines.get(previous.map_or(0, |(_, at)| at)..index)?;
        match previous {
            Some((before, _)) if folded => fold(&mut decoded, text, breaks, before, *line),
            _ => breaks.iter().zip(scalar.lines.iter().skip(index - breaks.len() + 1)).for_each(|(line, next)| {
                decoded.piece("\n", Span::new(line.content.end(), next.content.start()), false);
            }),
        }
        decoded.verbatim(line.content, text);
        previous = Some((*line, index));
    }
    let rest = scalar.lines.get(previous.map_or(0, |(_, at)| at)..)?;
    let kept = if scalar.chomping == Chomping::Strip { 0 } else { rest.len() };
    for line in rest.iter().take(kept).filter(|line| line.content.end() < line.span.end()) {
        decoded.piece("\n", Span::new(line.content.end(), line.span.end()), false);
    }
    Some(decoded)
}

/// Folds the breaks between two lines of content: `breaks` are the line `before` and the blank lines after it.
fn fold(decoded: &mut Decoded, text: &str, breaks: &[BlockLine], before: BlockLine, after: BlockLine) {
    let is_deeper = |line: BlockLine| line.content.slice(text).starts_with([' ', '\t']);
    let source = Span::new(before.content.end(), after.content.start());
    let count = breaks.len();
    if is_deeper(before) || is_deeper(after) {
        decoded.piece(&"\n".repeat(count), source, false);
    } else if count == 1 {
        decoded.piece(" ", source, false);
    } else {
        decoded.piece(&"\n".repeat(count - 1), source, false);
    }
}

/// Behind the line break of the line on which a header stands.
fn header_line_end(text: &str, header: Span) -> usize {
    let rest = text.get(header.end()..).unwrap_or_default();
    let line = rest.find(['\n', '\r']).unwrap_or(rest.len());
    header.end() + line + line_break_length(rest.get(line..).unwrap_or_default())
}

/// The lines of a span, each with its line break: `\n`, `\r\n` or a lone `\r`.
fn lines(text: &str, span: Span) -> Vec<Span> {
    let mut lines = Vec::new();
    let mut start = span.start();
    while start < span.end() {
        let rest = text.get(start..span.end()).unwrap_or_default();
        let content = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let end = content + line_break_length(rest.get(content..).unwrap_or_default());
        lines.push(Span::new(start, start + end.max(1)));
        start += end.max(1);
    }
    lines
}

fn line_break_length(text: &str) -> usize {
    match text.as_bytes() {
        [b'\r', b'\n', ..] => 2,
        [b'\r' | b'\n', ..] => 1,
        _ => 0,
    }
}

fn block_line(text: &str, span: Span, indentation: usize) -> BlockLine {
    let line = span.slice(text).trim_end_matches(['\r', '\n']);
    let spaces = line.bytes().take_while(|byte| *byte == b' ').take(indentation).count();
    let content = Span::new(span.start() + spaces, span.start() + line.len());
    BlockLine { span, content }
}
