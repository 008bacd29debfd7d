use super::turns::Turn;
use crate::syntax::shell::Place;
use crate::text::{RepositoryPath, Span};

/// One command of a script.
#[derive(Clone, Debug)]
pub struct Step {
    /// The index of the item it stands in.
    pub item: usize,
    /// Its bytes in the item's text.
    pub span: Span,
    /// The bytes of the whole statement it belongs to, in the item's text.
    pub statement: Span,
    /// Its words, behind `sudo`, `time` and their kin.
    pub words: Vec<StepWord>,
    /// The files that its redirections read or write; the flag tells of writing.
    pub redirections: Vec<(StepWord, bool)>,
    /// Variables set in front of it, for it alone.
    pub environment: Vec<(String, Option<String>)>,
    /// The folder it runs in; `None` where it is not known or lies outside the project.
    pub folder: Option<RepositoryPath>,
    /// Where it stands in the script.
    pub place: Place,
    /// How many of the nestings there are those of the call that leads to it.
    pub outer: usize,
    /// The bytes of the innermost `( … )` of its item that it stands in.
    pub subshell: Option<Span>,
    /// What the script decides on the way to it.
    pub turns: Vec<Turn>,
    /// The item and the bytes of the call that leads to it, where it stands in a function.
    pub caller: Option<(usize, Span)>,
    /// Whether it calls a function whose commands are among the steps behind it.
    pub is_followed: bool,
}

/// A word of a command.
#[derive(Clone, Debug)]
pub struct StepWord {
    /// Its bytes in the item's text.
    pub span: Span,
    /// As it is written.
    pub raw: String,
    /// What it comes to: one field for most words, several where a variable is split; `None` where it
    /// holds something whose value is not known.
    pub fields: Option<Vec<String>>,
    /// Its text with file globs left as they are; `None` where it expands to something unknown.
    pub pattern: Option<String>,
    /// Whether it is exactly one field whatever its variables hold.
    pub is_one_field: bool,
}

impl Step {
    /// The same as its own text alone has it, without what stands around the call that leads to it.
    #[must_use]
    pub fn in_own_text(&self) -> Self {
        let nesting = self.place.nesting.iter().skip(self.outer).cloned().collect();
        Self { place: Place { nesting }, outer: 0, ..self.clone() }
    }

    /// The name of the program, where it is known.
    #[must_use]
    pub fn program(&self) -> Option<&str> {
        self.words.first()?.text()
    }

    /// Its words, where all of them are known.
    #[must_use]
    pub fn known_words(&self) -> Option<Vec<&str>> {
        self.words.iter().map(StepWord::text).collect()
    }
}

impl StepWord {
    /// A field that a variable came to.
    pub(super) fn of_field(field: &str, span: Span) -> Self {
        let text = field.to_owned();
        Self { span, raw: text.clone(), fields: Some(vec![text.clone()]), pattern: Some(text), is_one_field: true }
    }

    /// The one field that it comes to.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self.fields.as_deref() {
            Some([field]) => Some(field),
            _ => None,
        }
    }
}
