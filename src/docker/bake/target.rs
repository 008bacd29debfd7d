//! What the files, the variables and `--set` make of a target.

use super::definition::{BakeFile, Definition, Described};
use super::overrides::Override;
use super::{Environment, Known};
use crate::docker::described::{DescribedBuild, Description};
use crate::docker::script_walk::place_in_repository;
use crate::syntax::hcl::{Attribute, Block, Part, Value, ValueKind};
use crate::text::RepositoryPath;

/// Attributes that change nothing about what the Dockerfile takes and makes (Docker docs: Bake file reference).
const OF_NO_MEANING: [&str; 12] = [
    "annotations",
    "attest",
    "description",
    "entitlements",
    "extra-hosts",
    "inherits",
    "labels",
    "load",
    "push",
    "resources",
    "shm-size",
    "ulimits",
];

/// Those that `docker build` has as options under another name.
const AS_OPTIONS: [(&str, &str); 9] = [
    ("cache-from", "--cache-from"),
    ("cache-to", "--cache-to"),
    ("network", "--network"),
    ("no-cache", "--no-cache"),
    ("no-cache-filter", "--no-cache-filter"),
    ("output", "--output"),
    ("platforms", "--platform"),
    ("secret", "--secret"),
    ("ssh", "--ssh"),
];

/// Something that a target is told, from the least to the most.
enum Told<'a> {
    Attribute(&'a BakeFile, &'a Attribute),
    Set(&'a Override),
}

/// What the target of this name builds.
pub(super) fn described(
    definition: &Definition,
    name: &str,
    sets: &[Override],
    environment: &Environment<'_>,
    folder: &RepositoryPath,
) -> Result<DescribedBuild, String> {
    let (file, block) = match definition.target(name)? {
        Described::Block(file, block) => (file, block),
        Described::Service(file) => return of_service(file.built(&[name])?, name, sets),
    };
    let mut told = Vec::new();
    add(definition, (file, block), sets, 0, &mut told)?;
    let mut reading = Reading {
        definition,
        environment,
        name,
        context: ".".to_owned(),
        dockerfile: "Dockerfile".to_owned(),
        build: DescribedBuild::new(Description {
            file: file.path().clone(),
            name: name.to_owned(),
            is_inherited: definition.is_inherited(name),
        }),
    };
    told.iter().try_for_each(|told| reading.told(told))?;
    reading.finish(folder)
}

/// What `--set` makes of a service of a Compose file.
fn of_service(built: Vec<DescribedBuild>, name: &str, sets: &[Override]) -> Result<DescribedBuild, String> {
    let mut build =
        built.into_iter().next().ok_or_else(|| format!("names the service {name}, which builds nothing"))?;
    for set in sets.iter().filter(|set| set.is_for(name)) {
        match (set.key, &set.name) {
            ("args", Some(argument)) => set_argument(&mut build, argument, set),
            (key, _) if OF_NO_MEANING.contains(&key) || matches!(key, "tags" | "pull") => {}
            (key, _) => match AS_OPTIONS.iter().find(|(known, _)| *known == key) {
                Some((_, option)) => {
                    set_option(&mut build, option, vec![set.written.clone().unwrap_or_default()], set.adds)
                }
                None => return Err(format!("changes {key} of the service {name} by '--set'")),
            },
        }
    }
    Ok(build)
}

/// Gives a build argument the value that `--set` has for it.
fn set_argument(build: &mut DescribedBuild, name: &str, set: &Override) {
    let written = set.written.as_ref().map_or_else(|| name.to_owned(), |value| format!("{name}={value}"));
    build.add_argument(name, written, set.value.clone());
}

/// Takes over an option, in the place of those of its name or beside them.
fn set_option(build: &mut DescribedBuild, option: &str, values: Vec<String>, adds: bool) {
    if !adds {
        build.options.retain(|(name, _)| name != option);
    }
    build.options.extend(values.into_iter().map(|value| (option.to_owned(), Some(value))));
}

