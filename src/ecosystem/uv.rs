use std::sync::Arc;

use super::caches::Cache;
use super::folder::{Folder, Manifests, names_no_folder};
use super::invocation::{Invocation, Options};
use super::toml::{self, Entry};
use super::{DependencyLayer, Ecosystem, Refusal};
use crate::finding::Location;
use crate::source::SourceFile;

/// The environment is `.venv`. From another file system uv copies instead of linking (uv, "Using uv in Docker").
pub(super) const ECOSYSTEM: Ecosystem = Ecosystem {
    split,
    is_harmless: |folder, words| match words {
        ["uv", "-V" | "--version" | "version"] => true,
        ["uv", "venv"] => folder.outputs(&[".venv"]).is_ok(),
        _ => false,
    },
    redirecting: &[
        "UV_BUILD_CONSTRAINT",
        "UV_CONFIG_FILE",
        "UV_CONSTRAINT",
        "UV_FIND_LINKS",
        "UV_OVERRIDE",
        "UV_PROJECT",
        "UV_PROJECT_ENVIRONMENT",
        "UV_WORKING_DIRECTORY",
    ],
    cache: Some(Cache {
        moved_by: &[("UV_CACHE_DIR", ""), ("UV_NO_CACHE", ""), ("XDG_CACHE_HOME", ""), ("UV_LINK_MODE", "symlink")],
        relied_on: |folder, commands| {
            let is_linked = commands.iter().flatten().any(|word| word.ends_with("symlink"));
            let is_linked =
                is_linked || ["pyproject.toml", "uv.toml"].iter().any(|name| links_by_setting(folder, name));
            is_linked.then(|| "uv links what it installs to its downloads".to_owned())
        },
        ..Cache::new("uv", installs, |_, _| &["/root/.cache/uv"])
    }),
};

/// Options of `uv sync` that read no other file. uv, "Commands": uv sync.
const OPTIONS: Options = Options {
    flags: &[
        "--all-extras",
        "--all-groups",
        "--cache",
        "--compile-bytecode",
        "--default-groups",
        "--dev",
        "--editable",
        "--frozen",
        "--inexact",
        "--install-project",
        "--install-workspace",
        "--locked",
        "--progress",
        "--quiet",
        "--verbose",
        "-n",
        "-q",
        "-v",
    ],
    valued: &["--extra", "--group", "--link-mode", "--only-group", "--python", "-p"],
};

/// The files that uv looks for up to the root (uv, "Configuration files", "Workspaces", "Python versions").
const READ_ABOVE: &[&str] = &["pyproject.toml", "uv.toml", ".python-version", ".python-versions"];

/// The files in which uv looks for the version of Python.
fn versions(folder: &Folder<'_>) -> Result<Vec<Arc<SourceFile>>, Refusal> {
    let files = [folder.file(".python-version")?, folder.file(".python-versions")?];
    Ok(files.into_iter().flatten().collect())
}

/// What `uv pip` reads beside the requirements.
///
/// # Errors
/// Where there are settings of uv, or something stands above the folder.
pub(super) fn settings_of_pip(folder: &Folder<'_>) -> Result<Vec<Arc<SourceFile>>, Refusal> {
    folder.nothing_above(READ_ABOVE)?;
    let project = folder.file("pyproject.toml")?;
    let has_settings = |file: &Arc<SourceFile>| file.path().file_name() == "uv.toml" || file.text().contains("tool.uv");
    if let Some(file) = [project.clone(), folder.file("uv.toml")?].into_iter().flatten().find(has_settings) {
        let reason = format!("`{}` has settings of uv, which may name other files", file.path());
        return Err(Refusal::new(reason, Location::File(file.path().clone())));
    }
    Ok(project.into_iter().chain(versions(folder)?).collect())
}

/// Whether a file of settings has `link-mode = "symlink"` (uv, "Settings": link-mode), or cannot be read.
fn links_by_setting(folder: &Folder<'_>, name: &str) -> bool {
    let is_link = |entry: &Entry<'_>| entry.has_key("link-mode") && entry.value.contains("symlink");
    folder.file(name).map_or(true, |file| file.is_some_and(|file| toml::entries(&file).iter().any(is_link)))
}

