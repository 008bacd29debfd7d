use std::sync::Arc;

use serde_json::{Map, Value};

use super::Refusal;
use super::folder::Folder;
use crate::finding::Location;
use crate::source::SourceFile;
use crate::text::Span;

/// The scripts of a project that an install of its dependencies runs: npm's "scripts", life cycle of `npm ci`,
/// `npm install` and `npm rebuild`, `pnpm:devPreinstall` of pnpm, and what older npm ran.
const LIFECYCLE: &[&str] = &[
    "pnpm:devPreinstall",
    "preinstall",
    "install",
    "postinstall",
    "prepublish",
    "preprepare",
    "prepare",
    "postprepare",
    "dependencies",
];

/// The keys of `package.json` by which corepack takes the package manager.
const MANAGER: [&str; 2] = ["packageManager", "devEngines"];

/// The variables that corepack sets for itself (corepack, "Environment Variables").
pub(super) const COREPACK_SETTINGS: &str = ".corepack.env";

/// The tables of `package.json` that name dependencies, those that replace others included.
const DEPENDENCIES: &[&str] =
    &["dependencies", "devDependencies", "optionalDependencies", "peerDependencies", "overrides", "resolutions"];

/// Packages whose own install script reads or writes the project around them, and the start of the names of the
/// files that they look for; none where they always do.
const NOSY_PACKAGES: &[(&str, &[&str])] =
    &[("@prisma/client", &[]), ("prisma", &[]), ("msw", &[]), ("puppeteer", &[".puppeteerrc", "puppeteer.config."])];

/// A `package.json`, read.
pub(super) struct Package {
    pub(super) file: Arc<SourceFile>,
    root: Map<String, Value>,
}

impl Package {
    /// The `package.json` of `folder`.
    ///
    /// # Errors
    /// Where there is none, or it is no JSON object.
    pub(super) fn read(folder: &Folder<'_>) -> Result<Self, Refusal> {
        match folder.file("package.json")? {
            Some(file) => Self::parse(file),
            None => Err(Refusal::without_place(format!("there is no `package.json` in `{}`", folder.path))),
        }
    }

    fn parse(file: Arc<SourceFile>) -> Result<Self, Refusal> {
        let text = file.text().trim_start_matches('\u{feff}');
        match serde_json::from_str(text) {
            Ok(Value::Object(root)) => Ok(Self { file, root }),
            Ok(_) => {
                Err(Refusal::new(format!("`{}` is not a JSON object", file.path()), Location::new(&file, Span::at(0))))
            }
            Err(error) => {
                let line = file.lines().line_span(error.line());
                let at = (line.start() + error.column().saturating_sub(1)).min(file.text().len());
                let reason = format!("`{}` is not valid JSON", file.path());
                Err(Refusal::new(reason, Location::new(&file, Span::at(floor_char_boundary(file.text(), at)))))
            }
        }
    }

    /// Refuses what makes an install read more than manifests: scripts of the project, workspaces, dependencies that
    /// lie in the repository. `is_allowed` tells of forms that the package manager reads from its manifests.
    pub(super) fn reads_manifests_only(
        &self,
        folder: &Folder<'_>,
        runs_scripts: bool,
        is_allowed: fn(&str) -> bool,
    ) -> Result<(), Refusal> {
        self.no_workspaces()?;
        for above in folder.above("package.json")? {
            Self::parse(above)?.no_workspaces()?;
        }
        for table in DEPENDENCIES {
            self.no_local_dependency(self.root.get(*table), is_allowed)?;
        }
        if runs_scripts {
            self.no_lifecycle_script()?;
            self.no_native_addon(folder)?;
            self.no_nosy_package(folder)?;
        }
        Ok(())
    }

    /// Refuses where a `package.json` above says which package manager runs here, since this one does not: corepack
    /// looks for the nearest that does (corepack, "When building packages"). Its own settings lie beside that.
    pub(super) fn says_its_manager(&self, folder: &Folder<'_>) -> Result<(), Refusal> {
        if self.root.contains_key("packageManager") {
            return Ok(());
        }
        for above in folder.above("package.json")? {
            let above = Self::parse(above)?;
            if let Some(key) = MANAGER.iter().find(|key| above.root.contains_key(**key)) {
                return Err(above.refuse("says for the folders below it which package manager they use", key));
            }
        }
        folder.nothing_above(&[COREPACK_SETTINGS])
    }

    fn no_workspaces(&self) -> Result<(), Refusal> {
        let has_some = match self.root.get("workspaces") {
            None | Some(Value::Null) => false,
            Some(Value::Array(folders)) => !folders.is_empty(),
            Some(_) => true,
        };
        if has_some {
            Err(self.refuse("has workspaces, whose manifests lie in other folders", "workspaces"))
        } else {
            Ok(())
        }
    }

