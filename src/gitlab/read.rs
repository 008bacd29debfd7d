//! From a syntax tree to values: scalars as Psych reads them, aliases shared, merge keys in Psych's order.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::value::{Field, FileId, Kind, Mapping, Origin, Value};
use crate::finding::{Code, Finding, Location};
use crate::source::SourceFile;
use crate::syntax::yaml::psych::{self, Scalar};
use crate::syntax::yaml::{Entry, NodeId, NodeKind, Tree};

/// The most nodes that a file may come to once its aliases are followed. GitLab has such a limit too; the
/// largest real pipelines stay below a hundredth of this one.
const MOST_NODES: usize = 1_000_000;

/// Reads the value of `root` in `tree`, which is the tree of `source`.
///
/// # Errors
/// A finding where Psych would refuse the file: a date, an anchor that holds itself, or aliases that
/// come to more than [`MOST_NODES`] nodes.
pub(super) fn value(source: &Arc<SourceFile>, tree: &Tree, file: FileId, root: NodeId) -> Result<Value, Box<Finding>> {
    Reader { source, tree, file, anchored: HashMap::new(), open: Vec::new() }.read(root).map(|read| read.value)
}

struct Reader<'a> {
    source: &'a Arc<SourceFile>,
    tree: &'a Tree,
    file: FileId,
    anchored: HashMap<NodeId, Read>,
    open: Vec<NodeId>,
}

/// A value and the number of nodes it comes to with its aliases followed.
#[derive(Clone)]
struct Read {
    value: Value,
    nodes: usize,
}

