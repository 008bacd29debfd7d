use std::sync::Arc;

use super::caches::Cache;
use super::folder::{Folder, Manifests, names_no_folder, sets_harmless_key};
use super::invocation::{Invocation, Options};
use super::package::{COREPACK_SETTINGS, Package};
use super::{DependencyLayer, Ecosystem, Refusal, berry, npm};
use crate::finding::Location;
use crate::source::SourceFile;
use crate::text::Span;

pub(super) const ECOSYSTEM: Ecosystem = Ecosystem { split, is_harmless, redirecting: &[], cache: Some(CACHE) };

const CACHE: Cache = Cache {
    moved_by: &[("YARN_CACHE_FOLDER", ""), ("YARN_GLOBAL_FOLDER", "")],
    relied_on: runs_packages_from_cache,
    ..Cache::new("yarn", installs, cache_folders)
};

fn installs(words: &[&str]) -> bool {
    match words {
        ["yarn" | "yarnpkg", rest @ ..] => {
            rest.iter().all(|word| word.starts_with('-')) || rest.iter().any(|word| matches!(*word, "install" | "add"))
        }
        _ => false,
    }
}

/// What `yarn cache dir` says to root.
fn cache_folders(folder: &Folder<'_>, _: &str) -> &'static [&'static str] {
    if is_berry(folder) { &["/root/.yarn/berry/cache"] } else { &["/usr/local/share/.cache/yarn"] }
}

fn is_berry(folder: &Folder<'_>) -> bool {
    let lock = folder.file("yarn.lock").ok().flatten();
    Package::read(folder).is_ok_and(|package| berry::is_used(folder, &package, lock.as_ref()).unwrap_or(true))
}

/// Without `node_modules`, berry runs packages out of its cache (Yarn, "Plug'n'Play").
fn runs_packages_from_cache(folder: &Folder<'_>, _: &[Vec<&str>]) -> Option<String> {
    let settings = folder.file(".yarnrc.yml").ok().flatten();
    let has_linker = |line: &str| line.starts_with("nodeLinker:") && line.contains("node-modules");
    let has_modules = settings.is_some_and(|file| file.text().lines().any(has_linker));
    (is_berry(folder) && !has_modules).then(|| "yarn runs the packages out of its cache".to_owned())
}

/// Options of `yarn install`, of yarn 1 and of berry, that leave the files it reads as they are.
const OPTIONS: Options = Options {
    flags: &[
        "--audit",
        "--check-cache",
        "--check-files",
        "--color",
        "--default-rc",
        "--emoji",
        "--force",
        "--frozen-lockfile",
        "--ignore-engines",
        "--ignore-optional",
        "--ignore-platform",
        "--ignore-scripts",
        "--immutable",
        "--inline-builds",
        "--json",
        "--lockfile",
        "--non-interactive",
        "--offline",
        "--prefer-offline",
        "--prod",
        "--production",
        "--progress",
        "--pure-lockfile",
        "--refresh-lockfile",
        "--silent",
        "--strict-semver",
        "--verbose",
        "-s",
    ],
    valued: &["--cache-folder", "--mode", "--mutex", "--network-concurrency", "--network-timeout", "--registry"],
};

/// The settings of `.yarnrc` that name nothing in the repository. Yarn 1, "yarnrc".
const HARMLESS_SETTINGS: &[&str] = &[
    "registry",
    "network-timeout",
    "network-concurrency",
    "child-concurrency",
    "strict-ssl",
    "save-prefix",
    "save-exact",
    "disable-self-update-check",
    "enable-meta-folder",
    "prefer-offline",
    "ignore-engines",
    "ignore-optional",
    "proxy",
    "https-proxy",
    "https_proxy",
    "email",
    "username",
    "lastUpdateCheck",
    "unsafe-disable-integrity-migration",
    "--install.frozen-lockfile",
    "--frozen-lockfile",
    "--ignore-engines",
    "--install.ignore-engines",
    "--install.network-timeout",
    "--network-timeout",
    "--install.prefer-offline",
    "--install.ignore-optional",
];

fn is_harmless(folder: &Folder<'_>, words: &[&str]) -> bool {
    match words {
        ["yarn", "-v" | "--version"] | ["corepack", "-v" | "--version"] => true,
        // From then on npm too is the one that a `package.json` names.
        ["corepack", "enable", programs @ ..] => !programs.contains(&"npm"),
        // Berry writes its settings into the project.
        ["yarn", "config", "set", arguments @ ..] => {
            const KEYS: [&str; 6] =
                ["registry", "npmRegistryServer", "strict-ssl", "enableTelemetry", "network-timeout", "httpTimeout"];
            folder.join(".yarnrc.yml").is_some_and(|path| !folder.repository.tracks(&path))
                && sets_harmless_key(folder, arguments, |key| KEYS.contains(&key))
        }
        _ => false,
    }
}

/// Whether `yarn` with these arguments can be a layer of its own; `None` where it installs no dependencies.
fn split(folder: &Folder<'_>, words: &[&str]) -> Result<Option<DependencyLayer>, Refusal> {
    let ["yarn" | "yarnpkg", arguments @ ..] = words else { return Ok(None) };
    let invocation = Invocation::read(arguments, &OPTIONS);
    let installs = matches!(invocation.operands.as_slice(), [] | ["install"]);
    if !installs || invocation.asks_for_help() {
        return Ok(None);
    }
    invocation.only_known_options()?;
    folder.nothing_above(&[".yarnrc", ".yarnrc.yml", ".npmrc", "yarn.lock"])?;
    let package = Package::read(folder)?;
    package.says_its_manager(folder)?;
    let lock = folder.file("yarn.lock")?;
    if berry::is_used(folder, &package, lock.as_ref())? {
        return berry::split(folder, &invocation, &package, lock).map(Some);
    }
    classic(folder, &invocation, &package, lock).map(Some)
}

/// A layer of yarn 1.
fn classic(
    folder: &Folder<'_>,
    invocation: &Invocation<'_>,
    package: &Package,
    lock: Option<Arc<SourceFile>>,
) -> Result<DependencyLayer, Refusal> {
    let settings = folder.file(".yarnrc")?;
    let npm_settings = folder.file(".npmrc")?;
    npm_settings.as_ref().map_or(Ok(()), npm::names_no_files)?;
    let ignores = npm_settings.as_ref().is_some_and(npm::ignores_scripts) || invocation.has("--ignore-scripts");
    package.reads_manifests_only(folder, !ignores, |_| false)?;
    if let Some(lock) = &lock {
        names_no_folder(lock, &["resolved \"file:", "@file:", "@link:"])?;
    }
    let program = match &settings {
        Some(settings) => own_program(folder, settings)?,
        None => None,
    };
    let outputs = folder.outputs(&["node_modules", invocation.value("--cache-folder").unwrap_or("node_modules")])?;
    let mut manifests = Manifests::default();
    manifests.add(folder.file(COREPACK_SETTINGS)?.as_ref());
    for file in [Some(&package.file), lock.as_ref(), npm_settings.as_ref(), settings.as_ref(), program.as_ref()] {
        manifests.add(file);
    }
    let is_frozen = ["--frozen-lockfile", "--pure-lockfile", "--no-lockfile"].iter().any(|flag| invocation.has(flag));
    Ok(manifests.layer("yarn", lock.as_ref(), outputs, !is_frozen))
}

/// The program that `.yarnrc` runs in place of the installed yarn, which must be tracked. Refuses settings that may
/// name other files.
fn own_program(folder: &Folder<'_>, settings: &Arc<SourceFile>) -> Result<Option<Arc<SourceFile>>, Refusal> {
    let mut program = None;
    for line in 1..=settings.lines().line_count() {
        let span = settings.lines().line_span(line);
        let text = span.slice(settings.text()).trim();
        let Some((key, value)) = text.split_once([' ', '\t']).filter(|_| !text.starts_with('#')) else { continue };
        let (key, value) = (key.trim_matches('"'), value.trim().trim_matches('"'));
        if key == "yarn-path" {
            program = Some(tracked_program(folder, settings, value, span)?);
        } else if !HARMLESS_SETTINGS.contains(&key) && !key.starts_with('@') && !key.starts_with("//") {
            let reason = format!("`{}` sets `{key}`, which may name files of the repository", settings.path());
            return Err(Refusal::new(reason, Location::new(settings, span)));
        }
    }
    Ok(program)
}

/// The tracked file that a setting names as the program to run.
pub(super) fn tracked_program(
    folder: &Folder<'_>,
    settings: &Arc<SourceFile>,
    path: &str,
    span: Span,
) -> Result<Arc<SourceFile>, Refusal> {
    let missing = || {
        let reason = format!("`{}` runs `{path}`, which is not under version control", settings.path());
        Refusal::new(reason, Location::new(settings, span))
    };
    if path.starts_with('/') {
        return Err(missing());
    }
    folder.file(path)?.ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use crate::ecosystem::Split;
    use crate::ecosystem::tests::{layer, names, refusal, split_in};

    const PACKAGE: (&str, &str) = ("package.json", r#"{"dependencies": {"a": "1"}}"#);
    const LOCK: (&str, &str) = ("yarn.lock", "# yarn lockfile v1\n");

    #[test]
    fn yarn_alone_is_an_install() {
        let files = [PACKAGE, LOCK, (".yarnrc", "registry \"https://r\"\n"), (".npmrc", "x=${T}\n")];
        for command in ["yarn", "yarn install", "yarn --frozen-lockfile", "yarn install --network-timeout 100 --silent"]
        {
            let found = layer(command, &files);
            assert_eq!(names(&found.manifests), ["package.json", "yarn.lock", ".npmrc", ".yarnrc"]);
            assert_eq!((found.ecosystem, found.variables), ("yarn", vec!["T".to_owned()]));
        }
        assert!(layer("yarn", &files).may_rewrite_lock_file);
        assert!(!layer("yarn --frozen-lockfile", &files).may_rewrite_lock_file);
        assert_eq!(layer("yarn", &[PACKAGE]).lock_file, None);
    }

    #[test]
    fn the_program_of_the_repository_is_a_manifest() {
        let rc = (".yarnrc", "yarn-path \".yarn/releases/yarn-1.22.js\"\n");
        let found = layer("yarn", &[PACKAGE, LOCK, rc, (".yarn/releases/yarn-1.22.js", "")]);
        assert_eq!(names(&found.manifests), ["package.json", "yarn.lock", ".yarnrc", ".yarn/releases/yarn-1.22.js"]);
        assert!(refusal("yarn", &[PACKAGE, LOCK, rc]).0.contains("not under version control"));
    }

    #[test]
    fn what_may_read_other_files_is_refused() {
        assert!(refusal("yarn --cwd=web", &[PACKAGE, LOCK]).0.contains("--cwd"));
        assert!(refusal("yarn --modules-folder=x", &[PACKAGE, LOCK]).0.contains("--modules-folder"));
        assert!(
            refusal("yarn", &[PACKAGE, LOCK, (".yarnrc", "yarn-offline-mirror \"./m\"\n")])
                .0
                .contains("yarn-offline-mirror")
        );
        let local = ("yarn.lock", "\"a@file:a\":\n  version \"1\"\n");
        assert_eq!(refusal("yarn", &[PACKAGE, local]).1.as_deref(), Some("@file:"));
        refusal("yarn", &[PACKAGE, LOCK, ("node_modules/a", "")]);
        let above = split_in("web", "yarn", &[("web/package.json", "{}"), (".yarnrc", "")]);
        assert!(matches!(above, Split::NotLegal { .. }));
    }
}
