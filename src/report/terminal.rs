use annotate_snippets::{Group, Level, Renderer};
use anstyle::{AnsiColor, Style};

use super::entry::Entry;
use super::sentence::visible;
use super::snippet::places;
use crate::finding::{Finding, Severity};
use crate::outcome::Verdict;

/// How much is said of a repository.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Errors alone (`-q`).
    Quiet,
    /// All findings but the notes, and what happened.
    #[default]
    Normal,
    /// The notes, too (`-v`).
    Verbose,
}

/// Findings as people read them in a terminal.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    /// How much is said.
    pub detail: Detail,
    /// Whether it is said in colours.
    pub color: bool,
}

impl Terminal {
    /// The findings of `entry`, each with the lines it speaks of and an empty line after it.
    #[must_use]
    pub fn findings(&self, entry: &Entry) -> String {
        let lightest = match self.detail {
            Detail::Quiet => Severity::Error,
            Detail::Normal => Severity::Warning,
            Detail::Verbose => Severity::Note,
        };
        let shown = entry.outcome.findings.iter().filter(|finding| finding.severity() >= lightest);
        shown.map(|finding| self.finding(entry, finding) + "\n\n").collect()
    }

    /// Whether anything but errors is to be said.
    #[must_use]
    pub fn says_what_happened(&self) -> bool {
        self.detail > Detail::Quiet
    }

    /// The line that closes the report of a repository, which begins with its verdict; empty if nothing
    /// but errors is to be said.
    #[must_use]
    pub fn closing(&self, line: &str, verdict: Verdict) -> String {
        if !self.says_what_happened() {
            return String::new();
        }
        let color = match verdict {
            Verdict::Folded => AnsiColor::Green,
            Verdict::Refused => AnsiColor::Yellow,
            Verdict::NothingToFold => return format!("{line}\n"),
            Verdict::Failed => AnsiColor::Red,
        };
        let style = if self.color { color.on_default().bold() } else { Style::new() };
        let (word, rest) = line.split_at(line.find(": ").unwrap_or(line.len()));
        format!("{style}{word}{style:#}{rest}\n")
    }

    fn finding(&self, entry: &Entry, finding: &Finding) -> String {
        let title = level(finding.severity()).primary_title(visible(&finding.message)).id(finding.code.name());
        let mut group = Group::with_title(title).elements(places(entry, finding));
        if let Some(help) = &finding.help {
            group = group.element(Level::HELP.message(visible(help)));
        }
        let renderer = if self.color { Renderer::styled() } else { Renderer::plain() };
        renderer.render(&[group])
    }
}

