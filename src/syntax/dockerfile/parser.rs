//! From lines to instructions (BuildKit: `parser.Parse`).

use super::directive::DirectiveParser;
use super::joined::{Joined, Part};
use super::lines::{Line, Lines, before_continuation};
use super::{Arguments, Directive, DirectiveKind, Heredoc, Instruction, Keyword, Problem};
use super::{arguments, heredoc, split, validate};
use crate::text::Span;

/// The longest line that the builder reads, in bytes with its line break.
const MAX_LINE: usize = 65_535;

pub(super) struct Parser<'a> {
    text: &'a str,
    lines: Lines<'a>,
    directive_parser: DirectiveParser,
    comments: Vec<Span>,
    pub(super) escape: char,
    pub(super) directives: Vec<Directive>,
    pub(super) instructions: Vec<Instruction>,
    pub(super) problems: Vec<Problem>,
}

/// The lines of one instruction, joined.
struct LogicalLine {
    joined: Joined,
    span: Span,
    line_span: Span,
    comments: Vec<Span>,
    inner_comments: Vec<Span>,
    dangling: Option<Span>,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            lines: Lines::new(text),
            directive_parser: DirectiveParser::default(),
            comments: Vec::new(),
            escape: '\\',
            directives: Vec::new(),
            instructions: Vec::new(),
            problems: Vec::new(),
        }
    }

    pub(super) fn run(&mut self) {
        while let Some(line) = self.next_line() {
            if line.is_comment(self.text) {
                self.comment(line);
                continue;
            }
            self.directive_parser.close();
            if line.is_blank(self.text) {
                self.comments.clear();
            } else {
                self.instruction(line);
            }
        }
        if self.instructions.is_empty() {
            self.problem(Span::at(0), "the file holds no instruction");
        }
    }

    fn next_line(&mut self) -> Option<Line> {
        let line = self.lines.next()?;
        if line.span().len() > MAX_LINE {
            self.problem(line.span(), "the line is longer than the builder reads");
        }
        Some(line)
    }

    fn problem(&mut self, span: Span, message: &str) {
        self.problems.push(Problem::new(span, message));
    }

    fn comment(&mut self, line: Line) {
        let content = line.content(self.text).trim_start();
        match self.directive_parser.read(content, line.content_end - content.len(), &self.directives) {
            None => self.comments.push(line.span()),
            Some(Err(problem)) => self.problems.push(problem),
            Some(Ok(directive)) => self.directive(directive),
        }
    }

    fn directive(&mut self, directive: Directive) {
        if directive.kind == DirectiveKind::Escape {
            match directive.value.as_str() {
                "\\" => self.escape = '\\',
                "`" => self.escape = '`',
                _ => self.problem(directive.value_span, "the escape character is neither a backslash nor a backtick"),
            }
        }
        self.directives.push(directive);
    }

    fn instruction(&mut self, first: Line) {
        let line = self.logical_line(first);
        let mut instruction = self.build(&line, line.joined.part().trim(), true);
        self.read_heredocs(&mut instruction, &line.joined);
        self.problems.extend(validate::problems(&instruction, self.text));
        self.instructions.push(instruction);
    }

    /// Joins the lines that belong together; comments and blank lines among them count for nothing.
    fn logical_line(&mut self, first: Line) -> LogicalLine {
        let mut joined = Joined::default();
        let mut inner_comments = Vec::new();
        let mut end = first.trimmed_end(self.text);
        let mut last = first;
        let content = first.content(self.text).trim_start();
        let start = first.content_end - content.len();
        let mut dangling = self.join(&mut joined, content, start);
        while dangling.is_some() {
            let Some(line) = self.next_line() else { break };
            last = line;
            if line.is_blank(self.text) {
                continue;
            }
            end = line.trimmed_end(self.text);
            if line.is_comment(self.text) {
                inner_comments.push(line.span());
            } else {
                dangling = self.join(&mut joined, line.content(self.text), line.start);
            }
        }
        LogicalLine {
            joined,
            span: Span::new(start, end),
            line_span: Span::new(first.start, last.end),
            comments: std::mem::take(&mut self.comments),
            inner_comments,
            dangling,
        }
    }

    /// Adds one line and tells where the escape character stands that carries it on.
    fn join(&self, joined: &mut Joined, content: &str, start: usize) -> Option<Span> {
        let before = before_continuation(content, self.escape);
        joined.push_str(before.unwrap_or(content), start);
        before.map(|before| Span::new(start + before.len(), start + before.len() + self.escape.len_utf8()))
    }

    /// Reads `part` of `line` as an instruction; as a whole one, or as the one that an `ONBUILD` puts off.
    fn build(&self, line: &LogicalLine, part: Part<'_>, whole: bool) -> Instruction {
        let (word, rest) = split::first_word(part);
        let keyword = Keyword::new(word.text());
        let (flags, rest) = split::flags(rest, self.escape);
        let puts_off = whole && keyword == Keyword::Onbuild && !rest.text().is_empty();
        let start = if whole { line.span.start() } else { part.span().start() };
        Instruction {
            span: Span::new(start, line.span.end()),
            line_span: line.line_span,
            comments: if whole { line.comments.clone() } else { Vec::new() },
            inner_comments: if whole { line.inner_comments.clone() } else { Vec::new() },
            keyword,
            keyword_span: if word.text().is_empty() { Span::at(start) } else { word.span() },
            flags,
            arguments: arguments::parse(keyword, rest, self.escape),
            heredocs: Vec::new(),
            onbuild: puts_off.then(|| Box::new(self.build(line, rest, false))),
            dangling: line.dangling,
        }
    }

    /// Reads the bodies that the instruction, or the one it puts off, announces.
    fn read_heredocs(&mut self, instruction: &mut Instruction, line: &Joined) {
        let holder = instruction.onbuild.as_deref().unwrap_or(instruction);
        if !holder.keyword.takes_heredocs() || matches!(holder.arguments, Arguments::Json(_)) {
            return;
        }
        let mut heredocs = heredoc::announced(line);
        for heredoc in &mut heredocs {
            self.read_body(heredoc, instruction);
        }
        let (span, line_span) = (instruction.span, instruction.line_span);
        let holder = match instruction.onbuild.as_deref_mut() {
            Some(inner) => inner,
            None => instruction,
        };
        holder.span = Span::new(holder.span.start(), span.end());
        holder.line_span = line_span;
        holder.heredocs = heredocs;
    }

    fn read_body(&mut self, heredoc: &mut Heredoc, instruction: &mut Instruction) {
        let start = instruction.line_span.end();
        let mut end = start;
        heredoc.body = Span::at(start);
        while let Some(line) = self.next_line() {
            instruction.line_span = instruction.line_span.join(line.span());
            instruction.span = Span::new(instruction.span.start(), line.content_end);
            if ends(heredoc, line.content(self.text)) {
                heredoc.terminator = Some(Span::new(line.start, line.content_end));
                break;
            }
            end = line.end;
        }
        heredoc.body = Span::new(start, end);
    }
}

fn ends(heredoc: &Heredoc, line: &str) -> bool {
    let line = if heredoc.strip_tabs { line.trim_start_matches('\t') } else { line };
    line == heredoc.name
}
