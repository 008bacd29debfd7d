use crate::syntax::dockerfile::{Dockerfile, Instruction};
use crate::text::TextEdit;

impl Dockerfile {
    /// Gives the stage that a `FROM` begins the name `name`, in the place of the one it has.
    ///
    /// `AS` is written in the case of the keyword. `None` for other instructions and a `FROM` that is not well formed.
    ///
    /// ```text
    /// FROM node:8  ->  FROM node:8 AS builder
    /// ```
    #[must_use]
    pub fn name_stage(&self, instruction: &Instruction, name: &str) -> Option<TextEdit> {
        let view = instruction.from()?;
        if let Some(present) = view.name {
            return Some(TextEdit::replace(present.span, name));
        }
        let keyword = instruction.keyword_span.slice(&self.text);
        let lower = keyword.chars().all(|character| !character.is_ascii_uppercase());
        let written = if lower { format!(" as {name}") } else { format!(" AS {name}") };
        Some(TextEdit::insert(view.image.span.end(), written))
    }

    /// Puts `image` in the place of the image or stage that a `FROM` starts from. `None` as for
    /// [`Dockerfile::name_stage`].
    #[must_use]
    pub fn replace_image(&self, instruction: &Instruction, image: &str) -> Option<TextEdit> {
        Some(TextEdit::replace(instruction.from()?.image.span, image))
    }
}

#[cfg(test)]
mod tests {
    use crate::syntax::dockerfile::Dockerfile;

    fn named(text: &str) -> Option<String> {
        let file = Dockerfile::parse(text);
        file.name_stage(&file.instructions[0], "b")?.apply(text)
    }

    #[test]
    fn a_stage_gets_a_name_or_another_one() {
        assert_eq!(named("FROM --platform=x a \\\n  # why\n").unwrap(), "FROM --platform=x a AS b \\\n  # why\n");
        assert_eq!(named("from a").unwrap(), "from a as b");
        assert_eq!(named("FROM a As c\n").unwrap(), "FROM a As b\n");
        assert_eq!(named("FROM a b\n"), None);
    }

    #[test]
    fn a_stage_starts_from_another_image() {
        let text = "FROM a AS b\n";
        let file = Dockerfile::parse(text);
        let edit = file.replace_image(&file.instructions[0], "c:1").unwrap();
        assert_eq!(edit.apply(text).unwrap(), "FROM c:1 AS b\n");
    }
}
