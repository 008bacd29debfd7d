//! Values of a pipeline, written anew in lines: as they stand where that is one line, in block style otherwise.

use crate::gitlab::{Kind, Mapping, Pipeline, PipelineFile, Value};
use crate::syntax::yaml::{CollectionStyle, NodeId, NodeKind, edit};

/// Writes values in the manner of one file.
pub(super) struct Block<'a> {
    pub(super) pipeline: &'a Pipeline,
    /// The file that the lines go into.
    pub(super) file: &'a PipelineFile,
    /// What a key below a key is indented by.
    pub(super) indentation: usize,
    /// What the items of a list are indented by.
    pub(super) items: usize,
}

impl<'a> Block<'a> {
    /// One that writes as the job does whose keys stand in `mapping`.
    pub(super) fn like(pipeline: &'a Pipeline, file: &'a PipelineFile, mapping: NodeId) -> Self {
        let column = |node: NodeId| {
            let start = file.tree.node(node).full_span.start();
            let before = file.tree.text().get(..start).unwrap_or_default();
            before.rsplit(['\n', '\u{feff}']).next().unwrap_or_default().chars().count()
        };
        let entries = file.tree.node(mapping).entries();
        let indentation = entries.first().map_or(2, |entry| column(entry.key)).max(1);
        let list = entries.iter().find(|entry| {
            file.tree.node(entry.value).collection_style() == Some(CollectionStyle::Block)
                && !file.tree.node(entry.value).items().is_empty()
        });
        // An item begins two columns before its content.
        let item = list.and_then(|entry| {
            let first = file.tree.node(entry.value).items().first()?;
            Some(column(*first).saturating_sub(2).saturating_sub(column(entry.key)))
        });
        Self { pipeline, file, indentation, items: item.unwrap_or(2) }
    }

    /// `key: value`, in one line or more.
    pub(super) fn entry(&self, key: &str, value: &Value) -> Vec<String> {
        if let Some(text) = self.inline(value) {
            return vec![format!("{key}: {text}")];
        }
        if let Some(text) = value.text() {
            let indentation = " ".repeat(self.indentation);
            let lines = self.text(&text).into_iter().enumerate().map(|(at, line)| match at {
                0 => format!("{key}: {line}"),
                _ if line.is_empty() => line,
                _ => format!("{indentation}{line}"),
            });
            return lines.collect();
        }
        let (indentation, lines) = match &value.kind {
            Kind::Mapping(mapping) => (self.indentation, self.fields(mapping)),
            _ => (self.items, self.list(value.one_or_many())),
        };
        self.below(key, indentation, lines)
    }

    /// `key: text`, for a text of one line.
    pub(super) fn entry_of_text(&self, key: &str, text: &str) -> Vec<String> {
        vec![format!("{key}: {}", edit::text_scalar(&self.file.tree, text))]
    }

    /// A key, and lines below it.
    pub(super) fn below(&self, key: &str, indentation: usize, lines: Vec<String>) -> Vec<String> {
        let indented = lines.into_iter().map(|line| format!("{}{line}", " ".repeat(indentation)));
        std::iter::once(format!("{key}:")).chain(indented).collect()
    }

    /// A key, and a list of items that are written already.
    pub(super) fn listed(&self, key: &str, items: Vec<Vec<String>>) -> Vec<String> {
        self.below(key, self.items, items.into_iter().flat_map(as_item).collect())
    }

    /// A text as an item or a value; the lines of a literal one are not indented yet.
    pub(super) fn text(&self, text: &str) -> Vec<String> {
        let lines: Vec<_> = text.trim_end().lines().map(str::to_owned).collect();
        let is_literal = lines.len() > 1
            && !text.starts_with([' ', '\n', '\t'])
            && lines.iter().all(|line| line.trim_end() == line && line.chars().all(|c| !c.is_control()));
        if !is_literal {
            return vec![edit::text_scalar(&self.file.tree, text)];
        }
        let head = if text.ends_with('\n') { "|" } else { "|-" };
        std::iter::once(head.to_owned()).chain(lines).collect()
    }

    /// The value of an item, as it stands where that is one line.
    pub(super) fn item(&self, value: &Value) -> Vec<String> {
        if let Some(text) = self.inline(value) {
            return vec![text];
        }
        match &value.kind {
            Kind::Mapping(mapping) => self.fields(mapping),
            Kind::Sequence(items) => self.list(items),
            _ => self.text(&value.text().unwrap_or_default()),
        }
    }

    fn fields(&self, mapping: &Mapping) -> Vec<String> {
        mapping.fields().iter().flat_map(|field| self.entry(&field.key, &field.value)).collect()
    }

    fn list(&self, items: &[Value]) -> Vec<String> {
        items.iter().map(|item| self.item(item)).flat_map(as_item).collect()
    }

    /// The value in one line, as it is written where it is written in one.
    fn inline(&self, value: &Value) -> Option<String> {
        let written = || {
            let file = self.pipeline.file(value.origin.file)?;
            let node = file.tree.node(value.origin.node);
            let text = node.span.slice(file.tree.text());
            let is_plain = match &node.kind {
                NodeKind::Scalar { .. } => true,
                NodeKind::Alias { .. } => false,
                // Anchors belong to the place where they stand, and aliases to what is read before them.
                _ => node.collection_style() == Some(CollectionStyle::Flow) && !text.contains(['&', '*', '!']),
            };
            (is_plain && !text.is_empty() && !text.contains(['\n', '\r', '#']) && !text.starts_with(['|', '>']))
                .then(|| text.to_owned())
        };
        match &value.kind {
            Kind::Null => Some("null".to_owned()),
            Kind::Sequence(items) if items.is_empty() => Some("[]".to_owned()),
            Kind::Mapping(mapping) if mapping.fields().is_empty() => Some("{}".to_owned()),
            Kind::Sequence(_) | Kind::Mapping(_) => written(),
            Kind::Text(text) => written().or_else(|| match self.text(text).as_slice() {
                [line] => Some(line.clone()),
                _ => None,
            }),
            Kind::Boolean(_) | Kind::Number(_) => value.text().map(|text| text.to_string()),
            Kind::Reference(_) => None,
        }
    }
}

/// Lines behind a dash.
fn as_item(lines: Vec<String>) -> Vec<String> {
    let indented = |(at, line): (usize, String)| match at {
        0 => format!("- {line}"),
        _ if line.is_empty() => line,
        _ => format!("  {line}"),
    };
    lines.into_iter().enumerate().map(indented).collect()
}
