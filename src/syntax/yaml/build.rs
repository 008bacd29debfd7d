use std::collections::HashMap;

use granit_parser::{Event, Options, Parser, ScalarStyle as Notation, ScanError, StructureStyle};

use super::lex::Known;
use super::node::{Anchor, CollectionStyle, Entry, Node, NodeId, NodeKind, ScalarStyle, Tag};
use super::tree::{Document, SyntaxError};
use crate::text::Span;

/// What an alias without an anchor comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unresolved {
    /// An error, as it is for every reader of YAML.
    Refused,
    /// An alias without a target: for texts that one more edit completes.
    Kept,
}

/// The nodes of a text in the order of the text. Scalars in brackets or quotes, plain ones and aliases know
/// their bytes already; for all others the spans are those of the parser and are put right later.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) nodes: Vec<Node>,
    pub(super) documents: Vec<Document>,
    pub(super) known: Vec<Known>,
    open: Vec<NodeId>,
    half_entry: Vec<Option<NodeId>>,
    anchors: HashMap<usize, NodeId>,
}

/// Reads the events of `text`.
pub(super) fn draft(text: &str, unresolved: Unresolved) -> Result<Draft, SyntaxError> {
    let mut draft = Draft::default();
    for event in Parser::new_from_str_with_options(text, options(unresolved)) {
        let (event, span) = event.map_err(|error| syntax_error(text, &error))?;
        draft.take(text, event, &span)?;
    }
    draft.known.sort_unstable();
    Ok(draft)
}

/// Comments are off: the lexer finds them, and the parser would buffer them. The depth limits stay at 255.
fn options(unresolved: Unresolved) -> Options {
    granit_parser::options! {
        emit_comments: false,
        emit_anchor_events: true,
        emit_unresolved_aliases: unresolved == Unresolved::Kept,
        block_scalar_eof_without_line_feed: true,
    }
}

