//! GitLab's expressions, as `rules:if` and `only:variables` hold them (GitLab docs: ci/jobs/job_rules, "CI/CD variable
//! expressions"; the lexemes of `lib/gitlab/ci/pipeline/expression`).

use std::rc::Rc;

use regex::Regex;

/// An expression.
#[derive(Clone, Debug)]
pub(super) enum Expression {
    /// `null`.
    Null,
    /// A text in quotes.
    Text(Rc<str>),
    /// `$NAME`.
    Variable(Rc<str>),
    /// `left == right` or, where the flag is not set, `left != right`.
    Compare(Box<Expression>, Box<Expression>, bool),
    /// `left =~ right` or, where the flag is not set, `left !~ right`.
    Match(Box<Expression>, Pattern, bool),
    /// `left && right`.
    And(Box<Expression>, Box<Expression>),
    /// `left || right`.
    Or(Box<Expression>, Box<Expression>),
    /// What is not understood here: it holds or it does not.
    Opaque(Rc<str>),
}

/// The right side of a match.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    /// As it is written: `/…/flags`, or the variable that holds it.
    pub(super) written: Rc<str>,
    /// The regular expression, where it can be read here.
    pub(super) regex: Option<Rc<Regex>>,
}

impl Pattern {
    /// Reads `/…/flags`; `None` for a text of another shape.
    pub(super) fn read(written: &str) -> Option<Self> {
        let (body, flags) = written.strip_prefix('/')?.rsplit_once('/')?;
        if body.is_empty() || !flags.bytes().all(|flag| b"ismU".contains(&flag)) {
            return None;
        }
        let body = body.replace("\\/", "/");
        let text = if flags.is_empty() { body } else { format!("(?{flags}){body}") };
        Some(Self { written: Rc::from(written), regex: Regex::new(&text).ok().map(Rc::new) })
    }
}

impl Expression {
    /// Reads an expression. One that cannot be read is opaque as a whole, which is never wrong.
    pub(super) fn parse(text: &str) -> Self {
        let opaque = || Self::Opaque(Rc::from(text.split_whitespace().collect::<Vec<_>>().join(" ")));
        let Some(tokens) = tokens(text) else {
            return opaque();
        };
        let mut parser = Parser { tokens: &tokens };
        match parser.either() {
            Some(expression) if parser.tokens.is_empty() => expression,
            _ => opaque(),
        }
    }

    /// Whether an operand stands for one value, and is no logic of its own.
    const fn is_plain(&self) -> bool {
        matches!(self, Self::Null | Self::Text(_) | Self::Variable(_))
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Null,
    Text(Rc<str>),
    Variable(Rc<str>),
    Pattern(Rc<str>),
    Operator(&'static str),
}

const OPERATORS: [&str; 8] = ["==", "!=", "=~", "!~", "&&", "||", "(", ")"];

/// The most tokens of an expression (GitLab: `Expression::Lexer::MAX_TOKENS`).
const MOST_TOKENS: usize = 100;

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        if tokens.len() == MOST_TOKENS {
            return None;
        }
        let (token, after) = token(rest)?;
        tokens.push(token);
        rest = after.trim_start();
    }
    Some(tokens)
}

fn token(rest: &str) -> Option<(Token, &str)> {
    if let Some(operator) = OPERATORS.into_iter().find(|operator| rest.starts_with(operator)) {
        return Some((Token::Operator(operator), rest.get(operator.len()..)?));
    }
    let first = rest.chars().next()?;
    let inner = rest.get(first.len_utf8()..)?;
    match first {
        '$' => {
            let (name, after) = inner.split_at(word_length(inner));
            (!name.is_empty()).then(|| (Token::Variable(Rc::from(name)), after))
        }
        '"' | '\'' => inner.split_once(first).map(|(text, after)| (Token::Text(Rc::from(text)), after)),
        '/' => pattern(rest),
        _ => {
            let (word, after) = rest.split_at(word_length(rest));
            (word == "null").then_some((Token::Null, after))
        }
    }
}

fn word_length(text: &str) -> usize {
    text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count()
}

/// `/…/flags`, up to the first slash without a backslash before it.
fn pattern(rest: &str) -> Option<(Token, &str)> {
    let is_end = |at: &usize| rest.as_bytes().get(at - 1) != Some(&b'\\');
    let end = rest.match_indices('/').map(|(at, _)| at).filter(|at| *at > 0).find(is_end)?;
    let flags = rest.bytes().skip(end + 1).take_while(|byte| b"ismU".contains(byte)).count();
    let (written, after) = rest.split_at(end + 1 + flags);
    Some((Token::Pattern(Rc::from(written)), after))
}