    fn no_lifecycle_script(&self) -> Result<(), Refusal> {
        let Some(Value::Object(scripts)) = self.root.get("scripts") else { return Ok(()) };
        if let Some(name) = LIFECYCLE.iter().find(|name| scripts.contains_key(**name)) {
            return Err(
                self.refuse(&format!("has a `{name}` script, which the install runs and which may read sources"), name)
            );
        }
        let patching =
            scripts.iter().find(|(_, script)| script.as_str().is_some_and(|text| text.contains("patch-package")));
        match patching {
            Some((name, _)) => Err(self.refuse("patches packages with `patch-package`", name)),
            None => Ok(()),
        }
    }

    /// npm, yarn and pnpm run node-gyp by themselves where there is a `binding.gyp`.
    fn no_native_addon(&self, folder: &Folder<'_>) -> Result<(), Refusal> {
        match folder.join("binding.gyp").filter(|path| folder.repository.tracks(path)) {
            Some(path) => {
                let reason = format!("`{path}` makes the install compile sources of the repository");
                Err(Refusal::new(reason, Location::File(path)))
            }
            None => Ok(()),
        }
    }

    fn no_nosy_package(&self, folder: &Folder<'_>) -> Result<(), Refusal> {
        if self.depends_on("patch-package") {
            return Err(self.refuse("depends on `patch-package`", "patch-package"));
        }
        for (name, files) in NOSY_PACKAGES.iter().filter(|(name, _)| self.depends_on(name)) {
            let here =
                folder.repository.tracked_within(folder.path).filter_map(|(path, _)| path.relative_to(folder.path));
            let finds_one = here.into_iter().any(|path| files.iter().any(|start| path.starts_with(start)));
            if files.is_empty() || finds_one {
                return Err(
                    self.refuse(&format!("depends on `{name}`, whose own install script reads the project"), name)
                );
            }
        }
        Ok(())
    }

    fn depends_on(&self, name: &str) -> bool {
        let mut tables = DEPENDENCIES.iter().take(4).filter_map(|table| self.root.get(*table)?.as_object());
        tables.any(|table| table.contains_key(name))
    }

    /// Overrides nest; serde_json has limited how deeply.
    fn no_local_dependency(&self, value: Option<&Value>, is_allowed: fn(&str) -> bool) -> Result<(), Refusal> {
        match value {
            Some(Value::String(version)) if is_local(version) && !is_allowed(version) => {
                let reason = format!("has the dependency `{version}`, which lies in the repository");
                Err(self.refuse(&reason, version))
            }
            Some(Value::Object(table)) => {
                table.values().try_for_each(|value| self.no_local_dependency(Some(value), is_allowed))
            }
            _ => Ok(()),
        }
    }

    /// The value behind `keys`, one object in another.
    pub(super) fn get(&self, keys: &[&str]) -> Option<&Value> {
        let (first, rest) = keys.split_first()?;
        rest.iter().try_fold(self.root.get(*first)?, |value, key| value.get(*key))
    }

    /// That the file is what keeps the split from being legal, and where in it `text` stands.
    pub(super) fn refuse(&self, what: &str, text: &str) -> Refusal {
        let quoted = Value::from(text).to_string();
        let location = match self.file.text().find(&quoted) {
            Some(at) => Location::new(&self.file, Span::new(at, at + quoted.len())),
            None => Location::File(self.file.path().clone()),
        };
        Refusal::new(format!("`{}` {what}", self.file.path()), location)
    }
}

/// Whether a version names a folder or a file, and not something that a registry or a remote repository has.
fn is_local(version: &str) -> bool {
    let version = version.trim();
    let is_protocol =
        |protocol: &&str| version.get(..protocol.len()).is_some_and(|start| start.eq_ignore_ascii_case(protocol));
    ["file:", "link:", "portal:", "workspace:", "patch:", "exec:"].iter().any(is_protocol)
        || version.starts_with(['.', '/', '~']) && !is_tilde_range(version)
        || version.contains("#~/")
        || [".tgz", ".tar", ".tar.gz"].iter().any(|end| version.ends_with(end)) && !version.contains("://")
}

/// `~1.2` is a range of versions, `~/x` a path.
fn is_tilde_range(version: &str) -> bool {
    version.strip_prefix('~').is_some_and(|rest| !rest.starts_with('/'))
}