fn installs(words: &[&str]) -> bool {
    matches!(words, ["uv", "sync" | "pip" | "run" | "add" | "lock" | "tool" | "build", rest @ ..] if !rest.contains(&"--no-cache"))
}

/// `uv sync`, where it does not install the project itself.
fn split(folder: &Folder<'_>, words: &[&str]) -> Result<Option<DependencyLayer>, Refusal> {
    let ["uv", "sync", arguments @ ..] = words else { return Ok(None) };
    let invocation = Invocation::read(arguments, &OPTIONS);
    if invocation.asks_for_help() {
        return Ok(None);
    }
    invocation.only_known_options()?;
    let Some(project) = folder.file("pyproject.toml")? else {
        return Err(Refusal::without_place(format!("there is no `pyproject.toml` in `{}`", folder.path)));
    };
    folder.nothing_above(READ_ABOVE)?;
    let entries = toml::entries(&project);
    let leaves_out = |option: &&str| arguments.contains(option);
    let is_package = entries.iter().any(|entry| entry.table == "build-system")
        || entries.iter().any(|entry| entry.table == "tool.uv" && entry.key == "package" && entry.value == "true");
    if is_package && !["--no-install-project", "--no-install-workspace"].iter().any(leaves_out) {
        return Err(Refusal::without_place("without `--no-install-project` uv installs the sources too"));
    }
    names_nothing_here(&project, &entries, invocation.has("--frozen"))?;
    let lock = folder.file("uv.lock")?;
    match &lock {
        Some(lock) => has_no_local_source(lock)?,
        None if invocation.has("--frozen") || invocation.has("--locked") => {
            return Err(Refusal::without_place("`uv sync` fails without a lock file"));
        }
        None => {}
    }
    let settings = folder.file("uv.toml")?;
    settings.as_ref().map_or(Ok(()), |file| names_nothing_here(file, &toml::entries(file), true))?;
    let outputs = folder.outputs(&[".venv"])?;
    let mut manifests = Manifests::default();
    for file in [Some(&project), lock.as_ref(), settings.as_ref()] {
        manifests.add(file);
    }
    versions(folder)?.iter().for_each(|file| manifests.add(Some(file)));
    let is_fixed = invocation.has("--frozen") || invocation.has("--locked");
    Ok(Some(manifests.layer("uv", lock.as_ref(), outputs, !is_fixed)))
}

