use std::sync::Arc;

use brush_parser::{ParserOptions, SourcePosition, SourceSpan, ast};

use super::Opaque;
use super::lexer::{Token, TokenKind};
use super::word::{Piece, PieceKind, Word, is_name};
use crate::text::Span;

/// How deeply commands may nest. The grammar calls itself some ten times for each level.
const MAX_DEPTH: usize = 20;
/// How deeply `case` may nest: the grammar reads the last branch of each twice.
const MAX_CASES: usize = 4;
/// How many tokens `[[ … ]]` may hold: the tree of it is as deep as it is long.
const MAX_TEST_TOKENS: usize = 100;
/// How long the number of a descriptor may be, in digits: the grammar takes it for an `i32` unasked.
const MAX_DESCRIPTOR_DIGITS: usize = 4;

/// The syntax tree of one script, by the grammar of brush.
///
/// brush is given our own tokens, since its tokenizer loses blanks inside of `${…}`, counts continuations into
/// words and panics on some input. Its grammar is given nothing that makes it recurse deeply or backtrack for long.
pub(super) fn parse(tokens: &[Token]) -> Result<ast::Program, Opaque> {
    if let Some(program) = plain_command(tokens) {
        return Ok(program);
    }
    by_grammar(tokens)
}

fn by_grammar(tokens: &[Token]) -> Result<ast::Program, Opaque> {
    Guard::check(tokens)?;
    let brush_tokens = brush_tokens(tokens);
    brush_parser::parse_tokens(&brush_tokens, &ParserOptions::default()).map_err(|error| {
        let last = tokens.last().map_or(Span::at(0), |token| Span::at(token.span.end()));
        let span = match error {
            brush_parser::ParseError::ParsingNear(position) => Span::at(position.index),
            _ => last,
        };
        let near = tokens.iter().map(|token| token.span).find(|token| token.start() == span.start());
        Opaque::new(near.unwrap_or(span), "a syntax error")
    })
}

/// The words that mean something to the grammar at the beginning of a command, `coproc` anywhere.
const RESERVED: [&str; 22] = [
    "!", "[[", "]]", "case", "coproc", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if", "in",
    "select", "then", "time", "until", "while", "{", "}",
];

/// The tree of a script that is one command of a few words, as most lines of pipelines are: the grammar, which takes long,
/// makes nothing else of it. The walk along the tree looks at no word of a tree, only at those of the tokens.
fn plain_command(tokens: &[Token]) -> Option<ast::Program> {
    let is_line_break = |token: &&Token| token.is_operator("\n");
    let words = tokens.len() - tokens.iter().rev().take_while(is_line_break).count();
    let (first, rest) = tokens.get(..words)?.split_first()?;
    if !std::iter::once(first).chain(rest).all(|token| token.word().is_some_and(is_plain)) {
        return None;
    }
    let word = || ast::Word { value: String::new(), loc: None };
    let suffix: Vec<_> = rest.iter().map(|_| ast::CommandPrefixOrSuffixItem::Word(word())).collect();
    let suffix = (!suffix.is_empty()).then_some(ast::CommandSuffix(suffix));
    let command = ast::Command::Simple(ast::SimpleCommand { prefix: None, word_or_name: Some(word()), suffix });
    let first = ast::Pipeline { timed: None, bang: false, seq: vec![command] };
    let list = ast::AndOrList { first, additional: Vec::new() };
    let item = ast::CompoundListItem(list, ast::SeparatorOperator::Sequence);
    Some(ast::Program { complete_commands: vec![ast::CompoundList(vec![item])] })
}

/// Whether the grammar sees nothing in a word but a word: it assigns nothing, it is no reserved word and no part of a test.
fn is_plain(word: &Word) -> bool {
    let may_mean_more = |text: &str| text.contains(['=', '[', ']', '{', '}', '!']) || RESERVED.contains(&text);
    let is_more = |piece: &Piece| match &piece.kind {
        PieceKind::Literal(text) | PieceKind::Glob(text) | PieceKind::Tilde(text) if !piece.quoted => {
            may_mean_more(text)
        }
        _ => false,
    };
    // Several bare pieces could make a reserved word together.
    let is_quoted = |piece: &Piece| piece.quoted || !matches!(piece.kind, PieceKind::Literal(_));
    let is_whole = word.pieces.len() == 1 || word.pieces.iter().any(is_quoted);
    is_whole && !word.pieces.iter().any(is_more)
}

/// The grammar takes `( (cd x) )` for arithmetic. A line break between the parentheses, which changes nothing else,
/// keeps it from that.
fn brush_tokens(tokens: &[Token]) -> Vec<brush_parser::Token> {
    let mut brush_tokens = Vec::with_capacity(tokens.len());
    let mut before: Option<&Token> = None;
    for token in tokens {
        let apart = before.filter(|before| before.span.end() != token.span.start());
        if apart.is_some_and(|before| before.is_operator("(") && token.is_operator("(")) {
            let line_break = Token { span: Span::at(token.span.start()), kind: TokenKind::Operator("\n") };
            brush_tokens.push(brush_token(&line_break));
        }
        brush_tokens.push(brush_token(token));
        before = Some(token);
    }
    brush_tokens
}

