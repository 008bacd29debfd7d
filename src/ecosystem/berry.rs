use std::sync::Arc;

use super::folder::{Folder, Manifests, names_no_folder};
use super::invocation::Invocation;
use super::package::{COREPACK_SETTINGS, Package};
use super::yarn::tracked_program;
use super::{DependencyLayer, Refusal};
use crate::finding::Location;
use crate::source::SourceFile;
use crate::text::Span;

/// The settings of `.yarnrc.yml` that name nothing in the repository. Yarn, "Settings (.yarnrc.yml)".
const HARMLESS_SETTINGS: &[&str] = &[
    "approvedGitRepositories",
    "cacheMigrationMode",
    "changesetBaseRefs",
    "changesetIgnorePatterns",
    "checksumBehavior",
    "compressionLevel",
    "defaultSemverRangePrefix",
    "enableColors",
    "enableConstraintsChecks",
    "enableGlobalCache",
    "enableHardenedMode",
    "enableHyperlinks",
    "enableImmutableCache",
    "enableImmutableInstalls",
    "enableInlineBuilds",
    "enableInlineHunks",
    "enableMessageNames",
    "enableMirror",
    "enableNetwork",
    "enableProgressBars",
    "enableScripts",
    "enableStrictSsl",
    "enableTelemetry",
    "enableTimers",
    "enableTransparentWorkspaces",
    "httpProxy",
    "httpRetry",
    "httpTimeout",
    "httpsProxy",
    "logFilters",
    "networkConcurrency",
    "nmHoistingLimits",
    "nmMode",
    "nmSelfReferences",
    "nodeLinker",
    "npmAlwaysAuth",
    "npmAuditExcludePackages",
    "npmAuditIgnoreAdvisories",
    "npmAuditRegistry",
    "npmAuthIdent",
    "npmAuthToken",
    "npmMinimalAgeGate",
    "npmPreapprovedPackages",
    "npmPublishAccess",
    "npmPublishRegistry",
    "npmRegistries",
    "npmRegistryServer",
    "npmScopes",
    "packageExtensions",
    "plugins",
    "preferInteractive",
    "progressBarStyle",
    "supportedArchitectures",
    "taskPoolConcurrency",
    "telemetryInterval",
    "unsafeHttpWhitelist",
    "yarnPath",
];

/// Whether the project's yarn is berry (2 and later), which reads another lock file and other settings.
pub(super) fn is_used(folder: &Folder<'_>, package: &Package, lock: Option<&Arc<SourceFile>>) -> Result<bool, Refusal> {
    let pinned =
        package.get(&["packageManager"]).and_then(|value| value.as_str()).and_then(|text| text.strip_prefix("yarn@"));
    if let Some(version) = pinned {
        return Ok(!version.starts_with("0.") && !version.starts_with("1."));
    }
    Ok(folder.file(".yarnrc.yml")?.is_some() || lock.is_some_and(|lock| lock.text().contains("__metadata:")))
}

/// A layer of berry.
pub(super) fn split(
    folder: &Folder<'_>,
    invocation: &Invocation<'_>,
    package: &Package,
    lock: Option<Arc<SourceFile>>,
) -> Result<DependencyLayer, Refusal> {
    let settings = folder.file(".yarnrc.yml")?;
    let settings = settings.as_ref().map(Settings::read).unwrap_or_default();
    settings.names_no_files()?;
    settings.installs_node_modules()?;
    for zero_install in [".yarn/cache", ".yarn/unplugged", ".pnp.cjs", ".pnp.js", ".pnp.loader.mjs"] {
        if let Some(path) = folder.join(zero_install).filter(|path| folder.repository.tracks(path)) {
            let reason =
                format!("`{path}` is under version control, so that packages are installed from the repository");
            return Err(Refusal::new(reason, Location::File(path)));
        }
    }
    let ignores = invocation.value("--mode") == Some("skip-build") || settings.value("enableScripts") == Some("false");
    package.reads_manifests_only(folder, !ignores, is_own_patch)?;
    match &lock {
        Some(lock) => names_no_folder(lock, &["@portal:", "@link:", "@file:", "@exec:"])?,
        None if invocation.has("--immutable") => {
            return Err(Refusal::without_place("`yarn install --immutable` fails without a lock file"));
        }
        // The project is the folder of the lock file, else the uppermost one with a `package.json`.
        None => folder.nothing_above(&["package.json"])?,
    }
    let program = settings.program(folder)?;
    let outputs = folder.outputs(&["node_modules", ".yarn/cache", ".yarn/install-state.gz", ".yarn/unplugged"])?;
    let mut manifests = Manifests::default();
    manifests.add(folder.file(COREPACK_SETTINGS)?.as_ref());
    manifests.add(Some(&package.file));
    manifests.add(lock.as_ref());
    manifests.add(settings.file);
    manifests.add(folder.file(".env.yarn")?.as_ref());
    manifests.add(program.as_ref());
    for below in [".yarn/plugins", ".yarn/patches"] {
        for file in files_within(folder, below)? {
            manifests.add(Some(&file));
        }
    }
    Ok(manifests.layer("yarn", lock.as_ref(), outputs, !invocation.has("--immutable")))
}

