use std::sync::Arc;

use super::caches::Cache;
use super::folder::{Folder, Manifests, names_no_folder, sets_harmless_key};
use super::invocation::{Invocation, Options};
use super::package::Package;
use super::{DependencyLayer, Ecosystem, Refusal};
use crate::finding::Location;
use crate::source::SourceFile;
use crate::text::Span;

pub(super) const ECOSYSTEM: Ecosystem = Ecosystem { split, is_harmless, redirecting: &[], cache: Some(CACHE) };

const CACHE: Cache = Cache {
    moved_by: &[("npm_config_cache", ""), ("NPM_CONFIG_CACHE", "")],
    ..Cache::new("npm", installs, |_, _| &["/root/.npm"])
};

fn installs(words: &[&str]) -> bool {
    matches!(words, ["npm", ..])
        && words.iter().any(|word| matches!(*word, "install" | "i" | "ci" | "clean-install" | "add"))
}

/// Options of `npm install` and `npm ci` that leave the files it reads as they are. npm's "config" page.
const OPTIONS: Options = Options {
    flags: &[
        "--audit",
        "--bin-links",
        "--color",
        "--engine-strict",
        "--force",
        "--foreground-scripts",
        "--fund",
        "--ignore-scripts",
        "--legacy-bundling",
        "--legacy-peer-deps",
        "--offline",
        "--optional",
        "--package-lock",
        "--prefer-dedupe",
        "--prefer-offline",
        "--prefer-online",
        "--production",
        "--progress",
        "--quiet",
        "--save",
        "--silent",
        "--strict-peer-deps",
        "--strict-ssl",
        "--unsafe-perm",
        "--update-notifier",
        "--verbose",
        "--yes",
        "-d",
        "-dd",
        "-ddd",
        "-f",
        "-q",
        "-s",
        "-y",
    ],
    valued: &[
        "--cache",
        "--fetch-retries",
        "--fetch-retry-factor",
        "--fetch-retry-maxtimeout",
        "--fetch-retry-mintimeout",
        "--fetch-timeout",
        "--https-proxy",
        "--include",
        "--loglevel",
        "--maxsockets",
        "--omit",
        "--only",
        "--proxy",
        "--registry",
    ],
};

/// The settings of `.npmrc` that name files, code or folders of the project.
const SETTINGS_WITH_FILES: &[&str] = &[
    "cafile",
    "certfile",
    "global-pnpmfile",
    "globalconfig",
    "keyfile",
    "lockfile-dir",
    "modules-dir",
    "node-options",
    "onload-script",
    "pnpmfile",
    "prefix",
    "script-shell",
    "store-dir",
    "userconfig",
    "virtual-store-dir",
    "workspace",
    "workspaces",
];

fn is_harmless(folder: &Folder<'_>, words: &[&str]) -> bool {
    match words {
        _ if installs_for_all_by_name(words) => true,
        ["npm" | "node", "-v" | "--version" | "version"] => true,
        ["npm", "config", "set", arguments @ ..] => sets_harmless_key(folder, arguments, is_harmless_setting),
        ["rm", "-rf" | "-fr" | "-r", "node_modules" | "node_modules/" | "./node_modules"] => true,
        _ => false,
    }
}

/// Whether npm installs packages of a registry for the whole machine: of the project it reads no more than `.npmrc` then.
pub(super) fn installs_for_all_by_name(words: &[&str]) -> bool {
    let (["npm", "install" | "i", "-g" | "--global", packages @ ..]
    | ["npm", "-g" | "--global", "install" | "i", packages @ ..]) = words
    else {
        return false;
    };
    !packages.is_empty() && packages.iter().all(|package| is_of_registry(package))
}

/// Whether an operand of `npm install` is no file and no folder (npm, "package-spec").
fn is_of_registry(package: &str) -> bool {
    !package.starts_with(['.', '/', '~', '-'])
        && !package.contains("file:")
        && ![".tgz", ".tar.gz", ".tar"].iter().any(|ending| package.ends_with(ending))
}

