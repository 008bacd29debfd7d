use crate::text::Span;

/// One word of a script, or another text in which the shell expands: a heredoc's body, the operand of `${…}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The bytes of it, quotes included.
    pub span: Span,
    /// What it is made of, in source order. Line continuations have no piece.
    pub pieces: Vec<Piece>,
    /// The first brace expansion of it (`{a,b}`, `{1..3}`), which only bash makes.
    pub brace_expansion: Option<Span>,
    /// Whether the shell splits it into fields and matches it with file names; it does neither in assignments.
    pub splits: bool,
}

/// A part of a word that is of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The bytes of it; those of a literal may take in quotes and continuations that stand between its parts.
    pub span: Span,
    /// Whether it stands in quotes or behind a backslash, so that it is neither split nor matched.
    pub quoted: bool,
    /// What it is.
    pub kind: PieceKind,
}

/// What a part of a word is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PieceKind {
    /// Text that stands for itself, its quotes removed.
    Literal(String),
    /// `$X`, `${X}`, `${X:-d}` and their kin.
    Parameter(Parameter),
    /// `$(…)` or `` `…` ``; the span is that of the script inside. Its commands are among those of the whole script.
    CommandSubstitution(Span),
    /// `$((…))`, with the expansions inside.
    Arithmetic(Vec<Piece>),
    /// Characters that match file names, as written.
    Glob(String),
    /// `~` or `~user`, as written.
    Tilde(String),
    /// `$'…'` or the dollar sign of `$"…"`, which only bash knows.
    BashQuote,
}

/// A parameter that is expanded, and what is done to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name: that of a variable, a number, or one of `@*#?-$!`.
    pub name: String,
    /// The bytes of the name.
    pub name_span: Span,
    /// Whether the variable names the variable that is meant, or a prefix of many (`${!x}`, `${!x*}`).
    pub indirect: bool,
    /// What is done to its value.
    pub operation: Operation,
}

/// What an expansion does to a parameter's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Nothing: `$X`, `${X}`.
    Plain,
    /// `${X-d}`, or `${X:-d}` where an empty value counts as none.
    Default {
        /// Whether an empty value counts as none.
        when_empty: bool,
        /// What stands in for it.
        value: Word,
    },
    /// `${X=d}`, `${X:=d}`: as a default, and the variable keeps it.
    Assign(Word),
    /// `${X+a}`, `${X:+a}`.
    Alternative(Word),
    /// `${X?m}`, `${X:?m}`.
    Demand(Word),
    /// `${#X}`.
    Length,
    /// `${X#p}`, `${X##p}`, `${X%p}`, `${X%%p}`.
    Trim(Word),
    /// Anything that POSIX does not know: `${X/a/b}`, `${X:1:2}`, `${X^}`, `${X[0]}`, `${X@Q}`.
    Bash(Word),
}

impl Operation {
    /// The word behind the operator, where there is one.
    #[must_use]
    pub const fn operand(&self) -> Option<&Word> {
        match self {
            Self::Plain | Self::Length => None,
            Self::Default { value, .. } => Some(value),
            Self::Assign(word) | Self::Alternative(word) | Self::Demand(word) | Self::Trim(word) | Self::Bash(word) => {
                Some(word)
            }
        }
    }

    /// Whether the operand may be left unexpanded, as a default that is not needed is.
    pub(super) const fn is_conditional(&self) -> bool {
        matches!(self, Self::Default { .. } | Self::Assign(_) | Self::Alternative(_) | Self::Demand(_))
    }
}

impl Parameter {
    /// Whether it is a variable, and not a position (`$1`) or a special parameter (`$?`).
    #[must_use]
    pub fn is_variable(&self) -> bool {
        self.name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
    }

    /// The value of it, where all that takes part in it is known.
    fn value(&self, quoted: bool, lookup: &dyn Fn(&str) -> Option<String>) -> Option<String> {
        if self.indirect || !self.is_variable() {
            return None;
        }
        let known = lookup(&self.name);
        match (&self.operation, known) {
            (Operation::Plain, known) => known,
            (Operation::Default { when_empty, .. }, Some(known)) if !(*when_empty && known.is_empty()) => Some(known),
            (Operation::Default { value, .. }, _) => value.stand_in(quoted, lookup),
            _ => None,
        }
    }
}

