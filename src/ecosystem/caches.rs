//! The folders in which package managers keep what they download, as cache mounts of a builder.
//!
//! A cache mount may be empty at any time (Dockerfile reference: `RUN --mount=type=cache`), and is in no layer. So
//! only downloads lie there, never what an install or a build makes, and the build must not count on them.

use super::folder::Folder;
use super::{ECOSYSTEMS, Ecosystem};
use crate::source::Repository;
use crate::text::RepositoryPath;

/// Where a package manager keeps what it downloads, where root calls it.
pub(super) struct Cache {
    /// The package manager.
    pub(super) name: &'static str,
    /// Whether a command fills it or reads it; words that are not known are empty.
    pub(super) is_used_by: fn(&[&str]) -> bool,
    /// Its folders in an image of this name, such as `golang`.
    pub(super) folders: fn(&Folder<'_>, &str) -> &'static [&'static str],
    /// Whether two builds must not use it at once.
    pub(super) is_locked: bool,
    /// Whether a script or a `Makefile` that calls the package manager needs it as well, since what an earlier
    /// `RUN` downloaded is nowhere else.
    pub(super) is_for_scripts: bool,
    /// The variables that put it elsewhere or turn it off, each with a text that its value must hold to do so.
    pub(super) moved_by: &'static [(&'static str, &'static str)],
    /// Why the build counts on what lies there, given all its commands.
    pub(super) relied_on: fn(&Folder<'_>, &[Vec<&str>]) -> Option<String>,
}

impl Cache {
    /// A cache of these folders that nothing counts on.
    pub(super) const fn new(
        name: &'static str,
        is_used_by: fn(&[&str]) -> bool,
        folders: fn(&Folder<'_>, &str) -> &'static [&'static str],
    ) -> Self {
        Self {
            name,
            is_used_by,
            folders,
            is_locked: false,
            is_for_scripts: false,
            moved_by: &[],
            relied_on: |_, _| None,
        }
    }
}

/// The cache mounts of one package manager.
pub struct CacheMount {
    cache: &'static Cache,
    folders: &'static [&'static str],
}

impl CacheMount {
    /// The package manager, such as `npm`.
    #[must_use]
    pub const fn ecosystem(&self) -> &'static str {
        self.cache.name
    }

    /// The options of a `RUN` that mount it.
    pub fn options(&self) -> impl Iterator<Item = String> {
        let sharing = if self.cache.is_locked { ",sharing=locked" } else { "" };
        self.folders.iter().map(move |folder| format!("--mount=type=cache,target={folder}{sharing}"))
    }

    /// Whether a command fills it or reads it; words that are not known are empty.
    #[must_use]
    pub fn is_used_by(&self, words: &[&str]) -> bool {
        (self.cache.is_used_by)(words) || self.cache.is_for_scripts && runs_a_script(words)
    }
}

/// What the cache mounts of a build are chosen by.
pub struct Calls<'a> {
    /// The name of the image, without registry and tag.
    pub image: &'a str,
    /// The value of a variable of the build's environment, empty where it is not known.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// The words of its commands; those that are not known are empty.
    pub commands: &'a [Vec<&'a str>],
}

/// The cache mounts for each package manager that a build in `folder` calls, or why it gets none.
#[must_use]
pub fn cache_mounts(
    repository: &dyn Repository,
    folder: &RepositoryPath,
    calls: &Calls<'_>,
) -> Vec<Result<CacheMount, String>> {
    let folder = Folder { repository, path: folder };
    let caches = ECOSYSTEMS.iter().filter_map(|Ecosystem { cache, .. }| cache.as_ref());
    let called = caches.filter(|cache| calls.commands.iter().any(|words| (cache.is_used_by)(words)));
    called.map(|cache| cache.mount(&folder, calls)).collect()
}

impl Cache {
    fn mount(&'static self, folder: &Folder<'_>, calls: &Calls<'_>) -> Result<CacheMount, String> {
        let name = self.name;
        let folders = (self.folders)(folder, calls.image);
        let moves = |(variable, text): &&(&str, &str)| {
            (calls.variable)(variable).is_some_and(|value| value.is_empty() || value.contains(text))
        };
        if let Some((variable, _)) = [("HOME", "")].iter().chain(self.moved_by).find(moves) {
            return Err(format!("the variable {variable} says where {name} keeps its downloads"));
        }
        if let Some(reason) = (self.relied_on)(folder, calls.commands) {
            return Err(reason);
        }
        let own: Vec<_> = folders.iter().map(|folder| folder.trim_start_matches("/root/")).collect();
        if calls.commands.iter().any(|words| own.iter().any(|folder| touches(words, folder))) {
            return Err(format!("the script itself touches the folder of {name}"));
        }
        Ok(CacheMount { cache: self, folders })
    }
}

/// Whether a command names the folder, or does something to one that may hold it.
fn touches(words: &[&str], folder: &str) -> bool {
    let top = folder.split('/').next().unwrap_or_default();
    let has_top = |word: &&str| word.split(['/', '=', ':']).any(|part| part == top);
    let changes = matches!(words.first(), Some(&("rm" | "mv" | "chown" | "chmod" | "tar" | "find" | "du")));
    words.iter().any(|word| word.contains(folder)) || changes && words.iter().any(has_top)
}

/// Whether a command runs other commands that are not known here.
fn runs_a_script(words: &[&str]) -> bool {
    let first = words.first().copied().unwrap_or_default();
    matches!(first, "make" | "gmake" | "just" | "task" | "mage" | "sh" | "bash" | "goreleaser" | "earthly")
        || first.ends_with(".sh")
        || first.starts_with("./")
}

#[cfg(test)]
mod tests {
    use super::{Calls, cache_mounts};
    use crate::source::MemoryRepository;
    use crate::text::RepositoryPath;

