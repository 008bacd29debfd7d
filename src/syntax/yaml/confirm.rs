//! A second opinion on a text, by a parser that shares nothing with ours.
//!
//! yaml-rust2's event loop reads the text again, and every event is compared with our tree: structure, scalar
//! values, anchors, aliases and tags. Its loader is never used, and our own parse comes first, since its depth limit
//! refuses what would overflow the other's stack.

use std::collections::HashMap;

use yaml_rust2::parser::{Event, Parser, Tag};
use yaml_rust2::scanner::TScalarStyle;

use super::{Node, NodeId, NodeKind, Tree};
use crate::text::Span;

/// Where two parsers read a text differently, or one of them does not read it at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement {
    /// How far the two are apart.
    pub kind: DisagreementKind,
    /// What differs.
    pub message: String,
    /// The node of our tree at which it was noticed, or the place of our own syntax error.
    pub span: Span,
}

/// How far two parsers are apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisagreementKind {
    /// Our own parser does not take the text for YAML.
    NotYaml,
    /// The other parser does not. It is stricter than GitLab: a closing bracket in the column of its key, which
    /// many pipelines have, is an error to it. This counts only where the text before an edit was no such error.
    Refused,
    /// Both read it, and read it differently.
    Differs,
}

/// Reads `text` with both parsers.
///
/// # Errors
/// Where they disagree, and where one of them finds `text` not to be YAML.
pub fn confirm(text: &str) -> Result<(), Disagreement> {
    let tree = Tree::parse(text).map_err(|error| Disagreement {
        kind: DisagreementKind::NotYaml,
        message: error.message,
        span: error.span,
    })?;
    let mut comparison = Comparison { expected: steps(&tree), next: 0, tree: &tree, anchors: HashMap::new() };
    // The other parser takes a byte order mark for a letter.
    let mut parser = Parser::new_from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    loop {
        let (event, _) = parser
            .next_token()
            .map_err(|error| comparison.disagreement(DisagreementKind::Refused, &error.to_string()))?;
        match event {
            Event::StreamEnd => return comparison.finish(),
            event => comparison.take(event)?,
        }
    }
}

/// What an event is expected to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Node(NodeId),
    End(NodeId),
}

/// The nodes in the order of the text, each collection with its end.
fn steps(tree: &Tree) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut open: Vec<NodeId> = Vec::new();
    for (id, node) in tree.nodes() {
        while let Some(innermost) = open.pop_if(|innermost| Some(*innermost) != node.parent) {
            steps.push(Step::End(innermost));
        }
        steps.push(Step::Node(id));
        if node.collection_style().is_some() {
            open.push(id);
        }
    }
    steps.extend(open.into_iter().rev().map(Step::End));
    steps
}

struct Comparison<'tree> {
    expected: Vec<Step>,
    next: usize,
    tree: &'tree Tree,
    /// Our node for each anchor of theirs.
    anchors: HashMap<usize, NodeId>,
}

