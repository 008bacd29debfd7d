//! Whether a script makes a folder anew that a cache may have brought, before it uses what is in there.
//!
//! A docker build restores no cache. A folder that the script fills itself, whole, is there all the same; one that it
//! finds is not.

use super::command_use::{TreeUse, tree_use};
use super::installs::{Words, runs_scripts_of_its_own};
use super::job_script::JobScript;
use crate::docker::{ScriptWalk, Step, place_in_repository};
use crate::gitlab::{Job, PathPattern, Relation};
use crate::source::Repository;
use crate::syntax::shell::Nesting;
use crate::text::RepositoryPath;

/// What a script does about a folder that a cache may have brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refill {
    /// The step of this index fills it, whatever was there.
    By(usize),
    /// The step of this index fills it where nothing was there.
    IfMissing(usize),
    /// It is removed first.
    Removed,
    /// The step of this index may use it before anything has filled it.
    UsedBy(usize),
    /// No step fills it, and none uses it.
    Unused,
}

/// What kind of folder is cached, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FolderKind {
    NodeModules,
    BowerComponents,
    Vendor,
    Environment,
    Target,
    Build,
    Other,
}

impl FolderKind {
    fn of(path: &str) -> Self {
        match folder_name(path).rsplit('/').next().unwrap_or_default() {
            "node_modules" => Self::NodeModules,
            "bower_components" => Self::BowerComponents,
            "vendor" => Self::Vendor,
            ".venv" | "venv" | "env" | ".env" => Self::Environment,
            "target" => Self::Target,
            "build" => Self::Build,
            _ if folder_name(path).starts_with("vendor/") => Self::Vendor,
            _ => Self::Other,
        }
    }
}

/// A cached folder of downloads and of what tools remember, which they fetch or make anew where it is missing. In it
/// lies nothing that a build could only find there.
const DOWNLOADS: [&str; 37] = [
    ".angular",
    ".apt",
    ".bundle",
    ".cache",
    ".cargo",
    ".composer",
    ".composer-cache",
    ".coursier",
    ".dub",
    ".eslintcache",
    ".go",
    ".gocache",
    ".gradle",
    ".hex",
    ".ivy2",
    ".m2",
    ".mix",
    ".next/cache",
    ".npm",
    ".npm-cache",
    ".nuget",
    ".parcel-cache",
    ".pip",
    ".pip-cache",
    ".pnpm",
    ".pnpm-store",
    ".pub-cache",
    ".rustup",
    ".sbt",
    ".sonar",
    ".stack",
    ".stack-root",
    ".yarn",
    ".yarn-cache",
    ".yarn/cache",
    ".yarncache",
    ".yarn_cache",
];

/// Whether a cached path is a folder of downloads or of what some tool remembers: its name begins with a dot, and no
/// install puts the dependencies of the project there.
#[must_use]
pub fn is_download_cache(path: &str) -> bool {
    path.starts_with('.') && FolderKind::of(path) == FolderKind::Other
}

fn is_known_download(path: &str) -> bool {
    DOWNLOADS.iter().any(|known| path == *known || path.strip_prefix(known).is_some_and(|rest| rest.starts_with('/')))
}

/// Whether a folder holds what an install puts there, so that no build makes it by itself.
#[must_use]
pub fn is_of_dependencies(path: &str) -> bool {
    use FolderKind::{BowerComponents, Environment, NodeModules, Vendor};
    matches!(FolderKind::of(path), BowerComponents | Environment | NodeModules | Vendor)
}

/// Whether a cached folder is one that caches are there for: dependencies, or a folder whose name begins with a dot.
#[must_use]
pub fn is_dependency_folder(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    is_of_dependencies(path) || path.starts_with('.') || name.starts_with('.')
}

/// What `script` of `job` does about the cached `path`.
#[must_use]
pub fn refill(repository: &dyn Repository, job: &Job, script: &JobScript, path: &PathPattern) -> Refill {
    let production = job.variables.value("NODE_ENV").is_some_and(|value| value == "production");
    let mut reader = Reader { repository, path, kind: FolderKind::of(&path.text), production, has_environment: false };
    let steps = &script.walk.steps;
    for (index, step) in steps.iter().enumerate() {
        match reader.effect(step) {
            Effect::None => {}
            Effect::Removes if is_certain(steps, step) => return Refill::Removed,
            Effect::Fills if is_certain(steps, step) => return Refill::By(index),
            Effect::Fills if is_guarded(steps, step, path) => return Refill::IfMissing(index),
            Effect::Removes | Effect::Fills | Effect::Uses => return Refill::UsedBy(index),
        }
    }
    Refill::Unused
}