fn floor_char_boundary(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use crate::ecosystem::Split;
    use crate::ecosystem::tests::{layer, refusal, split_in};

    fn refused(manifest: &str) -> Option<String> {
        refusal("npm i", &[("package.json", manifest)]).1
    }

    #[test]
    fn scripts_that_the_install_runs_are_refused_by_name() {
        for name in [
            "preinstall",
            "install",
            "postinstall",
            "prepublish",
            "preprepare",
            "prepare",
            "postprepare",
            "dependencies",
        ] {
            let manifest = format!("{{\"scripts\": {{\"build\": \"x\", \"{name}\": \"husky\"}}}}");
            let (reason, place) = refusal("npm ci", &[("package.json", &manifest), ("package-lock.json", "{}")]);
            assert!(reason.contains(&format!("`{name}` script")), "{reason}");
            assert_eq!(place, Some(format!("\"{name}\"")));
            layer("npm i --ignore-scripts", &[("package.json", &manifest)]);
            layer("npm i", &[("package.json", &manifest), (".npmrc", "ignore-scripts=true\n")]);
        }
        layer("npm i", &[("package.json", r#"{"scripts": {"build": "x", "prebuild": "y", "prepack": "z"}}"#)]);
    }

    #[test]
    fn dependencies_within_the_repository_are_refused() {
        for version in
            ["file:../a", "link:a", "portal:a", "workspace:*", "./a.tgz", "../a", "/a", "~/a", "a.tgz", "FILE:a"]
        {
            let manifest = format!("{{\"devDependencies\": {{\"a\": \"{version}\"}}}}");
            assert_eq!(refused(&manifest), Some(format!("\"{version}\"")), "{version}");
        }
        assert_eq!(refused(r#"{"overrides": {"a": {"b": "file:c"}}}"#).as_deref(), Some("\"file:c\""));
        for version in
            ["^1", "~1.2", "*", "npm:b@1", "github:a/b", "git+https://h/a.git", "https://h/a.tgz", "latest", ""]
        {
            layer("npm i", &[("package.json", &format!("{{\"dependencies\": {{\"a\": \"{version}\"}}}}"))]);
        }
    }

    #[test]
    fn workspaces_are_refused_here_and_above() {
        assert_eq!(refused(r#"{"workspaces": ["a"]}"#).as_deref(), Some("\"workspaces\""));
        assert_eq!(refused(r#"{"workspaces": {"packages": []}}"#).as_deref(), Some("\"workspaces\""));
        layer("npm i", &[("package.json", r#"{"workspaces": []}"#)]);
        let below =
            split_in("web", "npm i", &[("package.json", r#"{"workspaces": ["web"]}"#), ("web/package.json", "{}")]);
        assert!(matches!(below, Split::NotLegal { .. }));
        let pinned = ("package.json", r#"{"packageManager": "pnpm@9.0.0+sha512.a"}"#);
        for (command, lock) in [("pnpm i", "web/pnpm-lock.yaml"), ("yarn", "web/yarn.lock")] {
            let found = |own: &str| split_in("web", command, &[pinned, ("web/package.json", own), (lock, "")]);
            assert!(matches!(found("{}"), Split::NotLegal { reason, .. } if reason.contains("package manager")));
            assert!(matches!(found(r#"{"packageManager": "yarn@1.22.22"}"#), Split::Legal(_)), "{command}");
            let settings =
                split_in("web", command, &[("web/package.json", "{}"), (lock, ""), ("web/.corepack.env", "")]);
            assert!(matches!(settings, Split::Legal(layer) if layer.manifests.len() == 3), "{command}");
        }
        let beside = split_in("web", "npm i", &[("package.json", "{}"), ("web/package.json", "{}")]);
        assert!(matches!(beside, Split::Legal(_)));
    }

    #[test]
    fn what_patches_or_compiles_or_reads_the_project_is_refused() {
        assert_eq!(refused(r#"{"devDependencies": {"patch-package": "1"}}"#).as_deref(), Some("\"patch-package\""));
        assert_eq!(refused(r#"{"scripts": {"fix": "patch-package"}}"#).as_deref(), Some("\"fix\""));
        assert_eq!(refused(r#"{"dependencies": {"@prisma/client": "1"}}"#).as_deref(), Some("\"@prisma/client\""));
        let addon = refusal("npm i", &[("package.json", "{}"), ("binding.gyp", "{}")]);
        assert_eq!(addon.1.as_deref(), Some("binding.gyp"));
        let puppeteer = r#"{"dependencies": {"puppeteer": "1"}}"#;
        layer("npm i", &[("package.json", puppeteer), ("src/.puppeteerrc.js", "")]);
        refusal("npm i", &[("package.json", puppeteer), (".puppeteerrc.cjs", "")]);
    }

    #[test]
    fn a_manifest_that_cannot_be_read_is_refused_where_it_ends() {
        let (reason, place) = refusal("npm i", &[("package.json", "{\n  \"é\": x\n}")]);
        assert_eq!((reason.as_str(), place.as_deref()), ("`package.json` is not valid JSON", Some("")));
        assert!(refusal("npm i", &[("package.json", "[]")]).0.contains("not a JSON object"));
        assert!(refusal("npm i", &[("package.json", &"[".repeat(100_000))]).0.contains("not valid JSON"));
        layer("npm i", &[("package.json", "\u{feff}{}")]);
    }
}
