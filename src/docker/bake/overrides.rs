//! `--set TARGET.KEY=VALUE` (docker/buildx: `newOverrides` and `AddOverrides` in `bake/bake.go`).

use super::definition::Definition;
use crate::docker::build_options::BuildOptions;

/// What one `--set` says.
pub(super) struct Override {
    /// The targets that it is for.
    targets: Vec<String>,
    /// The attribute, by the name that it has in a file.
    pub(super) key: &'static str,
    /// The name behind it, as that of an argument.
    pub(super) name: Option<String>,
    /// The value, where it is known; a build argument without one has that of the variable of its name.
    pub(super) value: Option<String>,
    /// The value as it is written, where there is one.
    pub(super) written: Option<String>,
    /// Whether it adds to what is there.
    pub(super) adds: bool,
}

/// The keys that may be given, each with the attribute that it stands for.
const KEYS: [(&str, &str); 22] = [
    ("annotations", "annotations"),
    ("args", "args"),
    ("attest", "attest"),
    ("cache-from", "cache-from"),
    ("cache-to", "cache-to"),
    ("context", "context"),
    ("dockerfile", "dockerfile"),
    ("labels", "labels"),
    ("load", "load"),
    ("network", "network"),
    ("no-cache", "no-cache"),
    ("no-cache-filter", "no-cache-filter"),
    ("output", "output"),
    ("platform", "platforms"),
    ("pull", "pull"),
    ("push", "push"),
    ("secrets", "secret"),
    ("shm-size", "shm-size"),
    ("ssh", "ssh"),
    ("tags", "tags"),
    ("target", "target"),
    ("ulimits", "ulimits"),
];

impl Override {
    /// All that a command says so.
    pub(super) fn all(options: &BuildOptions, definition: &Definition) -> Result<Vec<Self>, String> {
        let read = |value: &super::super::build_options::OptionValue| {
            let written = value.written.as_deref().unwrap_or_default();
            let unclear = || format!("has '--set {written}', which is not followed");
            let text = value.known.as_deref().unwrap_or_else(|| written.trim_matches(['"', '\'']));
            let (path, given) = text.split_once('=').map_or((text, None), |(path, given)| (path, Some(given)));
            let (path, adds) = path.strip_suffix('+').map_or((path, false), |path| (path, true));
            let mut parts = path.splitn(3, '.');
            let (pattern, key) = parts.next().zip(parts.next()).ok_or_else(unclear)?;
            let (_, key) = KEYS.iter().find(|(name, _)| *name == key).ok_or_else(unclear)?;
            let name = parts.next().map(str::to_owned);
            let is_named = matches!(*key, "args" | "labels");
            if path.contains('$') || is_named != name.is_some() || given.is_none() && *key != "args" {
                return Err(unclear());
            }
            let targets = targets(pattern, definition).ok_or_else(unclear)?;
            // A star stands for files where it is not quoted, and for itself where no file is called so.
            let is_known = value.known.is_some() || !text.contains(['$', '`', '"', '\'', '\\']);
            let written = given.map(str::to_owned);
            let value = written.clone().filter(|_| is_known);
            Ok(Self { targets, key, name, value, written, adds })
        };
        options.all("--set", "--set").map(read).collect()
    }

    /// Whether it is for this target.
    pub(super) fn is_for(&self, target: &str) -> bool {
        self.targets.iter().any(|own| own == target)
    }
}

/// The targets that a pattern names: one, all, or those whose names begin or end so.
fn targets(pattern: &str, definition: &Definition) -> Option<Vec<String>> {
    let names = definition.names();
    let fits = |name: &&&str| match pattern.split_once('*') {
        None => **name == pattern,
        Some((start, end)) => name.starts_with(start) && name.ends_with(end) && name.len() >= start.len() + end.len(),
    };
    let is_plain = pattern.matches('*').count() <= 1 && !pattern.contains(['?', '[', '\\']);
    let found: Vec<_> = names.iter().filter(fits).map(|name| (*name).to_owned()).collect();
    (is_plain && !found.is_empty()).then_some(found)
}
