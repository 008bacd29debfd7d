use super::flags::flag;
use super::json_string;
use crate::syntax::dockerfile::{CopyView, Dockerfile, Instruction, Keyword, Operand, Word};
use crate::text::{Span, TextEdit};

/// One of the instructions that a `COPY` or `ADD` is written as.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CopyPart {
    /// The value of `--from`; `None` leaves the flags as they are. An `ADD` with one becomes a `COPY`, which alone
    /// knows that flag.
    pub from: Option<String>,
    /// The value of `--chown`, for an instruction that has none.
    pub owner: Option<String>,
    /// The sources, variables, quotes and escapes as the builder is to read them.
    pub sources: Vec<String>,
    /// The destination, as the builder is to read it; `None` for that of the instruction.
    pub destination: Option<String>,
}

impl Dockerfile {
    /// Puts `path` in the place of the source at `index`, quoted as the old one was where that is possible.
    ///
    /// `path` is what [`super::super::expand`] is to read: variables stay variables, and a literal comes out of
    /// [`super::super::escape_literal`]. Where a plain word cannot hold it, all paths turn into a JSON array.
    /// `None` without such a source, or where a here-document stands in the way of that array.
    #[must_use]
    pub fn replace_source(&self, instruction: &Instruction, index: usize, path: &str) -> Option<TextEdit> {
        let view = instruction.copy()?;
        let source = view.sources.get(index).filter(|source| source.heredoc.is_none())?;
        self.replace_operand(&view, source.operand, path)
    }

    /// Puts `path` in the place of the destination, like [`Dockerfile::replace_source`].
    #[must_use]
    pub fn replace_destination(&self, instruction: &Instruction, path: &str) -> Option<TextEdit> {
        let view = instruction.copy()?;
        self.replace_operand(&view, view.destination, path)
    }

    fn replace_operand(&self, view: &CopyView<'_>, old: Operand<'_>, path: &str) -> Option<TextEdit> {
        match old {
            Operand::Json(word) => Some(TextEdit::replace(word.span, json_string(path))),
            Operand::Word(word) if is_plain(path) => {
                Some(TextEdit::replace(word.span, quoted_like(word.text(), path, self.escape)))
            }
            Operand::Word(word) => replace_all(view, word.span, path),
        }
    }

    /// Writes a `COPY` or `ADD` as `parts`, in their order.
    ///
    /// A single part that takes as many sources changes the words of the instruction where they stand; where the first
    /// part is the instruction as it is, the others come below it. Else it is split: flags and destination are its own
    /// unless a part tells others; a destination that took several sources is a folder, and says so with a `/` at its
    /// end; comments between its lines come to stand above. `None` for other instructions, for one behind an `ONBUILD`,
    /// for a part without a source, and for a split of here-documents.
    ///
    /// ```text
    /// COPY --chown=app dist package.json /app
    /// ->  COPY --from=builder --chown=app /src/dist /app/
    ///     COPY --chown=app package.json /app/
    /// ```
    #[must_use]
    pub fn write_copy(&self, instruction: &Instruction, parts: &[CopyPart]) -> Option<TextEdit> {
        let view = instruction.copy()?;
        let (first, others) = parts.split_first()?;
        let indentation = self.indentation(instruction)?;
        if parts.iter().any(|part| part.sources.is_empty()) {
            return None;
        }
        if others.is_empty() && first.sources.len() == view.sources.len() {
            return self.write_in_place(instruction, &view, first);
        }
        if is_as_written(&view, first) {
            let lines: Vec<_> = others.iter().map(|part| self.copy_part(instruction, &view, part)).collect();
            let lines = lines.iter().map(|line| format!("{indentation}{line}")).collect::<Vec<_>>();
            return self.insert_after(instruction, &lines.join("\n"));
        }
        if !instruction.heredocs.is_empty() {
            return None;
        }
        let separator = format!("{}{indentation}", self.line_break());
        let comments = instruction.inner_comments.iter().map(|comment| comment.slice(&self.text).trim().to_owned());
        let copies = parts.iter().map(|part| self.copy_part(instruction, &view, part));
        let lines: Vec<String> = comments.chain(copies).collect();
        Some(TextEdit::replace(instruction.span, lines.join(&separator)))
    }

