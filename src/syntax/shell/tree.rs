use brush_parser::ast;

use super::command::{Nesting, Place};
use super::grammar;
use super::lexer::{Lexer, Token, TokenKind};
use super::reader::arithmetic_names;
use super::state::Reason;
use super::word::{Operation, Parameter, Piece, PieceKind, Word};
use super::{Opaque, Script, StateChange, Statement, VariableUse};
use crate::text::Span;

/// Walks the tree of one script along its tokens, which know where everything stands.
///
/// brush's tree knows what belongs to what; many of its nodes have no place or a wrong one. Each step takes the
/// tokens that its node is made of; where they are not what the node says, the script is opaque.
pub(super) struct Walker<'a> {
    pub(super) lexer: &'a Lexer<'a>,
    pub(super) tokens: &'a [Token],
    pub(super) position: usize,
    pub(super) nesting: Vec<Nesting>,
    pub(super) script: &'a mut Script,
}

/// What a step of the walk comes to.
pub(super) type Walk<T = ()> = Result<T, Opaque>;

impl<'a> Walker<'a> {
    /// Walks the script that `tokens` are, nested in `nesting`; its commands and uses go to `script`.
    pub(super) fn walk(
        lexer: &'a Lexer<'a>,
        tokens: &'a [Token],
        nesting: Vec<Nesting>,
        script: &'a mut Script,
    ) -> Walk {
        let program = grammar::parse(tokens)?;
        let mut walker = Self { lexer, tokens, position: 0, nesting, script };
        walker.skip_separators();
        for list in &program.complete_commands {
            walker.list(list)?;
        }
        match walker.tokens.get(walker.position) {
            None => Ok(()),
            Some(token) => Err(Opaque::new(token.span, "a syntax error")),
        }
    }

    /// A list of statements with what separates them.
    pub(super) fn list(&mut self, list: &ast::CompoundList) -> Walk {
        self.skip_separators();
        for ast::CompoundListItem(and_or, separator) in &list.0 {
            let first = self.position;
            let background = matches!(separator, ast::SeparatorOperator::Async);
            if background {
                self.nested(Nesting::Background, |walker| walker.and_or(and_or))?;
            } else {
                self.and_or(and_or)?;
            }
            let separator = self.tokens.get(self.position).map(|token| token.span);
            if background {
                self.change(separator.unwrap_or_default(), Reason::Background);
            }
            if self.nesting.is_empty() {
                self.statement(first, background);
            }
            self.skip_separators();
        }
        Ok(())
    }

    /// Notes the top-level statement from the token `first` up to here.
    fn statement(&mut self, first: usize, background: bool) {
        let tokens = self.tokens.get(first..self.position).unwrap_or_default();
        let in_place = tokens.iter().filter(|token| matches!(token.kind, TokenKind::Operator(_) | TokenKind::Word(_)));
        let Some(span) = in_place.map(|token| token.span).reduce(Span::join) else { return };
        let bodies = tokens.iter().filter(|token| !matches!(token.kind, TokenKind::Operator(_) | TokenKind::Word(_)));
        let heredocs = bodies.map(|token| token.span).collect();
        let separator = self.tokens.get(self.position).map(|token| token.span);
        self.script.statements.push(Statement { span, heredocs, separator, background });
    }

    fn and_or(&mut self, list: &ast::AndOrList) -> Walk {
        let last = list.additional.len();
        self.tested(last > 0, |walker| walker.pipeline(&list.first))?;
        for (index, next) in list.additional.iter().enumerate() {
            let (operator, nesting, pipeline) = match next {
                ast::AndOr::And(pipeline) => ("&&", Nesting::And, pipeline),
                ast::AndOr::Or(pipeline) => ("||", Nesting::Or, pipeline),
            };
            self.operator(operator)?;
            self.skip_line_breaks();
            self.nested(nesting, |walker| walker.tested(index + 1 < last, |walker| walker.pipeline(pipeline)))?;
        }
        Ok(())
    }

    fn pipeline(&mut self, pipeline: &ast::Pipeline) -> Walk {
        if let Some(timed) = &pipeline.timed {
            let span = self.reserved("time")?;
            self.script.bashisms.push(span);
            if timed.is_posix_output() {
                self.reserved("-p")?;
            }
        }
        let mut negated = false;
        while self.next_is_reserved("!") {
            self.position += 1;
            negated = true;
        }
        if negated {
            self.nested(Nesting::Negated, |walker| walker.commands(&pipeline.seq))
        } else {
            self.commands(&pipeline.seq)
        }
    }

    fn commands(&mut self, commands: &[ast::Command]) -> Walk {
        // The grammar lets `!` and `time` stand alone, shells do so only here and there.
        let [first, rest @ ..] = commands else { return Err(self.unexpected()) };
        if rest.is_empty() {
            return self.command(first);
        }
        self.nested(Nesting::Pipeline, |walker| {
            walker.command(first)?;
            for command in rest {
                if walker.operator("|").is_err() {
                    walker.operator("|&")?;
                }
                walker.skip_line_breaks();
                walker.command(command)?;
            }
            Ok(())
        })
    }

    /// Takes one word, and notes what it expands.
    pub(super) fn word(&mut self) -> Walk<Word> {
        let token = self.tokens.get(self.position).and_then(|token| token.word().cloned());
        let word = token.ok_or_else(|| self.unexpected())?;
        self.position += 1;
        self.pieces(&word.pieces)?;
        Ok(word)
    }

