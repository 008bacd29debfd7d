use std::sync::Arc;

use super::super::Refusal;
use super::super::folder::Folder;
use crate::finding::Location;
use crate::source::SourceFile;
use crate::text::Span;

/// The endings of files that pip takes for a package (pip, `ARCHIVE_EXTENSIONS` of `_internal/utils/filetypes.py`).
const ARCHIVES: &[&str] = &[".whl", ".zip", ".tar.gz", ".tgz", ".tar", ".tar.bz2", ".tbz", ".tar.xz", ".txz", ".tlz"];

/// Options within a requirements file that take a value and name no file. pip, "Requirements File Format".
const VALUED: &[&str] =
    &["-i", "--index-url", "--extra-index-url", "--no-binary", "--only-binary", "--trusted-host", "--use-feature"];

/// Options within a requirements file that stand alone.
const FLAGS: &[&str] = &["--no-index", "--pre", "--prefer-binary", "--require-hashes"];

/// The requirements files of an install, with those that they include.
pub(super) struct Requirements {
    /// In reading order, each once.
    pub(super) files: Vec<Arc<SourceFile>>,
    /// Whether each requirement has one version.
    pub(super) are_pinned: bool,
}

impl Default for Requirements {
    fn default() -> Self {
        Self { files: Vec::new(), are_pinned: true }
    }
}

impl Requirements {
    /// Reads the file at `path` and all that it includes.
    ///
    /// # Errors
    /// Where one is not under version control, or names something within the repository.
    pub(super) fn read(&mut self, folder: &Folder<'_>, path: &str) -> Result<(), Refusal> {
        let Some(file) = folder.file(path)? else {
            return Err(Refusal::without_place(format!("`{path}` is not under version control")));
        };
        let mut next = vec![file];
        while let Some(file) = next.pop() {
            if self.files.iter().any(|other| other.path() == file.path()) {
                continue;
            }
            self.files.push(Arc::clone(&file));
            let mut included = Vec::new();
            for (line, span) in lines(&file) {
                included.extend(self.include(folder, &file, &line, span)?);
            }
            next.extend(included.into_iter().rev());
        }
        Ok(())
    }

    /// The file that a line includes, whose path is that from the including file.
    fn include(
        &mut self,
        folder: &Folder<'_>,
        file: &Arc<SourceFile>,
        line: &str,
        span: Span,
    ) -> Result<Option<Arc<SourceFile>>, Refusal> {
        let refuse = |what: String| Refusal::new(format!("`{}` {what}", file.path()), Location::new(file, span));
        let Some(included) = included(line) else {
            return match self.is_remote_line(line) {
                true => Ok(None),
                false => Err(refuse("names something that may lie in the repository".to_owned())),
            };
        };
        if included.contains("://") {
            return Ok(None);
        }
        let place = file.path().parent().join(included);
        match place.map(|place| folder.file_at(&place)).transpose()?.flatten() {
            Some(included) => Ok(Some(included)),
            None => Err(refuse(format!("includes `{included}`, which is not under version control"))),
        }
    }

    /// Whether a line names nothing within the repository.
    fn is_remote_line(&mut self, line: &str) -> bool {
        let mut words = line.split([' ', '\t', '=']).filter(|word| !word.is_empty());
        let first = words.next().unwrap_or_default();
        if first.starts_with('-') {
            return FLAGS.contains(&line) || VALUED.contains(&first);
        }
        let requirement = line.split(" --").next().unwrap_or_default();
        let requirement = requirement.split(';').next().unwrap_or_default().trim();
        self.are_pinned &= requirement.contains("==") && !requirement.contains(['*', '<', '>']);
        is_remote(requirement)
    }
}

/// The path behind `-r` or `-c`, however it is written.
fn included(line: &str) -> Option<&str> {
    let path = ["--requirement", "--constraint", "-r", "-c"].iter().find_map(|option| line.strip_prefix(option))?;
    Some(path.trim_start_matches(['=', ' ', '\t']))
}

/// Whether a requirement is one of an index or of another server, and no path (PEP 508).
pub(super) fn is_remote(requirement: &str) -> bool {
    let (name, address) = match requirement.split_once('@') {
        Some((name, address)) if !name.contains("://") => (name.trim(), address.trim()),
        _ if requirement.contains("://") => ("", requirement),
        _ => (requirement, ""),
    };
    if !address.is_empty() {
        return address.contains("://") && !address.to_ascii_lowercase().contains("file:");
    }
    let is_archive = |end: &&str| name.to_ascii_lowercase().ends_with(*end);
    name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && !name.contains(['/', '\\', ':'])
        && !ARCHIVES.iter().any(is_archive)
}

/// The lines of a file without comments, those that a backslash continues as one, and their bytes.
fn lines(file: &Arc<SourceFile>) -> Vec<(String, Span)> {
    let mut found: Vec<(String, Span)> = Vec::new();
    let mut is_continued = false;
    for line in 1..=file.lines().line_count() {
        let span = file.lines().line_span(line);
        let text = span.slice(file.text()).trim_start_matches('\u{feff}');
        let text = if text.trim_start().starts_with('#') { "" } else { text.split(" #").next().unwrap_or_default() };
        let text = text.trim();
        let continues = text.ends_with('\\');
        let text = text.trim_end_matches('\\').trim_end();
        match found.last_mut().filter(|_| is_continued) {
            Some((whole, _)) => *whole = format!("{whole} {text}"),
            None => found.push((text.to_owned(), span)),
        }
        is_continued = continues;
    }
    found.retain(|(text, _)| !text.is_empty());
    found
}