/// The colour of a severity, and its name: a refusal is no fault of the repository, and a review waits for an answer.
fn level(severity: Severity) -> Level<'static> {
    let color = match severity {
        Severity::Note => Level::NOTE,
        Severity::Warning | Severity::Review => Level::WARNING,
        Severity::Refusal | Severity::Error => Level::ERROR,
    };
    color.with_name(severity.name())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::{Detail, Entry, Terminal};
    use crate::finding::{Code, Finding, Location};
    use crate::outcome::{Outcome, Verdict};
    use crate::source::SourceFile;
    use crate::text::{RepositoryPath, Span};

    fn file(path: &str, text: &str) -> Arc<SourceFile> {
        Arc::new(SourceFile::new(RepositoryPath::new(path).unwrap(), text))
    }

    fn shown(name: &str, finding: Finding) -> String {
        let outcome = Outcome::unchanged(Verdict::Refused, Vec::new(), vec![finding]);
        let entry = Entry { name: name.to_owned(), outcome, patch: String::new(), proof: None };
        Terminal { detail: Detail::Verbose, color: false }.findings(&entry)
    }

    fn warning(location: Location) -> Finding {
        Finding::new(Code::NullScriptItem, location, "a comment and no command")
    }

    #[test]
    fn a_finding_shows_its_line_its_kin_and_a_way_out() {
        let pipeline = file(".gitlab-ci.yml", "build:\r\n\tscript:\r\n\t\t- # 日本 login\r\n\nlast: 1\n");
        let docker = file("app/Dockerfile", "FROM a\nCOPY dist .\n");
        let finding = warning(Location::new(&pipeline, Span::new(22, 36)))
            .with_related(Location::new(&pipeline, Span::new(0, 5)), "in this job")
            .with_related(Location::new(&docker, Span::new(7, 18)), "copied here")
            .with_related(Location::File(RepositoryPath::new("x").unwrap()), "never read")
            .with_help("move it");
        let expected = "\
warning[null-script-item]: a comment and no command
 --> group/.gitlab-ci.yml:3:5
  |
1 | build:
  | ----- in this job
2 |     script:
3 |         - # 日本 login
  |           ^^^^^^^^^^^^
  |
 ::: group/app/Dockerfile:2:1
  |
2 | COPY dist .
  | ----------- copied here
  |
  = note: group/x: never read
  = help: move it

";
        assert_eq!(shown("group", finding), expected);
    }

    #[test]
    fn a_finding_is_called_by_its_severity() {
        for (code, expected) in [
            (Code::NoLockFile, "note[no-lock-file]"),
            (Code::NullScriptItem, "warning[null-script-item]"),
            (Code::SecretKindUnclear, "review[secret-kind-unclear]"),
            (Code::DockerfileShared, "refusal[dockerfile-shared]"),
            (Code::YamlSyntax, "error[yaml-syntax]"),
        ] {
            let shown = shown(".", Finding::new(code, Location::File(RepositoryPath::root()), "x"));
            assert!(shown.starts_with(&format!("{expected}: x\n")), "{shown}");
        }
    }

    #[test]
    fn places_without_a_line_are_named() {
        let long = format!("ab: {}\n", "x".repeat(1_000_000));
        for (text, span, place) in [
            (long.as_str(), Span::new(4, 9), "a:1:5"),
            ("x\n", Span::at(2), "a:2:1"),
            ("", Span::at(0), "a:1:1"),
            ("\u{feff}b: c", Span::new(6, 7), "a:1:4"),
            ("x: y", Span::new(90, 99), "a:1:5"),
        ] {
            let shown = shown(".", warning(Location::new(&file("a", text), span)));
            assert!(shown.contains(&format!("--> {place}\n")), "{text:.9}: {shown}");
        }
    }

    #[test]
    fn a_long_line_is_cut_to_what_matters() {
        let text = format!("x: {} here {}", "a".repeat(900), "b".repeat(900));
        let shown = shown(".", warning(Location::new(&file("a", &text), Span::new(904, 908))));
        assert!(shown.contains("here"), "{shown}");
        assert!(shown.lines().all(|line| line.chars().count() <= 150), "{shown}");
    }

    #[test]
    fn control_characters_of_the_user_never_reach_the_terminal() {
        let text = "\u{1b}]0;x\u{7}: \u{202e}y";
        let finding =
            Finding::new(Code::NullScriptItem, Location::new(&file("a\u{1b}[2J", text), Span::new(0, 3)), text)
                .with_related(Location::new(&file("b", text), Span::new(0, 3)), text)
                .with_help(text);
        let shown = shown("n\u{1b}", finding);
        assert!(!shown.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{shown:?}");
    }

    #[test]
    fn detail_leaves_out_the_lighter_findings() {
        let outcome =
            Outcome::unchanged(Verdict::Failed, Vec::new(), vec![warning(Location::File(RepositoryPath::root()))]);
        let entry = Entry { name: ".".to_owned(), outcome, patch: String::new(), proof: None };
        let terminal = |detail| Terminal { detail, color: true };
        assert_eq!(terminal(Detail::Quiet).findings(&entry), "");
        assert!(terminal(Detail::Normal).findings(&entry).contains("\u{1b}["));
        assert_eq!(terminal(Detail::Quiet).closing("folded: x", Verdict::Folded), "");
        assert!(terminal(Detail::Normal).closing("folded: x", Verdict::Folded).ends_with("folded\u{1b}[0m: x\n"));
    }

    proptest! {
        #[test]
        fn any_place_of_any_text_can_be_shown(
            text in "(?s)[a-cé日\t\r\n\u{feff}\u{200d}\u{1b} :]{0,40}",
            spans in prop::collection::vec((0_usize..50, 0_usize..50), 1..4),
        ) {
            let file = file("a", &text);
            let mut places = spans.iter().map(|(start, end)| Location::new(&file, Span::new(*start, *end)));
            let first = warning(places.next().unwrap());
            let finding = places.fold(first, |finding, place| finding.with_related(place, "label"));
            prop_assert!(shown(".", finding).starts_with("warning"));
        }
    }
}
