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
    /// Its statements.
    pub statements: &'a [Statement<'a>],
}

/// A statement of a build.
pub struct Statement<'a> {
    /// As it is written.
    pub text: &'a str,
    /// The words of its commands; those that are not known are empty.
    pub commands: Vec<Vec<&'a str>>,
}

/// The cache mounts for each package manager that a build in `folder` calls, or why it gets none.
#[must_use]
pub fn cache_mounts(
    repository: &dyn Repository,
    folder: &RepositoryPath,
    calls: &Calls<'_>,
) -> Vec<Result<CacheMount, String>> {
    let folder = Folder { repository, path: folder };
    let commands: Vec<_> = calls.statements.iter().flat_map(|statement| statement.commands.clone()).collect();
    let caches = ECOSYSTEMS.iter().filter_map(|Ecosystem { cache, .. }| cache.as_ref());
    let called: Vec<_> = caches.filter(|cache| commands.iter().any(|words| (cache.is_used_by)(words))).collect();
    let is_call = |words: &Vec<&str>| called.iter().any(|cache| (cache.is_used_by)(words));
    let is_other = |commands: &[Vec<&str>]| commands.is_empty() || !commands.iter().all(is_call);
    let mut others = calls.statements.iter().filter(|statement| is_other(&statement.commands));
    match others.find_map(|statement| place_of_downloads(statement.text)) {
        Some(place) if !called.is_empty() => {
            vec![Err(format!("the script itself names `{place}`, where downloads may lie"))]
        }
        _ => called.into_iter().map(|cache| cache.mount(&folder, calls, &commands)).collect(),
    }
}

/// What a statement names that holds downloads, or may lead to them. What reads them there finds nothing without the
/// mount, and what it puts there is hidden by it.
fn place_of_downloads(text: &str) -> Option<&'static str> {
    const PLACES: &[&str] = &[
        "$HOME",
        "${HOME",
        "$GOPATH",
        "${GOPATH",
        "$GOMODCACHE",
        "${GOMODCACHE",
        "$CARGO_HOME",
        "${CARGO_HOME",
        ".m2",
        ".gradle/",
        ".cache",
        ".nuget",
        ".cargo",
        ".ivy2",
        ".npm",
        ".hex",
        "pkg/mod",
        "env GOPATH",
        "env GOMODCACHE",
        "env GOCACHE",
        "cache dir",
        "config cache-dir",
        "store path",
        "get cache",
    ];
    // A home stands at the beginning of a word, or behind the sign of an assignment. `.npmrc` holds settings.
    let begins_word = |(at, _): (usize, &str)| {
        text.get(..at).unwrap_or_default().chars().next_back().is_none_or(|before| !before.is_ascii_alphanumeric())
    };
    let text_of_places = text.replace(".npmrc", "");
    let is_home = text.match_indices('~').any(begins_word);
    let is_gradle =
        text.split(|sign: char| sign.is_whitespace() || "/\"'".contains(sign)).any(|part| part == ".gradle");
    let named = PLACES.iter().find(|place| text_of_places.contains(**place)).copied();
    is_home.then_some("~").or(named).or(is_gradle.then_some(".gradle"))
}