fn brush_token(token: &Token) -> brush_parser::Token {
    // The grammar compares positions only to see whether two tokens touch, for which bytes do as well as characters.
    let at = |index| Arc::new(SourcePosition { index, line: 1, column: 1 });
    let location = SourceSpan { start: at(token.span.start()), end: at(token.span.end()) };
    match &token.kind {
        TokenKind::Operator(operator) => brush_parser::Token::Operator((*operator).to_owned(), location),
        TokenKind::Word(word) => brush_parser::Token::Word(plain_text(word), location),
        TokenKind::HeredocBody(_) | TokenKind::HeredocEnd => brush_parser::Token::Word("''".to_owned(), location),
    }
}

/// What the grammar must see of a word: reserved words, numbers, and where it assigns. Whatever is quoted or expanded
/// is a pair of quotes, and brackets are gone, since the grammar reads them without end.
pub(super) fn plain_text(word: &Word) -> String {
    let mut plain = String::new();
    for piece in &word.pieces {
        match &piece.kind {
            PieceKind::Literal(text) | PieceKind::Glob(text) | PieceKind::Tilde(text) if !piece.quoted => {
                plain.push_str(text)
            }
            _ => plain.push_str("''"),
        }
    }
    if plain == "[" || plain == "[[" {
        return plain;
    }
    match assigned_element(&plain) {
        Some((name, rest)) => format!("{name}[0]{}", rest.replace('[', "_")),
        None => plain.replace('[', "_"),
    }
}

/// The name, and what follows the subscript, of a word that assigns to an element of an array.
pub(super) fn assigned_element(plain: &str) -> Option<(&str, &str)> {
    let (name, rest) = plain.split_once('[').filter(|(name, _)| is_name(name))?;
    let close = rest.match_indices(']').map(|(at, _)| at + 1).find(|at| {
        let after = rest.get(*at..).unwrap_or_default();
        after.starts_with('=') || after.starts_with("+=")
    })?;
    Some((name, rest.get(close..)?))
}

/// Something that a later token closes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Parenthesis,
    Brace,
    If,
    Loop,
    Case,
}

/// Keeps from the grammar what would take it too long or too deep.
struct Guard {
    open: Vec<Open>,
    /// Whether the next word may be a reserved word.
    at_command: bool,
    /// How many words of `function name` are behind.
    function_words: usize,
    /// How many tokens of `[[ … ]]` are behind.
    test_tokens: usize,
}

impl Guard {
    fn check(tokens: &[Token]) -> Result<(), Opaque> {
        let mut guard = Self { open: Vec::new(), at_command: true, function_words: 0, test_tokens: 0 };
        for (index, token) in tokens.iter().enumerate() {
            match &token.kind {
                TokenKind::Operator(operator) => guard.operator(operator),
                TokenKind::Word(word) => {
                    let plain = plain_text(word);
                    let next = tokens.get(index + 1).filter(|next| next.span.start() == token.span.end());
                    if next.is_some_and(is_redirection) && !is_short_descriptor(&plain) && may_be_descriptor(&plain) {
                        return Err(Opaque::new(token.span, "a descriptor that is not a small number"));
                    }
                    if plain == "coproc" {
                        return Err(Opaque::new(token.span, "a coprocess"));
                    }
                    if guard.at_command && opens_subscript(word) {
                        return Err(Opaque::new(token.span, "a subscript that does not end in its word"));
                    }
                    guard.word(&plain);
                }
                _ => {}
            }
            guard.limits(token.span)?;
        }
        if guard.open.contains(&Open::Parenthesis) {
            let end = tokens.last().map_or(0, |token| token.span.end());
            return Err(Opaque::new(Span::at(end), "a parenthesis that is not closed"));
        }
        Ok(())
    }

    fn operator(&mut self, operator: &str) {
        match operator {
            "(" => self.open.push(Open::Parenthesis),
            ")" => self.close(Open::Parenthesis),
            _ => {}
        }
        self.at_command = !operator.starts_with(['<', '>']) && !operator.starts_with("&>");
        self.count_test_token();
    }

    fn word(&mut self, plain: &str) {
        let at_command = std::mem::take(&mut self.at_command) || self.function_words == 2;
        self.function_words = if plain == "function" { 1 } else { usize::from(self.function_words == 1) * 2 };
        self.count_test_token();
        match plain {
            "{" => self.open.push(Open::Brace),
            "[[" if self.test_tokens == 0 => self.test_tokens = 1,
            "]]" => self.test_tokens = 0,
            _ => {}
        }
        if plain == "{" || plain == "do" {
            self.at_command = true;
        }
        if at_command {
            self.reserved_word(plain);
        }
    }

