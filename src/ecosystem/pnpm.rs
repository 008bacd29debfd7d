use std::sync::Arc;

use super::berry::files_within;
use super::caches::Cache;
use super::folder::{Folder, Manifests, names_no_folder, sets_harmless_key};
use super::invocation::{Invocation, Options};
use super::npm::is_harmless_setting;
use super::package::{COREPACK_SETTINGS, Package};
use super::{DependencyLayer, Ecosystem, Refusal, npm};
use crate::finding::Location;
use crate::source::SourceFile;
use crate::text::Span;

pub(super) const ECOSYSTEM: Ecosystem = Ecosystem { split, is_harmless, redirecting: &[], cache: Some(CACHE) };

/// From another file system pnpm copies instead of linking (pnpm, "package-import-method").
const CACHE: Cache = Cache {
    moved_by: &[("PNPM_HOME", ""), ("XDG_DATA_HOME", ""), ("npm_config_store_dir", ""), ("NPM_CONFIG_STORE_DIR", "")],
    ..Cache::new("pnpm", installs, |_, _| &["/root/.local/share/pnpm/store"])
};

fn installs(words: &[&str]) -> bool {
    matches!(words, ["pnpm", ..]) && words.iter().any(|word| matches!(*word, "install" | "i" | "add" | "fetch"))
}

/// Options of `pnpm install` that leave the files it reads as they are. pnpm's "pnpm install" page.
const OPTIONS: Options = Options {
    flags: &[
        "--color",
        "--dev",
        "--engine-strict",
        "--force",
        "--frozen-lockfile",
        "--ignore-scripts",
        "--lockfile",
        "--offline",
        "--optional",
        "--prefer-frozen-lockfile",
        "--prefer-offline",
        "--prod",
        "--production",
        "--shamefully-hoist",
        "--side-effects-cache",
        "--silent",
        "--strict-peer-dependencies",
        "--use-stderr",
        "--verify-store-integrity",
        "-D",
        "-P",
        "-s",
    ],
    valued: &[
        "--child-concurrency",
        "--fetch-retries",
        "--fetch-timeout",
        "--loglevel",
        "--network-concurrency",
        "--package-import-method",
        "--registry",
        "--reporter",
        "--store-dir",
    ],
};

/// What stands before a dependency within the repository; `terminal-link:` is the name of a package.
const LOCAL: &[&str] =
    &[" link:", "@link:", "'link:", "\"link:", " file:", "@file:", "'file:", "\"file:", "directory:", " workspace:"];

fn is_harmless(folder: &Folder<'_>, words: &[&str]) -> bool {
    match words {
        ["pnpm", "-v" | "--version"] => true,
        ["pnpm", "config", "set", arguments @ ..] => sets_harmless_key(folder, arguments, is_harmless_setting),
        _ => false,
    }
}