/// Whether a setting of npm or pnpm is one of a registry or of the network, which names no file.
pub(super) fn is_harmless_setting(key: &str) -> bool {
    const KEYS: [&str; 12] = [
        "registry",
        "always-auth",
        "audit",
        "fetch-retries",
        "fetch-timeout",
        "fund",
        "loglevel",
        "maxsockets",
        "progress",
        "strict-ssl",
        "update-notifier",
        "email",
    ];
    let of_registry = key.starts_with("//") && !key.ends_with("file");
    let of_scope = key.starts_with('@') && key.ends_with(":registry");
    of_registry || of_scope || KEYS.contains(&key)
}

/// Whether `npm` with these arguments can be a layer of its own; `None` where it installs no dependencies.
fn split(folder: &Folder<'_>, words: &[&str]) -> Result<Option<DependencyLayer>, Refusal> {
    let ["npm", arguments @ ..] = words else { return Ok(None) };
    let invocation = Invocation::read(arguments, &OPTIONS);
    let is_clean = match invocation.operands.as_slice() {
        ["install" | "i" | "in" | "add"] => false,
        ["ci" | "clean-install" | "ic" | "install-clean"] => true,
        _ => return Ok(None),
    };
    let is_global = matches!(invocation.unknown(), Some("-g" | "--global" | "--location=global"));
    if invocation.asks_for_help() || is_global {
        return Ok(None);
    }
    invocation.only_known_options()?;
    let package = Package::read(folder)?;
    let settings = folder.file(".npmrc")?;
    let ignores = settings.as_ref().is_some_and(ignores_scripts) || invocation.has("--ignore-scripts");
    settings.as_ref().map_or(Ok(()), names_no_files)?;
    package.reads_manifests_only(folder, !ignores, |_| false)?;
    let lock = match folder.file("npm-shrinkwrap.json")? {
        Some(file) => Some(file),
        None => folder.file("package-lock.json")?,
    };
    match &lock {
        Some(lock) => names_no_folder(lock, &["\"file:", "\"link\": true", "\"link\":true"])?,
        None if is_clean => return Err(Refusal::without_place("`npm ci` fails without a lock file")),
        None => {}
    }
    let outputs = folder.outputs(&["node_modules", invocation.value("--cache").unwrap_or("node_modules")])?;
    let mut manifests = Manifests::default();
    for file in [Some(&package.file), lock.as_ref(), settings.as_ref()] {
        manifests.add(file);
    }
    Ok(Some(manifests.layer("npm", lock.as_ref(), outputs, !is_clean)))
}

/// The settings of an `.npmrc`, each with its key, its value and the bytes of its line. npm's "npmrc" page.
pub(super) fn settings(file: &Arc<SourceFile>) -> impl Iterator<Item = (&str, &str, Span)> {
    let lines = (1..=file.lines().line_count()).map(|line| file.lines().line_span(line));
    lines.filter_map(|span| {
        let line = span.slice(file.text()).trim();
        let (key, value) = line.split_once('=').unwrap_or((line, "true"));
        let is_setting = !line.is_empty() && !line.starts_with(['#', ';', '[']);
        is_setting.then(|| (key.trim().trim_end_matches("[]"), value.trim().trim_matches(['"', '\'']), span))
    })
}

pub(super) fn ignores_scripts(file: &Arc<SourceFile>) -> bool {
    settings(file).filter(|(key, ..)| *key == "ignore-scripts").last().is_some_and(|(_, value, _)| value == "true")
}

