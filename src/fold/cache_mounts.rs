//! The cache mounts of the builder stage (`--cache-mounts`): downloads that stay in the builder between two builds.

use super::environment::first_settings;
use super::situation::Situation;
use crate::docker::ImageName;
use crate::ecosystem::{self, CacheMount, Calls, Statement};
use crate::syntax::shell::{Script, Word};
use crate::text::RepositoryPath;

/// The cache mounts of a builder stage.
#[derive(Default)]
pub(super) struct CacheMounts {
    /// Those that it gets.
    pub(super) mounts: Vec<CacheMount>,
    /// Why it gets no others.
    pub(super) skipped: Vec<String>,
}

impl CacheMounts {
    /// The mounts of the package managers that the script calls by name, if they are asked for.
    pub(super) fn of(situation: &Situation<'_>) -> Self {
        if !situation.policy.cache_mounts {
            return Self::default();
        }
        let scripts = situation.script.statements().map(|script| (script.text(), words(script).collect()));
        let scripts: Vec<(&str, Vec<Vec<String>>)> = scripts.collect();
        let statements = scripts.iter().map(|(text, commands)| {
            let commands = commands.iter().map(|words| words.iter().map(String::as_str).collect());
            Statement { text, commands: commands.collect() }
        });
        let statements: Vec<_> = statements.collect();
        let settings = first_settings(&situation.producer_script);
        let variable = |name: &str| {
            let variables = &situation.producer.variables;
            let set = variables.get(name).map(|_| variables.value(name).unwrap_or_default());
            set.or_else(|| settings.contains_key(name).then(String::new))
        };
        let image = situation.image.as_ref().and_then(|image| image.name.as_deref()).unwrap_or_default();
        let calls = Calls { image: ImageName::new(image).name, variable: &variable, statements: &statements };
        let found = ecosystem::cache_mounts(situation.repository, &RepositoryPath::root(), &calls);
        let mut mounts = Self::default();
        for found in found {
            match (found, why_none(situation)) {
                (Ok(_), Some(reason)) => mounts.skipped = vec![reason.to_owned()],
                (Ok(mount), None) => mounts.mounts.push(mount),
                (Err(reason), _) => mounts.skipped.push(reason),
            }
        }
        mounts
    }
}

/// Why the builder stage can have none at all. A user other than root owns neither the mount nor its usual place.
fn why_none(situation: &Situation<'_>) -> Option<&'static str> {
    if !situation.has_buildkit() {
        Some("the builder is not known to be BuildKit, and another one may not know them")
    } else if situation.user.is_some() {
        Some("the build does not work as root, who owns them")
    } else {
        None
    }
}

/// Whether one of the scripts fills or reads a mount.
pub(super) fn uses(mount: &CacheMount, scripts: &[&Script]) -> bool {
    scripts.iter().flat_map(|script| words(script)).any(|words| {
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        mount.is_used_by(&words)
    })
}

/// The words of each command of a script; those that are not known are empty.
fn words(script: &Script) -> impl Iterator<Item = Vec<String>> {
    let text = |word: &Word| word.literal().unwrap_or_default();
    script.commands.iter().map(move |command| command.effective_words().iter().map(text).collect())
}
