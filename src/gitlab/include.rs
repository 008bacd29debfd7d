//! Reading the pipeline file and everything local that it includes (GitLab docs: ci/yaml/includes).

use std::rc::Rc;
use std::sync::Arc;

use globset::GlobBuilder;

use super::merge;
use super::pipeline::{PipelineFile, UnreadInclude};
use super::read;
use super::value::{FileId, Kind, Mapping, Origin, Value};
use crate::finding::{Code, Finding, Location};
use crate::source::{ReadError, Repository, SourceFile};
use crate::syntax::yaml::{NodeId, Tree};
use crate::text::{RepositoryPath, Span};

/// The most files that one pipeline may include (GitLab docs: ci/yaml/includes, "Maximum").
const MOST_FILES: usize = 150;

/// All files of a pipeline, merged.
pub(super) struct Loaded {
    pub(super) files: Vec<PipelineFile>,
    pub(super) merged: Rc<Mapping>,
    pub(super) unread: Vec<UnreadInclude>,
}

/// Reads the pipeline at `path` and what it includes from this repository.
///
/// # Errors
/// A finding where a file that must be read cannot be.
pub(super) fn load(repository: &dyn Repository, path: &RepositoryPath) -> Result<Loaded, Box<Finding>> {
    let mut loader = Loader { repository, files: Vec::new(), unread: Vec::new(), open: Vec::new() };
    let merged = loader.file(path, None)?;
    Ok(Loaded { files: loader.files, merged, unread: loader.unread })
}

struct Loader<'a> {
    repository: &'a dyn Repository,
    files: Vec<PipelineFile>,
    unread: Vec<UnreadInclude>,
    open: Vec<RepositoryPath>,
}

impl Loader<'_> {
    fn file(&mut self, path: &RepositoryPath, included_at: Option<&Location>) -> Result<Rc<Mapping>, Box<Finding>> {
        let source = self.repository.read(path).map_err(|error| unreadable(path, included_at, &error))?;
        let tree = Tree::parse(source.text()).map_err(|error| {
            Box::new(Finding::new(Code::YamlSyntax, Location::new(&source, error.span), error.message))
        })?;
        let id = FileId(self.files.len());
        let root = body(&source, &tree)?;
        let value = read::value(&source, &tree, id, root)?;
        let Some(own) = value.mapping().cloned() else {
            let location = Location::new(&source, tree.node(root).full_span);
            let message = "a pipeline is a mapping of job names to jobs, and this is not a mapping";
            return Err(Box::new(Finding::new(Code::PipelineNotAMapping, location, message)));
        };
        if let Some(at) = source.text().find("$[[") {
            let location = Location::new(&source, Span::new(at, at + 3));
            self.unread
                .push(UnreadInclude { location, what: "inputs that are filled in where the file is included".into() });
        }
        self.files.push(PipelineFile { source, tree, root });
        self.open.push(path.clone());
        let merged = self.with_includes(&own);
        self.open.pop();
        merged
    }

    fn with_includes(&mut self, own: &Mapping) -> Result<Rc<Mapping>, Box<Finding>> {
        let mut merged = Mapping::default();
        for include in own.get("include").map(Value::one_or_many).unwrap_or_default() {
            let location = self.location(include.origin);
            for path in self.local_paths(include) {
                if self.files.len() > MOST_FILES {
                    let what = format!("more than {MOST_FILES} files");
                    self.unread.push(UnreadInclude { location, what });
                    break;
                }
                if self.open.contains(&path) {
                    return Err(circular(&path, location));
                }
                let included = self.file(&path, Some(&location))?;
                merged = merge::mappings(&merged, &included);
            }
        }
        merged = merge::mappings(&merged, own);
        merged.remove("include");
        Ok(Rc::new(merged))
    }

    /// The files of this repository that one include names; what lies elsewhere is noted as unread.
    fn local_paths(&mut self, include: &Value) -> Vec<RepositoryPath> {
        let local = match &include.kind {
            Kind::Text(text) if !text.contains("://") => Ok(Rc::clone(text)),
            Kind::Text(text) => Err(format!("the remote file {text}")),
            Kind::Mapping(fields) => local_of(fields),
            _ => Err("an include that GitLab does not know".to_owned()),
        };
        match local.and_then(|pattern| self.expand(&pattern)) {
            Ok(paths) => paths,
            Err(what) => {
                let location = self.location(include.origin);
                self.unread.push(UnreadInclude { location, what });
                Vec::new()
            }
        }
    }

    fn expand(&self, pattern: &str) -> Result<Vec<RepositoryPath>, String> {
        if pattern.contains('$') {
            return Err(format!("the file {pattern}, whose name holds a variable"));
        }
        let path = RepositoryPath::new(pattern).ok_or_else(|| format!("the file {pattern} outside the repository"))?;
        if pattern.contains('*') {
            return self.matching(path.as_str());
        }
        match self.repository.read(&path) {
            Ok(_) => Ok(vec![path]),
            Err(error) => Err(format!("the file {pattern}: {error}")),
        }
    }

    fn matching(&self, pattern: &str) -> Result<Vec<RepositoryPath>, String> {
        let glob = GlobBuilder::new(pattern).literal_separator(true).build();
        let matcher = glob.map_err(|error| format!("the files {pattern}: {error}"))?.compile_matcher();
        let is_yaml = |path: &RepositoryPath| path.as_str().ends_with(".yml") || path.as_str().ends_with(".yaml");
        let found = self.repository.tracked().keys();
        Ok(found
            .filter(|path| is_yaml(path) && matcher.is_match(path.as_str()) && !self.open.contains(path))
            .cloned()
            .collect())
    }

    fn location(&self, origin: Origin) -> Location {
        match self.files.get(origin.file.0) {
            Some(file) => file.location(origin.node),
            None => Location::File(RepositoryPath::root()),
        }
    }
}