/// Refuses workspaces, folders, and what has to be computed by the project's own build (uv, "Dependency sources").
fn names_nothing_here(file: &Arc<SourceFile>, entries: &[Entry<'_>], is_frozen: bool) -> Result<(), Refusal> {
    names_no_folder(file, &["@ file:"])?;
    let is_of_uv = |entry: &Entry<'_>| entry.table.starts_with("tool.uv") || file.path().file_name() == "uv.toml";
    let found = entries.iter().find_map(|entry| {
        let names_place = matches!(entry.key, "url" | "index-url" | "extra-index-url" | "find-links");
        if entry.table.starts_with("tool.uv.workspace") || is_of_uv(entry) && entry.has_key("workspace") {
            Some((entry, "has a workspace"))
        } else if is_of_uv(entry) && (entry.has_key("path") || names_place && !entry.value.contains("://")) {
            Some((entry, "has dependencies within the repository"))
        } else if entry.table == "project" && entry.key == "dynamic" && !is_frozen {
            Some((entry, "lets the build of the sources say what it is"))
        } else {
            None
        }
    });
    match found {
        Some((entry, what)) => Err(Refusal::new(format!("`{}` {what}", file.path()), Location::new(file, entry.span))),
        None => Ok(()),
    }
}

/// The project itself is a source of the lock file too; any other folder is one more.
fn has_no_local_source(lock: &Arc<SourceFile>) -> Result<(), Refusal> {
    let entries = toml::entries(lock);
    let is_local = |entry: &&Entry<'_>| {
        let names_folder = ["editable", "virtual", "directory", "path"].iter().any(|key| entry.has_key(key));
        entry.key == "source" && names_folder && !entry.value.contains("\".\"")
    };
    match entries.iter().find(is_local) {
        Some(entry) => {
            let reason = format!("`{}` has dependencies within the repository", lock.path());
            Err(Refusal::new(reason, Location::new(lock, entry.span)))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use crate::ecosystem::Split;
    use crate::ecosystem::tests::{caches, harmless, layer, names, refusal, split_in};

    const PROJECT: (&str, &str) = ("pyproject.toml", "[project]\nname = \"a\"\ndependencies = [\n  \"flask\",\n]\n");
    const LOCK: (&str, &str) = ("uv.lock", "[[package]]\nname = \"a\"\nsource = { virtual = \".\" }\n");

    #[test]
    fn dependencies_alone_are_a_layer() {
        let found = layer("uv sync --frozen --no-dev", &[PROJECT, LOCK, (".python-version", "3.12")]);
        assert_eq!(names(&found.manifests), ["pyproject.toml", "uv.lock", ".python-version"]);
        assert_eq!((found.ecosystem, names(&found.outputs), found.may_rewrite_lock_file), ("uv", vec![".venv"], false));
        let package = ("pyproject.toml", "[project]\nname = \"a\"\n[build-system]\nrequires = []\n");
        layer("uv sync --locked --no-install-project", &[package, LOCK]);
        assert!(refusal("uv sync --locked", &[package, LOCK]).0.contains("--no-install-project"));
    }

    #[test]
    fn workspaces_and_folders_are_refused() {
        for text in [
            "[tool.uv.workspace]\nmembers = [\"a\"]\n",
            "[tool.uv.sources]\na = { path = \"a\" }\n",
            "[tool.uv.sources]\na = { workspace = true }\n",
            "[project]\ndynamic = [\"version\"]\n",
            "[[tool.uv.index]]\nurl = \"./wheels\"\n",
            "[project]\ndependencies = [\"a @ file:///a\"]\n",
        ] {
            refusal("uv sync --locked", &[("pyproject.toml", text), LOCK]);
        }
        refusal("uv sync", &[PROJECT, ("uv.lock", "[[package]]\nsource = { editable = \"lib\" }\n")]);
        refusal("uv sync --frozen", &[PROJECT]);
        refusal("uv sync --package a", &[PROJECT, LOCK]);
        refusal("uv sync", &[PROJECT, LOCK, (".venv/x", "")]);
    }

    #[test]
    fn what_stands_above_is_refused() {
        let own = [("web/pyproject.toml", PROJECT.1), ("web/uv.lock", LOCK.1)];
        let found = |above: (&'static str, &'static str)| split_in("web", "uv sync", &[own[0], own[1], above]);
        assert!(matches!(found(("web/.python-versions", "3.12")), Split::Legal(layer) if layer.manifests.len() == 3));
        for name in ["pyproject.toml", "uv.toml", ".python-version", ".python-versions"] {
            assert!(matches!(found((name, "")), Split::NotLegal { .. }), "{name}");
        }
    }

    #[test]
    fn downloads_are_mounted_unless_they_are_linked_to() {
        assert_eq!(caches("uv sync", &[]), Ok("--mount=type=cache,target=/root/.cache/uv".to_owned()));
        assert!(caches("uv sync --link-mode=symlink", &[]).is_err());
        let setting = ("pyproject.toml", "[tool.uv]\nlink-mode = \"symlink\"\n");
        assert!(caches("uv sync", &[setting]).is_err() && caches("uv sync", &[PROJECT]).is_ok());
        assert!(caches("uv sync", &[("uv.toml", "link-mode = 'symlink'\n")]).is_err());
        assert!(harmless("uv --version", &[]) && harmless("uv venv", &[]) && !harmless("uv run x", &[]));
    }
}
