use crate::docker::described::{DescribedBuild, Description};
use crate::docker::script_walk::place_in_repository;
use crate::source::Repository;
use crate::syntax::yaml::{Entry, NodeId, NodeKind, ScalarStyle, Tree};
use crate::text::RepositoryPath;

/// Keys of `build:` that change nothing about what the Dockerfile takes and makes (Compose specification: build).
const OF_NO_MEANING: [&str; 11] = [
    "cache_from",
    "extra_hosts",
    "isolation",
    "labels",
    "no_cache",
    "provenance",
    "pull",
    "sbom",
    "shm_size",
    "tags",
    "ulimits",
];

/// Keys of a service that a build depends on.
const OF_BUILD: [&str; 4] = ["build", "extends", "platform", "profiles"];

/// A Compose file, read.
pub(in crate::docker) struct ComposeFile {
    path: RepositoryPath,
    tree: Tree,
    services: NodeId,
}

impl ComposeFile {
    pub(in crate::docker) fn read(repository: &dyn Repository, path: &RepositoryPath) -> Result<Self, String> {
        let source = repository.read(path).map_err(|error| format!("reads {path}: {error}"))?;
        let tree =
            Tree::parse(source.text()).map_err(|error| format!("reads {path}, which is no YAML: {}", error.message))?;
        let root = tree.documents().first().and_then(|document| document.root);
        let root = root.ok_or_else(|| format!("reads {path}, which is empty"))?;
        if tree.entry(root, "include").is_some() {
            return Err(format!("reads {path}, which includes other files"));
        }
        let services =
            tree.entry(root, "services").ok_or_else(|| format!("reads {path}, which has no services"))?.value;
        Ok(Self { path: path.clone(), services, tree })
    }

    /// The names of the services that are built.
    pub(in crate::docker) fn built_names(&self) -> Vec<&str> {
        let is_built = |entry: &&Entry| self.entry(entry.value, "build").is_some();
        let services = self.tree.node(self.followed(self.services)).entries().iter().filter(is_built);
        services.filter_map(|entry| self.tree.node(entry.key).scalar()).collect()
    }

    /// The builds of the services of these names, or of all that have one.
    pub(in crate::docker) fn built(&self, names: &[&str]) -> Result<Vec<DescribedBuild>, String> {
        let path = &self.path;
        if names.is_empty() {
            let mut found = Vec::new();
            for entry in self.entries(self.services) {
                let name = self.tree.node(entry.key).scalar().unwrap_or_default();
                if self.entry(entry.value, "profiles").is_some() {
                    return Err(format!("may build the service {name} of {path} or not, as its profiles say"));
                }
                found.extend(self.service(name, entry.value)?);
            }
            return Ok(found);
        }
        let mut found = Vec::new();
        for name in names {
            let entry = self.entry(self.services, name);
            let entry = entry.ok_or_else(|| format!("names the service {name}, which {path} does not have"))?;
            found.extend(self.service(name, entry.value)?);
        }
        Ok(found)
    }

    /// The other services that may be built of this Dockerfile: what extends one has the build of that.
    pub(in crate::docker) fn built_of(&self, dockerfile: &RepositoryPath, own: &str) -> Vec<String> {
        let may_build = |entry: &Entry, name: &str| match self.service(name, entry.value) {
            Ok(build) => build.is_some_and(|build| build.dockerfile == *dockerfile),
            Err(_) => self.entry(entry.value, "build").is_some() || self.merges(entry.value, 0),
        };
        let services = self.entries(self.services);
        let named = services.iter().filter_map(|entry| Some((entry, self.text(entry.key)?)));
        named.filter(|(entry, name)| name != own && may_build(entry, name)).map(|(_, name)| name).collect()
    }

    /// The builds of all services, whatever their profiles say.
    pub(in crate::docker) fn built_by_any_profile(&self) -> Result<Vec<DescribedBuild>, String> {
        let mut found = Vec::new();
        for entry in self.entries(self.services) {
            found.extend(self.service(self.tree.node(entry.key).scalar().unwrap_or_default(), entry.value)?);
        }
        Ok(found)
    }

    fn service(&self, name: &str, service: NodeId) -> Result<Option<DescribedBuild>, String> {
        let about = |what: String| format!("builds the service {name} of {}, {what}", self.path);
        if self.entry(service, "extends").is_some() {
            return Err(about("which extends another".to_owned()));
        }
        if self.merges(service, 0) {
            return Err(about("which takes its build from elsewhere in the file".to_owned()));
        }
        let Some(build) = self.entry(service, "build").map(|entry| self.followed(entry.value)) else {
            return Ok(None);
        };
        let description = Description { file: self.path.clone(), name: name.to_owned(), is_inherited: false };
        let mut known = DescribedBuild::new(description);
        let platform = self.entry(service, "platform");
        known.options.extend(platform.map(|entry| ("--platform".to_owned(), self.text(entry.value))));
        let mut dockerfile = "Dockerfile".to_owned();
        let mut context = ".".to_owned();
        let text = |entry: &Entry, what: &str| {
            let text = self.text(entry.value).filter(|text| !text.contains('$'));
            let written = self.tree.node(entry.value).full_span.slice(self.tree.text());
            text.ok_or_else(|| about(format!("whose {what} is {written}, which is not known here")))
        };
        if self.tree.node(build).scalar().is_some() {
            let entry = self.entry(service, "build").unwrap_or(Entry { key: build, value: build });
            context = text(&Entry { value: build, ..entry }, "context")?;
        }
        for entry in self.merged_entries(build, 0) {
            match self.tree.node(entry.key).scalar().unwrap_or_default() {
                "context" => context = text(&entry, "context")?,
                "dockerfile" => dockerfile = text(&entry, "Dockerfile")?,
                "target" => known.target = Some(text(&entry, "target")?),
                "args" => {
                    for (name, value) in self.arguments(entry.value) {
                        let written = value.as_ref().map_or_else(|| name.clone(), |value| format!("{name}={value}"));
                        known.add_argument(&name, written, value.filter(|value| !value.contains('$')));
                    }
                }
                "secrets" => known.options.extend(self.secrets(entry.value).ok_or_else(|| {
                    about("whose build has secrets that are not those of variables or files".to_owned())
                })?),
                "network" => known.options.push(("--network".to_owned(), Some(text(&entry, "network")?))),
                "cache_to" => {
                    let values = self.tree.node(self.followed(entry.value)).items();
                    known.options.extend(values.iter().map(|value| ("--cache-to".to_owned(), self.text(*value))));
                }
                "platforms" => known.options.push(("--platform".to_owned(), None)),
                key if OF_NO_MEANING.contains(&key) || key.starts_with("x-") => {}
                key => return Err(about(format!("whose build has '{key}'"))),
            }
        }
        if context.contains("://") || context.starts_with("git@") || context.contains(".git#") {
            return Err(about(format!("whose context is {context}")));
        }
        let folder = self.path.join("..").unwrap_or_default();
        let outside = |what: &str| about(format!("whose {what} lies outside the project"));
        known.context = place_in_repository(&context, &folder).ok_or_else(|| outside("context"))?;
        known.dockerfile = place_in_repository(&dockerfile, &known.context).ok_or_else(|| outside("Dockerfile"))?;
        Ok(Some(known))
    }