impl Comparison<'_> {
    fn take(&mut self, event: Event) -> Result<(), Disagreement> {
        if matches!(event, Event::Nothing | Event::StreamStart | Event::DocumentStart | Event::DocumentEnd) {
            return Ok(());
        }
        let step = self.expected.get(self.next).copied();
        let agrees = match (step, event) {
            (Some(Step::Node(id)), event) => self.node(id, event),
            (Some(Step::End(id)), Event::SequenceEnd) => matches!(self.tree.node(id).kind, NodeKind::Sequence { .. }),
            (Some(Step::End(id)), Event::MappingEnd) => matches!(self.tree.node(id).kind, NodeKind::Mapping { .. }),
            _ => false,
        };
        if !agrees {
            return Err(self.disagreement(DisagreementKind::Differs, "two parsers read this differently"));
        }
        self.next += 1;
        Ok(())
    }

    fn node(&mut self, id: NodeId, event: Event) -> bool {
        let node = self.tree.node(id);
        let (anchor, tag) = match (&node.kind, event) {
            (NodeKind::Scalar { .. }, Event::Scalar(value, style, anchor, tag)) => {
                if !same_value(self.tree.text(), node, &value, style) {
                    return false;
                }
                (anchor, tag)
            }
            (NodeKind::Sequence { .. }, Event::SequenceStart(anchor, tag))
            | (NodeKind::Mapping { .. }, Event::MappingStart(anchor, tag)) => (anchor, tag),
            (NodeKind::Alias { target, .. }, Event::Alias(anchor)) => {
                return target.is_some() && self.anchors.get(&anchor) == target.as_ref();
            }
            _ => return false,
        };
        if anchor > 0 {
            self.anchors.insert(anchor, id);
        }
        node.anchor.is_some() == (anchor > 0) && same_tag(node, tag.as_ref())
    }

    fn finish(&self) -> Result<(), Disagreement> {
        match self.expected.get(self.next) {
            Some(_) => {
                Err(self.disagreement(DisagreementKind::Differs, "one of two parsers reads less than the other"))
            }
            None => Ok(()),
        }
    }

    fn disagreement(&self, kind: DisagreementKind, message: &str) -> Disagreement {
        let span = match self.expected.get(self.next) {
            Some(Step::Node(id)) => self.tree.node(*id).span,
            Some(Step::End(id)) => Span::at(self.tree.node(*id).span.end()),
            None => Span::at(self.tree.text().len()),
        };
        Disagreement { kind, message: message.to_owned(), span }
    }
}

/// Theirs writes `~` for a value that is not there, and ends a block scalar with a line break even where the
/// text ends without one.
fn same_value(text: &str, node: &Node, value: &str, style: TScalarStyle) -> bool {
    let is_open_end = node.scalar_style().is_some_and(|style| style.is_block())
        && text.get(node.span.end()..).is_some_and(|rest| rest.trim_matches(' ').is_empty())
        && (!text.ends_with('\n') || node.span.end() < text.len());
    let is_absent = node.is_absent() && style == TScalarStyle::Plain && matches!(value, "~" | "");
    let ours = node.scalar().unwrap_or_default();
    is_absent || ours == value || is_open_end && value.strip_suffix('\n') == Some(ours)
}

fn same_tag(node: &Node, theirs: Option<&Tag>) -> bool {
    let theirs = theirs.map(|tag| format!("{}{}", tag.handle, tag.suffix));
    node.tag.as_ref().map(|tag| tag.name.as_str()) == theirs.as_deref()
}

#[cfg(test)]
mod tests {
    use super::{DisagreementKind, confirm};

    #[test]
    fn two_parsers_agree_on_what_pipelines_hold() {
        let texts = [
            "",
            "# only\n",
            "\u{feff}a: 1\n",
            "a: &x {k: [1, 'two', \"th\\tree\"]}\nb: *x\nc:\n  <<: *x\n",
            "a:\n- # nothing\n- |\n  x\n\n  y\n- >-\n  p\n  q\n- !reference [j, script]\n- !!str 1\n",
            "? k\n: v\nn: ~\ne:\n",
            "spec: 1\n---\nx: 2\n...\n",
            "a: |\r\n  x\r\nb: 'y\r\n  z'\r\n",
            "a: |\n  x",
            "a: &r [*r]\n",
        ];
        for text in texts {
            assert_eq!(confirm(text), Ok(()), "{text:?}");
        }
    }

    #[test]
    fn what_we_refuse_is_not_handed_on() {
        for text in ["- ".repeat(100_000), "[".repeat(100_000), "a: *nope".to_owned()] {
            assert_eq!(confirm(&text).unwrap_err().kind, DisagreementKind::NotYaml);
        }
    }

    #[test]
    fn the_stricter_parser_is_known_to_be_stricter() {
        assert_eq!(confirm("a: [\n  x\n]\nb: [\nx\n]\n").unwrap_err().kind, DisagreementKind::Refused);
    }
}