/// Whether it is a patch that lies among the manifests, as `yarn patch-commit` writes it.
fn is_own_patch(version: &str) -> bool {
    let patch = version.strip_prefix("patch:").and_then(|rest| rest.rsplit_once('#')).map(|(_, path)| path);
    let path = patch.map(|path| path.trim_start_matches("~/").trim_start_matches("./"));
    path.is_some_and(|path| path.starts_with(".yarn/patches/") && !path.contains("..") && !path.contains('&'))
}

/// All tracked files at or below `relative`, which must be regular.
pub(super) fn files_within(folder: &Folder<'_>, relative: &str) -> Result<Vec<Arc<SourceFile>>, Refusal> {
    let Some(below) = folder.join(relative) else { return Ok(Vec::new()) };
    let mut files = Vec::new();
    for (path, _) in folder.repository.tracked_within(&below) {
        files.extend(folder.file(path.relative_to(folder.path).unwrap_or_default())?);
    }
    Ok(files)
}

/// The settings at the top level of a `.yarnrc.yml`: key, value, bytes of the line.
#[derive(Default)]
struct Settings<'a> {
    file: Option<&'a Arc<SourceFile>>,
    entries: Vec<(&'a str, &'a str, Span)>,
}

impl<'a> Settings<'a> {
    /// Reads the keys that start a line. A file in another style (flow mappings, anchors) has keys that are not known.
    fn read(file: &'a Arc<SourceFile>) -> Self {
        let lines = (1..=file.lines().line_count()).map(|line| file.lines().line_span(line));
        let entries = lines.filter_map(|span| {
            let line = span.slice(file.text()).trim_end();
            let starts_entry = !line.is_empty() && !line.starts_with([' ', '\t', '#', '-']);
            let (key, value) = line.split_once(':').unwrap_or((line, ""));
            starts_entry.then(|| (unquoted(key), unquoted(value.split(" #").next().unwrap_or_default()), span))
        });
        Self { file: Some(file), entries: entries.collect() }
    }

    fn value(&self, key: &str) -> Option<&'a str> {
        self.entries.iter().rev().find(|(name, ..)| *name == key).map(|(_, value, _)| *value)
    }

    fn refuse(&self, key: &str, reason: impl Into<String>) -> Refusal {
        let entry = self.entries.iter().rev().find(|(name, ..)| *name == key);
        let location = self.file.zip(entry).map(|(file, (.., span))| Location::new(file, *span));
        Refusal { reason: reason.into(), location }
    }

    fn names_no_files(&self) -> Result<(), Refusal> {
        match self.entries.iter().find(|(key, ..)| !HARMLESS_SETTINGS.contains(key)) {
            Some((key, ..)) => {
                Err(self.refuse(key, format!("`.yarnrc.yml` sets `{key}`, which may name files of the repository")))
            }
            None => Ok(()),
        }
    }

    fn installs_node_modules(&self) -> Result<(), Refusal> {
        if self.value("enableGlobalCache") == Some("false") {
            return Err(self.refuse("enableGlobalCache", "`.yarnrc.yml` keeps the package cache in the repository"));
        }
        match self.value("nodeLinker") {
            Some("node-modules" | "pnpm") => Ok(()),
            _ => Err(self.refuse(
                "nodeLinker",
                "yarn installs with Plug'n'Play, which keeps packages outside of `node_modules`",
            )),
        }
    }

    fn program(&self, folder: &Folder<'_>) -> Result<Option<Arc<SourceFile>>, Refusal> {
        let entry = self.entries.iter().rev().find(|(key, ..)| *key == "yarnPath");
        match self.file.zip(entry) {
            Some((file, (_, path, span))) => tracked_program(folder, file, path, *span).map(Some),
            None => Ok(None),
        }
    }
}

fn unquoted(text: &str) -> &str {
    text.trim().trim_matches(['"', '\''])
}

