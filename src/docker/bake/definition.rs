use std::sync::Arc;

use crate::docker::compose::ComposeFile;
use crate::docker::described::line_of;
use crate::source::{Repository, SourceFile};
use crate::syntax::hcl::{Block, Document, Part, Value, ValueKind};
use crate::text::{RepositoryPath, Span};

/// All that the files of one command say.
pub(super) struct Definition {
    files: Vec<BakeFile>,
    compose: Vec<ComposeFile>,
}

/// A file of targets.
pub(super) struct BakeFile {
    source: Arc<SourceFile>,
    document: Document,
}

/// Where a target is described.
pub(super) enum Described<'a> {
    /// As a block of a file of bake.
    Block(&'a BakeFile, &'a Block),
    /// As a service of a Compose file.
    Service(&'a ComposeFile),
}

impl BakeFile {
    pub(super) fn path(&self) -> &RepositoryPath {
        self.source.path()
    }

    /// The file and the line of a place in it.
    pub(super) fn line(&self, span: Span) -> String {
        line_of(self.path(), self.source.text(), span)
    }

    /// A value as it is written.
    pub(super) fn written<'a>(&'a self, value: &Value) -> &'a str {
        value.span.slice(self.source.text())
    }
}

impl Definition {
    pub(super) fn read(
        repository: &dyn Repository,
        folder: &RepositoryPath,
        paths: &[RepositoryPath],
    ) -> Result<Self, String> {
        let mut found = Self { files: Vec::new(), compose: Vec::new() };
        for path in paths {
            let source = repository.read(path).map_err(|error| format!("reads {path}: {error}"))?;
            let parse = match path.as_str().rsplit_once('.').map(|(_, ending)| ending) {
                Some("hcl") => Document::parse,
                Some("json") => Document::parse_json,
                Some("yaml" | "yml") => {
                    // Its paths count from where the command runs (docker/buildx: `ParseCompose`).
                    if path.join("..").as_ref() != Some(folder) || source.text().contains("x-bake") {
                        return Err(format!("reads {path} in another way than 'docker compose' does"));
                    }
                    found.compose.push(ComposeFile::read(repository, path)?);
                    continue;
                }
                _ => return Err(format!("reads {path}, whose name does not tell in what language it is written")),
            };
            let document = parse(source.text()).map_err(|error| {
                let line = line_of(path, source.text(), Span::at(error.at));
                format!("reads {path}, which cannot be read here: {} ({line})", error.message)
            })?;
            found.files.push(BakeFile { source, document });
        }
        Ok(found)
    }

    fn blocks<'a>(&'a self, kind: &'a str, name: &'a str) -> impl Iterator<Item = (&'a BakeFile, &'a Block)> {
        let of_file = move |file: &'a BakeFile| {
            let own = file.document.blocks.iter().filter(move |block| block.kind == kind && block.labels == [name]);
            own.map(move |block| (file, block))
        };
        self.files.iter().flat_map(of_file)
    }

    /// The names of all targets.
    pub(super) fn names(&self) -> Vec<&str> {
        let blocks = self.files.iter().flat_map(|file| &file.document.blocks).filter(|block| block.kind == "target");
        let names = blocks.filter_map(|block| block.labels.first().map(String::as_str));
        names.chain(self.compose.iter().flat_map(ComposeFile::built_names)).collect()
    }

    /// Whether a target is made of this one.
    pub(super) fn is_inherited(&self, name: &str) -> bool {
        let blocks = self.files.iter().flat_map(|file| &file.document.blocks);
        let parents = blocks.filter_map(|block| block.value("inherits")).flat_map(|value| value.items());
        let parent = [Part::Text(name.to_owned())];
        parents.into_iter().any(|value| matches!(&value.kind, ValueKind::Text(parts) if *parts == parent))
    }

    /// What says how a target is built.
    pub(super) fn target<'a>(&'a self, name: &'a str) -> Result<Described<'a>, String> {
        let services = self.compose.iter().filter(|file| file.built_names().contains(&name)).map(Described::Service);
        let blocks = self.blocks("target", name).map(|(file, block)| Described::Block(file, block));
        one(blocks.chain(services), name)?
            .ok_or_else(|| format!("names the target {name}, which is in no file that it reads"))
    }

    /// The targets behind these names of targets and groups, each once.
    pub(super) fn targets(&self, names: &[&str]) -> Result<Vec<String>, String> {
        let mut found = Vec::new();
        names.iter().try_for_each(|name| self.add_targets(name, 0, &mut found))?;
        Ok(found)
    }

    fn add_targets(&self, name: &str, depth: usize, found: &mut Vec<String>) -> Result<(), String> {
        if name.contains(['*', '?', '[']) || depth > 8 {
            return Err(format!("names its targets by {name}, which is not followed"));
        }
        // A Compose file with services is a group of all that it builds (docker/buildx: `ParseCompose`).
        let services = self.compose.iter().filter(|_| name == "default");
        let services = services.map(|file| Ok(file.built_names().into_iter().map(str::to_owned).collect()));
        let blocks = self.blocks("group", name).map(|(file, block)| self.members(file, block));
        let Some(members) = one(blocks.chain(services), name)? else {
            if !found.iter().any(|known| known == name) {
                found.push(name.to_owned());
            }
            return Ok(());
        };
        members?.iter().try_for_each(|member| self.add_targets(member, depth + 1, found))
    }

    fn members(&self, file: &BakeFile, group: &Block) -> Result<Vec<String>, String> {
        let text = |value: &Value| match &value.kind {
            ValueKind::Text(parts) => plain(parts),
            _ => None,
        };
        let listed = group.value("targets").filter(|value| matches!(value.kind, ValueKind::List(_)));
        let members: Option<Vec<_>> = listed.and_then(|value| value.items().iter().map(text).collect());
        members.ok_or_else(|| {
            format!("builds a group whose targets are not listed in plain words ({})", file.line(group.span))
        })
    }

    /// The default of a variable.
    pub(super) fn default_of<'a>(&'a self, name: &'a str) -> Option<&'a Value> {
        let mut found = self.blocks("variable", name);
        let (_, block) = found.next()?;
        block.value("default").filter(|_| found.next().is_none())
    }
}

/// A text without variables.
pub(super) fn plain(parts: &[Part]) -> Option<String> {
    let text = |part: &Part| match part {
        Part::Text(text) => Some(text.clone()),
        Part::Variable(_) => None,
    };
    parts.iter().map(text).collect()
}

/// The one thing of a name; bake merges several, which is not followed.
fn one<T>(mut found: impl Iterator<Item = T>, name: &str) -> Result<Option<T>, String> {
    let first = found.next();
    if found.next().is_some() { Err(format!("reads of {name} more than once")) } else { Ok(first) }
}
