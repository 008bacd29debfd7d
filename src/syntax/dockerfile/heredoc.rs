//! Where here-documents are announced (BuildKit: `parser.heredocsFromLine`).

use super::Heredoc;
use super::joined::Joined;
use super::lexer::{Lexer, Options};
use crate::text::Span;

/// The name and the kind of a here-document, as the word that announces it tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Announcement {
    pub(super) name: String,
    pub(super) strip_tabs: bool,
    pub(super) expand: bool,
}

/// The here-documents that a joined line announces, bodies still to be read. None where the line holds a quote that
/// is not closed, or a substitution that the builder does not know: then it does not look for them either.
pub(super) fn announced(line: &Joined) -> Vec<Heredoc> {
    if !line.text().contains("<<") {
        return Vec::new();
    }
    let options = options(true, true);
    let Ok(read) = Lexer::new(line.text(), &options).read() else { return Vec::new() };
    let heredoc = |(word, range)| {
        let Announcement { name, strip_tabs, expand } = announcement(word)?;
        let operator = line.span(std::ops::Range::clone(range));
        Some(Heredoc { operator, name, strip_tabs, expand, body: Span::at(0), terminator: None })
    };
    read.words.iter().map(|(word, range)| (word.as_str(), range)).filter_map(heredoc).collect()
}

/// Reads a word such as `<<EOF`, `3<<-"EOF"`; `None` for any other.
pub(super) fn announcement(word: &str) -> Option<Announcement> {
    let behind = word.trim_start_matches(|character: char| character.is_ascii_digit()).strip_prefix("<<")?;
    let stripped = behind.strip_prefix('-');
    let written = stripped.unwrap_or(behind).trim_start_matches(['\t', '\n', '\u{c}', '\r', ' ']);
    if written.is_empty() || written.contains('<') {
        return None;
    }
    let name = single_word(written, false)?;
    let quoted = quotes(&name) != quotes(&single_word(written, true)?);
    Some(Announcement { name, strip_tabs: stripped.is_some(), expand: !quoted })
}

fn single_word(text: &str, raw_quotes: bool) -> Option<String> {
    let options = options(raw_quotes, false);
    let mut words = Lexer::new(text, &options).read().ok()?.words;
    if words.len() == 1 { words.pop().map(|(word, _)| word) } else { None }
}

fn quotes(text: &str) -> usize {
    text.matches(['\'', '"']).count()
}

/// The shell of a here-document escapes with `\`, whatever the file's own escape character is.
fn options(raw_quotes: bool, raw_escapes: bool) -> Options<'static> {
    Options { escape: '\\', raw_quotes, raw_escapes, keep_unset: true, lookup: &|_| None }
}

#[cfg(test)]
mod tests {
    use super::super::joined::Joined;
    use super::announced;

    fn names(line: &str) -> Vec<String> {
        let mut joined = Joined::default();
        joined.push_str(line, 0);
        let shown = |heredoc: &crate::syntax::dockerfile::Heredoc| {
            let tabs = if heredoc.strip_tabs { "-" } else { "" };
            let quoted = if heredoc.expand { "" } else { "'" };
            format!("{tabs}{quoted}{}", heredoc.name)
        };
        announced(&joined).iter().map(shown).collect()
    }

    #[test]
    fn they_stand_anywhere_in_a_line() {
        assert_eq!(names("RUN cat <<EOF > /f && cat <<-'END' 3<<\"X\""), ["EOF", "-'END", "'X"]);
        assert_eq!(names("RUN cat << EOF"), ["EOF"]);
        assert_eq!(names("COPY <<a <<b /d/"), ["a", "b"]);
    }

    #[test]
    fn what_only_looks_like_one_is_none() {
        for line in ["RUN cat <<<EOF", "RUN echo '<<EOF'", "RUN echo \"a <<EOF b\"", "RUN x$((1<<2))", "RUN cat<<EOF"] {
            assert!(names(line).is_empty(), "{line}");
        }
        assert!(names("RUN echo it's <<EOF").is_empty());
    }
}
