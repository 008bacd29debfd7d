use brush_parser::ast;

use super::Opaque;
use super::command::Nesting;
use super::compound::{Compound, CompoundKind};
use super::lexer::{Token, TokenKind};
use super::state::Reason;
use super::tree::{Walk, Walker};
use super::word::PieceKind;
use crate::text::Span;

/// The steps of the walk through compound commands and functions. POSIX shell, 2.9.4 and 2.9.5.
impl Walker<'_> {
    pub(super) fn compound(&mut self, compound: &ast::CompoundCommand) -> Walk {
        match compound {
            ast::CompoundCommand::Arithmetic(_) => self.arithmetic_command(),
            ast::CompoundCommand::ArithmeticForClause(clause) => self.arithmetic_for(clause),
            ast::CompoundCommand::BraceGroup(group) => {
                self.reserved("{")?;
                self.nested(Nesting::Group, |walker| walker.list(&group.list))?;
                self.reserved("}").map(|_| ())
            }
            ast::CompoundCommand::Subshell(subshell) => {
                let start = self.position;
                self.operator("(")?;
                self.nested(Nesting::Subshell, |walker| walker.list(&subshell.list))?;
                self.operator(")")?;
                self.compound_since(start, CompoundKind::Subshell);
                Ok(())
            }
            ast::CompoundCommand::ForClause(clause) => self.for_clause(clause),
            ast::CompoundCommand::CaseClause(clause) => self.case_clause(clause),
            ast::CompoundCommand::IfClause(clause) => self.if_clause(clause),
            ast::CompoundCommand::WhileClause(clause) => self.while_clause("while", clause),
            ast::CompoundCommand::UntilClause(clause) => self.while_clause("until", clause),
            ast::CompoundCommand::Coprocess(_) => Err(self.unexpected()),
        }
    }

    fn if_clause(&mut self, clause: &ast::IfClauseCommand) -> Walk {
        let start = self.position;
        self.reserved("if")?;
        self.nested(Nesting::Tested, |walker| walker.list(&clause.condition))?;
        self.reserved("then")?;
        let mut branches = vec![self.branch(Nesting::Conditional, |walker| walker.list(&clause.then))?];
        for branch in clause.elses.iter().flatten() {
            branches.push(self.branch(Nesting::Conditional, |walker| {
                if let Some(condition) = &branch.condition {
                    walker.reserved("elif")?;
                    walker.nested(Nesting::Tested, |walker| walker.list(condition))?;
                    walker.reserved("then")?;
                } else {
                    walker.reserved("else")?;
                }
                walker.list(&branch.body)
            })?);
        }
        let is_complete = clause.elses.iter().flatten().any(|branch| branch.condition.is_none());
        self.reserved("fi")?;
        self.compound_since(start, CompoundKind::Choice { branches, is_complete });
        Ok(())
    }

    /// Walks one of the branches of a choice, and says where it stands.
    fn branch(&mut self, nesting: Nesting, walk: impl FnOnce(&mut Self) -> Walk) -> Walk<Span> {
        let start = self.position;
        self.nested(nesting, walk)?;
        Ok(self.span_since(start))
    }

    /// The bytes of the tokens from the one of number `first` up to here.
    fn span_since(&self, first: usize) -> Span {
        let tokens = self.tokens.get(first..self.position).unwrap_or_default();
        let in_place = tokens.iter().filter(|token| matches!(token.kind, TokenKind::Operator(_) | TokenKind::Word(_)));
        in_place.map(|token| token.span).reduce(Span::join).unwrap_or_default()
    }

    fn compound_since(&mut self, first: usize, kind: CompoundKind) {
        let span = self.span_since(first);
        self.script.compounds.push(Compound { span, kind });
    }

    fn while_clause(&mut self, keyword: &str, clause: &ast::WhileOrUntilClauseCommand) -> Walk {
        let start = self.position;
        self.reserved(keyword)?;
        self.nested(Nesting::Loop, |walker| {
            walker.nested(Nesting::Tested, |walker| walker.list(&clause.0))?;
            walker.do_group(&clause.1)
        })?;
        self.compound_since(start, CompoundKind::While);
        Ok(())
    }

    fn for_clause(&mut self, clause: &ast::ForClauseCommand) -> Walk {
        let start = self.position;
        self.reserved("for")?;
        let variable = self.word()?;
        self.change(variable.span, Reason::Variable(clause.variable_name.clone()));
        self.skip_separators();
        let mut runs = false;
        if self.next_is_reserved("in") {
            self.position += 1;
            for _ in clause.values.iter().flatten() {
                let word = self.word()?;
                runs |= !word.splits || word.pieces.iter().any(|piece| is_written_out(&piece.kind));
            }
        }
        self.skip_separators();
        self.nested(Nesting::Loop, |walker| walker.do_group(&clause.body))?;
        self.compound_since(start, CompoundKind::For { variable: clause.variable_name.clone(), runs });
        Ok(())
    }

    fn do_group(&mut self, group: &ast::DoGroupCommand) -> Walk {
        self.reserved("do")?;
        self.list(&group.list)?;
        self.reserved("done").map(|_| ())
    }

    fn case_clause(&mut self, clause: &ast::CaseClauseCommand) -> Walk {
        let start = self.position;
        self.reserved("case")?;
        self.word()?;
        self.skip_line_breaks();
        self.reserved("in")?;
        self.skip_line_breaks();
        let (mut branches, mut is_complete, mut falls_through) = (Vec::new(), false, false);
        for item in &clause.cases {
            branches.push(self.case_item(item, &mut is_complete)?);
            falls_through |= !matches!(item.post_action, ast::CaseItemPostAction::ExitCase);
        }
        self.reserved("esac")?;
        // Where one branch goes on in the next, it is no choice between them.
        let kind = if falls_through { CompoundKind::While } else { CompoundKind::Choice { branches, is_complete } };
        self.compound_since(start, kind);
        Ok(())
    }

    /// One branch of `case`; `takes_all` tells afterwards whether it, or one before, fits every word.
    fn case_item(&mut self, item: &ast::CaseItem, takes_all: &mut bool) -> Walk<Span> {
        if self.next_is_operator("(") {
            self.position += 1;
        }
        for index in 0..item.patterns.len() {
            if index > 0 {
                self.operator("|")?;
            }
            let pattern = self.word()?;
            *takes_all |= matches!(pattern.pieces.as_slice(), [piece] if piece.kind == PieceKind::Glob("*".to_owned()));
        }
        self.operator(")")?;
        self.skip_line_breaks();
        let body = match &item.cmd {
            Some(list) => self.branch(Nesting::Case, |walker| walker.list(list))?,
            None => Span::default(),
        };
        let ends = [";;", ";&", ";;&"].iter().any(|end| self.next_is_operator(end));
        self.position += usize::from(ends);
        self.skip_line_breaks();
        Ok(body)
    }

    pub(super) fn function(&mut self, function: &ast::FunctionDefinition) -> Walk {
        let start = self.position;
        if self.next_is_reserved("function") {
            let span = self.reserved("function")?;
            self.script.bashisms.push(span);
        }
        let name = self.word()?;
        let Some(text) = name.literal() else { return Err(self.unexpected()) };
        if self.next_is_operator("(") {
            self.operator("(")?;
            self.operator(")")?;
        }
        self.skip_line_breaks();
        self.change(name.span, Reason::Function(text.clone()));
        self.nested(Nesting::Function(text.clone()), |walker| {
            walker.compound(&function.body.0)?;
            walker.redirections(function.body.1.as_ref())
        })?;
        self.compound_since(start, CompoundKind::Function(text));
        Ok(())
    }

    /// Takes `(( … ))`.
    fn arithmetic_command(&mut self) -> Walk {
        let span = self.double_parentheses()?;
        self.script.bashisms.push(span);
        Ok(())
    }

    fn arithmetic_for(&mut self, clause: &ast::ArithmeticForClauseCommand) -> Walk {
        let first = self.position;
        let start = self.reserved("for")?;
        let span = self.double_parentheses()?;
        self.script.bashisms.push(start.join(span));
        self.change(span, Reason::Arithmetic);
        self.skip_separators();
        self.nested(Nesting::Loop, |walker| {
            if walker.next_is_reserved("{") {
                walker.reserved("{")?;
                walker.list(&clause.body.list)?;
                walker.reserved("}").map(|_| ())
            } else {
                walker.do_group(&clause.body)
            }
        })?;
        self.compound_since(first, CompoundKind::While);
        Ok(())
    }

    /// Takes the tokens from `((` to the `))` that closes it, and notes the variables between.
    ///
    /// The grammar takes `( (cd x; make) )` for arithmetic as well, so the parentheses must touch.
    fn double_parentheses(&mut self) -> Walk<Span> {
        let first = self.operator("(")?;
        let second = self.operator("(")?;
        let mut open = 2_usize;
        let mut before = second;
        let mut last = second;
        while open > 0 {
            let token = self.tokens.get(self.position).ok_or_else(|| self.unexpected())?;
            open = if token.is_operator("(") { open + 1 } else { open - usize::from(token.is_operator(")")) };
            (before, last) = (last, token.span);
            if token.word().is_some() {
                let word = self.word()?;
                self.bare_names(&word);
            } else {
                self.position += 1;
            }
        }
        if first.end() != second.start() || before.end() != last.start() || !is_parenthesis(self.token_before(2)) {
            return Err(Opaque::new(first, "parentheses that may be arithmetic or nested subshells"));
        }
        let inside = Span::new(second.end(), before.start());
        self.arithmetic(inside, &[]);
        Ok(first.join(last))
    }

    fn bare_names(&mut self, word: &super::word::Word) {
        let literals = word.pieces.iter().filter(|piece| matches!(piece.kind, PieceKind::Literal(_))).cloned();
        let literals: Vec<_> = literals.collect();
        self.arithmetic(Span::at(word.span.start()), &literals);
    }

    fn token_before(&self, distance: usize) -> Option<&Token> {
        self.tokens.get(self.position.checked_sub(distance)?)
    }
}

/// Whether a word with this piece stays one, whatever its variables hold.
const fn is_written_out(piece: &PieceKind) -> bool {
    matches!(piece, PieceKind::Literal(_))
}

fn is_parenthesis(token: Option<&Token>) -> bool {
    token.is_some_and(|token| token.is_operator(")"))
}