    /// Notes the variables and walks the scripts of `pieces`, which nest no deeper than the reader of words goes.
    pub(super) fn pieces(&mut self, pieces: &[Piece]) -> Walk {
        for piece in pieces {
            match &piece.kind {
                PieceKind::Parameter(parameter) => self.parameter(parameter)?,
                PieceKind::CommandSubstitution(script) => self.substitution(*script)?,
                PieceKind::Arithmetic(pieces) => {
                    self.arithmetic(piece.span, pieces);
                    self.pieces(pieces)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn parameter(&mut self, parameter: &Parameter) -> Walk {
        let Parameter { name, name_span, indirect, operation } = parameter;
        let use_ = VariableUse { name: name.clone(), span: *name_span, indirect: *indirect };
        if parameter.is_variable() {
            self.script.variables.push(use_);
        } else {
            self.script.special_parameters.push(use_);
        }
        if matches!(operation, Operation::Assign(_)) {
            self.change(*name_span, Reason::Variable(name.clone()));
        }
        let Some(operand) = operation.operand() else { return Ok(()) };
        let has_numbers = self.lexer.slice(operand.span).starts_with([':', '[']);
        if matches!(operation, Operation::Bash(_)) && has_numbers {
            // The offsets of a substring and the subscripts of an array are arithmetic.
            self.arithmetic(operand.span, &operand.pieces);
        }
        if operation.is_conditional() {
            self.nested(Nesting::Conditional, |walker| walker.pieces(&operand.pieces))
        } else {
            self.pieces(&operand.pieces)
        }
    }

    fn substitution(&mut self, script: Span) -> Walk {
        let tokens = self.lexer.substitutions.get(&script).ok_or_else(|| self.unexpected())?;
        let mut nesting = self.nesting.clone();
        nesting.push(Nesting::Substitution);
        Walker::walk(self.lexer, tokens, nesting, self.script)
    }

    /// Notes the bare names in an arithmetic expression, and whether it assigns to one of them.
    pub(super) fn arithmetic(&mut self, span: Span, pieces: &[Piece]) {
        for piece in pieces.iter().filter(|piece| matches!(piece.kind, PieceKind::Literal(_))) {
            for (name, span) in arithmetic_names(self.lexer.slice(piece.span), piece.span.start()) {
                self.script.variables.push(VariableUse { name, span, indirect: false });
            }
        }
        if may_assign(self.lexer.slice(span)) {
            self.change(span, Reason::Arithmetic);
        }
    }

    /// Notes something that outlives its line, unless it happens in a shell of its own or when a function is called.
    pub(super) fn change(&mut self, span: Span, reason: Reason) {
        let place = Place { nesting: self.nesting.clone() };
        if !place.is_confined() && !place.is_in_function() {
            self.script.changes.push(StateChange { span, reason });
        }
    }

    /// Walks with one more nesting.
    pub(super) fn nested(&mut self, nesting: Nesting, walk: impl FnOnce(&mut Self) -> Walk) -> Walk {
        self.nesting.push(nesting);
        walk(self)?;
        self.nesting.pop();
        Ok(())
    }

    pub(super) fn tested(&mut self, tested: bool, walk: impl FnOnce(&mut Self) -> Walk) -> Walk {
        if tested { self.nested(Nesting::Tested, walk) } else { walk(self) }
    }

    /// Takes the operator that must stand here.
    pub(super) fn operator(&mut self, operator: &str) -> Walk<Span> {
        let token = self.tokens.get(self.position).filter(|token| token.is_operator(operator));
        let span = token.map(|token| token.span).ok_or_else(|| self.unexpected())?;
        self.position += 1;
        Ok(span)
    }

    /// Takes the reserved word that must stand here.
    pub(super) fn reserved(&mut self, text: &str) -> Walk<Span> {
        if !self.next_is_reserved(text) {
            return Err(self.unexpected());
        }
        let span = self.tokens.get(self.position).map_or(Span::at(0), |token| token.span);
        self.position += 1;
        Ok(span)
    }

    pub(super) fn next_is_reserved(&self, text: &str) -> bool {
        let word = self.tokens.get(self.position).and_then(Token::word);
        word.is_some_and(|word| grammar::plain_text(word) == text)
    }

    pub(super) fn next_is_operator(&self, operator: &str) -> bool {
        self.tokens.get(self.position).is_some_and(|token| token.is_operator(operator))
    }

    pub(super) fn skip_line_breaks(&mut self) {
        while self.next_is_operator("\n") {
            self.position += 1;
        }
    }

    pub(super) fn skip_separators(&mut self) {
        while self.next_is_operator("\n") || self.next_is_operator(";") || self.next_is_operator("&") {
            self.position += 1;
        }
    }

    /// That the tokens are not what the tree says.
    pub(super) fn unexpected(&self) -> Opaque {
        let span = self.tokens.get(self.position).or(self.tokens.last()).map_or(Span::at(0), |token| token.span);
        Opaque::new(span, "a construct that is not understood")
    }
}

/// Whether arithmetic may assign: it increments, or has an equals sign that compares nothing.
fn may_assign(expression: &str) -> bool {
    let compares = ["==", "!=", "<=", ">="];
    let bare =
        compares.iter().fold(expression.replace("<<=", "=").replace(">>=", "="), |text, sign| text.replace(sign, " "));
    bare.contains('=') || bare.contains("++") || bare.contains("--")
}
