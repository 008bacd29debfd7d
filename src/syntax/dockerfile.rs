//! Dockerfiles.
//!
//! A file is read the way the builder reads it (BuildKit: `frontend/dockerfile/parser`), faults included: a JSON
//! array that is not valid is text for the shell, `cat<<EOF` announces no here-document. Nothing is lost on the way:
//! every instruction knows its bytes, and [`Dockerfile::text`] is what was given. Reading never fails; what the
//! builder would refuse is a [`Problem`].
//!
//! The stages of a file are not known here; they are the matter of `docker`.

mod arguments;
mod directive;
mod edit;
mod expand;
mod heredoc;
mod instruction;
mod joined;
mod json;
mod keyword;
mod lexer;
mod lines;
mod parser;
mod shell_pattern;
mod split;
mod validate;
mod views;
pub mod wildcard;

pub use directive::{Directive, DirectiveKind};
pub use edit::CopyPart;
pub use expand::{Expansion, ExpansionError, escape_literal, expand};
pub use instruction::{Arguments, Flag, HealthCheck, Heredoc, Instruction, JsonWord, KeyValue, Word};
pub use keyword::Keyword;
pub use views::{Command, CopyView, FromView, Mount, MountField, Operand, Source};

use crate::text::Span;
use parser::Parser;

/// A Dockerfile as the builder reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dockerfile {
    /// The parser directives at its very top.
    pub directives: Vec<Directive>,
    /// The escape character, `\` or a backtick.
    pub escape: char,
    /// Its instructions, in order.
    pub instructions: Vec<Instruction>,
    /// What the builder would refuse.
    pub problems: Vec<Problem>,
    text: String,
}

/// Something that the builder would refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it stands.
    pub span: Span,
    /// What is wrong, without a full stop.
    pub message: String,
}

impl Problem {
    fn new(span: Span, message: impl Into<String>) -> Self {
        Self { span, message: message.into() }
    }
}

impl Dockerfile {
    /// Reads `text`, whatever it holds.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut parser = Parser::new(text);
        parser.run();
        let Parser { directives, escape, instructions, problems, .. } = parser;
        Self { directives, escape, instructions, problems, text: text.to_owned() }
    }

    /// The text that was read, byte for byte.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The value of the parser directive `kind`.
    #[must_use]
    pub fn directive(&self, kind: DirectiveKind) -> Option<&Directive> {
        self.directives.iter().find(|directive| directive.kind == kind)
    }
}

#[cfg(test)]
mod tests;
