use crate::syntax::dockerfile::{Dockerfile, Flag, Instruction, Mount};
use crate::text::{Span, TextEdit};

impl Dockerfile {
    /// Gives `instruction` the flag `--name=value`, or a bare `--name`: the last one of that name is replaced,
    /// else a new one comes right behind the keyword.
    ///
    /// ```text
    /// COPY  dist  /app        ->  COPY --from=builder  dist  /app
    /// COPY --from=a dist /app ->  COPY --from=builder dist /app
    /// ```
    #[must_use]
    pub fn set_flag(&self, instruction: &Instruction, name: &str, value: Option<&str>) -> TextEdit {
        let written = flag(name, value, self.escape);
        match instruction.flag(name) {
            Some(present) => TextEdit::replace(present.span, written),
            None => self.add_flag(instruction, name, value),
        }
    }

    /// Adds the flag `--name=value`, or a bare `--name`, right behind the keyword, whatever flags are there.
    #[must_use]
    pub fn add_flag(&self, instruction: &Instruction, name: &str, value: Option<&str>) -> TextEdit {
        TextEdit::insert(instruction.keyword_span.end(), format!(" {}", flag(name, value, self.escape)))
    }

    /// Takes `flag` away with the blanks before it, and its line where nothing else stands on it.
    #[must_use]
    pub fn remove_flag(&self, flag: &Flag) -> TextEdit {
        let line = self.line_around(flag.span);
        let before = Span::new(line.start(), flag.span.start()).slice(&self.text);
        let behind = Span::new(flag.span.end(), line.end()).slice(&self.text);
        let alone = behind.trim_start().strip_prefix(self.escape).is_some_and(|rest| rest.trim().is_empty());
        if before.trim().is_empty() && alone {
            return TextEdit::delete(line);
        }
        if before.trim().is_empty() {
            let blanks = behind.len() - behind.trim_start_matches([' ', '\t']).len();
            return TextEdit::delete(Span::new(flag.span.start(), flag.span.end() + blanks));
        }
        let blanks = before.len() - before.trim_end_matches([' ', '\t']).len();
        TextEdit::delete(Span::new(flag.span.start() - blanks, flag.span.end()))
    }

    /// Gives `mount` the field `key=value`: the last one of that key is replaced, else a new one comes last.
    /// `None` where the flag is quoted or `value` would have to be.
    #[must_use]
    pub fn set_mount_field(&self, mount: &Mount<'_>, key: &str, value: &str) -> Option<TextEdit> {
        let whole = mount.flag.value.as_ref()?;
        if needs_quotes(value, self.escape) || value.contains(',') || whole.span.slice(&self.text) != whole.text() {
            return None;
        }
        let written = format!("{key}={value}");
        match mount.fields.iter().rev().find(|field| field.key == key) {
            Some(field) => Some(TextEdit::replace(field.span, written)),
            None => Some(TextEdit::insert(whole.span.end(), format!(",{written}"))),
        }
    }

    /// The whole lines that `span` stands on.
    fn line_around(&self, span: Span) -> Span {
        let before = self.text.get(..span.start()).unwrap_or_default();
        let behind = self.text.get(span.end()..).unwrap_or_default();
        let end = behind.find('\n').map_or(self.text.len(), |at| span.end() + at + 1);
        Span::new(before.rfind('\n').map_or(0, |at| at + 1), end)
    }
}

/// `--name=value`, quoted where it must be, or `--name`.
pub(super) fn flag(name: &str, value: Option<&str>, escape: char) -> String {
    let Some(value) = value else { return format!("--{name}") };
    if !needs_quotes(value, escape) {
        return format!("--{name}={value}");
    }
    let mut quoted = String::new();
    for character in value.chars() {
        if character == '"' || character == escape {
            quoted.push(escape);
        }
        quoted.push(character);
    }
    format!("--{name}=\"{quoted}\"")
}

fn needs_quotes(value: &str, escape: char) -> bool {
    let special = |character: char| character.is_whitespace() || matches!(character, '"' | '\'') || character == escape;
    value.contains(special)
}

#[cfg(test)]
mod tests {
    use crate::syntax::dockerfile::Dockerfile;

    fn with_flag(text: &str, name: &str, value: Option<&str>) -> String {
        let file = Dockerfile::parse(text);
        file.set_flag(file.instructions.last().unwrap(), name, value).apply(text).unwrap()
    }

    #[test]
    fn a_flag_comes_behind_the_keyword() {
        assert_eq!(with_flag("copy\t a  b\\\n c", "from", Some("x")), "copy --from=x\t a  b\\\n c");
        assert_eq!(with_flag("COPY --chown=1 \\\n  a b", "from", Some("x")), "COPY --from=x --chown=1 \\\n  a b");
        assert_eq!(with_flag("COPY \\\r\n  a b", "link", None), "COPY --link \\\r\n  a b");
    }

    #[test]
    fn a_flag_that_is_there_is_replaced() {
        assert_eq!(with_flag("COPY --chown=1 --from=0 a b", "from", Some("x")), "COPY --chown=1 --from=x a b");
        assert_eq!(with_flag("COPY --chown=\"1\" a b", "chown", Some("a \"b")), "COPY --chown=\"a \\\"b\" a b");
    }

    #[test]
    fn a_flag_goes_with_its_blanks() {
        for (before, after) in [
            ("COPY --from=x --link a b", "COPY --link a b"),
            ("COPY --from=x \\\n  a b", "COPY \\\n  a b"),
            ("COPY \\\n  --from=x \\\n  a b", "COPY \\\n  a b"),
            ("COPY \\\n  --from=x a b", "COPY \\\n  a b"),
        ] {
            let file = Dockerfile::parse(before);
            let flag = file.instructions[0].flag("from").unwrap();
            assert_eq!(file.remove_flag(flag).apply(before).unwrap(), after);
        }
    }

    #[test]
    fn a_mount_gets_its_fields() {
        let text = "RUN --mount=type=bind,source=dist,target=/x make";
        let file = Dockerfile::parse(text);
        let mount = &file.instructions[0].mounts()[0];
        let mut edit = file.set_mount_field(mount, "source", "/w/dist").unwrap();
        edit.union(file.set_mount_field(mount, "from", "b").unwrap()).unwrap();
        assert_eq!(edit.apply(text).unwrap(), "RUN --mount=type=bind,source=/w/dist,target=/x,from=b make");
        assert!(file.set_mount_field(mount, "from", "a,b").is_none());
    }
}