/// Whether `pnpm` with these arguments can be a layer of its own; `None` where it installs no dependencies.
fn split(folder: &Folder<'_>, words: &[&str]) -> Result<Option<DependencyLayer>, Refusal> {
    let ["pnpm", arguments @ ..] = words else { return Ok(None) };
    let invocation = Invocation::read(arguments, &OPTIONS);
    let installs = matches!(invocation.operands.as_slice(), ["install" | "i"]);
    if !installs || invocation.asks_for_help() || matches!(invocation.unknown(), Some("-g" | "--global")) {
        return Ok(None);
    }
    invocation.only_known_options()?;
    folder.nothing_above(&["pnpm-workspace.yaml", ".npmrc"])?;
    let package = Package::read(folder)?;
    package.says_its_manager(folder)?;
    no_hooks(folder)?;
    let settings = folder.file(".npmrc")?;
    settings.as_ref().map_or(Ok(()), npm::names_no_files)?;
    let ignores = settings.as_ref().is_some_and(npm::ignores_scripts) || invocation.has("--ignore-scripts");
    package.reads_manifests_only(folder, !ignores, |_| false)?;
    if let Some(overrides) = package.get(&["pnpm", "overrides"]) {
        names_no_folder_in(&package, &overrides.to_string())?;
    }
    let lock = folder.file("pnpm-lock.yaml")?;
    match &lock {
        Some(lock) => names_no_folder(lock, LOCAL)?,
        None if invocation.has("--frozen-lockfile") => {
            return Err(Refusal::without_place("`pnpm install --frozen-lockfile` fails without a lock file"));
        }
        None => {}
    }
    let workspace = folder.file("pnpm-workspace.yaml")?;
    workspace.as_ref().map_or(Ok(()), holds_settings_only)?;
    let mut manifests = Manifests::default();
    for file in [Some(&package.file), lock.as_ref(), workspace.as_ref(), settings.as_ref()] {
        manifests.add(file);
    }
    manifests.add(folder.file(COREPACK_SETTINGS)?.as_ref());
    for patch in patches(folder, &package, workspace.as_ref())? {
        manifests.add(Some(&patch));
    }
    let outputs = folder.outputs(&["node_modules", invocation.value("--store-dir").unwrap_or("node_modules")])?;
    Ok(Some(manifests.layer("pnpm", lock.as_ref(), outputs, !invocation.has("--frozen-lockfile"))))
}

/// Hooks are programs of the project, which may read anything.
fn no_hooks(folder: &Folder<'_>) -> Result<(), Refusal> {
    for name in [".pnpmfile.cjs", ".pnpmfile.mjs", "pnpmfile.js"] {
        if let Some(path) = folder.join(name).filter(|path| folder.repository.tracks(path)) {
            let reason = format!("`{path}` is code of the repository that the install runs");
            return Err(Refusal::new(reason, Location::File(path)));
        }
    }
    Ok(())
}

fn names_no_folder_in(package: &Package, overrides: &str) -> Result<(), Refusal> {
    if overrides.contains("\"link:") || overrides.contains("\"file:") || overrides.contains("\"workspace:") {
        return Err(package.refuse("overrides packages with folders of the repository", "overrides"));
    }
    Ok(())
}

/// Since version 10, pnpm keeps its settings in the file that names the workspaces.
fn holds_settings_only(file: &Arc<SourceFile>) -> Result<(), Refusal> {
    const NAMING_FILES: &[&str] = &[
        "packages",
        "pnpmfile",
        "globalPnpmfile",
        "configDependencies",
        "modulesDir",
        "storeDir",
        "virtualStoreDir",
        "lockfileDir",
        "nodeOptions",
        "scriptShell",
        "cafile",
        "nodeLinker",
    ];
    names_no_folder(file, LOCAL)?;
    for line in 1..=file.lines().line_count() {
        let span = file.lines().line_span(line);
        let key = span.slice(file.text()).split(':').next().unwrap_or_default().trim_matches(['"', '\'']);
        if NAMING_FILES.contains(&key.trim_end()) || key.starts_with('{') {
            let reason = format!("`{}` names other files of the repository", file.path());
            return Err(Refusal::new(reason, Location::new(file, span)));
        }
    }
    Ok(())
}

