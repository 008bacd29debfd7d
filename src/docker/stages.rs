use std::collections::{BTreeSet, HashMap};

use crate::syntax::dockerfile::{Arguments, Dockerfile, Expansion, Instruction, Keyword, expand};
use crate::text::Span;

/// The stages of a Dockerfile, and what is known of the variables in them.
#[derive(Clone, Debug, Default)]
pub struct Stages {
    /// The stages, in order.
    pub stages: Vec<Stage>,
    /// Every `COPY` and `ADD`, in order.
    pub copies: Vec<Copy>,
    /// Every `RUN --mount` that names a stage or an image, in order.
    pub mounts: Vec<MountFrom>,
    /// The names that an `ARG` declares, in whichever stage or in front of all.
    pub declared: BTreeSet<String>,
}

/// One stage.
#[derive(Clone, Debug)]
pub struct Stage {
    /// The index of its `FROM` among the instructions.
    pub from: usize,
    /// The index of the first instruction that is no longer its own.
    pub end: usize,
    /// Its name, in lower case.
    pub name: Option<String>,
    /// What it builds on.
    pub base: Base,
    /// The image or stage it builds on, as it is written.
    pub base_written: String,
    /// The folder that relative destinations start from at its end; `None` where it comes from the base image.
    pub working_directory: Option<String>,
}

/// What a stage builds on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Base {
    /// An earlier stage.
    Stage(usize),
    /// An image; `None` where its name is not known.
    Image(Option<String>),
}

/// A `COPY` or `ADD`.
#[derive(Clone, Debug)]
pub struct Copy {
    /// The index of the instruction.
    pub instruction: usize,
    /// The index of the stage.
    pub stage: usize,
    /// Whether it is `ADD`.
    pub is_add: bool,
    /// The value of `--from`, where it has one.
    pub from: Option<String>,
    /// Its sources; here-documents and addresses are left out.
    pub sources: Vec<CopySource>,
    /// How many sources it has in all.
    pub source_count: usize,
    /// Its destination as it is written.
    pub destination: String,
    /// Whether it is written as a JSON array.
    pub is_json: bool,
}

/// What a `RUN --mount` takes its files from (Dockerfile reference: `RUN --mount=type=bind`).
#[derive(Clone, Debug)]
pub struct MountFrom {
    /// The index of the stage.
    pub stage: usize,
    /// The value of `from`.
    pub from: String,
}

/// A source of a `COPY` or `ADD` that names files.
#[derive(Clone, Debug)]
pub struct CopySource {
    /// Its place among all sources of the instruction.
    pub index: usize,
    /// Its bytes.
    pub span: Span,
    /// As it is written, quotes and variables included.
    pub written: String,
    /// The path with all variables replaced; `None` where one is not known.
    pub path: Option<String>,
}

impl Stage {
    /// Whether it starts from an image that copies files of the context by itself, as far as its name tells.
    #[must_use]
    pub fn is_of_onbuild(&self) -> bool {
        let image = match &self.base {
            Base::Image(Some(image)) => image.as_str(),
            Base::Image(None) => self.base_written.as_str(),
            Base::Stage(_) => return false,
        };
        image.rsplit(['/', ':']).next().is_some_and(|tag| tag.contains("onbuild"))
    }
}

impl Stages {
    /// The stages of `dockerfile`, built with these arguments; a value of `None` is not known.
    #[must_use]
    pub fn new(dockerfile: &Dockerfile, arguments: &[(String, Option<String>)]) -> Self {
        let given = arguments.iter().cloned().collect();
        let mut reader =
            Reader { dockerfile, given, global: HashMap::new(), scope: HashMap::new(), found: Self::default() };
        for (index, instruction) in dockerfile.instructions.iter().enumerate() {
            reader.instruction(index, instruction);
        }
        reader.found
    }

    /// Whether a stage starts from an image that is made to be built on, by its name (Docker docs: `ONBUILD`).
    #[must_use]
    pub fn has_onbuild_base(&self) -> bool {
        self.stages.iter().any(Stage::is_of_onbuild)
    }

