//! HCL in JSON, which is read as the YAML that it is too. Its texts are templates as those of HCL are.

use hcl_edit::parser;

use super::{Attribute, Block, Document, Part, SyntaxError, Value, ValueKind, native};
use crate::syntax::yaml::{Entry, NodeId, NodeKind, ScalarStyle, Tree};

/// The kinds of blocks that a file of bake has; all else at the top is an attribute (docker/buildx: `bake/hclparser`).
const BLOCKS: [&str; 4] = ["function", "group", "target", "variable"];

pub(super) fn parse(text: &str) -> Result<Document, SyntaxError> {
    let error = |message: &str, at| SyntaxError { message: message.to_owned(), at };
    let tree = Tree::parse(text).map_err(|found| error(&found.message, found.span.start()))?;
    let root = tree.documents().first().and_then(|document| document.root);
    let root = root.filter(|root| is_map(&tree, *root)).ok_or_else(|| error("it holds no object", 0))?;
    let mut document = Document::default();
    for Entry { key, value } in tree.node(root).entries() {
        let kind = tree.node(*key).scalar().unwrap_or_default();
        if !BLOCKS.contains(&kind) {
            document.attributes.push(kind.to_owned());
            continue;
        }
        if !is_map(&tree, *value) {
            return Err(error("blocks are listed, which is not followed", tree.node(*value).span.start()));
        }
        let blocks = tree.node(*value).entries().iter().map(|labelled| block(&tree, kind, labelled));
        document.blocks.extend(blocks);
    }
    Ok(document)
}

fn is_map(tree: &Tree, node: NodeId) -> bool {
    matches!(tree.node(node).kind, NodeKind::Mapping { .. })
}

fn block(tree: &Tree, kind: &str, labelled: &Entry) -> Block {
    let attribute = |entry: &Entry| Attribute {
        name: tree.node(entry.key).scalar().unwrap_or_default().to_owned(),
        span: tree.node(entry.key).span.join(tree.node(entry.value).span),
        value: value(tree, entry.value),
    };
    // A key of this name is a comment (hashicorp/hcl: `json/spec.md`).
    let is_comment = |entry: &&Entry| tree.node(entry.key).scalar() == Some("//");
    let entries = tree.node(labelled.value).entries().iter().filter(|entry| !is_comment(entry));
    Block {
        kind: kind.to_owned(),
        labels: tree.node(labelled.key).scalar().map(str::to_owned).into_iter().collect(),
        span: tree.node(labelled.key).span.join(tree.node(labelled.value).span),
        attributes: entries.map(attribute).collect(),
    }
}

fn value(tree: &Tree, node: NodeId) -> Value {
    let kind = match &tree.node(node).kind {
        NodeKind::Scalar { style: ScalarStyle::Plain, value } if value == "null" => ValueKind::Null,
        NodeKind::Scalar { style: ScalarStyle::Plain, value } => ValueKind::Text(vec![Part::Text(value.clone())]),
        NodeKind::Scalar { value, .. } => template(value).map_or(ValueKind::NotPlain, ValueKind::Text),
        NodeKind::Sequence { items, .. } => ValueKind::List(items.iter().map(|item| value(tree, *item)).collect()),
        NodeKind::Mapping { entries, .. } => {
            let entry = |entry: &Entry| Some((tree.node(entry.key).scalar()?.to_owned(), value(tree, entry.value)));
            entries.iter().map(entry).collect::<Option<_>>().map_or(ValueKind::NotPlain, ValueKind::Map)
        }
        NodeKind::Alias { .. } => ValueKind::NotPlain,
    };
    Value { span: tree.node(node).span, kind }
}

fn template(text: &str) -> Option<Vec<Part>> {
    if !text.contains(['$', '%']) {
        return Some(vec![Part::Text(text.to_owned())]);
    }
    native::parts(&parser::parse_template(text).ok()?)
}
