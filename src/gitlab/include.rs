//! Reading the pipeline file and all that it includes (GitLab docs: ci/yaml/includes).
//!
//! A file is read with its own words and what it includes, in their order. Only then they are merged: nested files
//! first, the file that names them last. An include whose rules hang on the pipeline is kept apart by its number, so
//! that the pipeline can be put together with and without it.

mod entry;
mod functions;
mod inputs;
mod rules;
#[cfg(test)]
mod tests;
mod wildcard;

use std::rc::Rc;
use std::sync::Arc;

use super::file::{Home, PipelineFile};
use super::merge;
use super::read;
use super::template::{Reads, Template};
use super::unread::{Known, UnreadInclude};
use super::value::{FileId, Mapping, Origin, Value};
use crate::finding::{Code, Finding, Location};
use crate::source::{ForeignFile, ReadError, Repository, SourceFile};
use crate::syntax::yaml::{NodeId, Tree};
use crate::text::{RepositoryPath, Span};

use entry::{Include, Target};
use inputs::Inputs;
use rules::Decision;

/// The most files that one pipeline may include (GitLab docs: ci/yaml/includes, "Maximum").
const MOST_FILES: usize = 150;

/// All files of a pipeline, not merged yet.
pub(super) struct Loaded {
    pub(super) files: Vec<PipelineFile>,
    pub(super) root: Part,
    pub(super) unread: Vec<UnreadInclude>,
    pub(super) conditions: Vec<OpenInclude>,
}

/// An include that only some pipelines take in.
pub(super) struct OpenInclude {
    /// Where it is asked for.
    pub(super) location: Location,
    /// Its number, and the numbers of those whose files it stands in.
    pub(super) within: Vec<Condition>,
}

/// What one file says, and what it includes.
pub(super) struct Part {
    own: Rc<Mapping>,
    includes: Vec<(Option<Condition>, Self)>,
}

/// The number of an include that only some pipelines take in.
pub(super) type Condition = usize;

impl Part {
    /// All of it merged, with those of the conditional includes that `takes` says.
    pub(super) fn merged(&self, takes: &dyn Fn(Condition) -> bool) -> Mapping {
        let taken = self.includes.iter().filter(|(condition, _)| condition.is_none_or(takes));
        let below = taken.fold(Mapping::default(), |below, (_, part)| merge::mappings(&below, &part.merged(takes)));
        let mut merged = merge::mappings(&below, &self.own);
        merged.remove("include");
        merged
    }
}

/// Reads the pipeline at `path` and what it includes.
///
/// # Errors
/// A finding where a file that must be read cannot be.
pub(super) fn load(repository: &dyn Repository, path: &RepositoryPath) -> Result<Loaded, Box<Finding>> {
    let mut loader =
        Loader { repository, files: vec![], unread: vec![], conditions: vec![], within: vec![], open: vec![] };
    let source = repository.read(path).map_err(|error| unreadable(path, &error))?;
    let root = loader.file(source, Home::Repository, None)?;
    Ok(Loaded { files: loader.files, root, unread: loader.unread, conditions: loader.conditions })
}

struct Loader<'a> {
    repository: &'a dyn Repository,
    files: Vec<PipelineFile>,
    unread: Vec<UnreadInclude>,
    conditions: Vec<OpenInclude>,
    /// The conditions under which the file is taken in that is being read.
    within: Vec<Condition>,
    open: Vec<RepositoryPath>,
}