    /// The stage that a build makes: the one of that name or number, else the last.
    #[must_use]
    pub fn target(&self, name: Option<&str>) -> Option<usize> {
        match name {
            None => self.stages.len().checked_sub(1),
            Some(name) => self.find(name),
        }
    }

    /// The stage that `reference` names: by its name, or by its number.
    #[must_use]
    pub fn find(&self, reference: &str) -> Option<usize> {
        let by_name = self.stages.iter().position(|stage| stage.name.as_deref() == Some(&reference.to_lowercase()));
        by_name.or_else(|| reference.parse().ok().filter(|index| *index < self.stages.len()))
    }

    /// The stages that take part in the build of `target`, itself included.
    #[must_use]
    pub fn reachable(&self, target: usize) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut open = vec![target];
        while let Some(index) = open.pop() {
            if !found.insert(index) {
                continue;
            }
            if let Some(Stage { base: Base::Stage(base), .. }) = self.stages.get(index) {
                open.push(*base);
            }
            let copied = self.copies.iter().filter(|copy| copy.stage == index).filter_map(|copy| copy.from.as_deref());
            let mounted = self.mounts.iter().filter(|mount| mount.stage == index).map(|mount| mount.from.as_str());
            open.extend(copied.chain(mounted).filter_map(|from| self.find(from)).filter(|from| *from < index));
        }
        found
    }

    /// All names that a new stage must not take: those of stages, of base images, and of what is copied from.
    pub fn taken_names(&self) -> impl Iterator<Item = String> {
        let stages = self
            .stages
            .iter()
            .flat_map(|stage| stage.name.clone().into_iter().chain([stage.base_written.to_lowercase()]));
        let copied = self.copies.iter().filter_map(|copy| copy.from.as_deref());
        let mounted = self.mounts.iter().map(|mount| mount.from.as_str());
        stages.chain(copied.chain(mounted).map(str::to_lowercase))
    }
}

struct Reader<'a> {
    dockerfile: &'a Dockerfile,
    /// Build arguments from the command line.
    given: HashMap<String, Option<String>>,
    /// `ARG`s before the first `FROM`.
    global: HashMap<String, Option<String>>,
    /// `ARG`s and `ENV`s of the stage.
    scope: HashMap<String, Option<String>>,
    found: Stages,
}