impl Cache {
    fn mount(
        &'static self,
        folder: &Folder<'_>,
        calls: &Calls<'_>,
        commands: &[Vec<&str>],
    ) -> Result<CacheMount, String> {
        let name = self.name;
        let folders = (self.folders)(folder, calls.image);
        let moves = |(variable, text): &&(&str, &str)| {
            (calls.variable)(variable).is_some_and(|value| value.is_empty() || value.contains(text))
        };
        if let Some((variable, _)) = [("HOME", "")].iter().chain(self.moved_by).find(moves) {
            return Err(format!("the variable {variable} says where {name} keeps its downloads"));
        }
        // In front of a command, or in an `export` of it.
        let sets = |variable: &str| calls.statements.iter().any(|it| it.text.contains(&format!("{variable}=")));
        if let Some((variable, _)) = self.moved_by.iter().find(|(variable, _)| sets(variable)) {
            return Err(format!("the script sets {variable}, which says where {name} keeps its downloads"));
        }
        let mut own_calls = commands.iter().filter(|words| (self.is_used_by)(words));
        if own_calls.any(|words| words.contains(&"--offline") || words.contains(&"--offline=true")) {
            return Err(format!("{name} is told to download nothing"));
        }
        if let Some(reason) = (self.relied_on)(folder, commands) {
            return Err(reason);
        }
        let own: Vec<_> = folders.iter().map(|folder| folder.trim_start_matches("/root/")).collect();
        if commands.iter().any(|words| own.iter().any(|folder| touches(words, folder))) {
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
    words.iter().any(|word| word.replace(".npmrc", "").contains(folder)) || changes && words.iter().any(has_top)
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
    use super::{Calls, Statement, cache_mounts};
    use crate::source::MemoryRepository;
    use crate::text::RepositoryPath;

    /// The mounts of each command of a script, or the reasons why there are none.
    fn mounts(script: &[&'static str], set: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let statement = |line: &&'static str| Statement { text: line, commands: vec![line.split(' ').collect()] };
        let statements: Vec<_> = script.iter().map(statement).collect();
        let variable = |name: &str| set.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned());
        let calls = Calls { image: "golang", variable: &variable, statements: &statements };
        let found = cache_mounts(&MemoryRepository::default(), &RepositoryPath::root(), &calls);
        let found = found.into_iter().collect::<Result<Vec<_>, _>>()?;
        let of = |words: &Vec<&str>| {
            let used = found.iter().filter(|mount| mount.is_used_by(words));
            let targets = used.flat_map(|mount| mount.options().collect::<Vec<_>>());
            targets.map(|option| option.replace("--mount=type=cache,target=", "")).collect::<Vec<_>>().join(" ")
        };
        Ok(statements.iter().flat_map(|statement| &statement.commands).map(of).collect())
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
        assert!(mounts(&["GOPROXY=off go build", "go build"], &[]).unwrap_err().contains("sets GOPROXY"));
        for command in ["npm ci --offline", "yarn --offline", "pnpm install --offline", "uv sync --offline"] {
            assert!(mounts(&[command], &[]).unwrap_err().contains("download nothing"), "{command}");
        }
        assert!(mounts(&["npm ci", "rm -rf /root/.npm"], &[]).unwrap_err().contains("names `.npm`"));
        let touched = mounts(&["yarn", "rm -rf /usr/local/share/.cache/yarn"], &[]).unwrap_err();
        assert!(touched.contains("`.cache`"), "{touched}");
        assert!(mounts(&["go build", "rm -rf /go/pkg/mod"], &[]).is_err());
    }

    #[test]
    fn a_statement_that_may_reach_the_downloads_takes_all_mounts() {
        for line in [
            "cp ~/.m2/repository/x.jar a.jar",
            "find ~/.gradle -name *.jar",
            "protoc -I $GOPATH/pkg/mod/x a.proto",
            "protoc -I ${GOPATH}/x a.proto",
            "cp -r $HOME dist",
            "cp -r \"${HOME}/x\" dist",
            "tar x -C ~",
            "cp -r $CARGO_HOME/registry dist",
            "protoc -I $(go env GOPATH) a.proto",
            "cp -r $(pip cache dir) dist",
            "cp -r $(npm config get cache) dist",
            "ls .gradle",
        ] {
            for call in ["go build", "npm ci", "mvn package"] {
                assert!(mounts(&[call, line], &[]).unwrap_err().contains("the script itself names"), "{line}");
            }
        }
        for line in ["cp .npmrc.ci .npmrc", "echo a~b", "cat build.gradle", "mvn -s .m2/settings.xml verify"] {
            assert!(mounts(&["npm ci", "mvn package", line], &[]).is_ok(), "{line}");
        }
        assert_eq!(mounts(&["ls ~"], &[]).unwrap(), [""]);
    }
}