/// Refuses settings that make the install read other files, or run other code, of the project.
pub(super) fn names_no_files(file: &Arc<SourceFile>) -> Result<(), Refusal> {
    // A key may belong to one registry: `//host/:certfile`.
    let own_key = |key: &str| key.rsplit(':').next().unwrap_or(key).to_owned();
    let absolute = |value: &str| value.starts_with('/') && !value.starts_with("/builds");
    let found = settings(file).find(|(key, value, _)| {
        SETTINGS_WITH_FILES.contains(&own_key(key).as_str()) && !absolute(value)
            || (*key == "node-linker" && *value == "pnp")
    });
    match found {
        None => Ok(()),
        Some((key, _, span)) => {
            let reason = format!("`{}` sets `{key}`, which may name files of the repository", file.path());
            Err(Refusal::new(reason, Location::new(file, span)))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::ecosystem::tests::{layer, names, refusal};

    const PACKAGE: (&str, &str) = ("package.json", r#"{"dependencies": {"a": "1"}}"#);
    const LOCK: (&str, &str) = ("package-lock.json", "{}");

    #[test]
    fn the_manifests_are_copied_in_reading_order() {
        let rc = (".npmrc", "//registry.example.com/:_authToken=${NPM_TOKEN}\n# ${NOT}\ncache=${HOME}/x\n");
        let found = layer("npm ci", &[rc, LOCK, PACKAGE, ("src/a.js", "")]);
        assert_eq!(names(&found.manifests), ["package.json", "package-lock.json", ".npmrc"]);
        assert_eq!(found.lock_file.unwrap().as_str(), "package-lock.json");
        assert_eq!(names(&found.outputs), ["node_modules"]);
        assert_eq!((found.ecosystem, found.may_rewrite_lock_file), ("npm", false));
        assert_eq!(found.variables, ["HOME", "NPM_TOKEN"]);
    }

    #[test]
    fn a_missing_lock_file_forbids_a_clean_install_only() {
        assert_eq!(layer("npm install", &[PACKAGE]).lock_file, None);
        assert_eq!(refusal("npm ci", &[PACKAGE]).0, "`npm ci` fails without a lock file");
        assert!(layer("npm install", &[PACKAGE, LOCK]).may_rewrite_lock_file);
    }

    #[test]
    fn a_shrinkwrap_comes_before_a_lock_file() {
        let found = layer("npm ci", &[PACKAGE, LOCK, ("npm-shrinkwrap.json", "{}")]);
        assert_eq!(names(&found.manifests), ["package.json", "npm-shrinkwrap.json"]);
    }

    #[test]
    fn harmless_options_are_known() {
        for options in [
            "--no-audit --prefer-offline --legacy-peer-deps --silent",
            "--registry=https://r",
            "--registry https://r",
            "-s -q",
            "--production",
            "--omit=dev",
            "--fund=false --loglevel warn",
            "--unsafe-perm=true --no-progress",
        ] {
            layer(&format!("npm ci {options}"), &[PACKAGE, LOCK]);
            layer(&format!("npm {options} ci"), &[PACKAGE, LOCK]);
        }
    }

    #[test]
    fn options_that_may_read_other_files_are_refused() {
        for option in
            ["--prefix=web", "-C web", "--userconfig=ci.npmrc", "-w a", "--workspaces", "--audit=x", "--dry-run"]
        {
            let first = option.split(' ').next().unwrap();
            let command = format!("npm --no-audit ci {first}");
            assert!(refusal(&command, &[PACKAGE, LOCK]).0.contains(first), "{option}");
        }
    }

    #[test]
    fn a_cache_in_the_folder_is_an_output() {
        let found = layer("npm ci --cache .npm --prefer-offline", &[PACKAGE, LOCK]);
        assert_eq!(names(&found.outputs), ["node_modules", ".npm"]);
        assert_eq!(names(&layer("npm ci --cache /tmp/npm", &[PACKAGE, LOCK]).outputs), ["node_modules"]);
    }

    #[test]
    fn tracked_outputs_are_refused() {
        let (reason, _) = refusal("npm ci", &[PACKAGE, LOCK, ("node_modules/a/index.js", "")]);
        assert!(reason.contains("would overwrite"), "{reason}");
    }

    #[test]
    fn settings_and_locks_that_name_files_are_refused() {
        for line in [
            "cafile=ci/ca.pem",
            "//h/:certfile=c.pem",
            "node-options=--require ./x",
            "prefix = x",
            "keyfile = /builds/k",
        ] {
            assert_eq!(refusal("npm ci", &[PACKAGE, LOCK, (".npmrc", line)]).1.as_deref(), Some(line));
        }
        layer(
            "npm ci",
            &[PACKAGE, LOCK, (".npmrc", "registry=https://r\ncafile=/etc/ca.pem\n; prefix=x\nengine-strict\n")],
        );
        let linked = ("package-lock.json", r#"{"packages": {"a": {"resolved": "a", "link": true}}}"#);
        assert_eq!(refusal("npm ci", &[PACKAGE, linked]).1.as_deref(), Some("\"link\": true"));
    }
}