/// The step that relies on what a folder of downloads holds: it may ask the net for nothing, runs what lies there, or
/// names a folder of which it is not known that tools only keep downloads in it.
#[must_use]
pub fn use_of_downloads(script: &JobScript, path: &PathPattern) -> Option<usize> {
    let programs = format!("{}/bin", path.text);
    let relies = |step: &Step| {
        let Some(words) = Words::of(step) else {
            return step.words.iter().any(|word| word.raw.contains("offline"));
        };
        let place = |word: &str| place_in_repository(word, step.folder.as_ref()?);
        let is_inside = |word: &str| {
            word.contains('/') && place(word).is_some_and(|place| path.relation(place.as_str()) == Relation::Covers)
        };
        let takes = matches!(words.program(), "." | "source" | "cp" | "mv" | "ln" | "sh" | "bash" | "node" | "python");
        words.is_offline()
            || is_inside(words.program())
            || takes && words.arguments().iter().any(|word| is_inside(word))
    };
    let names_programs = |step: &Step| step.words.iter().any(|word| word.raw.contains(&programs));
    let names = |step: &Step| {
        let is_known = is_known_download(&path.text);
        !is_known && matches!(tree_use(step, std::slice::from_ref(path)), TreeUse::Touches(_))
    };
    script.walk.steps.iter().position(|step| relies(step) || names_programs(step) || names(step))
}

/// Whether a command of a shell text fills a folder of this name, wherever it runs.
pub(super) fn is_filled_by_text(text: &str, path: &str) -> bool {
    let name = folder_name(path).rsplit('/').next().unwrap_or_default();
    let walk = ScriptWalk::new([Some(text)], &|_| None);
    walk.steps.iter().filter_map(Words::of).any(|words| words.fills(FolderKind::of(path), name, false))
}

enum Effect {
    None,
    Removes,
    Fills,
    Uses,
}

struct Reader<'a> {
    repository: &'a dyn Repository,
    path: &'a PathPattern,
    kind: FolderKind,
    production: bool,
    /// Whether the script has made the virtual environment, which packages are installed into next.
    has_environment: bool,
}

impl Reader<'_> {
    fn effect(&mut self, step: &Step) -> Effect {
        let Some(words) = Words::of(step) else {
            return self.otherwise(step);
        };
        if self.removes(step, &words) {
            return Effect::Removes;
        }
        if self.kind == FolderKind::Environment
            && let Some(effect) = self.of_environment(step, &words)
        {
            return effect;
        }
        let (parent, name) = self.parent_and_name();
        let is_here = step.folder.as_ref().is_some_and(|folder| self.fills_from(folder, &parent));
        if is_here && words.fills(self.kind, name, self.production) {
            return Effect::Fills;
        }
        let installs_elsewhere = words.is_full_install(false)
            && step.folder.as_ref().is_some_and(|folder| !runs_scripts_of_its_own(self.repository, folder));
        if words.is_beside_the_project() || installs_elsewhere && !is_here {
            return Effect::None;
        }
        self.otherwise(step)
    }

    fn otherwise(&self, step: &Step) -> Effect {
        // What a condition asks about the folder decides over other steps, and these are looked at themselves.
        if matches!(step.program(), Some("test" | "[" | "[[")) {
            return Effect::None;
        }
        match tree_use(step, std::slice::from_ref(self.path)) {
            TreeUse::None => Effect::None,
            TreeUse::Touches(_) | TreeUse::Unknown(_) => Effect::Uses,
        }
    }

    fn removes(&self, step: &Step, words: &Words<'_>) -> bool {
        let is_recursive = words.arguments().iter().any(|word| word.starts_with('-') && word.contains(['r', 'R']));
        let mut operands = words.arguments().iter().filter(|word| !word.starts_with('-'));
        words.program() == "rm" && is_recursive && operands.any(|word| self.is_place(step, word))
    }

    fn is_place(&self, step: &Step, word: &str) -> bool {
        let place = step.folder.as_ref().and_then(|folder| place_in_repository(word, folder));
        place.is_some_and(|place| place.as_str() == folder_name(&self.path.text))
    }

    /// Making an environment does not empty the one that is there, so what it holds is known only once packages were
    /// installed into it.
    fn of_environment(&mut self, step: &Step, words: &Words<'_>) -> Option<Effect> {
        if words.makes_environment().is_some_and(|made| self.is_place(step, made)) {
            self.has_environment = true;
            return Some(Effect::None);
        }
        if !self.has_environment {
            return None;
        }
        if words.is_pip_install() {
            return Some(Effect::Fills);
        }
        (words.sources().is_some() || words.is_pip()).then_some(Effect::None)
    }

    /// The folder that holds the cached one, and the name of that from there on.
    fn parent_and_name(&self) -> (String, &str) {
        let path = folder_name(&self.path.text);
        let at = match self.kind {
            FolderKind::Vendor => path
                .split('/')
                .position(|part| part == "vendor")
                .map(|at| path.split('/').take(at).map(|part| part.len() + 1).sum::<usize>()),
            _ => path.rfind('/').map(|at| at + 1),
        };
        let (parent, name) = path.split_at(at.unwrap_or_default());
        (parent.trim_end_matches('/').to_owned(), name)
    }

    /// Whether a command in `folder` fills what lies in `parent`: it runs there, or builds all modules below it.
    fn fills_from(&self, folder: &RepositoryPath, parent: &str) -> bool {
        let builds_modules = matches!(self.kind, FolderKind::Target | FolderKind::Build);
        if parent.contains(['*', '?', '[']) || builds_modules {
            let literal = parent.split(['*', '?', '[']).next().unwrap_or_default().trim_end_matches('/');
            let is_below = || RepositoryPath::new(literal).is_some_and(|place| place.relative_to(folder).is_some());
            return builds_modules && is_below();
        }
        RepositoryPath::new(parent).is_some_and(|parent| parent == *folder)
    }
}