impl Reader<'_> {
    fn instruction(&mut self, index: usize, instruction: &Instruction) {
        match instruction.keyword {
            Keyword::From => self.from(index, instruction),
            Keyword::Arg => self.argument(instruction),
            Keyword::Env => self.environment(instruction),
            Keyword::Workdir => self.working_directory(instruction),
            Keyword::Copy | Keyword::Add => self.copy(index, instruction),
            Keyword::Run => self.mounts(instruction),
            _ => {}
        }
        if let Some(stage) = self.found.stages.last_mut() {
            stage.end = index + 1;
        }
    }

    fn from(&mut self, index: usize, instruction: &Instruction) {
        let Some(view) = instruction.from() else {
            return;
        };
        self.scope = HashMap::new();
        let written = view.image.text().to_owned();
        let image = self.expanded_with(&written, &self.global);
        let base = image.as_deref().and_then(|name| self.found.find_by_name(name));
        let inherited =
            base.and_then(|base| self.found.stages.get(base)).and_then(|stage| stage.working_directory.clone());
        self.found.stages.push(Stage {
            from: index,
            end: index + 1,
            name: view.name.map(|name| name.text().to_lowercase()),
            base: base.map_or(Base::Image(image), Base::Stage),
            base_written: written,
            working_directory: inherited,
        });
    }

    fn argument(&mut self, instruction: &Instruction) {
        let Arguments::KeyValues(pairs) = &instruction.arguments else {
            return;
        };
        for pair in pairs {
            let name = pair.name.text().to_owned();
            self.found.declared.insert(name.clone());
            let default = pair.value.as_ref().map(|value| self.expanded(value.text()));
            let value = match (self.given.get(&name), default) {
                (Some(given), _) => given.clone(),
                (None, Some(default)) => default,
                (None, None) => self.global.get(&name).cloned().flatten(),
            };
            if self.found.stages.is_empty() {
                self.global.insert(name, value);
            } else {
                self.scope.insert(name, value);
            }
        }
    }

    fn environment(&mut self, instruction: &Instruction) {
        let Arguments::KeyValues(pairs) = &instruction.arguments else {
            return;
        };
        for pair in pairs {
            let value = pair.value.as_ref().and_then(|value| self.expanded(value.text()));
            self.scope.insert(pair.name.text().to_owned(), value);
        }
    }

    fn working_directory(&mut self, instruction: &Instruction) {
        let Arguments::Words(words) = &instruction.arguments else {
            return;
        };
        let path = words.first().and_then(|word| self.expanded(word.text()));
        if let Some(stage) = self.found.stages.last_mut() {
            stage.working_directory = match (path, stage.working_directory.take()) {
                (Some(path), _) if path.starts_with('/') => Some(path),
                (Some(path), Some(before)) => Some(format!("{}/{path}", before.trim_end_matches('/'))),
                _ => None,
            };
        }
    }

    fn copy(&mut self, index: usize, instruction: &Instruction) {
        let Some(view) = instruction.copy() else {
            return;
        };
        let Some(stage) = self.found.stages.len().checked_sub(1) else {
            return;
        };
        let is_add = instruction.keyword == Keyword::Add;
        let files = view
            .sources
            .iter()
            .enumerate()
            .filter(|(_, source)| source.heredoc.is_none() && !(is_add && self.is_remote(source.operand.text())));
        let sources = files.map(|(index, source)| CopySource {
            index,
            span: source.operand.span(),
            written: source.operand.text().to_owned(),
            path: self.expanded(source.operand.text()),
        });
        let copy = Copy {
            instruction: index,
            stage,
            is_add,
            from: view.from.map(|from| self.expanded(from.text()).unwrap_or_else(|| from.text().to_owned())),
            sources: sources.collect(),
            source_count: view.sources.len(),
            destination: view.destination.text().to_owned(),
            is_json: view.is_json,
        };
        self.found.copies.push(copy);
    }

    fn mounts(&mut self, instruction: &Instruction) {
        let Some(stage) = self.found.stages.len().checked_sub(1) else {
            return;
        };
        let mounts = instruction.mounts();
        let named = mounts.iter().filter_map(|mount| mount.from());
        let from = named.map(|from| self.expanded(from.text()).unwrap_or_else(|| from.text().to_owned()));
        let found: Vec<_> = from.map(|from| MountFrom { stage, from }).collect();
        self.found.mounts.extend(found);
    }

    /// Whether a source is downloaded, by its words or by the value of a variable in them.
    fn is_remote(&self, source: &str) -> bool {
        is_remote(source) || self.expanded(source).is_some_and(|source| is_remote(&source))
    }

    fn expanded(&self, text: &str) -> Option<String> {
        self.expanded_with(text, if self.found.stages.is_empty() { &self.global } else { &self.scope })
    }

    fn expanded_with(&self, text: &str, scope: &HashMap<String, Option<String>>) -> Option<String> {
        let expansion = expand(text, self.dockerfile.escape, &|name| scope.get(name).cloned().flatten());
        expansion.ok().filter(Expansion::is_resolved).map(|expansion| expansion.value)
    }
}

impl Stages {
    /// The stage of this name.
    #[must_use]
    pub fn find_by_name(&self, name: &str) -> Option<usize> {
        self.stages.iter().position(|stage| stage.name.as_deref() == Some(&name.to_lowercase()))
    }
}

/// Whether `ADD` downloads it: an address, or a repository as ssh names it (`user@host:path`).
fn is_remote(source: &str) -> bool {
    let is_of_ssh = source.split_once(':').is_some_and(|(host, _)| host.contains('@') && !host.contains('/'));
    source.contains("://") || is_of_ssh
}