/// All that a target is told: what it inherits, what it says, and what `--set` says for it (docker/buildx: `Config.target`).
fn add<'a>(
    definition: &'a Definition,
    (file, block): (&'a BakeFile, &'a Block),
    sets: &'a [Override],
    depth: usize,
    told: &mut Vec<Told<'a>>,
) -> Result<(), String> {
    let name = block.labels.first().map(String::as_str).unwrap_or_default();
    for parent in block.value("inherits").iter().flat_map(|value| value.items()) {
        let ValueKind::Text(parts) = &parent.kind else {
            return Err(format!("builds what inherits from an unknown target ({})", file.line(parent.span)));
        };
        let [Part::Text(parent_name)] = parts.as_slice() else {
            return Err(format!("builds what inherits from an unknown target ({})", file.line(parent.span)));
        };
        match definition.target(parent_name)? {
            Described::Block(file, block) if depth < 8 => add(definition, (file, block), sets, depth + 1, told)?,
            _ => {
                return Err(format!(
                    "builds what inherits from {parent_name}, which is not followed ({})",
                    file.line(parent.span)
                ));
            }
        }
    }
    told.extend(block.attributes.iter().map(|attribute| Told::Attribute(file, attribute)));
    told.extend(sets.iter().filter(|set| set.is_for(name)).map(Told::Set));
    Ok(())
}

/// A target, read so far.
struct Reading<'a> {
    definition: &'a Definition,
    environment: &'a Environment<'a>,
    name: &'a str,
    context: String,
    dockerfile: String,
    build: DescribedBuild,
}