    /// Changes the words of `part` that differ from those of the instruction, and leaves all else where it stands.
    fn write_in_place(&self, instruction: &Instruction, view: &CopyView<'_>, part: &CopyPart) -> Option<TextEdit> {
        let mut edit = TextEdit::default();
        let flags: String = self.flags_of(instruction, part).map(|flag| format!(" {flag}")).collect();
        let keyword = self.keyword_of(instruction, part);
        if keyword != self.keyword_as_written(instruction) {
            edit.union(TextEdit::replace(instruction.keyword_span, format!("{keyword}{flags}"))).ok()?;
        } else if !flags.is_empty() {
            edit.union(TextEdit::insert(instruction.keyword_span.end(), flags)).ok()?;
        }
        for (index, (old, new)) in view.sources.iter().zip(&part.sources).enumerate() {
            if old.operand.text() != new {
                edit.union(self.replace_source(instruction, index, new)?).ok()?;
            }
        }
        if let Some(new) = part.destination.as_ref().filter(|new| *new != view.destination.text()) {
            edit.union(self.replace_destination(instruction, new)?).ok()?;
        }
        Some(edit)
    }

    /// What stands before an instruction on its line; `None` where that is more than blanks.
    fn indentation(&self, instruction: &Instruction) -> Option<&str> {
        let before = Span::new(instruction.line_span.start(), instruction.span.start()).slice(&self.text);
        before.trim().is_empty().then_some(before)
    }

    fn copy_part(&self, instruction: &Instruction, view: &CopyView<'_>, part: &CopyPart) -> String {
        let mut words = vec![self.keyword_of(instruction, part)];
        words.extend(self.flags_of(instruction, part));
        let kept = instruction.flags.iter().filter(|flag| part.from.is_none() || flag.name != "from");
        words.extend(kept.map(|kept| {
            let written = kept.span.slice(&self.text);
            let value = kept.value.as_ref().map(Word::text);
            if written.contains('\n') { flag(&kept.name, value, self.escape) } else { written.to_owned() }
        }));
        let several = view.sources.len() > 1 || part.sources.len() > 1;
        let destination = match &part.destination {
            Some(destination) => destination.clone(),
            None => folder(view.destination.text(), several, self.escape),
        };
        let paths: Vec<&str> = part.sources.iter().map(String::as_str).chain([destination.as_str()]).collect();
        words.push(operands(&paths, view.is_json));
        words.join(" ")
    }

    /// The flags that a part adds to those of the instruction.
    fn flags_of<'a>(&'a self, instruction: &'a Instruction, part: &'a CopyPart) -> impl Iterator<Item = String> + 'a {
        let from = part.from.as_ref().map(|from| flag("from", Some(from), self.escape));
        let owner = part.owner.as_ref().filter(|_| !instruction.has_flag("chown"));
        from.into_iter().chain(owner.map(|owner| flag("chown", Some(owner), self.escape)))
    }

    /// The keyword that a part needs, in the letters of the instruction.
    fn keyword_of(&self, instruction: &Instruction, part: &CopyPart) -> String {
        let written = self.keyword_as_written(instruction);
        if part.from.is_none() || instruction.keyword == Keyword::Copy {
            return written;
        }
        let is_lower = written.bytes().all(|byte| byte.is_ascii_lowercase());
        if is_lower { "copy".to_owned() } else { "COPY".to_owned() }
    }

    fn keyword_as_written(&self, instruction: &Instruction) -> String {
        let written = instruction.keyword_span.slice(&self.text);
        if written.contains('\n') { instruction.keyword.as_str().to_owned() } else { written.to_owned() }
    }
}

