use super::Opaque;
use super::lexer::Lexer;
use super::word::{Operation, Parameter};
use crate::text::Span;

/// Reading of parameter expansions. POSIX shell, 2.6.2, and what bash adds to it.
impl Lexer<'_> {
    /// `$X`, `$1`, `$?`; `None` where the dollar sign stands for itself.
    pub(super) fn plain_parameter(&mut self) -> Result<Option<Parameter>, Opaque> {
        let Some(length) = self.parameter_name_length(1, false) else { return Ok(None) };
        let start = self.position() + 1;
        let name_span = Span::new(start, start + length);
        self.advance(1 + length);
        let name = self.slice(name_span).to_owned();
        let goes_on = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if self.rest().starts_with("\\\n") && self.peek_at(2).is_some_and(goes_on) {
            return Err(self.opaque_here("a variable's name that may go on behind a continuation"));
        }
        Ok(Some(Parameter { name, name_span, indirect: false, operation: Operation::Plain }))
    }

    /// How long the name of a parameter at `offset` from here is, in bytes.
    fn parameter_name_length(&self, offset: usize, braced: bool) -> Option<usize> {
        let rest = self.rest().get(offset..)?;
        let first = rest.bytes().next()?;
        let run = |accepts: fn(u8) -> bool| rest.bytes().take_while(|byte| accepts(*byte)).count();
        match first {
            b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!' => Some(1),
            b'0'..=b'9' if braced => Some(run(|byte| byte.is_ascii_digit())),
            b'0'..=b'9' => Some(1),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => Some(run(|byte| byte.is_ascii_alphanumeric() || byte == b'_')),
            _ => None,
        }
    }

    /// `${…}`.
    pub(super) fn braced_parameter(&mut self, quoted: bool) -> Result<Parameter, Opaque> {
        let at = self.position();
        self.enter()?;
        self.advance(2);
        let is_prefix = |lexer: &Self, sign: u8| lexer.peek() == Some(sign) && lexer.peek_at(1) != Some(b'}');
        let length = is_prefix(self, b'#') && self.parameter_name_length(1, true).is_some();
        let indirect = is_prefix(self, b'!') && self.parameter_name_length(1, true).is_some();
        if length || indirect {
            self.advance(1);
        }
        let Some(name_length) = self.parameter_name_length(0, true) else {
            return Err(Opaque::new(Span::new(at, self.position()), "a parameter expansion without a name"));
        };
        let name_span = Span::new(self.position(), self.position() + name_length);
        self.advance(name_length);
        let operation = self.operation(quoted, length)?;
        self.advance(1);
        self.leave();
        if indirect || matches!(operation, Operation::Bash(_)) {
            self.note_bashism(Span::new(at, self.position()));
        }
        Ok(Parameter { name: self.slice(name_span).to_owned(), name_span, indirect, operation })
    }

    /// What stands between a parameter's name and its closing brace, which is not consumed.
    fn operation(&mut self, quoted: bool, length: bool) -> Result<Operation, Opaque> {
        let colon = usize::from(self.peek() == Some(b':'));
        match self.peek_at(colon) {
            Some(b'}') if colon == 0 => return Ok(if length { Operation::Length } else { Operation::Plain }),
            Some(sign @ (b'-' | b'=' | b'+' | b'?')) if !length => {
                self.advance(colon + 1);
                let value = self.operand(quoted)?;
                return Ok(match sign {
                    b'-' => Operation::Default { when_empty: colon == 1, value },
                    b'=' => Operation::Assign(value),
                    b'+' => Operation::Alternative(value),
                    _ => Operation::Demand(value),
                });
            }
            _ => {}
        }
        match self.peek() {
            Some(sign @ (b'#' | b'%')) if !length => {
                self.advance(if self.peek_at(1) == Some(sign) { 2 } else { 1 });
                // A pattern is read as unquoted even where the expansion is quoted.
                Ok(Operation::Trim(self.operand(false)?))
            }
            Some(b':' | b'/' | b'^' | b',' | b'@' | b'[' | b'*') => self.bash_operation(quoted),
            _ => Err(self.opaque_here("a parameter expansion of an unknown kind")),
        }
    }

    /// The rest of an expansion that POSIX does not know. Where it is quoted, bash is of two minds about the single
    /// quotes inside.
    fn bash_operation(&mut self, quoted: bool) -> Result<Operation, Opaque> {
        let operand = self.operand(quoted)?;
        if quoted && self.slice(operand.span).contains('\'') {
            return Err(Opaque::new(operand.span, "a single quote in a quoted expansion"));
        }
        Ok(Operation::Bash(operand))
    }
}
