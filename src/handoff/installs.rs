//! The commands that fill a folder of dependencies or outputs, whole and from nothing but the sources and the net.

use super::refill::FolderKind;
use crate::docker::Step;
use crate::source::Repository;
use crate::text::RepositoryPath;

/// A command as far as its words are known.
pub(super) struct Words<'a> {
    program: &'a str,
    arguments: Vec<&'a str>,
}

/// Options of npm, yarn, pnpm, composer and bundler whose value is the next word.
const VALUED: [&str; 20] = [
    "--cache",
    "--cache-folder",
    "--fetch-retries",
    "--fetch-retry-maxtimeout",
    "--fetch-timeout",
    "--https-proxy",
    "--jobs",
    "--loglevel",
    "--maxsockets",
    "--mutex",
    "--network-concurrency",
    "--network-timeout",
    "--path",
    "--proxy",
    "--registry",
    "--retry",
    "--store-dir",
    "--without",
    "-j",
    "-r",
];

/// Beginnings of options with which an install fills another folder, or reads what is there instead of the net.
const ELSEWHERE: [&str; 26] = [
    "--cwd",
    "--dir",
    "--download-only",
    "--dry-run",
    "--filter",
    "--focus",
    "--global",
    "--help",
    "--local",
    "--location",
    "--lockfile-only",
    "--modules-folder",
    "--no-install",
    "--offline",
    "--package-lock-only",
    "--prefix",
    "--system",
    "--version",
    "--working-dir",
    "--workspace",
    "-C",
    "-F",
    "-d",
    "-g",
    "-h",
    "-w",
];

/// Beginnings of options with which an install leaves out some of what an earlier one has put there.
const PARTIAL: [&str; 8] =
    ["--ignore-scripts", "--mode", "--no-optional", "--omit", "--only", "--prod", "-P", "--production"];

/// Goals of Maven's life cycle that compile.
const MAVEN_PHASES: [&str; 8] =
    ["compile", "deploy", "install", "integration-test", "package", "test", "test-compile", "verify"];

impl<'a> Words<'a> {
    /// The words of `step`; `None` where one of them is not known.
    pub(super) fn of(step: &'a Step) -> Option<Self> {
        let fields = step.words.iter().map(|word| word.fields.as_deref()).collect::<Option<Vec<_>>>()?;
        let (program, arguments) = fields
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .split_first()
            .map(|(program, arguments)| (*program, arguments.to_vec()))?;
        Some(Self { program, arguments })
    }