impl Reading<'_> {
    fn told(&mut self, told: &Told<'_>) -> Result<(), String> {
        match told {
            Told::Attribute(file, attribute) => self.attribute(file, attribute),
            Told::Set(set) => self.set(set),
        }
    }

    fn attribute(&mut self, file: &BakeFile, attribute: &Attribute) -> Result<(), String> {
        let value = &attribute.value;
        match attribute.name.as_str() {
            "context" => self.context = self.text(file, attribute)?,
            "dockerfile" => self.dockerfile = self.text(file, attribute)?,
            "target" => self.build.target = Some(self.text(file, attribute)?),
            "args" => self.arguments(file, attribute)?,
            "tags" => self.build.tags = value.items().iter().map(|tag| self.written(file, tag)).collect(),
            "contexts" => {
                let named: Vec<_> =
                    value.entries().iter().map(|(name, value)| (name, self.written(file, value))).collect();
                // A context of the name of a stage takes its place, and one of files may hold those of the hand-off.
                let is_image = |(name, place): &(&String, String)| {
                    place.starts_with("docker-image://") && !name.starts_with("builder")
                };
                if named.is_empty() || !named.iter().all(is_image) {
                    return Err(self.not_followed(file, attribute));
                }
                let options = named.into_iter().map(|(name, place)| format!("{name}={place}"));
                self.build.options.extend(options.map(|option| ("--build-context".to_owned(), Some(option))));
            }
            "pull" => {}
            key => {
                let option = AS_OPTIONS.iter().find(|(name, _)| *name == key);
                match option {
                    Some((_, option)) => {
                        let values = self.values(file, value);
                        let adds = !matches!(key, "platforms" | "cache-to" | "output");
                        set_option(&mut self.build, option, values, adds);
                    }
                    None if OF_NO_MEANING.contains(&key) => {}
                    None => return Err(self.not_followed(file, attribute)),
                }
            }
        }
        Ok(())
    }

    fn set(&mut self, set: &Override) -> Result<(), String> {
        let known = || {
            set.value.clone().ok_or_else(|| format!("sets {} of {} to a value that is not known", set.key, self.name))
        };
        match (set.key, &set.name) {
            ("args", Some(argument)) => set_argument(&mut self.build, argument, set),
            ("context", _) => self.context = known()?,
            ("dockerfile", _) => self.dockerfile = known()?,
            ("target", _) => self.build.target = Some(known()?),
            ("tags" | "pull", _) => {}
            (key, _) => {
                if let Some((_, option)) = AS_OPTIONS.iter().find(|(name, _)| *name == key) {
                    set_option(&mut self.build, option, vec![set.written.clone().unwrap_or_default()], set.adds);
                }
            }
        }
        Ok(())
    }

    fn arguments(&mut self, file: &BakeFile, attribute: &Attribute) -> Result<(), String> {
        let ValueKind::Map(entries) = &attribute.value.kind else {
            return Err(self.not_followed(file, attribute));
        };
        for (name, value) in entries.iter().filter(|(_, value)| value.kind != ValueKind::Null) {
            let is_own = value.kind == ValueKind::Text(vec![Part::Variable(name.clone())]) && name.starts_with("CI_");
            let known = self.known(value, 0).ok();
            // What GitLab sets is there, so that the default of the file is of no meaning.
            let written =
                if is_own { format!("{name}=${name}") } else { format!("{name}={}", self.written(file, value)) };
            self.build.add_argument(name, written, known);
        }
        Ok(())
    }

    fn text(&self, file: &BakeFile, attribute: &Attribute) -> Result<String, String> {
        self.known(&attribute.value, 0).map_err(|variable| {
            let why = variable.map_or_else(String::new, |name| format!(", as {name} may have any value"));
            let (name, line) = (self.name, file.line(attribute.span));
            format!("builds the target {name}, whose {} is not known here{why} ({line})", attribute.name)
        })
    }

    /// A text with the values of its variables.
    ///
    /// # Errors
    /// The variable whose value is not known, if that is the reason.
    fn known(&self, value: &Value, depth: usize) -> Result<String, Option<String>> {
        let ValueKind::Text(parts) = &value.kind else {
            return Err(None);
        };
        let part = |part: &Part| match part {
            Part::Text(text) => Ok(text.clone()),
            Part::Variable(name) => match (self.environment.get(name), self.definition.default_of(name)) {
                (Known::Value(value), Some(_)) => Ok(value),
                (Known::Unset, Some(default)) if depth < 8 => self.known(default, depth + 1),
                _ => Err(Some(name.clone())),
            },
        };
        parts.iter().map(part).collect()
    }

    /// A value as an option has it: its text where that is known, the fields of an object, or as it is written.
    fn written(&self, file: &BakeFile, value: &Value) -> String {
        let fields = value.entries().iter().filter(|(key, _)| key != "type");
        let fields: Vec<_> = fields.map(|(key, value)| format!("{key}={}", self.written(file, value))).collect();
        match self.known(value, 0) {
            Ok(text) => text,
            Err(_) if !fields.is_empty() => fields.join(","),
            Err(_) => file.written(value).to_owned(),
        }
    }

    fn values(&self, file: &BakeFile, value: &Value) -> Vec<String> {
        match &value.kind {
            ValueKind::List(items) => items.iter().map(|item| self.written(file, item)).collect(),
            _ => vec![self.written(file, value)],
        }
    }

    fn not_followed(&self, file: &BakeFile, attribute: &Attribute) -> String {
        let written = file.written(&attribute.value);
        let short = if written.len() > 40 || written.contains('\n') { String::new() } else { format!(" = {written}") };
        let (name, line) = (self.name, file.line(attribute.span));
        format!("builds the target {name}, whose '{}{short}' is not followed ({line})", attribute.name)
    }

    /// The places of context and Dockerfile: the one counts from where the command runs, the other from the context
    /// (docker/buildx: `toBuildOpt`).
    fn finish(mut self, folder: &RepositoryPath) -> Result<DescribedBuild, String> {
        let context = self.context.strip_prefix("cwd://").unwrap_or(&self.context);
        let outside = |what: &str| format!("builds the target {}, whose {what} lies outside the project", self.name);
        if context.contains("://") || context.starts_with("git@") || context.contains(".git#") || context == "-" {
            return Err(format!("builds the target {}, whose context is {context}", self.name));
        }
        self.build.context = place_in_repository(context, folder).ok_or_else(|| outside("context"))?;
        let dockerfile = match self.dockerfile.strip_prefix("cwd://") {
            Some(path) => place_in_repository(path, folder),
            None => place_in_repository(&self.dockerfile, &self.build.context),
        };
        self.build.dockerfile = dockerfile.ok_or_else(|| outside("Dockerfile"))?;
        Ok(self.build)
    }
}
