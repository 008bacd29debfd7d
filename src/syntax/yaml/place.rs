use super::lex::{Atom, AtomKind};
use super::node::{CollectionStyle, Node, NodeId, NodeKind};
use super::tree::SyntaxError;
use crate::text::Span;

/// Puts every node where it stands, by walking nodes and atoms side by side in the order of the text.
pub(super) fn place(text: &str, nodes: &mut [Node], atoms: &[Atom]) -> Result<(), SyntaxError> {
    let roles = roles(nodes);
    let mut placer = Placer { text, nodes, atoms, next: 0, open: Vec::new() };
    for (index, role) in roles.into_iter().enumerate() {
        placer.close_until(index)?;
        placer.node(index, role)?;
    }
    placer.close_all()?;
    match atoms.get(placer.next) {
        Some(atom) => Err(lost(atom.span)),
        None => Ok(()),
    }
}

/// What a node is to the collection that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Root,
    BlockItem,
    FlowItem,
    Key {
        flow: bool,
    },
    Value {
        /// The number of its key.
        key: usize,
    },
}

fn roles(nodes: &[Node]) -> Vec<Role> {
    let mut roles = vec![Role::Root; nodes.len()];
    let mut set = |index: usize, role: Role| {
        if let Some(slot) = roles.get_mut(index) {
            *slot = role;
        }
    };
    for node in nodes {
        match &node.kind {
            NodeKind::Sequence { style, items } => {
                let role = if *style == CollectionStyle::Block { Role::BlockItem } else { Role::FlowItem };
                items.iter().for_each(|item| set(item.index(), role));
            }
            NodeKind::Mapping { style, entries } => {
                let role = Role::Key { flow: *style == CollectionStyle::Flow };
                for entry in entries {
                    set(entry.key.index(), role);
                    set(entry.value.index(), Role::Value { key: entry.key.index() });
                }
            }
            _ => {}
        }
    }
    roles
}

struct Placer<'tree> {
    text: &'tree str,
    nodes: &'tree mut [Node],
    atoms: &'tree [Atom],
    next: usize,
    open: Vec<usize>,
}