impl Word {
    /// Its text with the quotes removed; `None` where the shell would expand, split or match anything in it.
    #[must_use]
    pub fn literal(&self) -> Option<String> {
        self.expand(&|_| None).filter(|_| !self.pieces.iter().any(Piece::is_expansion))
    }

    /// The one field that it becomes once `$X`, `${X}` and `${X:-d}` are replaced by what `lookup` knows of them.
    ///
    /// `None` where it has any other expansion, where a variable is unknown, and where it does not become
    /// exactly one field. A default stands in for a variable that `lookup` does not know: where that may be
    /// a variable set elsewhere, the caller must look at [`Word::variables`] first.
    #[must_use]
    pub fn expand(&self, lookup: &dyn Fn(&str) -> Option<String>) -> Option<String> {
        let mut fields = self.fields(lookup)?.into_iter();
        let first = fields.next();
        first.filter(|_| fields.next().is_none())
    }

    /// The fields that it becomes, as in [`Word::expand`], with unquoted values split at blanks (POSIX shell, 2.6.5).
    /// `None` as well where an unquoted value holds `*`, `?`, `[` or a backslash, as those match file names.
    #[must_use]
    pub fn fields(&self, lookup: &dyn Fn(&str) -> Option<String>) -> Option<Vec<String>> {
        if self.splits && self.brace_expansion.is_some() {
            return None;
        }
        let mut fields = Fields::default();
        for piece in &self.pieces {
            match &piece.kind {
                PieceKind::Literal(text) => fields.append(text),
                PieceKind::Glob(text) if !self.splits => fields.append(text),
                PieceKind::Parameter(parameter) => {
                    let value = parameter.value(piece.quoted, lookup)?;
                    if piece.quoted || !self.splits {
                        fields.append(&value);
                    } else {
                        fields.append_splitting(&value)?;
                    }
                }
                _ => return None,
            }
        }
        if !self.splits {
            fields.append("");
        }
        Some(fields.finish())
    }

    /// The bytes of it in the text of its script.
    #[must_use]
    pub fn raw<'a>(&self, text: &'a str) -> &'a str {
        self.span.slice(text)
    }

    /// Its text where it holds nothing but literal text and characters that match file names, which stay as they are.
    #[must_use]
    pub fn pattern(&self) -> Option<String> {
        let mut pattern = String::new();
        for piece in &self.pieces {
            match &piece.kind {
                PieceKind::Literal(text) | PieceKind::Glob(text) => pattern.push_str(text),
                _ => return None,
            }
        }
        Some(pattern).filter(|_| self.brace_expansion.is_none())
    }

    /// The names of the variables that it expands by itself, those in operands included, in source order.
    /// What a command substitution expands is not among them.
    #[must_use]
    pub fn variables(&self) -> Vec<&str> {
        let mut names = Vec::new();
        collect_names(&self.pieces, &mut names);
        names
    }

    /// Its name and value where it reads `name=value`, as words behind `export` do; the value's quotes and
    /// expansions are kept. POSIX shell, 2.10.2, rule 7.
    #[must_use]
    pub fn as_assignment(&self, text: &str) -> Option<(String, Self)> {
        let first = self.pieces.first().filter(|piece| !piece.quoted)?;
        let PieceKind::Literal(literal) = &first.kind else { return None };
        let (name, rest) = literal.split_once('=')?;
        let name = name.strip_suffix('+').unwrap_or(name);
        if !is_name(name) {
            return None;
        }
        let start = self.span.start() + self.raw(text).find('=')? + 1;
        let value_start = Span::new(start, first.span.end());
        let head = Piece { span: value_start, quoted: false, kind: PieceKind::Literal(rest.to_owned()) };
        let head = Some(head).filter(|_| !rest.is_empty());
        let pieces = head.into_iter().chain(self.pieces.iter().skip(1).cloned()).collect();
        let span = Span::new(start, self.span.end());
        Some((name.to_owned(), Self { span, pieces, brace_expansion: None, splits: false }))
    }

    /// What it stands for as the operand of a default in a place that is quoted or not.
    fn stand_in(&self, quoted: bool, lookup: &dyn Fn(&str) -> Option<String>) -> Option<String> {
        let mut text = String::new();
        for piece in &self.pieces {
            let part = match &piece.kind {
                PieceKind::Literal(part) | PieceKind::Glob(part) => part.clone(),
                PieceKind::Parameter(parameter) => parameter.value(quoted, lookup)?,
                _ => return None,
            };
            // In an unquoted place the parts are split by their own quotes, which a plain text does not keep.
            if !quoted && piece.quoted && (part.is_empty() || part.contains(is_special_to_splitting)) {
                return None;
            }
            text.push_str(&part);
        }
        Some(text)
    }
}