impl Loader<'_> {
    fn file(&mut self, source: Arc<SourceFile>, home: Home, by: Option<&Include>) -> Result<Part, Box<Finding>> {
        let tree = Tree::parse(source.text()).map_err(|error| {
            let finding = Finding::new(Code::YamlSyntax, Location::new(&source, error.span), error.message);
            Box::new(finding.with_help(read::MEND_YAML))
        })?;
        let id = FileId(self.files.len());
        let (header, root) = documents(&source, &tree)?;
        let mut value = read::value(&source, &tree, id, root)?;
        if let Some(header) = header {
            let spec = read::value(&source, &tree, id, header)?;
            value = self.inputs(&source, &spec, by)?.fill(&tree, &value);
        }
        let Some(own) = value.mapping().cloned() else {
            let location = Location::new(&source, tree.node(root).full_span);
            let message = "a pipeline is a mapping of job names to jobs, and this is not a mapping";
            let finding = Finding::new(Code::PipelineNotAMapping, location, message);
            return Err(Box::new(
                finding.with_help("write the names of the jobs at the top, each with its keywords below"),
            ));
        };
        self.open.push(source.path().clone());
        self.files.push(PipelineFile::new(source, tree, root, home.clone(), &own));
        let part = self.with_includes(own, &home);
        self.open.pop();
        part
    }

    fn inputs(&self, source: &Arc<SourceFile>, spec: &Value, by: Option<&Include>) -> Result<Inputs, Box<Finding>> {
        let nothing = Mapping::default();
        let given = by.map(|include| include.inputs.as_deref().unwrap_or(&nothing));
        let location = by.map_or(Location::new(source, Span::at(0)), |include| self.location(include.origin));
        Inputs::new(spec, given, &location)
    }

    fn with_includes(&mut self, own: Rc<Mapping>, home: &Home) -> Result<Part, Box<Finding>> {
        let mut includes = Vec::new();
        for include in own.get("include").map(Value::one_or_many).unwrap_or_default().iter().flat_map(entry::read) {
            let inside = matches!(home, Home::Repository).then_some(self.repository);
            let condition = match rules::decide(include.rules.as_ref(), inside) {
                Decision::Left => continue,
                Decision::Taken => None,
                Decision::Open => Some(self.conditions.len()),
            };
            if let Some(number) = condition {
                self.within.push(number);
                let location = self.location(include.origin);
                self.conditions.push(OpenInclude { location, within: self.within.clone() });
            }
            for (source, home) in self.sources(&include, home) {
                if let Some(part) = self.included(source, home, &include)? {
                    includes.push((condition, part));
                }
            }
            if condition.is_some() {
                self.within.pop();
            }
        }
        Ok(Part { own, includes })
    }

    fn included(
        &mut self,
        source: Arc<SourceFile>,
        home: Home,
        include: &Include,
    ) -> Result<Option<Part>, Box<Finding>> {
        if self.files.len() > MOST_FILES {
            self.note_unread(include, format!("more than {MOST_FILES} files"), Known::Nothing);
            return Ok(None);
        }
        if self.open.contains(source.path()) {
            return Err(circular(source.path(), self.location(include.origin)));
        }
        self.file(source, home, Some(include)).map(Some)
    }

    /// The files that an include names; one that is not here is noted as unread.
    fn sources(&mut self, include: &Include, home: &Home) -> Vec<(Arc<SourceFile>, Home)> {
        let found = match (&include.target, home) {
            (Target::Local(path), Home::Repository) => self.local(path),
            (Target::Local(path), Home::Elsewhere(file)) => match file.neighbour(path) {
                Some(file) if !path.contains('*') => self.foreign(&file),
                _ => Err((format!("the file {path} beside {file}"), Known::Nothing)),
            },
            (Target::Local(path), Home::Merged) => Err((format!("the file {path}"), Known::Nothing)),
            (Target::Foreign(file), _) => self.foreign(file),
            (Target::Unknown(what), _) => Err((what.clone(), Known::Nothing)),
        };
        found.unwrap_or_else(|(what, known)| {
            self.note_unread(include, what, known);
            Vec::new()
        })
    }

    fn note_unread(&mut self, include: &Include, what: String, known: Known) {
        let (location, is_conditional) = (self.location(include.origin), !self.within.is_empty());
        self.unread.push(UnreadInclude { location, what, known, is_conditional });
    }

    fn local(&self, pattern: &str) -> Found {
        let outside = || (format!("the file {pattern} outside the repository"), Known::Broken);
        let path = RepositoryPath::new(pattern).ok_or_else(outside)?;
        if pattern.contains('*') {
            let found = self.matching(path.as_str());
            return Ok(found.into_iter().map(|source| (source, Home::Repository)).collect());
        }
        match self.repository.read(&path) {
            Ok(source) => Ok(vec![(source, Home::Repository)]),
            Err(error) => Err((format!("the file {pattern}: {error}"), Known::Broken)),
        }
    }

    fn matching(&self, pattern: &str) -> Vec<Arc<SourceFile>> {
        let is_yaml = |path: &RepositoryPath| path.as_str().ends_with(".yml") || path.as_str().ends_with(".yaml");
        let found = self
            .repository
            .tracked()
            .keys()
            .filter(|path| is_yaml(path) && wildcard::matches(pattern, path.as_str()) && !self.open.contains(path));
        found.filter_map(|path| self.repository.read(path).ok()).collect()
    }

    fn foreign(&self, file: &ForeignFile) -> Found {
        let known = known_of(file);
        if let Known::Template(template) = known
            && template.reads != Reads::Anything
        {
            return Err((file.to_string(), known));
        }
        match self.repository.read_foreign(file) {
            Ok(source) => Ok(vec![(source, Home::Elsewhere(file.clone()))]),
            Err(ReadError::Missing) => Err((file.to_string(), known)),
            Err(error) => Err((format!("{file}: {error}"), Known::Nothing)),
        }
    }

    fn location(&self, origin: Origin) -> Location {
        match self.files.get(origin.file.0) {
            Some(file) => file.location(origin.node),
            None => Location::File(RepositoryPath::root()),
        }
    }
}

/// Files, or what is not here, with what is known of it all the same.
type Found = Result<Vec<(Arc<SourceFile>, Home)>, (String, Known)>;

fn known_of(file: &ForeignFile) -> Known {
    match file {
        ForeignFile::Template(name) => Template::find(name).map_or(Known::Nothing, Known::Template),
        _ => Known::Nothing,
    }
}

/// The `spec:` header, where the first document is one, and the root of the pipeline itself.
fn documents(source: &Arc<SourceFile>, tree: &Tree) -> Result<(Option<NodeId>, NodeId), Box<Finding>> {
    let mut roots = tree.documents().iter().filter_map(|document| document.root);
    let first = roots.next();
    let header = first.filter(|root| tree.entry(*root, "spec").is_some());
    let root = if header.is_some() { roots.next() } else { first };
    let root = root.ok_or_else(|| {
        let location = Location::new(source, Span::at(0));
        let finding = Finding::new(Code::PipelineEmpty, location, "there is no pipeline in this file");
        Box::new(finding.with_help("write jobs into it, or name another file"))
    })?;
    Ok((header, root))
}

/// A file that takes itself in, which GitLab follows until it has too many files.
fn circular(path: &RepositoryPath, location: Location) -> Box<Finding> {
    let message = format!("this takes in {path}, which so includes itself; GitLab refuses such a pipeline");
    Box::new(Finding::new(Code::FileUnreadable, location, message).with_help("take this include out"))
}

fn unreadable(path: &RepositoryPath, error: &ReadError) -> Box<Finding> {
    Box::new(Finding::new(Code::FileUnreadable, Location::File(path.clone()), format!("{path}: {error}")))
}
