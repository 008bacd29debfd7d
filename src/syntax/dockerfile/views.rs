//! What an instruction says, keyword by keyword.

use super::{Arguments, Flag, Heredoc, Instruction, JsonWord, KeyValue, Keyword, Word, heredoc};
use crate::text::Span;

/// A `FROM [--platform=…] image [AS name]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FromView<'a> {
    /// The image or the stage that it starts from, variables not yet replaced.
    pub image: &'a Word,
    /// The name of the stage. The builder knows it in lower case.
    pub name: Option<&'a Word>,
    /// The value of `--platform`.
    pub platform: Option<&'a Word>,
}

/// A path as it stands in a `COPY`, plain or in a JSON array, variables not yet replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand<'a> {
    /// A word.
    Word(&'a Word),
    /// A string of a JSON array.
    Json(&'a JsonWord),
}

impl<'a> Operand<'a> {
    /// All of it, quotes included.
    #[must_use]
    pub const fn span(self) -> Span {
        match self {
            Self::Word(word) => word.span,
            Self::Json(word) => word.span,
        }
    }

    /// What [`super::expand`] takes. JSON is undone; the builder's own quotes and variables are not.
    #[must_use]
    pub fn text(self) -> &'a str {
        match self {
            Self::Word(word) => word.text(),
            Self::Json(word) => &word.value,
        }
    }
}

/// What a `COPY` or `ADD` copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source<'a> {
    /// As it is written.
    pub operand: Operand<'a>,
    /// The here-document that it is, if it is one: its name is the name of the file.
    pub heredoc: Option<&'a Heredoc>,
}

/// A `COPY` or an `ADD`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyView<'a> {
    /// All but the last of its paths, in order.
    pub sources: Vec<Source<'a>>,
    /// The last of its paths.
    pub destination: Operand<'a>,
    /// Whether the paths stand in a JSON array.
    pub is_json: bool,
    /// `--from`: a stage, its number, an image or a named context.
    pub from: Option<&'a Word>,
    /// `--chown`.
    pub chown: Option<&'a Word>,
    /// `--chmod`.
    pub chmod: Option<&'a Word>,
    /// `--link`.
    pub link: bool,
    /// `--parents`.
    pub parents: bool,
    /// Every `--exclude`.
    pub exclude: Vec<&'a Word>,
}

/// What a `RUN`, `CMD`, `ENTRYPOINT`, `SHELL` or `HEALTHCHECK CMD` runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// A text for the shell. Its [`Word::text`] is what the shell gets, here-documents left out.
    Shell(&'a Word),
    /// A program and its arguments.
    Exec(&'a [JsonWord]),
}

/// A `--mount` of a `RUN` (Dockerfile reference: `RUN --mount`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount<'a> {
    /// The flag that it is written in.
    pub flag: &'a Flag,
    /// What stands between its commas, in order.
    pub fields: Vec<MountField>,
}

/// `key=value` or a bare `key` of a mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MountField {
    /// All of it.
    pub span: Span,
    /// The key in lower case.
    pub key: String,
    /// The value, variables not yet replaced.
    pub value: Option<Word>,
}

impl Mount<'_> {
    /// Its type in lower case, `bind` where none is named.
    #[must_use]
    pub fn kind(&self) -> String {
        self.value("type").map_or("bind".to_owned(), |kind| kind.text().to_ascii_lowercase())
    }

    /// `from`: a stage, its number, an image or a named context.
    #[must_use]
    pub fn from(&self) -> Option<&Word> {
        self.value("from")
    }

    /// `source`, also written `src`.
    #[must_use]
    pub fn source(&self) -> Option<&Word> {
        self.value("source").or_else(|| self.value("src"))
    }

    /// `target`, also written `dst` or `destination`.
    #[must_use]
    pub fn target(&self) -> Option<&Word> {
        self.value("target").or_else(|| self.value("dst")).or_else(|| self.value("destination"))
    }

    /// The value of the last field named `key`.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&Word> {
        self.fields.iter().rev().find(|field| field.key == key).and_then(|field| field.value.as_ref())
    }
}

