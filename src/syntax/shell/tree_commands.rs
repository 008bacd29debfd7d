use brush_parser::ast;

use super::command::{Assignment, Command, Heredoc, Nesting, Place, Redirection, RedirectionKind};
use super::grammar;
use super::lexer::{Token, TokenKind};
use super::state::Reason;
use super::tree::{Walk, Walker};
use super::word::{PieceKind, Word};
use crate::text::Span;

/// The steps of the walk through simple commands, their assignments and their redirections.
impl Walker<'_> {
    pub(super) fn command(&mut self, command: &ast::Command) -> Walk {
        match command {
            ast::Command::Simple(simple) => self.simple(simple),
            ast::Command::Compound(compound, redirections) => {
                self.compound(compound)?;
                self.redirections(redirections.as_ref())
            }
            ast::Command::Function(function) => self.function(function),
            ast::Command::ExtendedTest(_, redirections) => {
                self.extended_test()?;
                self.redirections(redirections.as_ref())
            }
        }
    }

    fn simple(&mut self, simple: &ast::SimpleCommand) -> Walk {
        let mut command = self.empty_command();
        for item in simple.prefix.iter().flat_map(|prefix| &prefix.0) {
            self.item(item, true, &mut command)?;
        }
        if simple.word_or_name.is_some() {
            command.words.push(self.word()?);
        }
        for item in simple.suffix.iter().flat_map(|suffix| &suffix.0) {
            self.item(item, false, &mut command)?;
        }
        let words = command.words.iter().map(|word| word.span);
        let assignments = command.assignments.iter().map(|assignment| assignment.span);
        let redirections = command.redirections.iter().map(|redirection| redirection.span);
        let parts = words.chain(assignments).chain(redirections).reduce(Span::join);
        command.span = parts.unwrap_or(command.span);
        self.script.commands.push(command);
        Ok(())
    }

    fn item(&mut self, item: &ast::CommandPrefixOrSuffixItem, in_front: bool, command: &mut Command) -> Walk {
        match item {
            ast::CommandPrefixOrSuffixItem::Word(_) => command.words.push(self.word()?),
            ast::CommandPrefixOrSuffixItem::IoRedirect(redirection) => {
                command.redirections.extend(self.redirection(redirection)?);
            }
            ast::CommandPrefixOrSuffixItem::AssignmentWord(assignment, _) if in_front => {
                command.assignments.push(self.assignment(assignment)?);
            }
            ast::CommandPrefixOrSuffixItem::AssignmentWord(assignment, _) => {
                command.words.push(self.word()?);
                self.array(&assignment.value)?;
            }
            ast::CommandPrefixOrSuffixItem::ProcessSubstitution(..) => {
                let at = self.position;
                self.process_substitution(item_subshell(item))?;
                command.words.push(self.process_word(at));
            }
        }
        Ok(())
    }

    fn assignment(&mut self, assignment: &ast::Assignment) -> Walk<Assignment> {
        let word = self.word()?;
        let span = word.span.join(self.array(&assignment.value)?.unwrap_or(word.span));
        if assignment.append {
            self.script.bashisms.push(span);
        }
        let is_array = matches!(assignment.value, ast::AssignmentValue::Array(_));
        let plain = grammar::plain_text(&word);
        match word.as_assignment(self.lexer.text()) {
            Some((name, value)) => {
                let value = Some(value).filter(|_| !is_array);
                Ok(Assignment { span, name, value, appends: assignment.append })
            }
            None => {
                let name = plain.split(['[', '=', '+']).next().unwrap_or_default().to_owned();
                self.script.bashisms.push(span);
                Ok(Assignment { span, name, value: None, appends: assignment.append })
            }
        }
    }

    /// Takes the parentheses of an array, if it is one, and gives their span.
    fn array(&mut self, value: &ast::AssignmentValue) -> Walk<Option<Span>> {
        if !matches!(value, ast::AssignmentValue::Array(_)) {
            return Ok(None);
        }
        let before = self.position.checked_sub(1).and_then(|index| self.tokens.get(index)).map(|token| token.span);
        let open = self.operator("(")?;
        if before.is_none_or(|name| name.end() != open.start()) {
            return Err(self.unexpected());
        }
        while !self.next_is_operator(")") {
            if self.next_is_operator("\n") {
                self.position += 1;
            } else {
                self.word()?;
            }
        }
        let span = open.join(self.operator(")")?);
        self.script.bashisms.push(span);
        Ok(Some(span))
    }

    /// Takes `<( … )` or `>( … )`.
    fn process_substitution(&mut self, subshell: Option<&ast::SubshellCommand>) -> Walk {
        let start = self.tokens.get(self.position).map_or(Span::at(0), |token| token.span);
        if self.operator("<").is_err() {
            self.operator(">")?;
        }
        let subshell = subshell.ok_or_else(|| self.unexpected())?;
        let open = self.operator("(")?;
        self.nested(Nesting::Substitution, |walker| walker.list(&subshell.list))?;
        let close = self.operator(")")?;
        self.script.bashisms.push(start.join(close));
        // `cat < (x)` is a syntax error that the grammar does not see.
        if start.end() == open.start() { Ok(()) } else { Err(self.unexpected()) }
    }

    /// A word that stands for the process substitution from the token `at` up to here; nothing can be known of it.
    fn process_word(&self, at: usize) -> Word {
        let tokens = self.tokens.get(at..self.position).unwrap_or_default();
        let in_place = tokens.iter().filter(|token| matches!(token.kind, TokenKind::Operator(_) | TokenKind::Word(_)));
        let span = in_place.map(|token| token.span).reduce(Span::join).unwrap_or_default();
        let piece = super::word::Piece { span, quoted: true, kind: PieceKind::CommandSubstitution(span) };
        Word { span, pieces: vec![piece], brace_expansion: None, splits: false }
    }

    /// Takes the redirections of a compound command: those to and from files are told as a command without words.
    pub(super) fn redirections(&mut self, list: Option<&ast::RedirectList>) -> Walk {
        let mut redirections = Vec::new();
        for redirection in list.iter().flat_map(|list| &list.0) {
            redirections.extend(self.redirection(redirection)?);
        }
        redirections.retain(|redirection| redirection.kind != RedirectionKind::Duplicate);
        if let Some(span) = redirections.iter().map(|redirection| redirection.span).reduce(Span::join) {
            self.script.commands.push(Command { span, redirections, ..self.empty_command() });
        }
        Ok(())
    }

    /// A command at this place, before anything of it is taken.
    fn empty_command(&self) -> Command {
        Command {
            span: Span::at(self.tokens.get(self.position).map_or(0, |token| token.span.start())),
            assignments: Vec::new(),
            words: Vec::new(),
            redirections: Vec::new(),
            place: Place { nesting: self.nesting.clone() },
            statement: self.script.statements.len(),
        }
    }

    /// `None` for the `2>&1` that brush adds for `|&`.
    fn redirection(&mut self, redirection: &ast::IoRedirect) -> Walk<Option<Redirection>> {
        if matches!(redirection, ast::IoRedirect::File(_, _, ast::IoFileRedirectTarget::Fd(_))) {
            return Ok(None);
        }
        let at = self.position;
        let has_number = self.tokens.get(at).and_then(Token::word).is_some();
        self.position += usize::from(has_number);
        let operator = self.tokens.get(self.position).cloned().ok_or_else(|| self.unexpected())?;
        let TokenKind::Operator(sign) = operator.kind else { return Err(self.unexpected()) };
        let kind = redirection_kind(sign).ok_or_else(|| self.unexpected())?;
        self.position += 1;
        let start = self.tokens.get(at).map_or(operator.span, |token| token.span);
        if let ast::IoRedirect::File(_, _, ast::IoFileRedirectTarget::ProcessSubstitution(_, subshell)) = redirection {
            let target = self.position;
            self.process_substitution(Some(subshell))?;
            let span = start.join(self.process_word(target).span);
            return Ok(Some(Redirection { span, kind, target: None, heredoc: None }));
        }
        if kind == RedirectionKind::Heredoc {
            return self.heredoc(start).map(Some);
        }
        let word = self.word()?;
        let is_descriptor =
            word.literal().is_some_and(|text| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'));
        let kind = if sign == ">&" && !is_descriptor { RedirectionKind::Both } else { kind };
        if kind == RedirectionKind::Both && sign == ">&" {
            self.script.bashisms.push(operator.span);
        }
        Ok(Some(Redirection { span: start.join(word.span), kind, target: Some(word), heredoc: None }))
    }

    fn heredoc(&mut self, start: Span) -> Walk<Redirection> {
        let tag =
            self.tokens.get(self.position).and_then(|token| token.word().cloned()).ok_or_else(|| self.unexpected())?;
        let (Some(body), Some(end)) = (self.tokens.get(self.position + 1), self.tokens.get(self.position + 2)) else {
            return Err(self.unexpected());
        };
        let (TokenKind::HeredocBody(text), TokenKind::HeredocEnd) = (&body.kind, &end.kind) else {
            return Err(self.unexpected());
        };
        self.position += 3;
        if let Some(text) = text {
            self.pieces(&text.pieces)?;
        }
        let heredoc = Heredoc { body: body.span, end: end.span, text: text.clone() };
        let kind = RedirectionKind::Heredoc;
        Ok(Redirection { span: start.join(tag.span), kind, target: Some(tag), heredoc: Some(heredoc) })
    }

    fn extended_test(&mut self) -> Walk {
        let start = self.reserved("[[")?;
        while !self.next_is_reserved("]]") {
            if self.tokens.get(self.position).and_then(Token::word).is_some() {
                self.word()?;
            } else if self.position < self.tokens.len() {
                self.position += 1;
            } else {
                return Err(self.unexpected());
            }
        }
        let end = self.reserved("]]")?;
        self.script.bashisms.push(start.join(end));
        // A match against a regular expression leaves its groups behind.
        if self.lexer.slice(start.join(end)).contains("=~") {
            self.change(start.join(end), Reason::Variable("BASH_REMATCH".to_owned()));
        }
        Ok(())
    }
}

const fn item_subshell(item: &ast::CommandPrefixOrSuffixItem) -> Option<&ast::SubshellCommand> {
    if let ast::CommandPrefixOrSuffixItem::ProcessSubstitution(_, subshell) = item { Some(subshell) } else { None }
}

fn redirection_kind(sign: &str) -> Option<RedirectionKind> {
    Some(match sign {
        "<" => RedirectionKind::Read,
        ">" | ">|" => RedirectionKind::Write,
        ">>" => RedirectionKind::Append,
        "<>" => RedirectionKind::ReadWrite,
        "<&" | ">&" => RedirectionKind::Duplicate,
        "&>" | "&>>" => RedirectionKind::Both,
        "<<<" => RedirectionKind::HereString,
        "<<" | "<<-" => RedirectionKind::Heredoc,
        _ => return None,
    })
}