impl Piece {
    /// Whether the shell puts something else in its place.
    const fn is_expansion(&self) -> bool {
        !matches!(self.kind, PieceKind::Literal(_) | PieceKind::Glob(_))
    }
}

/// Whether it is a name that the shell can assign to. POSIX, 3.216.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn is_special_to_splitting(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '*' | '?' | '[' | '\\')
}

/// Pieces nest no deeper than the reader of words goes.
fn collect_names<'a>(pieces: &'a [Piece], names: &mut Vec<&'a str>) {
    for piece in pieces {
        match &piece.kind {
            PieceKind::Parameter(parameter) => {
                if parameter.is_variable() {
                    names.push(&parameter.name);
                }
                if let Some(operand) = parameter.operation.operand() {
                    collect_names(&operand.pieces, names);
                }
            }
            PieceKind::Arithmetic(pieces) => collect_names(pieces, names),
            _ => {}
        }
    }
}

/// The fields of a word while it is put together.
#[derive(Default)]
struct Fields {
    done: Vec<String>,
    open: Option<String>,
}

impl Fields {
    fn append(&mut self, text: &str) {
        self.open.get_or_insert_default().push_str(text);
    }

    fn append_splitting(&mut self, value: &str) -> Option<()> {
        if value.contains(['*', '?', '[', '\\']) {
            return None;
        }
        let mut parts = value.split([' ', '\t', '\n']);
        if let Some(first) = parts.next().filter(|first| !first.is_empty()) {
            self.append(first);
        }
        for part in parts {
            self.done.extend(self.open.take());
            if !part.is_empty() {
                self.append(part);
            }
        }
        Some(())
    }

    fn finish(mut self) -> Vec<String> {
        self.done.extend(self.open);
        self.done
    }
}

#[cfg(test)]
mod tests {
    use super::super::Script;
    use super::{PieceKind, Word};

    /// The second word of `x TEXT`.
    fn word(text: &str) -> Word {
        let script = Script::parse(&format!("x {text}"));
        assert_eq!(script.opaque, None, "{text}");
        script.commands[0].words[1].clone()
    }

    fn known(name: &str) -> Option<String> {
        let value = match name {
            "TAG" => "v1",
            "EMPTY" => "",
            "MANY" => " --pull  --squash ",
            "STAR" => "dist/*",
            _ => return None,
        };
        Some(value.to_owned())
    }

    #[test]
    fn a_literal_is_its_text_without_quotes() {
        for (text, literal) in [
            ("abc", "abc"),
            ("'a b'", "a b"),
            ("\"a $ b\"", "a $ b"),
            ("a'b'\"c\"\\ d", "abc d"),
            ("''", ""),
            ("\"\\$X \\a\"", "$X \\a"),
            ("{{.Id}}", "{{.Id}}"),
            ("a[", "a["),
            ("[", "["),
            ("-v=~/x", "-v=~/x"),
            ("$", "$"),
            ("a#b", "a#b"),
            ("{}", "{}"),
            ("'*'", "*"),
            ("name=value", "name=value"),
            ("\"x\"'y'", "xy"),
        ] {
            assert_eq!(word(text).literal().as_deref(), Some(literal), "{text}");
        }
    }

