use crate::syntax::dockerfile::directive::is_directive;
use crate::syntax::dockerfile::lines::{Line, Lines, line_break};
use crate::syntax::dockerfile::{Dockerfile, Instruction};
use crate::text::{Span, TextEdit, TextEditBuilder};

impl Dockerfile {
    /// The line break that the file uses: that of its first line.
    #[must_use]
    pub fn line_break(&self) -> &'static str {
        line_break(&self.text)
    }

    /// The instructions of `text` with their keywords in the case of most of the file's: BuildKit warns of all others
    /// (build checks, `ConsistentInstructionCasing` and `FromAsCasing`).
    #[must_use]
    pub fn in_its_case(&self, text: &str) -> String {
        let keywords =
            || self.instructions.iter().map(|instruction| instruction.keyword_span.slice(&self.text).bytes());
        let in_small_letters =
            keywords().filter(|keyword| keyword.clone().all(|byte| !byte.is_ascii_uppercase())).count();
        let in_capitals = keywords().filter(|keyword| keyword.clone().all(|byte| !byte.is_ascii_lowercase())).count();
        if in_small_letters <= in_capitals {
            return text.to_owned();
        }
        let written = Self::parse(text);
        let mut edit = TextEdit::builder();
        for instruction in &written.instructions {
            let view = instruction.from();
            let name = view.as_ref().and_then(|view| Some(Span::new(view.image.span.end(), view.name?.span.start())));
            for span in [Some(instruction.keyword_span), name].into_iter().flatten() {
                edit.replace(span, span.slice(text).to_ascii_lowercase());
            }
        }
        edit.finish().ok().and_then(|edit| edit.apply(text)).unwrap_or_else(|| text.to_owned())
    }

    /// Puts the lines of `text` above `instruction` and its comments.
    #[must_use]
    pub fn insert_before(&self, instruction: &Instruction, text: &str) -> TextEdit {
        TextEdit::insert(instruction.owned_span().start(), self.lines_of(text))
    }

    /// Puts the lines of `text` above `instruction` and its comments, a blank line between them and one before
    /// them, unless the file or a blank line begins there: a stage, say.
    #[must_use]
    pub fn insert_paragraph_before(&self, instruction: &Instruction, text: &str) -> TextEdit {
        let at = instruction.owned_span().start();
        let line_break = self.line_break();
        let above = Lines::new(&self.text).take_while(|line| line.end <= at).last();
        let gap = if above.is_some_and(|line| !line.is_blank(&self.text)) { line_break } else { "" };
        TextEdit::insert(at, format!("{gap}{}{line_break}", self.lines_of(text)))
    }

    /// Puts the lines of `text` below `instruction`. A file without a line break at its end stays one.
    ///
    /// `None` below a here-document that does not end.
    #[must_use]
    pub fn insert_after(&self, instruction: &Instruction, text: &str) -> Option<TextEdit> {
        let inner = instruction.onbuild.as_deref().unwrap_or(instruction);
        if inner.heredocs.iter().any(|heredoc| heredoc.terminator.is_none()) {
            return None;
        }
        let mut edit = TextEdit::builder();
        if let Some(dangling) = instruction.dangling {
            self.end_line(&mut edit, dangling);
        }
        self.insert_lines(&mut edit, instruction.line_span.end(), text);
        edit.finish().ok()
    }

    /// Puts the lines of `text` at the end of the file. `None` below a here-document that does not end.
    #[must_use]
    pub fn append(&self, text: &str) -> Option<TextEdit> {
        match self.instructions.last() {
            Some(last) if last.line_span.end() == self.text.len() => self.insert_after(last, text),
            _ => {
                let mut edit = TextEdit::builder();
                self.insert_lines(&mut edit, self.text.len(), text);
                edit.finish().ok()
            }
        }
    }

    /// Takes `instruction` and its comments away, and the blank lines below it where there is one above it or
    /// nothing at all; the blank lines above it where nothing follows.
    ///
    /// `None` where the comment that comes to stand at the top of the file would turn into a parser directive.
    #[must_use]
    pub fn remove(&self, instruction: &Instruction) -> Option<TextEdit> {
        let owned = instruction.owned_span();
        let lines: Vec<Line> = Lines::new(&self.text).collect();
        let first = lines.partition_point(|line| line.start < owned.start());
        let behind = lines.partition_point(|line| line.start < owned.end());
        let above = self.blank_lines(lines.get(..first).unwrap_or_default().iter().rev());
        let below = self.blank_lines(lines.get(behind..).unwrap_or_default().iter());
        let is_last = behind + below >= lines.len();
        let start = if is_last { first - above } else { first };
        let end = if is_last || above > 0 || first == 0 { behind + below } else { behind };
        if self.becomes_directive(&lines, start, end) {
            return None;
        }
        let end = end.checked_sub(1).and_then(|last| lines.get(last)).map_or(owned.end(), |line| line.end);
        Some(TextEdit::delete(Span::new(lines.get(start).map_or(owned.start(), |line| line.start), end)))
    }

    fn blank_lines<'a>(&self, lines: impl Iterator<Item = &'a Line>) -> usize {
        lines.take_while(|line| line.is_blank(&self.text)).count()
    }

    fn becomes_directive(&self, lines: &[Line], start: usize, end: usize) -> bool {
        let content = |line: &Line| line.content(&self.text).trim_start();
        let at_the_top = lines.iter().take(start).all(|line| is_directive(content(line)));
        at_the_top && lines.get(end).is_some_and(|line| is_directive(content(line)))
    }

    /// Takes the escape character away that would carry the file's last line on, and the blanks before it.
    fn end_line(&self, edit: &mut TextEditBuilder, dangling: Span) {
        let before = self.text.get(..dangling.start()).unwrap_or_default();
        edit.delete(Span::new(before.trim_end_matches([' ', '\t']).len(), dangling.end()));
    }

    fn insert_lines(&self, edit: &mut TextEditBuilder, at: usize, text: &str) {
        let lines = self.lines_of(text);
        let before = self.text.get(..at).unwrap_or_default();
        let line_break = self.line_break();
        if before.is_empty() || before.ends_with('\n') {
            edit.insert(at, lines);
        } else {
            edit.insert(at, format!("{line_break}{}", lines.strip_suffix(line_break).unwrap_or(&lines)));
        }
    }

    /// `text` with the file's own line breaks, one at its end.
    fn lines_of(&self, text: &str) -> String {
        let mut lines = String::with_capacity(text.len() + 2);
        for line in text.lines() {
            lines.push_str(line);
            lines.push_str(self.line_break());
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use crate::syntax::dockerfile::Dockerfile;

    fn removed(text: &str, index: usize) -> Option<String> {
        let file = Dockerfile::parse(text);
        file.remove(&file.instructions[index])?.apply(text)
    }

    #[test]
    fn lines_come_above_the_comments_of_an_instruction() {
        let text = "# syntax=a\r\n# note\r\nFROM x\r\n";
        let file = Dockerfile::parse(text);
        let edit = file.insert_before(&file.instructions[0], "FROM b\nRUN c\n");
        assert_eq!(edit.apply(text).unwrap(), "# syntax=a\r\nFROM b\r\nRUN c\r\n# note\r\nFROM x\r\n");
    }

    #[test]
    fn a_paragraph_stands_between_blank_lines() {
        for (before, after) in [
            ("FROM x\n", "FROM b\n\nFROM x\n"),
            ("ARG a\nFROM x\n", "ARG a\n\nFROM b\n\nFROM x\n"),
            ("ARG a\n\n# note\nFROM x\n", "ARG a\n\nFROM b\n\n# note\nFROM x\n"),
        ] {
            let file = Dockerfile::parse(before);
            let edit = file.insert_paragraph_before(file.instructions.last().unwrap(), "FROM b");
            assert_eq!(edit.apply(before).unwrap(), after);
        }
    }

    #[test]
    fn keywords_take_the_case_of_the_file() {
        let text = "FROM --platform=X A AS B\n# WHY\nRUN <<E\nRUN C\nE\nCOPY --from=B \\\n  X Y\n";
        let in_the_case_of = |file: &str| Dockerfile::parse(file).in_its_case(text);
        let lower = "from --platform=X A as B\n# WHY\nrun <<E\nRUN C\nE\ncopy --from=B \\\n  X Y\n";
        assert_eq!(in_the_case_of("from x\nrun y\nCOPY a b\n"), lower);
        for file in ["FROM x\n", "from x\nRUN y\n", "From x\nRun y\n", ""] {
            assert_eq!(in_the_case_of(file), text, "{file}");
        }
    }

    #[test]
    fn lines_come_below_all_lines_of_an_instruction() {
        for (before, after) in [
            ("FROM x\nRUN <<E\na\nE\n", "FROM x\nRUN <<E\na\nE\nRUN b\n"),
            ("FROM x", "FROM x\nRUN b"),
            ("FROM x\nRUN a \\\n\n", "FROM x\nRUN a\n\nRUN b\n"),
            ("FROM x\nRUN a \\", "FROM x\nRUN a\nRUN b"),
            ("FROM x\n# end", "FROM x\n# end\nRUN b"),
            ("", "RUN b\n"),
        ] {
            assert_eq!(Dockerfile::parse(before).append("RUN b\n").unwrap().apply(before).unwrap(), after);
        }
        assert!(Dockerfile::parse("RUN <<E\na\n").append("RUN b").is_none());
    }

    #[test]
    fn blank_lines_go_with_what_they_set_apart() {
        assert_eq!(removed("FROM a\n\n# note\nRUN b\n\n\nRUN c\n", 1).unwrap(), "FROM a\n\nRUN c\n");
        assert_eq!(removed("FROM a\nRUN b\n\nRUN c\n", 1).unwrap(), "FROM a\n\nRUN c\n");
        assert_eq!(removed("FROM a\n\nRUN b\n", 1).unwrap(), "FROM a\n");
        assert_eq!(removed("FROM a\n\nRUN b", 0).unwrap(), "RUN b");
        assert_eq!(removed("FROM a\n\nRUN b", 1).unwrap(), "FROM a\n");
    }

    #[test]
    fn no_comment_turns_into_a_directive() {
        assert_eq!(removed("FROM a\n# escape=`\nFROM b\n", 0), None);
        assert_eq!(removed("# note\n\nFROM a\n# escape=`\nFROM b\n", 0).unwrap(), "# note\n\n# escape=`\nFROM b\n");
    }
}