/// The path of a `local` include without conditions, or what it is instead.
fn local_of(fields: &Mapping) -> Result<Rc<str>, String> {
    let text = |key: &str| fields.get(key).and_then(Value::text);
    if fields.get("rules").is_some() {
        return Err("a file that is included only under its rules".to_owned());
    }
    if let Some(local) = text("local") {
        return Ok(local);
    }
    let elsewhere = ["project", "remote", "template", "component", "artifact"];
    let found = elsewhere.iter().find_map(|key| Some(format!("the {key} {}", text(key)?)));
    Err(found.unwrap_or_else(|| "an include that GitLab does not know".to_owned()))
}

/// The root of the pipeline itself: the second document where the first is a `spec:` header.
fn body(source: &Arc<SourceFile>, tree: &Tree) -> Result<NodeId, Box<Finding>> {
    let mut roots = tree.documents().iter().filter_map(|document| document.root);
    let first = roots.next();
    let is_header = first.is_some_and(|root| tree.entry(root, "spec").is_some());
    let root = if is_header { roots.next() } else { first };
    root.ok_or_else(|| {
        let location = Location::new(source, Span::at(0));
        Box::new(Finding::new(Code::PipelineEmpty, location, "there is no pipeline in this file"))
    })
}

/// A file that takes itself in, which GitLab follows until it has too many files.
fn circular(path: &RepositoryPath, location: Location) -> Box<Finding> {
    let message = format!("this takes in {path}, which so includes itself; GitLab refuses such a pipeline");
    Box::new(Finding::new(Code::FileUnreadable, location, message).with_help("take this include out"))
}

fn unreadable(path: &RepositoryPath, included_at: Option<&Location>, error: &ReadError) -> Box<Finding> {
    let finding = Finding::new(Code::FileUnreadable, Location::File(path.clone()), format!("{path}: {error}"));
    Box::new(match included_at {
        Some(location) => finding.with_related(location.clone(), "it is included here"),
        None => finding,
    })
}
