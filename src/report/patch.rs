use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Range;

use anstyle::{AnsiColor, Style};
use similar::{Algorithm, DiffOp, capture_diff_slices, group_diff_ops};

use crate::source::FileKind;
use crate::text::{FileVersions, RepositoryPath};

/// The number of unchanged lines around a change, as git shows them.
const CONTEXT: usize = 3;

/// The change of `files` as a patch in git's extended format, which `git apply` takes byte for byte.
///
/// Paths start at the repository, or at a folder above it in which the repository is called `folder`.
/// `kind_of` is asked for the mode of files that go. Texts are split at line feeds alone; carriage
/// returns and a missing last line feed are kept.
#[must_use]
pub fn patch(
    files: &BTreeMap<RepositoryPath, FileVersions>,
    folder: &RepositoryPath,
    kind_of: &dyn Fn(&RepositoryPath) -> Option<FileKind>,
) -> String {
    let mut patch = String::new();
    for (path, versions) in files.iter().filter(|(_, versions)| versions.before != versions.after) {
        let name = folder.join(path.as_str()).unwrap_or_default();
        let deleted_mode = || if kind_of(path) == Some(FileKind::Executable) { "100755" } else { "100644" };
        write_header(&mut patch, &name, versions, deleted_mode);
        write_hunks(&mut patch, versions);
    }
    patch
}

/// The same patch with colours for a terminal, chosen as git chooses them.
#[must_use]
pub fn colored(patch: &str) -> String {
    let mut colored = String::with_capacity(patch.len() * 2);
    for line in patch.split_inclusive('\n') {
        let style = style_of(line);
        let (text, end) = line.strip_suffix('\n').map_or((line, ""), |text| (text, "\n"));
        let _ = write!(colored, "{style}{text}{style:#}{end}");
    }
    colored
}

fn style_of(line: &str) -> Style {
    let header = ["diff --git ", "--- ", "+++ ", "new file mode ", "deleted file mode "];
    if header.iter().any(|start| line.starts_with(start)) {
        return Style::new().bold();
    }
    style_in_hunk(line)
}

/// The style of a line of a hunk, or of its head.
pub(super) fn style_in_hunk(line: &str) -> Style {
    match line.bytes().next() {
        Some(b'+') => AnsiColor::Green.on_default(),
        Some(b'-') => AnsiColor::Red.on_default(),
        Some(b'@') => AnsiColor::Cyan.on_default(),
        _ => Style::new(),
    }
}

fn write_header(
    patch: &mut String,
    path: &RepositoryPath,
    versions: &FileVersions,
    deleted_mode: impl Fn() -> &'static str,
) {
    let (old, new) = (quoted(&format!("a/{path}")), quoted(&format!("b/{path}")));
    let _ = writeln!(patch, "diff --git {old} {new}");
    let _ = match (&versions.before, &versions.after) {
        (None, _) => writeln!(patch, "new file mode 100644"),
        (_, None) => writeln!(patch, "deleted file mode {}", deleted_mode()),
        _ => Ok(()),
    };
    let is_empty = |text: &Option<String>| text.as_ref().is_none_or(String::is_empty);
    if is_empty(&versions.before) && is_empty(&versions.after) {
        return;
    }
    // Without a tab, what follows a space in the name would be taken for a time stamp.
    let end = if path.as_str().contains(' ') { "\t" } else { "" };
    let named = |text: &Option<String>, name: String| if text.is_some() { name + end } else { "/dev/null".to_owned() };
    let _ = writeln!(patch, "--- {}\n+++ {}", named(&versions.before, old), named(&versions.after, new));
}