    fn reserved_word(&mut self, plain: &str) {
        match plain {
            "if" => self.open.push(Open::If),
            "while" | "until" | "for" => self.open.push(Open::Loop),
            "case" => self.open.push(Open::Case),
            "fi" => self.close(Open::If),
            "done" => self.close(Open::Loop),
            "esac" => self.close(Open::Case),
            "}" => self.close(Open::Brace),
            _ => {}
        }
        self.at_command |= matches!(plain, "if" | "while" | "until" | "then" | "else" | "elif" | "!" | "time" | "-p");
    }

    fn count_test_token(&mut self) {
        if self.test_tokens > 0 {
            self.test_tokens += 1;
        }
    }

    fn close(&mut self, kind: Open) {
        if self.open.last() == Some(&kind) {
            self.open.pop();
        }
    }

    fn limits(&self, span: Span) -> Result<(), Opaque> {
        let cases = self.open.iter().filter(|open| **open == Open::Case).count();
        if self.open.len() > MAX_DEPTH || cases > MAX_CASES {
            return Err(Opaque::new(span, "commands nested too deeply"));
        }
        if self.test_tokens > MAX_TEST_TOKENS {
            return Err(Opaque::new(span, "a test that is too long"));
        }
        Ok(())
    }
}

/// Whether bash would read on behind the word, blanks and operators included, for the `]` of `name[`.
fn opens_subscript(word: &Word) -> bool {
    let text = match word.pieces.first() {
        Some(Piece { quoted: false, kind: PieceKind::Literal(text), .. }) => text,
        _ => return false,
    };
    let opens = text.split_once('[').is_some_and(|(name, _)| is_name(name));
    opens && !word.pieces.iter().any(|piece| matches!(&piece.kind, PieceKind::Glob(text) if text == "]"))
}

fn is_redirection(token: &Token) -> bool {
    matches!(token.kind, TokenKind::Operator(operator) if operator.starts_with(['<', '>']))
}

fn is_short_descriptor(plain: &str) -> bool {
    plain.len() <= MAX_DESCRIPTOR_DIGITS && plain.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a word right before a redirection reads like a number, or like `{name}`, for which bash picks one.
fn may_be_descriptor(plain: &str) -> bool {
    plain.bytes().all(|byte| byte.is_ascii_digit())
        || plain.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).is_some_and(is_name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::lexer::Lexer;
    use super::{RESERVED, ast, by_grammar, plain_command};

    /// How many words the only command of a script has, where it is no more than that.
    fn count(program: &ast::Program) -> Option<usize> {
        let [ast::CompoundList(items)] = program.complete_commands.as_slice() else { return None };
        let [ast::CompoundListItem(list, ast::SeparatorOperator::Sequence)] = items.as_slice() else { return None };
        let ast::Pipeline { timed: None, bang: false, seq } = &list.first else { return None };
        let [ast::Command::Simple(simple)] = seq.as_slice() else { return None };
        let suffix = simple.suffix.as_ref().map(|suffix| suffix.0.as_slice()).unwrap_or_default();
        let is_word = |item: &ast::CommandPrefixOrSuffixItem| matches!(item, ast::CommandPrefixOrSuffixItem::Word(_));
        let is_simple = list.additional.is_empty() && simple.prefix.is_none() && simple.word_or_name.is_some();
        (is_simple && suffix.iter().all(is_word)).then_some(1 + suffix.len())
    }

    fn both(text: &str) -> Option<(Option<usize>, Option<usize>)> {
        let tokens = Lexer::new(text).nested_tokens(false).ok()?;
        let plain = plain_command(&tokens)?;
        Some((count(&plain), by_grammar(&tokens).ok().as_ref().and_then(count)))
    }

    #[test]
    fn a_command_of_plain_words_is_known_without_the_grammar() {
        for text in ["make", "npm ci --prefer-offline", "docker push \"$IMAGE:$TAG\"\n", "a 'if' ~/x *.js $(b)", "1 2"]
        {
            let (plain, whole) = both(text).unwrap();
            assert!(plain.is_some() && plain == whole, "{text}: {plain:?} {whole:?}");
        }
        for text in ["", "\n", "a=b", "a; b", "a | b", "a > b", "a {b,c}", "[ -f a ]", "coproc a", "a coproc"] {
            assert!(both(text).is_none(), "{text}");
        }
        for word in RESERVED {
            assert!(both(&format!("{word} a")).is_none(), "{word}");
        }
    }

    fn parts() -> impl Strategy<Value = Vec<&'static str>> {
        let mut parts = vec![
            "a", " ", "\n", "-p", "1", "i", "f", "\\\n", "'if'", "\"$x\"", "$y", "${z:-d}", "$(b c)", "`d`", "~", "*",
            "?", "\\e", "$'q'", "#", ";", "&", ">", "(", ")", "=", "[", "]", "+", "/", ".", "%", "@", ":", ",", "é",
            "time", "\t", "^", "$((1))",
        ];
        parts.extend(RESERVED);
        prop::collection::vec(prop::sample::select(parts), 0..9)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn the_grammar_makes_the_same_of_a_command_of_plain_words(parts in parts()) {
            if let Some((plain, whole)) = both(&parts.concat()) {
                prop_assert!(plain.is_some());
                prop_assert_eq!(plain, whole);
            }
        }
    }
}