/// The folder that a pattern names: `dist` for `dist/**`.
fn folder_name(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    ["/**/*", "/**", "/*"].iter().find_map(|glob| path.strip_suffix(glob)).unwrap_or(path)
}

/// Whether a step runs whenever the script goes on behind it, and must have succeeded then.
fn is_certain(steps: &[Step], step: &Step) -> bool {
    let passes_over =
        |nesting: &Nesting| matches!(nesting, Nesting::Negated | Nesting::Background | Nesting::Substitution);
    let is_same = |other: &&Step| other.item == step.item && other.statement == step.statement;
    let has_alternative = steps.iter().filter(is_same).any(|other| other.place.nesting.contains(&Nesting::Or));
    step.place.runs_once() && !step.place.nesting.iter().any(passes_over) && !has_alternative
}

/// Whether a step runs exactly where the folder is missing: `test -d node_modules || npm ci`.
fn is_guarded(steps: &[Step], step: &Step, path: &PathPattern) -> bool {
    let is_same = |other: &&Step| other.item == step.item && other.statement == step.statement;
    let folder = folder_name(&path.text);
    let asks = |other: &Step| {
        let words: Vec<_> = other.words.iter().map(|word| word.raw.trim_matches(['"', '\''])).collect();
        let place = |word: &str| place_in_repository(word, other.folder.as_ref()?);
        let names = |word: &str| place(word).is_some_and(|place| place.as_str() == folder);
        let negated = words.contains(&"!") || other.place.nesting.contains(&Nesting::Negated);
        let is_missing_wanted = negated == step.place.nesting.contains(&Nesting::Conditional);
        match words.as_slice() {
            ["test" | "[" | "[[", .., "-d" | "-e", name] | ["[" | "[[", .., "-d" | "-e", name, "]" | "]]"] => {
                is_missing_wanted && names(name)
            }
            _ => false,
        }
    };
    steps.iter().filter(is_same).any(asks)
}

#[cfg(test)]
mod tests {
    use super::{Refill, is_download_cache, refill, use_of_downloads};
    use crate::gitlab::Pipeline;
    use crate::handoff::JobScript;
    use crate::source::MemoryRepository;
    use crate::text::RepositoryPath;

    /// What the lines of a script do about a cached path.
    fn of(path: &str, lines: &[&str]) -> Refill {
        with(path, lines, |repository, pipeline, script| {
            let job = pipeline.job("job").unwrap();
            let cached = job.caches().first().unwrap().paths.first().unwrap().clone();
            refill(repository, job, script, &cached)
        })
    }

    fn with<T>(path: &str, lines: &[&str], look: impl Fn(&MemoryRepository, &Pipeline, &JobScript) -> T) -> T {
        let lines: String = lines.iter().map(|line| format!("    - '{line}'\n")).collect();
        let text = format!("job:\n  cache: {{paths: ['{path}']}}\n  script:\n{lines}");
        let repository = MemoryRepository::new([(".gitlab-ci.yml", text.as_str()), ("package.json", "{}")]);
        let pipeline = Pipeline::read(&repository, &RepositoryPath::new(".gitlab-ci.yml").unwrap()).unwrap();
        let script = JobScript::new(pipeline.job("job").unwrap());
        look(&repository, &pipeline, &script)
    }

