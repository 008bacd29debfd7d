//! Variables that the builder stage gets from the build command, and the `RUN`s that get them.

use std::collections::BTreeSet;

use crate::docker::SecretMounts;
use crate::ecosystem::CacheMount;
use crate::finding::Location;
use crate::fold::cache_mounts;
use crate::syntax::shell::Script;

/// A variable that the build command passes on from the image job's environment.
pub(in crate::fold) struct PassedVariable {
    pub(in crate::fold) name: String,
    pub(in crate::fold) way: Way,
    pub(in crate::fold) readers: Readers,
    pub(in crate::fold) location: Location,
    /// Whether its name, the YAML or the user settles that it is of the kind that it is taken for.
    pub(in crate::fold) certainty: Certainty,
}

/// How a variable gets into a `RUN`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::fold) enum Way {
    /// By `ARG`, with the value that holds where the command passes none.
    Argument(Option<String>),
    /// By `ENV`, with a value made of arguments, as Docker reads it.
    Composed(String),
    /// By a secret mount that holds the value.
    Secret,
    /// By a secret mount that is the file.
    File,
}

/// Which `RUN`s get a variable, from the fewest to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::fold) enum Readers {
    /// Those that name it.
    Named,
    /// Those as well that run a program of any kind and stand behind the copy of the sources.
    BehindSources,
    /// Those as well that run a program of any kind.
    Everywhere,
}

/// How sure it is what a variable holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::fold) enum Certainty {
    /// The user said so, or its name and its uses leave no doubt.
    Sure,
    /// Its uses tell of a file, and nothing says so.
    MayBeFile,
    /// The image may set it as well as the project's settings.
    MayBeOfTheImage,
    /// A tool reads it by itself, and may do something else where nothing sets it.
    MayBeUnset,
}

/// What stands around the text of a `RUN`.
#[derive(Default)]
pub(in crate::fold) struct RunPrefix {
    /// Instructions in front of it.
    pub(in crate::fold) lines: Vec<String>,
    /// Its `--mount` flags.
    pub(in crate::fold) mounts: Vec<String>,
    /// Shell commands in front of its own.
    pub(in crate::fold) commands: Vec<String>,
}

/// Programs that read neither variables nor configuration, whatever their operands are.
const PLAIN: [&str; 31] = [
    ":", "[", "basename", "cat", "cd", "chmod", "chown", "cp", "date", "dirname", "echo", "export", "false", "find",
    "grep", "head", "ln", "ls", "mkdir", "mv", "printf", "pwd", "rm", "rmdir", "sed", "set", "sleep", "tail", "test",
    "touch", "true",
];

impl PassedVariable {
    /// Whether it is a secret of either kind.
    pub(in crate::fold) const fn is_secret(&self) -> bool {
        matches!(self.way, Way::Secret | Way::File)
    }

    /// Whether a `RUN` of these statements gets it.
    pub(in crate::fold) fn is_read_by(&self, scripts: &[&Script], is_behind_sources: bool) -> bool {
        let is_named = scripts.iter().any(|script| is_named_in(script, &self.name));
        is_named
            || match self.readers {
                Readers::Named => false,
                Readers::BehindSources => is_behind_sources && scripts.iter().any(|script| runs_program(script)),
                Readers::Everywhere => scripts.iter().any(|script| runs_program(script)),
            }
    }

    /// What it adds to a `RUN` that reads it.
    fn add_to(&self, prefix: &mut RunPrefix, mounts: SecretMounts) {
        let name = &self.name;
        match (&self.way, mounts) {
            (Way::Argument(None), _) => prefix.lines.push(format!("ARG {name}")),
            (Way::Argument(Some(value)), _) => prefix.lines.push(format!("ARG {name}={value}")),
            (Way::Composed(value), _) => prefix.lines.push(format!("ENV {name}={value}")),
            (Way::Secret, SecretMounts::Variable) => {
                prefix.mounts.push(format!("--mount=type=secret,id={name},env={name}"));
            }
            (Way::Secret, _) => {
                prefix.mounts.push(format!("--mount=type=secret,id={name}"));
                // Not exported at once, so that a file that is not there does not pass for an empty value.
                prefix.commands.push(format!("{name}=\"$(cat /run/secrets/{name})\" && export {name}"));
            }
            (Way::File, _) => {
                prefix.mounts.push(format!("--mount=type=secret,id={name}"));
                prefix.commands.push(format!("export {name}=/run/secrets/{name}"));
            }
        }
    }

    /// The option of the build command that passes it; `None` for one that is made of others.
    pub(in crate::fold) fn option(&self) -> Option<String> {
        let name = &self.name;
        match &self.way {
            Way::Argument(_) => Some(format!("--build-arg {name}")),
            Way::Composed(_) => None,
            Way::Secret => Some(format!("--secret id={name},env={name}")),
            Way::File => Some(format!("--secret id={name},src=${name}")),
        }
    }
}