    #[test]
    fn what_the_shell_would_expand_is_no_literal() {
        for text in [
            "$X", "\"$X\"", "${X:-d}", "$(a)", "`a`", "$((1))", "*.js", "a?", "[ab]", "~", "~/x", "a=~/x", "{a,b}",
            "{1..3}", "$'a'", "$\"a\"", "$1",
        ] {
            assert_eq!(word(text).literal(), None, "{text}");
        }
    }

    #[test]
    fn known_variables_expand_and_others_do_not() {
        let expand = |text: &str| word(text).expand(&known);
        assert_eq!(expand("img:$TAG").as_deref(), Some("img:v1"));
        assert_eq!(expand("\"${TAG}-x\"").as_deref(), Some("v1-x"));
        assert_eq!(expand("${NONE:-d}").as_deref(), Some("d"));
        assert_eq!(expand("${EMPTY:-$TAG}").as_deref(), Some("v1"));
        assert_eq!(expand("\"${EMPTY-d}\"").as_deref(), Some(""));
        for text in [
            "$NONE",
            "${TAG#v}",
            "${!TAG}",
            "${TAG:1}",
            "${NONE:=d}",
            "$TAG*",
            "$EMPTY",
            "$MANY",
            "$STAR",
            "${NONE:-\"a b\"}",
        ] {
            assert_eq!(expand(text), None, "{text}");
        }
    }

    #[test]
    fn an_unquoted_value_is_split_and_a_quoted_one_is_not() {
        let fields = |text: &str| word(text).fields(&known).unwrap();
        assert_eq!(fields("$MANY"), ["--pull", "--squash"]);
        assert_eq!(fields("a$MANY"), ["a", "--pull", "--squash"]);
        assert_eq!(fields("\"$MANY\""), [" --pull  --squash "]);
        assert_eq!(fields("$EMPTY"), [""; 0]);
        assert_eq!(fields("$EMPTY''"), [""]);
        assert_eq!(fields("\"$STAR\""), ["dist/*"]);
    }

    #[test]
    fn an_assignment_is_neither_split_nor_matched() {
        let script = Script::parse("X=*$MANY");
        let value = script.commands[0].assignments[0].value.clone().unwrap();
        assert_eq!(value.expand(&known).as_deref(), Some("* --pull  --squash "));
        assert_eq!(
            Script::parse("X=").commands[0].assignments[0].value.clone().unwrap().literal().as_deref(),
            Some("")
        );
    }

    #[test]
    fn a_pattern_keeps_what_matches_files() {
        assert_eq!(word("dist/[ab]*.js").pattern().as_deref(), Some("dist/[ab]*.js"));
        assert_eq!(word("$X*").pattern(), None);
    }

    #[test]
    fn an_argument_that_assigns_is_read_as_an_assignment() {
        let text = "export A=\"$B\" C='d=e'f g";
        let words = Script::parse(text).commands[0].words.clone();
        let read: Vec<_> = words.iter().map(|word| word.as_assignment(text)).collect();
        let (name, value) = read[1].clone().unwrap();
        assert_eq!((name.as_str(), value.raw(text), value.variables()), ("A", "\"$B\"", vec!["B"]));
        assert_eq!(read[2].clone().unwrap().1.literal().as_deref(), Some("d=ef"));
        assert_eq!((&read[0], &read[3]), (&None, &None));
    }

    #[test]
    fn names_end_where_the_shell_ends_them() {
        let name = |text: &str| match &word(text).pieces[0].kind {
            PieceKind::Parameter(parameter) => parameter.name.clone(),
            other => format!("{other:?}"),
        };
        assert_eq!(name("$CI_COMMIT_SHA.x"), "CI_COMMIT_SHA");
        assert_eq!(name("$10"), "1");
        assert_eq!(name("${10}"), "10");
        assert_eq!(name("${#X}"), "X");
        assert_eq!(name("${#}"), "#");
        assert_eq!(name("${!}"), "!");
    }
}