/// `name` as git writes it: in quotes, with escapes, where it holds control characters, quotes or backslashes.
fn quoted(name: &str) -> String {
    let is_odd = |character: char| character.is_ascii_control() || matches!(character, '"' | '\\');
    if !name.contains(is_odd) {
        return name.to_owned();
    }
    let mut quoted = String::from('"');
    for character in name.chars() {
        let _ = match character {
            '\n' => write!(quoted, "\\n"),
            '\t' => write!(quoted, "\\t"),
            '"' | '\\' => write!(quoted, "\\{character}"),
            odd if odd.is_ascii_control() => write!(quoted, "\\{:03o}", u32::from(odd)),
            plain => write!(quoted, "{plain}"),
        };
    }
    quoted.push('"');
    quoted
}

fn write_hunks(patch: &mut String, versions: &FileVersions) {
    let (old, new) = (lines(versions.before.as_deref()), lines(versions.after.as_deref()));
    for group in group_diff_ops(capture_diff_slices(Algorithm::Myers, &old, &new), CONTEXT) {
        write_hunk(patch, &group, &old, &new);
    }
}

fn lines(text: Option<&str>) -> Vec<&str> {
    text.unwrap_or_default().split_inclusive('\n').collect()
}

fn write_hunk(patch: &mut String, group: &[DiffOp], old: &[&str], new: &[&str]) {
    let (Some(first), Some(last)) = (group.first(), group.last()) else { return };
    let old_lines = first.old_range().start..last.old_range().end;
    let new_lines = first.new_range().start..last.new_range().end;
    let _ = writeln!(patch, "@@ -{} +{} @@", hunk_range(&old_lines), hunk_range(&new_lines));
    for operation in group {
        let (removed, added) = (operation.old_range(), operation.new_range());
        if matches!(operation, DiffOp::Equal { .. }) {
            write_lines(patch, ' ', old.get(removed));
        } else {
            write_lines(patch, '-', old.get(removed));
            write_lines(patch, '+', new.get(added));
        }
    }
}

/// Lines as a hunk's header counts them: from 1, the number left out where it is 1; an empty range is
/// named by the line before it.
fn hunk_range(lines: &Range<usize>) -> String {
    match lines.len() {
        0 => format!("{},0", lines.start),
        1 => format!("{}", lines.start + 1),
        length => format!("{},{length}", lines.start + 1),
    }
}