impl RunPrefix {
    /// The instructions of a `RUN` with this text: what stands in front of it, and itself.
    pub(in crate::fold) fn around(self, text: String) -> Vec<String> {
        let gap = if self.mounts.len() > 1 { " \\\n    " } else { " " };
        let commands = self.commands.into_iter().map(|command| format!("{command};"));
        let parts: Vec<_> = self.mounts.into_iter().chain(commands).chain([text]).collect();
        self.lines.into_iter().chain([format!("RUN {}", parts.join(gap))]).collect()
    }
}

/// What stands around each `RUN` of the builder stage, in their order.
pub(in crate::fold) struct RunPrefixes<'a> {
    passed: &'a [PassedVariable],
    mounts: SecretMounts,
    caches: &'a [CacheMount],
    /// The names that an instruction in front of an earlier `RUN` gave to all that follow.
    given: BTreeSet<&'a str>,
}

impl<'a> RunPrefixes<'a> {
    pub(in crate::fold) const fn new(passed: &'a [PassedVariable], mounts: SecretMounts) -> Self {
        Self { passed, mounts, caches: &[], given: BTreeSet::new() }
    }

    /// The same, with what package managers download kept in the builder.
    pub(in crate::fold) const fn with_caches(mut self, caches: &'a [CacheMount]) -> Self {
        self.caches = caches;
        self
    }

    /// What stands around the next `RUN`, which is made of these statements.
    pub(in crate::fold) fn next(&mut self, scripts: &[&Script], is_behind_sources: bool) -> RunPrefix {
        let mut prefix = RunPrefix::default();
        let used = self.caches.iter().filter(|mount| cache_mounts::uses(mount, scripts));
        prefix.mounts.extend(used.flat_map(CacheMount::options));
        for variable in self.passed.iter().filter(|variable| variable.is_read_by(scripts, is_behind_sources)) {
            self.add(variable, &mut prefix);
        }
        prefix
    }

    fn add(&mut self, variable: &'a PassedVariable, prefix: &mut RunPrefix) {
        if !variable.is_secret() && !self.given.insert(&variable.name) {
            return;
        }
        if let Way::Composed(value) = &variable.way {
            let parts = self.passed.iter().filter(|part| value.contains(&format!("${{{}}}", part.name)));
            parts.for_each(|part| self.add(part, prefix));
        }
        variable.add_to(prefix, self.mounts);
    }
}

/// Whether a script reads the variable by its name.
pub(in crate::fold) fn is_named_in(script: &Script, name: &str) -> bool {
    script.read_variables().iter().any(|read| read.name == name)
}

/// Whether a script runs anything but plain tools, so that it may read the environment and its configuration.
fn runs_program(script: &Script) -> bool {
    let is_plain = |command: &crate::syntax::shell::Command| {
        command.words.is_empty() || command.name().is_some_and(|name| PLAIN.contains(&name.as_str()))
    };
    script.opaque.is_some() || !script.commands.iter().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::{Certainty, PassedVariable, Readers, RunPrefixes, Way};
    use crate::docker::SecretMounts;
    use crate::finding::Location;
    use crate::syntax::shell::Script;
    use crate::text::RepositoryPath;

    fn passed(name: &str, way: Way, readers: Readers) -> PassedVariable {
        let location = Location::File(RepositoryPath::root());
        PassedVariable { name: name.to_owned(), way, readers, location, certainty: Certainty::Sure }
    }

    #[test]
    fn an_argument_stands_before_the_first_run_that_reads_it_and_holds_from_there() {
        let passed = [passed("A", Way::Argument(None), Readers::Named), passed("B", Way::Secret, Readers::Named)];
        let mut prefixes = RunPrefixes::new(&passed, SecretMounts::Variable);
        let scripts = ["make", "make $A", "make $A $B", "echo $B"].map(Script::parse);
        let found = scripts.map(|script| prefixes.next(&[&script], true));
        assert_eq!(found.each_ref().map(|prefix| prefix.lines.len()), [0, 1, 0, 0]);
        assert_eq!(found.each_ref().map(|prefix| prefix.mounts.len()), [0, 0, 1, 1]);
    }

    #[test]
    fn what_tools_read_by_themselves_goes_to_every_program() {
        let passed = [passed("A", Way::Argument(None), Readers::BehindSources)];
        let mut prefixes = RunPrefixes::new(&passed, SecretMounts::None);
        let scripts = ["npm ci", "echo done", "npm run build"].map(Script::parse);
        let lines = [false, true, true];
        let found: Vec<_> =
            scripts.iter().zip(lines).map(|(script, is_behind)| prefixes.next(&[script], is_behind)).collect();
        assert_eq!(found.iter().map(|prefix| prefix.lines.len()).collect::<Vec<_>>(), [0, 0, 1]);
    }

    #[test]
    fn a_composed_value_brings_its_parts() {
        let passed = [
            passed("VERSION", Way::Composed("\"v${CI_COMMIT_SHA}\"".to_owned()), Readers::Named),
            passed("CI_COMMIT_SHA", Way::Argument(None), Readers::Named),
        ];
        let script = Script::parse("make $VERSION");
        let prefix = RunPrefixes::new(&passed, SecretMounts::None).next(&[&script], true);
        assert_eq!(prefix.lines, ["ARG CI_COMMIT_SHA", "ENV VERSION=\"v${CI_COMMIT_SHA}\""]);
    }
}