/// The patches that the install applies. The workspace file names them too; all in `patches` are taken then.
fn patches(
    folder: &Folder<'_>,
    package: &Package,
    workspace: Option<&Arc<SourceFile>>,
) -> Result<Vec<Arc<SourceFile>>, Refusal> {
    let mut files = Vec::new();
    for path in package.get(&["pnpm", "patchedDependencies"]).and_then(|value| value.as_object()).into_iter().flatten()
    {
        let named = path.1.as_str().unwrap_or_default();
        match folder.file(named)? {
            Some(file) => files.push(file),
            None => return Err(package.refuse("names a patch that is not under version control", named)),
        }
    }
    if let Some(file) = workspace
        && let Some(at) = file.text().find("patchedDependencies:")
    {
        let entries = file.text().get(at..).unwrap_or_default().lines().skip(1);
        let elsewhere = entries
            .take_while(|line| line.starts_with([' ', '\t', '#']) || line.is_empty())
            .filter_map(|line| line.rsplit_once(": ").map(|(_, path)| path.trim().trim_matches(['"', '\''])))
            .any(|path| !path.trim_start_matches("./").starts_with("patches/") || path.contains(".."));
        if elsewhere {
            let reason = format!("`{}` names patches outside of `patches`", file.path());
            return Err(Refusal::new(reason, Location::new(file, Span::at(at))));
        }
        files.extend(files_within(folder, "patches")?);
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use crate::ecosystem::Split;
    use crate::ecosystem::tests::{layer, names, refusal, split_in};

    const PACKAGE: (&str, &str) = ("package.json", r#"{"dependencies": {"a": "1"}}"#);
    const LOCK: (&str, &str) =
        ("pnpm-lock.yaml", "snapshots:\n  a@1:\n    dependencies:\n      terminal-link: 2.1.1\n");

    #[test]
    fn the_manifests_are_copied_in_reading_order() {
        let workspace = ("pnpm-workspace.yaml", "onlyBuiltDependencies:\n  - esbuild\n");
        let found = layer("pnpm i --frozen-lockfile", &[PACKAGE, LOCK, workspace, (".npmrc", "//h/:_authToken=${T}")]);
        assert_eq!(names(&found.manifests), ["package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml", ".npmrc"]);
        assert_eq!(
            (found.ecosystem, found.may_rewrite_lock_file, found.variables),
            ("pnpm", false, vec!["T".to_owned()])
        );
        assert_eq!(layer("pnpm install --store-dir .pnpm-store", &[PACKAGE]).outputs.len(), 2);
    }

    #[test]
    fn patches_are_manifests() {
        let package = ("package.json", r#"{"pnpm": {"patchedDependencies": {"a@1": "patches/a.patch"}}}"#);
        let found = layer("pnpm install", &[package, LOCK, ("patches/a.patch", ""), ("patches/b.patch", "")]);
        assert_eq!(names(&found.manifests), ["package.json", "pnpm-lock.yaml", "patches/a.patch"]);
        assert!(refusal("pnpm install", &[package, LOCK]).0.contains("not under version control"));
        let workspace = ("pnpm-workspace.yaml", "patchedDependencies:\n  a@1: patches/a.patch\nminimumReleaseAge: 1\n");
        assert_eq!(layer("pnpm install", &[PACKAGE, LOCK, workspace, ("patches/a.patch", "")]).manifests.len(), 4);
        let elsewhere = ("pnpm-workspace.yaml", "patchedDependencies:\n  a@1: ci/a.patch\n");
        refusal("pnpm install", &[PACKAGE, LOCK, elsewhere]);
    }

    #[test]
    fn workspaces_hooks_and_local_dependencies_are_refused() {
        let workspace = ("pnpm-workspace.yaml", "packages:\n  - a\n");
        assert_eq!(refusal("pnpm install", &[PACKAGE, LOCK, workspace]).1.as_deref(), Some("packages:"));
        assert!(refusal("pnpm install", &[PACKAGE, LOCK, (".pnpmfile.cjs", "")]).0.contains("code of the repository"));
        let linked = ("pnpm-lock.yaml", "dependencies:\n  a:\n    specifier: link:../a\n");
        assert_eq!(refusal("pnpm install", &[PACKAGE, linked]).1.as_deref(), Some("link:"));
        refusal("pnpm install", &[("package.json", r#"{"pnpm": {"overrides": {"a": "file:a"}}}"#), LOCK]);
        assert!(refusal("pnpm install -r", &[PACKAGE, LOCK]).0.contains("-r"));
        assert!(refusal("pnpm install --frozen-lockfile", &[PACKAGE]).0.contains("without a lock file"));
        let below =
            split_in("web", "pnpm i", &[("pnpm-workspace.yaml", "packages: [web]\n"), ("web/package.json", "{}")]);
        assert!(matches!(below, Split::NotLegal { .. }));
    }
}