impl Reader<'_> {
    fn read(&mut self, id: NodeId) -> Result<Read, Box<Finding>> {
        let node = self.tree.node(id);
        if let NodeKind::Alias { target, .. } = &node.kind {
            return self.alias(id, *target);
        }
        self.open.push(id);
        let read = self.content(id)?;
        self.open.pop();
        if read.nodes > MOST_NODES {
            return Err(self.finding(Code::YamlAliasesTooMany, id, "the aliases of this file come to too many values"));
        }
        if node.anchor.is_some() {
            self.anchored.insert(id, read.clone());
        }
        Ok(read)
    }

    fn alias(&self, id: NodeId, target: Option<NodeId>) -> Result<Read, Box<Finding>> {
        let Some(target) = target else {
            return Err(self.finding(Code::YamlSyntax, id, "this alias has no anchor before it"));
        };
        if self.open.contains(&target) {
            return Err(self.finding(Code::YamlRecursiveAnchor, id, "this alias stands inside the node it refers to"));
        }
        self.anchored
            .get(&target)
            .cloned()
            .ok_or_else(|| self.finding(Code::YamlSyntax, id, "this alias has no anchor before it"))
    }

    fn content(&mut self, id: NodeId) -> Result<Read, Box<Finding>> {
        let node = self.tree.node(id);
        let is_reference = node.tag.as_ref().is_some_and(|tag| tag.name == "!reference");
        match &node.kind {
            NodeKind::Sequence { items, .. } if is_reference => Ok(self.reference(id, items)),
            NodeKind::Sequence { items, .. } => self.sequence(id, items),
            NodeKind::Mapping { entries, .. } => self.mapping(id, entries),
            NodeKind::Scalar { .. } | NodeKind::Alias { .. } => self.scalar(id),
        }
    }

    fn scalar(&self, id: NodeId) -> Result<Read, Box<Finding>> {
        let scalar = psych::read(self.tree.node(id));
        let kind = match scalar {
            Scalar::Null => Kind::Null,
            Scalar::Boolean(value) => Kind::Boolean(value),
            Scalar::String(text) | Scalar::Symbol(text) => Kind::Text(text.into()),
            Scalar::Integer(_) | Scalar::Float(_) => Kind::Number(scalar.text().unwrap_or_default().into()),
            Scalar::Date => {
                return Err(self.finding(Code::YamlDate, id, "GitLab refuses a file with an unquoted date"));
            }
        };
        Ok(Read { value: Value { kind, origin: self.origin(id) }, nodes: 1 })
    }

    fn reference(&self, id: NodeId, items: &[NodeId]) -> Read {
        let part = |item: &NodeId| match &self.tree.node(*item).kind {
            NodeKind::Scalar { value, .. } => value.clone(),
            _ => String::new(),
        };
        let path = items.iter().map(part).collect();
        Read { value: Value { kind: Kind::Reference(Rc::new(path)), origin: self.origin(id) }, nodes: 1 }
    }

    fn sequence(&mut self, id: NodeId, items: &[NodeId]) -> Result<Read, Box<Finding>> {
        let mut values = Vec::with_capacity(items.len());
        let mut nodes = 1_usize;
        for item in items {
            let read = self.read(*item)?;
            nodes = nodes.saturating_add(read.nodes);
            values.push(read.value);
        }
        Ok(Read { value: Value { kind: Kind::Sequence(Rc::new(values)), origin: self.origin(id) }, nodes })
    }

    fn mapping(&mut self, id: NodeId, entries: &[Entry]) -> Result<Read, Box<Finding>> {
        let mut fields = Fields::default();
        let mut nodes = 1_usize;
        for entry in entries {
            let value = self.read(entry.value)?;
            nodes = nodes.saturating_add(value.nodes);
            match self.merged(entry, &value.value) {
                Some(merged) => fields.merge(&merged),
                None => {
                    let key = self.read(entry.key)?.value.text().unwrap_or_default();
                    fields.set(Field { key, key_origin: self.origin(entry.key), value: value.value });
                }
            }
        }
        Ok(Read { value: Value { kind: Kind::Mapping(Rc::new(fields.finish())), origin: self.origin(id) }, nodes })
    }

    /// The mappings that an entry merges. Psych merges a mapping, an alias of one, or a list of such that stands here
    /// itself; under anything else, an alias of a list included, `<<` is a key like another.
    fn merged(&self, entry: &Entry, value: &Value) -> Option<Vec<Rc<Mapping>>> {
        let is_list = matches!(self.tree.node(entry.value).kind, NodeKind::Sequence { .. });
        if !psych::is_merge_key(self.tree.node(entry.key)) || value.sequence().is_some() != is_list {
            return None;
        }
        value.sequence().unwrap_or(std::slice::from_ref(value)).iter().map(|item| item.mapping().cloned()).collect()
    }

    const fn origin(&self, node: NodeId) -> Origin {
        Origin { file: self.file, node }
    }

    fn finding(&self, code: Code, id: NodeId, message: &str) -> Box<Finding> {
        let help = match code {
            Code::YamlAliasesTooMany => "write out what the aliases stand for, or name it by 'extends'",
            Code::YamlDate => "put it in quotes",
            Code::YamlRecursiveAnchor => "take the alias out, or move the anchor away from around it",
            _ => MEND_YAML,
        };
        let location = Location::new(self.source, self.tree.node(id).full_span);
        Box::new(Finding::new(code, location, message).with_help(help))
    }
}

/// The way out where a file is no YAML.
pub(super) const MEND_YAML: &str = "mend the YAML: GitLab cannot read it either";

/// Fields with an index beside them: a file may hold a hundred thousand keys in one mapping.
#[derive(Default)]
struct Fields {
    places: HashMap<Rc<str>, usize>,
    fields: Vec<Field>,
}

impl Fields {
    fn set(&mut self, field: Field) {
        let place = *self.places.entry(Rc::clone(&field.key)).or_insert(self.fields.len());
        match self.fields.get_mut(place) {
            Some(present) => *present = field,
            None => self.fields.push(field),
        }
    }

    /// Psych sets the fields of a merged mapping at the place of the `<<`, over those that stand before it;
    /// of several merged mappings the first wins.
    fn merge(&mut self, mappings: &[Rc<Mapping>]) {
        for mapping in mappings.iter().rev() {
            for field in mapping.fields() {
                self.set(field.clone());
            }
        }
    }

    fn finish(self) -> Mapping {
        self.fields.into_iter().fold(Mapping::default(), |mut mapping, field| {
            mapping.push_new(field);
            mapping
        })
    }
}