impl Instruction {
    /// The last flag named `name`.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<&Flag> {
        self.flags.iter().rev().find(|flag| flag.name == name)
    }

    /// The value of the last flag named `name`.
    #[must_use]
    pub fn flag_value(&self, name: &str) -> Option<&Word> {
        self.flag(name).and_then(|flag| flag.value.as_ref())
    }

    /// Whether the flag `name` is there and not `=false`.
    #[must_use]
    pub fn has_flag(&self, name: &str) -> bool {
        let is_false = |value: &Word| value.text().eq_ignore_ascii_case("false");
        self.flag(name).is_some_and(|flag| !flag.value.as_ref().is_some_and(is_false))
    }

    /// Its plain words; none in any other form.
    #[must_use]
    pub fn words(&self) -> &[Word] {
        if let Arguments::Words(words) = &self.arguments { words } else { &[] }
    }

    /// The only word of a `WORKDIR`, `USER`, `STOPSIGNAL` or `MAINTAINER`.
    #[must_use]
    pub fn single(&self) -> Option<&Word> {
        match self.keyword {
            Keyword::Workdir | Keyword::User | Keyword::Stopsignal | Keyword::Maintainer => self.words().first(),
            _ => None,
        }
    }

    /// The names and values of an `ARG`, `ENV` or `LABEL`.
    #[must_use]
    pub fn pairs(&self) -> &[KeyValue] {
        if let Arguments::KeyValues(pairs) = &self.arguments { pairs } else { &[] }
    }

    /// What a `FROM` says; `None` where it is not well formed, or it is none.
    #[must_use]
    pub fn from(&self) -> Option<FromView<'_>> {
        if self.keyword != Keyword::From {
            return None;
        }
        let (image, name) = match self.words() {
            [image] => (image, None),
            [image, as_word, name] if as_word.text().eq_ignore_ascii_case("as") => (image, Some(name)),
            _ => return None,
        };
        Some(FromView { image, name, platform: self.flag_value("platform") })
    }

    /// What a `COPY` or `ADD` says; `None` without a source and a destination, or for other instructions.
    #[must_use]
    pub fn copy(&self) -> Option<CopyView<'_>> {
        if !matches!(self.keyword, Keyword::Copy | Keyword::Add) {
            return None;
        }
        let operands = self.operands();
        let (destination, sources) = operands.split_last().filter(|(_, sources)| !sources.is_empty())?;
        let exclude = self.flags.iter().filter(|flag| flag.name == "exclude");
        Some(CopyView {
            sources: sources.iter().map(|operand| self.copy_source(*operand)).collect(),
            destination: *destination,
            is_json: matches!(self.arguments, Arguments::Json(_)),
            from: self.flag_value("from"),
            chown: self.flag_value("chown"),
            chmod: self.flag_value("chmod"),
            link: self.has_flag("link"),
            parents: self.has_flag("parents"),
            exclude: exclude.filter_map(|flag| flag.value.as_ref()).collect(),
        })
    }

    fn operands(&self) -> Vec<Operand<'_>> {
        match &self.arguments {
            Arguments::Words(words) => words.iter().map(Operand::Word).collect(),
            Arguments::Json(words) => words.iter().map(Operand::Json).collect(),
            _ => Vec::new(),
        }
    }

    fn copy_source<'a>(&'a self, operand: Operand<'a>) -> Source<'a> {
        let word = if let Operand::Word(word) = operand { Some(word) } else { None };
        let announced = word.and_then(|word| heredoc::announcement(word.text()));
        let heredoc = announced.and_then(|found| self.heredocs.iter().rev().find(|known| known.name == found.name));
        Source { operand, heredoc }
    }

    /// What it runs.
    #[must_use]
    pub fn command(&self) -> Option<Command<'_>> {
        if self.keyword == Keyword::Unknown {
            return None;
        }
        match &self.arguments {
            Arguments::Health(check) => command(&check.command),
            _ if matches!(self.keyword, Keyword::Copy | Keyword::Add | Keyword::Volume) => None,
            arguments => command(arguments),
        }
    }

    /// The text of a shell form as the shell gets it: lines joined, comments in between dropped.
    #[must_use]
    pub fn shell_text(&self) -> Option<&str> {
        if let Some(Command::Shell(word)) = self.command() { Some(word.text()) } else { None }
    }

    /// The mounts of a `RUN`, in order.
    #[must_use]
    pub fn mounts(&self) -> Vec<Mount<'_>> {
        let is_run = self.keyword == Keyword::Run;
        let flags = self.flags.iter().filter(|flag| is_run && flag.name == "mount");
        flags.filter_map(|flag| flag.value.as_ref().map(|value| mount(flag, value))).collect()
    }

    /// Whether it mounts files of the context (Dockerfile reference: `RUN --mount=type=bind`, without `from`).
    #[must_use]
    pub fn mounts_context(&self) -> bool {
        self.mounts().iter().any(|mount| mount.kind() == "bind" && mount.from().is_none())
    }
}

fn command(arguments: &Arguments) -> Option<Command<'_>> {
    match arguments {
        Arguments::Shell(word) => Some(Command::Shell(word)),
        Arguments::Json(words) => Some(Command::Exec(words)),
        _ => None,
    }
}

fn mount<'a>(flag: &'a Flag, value: &Word) -> Mount<'a> {
    let mut fields = Vec::new();
    let mut start = 0;
    for field in value.text().split(',') {
        fields.push(mount_field(&value.part(start..start + field.len())));
        start += field.len() + 1;
    }
    Mount { flag, fields }
}

fn mount_field(field: &Word) -> MountField {
    let text = field.text();
    let (key, value) = match text.split_once('=') {
        Some((key, _)) => (key, Some(field.part(key.len() + 1..text.len()))),
        None => (text, None),
    };
    MountField { span: field.span, key: key.to_ascii_lowercase(), value }
}