impl Placer<'_> {
    fn node(&mut self, index: usize, role: Role) -> Result<(), SyntaxError> {
        let introducer = self.introducer(role)?;
        let Some(node) = self.nodes.get_mut(index) else { return Ok(()) };
        node.introducer = introducer.map(Span::start);
        let properties = properties(node);
        let after = properties.or(introducer).map(Span::end);
        match shape(node) {
            Shape::Absent => {
                let at = after.unwrap_or_else(|| self.absent(role));
                self.settle(index, Span::at(at));
            }
            Shape::Leaf => {
                self.expect(AtomKind::Leaf)?;
            }
            Shape::BlockScalar => {
                let header = self.expect(AtomKind::BlockHeader)?;
                self.block_scalar(index, header);
            }
            Shape::Flow => {
                let bracket = self.expect(AtomKind::Open)?;
                self.settle(index, bracket);
                self.open.push(index);
            }
            Shape::Unbracketed => self.open.push(index),
        }
        self.start_parent(index);
        self.cover_properties(index);
        Ok(())
    }

    /// The `-`, `?` or `:` in front of a node; a comma before it is stepped over.
    fn introducer(&mut self, role: Role) -> Result<Option<Span>, SyntaxError> {
        match role {
            Role::Root => Ok(None),
            Role::BlockItem => self.expect(AtomKind::Dash).map(Some),
            Role::FlowItem => {
                self.accept(AtomKind::Comma);
                Ok(None)
            }
            Role::Key { flow } => {
                if flow {
                    self.accept(AtomKind::Comma);
                }
                Ok(self.accept(AtomKind::Question))
            }
            Role::Value { .. } => Ok(self.accept(AtomKind::Colon)),
        }
    }

    fn peek(&self) -> Option<Atom> {
        self.atoms.get(self.next).copied()
    }

    fn accept(&mut self, kind: AtomKind) -> Option<Span> {
        let atom = self.peek().filter(|atom| atom.kind == kind)?;
        self.next += 1;
        Some(atom.span)
    }

    fn expect(&mut self, kind: AtomKind) -> Result<Span, SyntaxError> {
        let found = self.peek().map_or(Span::at(self.text.len()), |atom| atom.span);
        self.accept(kind).ok_or_else(|| lost(found))
    }

    fn settle(&mut self, index: usize, span: Span) {
        if let Some(node) = self.nodes.get_mut(index) {
            node.span = span;
            node.full_span = span;
        }
    }

    /// Where a value stands that has neither an introducer nor properties: a key stands just before its `:`,
    /// a value that lacks its `:` just after its key.
    fn absent(&self, role: Role) -> usize {
        let next = self.peek().map_or(self.text.len(), |atom| atom.span.start());
        match role {
            Role::Value { key } => self.end_of(key).unwrap_or(next),
            _ => next,
        }
    }

    fn end_of(&self, index: usize) -> Option<usize> {
        self.nodes.get(index).map(|node| node.full_span.end())
    }

    /// A collection without a bracket starts with its first child.
    fn start_parent(&mut self, index: usize) {
        let Some(child) = self.nodes.get(index) else { return };
        let properties = properties(child).map_or(child.span.start(), Span::start);
        let start = child.introducer.unwrap_or(properties);
        let Some(parent) = child.parent.map(NodeId::index) else { return };
        if let Some(node) = self.nodes.get_mut(parent)
            && shape(node) == Shape::Unbracketed
            && first_child(node) == Some(index)
        {
            node.span = Span::at(start);
            self.cover_properties(parent);
        }
    }

    fn cover_properties(&mut self, index: usize) {
        if let Some(node) = self.nodes.get_mut(index) {
            node.full_span = properties(node).map_or(node.span, |properties| properties.join(node.span));
        }
    }

    fn block_scalar(&mut self, index: usize, header: Span) {
        if let Some(node) = self.nodes.get_mut(index) {
            node.span = Span::new(header.start(), super::decode::block_end(self.text, header, node));
        }
    }

    /// Closes what is open until the parent of `index` is innermost.
    fn close_until(&mut self, index: usize) -> Result<(), SyntaxError> {
        let parent = self.nodes.get(index).and_then(|node| node.parent).map(NodeId::index);
        while let Some(innermost) = self.open.last().copied()
            && Some(innermost) != parent
        {
            self.close(innermost)?;
        }
        Ok(())
    }

    fn close_all(&mut self) -> Result<(), SyntaxError> {
        while let Some(innermost) = self.open.last().copied() {
            self.close(innermost)?;
        }
        Ok(())
    }

    fn close(&mut self, index: usize) -> Result<(), SyntaxError> {
        self.open.pop();
        let Some(node) = self.nodes.get(index) else { return Ok(()) };
        let end = if node.collection_style() == Some(CollectionStyle::Flow) {
            self.accept(AtomKind::Comma);
            self.expect(AtomKind::Close)?.end()
        } else {
            last_child(node).and_then(|child| self.end_of(child)).unwrap_or(node.span.start())
        };
        let Some(node) = self.nodes.get_mut(index) else { return Ok(()) };
        node.span = Span::new(node.span.start(), end);
        self.cover_properties(index);
        Ok(())
    }
}

/// What a node is made of, as far as its place goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Absent,
    Leaf,
    BlockScalar,
    Flow,
    Unbracketed,
}

fn shape(node: &Node) -> Shape {
    match &node.kind {
        NodeKind::Scalar { style, .. } if style.is_block() => Shape::BlockScalar,
        NodeKind::Scalar { .. } if node.span.is_empty() => Shape::Absent,
        NodeKind::Scalar { .. } | NodeKind::Alias { .. } => Shape::Leaf,
        NodeKind::Sequence { style, .. } | NodeKind::Mapping { style, .. } => match style {
            CollectionStyle::Flow => Shape::Flow,
            CollectionStyle::Block | CollectionStyle::Pair => Shape::Unbracketed,
        },
    }
}

fn first_child(node: &Node) -> Option<usize> {
    let id = node.items().first().copied().or_else(|| node.entries().first().map(|entry| entry.key));
    id.map(NodeId::index)
}

fn last_child(node: &Node) -> Option<usize> {
    let id = node.items().last().copied().or_else(|| node.entries().last().map(|entry| entry.value));
    id.map(NodeId::index)
}

/// From the first to the last of anchor and tag.
fn properties(node: &Node) -> Option<Span> {
    let anchor = node.anchor.as_ref().map(|anchor| anchor.span);
    let tag = node.tag.as_ref().map(|tag| tag.span);
    anchor.into_iter().chain(tag).reduce(Span::join)
}

fn lost(span: Span) -> SyntaxError {
    SyntaxError { message: "the structure at this place could not be located".to_owned(), span }
}