    /// The words without options and their values.
    fn operands(&self) -> Vec<&'a str> {
        let mut operands = Vec::new();
        let mut words = self.arguments.iter();
        while let Some(word) = words.next() {
            if VALUED.contains(word) {
                words.next();
            } else if !word.starts_with('-') {
                operands.push(*word);
            }
        }
        operands
    }

    fn has_one_of(&self, beginnings: &[&str]) -> bool {
        let is_one = |word: &&str| {
            beginnings.iter().any(|beginning| match beginning.starts_with("--") {
                true => word.starts_with(beginning),
                false => word == beginning,
            })
        };
        self.arguments.iter().any(is_one)
    }

    /// Whether a package manager installs all that the manifest of its folder names, into the folder that it always
    /// takes. `production` tells of a `NODE_ENV` with which npm leaves out what only development needs.
    pub(super) fn is_full_install(&self, production: bool) -> bool {
        if self.has_one_of(&ELSEWHERE) {
            return false;
        }
        let is_partial = production || self.has_one_of(&PARTIAL);
        match (self.program, self.operands().as_slice()) {
            // It removes the folder first.
            ("npm", ["ci" | "clean-install" | "ic" | "install-clean"]) => true,
            ("npm", ["install" | "i" | "in"]) | ("pnpm", ["install" | "i"]) => !is_partial,
            ("yarn" | "yarnpkg", [] | ["install"]) => !is_partial,
            _ => false,
        }
    }

    /// Whether it only installs programs for the whole container, or tells and sets what a package manager does.
    pub(super) fn is_beside_the_project(&self) -> bool {
        let is_global = self.has_one_of(&["-g", "--global", "--location=global"]);
        let operands = self.operands();
        match (self.program, operands.as_slice()) {
            ("npm" | "pnpm", ["install" | "i" | "add", ..]) => is_global,
            ("npm" | "pnpm" | "yarn", ["config" | "cache" | "global" | "set" | "login" | "view", ..]) => true,
            ("corepack" | "nvm" | "rustup" | "git" | "sdk", _) => true,
            ("go", ["env" | "version"]) | ("composer", ["config" | "self-update" | "global", ..]) => true,
            ("bundle", ["config", ..]) | ("gem", ["install", ..]) => true,
            ("poetry", ["config", ..]) => true,
            _ => false,
        }
    }

    /// Whether it fills a folder of this kind, called `name`, in the folder that it runs in.
    pub(super) fn fills(&self, kind: FolderKind, name: &str, production: bool) -> bool {
        let operands = self.operands();
        let is_elsewhere = self.has_one_of(&ELSEWHERE);
        match (kind, self.program, operands.as_slice()) {
            (FolderKind::NodeModules, ..) => self.is_full_install(production),
            (FolderKind::BowerComponents, "bower", ["install" | "i"]) => !is_elsewhere,
            (FolderKind::Vendor, "composer" | "composer.phar" | "./composer.phar", ["install" | "i" | "update"]) => {
                !is_elsewhere && name == "vendor"
            }
            (FolderKind::Vendor, "php", ["composer.phar", "install"]) => !is_elsewhere && name == "vendor",
            (FolderKind::Vendor, "go", ["mod", "vendor"]) => name == "vendor",
            (FolderKind::Vendor, "bundle" | "bundler", ["install"]) => self.installs_into_vendor() && !is_elsewhere,
            (FolderKind::Environment, "poetry" | "pipenv" | "pdm", ["install" | "sync"]) => {
                name == ".venv" && !is_elsewhere
            }
            (FolderKind::Environment, "uv", ["sync"]) => name == ".venv" && !is_elsewhere,
            (FolderKind::Target, ..) => self.compiles(),
            (FolderKind::Build, "gradle" | "./gradlew", [_, ..]) => {
                !self.is_offline() && self.leaves_out_no_compiling()
            }
            _ => false,
        }
    }

    /// Whether it takes what it needs from what was downloaded earlier, and nothing from the net.
    pub(super) fn is_offline(&self) -> bool {
        let is_maven = matches!(self.program, "mvn" | "./mvnw");
        self.has_one_of(&["--offline", "--no-index", "--frozen", "-mod=vendor", "-mod=mod-offline"])
            || is_maven && self.has_one_of(&["-o"])
    }

    fn installs_into_vendor(&self) -> bool {
        self.has_one_of(&["--deployment"])
            || self
                .arguments
                .iter()
                .any(|word| word.trim_start_matches("--path=").trim_start_matches("./").starts_with("vendor"))
    }

    fn compiles(&self) -> bool {
        let operands = self.operands();
        match self.program {
            "mvn" | "./mvnw" => {
                let skips = self.has_one_of(&["-Dmaven.main.skip", "-pl", "--projects", "-rf", "-f", "--file"])
                    || self.arguments.iter().any(|word| word.starts_with("-Dmaven.main.skip"));
                !skips && !self.is_offline() && operands.iter().any(|word| MAVEN_PHASES.contains(word))
            }
            "cargo" => {
                !self.is_offline() && matches!(operands.first(), Some(&("build" | "b" | "rustc" | "test" | "install")))
            }
            "sbt" => {
                let compiles = |word: &&str| ["assembly", "compile", "dist", "package", "stage", "test"].contains(word);
                operands.iter().any(|word| compiles(&word.rsplit([':', '/']).next().unwrap_or_default()))
            }
            _ => false,
        }
    }

    fn leaves_out_no_compiling(&self) -> bool {
        let left_out = self.arguments.windows(2).filter(|pair| matches!(pair, ["-x" | "--exclude-task", _]));
        left_out
            .into_iter()
            .all(|pair| pair.last().is_some_and(|task| task.to_lowercase().contains("test") || *task == "check"))
    }

    /// The virtual environment that it makes.
    pub(super) fn makes_environment(&self) -> Option<&'a str> {
        let is_venv = matches!(self.arguments.as_slice(), ["-m", "venv" | "virtualenv", ..]);
        match self.program {
            "virtualenv" => self.operands().last().copied(),
            "python" | "python3" if is_venv => self.operands().into_iter().skip(1).last(),
            _ => None,
        }
    }

    /// Whether it runs a file, such as an `activate`, in this very shell.
    pub(super) fn sources(&self) -> Option<&'a str> {
        if matches!(self.program, "." | "source") { self.arguments.first().copied() } else { None }
    }

    /// Whether it installs packages by pip, other than pip itself.
    pub(super) fn is_pip_install(&self) -> bool {
        let is_pip = matches!(self.program.rsplit('/').next(), Some("pip" | "pip3"));
        let is_module = matches!(self.arguments.as_slice(), ["-m", "pip", ..]);
        let of_itself = ["-m", "install", "pip", "setuptools", "wheel", "virtualenv"];
        let installs = (is_pip || is_module) && self.arguments.contains(&"install") && !self.is_offline();
        installs && self.arguments.iter().any(|word| !word.starts_with('-') && !of_itself.contains(word))
    }

    /// Whether it is pip in whatever way.
    pub(super) fn is_pip(&self) -> bool {
        matches!(self.program.rsplit('/').next(), Some("pip" | "pip3"))
            || matches!(self.arguments.as_slice(), ["-m", "pip", ..])
    }

    /// The name of the program.
    pub(super) const fn program(&self) -> &'a str {
        self.program
    }

    /// The first word that is no option.
    pub(super) fn first_operand(&self) -> Option<&'a str> {
        self.operands().first().copied()
    }

    /// All words behind the program.
    pub(super) fn arguments(&self) -> &[&'a str] {
        &self.arguments
    }
}

/// Whether an install in `folder` runs scripts of the project itself (npm docs: scripts, "Life Cycle Scripts").
/// A manifest that cannot be read may name some.
pub(super) fn runs_scripts_of_its_own(repository: &dyn Repository, folder: &RepositoryPath) -> bool {
    const SCRIPTS: [&str; 6] = ["install", "postinstall", "postprepare", "preinstall", "prepare", "prepublish"];
    let manifest = folder.join("package.json").and_then(|path| repository.read(&path).ok());
    let Some(manifest) = manifest.and_then(|file| serde_json::from_str::<serde_json::Value>(file.text()).ok()) else {
        return true;
    };
    SCRIPTS.iter().any(|name| manifest.pointer(&format!("/scripts/{name}")).is_some())
}
