use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::value::Mapping;
use crate::finding::Location;
use crate::source::{ForeignFile, SourceFile};
use crate::syntax::yaml::{Entry, NodeId, Tree};

/// One file that a pipeline is read from.
pub struct PipelineFile {
    /// The file.
    pub source: Arc<SourceFile>,
    /// Its tree.
    pub tree: Tree,
    /// The top mapping of the pipeline, which is the second document where a `spec:` header is the first.
    pub root: NodeId,
    home: Home,
    keys: HashMap<Rc<str>, Entry>,
}

/// Where a file lies.
#[derive(Clone, Debug)]
pub(super) enum Home {
    /// In the repository of the pipeline.
    Repository,
    /// In another project, behind an address, or in GitLab itself.
    Elsewhere(ForeignFile),
    /// Nowhere: it is what GitLab has made of all files.
    Merged,
}

impl PipelineFile {
    /// The file with the tree `tree`; `own` is what its top mapping says, inputs filled in.
    pub(super) fn new(source: Arc<SourceFile>, tree: Tree, root: NodeId, home: Home, own: &Mapping) -> Self {
        let entries: HashMap<_, _> = tree.node(root).entries().iter().map(|entry| (entry.key, *entry)).collect();
        let key = |field: &super::value::Field| {
            let entry = entries.get(&field.key_origin.node)?;
            Some((Rc::clone(&field.key), *entry))
        };
        let keys = own.fields().iter().filter_map(key).collect();
        Self { source, tree, root, home, keys }
    }

    /// The place of a node, its anchor and tag included.
    #[must_use]
    pub fn location(&self, node: NodeId) -> Location {
        Location::new(&self.source, self.tree.node(node).full_span)
    }

    /// Whether it belongs to the repository, so that a fold may change it.
    #[must_use]
    pub const fn is_editable(&self) -> bool {
        matches!(self.home, Home::Repository)
    }

    /// What it is, where it does not belong to the repository: words for a message.
    #[must_use]
    pub fn elsewhere(&self) -> Option<String> {
        match &self.home {
            Home::Repository => None,
            Home::Elsewhere(file) => Some(file.to_string()),
            Home::Merged => Some("an included file, as the merged pipeline has it".to_owned()),
        }
    }

    /// Its entry for the key `name` at the top; the last one where there are several.
    pub(super) fn entry(&self, name: &str) -> Option<Entry> {
        self.keys.get(name).copied()
    }
}