fn syntax_error(text: &str, error: &ScanError) -> SyntaxError {
    let start = error.marker().byte_offset().unwrap_or(text.len()).min(text.len());
    let length = text.get(start..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    SyntaxError { message: error.info(), span: Span::new(start, start + length) }
}

impl Draft {
    fn take(&mut self, text: &str, event: Event<'_>, span: &granit_parser::Span) -> Result<(), SyntaxError> {
        let bytes = bytes(span);
        match event {
            Event::DocumentStart(..) => self.documents.push(Document { root: None, span: bytes }),
            Event::DocumentEnd => self.end_document(bytes),
            Event::Scalar(value, notation, anchor, tag) => {
                let kind = scalar(&value, notation, bytes);
                let id = self.add(text, kind, bytes, span, tag.as_deref())?;
                self.anchors.extend((anchor != 0).then_some((anchor, id)));
            }
            Event::SequenceStart(style, anchor, tag) => {
                let kind = NodeKind::Sequence { style: collection(style, text, bytes), items: Vec::new() };
                self.open(text, kind, anchor, span, tag.as_deref())?;
            }
            Event::MappingStart(style, anchor, tag) => {
                let kind = NodeKind::Mapping { style: collection(style, text, bytes), entries: Vec::new() };
                self.open(text, kind, anchor, span, tag.as_deref())?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.open.pop();
                self.half_entry.pop();
            }
            Event::Alias(anchor) => {
                let target = self.anchors.get(&anchor).copied();
                self.alias(text, target, span)?;
            }
            Event::UnresolvedAlias(_) => self.alias(text, None, span)?,
            Event::Anchor(_, name) => self.anchor(name.into_owned(), bytes),
            _ => {}
        }
        Ok(())
    }

    fn alias(&mut self, text: &str, target: Option<NodeId>, span: &granit_parser::Span) -> Result<(), SyntaxError> {
        let bytes = bytes(span);
        let name = bytes.slice(text).trim_start_matches('*').to_owned();
        self.add(text, NodeKind::Alias { name, target }, bytes, span, None)?;
        Ok(())
    }

    /// The parser speaks of the anchor after the node that declares it.
    fn anchor(&mut self, name: String, span: Span) {
        self.known.push(Known { span, leaf: false });
        if let Some(node) = self.nodes.last_mut() {
            node.anchor = Some(Anchor { name, span });
        }
    }

    fn open(
        &mut self,
        text: &str,
        kind: NodeKind,
        anchor: usize,
        span: &granit_parser::Span,
        tag: Option<&granit_parser::Tag>,
    ) -> Result<(), SyntaxError> {
        let id = self.add(text, kind, bytes(span), span, tag)?;
        self.anchors.extend((anchor != 0).then_some((anchor, id)));
        self.open.push(id);
        self.half_entry.push(None);
        Ok(())
    }

    fn add(
        &mut self,
        text: &str,
        kind: NodeKind,
        bytes: Span,
        span: &granit_parser::Span,
        tag: Option<&granit_parser::Tag>,
    ) -> Result<NodeId, SyntaxError> {
        let too_large = || SyntaxError { message: "too many nodes".to_owned(), span: bytes };
        let id = NodeId(u32::try_from(self.nodes.len()).map_err(|_| too_large())?);
        let tag = tag.map(|tag| self.tag(text, tag, span));
        self.know(&kind, bytes);
        self.hang(id);
        let parent = self.open.last().copied();
        let indentation = if is_without_content(&kind) { usize::MAX } else { span.start.col() };
        let (anchor, introducer) = (None, None);
        self.nodes.push(Node { span: bytes, full_span: bytes, kind, anchor, tag, parent, introducer, indentation });
        Ok(id)
    }

    fn tag(&mut self, text: &str, tag: &granit_parser::Tag, span: &granit_parser::Span) -> Tag {
        let span = span.tag_span().map_or(Span::at(bytes(span).start()), |tag| bytes(&tag));
        let span = if span.end() <= text.len() { span } else { Span::at(text.len()) };
        self.known.push(Known { span, leaf: false });
        Tag { name: format!("{}{}", tag.handle(), tag.suffix()), span }
    }

    fn know(&mut self, kind: &NodeKind, span: Span) {
        let leaf = match kind {
            _ if is_without_content(kind) => return,
            NodeKind::Scalar { style, .. } => !style.is_block(),
            NodeKind::Alias { .. } => true,
            _ => return,
        };
        if !span.is_empty() {
            self.known.push(Known { span, leaf });
        }
    }

    /// Gives the new node to the innermost open collection.
    fn hang(&mut self, id: NodeId) {
        let Some(parent) = self.open.last() else {
            if let Some(document) = self.documents.last_mut() {
                document.root = Some(id);
            }
            return;
        };
        match self.nodes.get_mut(parent.index()).map(|node| &mut node.kind) {
            Some(NodeKind::Sequence { items, .. }) => items.push(id),
            Some(NodeKind::Mapping { entries, .. }) => {
                let half = self.half_entry.last_mut();
                match half.map(|half| half.take().ok_or(half)) {
                    Some(Ok(key)) => entries.push(Entry { key, value: id }),
                    Some(Err(half)) => *half = Some(id),
                    None => {}
                }
            }
            _ => {}
        }
    }

    fn end_document(&mut self, span: Span) {
        self.anchors.clear();
        if let Some(document) = self.documents.last_mut() {
            document.span = document.span.join(span);
        }
    }
}

/// Whether it is a block scalar without a line of content: the parser's span then starts anywhere.
fn is_without_content(kind: &NodeKind) -> bool {
    matches!(kind, NodeKind::Scalar { style, value } if style.is_block() && value.bytes().all(|byte| byte == b'\n'))
}

/// The bytes of a span of the parser, which has them for every text that is a `str`.
fn bytes(span: &granit_parser::Span) -> Span {
    span.byte_range().map_or(Span::default(), |range| Span::new(range.start, range.end))
}

/// The parser gives `~` to a value that is not there; the span tells it from a written one.
fn scalar(value: &str, notation: Notation, span: Span) -> NodeKind {
    let style = match notation {
        Notation::Plain => ScalarStyle::Plain,
        Notation::SingleQuoted => ScalarStyle::SingleQuoted,
        Notation::DoubleQuoted => ScalarStyle::DoubleQuoted,
        Notation::Literal => ScalarStyle::Literal,
        Notation::Folded => ScalarStyle::Folded,
    };
    let absent = style == ScalarStyle::Plain && span.is_empty();
    NodeKind::Scalar { style, value: if absent { String::new() } else { value.to_owned() } }
}

/// A mapping in flow style that starts with no brace is a single pair.
fn collection(style: StructureStyle, text: &str, span: Span) -> CollectionStyle {
    match style {
        StructureStyle::Block => CollectionStyle::Block,
        StructureStyle::Flow if span.slice(text).starts_with(['[', '{']) => CollectionStyle::Flow,
        StructureStyle::Flow => CollectionStyle::Pair,
    }
}