/// Whether a part is the instruction with nothing changed.
fn is_as_written(view: &CopyView<'_>, part: &CopyPart) -> bool {
    let sources = view.sources.iter().map(|source| source.operand.text());
    part.from.is_none() && part.owner.is_none() && part.destination.is_none() && sources.eq(part.sources.iter())
}

/// Turns all paths into a JSON array with `path` in the place of the word at `old`.
fn replace_all(view: &CopyView<'_>, old: Span, path: &str) -> Option<TextEdit> {
    if view.sources.iter().any(|source| source.heredoc.is_some()) {
        return None;
    }
    let all: Vec<Operand<'_>> = view.sources.iter().map(|source| source.operand).chain([view.destination]).collect();
    let span = all.iter().map(|operand| operand.span()).reduce(Span::join)?;
    let texts: Vec<&str> =
        all.iter().map(|operand| if operand.span() == old { path } else { operand.text() }).collect();
    Some(TextEdit::replace(span, operands(&texts, true)))
}

/// Paths as a JSON array, where they stood in one or a word cannot hold them, or as plain words.
fn operands(paths: &[&str], json: bool) -> String {
    if !json && paths.iter().all(|path| is_plain(path)) {
        return paths.join(" ");
    }
    let strings: Vec<String> = paths.iter().map(|path| json_string(path)).collect();
    format!("[{}]", strings.join(", "))
}

/// Whether a plain word can hold `path`: it is neither several words nor a flag, the start of an array, or that of a
/// here-document, whose name may be the next word.
fn is_plain(path: &str) -> bool {
    let splits = path.is_empty() || path.contains(char::is_whitespace);
    let announces = path.trim_start_matches(|character: char| character.is_ascii_digit()).starts_with("<<");
    !splits && !announces && !path.starts_with("--") && !path.starts_with('[')
}

/// `path` in the quotes that are around all of `old`, where they mean the same around `path`.
fn quoted_like(old: &str, path: &str, escape: char) -> String {
    let quote = old.chars().next().filter(|quote| matches!(quote, '"' | '\''));
    let is_quoted = |quote: char| old.len() > 1 && old.ends_with(quote) && old.matches(quote).count() == 2;
    let fits = |quote: char| !path.contains(['"', '\'', escape]) && (quote == '"' || !path.contains('$'));
    match quote.filter(|quote| is_quoted(*quote) && fits(*quote)) {
        Some(quote) => format!("{quote}{path}{quote}"),
        None => path.to_owned(),
    }
}

/// `destination` as a folder; one that ends in `.` is one already.
fn folder(destination: &str, is_folder: bool, escape: char) -> String {
    let last = destination.rsplit('/').next().unwrap_or_default();
    let ends_as_folder = matches!(last, "" | "." | "..") || (escape != '\\' && destination.ends_with('\\'));
    if !is_folder || ends_as_folder { destination.to_owned() } else { format!("{destination}/") }
}

#[cfg(test)]
mod tests {
    use super::CopyPart;
    use crate::syntax::dockerfile::Dockerfile;

    fn with_source(text: &str, index: usize, path: &str) -> String {
        let file = Dockerfile::parse(text);
        file.replace_source(&file.instructions[0], index, path).unwrap().apply(text).unwrap()
    }

    fn part(from: Option<&str>, sources: &[&str]) -> CopyPart {
        let sources = sources.iter().map(|source| (*source).to_owned()).collect();
        CopyPart { from: from.map(str::to_owned), sources, ..CopyPart::default() }
    }

    fn split(text: &str, parts: &[CopyPart]) -> Option<String> {
        let file = Dockerfile::parse(text);
        file.write_copy(&file.instructions[0], parts)?.apply(text)
    }

    #[test]
    fn a_source_is_replaced_in_its_own_form() {
        assert_eq!(with_source("COPY a  b \\\n  c", 1, "/x/$B"), "COPY a  /x/$B \\\n  c");
        assert_eq!(with_source("COPY \"a\" 'b' c", 0, "/x"), "COPY \"/x\" 'b' c");
        assert_eq!(with_source("COPY \"a\" 'b' c", 1, "$X"), "COPY \"a\" $X c");
        assert_eq!(with_source("COPY [ \"a\",\"b\" ]", 0, "x \"y\""), "COPY [ \"x \\\"y\\\"\",\"b\" ]");
    }

