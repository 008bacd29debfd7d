//! As much of TOML as project files need: which key stands in which table. A value that goes over several lines
//! is known by its first one.

use std::sync::Arc;

use crate::source::SourceFile;
use crate::text::Span;

/// A key and its value.
pub(super) struct Entry<'a> {
    /// The table that it stands in, such as `tool.poetry`.
    pub(super) table: &'a str,
    /// The key, empty in the later lines of a value.
    pub(super) key: &'a str,
    /// What stands behind `=`, without a comment.
    pub(super) value: &'a str,
    /// The bytes of the line.
    pub(super) span: Span,
}

impl Entry<'_> {
    /// Whether the key, or one within an inline table, is this one.
    pub(super) fn has_key(&self, key: &str) -> bool {
        let is_inline = |(at, _): (usize, &str)| {
            let before = self.value.get(..at).unwrap_or_default().trim_end();
            let behind = self.value.get(at + key.len()..).unwrap_or_default().trim_start();
            before.ends_with(['{', ',']) && behind.starts_with('=')
        };
        self.key == key || self.value.match_indices(key).any(is_inline)
    }
}

/// The entries of a file, in their order.
pub(super) fn entries(file: &Arc<SourceFile>) -> Vec<Entry<'_>> {
    let mut table = "";
    let mut found = Vec::new();
    for line in 1..=file.lines().line_count() {
        let span = file.lines().line_span(line);
        let text = span.slice(file.text()).trim();
        let text = if text.starts_with('#') { "" } else { text.split(" #").next().unwrap_or_default().trim() };
        if let Some(header) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).filter(|it| is_header(it))
        {
            table = header.trim_matches(['[', ']']);
            found.push(Entry { table, key: "", value: "", span });
        } else if !text.is_empty() {
            let pair = text.split_once('=').filter(|(key, _)| is_header(key.trim()));
            let (key, value) = pair.map_or(("", text), |(key, value)| (key.trim().trim_matches('"'), value.trim()));
            found.push(Entry { table, key, value, span });
        }
    }
    found
}

/// Whether it is the name of a table or a key, and no part of a value.
fn is_header(text: &str) -> bool {
    let is_part = |character: char| character.is_ascii_alphanumeric() || "-_.[]\"' ".contains(character);
    !text.is_empty() && text.chars().all(is_part)
}