#[cfg(test)]
mod tests {
    use crate::ecosystem::tests::{layer, names, refusal};

    const PACKAGE: (&str, &str) = ("package.json", r#"{"packageManager": "yarn@4.1.0"}"#);
    const LOCK: (&str, &str) = ("yarn.lock", "__metadata:\n  version: 8\n\n\"a@workspace:.\":\n");
    const RC: (&str, &str) =
        (".yarnrc.yml", "nodeLinker: node-modules # as ever\nnpmAuthToken: \"${NPM_TOKEN:-none}\"\n");

    #[test]
    fn settings_programs_plugins_and_patches_are_manifests() {
        let rc = (
            ".yarnrc.yml",
            "nodeLinker: \"node-modules\"\n\nyarnPath: .yarn/releases/yarn-4.cjs\nplugins:\n  - path: x\n",
        );
        let files = [
            PACKAGE,
            LOCK,
            rc,
            (".yarn/releases/yarn-4.cjs", ""),
            (".yarn/plugins/p.cjs", ""),
            (".yarn/patches/a.patch", ""),
            (".yarn/releases/yarn-3.cjs", ""),
            (".env.yarn", "A=${B}\n"),
        ];
        let found = layer("yarn install --immutable", &files);
        assert_eq!(
            names(&found.manifests),
            [
                "package.json",
                "yarn.lock",
                ".yarnrc.yml",
                ".env.yarn",
                ".yarn/releases/yarn-4.cjs",
                ".yarn/plugins/p.cjs",
                ".yarn/patches/a.patch"
            ]
        );
        assert_eq!(names(&found.outputs), ["node_modules", ".yarn/cache", ".yarn/install-state.gz", ".yarn/unplugged"]);
        assert!(!found.may_rewrite_lock_file);
        assert_eq!(layer("yarn", &[PACKAGE, LOCK, RC]).variables, ["NPM_TOKEN"]);
    }

    #[test]
    fn plug_and_play_is_refused() {
        assert!(refusal("yarn", &[PACKAGE, LOCK]).0.contains("Plug'n'Play"));
        assert_eq!(
            refusal("yarn", &[PACKAGE, (".yarnrc.yml", "nodeLinker: pnp\n")]).1.as_deref(),
            Some("nodeLinker: pnp")
        );
        assert!(refusal("yarn", &[PACKAGE, LOCK, RC, (".yarn/cache/a.zip", "")]).0.contains(".yarn/cache"));
        assert!(refusal("yarn", &[PACKAGE, LOCK, RC, (".pnp.cjs", "")]).0.contains(".pnp.cjs"));
        let local_cache = (".yarnrc.yml", "nodeLinker: node-modules\nenableGlobalCache: false\n");
        assert_eq!(refusal("yarn", &[PACKAGE, LOCK, local_cache]).1.as_deref(), Some("enableGlobalCache: false"));
    }

    #[test]
    fn settings_that_are_not_known_are_refused() {
        for line in ["cacheFolder: .c", "httpsCaFilePath: ca.pem", "{nodeLinker: node-modules}", "\"yarnPath\" : x.cjs"]
        {
            let rc = format!("nodeLinker: node-modules\n{line}\n");
            assert_eq!(refusal("yarn", &[PACKAGE, LOCK, (".yarnrc.yml", &rc)]).1.as_deref(), Some(line));
        }
    }

    #[test]
    fn an_own_patch_is_allowed_and_others_are_not() {
        let with = |version: &str| {
            format!("{{\"packageManager\": \"yarn@4.1.0\", \"resolutions\": {{\"a\": \"{version}\"}}}}")
        };
        layer("yarn", &[("package.json", &with("patch:a@npm%3A1.0.0#~/.yarn/patches/a.patch")), LOCK, RC]);
        refusal("yarn", &[("package.json", &with("patch:a@npm%3A1.0.0#./patches/a.patch")), LOCK, RC]);
        refusal("yarn", &[("package.json", &with("portal:../a")), LOCK, RC]);
    }

    #[test]
    fn scripts_do_not_matter_where_they_do_not_run() {
        let package = ("package.json", r#"{"packageManager": "yarn@4.1.0", "scripts": {"postinstall": "x"}}"#);
        refusal("yarn", &[package, LOCK, RC]);
        layer("yarn --mode=skip-build", &[package, LOCK, RC]);
        layer("yarn", &[package, LOCK, (".yarnrc.yml", "nodeLinker: pnpm\nenableScripts: false\n")]);
        assert!(refusal("yarn --immutable", &[PACKAGE, RC]).0.contains("without a lock file"));
    }
}