    #[test]
    fn a_full_install_in_the_right_folder_fills() {
        for line in ["npm ci", "npm i", "npm install --no-audit", "yarn", "yarn install --frozen-lockfile", "pnpm i"] {
            assert_eq!(of("node_modules/", &[line, "make"]), Refill::By(0), "{line}");
        }
        assert_eq!(of("web/node_modules", &["cd web && npm ci", "npm run build"]), Refill::By(1));
        assert_eq!(of("node_modules", &["rm -rf node_modules", "npm i --production"]), Refill::Removed);
        assert_eq!(of("vendor/", &["composer install --no-dev", "make"]), Refill::By(0));
        assert_eq!(of("vendor/", &["go mod vendor", "make"]), Refill::By(0));
        assert_eq!(of("vendor/ruby", &["bundle install --path vendor", "make"]), Refill::By(0));
        assert_eq!(of("venv/", &["python -m venv venv", ". venv/bin/activate", "pip install -r r.txt"]), Refill::By(2));
        assert_eq!(of("target/", &["mvn -B clean package"]), Refill::By(0));
        assert_eq!(of("**/target/", &["mvn package"]), Refill::By(0));
        assert_eq!(of("build", &["./gradlew assemble -x test"]), Refill::By(0));
    }

    #[test]
    fn what_fills_only_a_part_or_another_folder_is_a_use_or_nothing() {
        assert_eq!(of("node_modules/", &["npm install -g x", "x build"]), Refill::UsedBy(1));
        for line in ["npm i left-pad", "npm i --production", "npm ci --prefix web", "yarn --offline", "npm ci || true"]
        {
            assert_eq!(of("node_modules/", &[line, "make"]), Refill::UsedBy(0), "{line}");
        }
        assert_eq!(of("web/node_modules", &["npm ci", "cd web", "make"]), Refill::UsedBy(2));
        assert_eq!(of("node_modules", &["npm run build", "npm ci"]), Refill::UsedBy(0));
        assert_eq!(of("vendor/", &["go build -mod=vendor ."]), Refill::UsedBy(0));
        assert_eq!(of("venv/", &["source venv/bin/activate", "mkdocs build"]), Refill::UsedBy(0));
        assert_eq!(of("venv/", &["python -m venv venv", "venv/bin/mkdocs build"]), Refill::UsedBy(1));
        for line in ["mvn jar:jar", "mvn package -Dmaven.main.skip", "mvn -o package", "mvn -pl web package"] {
            assert_eq!(of("target/", &[line]), Refill::UsedBy(0), "{line}");
        }
        assert_eq!(of("node_modules/", &["echo nothing"]), Refill::Unused);
    }

    #[test]
    fn an_install_where_the_folder_is_missing_is_told_apart() {
        for line in [
            "test -d node_modules || npm ci",
            "[ -d node_modules ] || npm ci",
            "if [ ! -d node_modules ]; then npm ci; fi",
        ] {
            assert!(matches!(of("node_modules", &[line, "make"]), Refill::IfMissing(_)), "{line}");
        }
        for line in ["if [ -d node_modules ]; then npm ci; fi", "test -d other || npm ci", "if make; then npm ci; fi"] {
            assert!(matches!(of("node_modules", &[line, "make"]), Refill::UsedBy(_)), "{line}");
        }
    }

    #[test]
    fn downloads_are_relied_on_by_those_that_ask_for_nothing_else() {
        let used = |path: &str, line: &str| {
            with(path, &[line], |_, pipeline, script| {
                let cached = pipeline.job("job").unwrap().caches().first().unwrap().paths.first().unwrap().clone();
                use_of_downloads(script, &cached).is_some()
            })
        };
        assert!(used(".npm", "npm ci --cache .npm --offline"));
        assert!(used(".m2/repository", "mvn -o package"));
        assert!(used(".cargo", "export PATH=$PWD/.cargo/bin:$PATH"));
        assert!(used(".tools", "cp .tools/x /usr/bin"));
        assert!(!used(".npm", "npm ci --cache .npm --prefer-offline"));
        assert!(!used(".m2/repository", "mvn package"));
        assert!(is_download_cache(".m2/repository") && !is_download_cache(".venv") && !is_download_cache("libs"));
    }
}