    /// Build arguments, as a mapping or as a list of `NAME=VALUE`; without a value where Compose takes that from its
    /// environment.
    fn arguments(&self, args: NodeId) -> Vec<(String, Option<String>)> {
        let args = self.followed(args);
        let of_mapping = self.merged_entries(args, 0).into_iter().filter_map(|entry| {
            Some((self.text(entry.key)?, self.text(entry.value).filter(|_| !self.is_null(entry.value))))
        });
        let of_list = self.tree.node(args).items().iter().filter_map(|item| {
            let text = self.text(*item)?;
            Some(match text.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (text, None),
            })
        });
        of_mapping.chain(of_list).collect()
    }

    /// The secrets of a build, as options of `docker build`; `None` where one is neither a variable nor a file.
    fn secrets(&self, secrets: NodeId) -> Option<Vec<(String, Option<String>)>> {
        let root = self.tree.documents().first()?.root?;
        let all = self.tree.entry(root, "secrets")?.value;
        let secret = |item: &NodeId| {
            let name = self.text(*item)?;
            let source = self.entry(all, &name)?.value;
            let (key, value) = match (self.entry(source, "environment"), self.entry(source, "file")) {
                (Some(variable), None) => ("env", self.text(variable.value)?),
                (None, Some(file)) => ("src", self.text(file.value)?),
                _ => return None,
            };
            Some(("--secret".to_owned(), Some(format!("id={name},{key}={value}"))))
        };
        self.tree.node(self.followed(secrets)).items().iter().map(secret).collect()
    }

    /// The entries of a mapping, with those that merge keys bring in; its own come first, and of several mappings the one that is
    /// named first (YAML 1.1: merge).
    fn merged_entries(&self, mapping: NodeId, depth: usize) -> Vec<Entry> {
        let is_merge = |entry: &Entry| self.tree.node(entry.key).scalar() == Some("<<");
        let (merges, mut found): (Vec<_>, Vec<_>) = self.entries(mapping).into_iter().partition(is_merge);
        for merge in merges.into_iter().filter(|_| depth < 8) {
            let value = self.followed(merge.value);
            let parts = match self.tree.node(value).items() {
                [] => vec![value],
                items => items.to_vec(),
            };
            for entry in parts.into_iter().flat_map(|part| self.merged_entries(part, depth + 1)) {
                let name = self.tree.node(entry.key).scalar();
                if !found.iter().any(|known| self.tree.node(known.key).scalar() == name) {
                    found.push(entry);
                }
            }
        }
        found
    }

    /// Whether a merge key brings in something that the build depends on.
    fn merges(&self, mapping: NodeId, depth: usize) -> bool {
        let merged = self.entries(mapping).into_iter().filter(|entry| self.tree.node(entry.key).scalar() == Some("<<"));
        merged.into_iter().any(|entry| {
            let value = self.followed(entry.value);
            let parts = match self.tree.node(value).items() {
                [] => vec![value],
                items => items.iter().map(|item| self.followed(*item)).collect(),
            };
            let brings = |part: &NodeId| OF_BUILD.iter().any(|key| self.tree.entry(*part, key).is_some());
            depth > 8 || parts.iter().any(|part| brings(part) || self.merges(*part, depth + 1))
        })
    }

    fn is_null(&self, node: NodeId) -> bool {
        let node = self.tree.node(self.followed(node));
        let is_plain = node.scalar_style() == Some(ScalarStyle::Plain);
        node.is_absent() || is_plain && matches!(node.scalar(), Some("" | "~" | "null" | "Null" | "NULL"))
    }

    fn text(&self, node: NodeId) -> Option<String> {
        self.tree.node(self.followed(node)).scalar().map(str::to_owned)
    }

    fn entry(&self, mapping: NodeId, key: &str) -> Option<Entry> {
        self.tree.entry(self.followed(mapping), key)
    }

    fn entries(&self, mapping: NodeId) -> Vec<Entry> {
        self.tree.node(self.followed(mapping)).entries().to_vec()
    }

    /// The node that an alias stands for.
    fn followed(&self, node: NodeId) -> NodeId {
        match &self.tree.node(node).kind {
            NodeKind::Alias { target: Some(target), .. } => *target,
            _ => node,
        }
    }
}