fn write_lines(patch: &mut String, mark: char, lines: Option<&[&str]>) {
    for line in lines.unwrap_or_default() {
        patch.push(mark);
        patch.push_str(line);
        if !line.ends_with('\n') {
            patch.push_str("\n\\ No newline at end of file\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::Path;
    use std::process::Command;

    use proptest::prelude::*;
    use tempfile::TempDir;

    use super::{FileKind, FileVersions, RepositoryPath, colored, patch, quoted};

    type Files = BTreeMap<RepositoryPath, FileVersions>;

    fn files(all: &[(&str, Option<&str>, Option<&str>)]) -> Files {
        let version = |(path, before, after): &(&str, Option<&str>, Option<&str>)| {
            let versions = FileVersions { before: before.map(str::to_owned), after: after.map(str::to_owned) };
            (RepositoryPath::new(path).unwrap(), versions)
        };
        all.iter().map(version).collect()
    }

    fn plain(files: &Files) -> String {
        patch(files, &RepositoryPath::root(), &|_| None)
    }

    /// Writes the files as they were, lets `git apply` take the patch, and compares every byte.
    fn check_with_git(files: &Files, folder: &str) {
        let top = TempDir::new().unwrap();
        let root = top.path().join(folder);
        for (path, versions) in files {
            let place = root.join(path.as_str());
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            if let Some(before) = &versions.before {
                fs::write(place, before).unwrap();
            }
        }
        let patch = patch(files, &RepositoryPath::new(folder).unwrap(), &|_| None);
        fs::write(top.path().join(".patch"), &patch).unwrap();
        if !patch.is_empty() {
            git_apply(top.path(), &patch);
        }
        for (path, versions) in files {
            assert_eq!(fs::read_to_string(root.join(path.as_str())).ok(), versions.after, "{path}\n{patch}");
        }
    }

    fn git_apply(folder: &Path, patch: &str) {
        let mut command = Command::new("git");
        command.current_dir(folder).args(["apply", "--whitespace=nowarn", ".patch"]);
        let output = command.env("GIT_CEILING_DIRECTORIES", folder.parent().unwrap()).output().unwrap();
        assert!(output.status.success(), "{}\n{patch}", String::from_utf8_lossy(&output.stderr));
        assert!(output.stderr.is_empty(), "{}\n{patch}", String::from_utf8_lossy(&output.stderr));
    }

    #[test]
    fn all_kinds_of_change_in_the_format_of_git() {
        let files = files(&[
            ("Dockerfile", Some("FROM a\nRUN b\n"), Some("FROM a\nRUN c\n")),
            ("gone.sh", Some("x"), None),
            ("new file", None, Some("made\r\n")),
            ("same", Some("x"), Some("x")),
        ]);
        let expected = "diff --git a/app/Dockerfile b/app/Dockerfile\n--- a/app/Dockerfile\n+++ b/app/Dockerfile\n\
            @@ -1,2 +1,2 @@\n FROM a\n-RUN b\n+RUN c\n\
            diff --git a/app/gone.sh b/app/gone.sh\ndeleted file mode 100755\n--- a/app/gone.sh\n+++ /dev/null\n\
            @@ -1 +0,0 @@\n-x\n\\ No newline at end of file\n\
            diff --git a/app/new file b/app/new file\nnew file mode 100644\n--- /dev/null\n+++ b/app/new file\t\n\
            @@ -0,0 +1 @@\n+made\r\n";
        let folder = RepositoryPath::new("app").unwrap();
        assert_eq!(patch(&files, &folder, &|_| Some(FileKind::Executable)), expected);
    }

    #[test]
    fn git_takes_the_corners() {
        check_with_git(&files(&[("a", Some("x\r\ny\n"), Some("x\ny\r\n")), ("b", Some("x"), Some("x\n"))]), "");
        check_with_git(&files(&[("a b", Some("x\ry\rz"), Some("x\rz")), ("c d", Some("x"), None)]), "e f");
        check_with_git(&files(&[("empty", None, Some("")), ("emptied", Some("x\n"), Some(""))]), "");
        check_with_git(&files(&[("filled", Some(""), Some("x\n")), ("gone", Some(""), None)]), "");
        check_with_git(&files(&[("a\tb\"c\\d\u{7}é", Some("x\n"), Some("y\n")), ("ü/ö", None, Some("z"))]), "ä");
        check_with_git(&files(&[("-- a", Some("-- b\n++ c\n"), Some("++ c\n-- b\n"))]), "");
    }

    #[test]
    fn odd_names_are_quoted_and_others_are_not() {
        assert_eq!(quoted("a/é b"), "a/é b");
        assert_eq!(quoted("a\nb\u{1}"), "\"a\\nb\\001\"");
    }

    #[test]
    fn colours_change_no_character() {
        let patch = plain(&files(&[("a", Some("x\ny"), Some("x\nz\n"))]));
        let colored = colored(&patch);
        assert!(colored.contains("\u{1b}[32m+z"));
        assert_eq!(anstream::adapter::strip_str(&colored).to_string(), patch);
    }

    fn text() -> impl Strategy<Value = Option<String>> {
        let line =
            prop::sample::select(vec!["a\n", "b\r\n", "\n", "\r\n", "c\rd\n", "é\n", " \t\n", "-x\n", "\u{2028}\n"]);
        let last = prop::sample::select(vec!["", "", "end", "end\r", "\r"]);
        let text = (prop::collection::vec(line, 0..24), last).prop_map(|(lines, last)| lines.concat() + last);
        prop::option::weighted(0.9, text)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn git_takes_every_patch(a in text(), b in text(), c in text(), d in text()) {
            let versions = [("one", a, b), ("dir/two three", c, d)];
            let files = versions.into_iter().map(|(path, before, after)| {
                (RepositoryPath::new(path).unwrap(), FileVersions { before, after })
            });
            check_with_git(&files.collect(), "");
        }
    }
}