    /// The mounts of each command of a script, or the reasons why there are none.
    fn mounts(script: &[&str], set: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let commands: Vec<Vec<_>> = script.iter().map(|line| line.split(' ').collect()).collect();
        let variable = |name: &str| set.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned());
        let calls = Calls { image: "golang", variable: &variable, commands: &commands };
        let found = cache_mounts(&MemoryRepository::default(), &RepositoryPath::root(), &calls);
        let found = found.into_iter().collect::<Result<Vec<_>, _>>()?;
        let of = |words: &Vec<&str>| {
            let used = found.iter().filter(|mount| mount.is_used_by(words));
            let targets = used.flat_map(|mount| mount.options().collect::<Vec<_>>());
            targets.map(|option| option.replace("--mount=type=cache,target=", "")).collect::<Vec<_>>().join(" ")
        };
        Ok(commands.iter().map(of).collect())
    }

    #[test]
    fn every_call_of_go_gets_both_folders() {
        let both = "/go/pkg/mod /root/.cache/go-build";
        let found = mounts(&["go version", "go mod download", "go build -o x .", "make all", "echo go"], &[]);
        assert_eq!(found.unwrap(), ["", both, both, both, ""]);
        assert_eq!(mounts(&["make all"], &[]).unwrap(), [""]);
    }

    #[test]
    fn each_package_manager_has_its_own() {
        let found = mounts(&["npm ci", "npm run build", "pip install a", "pip install --no-cache-dir a", "yarn"], &[]);
        let expected = ["/root/.npm", "", "/root/.cache/pip", "", "/usr/local/share/.cache/yarn"];
        assert_eq!(found.unwrap(), expected);
    }

    #[test]
    fn a_folder_elsewhere_gets_no_mount() {
        assert!(mounts(&["go build"], &[("GOPATH", "/x")]).unwrap_err().contains("GOPATH"));
        assert!(mounts(&["pip install a"], &[("HOME", "/x")]).unwrap_err().contains("HOME"));
        assert!(mounts(&["npm ci --cache .npm"], &[]).is_err());
        assert!(mounts(&["npm ci", "rm -rf /root/.npm"], &[]).unwrap_err().contains("touches the folder of npm"));
        assert!(mounts(&["go build", "rm -rf /go/pkg/mod"], &[]).is_err());
    }
}