    #[test]
    fn a_path_that_no_word_can_hold_makes_an_array() {
        assert_eq!(with_source("COPY --link a b c/", 1, "x y"), "COPY --link [\"a\", \"x y\", \"c/\"]");
        assert_eq!(with_source("COPY a b", 0, "1<<"), "COPY [\"1<<\", \"b\"]");
        let file = Dockerfile::parse("COPY <<E b c/\nE\n");
        assert!(file.replace_source(&file.instructions[0], 1, "x y").is_none());
        assert!(file.replace_source(&file.instructions[0], 0, "x").is_none());
    }

    #[test]
    fn a_copy_is_split_in_order() {
        let parts = [part(Some("b"), &["/w/dist"]), part(None, &["x", "y"])];
        assert_eq!(
            split("  copy --chown=1 --from=z dist x \\\r\n  # why\r\n  y /app\r\n", &parts).unwrap(),
            "  # why\r\n  copy --from=b --chown=1 /w/dist /app/\r\n  copy --chown=1 --from=z x y /app/\r\n"
        );
        assert_eq!(
            split("COPY [\"a\", \"b\", \"c d\"]", &[part(None, &["a"]), part(None, &["b"])]).unwrap(),
            "COPY [\"a\", \"c d/\"]\nCOPY [\"b\", \"c d/\"]"
        );
    }

    #[test]
    fn a_destination_that_is_a_folder_stays_as_it_is() {
        let parts = [part(None, &["a"]), part(None, &["b"])];
        assert_eq!(split("COPY a b .", &parts).unwrap(), "COPY a .\nCOPY b .");
        assert_eq!(split("COPY a b $X", &parts).unwrap(), "COPY a $X/\nCOPY b $X/");
    }

    #[test]
    fn one_part_changes_the_words_where_they_stand() {
        let of_stage = |sources: &[&str]| CopyPart { owner: Some("0:0".to_owned()), ..part(Some("x"), sources) };
        assert_eq!(split("COPY a b", &[part(Some("x"), &["/a"])]).unwrap(), "COPY --from=x /a b");
        assert_eq!(
            split("add \\\n  a  \\\n  b", &[of_stage(&["/a"])]).unwrap(),
            "copy --from=x --chown=0:0 \\\n  /a  \\\n  b"
        );
        assert_eq!(
            split("ADD --chown=1 [\"a\", \"b\"]", &[of_stage(&["/a"])]).unwrap(),
            "COPY --from=x --chown=1 [\"/a\", \"b\"]"
        );
        let named = CopyPart { destination: Some("/x/a".to_owned()), ..part(Some("x"), &["/y"]) };
        assert_eq!(split("COPY a /x/", &[named]).unwrap(), "COPY --from=x /y /x/a");
    }

    #[test]
    fn further_parts_come_below_an_instruction_that_stays() {
        let named = CopyPart { destination: Some("./dist".to_owned()), ..part(Some("b"), &["/w/dist"]) };
        assert_eq!(
            split("  COPY . \\\n  .\nRUN x\n", &[part(None, &["."]), named]).unwrap(),
            "  COPY . \\\n  .\n  COPY --from=b /w/dist ./dist\nRUN x\n"
        );
    }

    #[test]
    fn what_cannot_be_split_is_left_alone() {
        assert_eq!(split("COPY <<E b c/\nE\n", &[part(None, &["b"])]), None);
        assert_eq!(split("COPY a b", &[]), None);
        assert_eq!(split("RUN a", &[part(None, &["b"])]), None);
        let file = Dockerfile::parse("ONBUILD COPY a b c/");
        let inner = file.instructions[0].onbuild.as_deref().unwrap();
        assert!(file.write_copy(inner, &[part(None, &["b"])]).is_none());
    }
}