/// Reads by descent: `||` binds weaker than `&&`, and that weaker than the comparisons.
struct Parser<'a> {
    tokens: &'a [Token],
}

impl Parser<'_> {
    fn either(&mut self) -> Option<Expression> {
        let mut left = self.both()?;
        while self.takes("||") {
            left = Expression::Or(Box::new(left), Box::new(self.both()?));
        }
        Some(left)
    }

    fn both(&mut self) -> Option<Expression> {
        let mut left = self.comparison()?;
        while self.takes("&&") {
            left = Expression::And(Box::new(left), Box::new(self.comparison()?));
        }
        Some(left)
    }

    fn comparison(&mut self) -> Option<Expression> {
        let left = self.operand()?;
        for (operator, is_equal) in [("==", true), ("!=", false)] {
            if self.takes(operator) {
                let right = self.operand().filter(Expression::is_plain)?;
                return left.is_plain().then(|| Expression::Compare(Box::new(left), Box::new(right), is_equal));
            }
        }
        for (operator, is_match) in [("=~", true), ("!~", false)] {
            if self.takes(operator) {
                let pattern = self.pattern()?;
                return left.is_plain().then(|| Expression::Match(Box::new(left), pattern, is_match));
            }
        }
        Some(left)
    }

    fn operand(&mut self) -> Option<Expression> {
        if self.takes("(") {
            let inner = self.either()?;
            return self.takes(")").then_some(inner);
        }
        let operand = match self.tokens.first()? {
            Token::Null => Expression::Null,
            Token::Text(text) => Expression::Text(Rc::clone(text)),
            Token::Variable(name) => Expression::Variable(Rc::clone(name)),
            Token::Pattern(_) | Token::Operator(_) => return None,
        };
        self.next();
        Some(operand)
    }

    fn pattern(&mut self) -> Option<Pattern> {
        let pattern = match self.tokens.first()? {
            Token::Pattern(written) => Pattern::read(written)?,
            Token::Variable(name) => Pattern { written: Rc::from(format!("${name}")), regex: None },
            _ => return None,
        };
        self.next();
        Some(pattern)
    }

    fn takes(&mut self, operator: &str) -> bool {
        let is_next = matches!(self.tokens.first(), Some(Token::Operator(next)) if *next == operator);
        if is_next {
            self.next();
        }
        is_next
    }

    fn next(&mut self) {
        self.tokens = self.tokens.get(1..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::Expression;

    fn shape(text: &str) -> String {
        fn of(expression: &Expression) -> String {
            match expression {
                Expression::Null => "null".to_owned(),
                Expression::Text(text) => format!("'{text}'"),
                Expression::Variable(name) => format!("${name}"),
                Expression::Compare(left, right, is) => {
                    format!("[{} {} {}]", of(left), if *is { "==" } else { "!=" }, of(right))
                }
                Expression::Match(left, pattern, is) => {
                    format!("[{} {} {}]", of(left), if *is { "=~" } else { "!~" }, pattern.written)
                }
                Expression::And(left, right) => format!("({} and {})", of(left), of(right)),
                Expression::Or(left, right) => format!("({} or {})", of(left), of(right)),
                Expression::Opaque(text) => format!("?{text}"),
            }
        }
        of(&Expression::parse(text))
    }

    #[test]
    fn and_binds_stronger_than_or_and_brackets_win() {
        assert_eq!(shape("$A || $B && $C == 'x'"), "($A or ($B and [$C == 'x']))");
        assert_eq!(shape("($A||$B)&&$C!=null"), "(($A or $B) and [$C != null])");
    }

    #[test]
    fn patterns_end_at_the_first_bare_slash() {
        assert_eq!(shape(r"$CI_COMMIT_TAG =~ /^v\d\/x/i && $A"), r"([$CI_COMMIT_TAG =~ /^v\d\/x/i] and $A)");
        assert_eq!(shape("$A !~ $B"), "[$A !~ $B]");
    }

    #[test]
    fn what_is_not_understood_is_opaque_as_a_whole() {
        let deep = format!("{}$A{}", "(".repeat(50_000), ")".repeat(50_000));
        for text in [&*deep, "!$A", "$A ==", "$A = 'b'", "($A", "${A}", "$A == true", "($A && $B) == 'x'", "'open"] {
            assert!(shape(text).starts_with('?'), "{text}: {}", shape(text));
        }
    }
}
